/* SPDX-License-Identifier: MIT */
#include "sip/via.h"

#include "unit/sip_case.h"

static struct sip_via good(const char *text, struct str *rest)
{
    struct sip_via via;
    if (sip_via_parse(str_from_c(text), &via, rest) != FAULT_NONE)
        fail_msg("\"%s\" was not read", text);
    return via;
}

static void a_via_without_branch_is_what_communicator_sends(void **state)
{
    (void)state;
    struct str rest;
    struct sip_via via = good("SIP/2.0/TLS 192.0.2.7:2616", &rest);
    assert_str(via.transport, STR("TLS"));
    assert_str(via.host, STR("192.0.2.7"));
    assert_int_equal(via.port, 2616);
    assert_int_equal(via.params.len, 0);
    assert_int_equal(via.branch.len, 0);
    assert_int_equal(rest.len, 0);
}

static void spelling_is_kept(void **state)
{
    (void)state;
    struct sip_via via = good("SIP/2.0/tcp Host.Example.COM;Branch=z9hG4bKabc;x", NULL);
    assert_str(via.transport, STR("tcp"));
    assert_str(via.host, STR("Host.Example.COM"));
    assert_int_equal(via.port, 0);
    assert_str(via.params, STR("Branch=z9hG4bKabc;x"));
    assert_str(via.branch, STR("z9hG4bKabc"));
}

static void an_ipv6_host_keeps_its_brackets(void **state)
{
    (void)state;
    struct sip_via via = good("SIP/2.0/TLS [2001:db8::1]:5061;branch=b", NULL);
    assert_str(via.host, STR("[2001:db8::1]"));
    assert_int_equal(via.port, 5061);
}

/* RFC 4475 3.1.1.1 */
static void blanks_and_folds_may_stand_between_the_parts(void **state)
{
    (void)state;
    struct str rest;
    struct sip_via via =
        good("SIP  /   2.0\r\n /UDP\r\n    192.0.2.2 : 5060 ;\r\n branch =\r\n 39", &rest);
    assert_str(via.transport, STR("UDP"));
    assert_str(via.host, STR("192.0.2.2"));
    assert_int_equal(via.port, 5060);
    assert_str(via.branch, STR("39"));
}

static void a_list_is_read_one_by_one(void **state)
{
    (void)state;
    struct str rest;
    struct sip_via via = good("SIP/2.0/TCP a;b=\"x,y\" , SIP/2.0/UDP c;d", &rest);
    assert_str(via.host, STR("a"));
    assert_str(via.params, STR("b=\"x,y\""));
    assert_int_equal(sip_via_parse(rest, &via, &rest), FAULT_NONE);
    assert_str(via.host, STR("c"));
    assert_int_equal(rest.len, 0);
}

static void what_cannot_be_read_is_a_fault(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "SIP/2.0/TLS",
        "SIP/2.0/TLS ",
        "SIP/2.0 192.0.2.7",
        "SIP/3.0/TLS 192.0.2.7",
        "HTTP/2.0/TLS 192.0.2.7",
        "SIP/2.0/ 192.0.2.7",
        "SIP/2.0/TLS192.0.2.7:x",
        "SIP/2.0/TLS host:",
        "SIP/2.0/TLS host:0",
        "SIP/2.0/TLS host:65536",
        "SIP/2.0/TLS host:-1",
        "SIP/2.0/TLS [::1",
        "SIP/2.0/TLS [x]",
        "SIP/2.0/TLS host more",
        "SIP/2.0/TLS host;",
        "SIP/2.0/TLS host;;x",
        "SIP/2.0/TLS host;=x",
        "SIP/2.0/TLS host;a=\"x",
        "SIP/2.0/UDP 192.0.2.15;;,;,,",
        "SIP/2.0/TLS <host>",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct sip_via via;
        struct str rest;
        if (sip_via_parse(str_from_c(bad[i]), &via, &rest) != FAULT_SIP_VIA)
            fail_msg("\"%s\" was read", bad[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_via_without_branch_is_what_communicator_sends),
        cmocka_unit_test(spelling_is_kept),
        cmocka_unit_test(an_ipv6_host_keeps_its_brackets),
        cmocka_unit_test(blanks_and_folds_may_stand_between_the_parts),
        cmocka_unit_test(a_list_is_read_one_by_one),
        cmocka_unit_test(what_cannot_be_read_is_a_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
