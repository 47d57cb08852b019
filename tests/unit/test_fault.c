/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "diag/fault.h"

static const char *const families[] = { "policy-", "ntlm-",          "user-",    "directory-",
                                        "tls-",    "kerberos-",      "dns-srv-", "route-",
                                        "edge-",   "remote-access-", "sa-",      "budget-",
                                        "clock-",  "sip-",           "config-" };

static bool has_family(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(families); i++) {
        if (str_starts(str_from_c(name), str_from_c(families[i])))
            return true;
    }
    return false;
}

static void every_name_is_kebab_case_and_begins_with_its_family(void **state)
{
    (void)state;
    for (unsigned f = 1; f < FAULT_COUNT; f++) {
        const char *name = fault_name((enum fault)f);
        if (!has_family(name))
            fail_msg("%s has no family", name);
        for (const char *c = name; *c; c++) {
            if (!((*c >= 'a' && *c <= 'z') || is_digit(*c) || *c == '-'))
                fail_msg("%s is not kebab case", name);
        }
    }
}

static void names_are_unique_and_found_again(void **state)
{
    (void)state;
    for (unsigned f = 0; f < FAULT_COUNT; f++)
        assert_int_equal(fault_from_name(str_from_c(fault_name((enum fault)f))), f);
    assert_int_equal(fault_from_name(STR("policy-256bit")), FAULT_COUNT);
    assert_int_equal(fault_from_name(STR_NONE), FAULT_COUNT);
}

/* Whatever is wrong before the password is proved looks the same from outside. */
static void every_401_of_a_sign_in_says_1000_final_handshake_failed(void **state)
{
    (void)state;
    for (unsigned f = 1; f < FAULT_COUNT; f++) {
        const struct fault_row *row = fault_row((enum fault)f);
        struct str name = str_from_c(row->name);
        bool sign_in = str_starts(name, STR("policy-")) || str_starts(name, STR("ntlm-")) ||
                       str_starts(name, STR("user-"));
        if (row->status != 401 || !sign_in)
            continue;
        assert_int_equal(row->diag_id, 1000);
        assert_int_equal(row->header, FAULT_HEADER_INSIDE);
        assert_string_equal(row->reason, "Final handshake failed");
        assert_int_not_equal(row->result_code, 0);
    }
}

static void a_row_with_an_id_has_a_reason_and_a_header(void **state)
{
    (void)state;
    for (unsigned f = 1; f < FAULT_COUNT; f++) {
        const struct fault_row *row = fault_row((enum fault)f);
        assert_int_equal(row->diag_id != 0, row->header != FAULT_HEADER_NONE);
        assert_int_equal(row->diag_id != 0, row->reason[0] != '\0');
        assert_null(strpbrk(row->reason, "\"\\\r\n"));
        assert_true(row->status == 0 || (row->status >= 400 && row->status < 700));
    }
}

static void every_row_tells_what_happened_and_what_to_do(void **state)
{
    (void)state;
    for (unsigned f = 1; f < FAULT_COUNT; f++) {
        const struct fault_row *row = fault_row((enum fault)f);
        assert_true(strlen(row->text) > 8);
        assert_true(strlen(row->advice) > 8);
        assert_null(strpbrk(row->text, "\r\n"));
    }
}

static void the_story_has_its_codes(void **state)
{
    (void)state;
    assert_int_equal(fault_row(FAULT_POLICY_128BIT)->result_code, 0x80090302u);
    assert_int_equal(fault_row(FAULT_USER_WRONG_PASSWORD)->result_code, 0x8009030Cu);
    assert_string_equal(fault_result_symbol(0x80090302u), "SEC_E_UNSUPPORTED_FUNCTION");
    assert_string_equal(fault_result_symbol(0x8009030Cu), "SEC_E_LOGON_DENIED");
    assert_null(fault_result_symbol(1));
}

static void every_result_code_of_the_catalogue_has_a_symbol(void **state)
{
    (void)state;
    for (unsigned f = 1; f < FAULT_COUNT; f++) {
        const struct fault_row *row = fault_row((enum fault)f);
        if (row->result_code != 0 && !fault_result_symbol(row->result_code))
            fail_msg("%s: 0x%08x has no symbol", row->name, row->result_code);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_name_is_kebab_case_and_begins_with_its_family),
        cmocka_unit_test(names_are_unique_and_found_again),
        cmocka_unit_test(every_401_of_a_sign_in_says_1000_final_handshake_failed),
        cmocka_unit_test(a_row_with_an_id_has_a_reason_and_a_header),
        cmocka_unit_test(every_row_tells_what_happened_and_what_to_do),
        cmocka_unit_test(the_story_has_its_codes),
        cmocka_unit_test(every_result_code_of_the_catalogue_has_a_symbol),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
