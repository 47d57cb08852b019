/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"

static void pieces_come_out_as_one_text(void **state)
{
    (void)state;
    struct buf b = { 0 };

    assert_int_equal(buf_str(&b).len, 0);
    buf_add(&b, STR("CSeq"));
    buf_add_char(&b, ':');
    buf_add_c(&b, " ");
    buf_add_u64(&b, 0);
    buf_add_u64(&b, 18446744073709551615u);
    buf_add_hex(&b, STR("\xab\x01"), false);
    buf_add_hex(&b, STR("\xab\x01"), true);
    buf_printf(&b, ";%s=%d", "n", -5);
    assert_true(str_eq(buf_str(&b), STR("CSeq: 018446744073709551615ab01AB01;n=-5")));
    buf_fini(&b);
    assert_null(b.ptr);
}

static void a_long_format_grows_the_buffer(void **state)
{
    (void)state;
    struct buf b = { 0 };

    for (int width = 1; width < 300; width++) {
        size_t before = b.len;
        buf_printf(&b, "%*d", width, 7);
        assert_int_equal(b.len, before + (size_t)width);
        assert_int_equal(b.ptr[b.len - 1], '7');
    }
    buf_fini(&b);
}

static void consuming_keeps_the_rest_in_order(void **state)
{
    (void)state;
    struct buf b = { 0 };

    buf_add_c(&b, "0123456789");
    buf_consume(&b, 0);
    buf_consume(&b, 4);
    assert_true(str_eq(buf_str(&b), STR("456789")));
    buf_consume(&b, 6);
    assert_int_equal(b.len, 0);
    buf_add_c(&b, "again");
    assert_true(str_eq(buf_str(&b), STR("again")));
    buf_fini(&b);
}

static void clearing_keeps_the_memory(void **state)
{
    (void)state;
    struct buf b = { 0 };

    buf_reserve(&b, 5000);
    char *memory = b.ptr;
    assert_true(b.cap >= 5000);
    buf_add_c(&b, "x");
    buf_clear(&b);
    buf_reserve(&b, 5000);
    assert_ptr_equal(b.ptr, memory);
    buf_fini(&b);
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_come_out_as_one_text),
        cmocka_unit_test(a_long_format_grows_the_buffer),
        cmocka_unit_test(consuming_keeps_the_rest_in_order),
        cmocka_unit_test(clearing_keeps_the_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
