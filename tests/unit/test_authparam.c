/* SPDX-License-Identifier: MIT */
#include "sip/authparam.h"

#include <stdlib.h>

#include "base/buf.h"

#include "unit/sip_case.h"

static void refused(struct str in)
{
    struct sip_auth a;
    assert_int_equal(sip_auth_parse(in, &a), FAULT_SIP_AUTHORIZATION);
}

static void a_clients_answer_is_read(void **state)
{
    (void)state;
    struct sip_auth a;
    struct str in = STR("NTLM qop=\"auth\", realm=\"SIP Communications Service\", opaque=\"7A2C\", "
                        "targetname=\"fe01.example.com\", version=4, crand=\"0a1b2c3d\", "
                        "cnum=\"1\", response=\"01000000\", gssapi-data=\"TlRMTVNTUAAD==\"");

    assert_int_equal(sip_auth_parse(in, &a), FAULT_NONE);
    assert_str(a.scheme, STR("NTLM"));
    assert_int_equal(a.count, 9);
    assert_str(sip_auth_get(&a, STR("REALM")), STR("SIP Communications Service"));
    assert_str(sip_auth_get(&a, STR("version")), STR("4"));
    assert_str(sip_auth_get(&a, STR("gssapi-data")), STR("TlRMTVNTUAAD=="));
}

static void an_empty_value_is_there_and_an_absent_one_is_not(void **state)
{
    (void)state;
    struct sip_auth a;
    assert_int_equal(sip_auth_parse(STR("NTLM gssapi-data=\"\""), &a), FAULT_NONE);
    assert_true(sip_auth_has(&a, STR("gssapi-data")));
    assert_str(sip_auth_get(&a, STR("gssapi-data")), STR_NONE);
    assert_false(sip_auth_has(&a, STR("opaque")));
    assert_str(sip_auth_get(&a, STR("opaque")), STR_NONE);
}

static void a_scheme_may_stand_alone(void **state)
{
    (void)state;
    struct sip_auth a;
    assert_int_equal(sip_auth_parse(STR("  Kerberos "), &a), FAULT_NONE);
    assert_str(a.scheme, STR("Kerberos"));
    assert_int_equal(a.count, 0);
}

static void blanks_and_folds_stand_between(void **state)
{
    (void)state;
    struct sip_auth a;
    struct str in = STR("NTLM\r\n qop = \"auth\" ,\r\n\trealm= \"a, b\",opaque=\t1");
    assert_int_equal(sip_auth_parse(in, &a), FAULT_NONE);
    assert_str(sip_auth_get(&a, STR("realm")), STR("a, b"));
    assert_str(sip_auth_get(&a, STR("opaque")), STR("1"));
}

static void values_are_never_unescaped(void **state)
{
    (void)state;
    struct sip_auth a;
    assert_int_equal(sip_auth_parse(STR("NTLM realm=\"DOMAIN\\\", opaque=\"%41\""), &a),
                     FAULT_NONE);
    assert_str(sip_auth_get(&a, STR("realm")), STR("DOMAIN\\"));
    assert_str(sip_auth_get(&a, STR("opaque")), STR("%41"));
}

static void base64_needs_no_quotes(void **state)
{
    (void)state;
    struct sip_auth a;
    assert_int_equal(sip_auth_parse(STR("NTLM gssapi-data=ab+/cd==, opaque=1"), &a), FAULT_NONE);
    assert_str(sip_auth_get(&a, STR("gssapi-data")), STR("ab+/cd=="));
}

static void a_name_twice_is_refused(void **state)
{
    (void)state;
    refused(STR("NTLM opaque=\"1\", opaque=\"1\""));
    refused(STR("NTLM opaque=\"1\", OPAQUE=\"2\""));
}

static void more_than_the_maximum_is_refused(void **state)
{
    (void)state;
    struct buf text = { 0 };
    struct sip_auth a;
    buf_add_c(&text, "NTLM p0=0");
    for (unsigned i = 1; i < SIP_AUTHPARAM_MAX; i++)
        buf_printf(&text, ", p%u=%u", i, i);
    assert_int_equal(sip_auth_parse(buf_str(&text), &a), FAULT_NONE);
    assert_int_equal(a.count, SIP_AUTHPARAM_MAX);
    buf_add_c(&text, ", one=more");
    refused(buf_str(&text));
    buf_fini(&text);
}

static void broken_fields_are_refused(void **state)
{
    (void)state;
    refused(STR(""));
    refused(STR("  "));
    refused(STR("\"NTLM\""));
    refused(STR("NTLM,opaque=1"));
    refused(STR("NTLM opaque"));
    refused(STR("NTLM opaque="));
    refused(STR("NTLM =1"));
    refused(STR("NTLM opaque=\"1"));
    refused(STR("NTLM opaque=1\"2\""));
    refused(STR("NTLM opaque=\"1\"x=2"));
    refused(STR("NTLM opaque=1,"));
    refused(STR("NTLM ,opaque=1"));
    refused(STR("NTLM opaque=\"a\0b\""));
    refused(STR("NTLM opaque=\"a\nb\""));
}

static void no_prefix_of_a_field_is_misread(void **state)
{
    (void)state;
    struct str in = STR("NTLM qop=\"auth\", realm=\"SIP\", version=4, gssapi-data=\"TlRM==\"");
    for (size_t n = 0; n < in.len; n++) {
        char *copy = str_own(str_first(in, n));
        struct sip_auth a;
        if (sip_auth_parse(str_of(copy, n), &a) == FAULT_NONE)
            assert_true(a.count < 4);
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_clients_answer_is_read),
        cmocka_unit_test(an_empty_value_is_there_and_an_absent_one_is_not),
        cmocka_unit_test(a_scheme_may_stand_alone),
        cmocka_unit_test(blanks_and_folds_stand_between),
        cmocka_unit_test(values_are_never_unescaped),
        cmocka_unit_test(base64_needs_no_quotes),
        cmocka_unit_test(a_name_twice_is_refused),
        cmocka_unit_test(more_than_the_maximum_is_refused),
        cmocka_unit_test(broken_fields_are_refused),
        cmocka_unit_test(no_prefix_of_a_field_is_misread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
