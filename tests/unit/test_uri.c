/* SPDX-License-Identifier: MIT */
#include "sip/uri.h"

#include "unit/sip_case.h"

static struct sip_uri good(const char *text)
{
    struct sip_uri u;
    if (sip_uri_parse(str_from_c(text), &u) != FAULT_NONE)
        fail_msg("\"%s\" was not read", text);
    return u;
}

static void all_parts_are_found(void **state)
{
    (void)state;
    struct sip_uri u = good("SIPS:alice:secret@Example.com:5061;transport=tls;lr?Subject=x&y=z");
    assert_str(u.scheme, STR("SIPS"));
    assert_str(u.user, STR("alice"));
    assert_str(u.host, STR("Example.com"));
    assert_int_equal(u.port, 5061);
    assert_str(u.params, STR("transport=tls;lr"));
    assert_str(u.headers, STR("Subject=x&y=z"));
}

static void only_the_host_must_be_there(void **state)
{
    (void)state;
    struct sip_uri u = good("sip:example.com");
    assert_int_equal(u.user.len, 0);
    assert_str(u.host, STR("example.com"));
    assert_int_equal(u.port, 0);
    assert_int_equal(u.params.len + u.headers.len, 0);
}

static void a_gruu_is_user_and_parameters(void **state)
{
    (void)state;
    struct str opaque, gruu;
    struct sip_uri u = good("sip:alice@example.com;opaque=user:epid:21nYNIVlkV-jtN6FPBU0fQAA;gruu");
    assert_str(u.user, STR("alice"));
    assert_true(sip_param_find(u.params, STR("opaque"), &opaque));
    assert_str(opaque, STR("user:epid:21nYNIVlkV-jtN6FPBU0fQAA"));
    assert_true(sip_param_find(u.params, STR("GRUU"), &gruu));
    assert_int_equal(gruu.len, 0);
    assert_false(sip_param_find(u.params, STR("epid"), &gruu));
}

/* RFC 4475 3.1.1.9 */
static void a_user_may_hold_semicolons_and_question_marks(void **state)
{
    (void)state;
    struct sip_uri u = good("sip:user;par=u%40example.net?x@example.com");
    assert_str(u.user, STR("user;par=u%40example.net?x"));
    assert_str(u.host, STR("example.com"));
    assert_int_equal(u.params.len, 0);
}

static void an_ipv6_host_keeps_its_brackets(void **state)
{
    (void)state;
    struct sip_uri u = good("sip:[2001:db8::9:1]:5070");
    assert_str(u.host, STR("[2001:db8::9:1]"));
    assert_int_equal(u.port, 5070);
}

static void a_tel_uri_is_a_number_without_host(void **state)
{
    (void)state;
    struct sip_uri u = good("tel:+15550100;phone-context=example.com");
    assert_str(u.scheme, STR("tel"));
    assert_str(u.user, STR("+15550100"));
    assert_int_equal(u.host.len, 0);
}

static void what_cannot_be_read_is_a_fault(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",           "sip",       "sip:",        "sip:@b",        "sip:a@",      "sip:a@@b",
        "sip:a@b@c",  "sip:a@b:",  "sip:a@b:0",   "sip:a@b:70000", "sip:a@b:x",   "sip:a b@c",
        "sip:a@b c",  "<sip:a@b>", "sip:a<@b",    "sip:a\"@b",     "sip:a@b\r\n", "sip:a%4@b",
        "sip:a%zz@b", "sip:a%@b",  "sip:a@[::1",  "sip:a@[]",      "sip:a@b/c",   "1sip:a@b",
        ":a@b",       "sip:a@b\t", "sip:a@b\x7f", "sip:a@b;x=<y>",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct sip_uri u;
        if (sip_uri_parse(str_from_c(bad[i]), &u) != FAULT_SIP_URI)
            fail_msg("\"%s\" was read", bad[i]);
    }
    struct sip_uri u;
    assert_int_equal(sip_uri_parse(STR("sip:a\0b@c"), &u), FAULT_SIP_URI);
}

