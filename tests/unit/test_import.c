/* SPDX-License-Identifier: MIT */
#include "users/import.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct seen {
    struct user last;
    char password[32];
    unsigned lines[64], problems;
    const char *right;
    const char *refuse;
} seen;

static const char *take(void *arg, const struct user *u, const struct user_password *password)
{
    struct seen *s = arg;

    s->last = *u;
    assert_int_equal(password->kind, USER_PASSWORD_CLEAR);
    assert_true(password->clear.len < sizeof(s->password));
    memcpy(s->password, password->clear.ptr, password->clear.len);
    s->password[password->clear.len] = '\0';
    return s->refuse;
}

static void complain(void *arg, unsigned line, struct str entry, const char *what,
                     const char *right)
{
    struct seen *s = arg;

    assert_non_null(what);
    assert_int_equal(entry.len, 0);
    s->lines[s->problems++] = line;
    s->right = right;
}

static struct user_import_counts import(const char *text)
{
    static const char *const domains[] = { "example.com" };
    const struct user_import how = { .domains = domains,
                                     .domain_count = 1,
                                     .take = take,
                                     .complain = complain,
                                     .arg = &seen,
                                     .problems_max = 50 };

    seen = (struct seen){ .refuse = seen.refuse };
    return user_import_csv(&how, str_from_c(text));
}

static void columns_come_in_any_order_and_some_may_be_missing(void **state)
{
    (void)state;
    struct user_import_counts n =
        import("password,Name,uri,remote_access\n\"p,w\",ada,sip:ada@example.com,Yes\n");

    assert_true(n.taken == 1 && n.problems == 0);
    assert_string_equal(seen.password, "p,w");
    assert_string_equal(seen.last.name, "ada");
    assert_int_equal(seen.last.flags, USER_SIP_ENABLED | USER_REMOTE_ACCESS);
    n = import("name,password\nrobot,secret\n");
    assert_int_equal(n.taken, 1);
    assert_int_equal(seen.last.flags, 0); /* no address: nothing to use SIP with */
}

static void each_bad_line_is_told_with_its_number(void **state)
{
    (void)state;
    struct user_import_counts n = import("name,uri,remote_access,password\n"
                                         "ada,sip:ada@example.com,no,x\n"
                                         "bob,sip:bob@elsewhere.org,no,x\n"
                                         "a@b,,no,x\n"
                                         "carol,,perhaps,x\n"
                                         "dora,,no,\n"
                                         "eve,,no\n"
                                         "\"fay\n");

    assert_int_equal(n.taken, 1);
    assert_int_equal(n.problems, 6);
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(seen.lines[i], i + 3);
}

static void what_cannot_be_stored_is_told_too(void **state)
{
    (void)state;
    seen.refuse = "it exists";
    struct user_import_counts n = import("name,password\nada,x\n");
    seen.refuse = NULL;
    assert_true(n.taken == 0 && n.problems == 1 && seen.lines[0] == 2);
    assert_string_equal(seen.right, "it exists");
}

static void a_file_without_a_header_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = { "", "ada,sip:ada@example.com\n", "name,uri\n",
                                         "name,name,password\n", "name,password,shoe size\n" };

    for (unsigned i = 0; i < ARRAY_LEN(texts); i++) {
        struct user_import_counts n = import(texts[i]);

        assert_true(n.taken == 0 && n.problems == 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_come_in_any_order_and_some_may_be_missing),
        cmocka_unit_test(each_bad_line_is_told_with_its_number),
        cmocka_unit_test(what_cannot_be_stored_is_told_too),
        cmocka_unit_test(a_file_without_a_header_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
