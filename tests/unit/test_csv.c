/* SPDX-License-Identifier: MIT */
#include "users/csv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct arena arena;
static struct str fields[4];
static unsigned count;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 256, 4096);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_fini(&arena);
    return 0;
}

static bool next(struct csv *c)
{
    return csv_next(c, &arena, fields, 4, &count);
}

static void records_are_read_with_their_line(void **state)
{
    (void)state;
    struct csv c = { .rest = STR("\xEF\xBB\xBF"
                                 "a,b\r\n\n# remark, with comma\n1,,3\nlast") };

    assert_true(next(&c));
    assert_true(c.line == 1 && count == 2 && str_eq(fields[1], STR("b")));
    assert_true(next(&c));
    assert_true(c.line == 4 && count == 3 && fields[1].len == 0 && str_eq(fields[2], STR("3")));
    assert_true(next(&c));
    assert_true(c.line == 5 && count == 1 && str_eq(fields[0], STR("last")));
    assert_false(next(&c));
    assert_null(c.problem);
}

static void quoted_fields_hold_commas_quotes_and_lines(void **state)
{
    (void)state;
    struct csv c = { .rest = STR("\"a,b\",\"say \"\"hi\"\"\",\"two\nlines\"\nnext,\"\"\n") };

    assert_true(next(&c));
    assert_int_equal(count, 3);
    assert_true(str_eq(fields[0], STR("a,b")));
    assert_true(str_eq(fields[1], STR("say \"hi\"")));
    assert_true(str_eq(fields[2], STR("two\nlines")));
    assert_true(next(&c));
    assert_true(c.line == 3 && count == 2 && fields[1].len == 0);
}

static void a_comma_at_the_end_is_an_empty_field(void **state)
{
    (void)state;
    struct csv c = { .rest = STR("a,\n,") };

    assert_true(next(&c));
    assert_true(count == 2 && fields[1].len == 0);
    assert_true(next(&c));
    assert_int_equal(count, 2);
    assert_false(next(&c));
}

static void damaged_records_are_told(void **state)
{
    (void)state;
    static const char *const texts[] = { "\"open", "a\"b", "\"a\"b,c", "1,2,3,4,5" };

    for (unsigned i = 0; i < ARRAY_LEN(texts); i++) {
        struct csv c = { .rest = str_from_c(texts[i]) };

        assert_false(next(&c));
        assert_non_null(c.problem);
        assert_int_equal(c.line, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(records_are_read_with_their_line, setup, teardown),
        cmocka_unit_test_setup_teardown(quoted_fields_hold_commas_quotes_and_lines, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_comma_at_the_end_is_an_empty_field, setup, teardown),
        cmocka_unit_test_setup_teardown(damaged_records_are_told, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
