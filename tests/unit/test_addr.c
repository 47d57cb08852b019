/* SPDX-License-Identifier: MIT */
#include "sip/addr.h"

#include "unit/sip_case.h"

static struct sip_addr good(const char *text, struct str *rest)
{
    struct sip_addr a;
    if (sip_addr_parse(str_from_c(text), &a, rest) != FAULT_NONE)
        fail_msg("\"%s\" was not read", text);
    return a;
}

static void from_as_communicator_sends_it(void **state)
{
    (void)state;
    struct sip_addr a = good("<sip:alice@example.test>;tag=3e49177a52;epid=c8ca638a15", NULL);
    assert_int_equal(a.name.len, 0);
    assert_str(a.uri, STR("sip:alice@example.test"));
    assert_str(sip_addr_tag(&a), STR("3e49177a52"));
    assert_str(sip_addr_epid(&a), STR("c8ca638a15"));
}

static void the_uri_is_taken_as_it_stands(void **state)
{
    (void)state;
    struct sip_addr a = good("<SIP:Alice@Example.TEST;transport=tls?x=y>;tag=1", NULL);
    assert_str(a.uri, STR("SIP:Alice@Example.TEST;transport=tls?x=y"));
    assert_str(a.params, STR("tag=1"));
}

static void without_brackets_parameters_belong_to_the_header(void **state)
{
    (void)state;
    struct sip_addr a = good("sip:alice@example.test ; tag = 1", NULL);
    assert_str(a.uri, STR("sip:alice@example.test"));
    assert_str(sip_addr_tag(&a), STR("1"));
}

static void names_are_kept_with_their_quotes(void **state)
{
    (void)state;
    struct sip_addr a = good("\"Bell, <Alex> \\\"A\\\" \\\\\" <sip:a@b>;tag=1", NULL);
    assert_str(a.name, STR("\"Bell, <Alex> \\\"A\\\" \\\\\""));
    assert_str(a.uri, STR("sip:a@b"));
    a = good("caller<sip:a@b>", NULL);
    assert_str(a.name, STR("caller"));
    a = good("A. Bell <sip:a@b>", NULL);
    assert_str(a.name, STR("A. Bell"));
    a = good("\xc3\x84nne <sip:a@b>", NULL);
    assert_str(a.name, STR("\xc3\x84nne"));
}

static void contact_parameters_lose_their_quotes(void **state)
{
    (void)state;
    struct sip_addr a = good("<sip:192.0.2.7:2616;transport=tls>;methods=\"INVITE, MESSAGE\";"
                             "proxy=replace;+sip.instance=\"<urn:uuid:34D8>\"",
                             NULL);
    assert_str(sip_addr_param(&a, STR("methods")), STR("INVITE, MESSAGE"));
    assert_str(sip_addr_param(&a, STR("PROXY")), STR("replace"));
    assert_str(sip_addr_param(&a, STR("+SIP.instance")), STR("<urn:uuid:34D8>"));
    assert_int_equal(sip_addr_param(&a, STR("transport")).len, 0);
}

/* A tag inside a quoted value is not the tag. */
static void quoted_values_hide_what_looks_like_a_parameter(void **state)
{
    (void)state;
    struct sip_addr a = good("<sip:a@b>;x=\"y;tag=forged\";tag=true", NULL);
    assert_str(sip_addr_tag(&a), STR("true"));
    a = good("\"x\" <sip:a@b;tag=uri>", NULL);
    assert_int_equal(sip_addr_tag(&a).len, 0);
    a = good("\"<sip:evil@b>;tag=name\" <sip:a@b>", NULL);
    assert_str(a.uri, STR("sip:a@b"));
    assert_int_equal(sip_addr_tag(&a).len, 0);
}

static void a_list_is_read_one_by_one(void **state)
{
    (void)state;
    struct str rest;
    struct sip_addr a = good("<sip:a@b,c>;m=\"x,y\" , \"p,q\" <sip:d@e>,sip:f@g", &rest);
    assert_str(a.uri, STR("sip:a@b,c"));
    assert_int_equal(sip_addr_parse(rest, &a, &rest), FAULT_NONE);
    assert_str(a.uri, STR("sip:d@e"));
    assert_int_equal(sip_addr_parse(rest, &a, &rest), FAULT_NONE);
    assert_str(a.uri, STR("sip:f@g"));
    assert_int_equal(rest.len, 0);
}

static void a_second_address_where_one_belongs_is_a_fault(void **state)
{
    (void)state;
    struct sip_addr a;
    assert_int_equal(sip_addr_parse(STR("<sip:a@b>;tag=1, <sip:c@d>"), &a, NULL),
                     FAULT_SIP_ADDRESS);
    assert_int_equal(sip_addr_parse(STR("<sip:a@b>;x=\", <sip:c@d>\""), &a, NULL), FAULT_NONE);
}

static void folds_may_stand_where_blanks_may(void **state)
{
    (void)state;
    struct sip_addr a = good("\"J Rosenberg\"\r\n  <sip:j@example.com>\r\n ;\r\n tag = 98", NULL);
    assert_str(a.uri, STR("sip:j@example.com"));
    assert_str(sip_addr_tag(&a), STR("98"));
}

static void what_cannot_be_read_is_a_fault(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "*",
        "<>",
        "<sip:a@b",
        "sip:a@b>",
        "\"unbalanced <sip:a@b>",
        "\"quoted\" sip:a@b",
        "two \"names\" <sip:a@b>",
        "< sip:a@b >",
        "<sip:a b>",
        "<sip:a@b\r\n c>",
        "<<sip:a@b>>",
        "<sip:\"a@b>",
        "<sip:a@b> trailing",
        "<sip:a@b>;x=\"open",
        "Bell, Alexander <sip:a@b>",
        "sip:a@b?Route=x",
        "alice",
        "<alice>",
        "<:x>",
        "sip:a@b c",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct sip_addr a;
        struct str rest;
        if (sip_addr_parse(str_from_c(bad[i]), &a, &rest) != FAULT_SIP_ADDRESS)
            fail_msg("\"%s\" was read", bad[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(from_as_communicator_sends_it),
        cmocka_unit_test(the_uri_is_taken_as_it_stands),
        cmocka_unit_test(without_brackets_parameters_belong_to_the_header),
        cmocka_unit_test(names_are_kept_with_their_quotes),
        cmocka_unit_test(contact_parameters_lose_their_quotes),
        cmocka_unit_test(quoted_values_hide_what_looks_like_a_parameter),
        cmocka_unit_test(a_list_is_read_one_by_one),
        cmocka_unit_test(a_second_address_where_one_belongs_is_a_fault),
        cmocka_unit_test(folds_may_stand_where_blanks_may),
        cmocka_unit_test(what_cannot_be_read_is_a_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
