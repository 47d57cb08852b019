/* SPDX-License-Identifier: MIT */
#include "client/verdict.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void final_handshake_failed_names_no_cause(void **state)
{
    (void)state;
    struct str header = STR("1000;reason=\"Final handshake failed\";source=\"fe01.example.com\";"
                            "HRESULT=\"0xC3E93EC3(SIP_E_AUTH_UNAUTHORIZED)\"");

    assert_int_equal(client_verdict(401, header, false), FAULT_SIP_REFUSED);
    assert_int_equal(client_verdict(401, STR_NONE, false), FAULT_SIP_REFUSED);
}

static void a_signed_refusal_is_taken_at_its_word(void **state)
{
    (void)state;
    struct str header = STR("4003;reason=\"From URI not enabled for remote access\"");

    assert_int_equal(client_verdict(403, header, true), FAULT_REMOTE_ACCESS_NOT_ENABLED);
    header = STR("4004;reason=\"Credentials provided are not authorized to act as specified from "
                 "URI\"");
    assert_int_equal(client_verdict(403, header, true), FAULT_USER_URI_NOT_THEIRS);
    header = STR("4005;reason=\"Destination URI either not enabled for SIP or does not exist\"");
    assert_int_equal(client_verdict(404, header, true), FAULT_USER_NOT_SIP_ENABLED);
}

static void clocks_that_differ_are_told(void **state)
{
    (void)state;
    struct str header = STR("1013;reason=\"Significant time skew detected during authentication\";"
                            "source=\"fe01.example.com\"");

    assert_int_equal(client_verdict(401, header, false), FAULT_KERBEROS_CLOCK_SKEW);
}

/* Anybody on the way could write it. */
static void an_unsigned_statement_about_the_account_proves_nothing(void **state)
{
    (void)state;
    struct str header = STR("4003;reason=\"From URI not enabled for remote access\"");
    assert_int_equal(client_verdict(403, header, false), FAULT_SIP_REFUSED);
}

static void a_refusal_before_the_password_needs_no_signature(void **state)
{
    (void)state;
    struct str header = STR("1007;reason=\"The directory cannot be reached at the moment\";"
                            "source=\"fe01.example.com\"");

    assert_int_equal(client_verdict(503, header, false), FAULT_DIRECTORY_UNREACHABLE);
    header = STR("4010;reason=\"Missing endpoint identifier\"");
    assert_int_equal(client_verdict(400, header, false), FAULT_SIP_NO_ENDPOINT_ID);
}

static void the_same_number_with_other_words_is_another_matter(void **state)
{
    (void)state;
    assert_int_equal(client_verdict(503, STR("1007;reason=\"Temporarily cannot route\""), true),
                     FAULT_SIP_REFUSED);
    assert_int_equal(client_verdict(503, STR("1007"), true), FAULT_SIP_REFUSED);
    assert_int_equal(client_verdict(504, STR("99999999999;reason=\"x\""), true), FAULT_SIP_REFUSED);
    assert_int_equal(client_verdict(500, STR("0;reason=\"\""), true), FAULT_SIP_REFUSED);
    assert_int_equal(client_verdict(503, STR("1007;reason=\""), true), FAULT_SIP_REFUSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(final_handshake_failed_names_no_cause),
        cmocka_unit_test(a_signed_refusal_is_taken_at_its_word),
        cmocka_unit_test(clocks_that_differ_are_told),
        cmocka_unit_test(an_unsigned_statement_about_the_account_proves_nothing),
        cmocka_unit_test(a_refusal_before_the_password_needs_no_signature),
        cmocka_unit_test(the_same_number_with_other_words_is_another_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
