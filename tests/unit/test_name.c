/* SPDX-License-Identifier: MIT */
#include "users/name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct str name_key(const char *name, struct user_key *key)
{
    return user_name_key(str_from_c(name), key) ? user_key_str(key) : STR_NONE;
}

static void names_are_equal_when_windows_upper_cases_them_alike(void **state)
{
    (void)state;
    struct user_key key;

    assert_true(str_eq(name_key("ada", &key), STR("ADA")));
    assert_true(str_eq(name_key("J\xC3\xB6rg", &key), STR("J\xC3\x96RG")));
    assert_true(user_name_same(STR("\xD0\xB8\xD0\xB2\xD0\xB0\xD0\xBD"),
                               STR("\xD0\x98\xD0\x92\xD0\x90\xD0\x9D")));
    assert_false(user_name_same(STR("ada"), STR("adb")));
}

static void names_nobody_can_have_have_no_key(void **state)
{
    (void)state;
    static char big[USER_URI_MAX + 1];
    struct user_key key;

    assert_false(user_name_key(STR_NONE, &key));
    assert_false(user_name_key(STR("a\0b"), &key));
    assert_false(user_name_key(STR("a\nb"), &key));
    assert_false(user_name_key(STR("\xC3("), &key));
    memset(big, 'a', sizeof(big));
    assert_false(user_name_key(str_of(big, sizeof(big)), &key));
    assert_true(user_name_key(str_of(big, USER_URI_MAX), &key));
}

static void addresses_are_equal_without_case_and_parameters(void **state)
{
    (void)state;
    struct user_key key;

    assert_true(user_uri_key(STR("SIP:Ada@Example.COM;user=phone?x=y"), &key));
    assert_true(str_eq(user_key_str(&key), STR("sip:ada@example.com")));
    assert_false(user_uri_key(STR("tel:+49"), &key));
    assert_false(user_uri_key(STR(""), &key));
    assert_false(user_uri_key(STR("sip:a\0da@example.com"), &key));
}

static void an_address_must_be_of_a_domain_served(void **state)
{
    (void)state;
    const char *const domains[] = { "example.com", "example.net" };

    assert_null(user_uri_problem(STR("sip:ada@example.com"), domains, 2));
    assert_null(user_uri_problem(STR("sip:Ada.L-1@EXAMPLE.net"), domains, 2));
    assert_non_null(user_uri_problem(STR("sip:ada@example.org"), domains, 2));
    assert_non_null(user_uri_problem(STR("ada@example.com"), domains, 2));
    assert_non_null(user_uri_problem(STR("sip:@example.com"), domains, 2));
    assert_non_null(user_uri_problem(STR("sip:a b@example.com"), domains, 2));
    assert_non_null(user_uri_problem(STR("sip:a;b@example.com"), domains, 2));
    assert_non_null(user_uri_problem(STR("sip:a\0@example.com"), domains, 2));
    assert_non_null(user_uri_problem(STR("sip:ada@example.com>"), domains, 2));
}

static void account_names_follow_the_rules_of_windows(void **state)
{
    (void)state;
    assert_null(user_name_problem(STR("ada.lovelace")));
    assert_null(user_name_problem(STR("Ada Lovelace")));
    assert_non_null(user_name_problem(STR("")));
    assert_non_null(user_name_problem(STR("EXAMPLE\\ada")));
    assert_non_null(user_name_problem(STR("ada@example.com")));
    assert_non_null(user_name_problem(STR("\xFF")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_equal_when_windows_upper_cases_them_alike),
        cmocka_unit_test(names_nobody_can_have_have_no_key),
        cmocka_unit_test(addresses_are_equal_without_case_and_parameters),
        cmocka_unit_test(an_address_must_be_of_a_domain_served),
        cmocka_unit_test(account_names_follow_the_rules_of_windows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
