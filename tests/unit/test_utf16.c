/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/utf16.h"

/* UTF-8 through UTF-16, upper-cased, and back. */
static void assert_upper(const char *in, bool ascii_only, const char *expected)
{
    struct buf wide = { 0 }, upper = { 0 }, back = { 0 };

    assert_true(utf16_from_utf8(str_from_c(in), &wide));
    utf16_upper(buf_str(&wide), ascii_only, &upper);
    assert_true(utf16_to_utf8(buf_str(&upper), &back));
    assert_true(str_eq(buf_str(&back), str_from_c(expected)));
    buf_fini(&wide);
    buf_fini(&upper);
    buf_fini(&back);
}

static void names_of_many_scripts_are_upper_cased(void **state)
{
    (void)state;
    assert_upper("jürgen", false, "JÜRGEN");
    assert_upper("straße", false, "STRAßE");
    assert_upper("éçñøåþÿ", false, "ÉÇÑØÅÞŸ");
    assert_upper("÷×¿", false, "÷×¿");
    assert_upper("łukasz żółć", false, "ŁUKASZ ŻÓŁĆ");
    assert_upper("иван ёжиков", false, "ИВАН ЁЖИКОВ");
    assert_upper("οδυσσεύς", false, "ΟΔΥΣΣΕΎΣ");
    assert_upper("Already UPPER 09_@", false, "ALREADY UPPER 09_@");
    assert_upper("ǆ", false, "Ǆ");
    assert_upper("東京", false, "東京");
    assert_upper("𐐨", false, "𐐨");
}

static void what_windows_leaves_stays(void **state)
{
    (void)state;
    assert_upper("ı", false, "ı");
    assert_upper("ſ", false, "ſ");
    assert_upper("µ", false, "µ");
    assert_upper("ﬁ", false, "ﬁ");
}

static void ascii_only_leaves_the_rest(void **state)
{
    (void)state;
    assert_upper("jürgen{z|`", true, "JüRGEN{Z|`");
}

static void characters_outside_the_bmp_become_pairs(void **state)
{
    (void)state;
    struct buf b = { 0 };

    assert_true(utf16_from_utf8(STR("A\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf"), &b));
    assert_true(str_eq(buf_str(&b), STR("A\0\x3d\xd8\x00\xde\xff\xdb\xff\xdf")));
    buf_fini(&b);
}

static void malformed_utf8_appends_nothing(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "\x80",
        "\xc3",
        "\xc0\x80",
        "\xc1\xbf",
        "\xe0\x80\x80",
        "\xed\xa0\x80",
        "\xed\xbf\xbf",
        "\xf0\x80\x80\x80",
        "\xf4\x90\x80\x80",
        "\xf8\x88\x80\x80\x80",
        "\xff",
        "\xe2\x82",
        "\xe2\x28\xa1",
        "ok\xf0\x9f\x98",
    };
    struct buf b = { 0 };

    buf_add_c(&b, "kept");
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_false(utf16_from_utf8(str_from_c(bad[i]), &b));
        assert_true(str_eq(buf_str(&b), STR("kept")));
    }
    buf_fini(&b);
}

static void malformed_utf16_is_an_error_or_a_replacement_character(void **state)
{
    (void)state;
    static const struct {
        struct str in;
        const char *lossy;
    } bad[] = {
        { { "A\0B", 3 }, "A\xef\xbf\xbd" },
        { { "\x00\xd8", 2 }, "\xef\xbf\xbd" },
        { { "\x00\xdc", 2 }, "\xef\xbf\xbd" },
        { { "\x00\xd8\x41\x00", 4 }, "\xef\xbf\xbd\x41" },
        { { "\x00\xd8\x00\xd8\x00\xdc", 6 }, "\xef\xbf\xbd\xf0\x90\x80\x80" },
        { { "\x00\xd8\x00", 3 }, "\xef\xbf\xbd\xef\xbf\xbd" },
    };
    struct buf b = { 0 };
    struct arena a;
    arena_init(&a, 64, 4096);

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_false(utf16_to_utf8(bad[i].in, &b));
        assert_int_equal(b.len, 0);
        struct str shown = utf16_to_utf8_lossy(bad[i].in, &a);
        assert_true(str_eq(shown, str_from_c(bad[i].lossy)));
    }
    buf_fini(&b);
    arena_fini(&a);
}

static void every_unit_fits_the_space_of_the_lossy_reading(void **state)
{
    (void)state;
    struct arena a;
    char units[] = "\xff\xff\x3d\xd8\x00\xde\x41\x00\xff\x07\x00\xdc";
    arena_init(&a, 64, 4096);

    for (size_t len = 0; len < sizeof(units); len++) {
        struct str text = utf16_to_utf8_lossy(str_of(units, len), &a);
        assert_true(text.len <= (len + 1) / 2 * 3);
    }
    assert_false(a.exhausted);
    arena_fini(&a);
}

static void an_odd_length_keeps_its_last_byte(void **state)
{
    (void)state;
    struct buf b = { 0 };

    utf16_upper(STR("a\0b"), false, &b);
    assert_true(str_eq(buf_str(&b), STR("A\0b")));
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_many_scripts_are_upper_cased),
        cmocka_unit_test(what_windows_leaves_stays),
        cmocka_unit_test(ascii_only_leaves_the_rest),
        cmocka_unit_test(characters_outside_the_bmp_become_pairs),
        cmocka_unit_test(malformed_utf8_appends_nothing),
        cmocka_unit_test(malformed_utf16_is_an_error_or_a_replacement_character),
        cmocka_unit_test(every_unit_fits_the_space_of_the_lossy_reading),
        cmocka_unit_test(an_odd_length_keeps_its_last_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