static void the_key_of_a_user_is_one_whatever_the_spelling(void **state)
{
    struct sip_case *c = *state;
    static const char *const spellings[] = {
        "sip:alice.b@example.com",
        "SIP:Alice.B@EXAMPLE.com",
        "sip:alice.b@example.com:5061;transport=tls",
        "sip:alice.b:password@example.com?x=y",
        "sip:%61lice%2Eb@example.com",
        "sip:%41lice%2eb@example.com;opaque=user:epid:x;gruu",
    };
    for (size_t i = 0; i < ARRAY_LEN(spellings); i++) {
        struct sip_uri u = good(spellings[i]), first = good(spellings[0]);
        assert_str(sip_uri_user_key(&u, &c->arena), STR("sip:alice.b@example.com"));
        assert_true(sip_uri_same_user(&u, &first));
    }
}

static void other_users_have_other_keys(void **state)
{
    (void)state;
    static const char *const others[] = {
        "sip:alice@example.com",     "sip:alice.b@example.org",
        "sip:alice.bc@example.com",  "sip:bob@example.com",
        "sip:example.com",           "tel:+1555",
        "sip:alice%40b@example.com", "sip:alice.b%20@example.com",
    };
    struct sip_uri alice = good("sip:alice.b@example.com");
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        struct sip_uri u = good(others[i]);
        assert_false(sip_uri_same_user(&alice, &u));
        assert_false(sip_uri_same_user(&u, &alice));
    }
}

/* %40 is not '@' in a key, %00 ends none: a key cannot be made to look like another user's. */
static void reserved_characters_stay_escaped_in_the_key(void **state)
{
    struct sip_case *c = *state;
    struct sip_uri u = good("sip:a%40evil.com%00%2F@example.com");
    assert_str(sip_uri_user_key(&u, &c->arena), STR("sip:a%40evil.com%00%2f@example.com"));
}

static void without_user_there_is_no_key(void **state)
{
    struct sip_case *c = *state;
    struct sip_uri host = good("sip:example.com"), number = good("tel:+1555");
    assert_int_equal(sip_uri_user_key(&host, &c->arena).len, 0);
    assert_int_equal(sip_uri_user_key(&number, &c->arena).len, 0);
    assert_false(sip_uri_same_user(&host, &host));
}

static void a_spent_arena_gives_no_key(void **state)
{
    (void)state;
    struct arena small;
    struct sip_uri u = good("sip:alice.with.a.long.name@example.com");
    arena_init(&small, 16, 16);
    assert_int_equal(sip_uri_user_key(&u, &small).len, 0);
    assert_true(small.exhausted);
    arena_fini(&small);
}

static void parameters_are_found_by_whole_name(void **state)
{
    (void)state;
    struct str params = STR(" a = 1 ;B;c=\"x;d=2\";;d=3;a=4"), value;
    assert_true(sip_param_find(params, STR("a"), &value));
    assert_str(value, STR("1"));
    assert_true(sip_param_find(params, STR("b"), &value));
    assert_int_equal(value.len, 0);
    assert_true(sip_param_find(params, STR("d"), &value));
    assert_str(value, STR("3"));
    assert_false(sip_param_find(params, STR("e"), &value));
    assert_false(sip_param_find(STR_NONE, STR("a"), &value));
    assert_true(sip_param_find(STR(";lr"), STR("LR"), &value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_parts_are_found),
        cmocka_unit_test(only_the_host_must_be_there),
        cmocka_unit_test(a_gruu_is_user_and_parameters),
        cmocka_unit_test(a_user_may_hold_semicolons_and_question_marks),
        cmocka_unit_test(an_ipv6_host_keeps_its_brackets),
        cmocka_unit_test(a_tel_uri_is_a_number_without_host),
        cmocka_unit_test(what_cannot_be_read_is_a_fault),
        SIP_CASE_TEST(the_key_of_a_user_is_one_whatever_the_spelling),
        cmocka_unit_test(other_users_have_other_keys),
        SIP_CASE_TEST(reserved_characters_stay_escaped_in_the_key),
        SIP_CASE_TEST(without_user_there_is_no_key),
        cmocka_unit_test(a_spent_arena_gives_no_key),
        cmocka_unit_test(parameters_are_found_by_whole_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
