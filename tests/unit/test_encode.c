/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/encode.h"

static const struct {
    const char *plain, *text, *url;
} vectors[] = {
    /* RFC 4648 10 */
    { "", "", "" },
    { "f", "Zg==", "Zg" },
    { "fo", "Zm8=", "Zm8" },
    { "foo", "Zm9v", "Zm9v" },
    { "foob", "Zm9vYg==", "Zm9vYg" },
    { "fooba", "Zm9vYmE=", "Zm9vYmE" },
    { "foobar", "Zm9vYmFy", "Zm9vYmFy" },
    { "\xfb\xff\xbf", "+/+/", "-_-_" },
};

static void base64_of_the_published_vectors(void **state)
{
    (void)state;
    struct buf b = { 0 };
    struct arena a;
    arena_init(&a, 256, 4096);

    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        struct str back;
        buf_clear(&b);
        base64_encode(str_from_c(vectors[i].plain), &b);
        assert_true(str_eq(buf_str(&b), str_from_c(vectors[i].text)));
        assert_true(base64_decode(buf_str(&b), &a, &back));
        assert_true(str_eq(back, str_from_c(vectors[i].plain)));
        buf_clear(&b);
        base64url_encode(str_from_c(vectors[i].plain), &b);
        assert_true(str_eq(buf_str(&b), str_from_c(vectors[i].url)));
    }
    buf_fini(&b);
    arena_fini(&a);
}

static void base64_that_is_not_canonical_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "Z",        "Zg",   "Zg=",      "Z===", "====",     "=",
        "Zh==",     "Zm9=", "Zg==Zg==", "Zm 9", "Zm9v\r\n", "Zm-_",
        "Zm9v====", "Zm9*", "Z=9v",     "=m9v", "Zm=v\n",   "\xff\xff\xff\xff",
    };
    struct arena a;
    struct str out;
    arena_init(&a, 256, 4096);

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_false(base64_decode(str_from_c(bad[i]), &a, &out));
        assert_int_equal(out.len, 0);
    }
    arena_fini(&a);
}

static void base64_beyond_the_budget_is_refused(void **state)
{
    (void)state;
    struct arena a;
    struct str out;
    arena_init(&a, 16, 16);

    assert_false(base64_decode(STR("Zm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFy"), &a, &out));
    assert_true(a.exhausted);
    arena_fini(&a);
}

static void every_length_survives_the_round_trip(void **state)
{
    (void)state;
    struct buf b = { 0 };
    struct arena a;
    char bytes[200];
    arena_init(&a, 256, 1 << 16);

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)(i * 37 + 11);
    for (size_t len = 0; len <= sizeof(bytes); len++) {
        struct str back;
        buf_clear(&b);
        base64_encode(str_of(bytes, len), &b);
        assert_true(base64_decode(buf_str(&b), &a, &back));
        assert_true(str_eq(back, str_of(bytes, len)));
        arena_reset(&a);
    }
    buf_fini(&b);
    arena_fini(&a);
}

static void hex_needs_exactly_its_length(void **state)
{
    (void)state;
    unsigned char out[3];

    assert_true(hex_decode(STR("00aBfF"), out, 3));
    assert_memory_equal(out, "\x00\xab\xff", 3);
    assert_false(hex_decode(STR("00ab"), out, 3));
    assert_false(hex_decode(STR("00abf"), out, 3));
    assert_false(hex_decode(STR("00abf "), out, 3));
    assert_false(hex_decode(STR("0x0abc"), out, 3));
    assert_true(hex_decode(STR_NONE, out, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base64_of_the_published_vectors),
        cmocka_unit_test(base64_that_is_not_canonical_is_refused),
        cmocka_unit_test(base64_beyond_the_budget_is_refused),
        cmocka_unit_test(every_length_survives_the_round_trip),
        cmocka_unit_test(hex_needs_exactly_its_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
