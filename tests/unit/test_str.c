/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/str.h"

static void assert_str(struct str s, const char *expected)
{
    assert_int_equal(s.len, strlen(expected));
    assert_memory_equal(s.ptr, expected, s.len);
}

static void comparing_without_case_touches_ascii_letters_only(void **state)
{
    (void)state;
    assert_true(str_eq_nocase(STR("REGISTER"), STR("register")));
    assert_false(str_eq_nocase(STR("REGISTER"), STR("registe")));
    /* @ and ` as well as [ and { differ in the same bit as A and a */
    assert_false(str_eq_nocase(STR("@["), STR("`{")));
    assert_false(str_eq_nocase(STR("\xc3\x84"), STR("\xc3\xa4")));
    assert_true(str_eq_nocase(STR_NONE, STR("")));
}

static void prefixes_and_suffixes(void **state)
{
    (void)state;
    assert_true(str_starts(STR("sip:a"), STR("sip:")));
    assert_false(str_starts(STR("SIP:a"), STR("sip:")));
    assert_true(str_starts_nocase(STR("SIP:a"), STR("sip:")));
    assert_false(str_starts_nocase(STR("si"), STR("sip:")));
    assert_true(str_ends_nocase(STR("me@Example.COM"), STR("example.com")));
    assert_false(str_ends_nocase(STR("com"), STR("example.com")));
    assert_true(str_ends_nocase(STR("x"), STR_NONE));
}

static void order_is_by_byte_then_by_length(void **state)
{
    (void)state;
    assert_true(str_cmp(STR("a"), STR("b")) < 0);
    assert_true(str_cmp(STR("ab"), STR("a")) > 0);
    assert_true(str_cmp(STR("\xff"), STR("a")) > 0);
    assert_int_equal(str_cmp(STR("same"), STR("same")), 0);
}

static void finding_gives_the_first_place_or_none(void **state)
{
    (void)state;
    assert_int_equal(str_find_char(STR("a=b=c"), '='), 1);
    assert_int_equal(str_find_char(STR_NONE, '='), SIZE_MAX);
    assert_int_equal(str_find(STR("one two"), STR("two")), 4);
    assert_int_equal(str_find(STR("one two"), STR("three")), SIZE_MAX);
    assert_int_equal(str_find(STR("x"), STR_NONE), 0);
}

static void taking_leaves_the_rest(void **state)
{
    (void)state;
    struct str s = STR("12 REGISTER;x");

    assert_str(str_take_while(&s, is_digit), "12");
    assert_str(str_take_while(&s, is_digit), "");
    assert_str(str_take_while(&s, is_lws), " ");
    assert_str(str_take_until(&s, ';'), "REGISTER");
    assert_str(str_take_until(&s, ';'), "x");
    assert_str(str_take_until(&s, ';'), "");
}

static void trimming_takes_blanks_and_line_ends_of_both_sides(void **state)
{
    (void)state;
    assert_str(str_trim(STR(" \t a b \r\n")), "a b");
    assert_str(str_trim(STR(" \r\n\t")), "");
}

static void decimal_numbers_refuse_signs_blanks_and_overflow(void **state)
{
    (void)state;
    uint32_t small = 7;
    uint64_t large = 7;

    assert_true(str_to_u32(STR("4294967295"), &small));
    assert_int_equal(small, UINT32_MAX);
    assert_true(str_to_u32(STR("007"), &small));
    assert_int_equal(small, 7);
    assert_false(str_to_u32(STR("4294967296"), &small));
    assert_true(str_to_u64(STR("18446744073709551615"), &large));
    assert_true(large == UINT64_MAX);
    assert_false(str_to_u64(STR("18446744073709551616"), &large));
    assert_false(str_to_u64(STR("99999999999999999999999999"), &large));
    assert_false(str_to_u32(STR_NONE, &small));
    assert_false(str_to_u32(STR("-1"), &small));
    assert_false(str_to_u32(STR("+1"), &small));
    assert_false(str_to_u32(STR(" 1"), &small));
    assert_false(str_to_u32(STR("1\0"), &small));
    assert_int_equal(small, 7);
}

static void hexadecimal_numbers_have_at_most_16_digits(void **state)
{
    (void)state;
    uint64_t value;

    assert_true(str_hex_to_u64(STR("0x80090302"), &value));
    assert_true(value == 0x80090302u);
    assert_true(str_hex_to_u64(STR("fFFFffffFFFFffff"), &value));
    assert_true(value == UINT64_MAX);
    assert_false(str_hex_to_u64(STR("10000000000000000"), &value));
    assert_false(str_hex_to_u64(STR("0x"), &value));
    assert_false(str_hex_to_u64(STR("12g"), &value));
}

static void an_owned_copy_ends_in_nul(void **state)
{
    (void)state;
    char *copy = str_own(str_first(STR("front-end"), 5));

    assert_string_equal(copy, "front");
    free(copy);
    copy = str_own(STR_NONE);
    assert_string_equal(copy, "");
    free(copy);
}

static void globs_match_as_in_a_shell_without_case(void **state)
{
    (void)state;
    assert_true(str_glob_nocase(STR("sip:line-*@example.com"), STR("SIP:Line-7@example.com")));
    assert_false(str_glob_nocase(STR("sip:line-*@example.com"), STR("sip:line-7@example.org")));
    assert_true(str_glob_nocase(STR("*a*b"), STR("xxaxxab")));
    assert_true(str_glob_nocase(STR("a?c"), STR("abc")));
    assert_false(str_glob_nocase(STR("a?c"), STR("ac")));
    assert_true(str_glob_nocase(STR("***"), STR_NONE));
    assert_false(str_glob_nocase(STR_NONE, STR("x")));
    assert_true(str_glob_nocase(STR_NONE, STR_NONE));
}

static void tokens_are_those_of_rfc_3261(void **state)
{
    (void)state;
    size_t count = 0;

    for (int c = 0; c < 256; c++)
        count += is_token((char)c);
    assert_int_equal(count, 26 + 26 + 10 + 10);
    assert_true(is_token('~') && is_token('\'') && is_token('!'));
    assert_false(is_token('\0') || is_token(' ') || is_token('@') || is_token('"'));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comparing_without_case_touches_ascii_letters_only),
        cmocka_unit_test(prefixes_and_suffixes),
        cmocka_unit_test(order_is_by_byte_then_by_length),
        cmocka_unit_test(finding_gives_the_first_place_or_none),
        cmocka_unit_test(taking_leaves_the_rest),
        cmocka_unit_test(trimming_takes_blanks_and_line_ends_of_both_sides),
        cmocka_unit_test(decimal_numbers_refuse_signs_blanks_and_overflow),
        cmocka_unit_test(hexadecimal_numbers_have_at_most_16_digits),
        cmocka_unit_test(an_owned_copy_ends_in_nul),
        cmocka_unit_test(globs_match_as_in_a_shell_without_case),
        cmocka_unit_test(tokens_are_those_of_rfc_3261),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
