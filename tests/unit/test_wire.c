/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/wire.h"

static void integers_are_little_endian(void **state)
{
    (void)state;
    struct wire w = { .all = STR("\x01\x02\x03\x04\x05\x06\x07\x80\x90\xa0\xb0\xc0\xd0\xe0\xf0") };

    assert_int_equal(wire_u8(&w), 0x01);
    assert_int_equal(wire_u16(&w), 0x0302);
    assert_int_equal(wire_u32(&w), 0x07060504);
    assert_true(wire_u64(&w) == 0xf0e0d0c0b0a09080u);
    assert_int_equal(wire_left(&w), 0);
    assert_false(w.bad);
}

static void an_overrun_is_remembered_and_yields_nothing_more(void **state)
{
    (void)state;
    struct wire w = { .all = STR("\x01\x02\x03") };

    assert_int_equal(wire_u16(&w), 0x0201);
    assert_int_equal(wire_u32(&w), 0);
    assert_true(w.bad);
    assert_int_equal(wire_u8(&w), 0);
    assert_int_equal(wire_bytes(&w, 1).len, 0);
    assert_int_equal(wire_at(&w, 0, 1).len, 0);
    assert_int_equal(wire_left(&w), 0);
}

static void bytes_beyond_the_end_are_refused_without_wrapping(void **state)
{
    (void)state;
    struct wire w = { .all = STR("abcd") };
    struct str got = wire_at(&w, 1, 3);

    assert_true(str_eq(got, STR("bcd")));
    assert_int_equal(wire_at(&w, 4, 0).len, 0);
    assert_false(w.bad);
    assert_int_equal(wire_at(&w, 2, SIZE_MAX).len, 0);
    assert_true(w.bad);

    struct wire other = { .all = STR("abcd") };
    assert_int_equal(wire_at(&other, SIZE_MAX, 2).len, 0);
    assert_true(other.bad);

    struct wire third = { .all = STR("abcd"), .pos = 1 };
    assert_true(str_eq(wire_bytes(&third, 2), STR("bc")));
    assert_int_equal(wire_bytes(&third, SIZE_MAX).len, 0);
    assert_true(third.bad);
}

static void what_is_written_reads_back(void **state)
{
    (void)state;
    uint8_t space[64];
    struct wire_out out = { .ptr = space, .cap = sizeof(space) };

    wire_put_u8(&out, 0xfe);
    wire_put_u16(&out, 0xbeef);
    wire_put_u32(&out, 0xdeadc0de);
    wire_put_u64(&out, 0x0123456789abcdefu);
    wire_put_zeros(&out, 3);
    wire_put_bytes(&out, STR("NTLMSSP"));
    wire_put_text(&out, STR("ada"), 3);
    assert_false(out.bad);

    struct wire in = { .all = str_of(space, out.len) };
    assert_int_equal(wire_u8(&in), 0xfe);
    assert_int_equal(wire_u16(&in), 0xbeef);
    assert_int_equal(wire_u32(&in), 0xdeadc0de);
    assert_true(wire_u64(&in) == 0x0123456789abcdefu);
    assert_true(str_eq(wire_bytes(&in, 3), STR("\0\0\0")));
    assert_true(str_eq(wire_bytes(&in, 7), STR("NTLMSSP")));
    assert_true(str_eq(wire_text(&in, 3), STR("ada")));
    assert_int_equal(wire_left(&in), 0);
}

static void a_full_output_stays_at_what_fitted(void **state)
{
    (void)state;
    uint8_t space[8] = { 0 };
    struct wire_out out = { .ptr = space, .cap = 5 };

    wire_put_u32(&out, 0x04030201);
    wire_put_u16(&out, 0xffff);
    assert_true(out.bad);
    assert_int_equal(out.len, 4);
    wire_put_u8(&out, 0xff);
    wire_put_bytes(&out, STR("x"));
    wire_put_zeros(&out, 1);
    assert_int_equal(out.len, 4);
    assert_memory_equal(space, "\1\2\3\4\0\0\0\0", 8);
}

static void a_text_beyond_its_bound_is_bad_both_ways(void **state)
{
    (void)state;
    uint8_t space[16];
    struct wire_out out = { .ptr = space, .cap = sizeof(space) };

    wire_put_text(&out, STR("adam"), 3);
    assert_true(out.bad);
    assert_int_equal(out.len, 0);

    struct wire longer = { .all = STR("\4\0adam") }, cut = { .all = STR("\3\0ad") };
    assert_int_equal(wire_text(&longer, 3).len, 0);
    assert_true(longer.bad);
    assert_int_equal(wire_text(&cut, 3).len, 0);
    assert_true(cut.bad);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_are_little_endian),
        cmocka_unit_test(an_overrun_is_remembered_and_yields_nothing_more),
        cmocka_unit_test(bytes_beyond_the_end_are_refused_without_wrapping),
        cmocka_unit_test(what_is_written_reads_back),
        cmocka_unit_test(a_full_output_stays_at_what_fitted),
        cmocka_unit_test(a_text_beyond_its_bound_is_bad_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
