/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"

static void memory_is_aligned_and_separate(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 256, 4096);

    char *one = arena_alloc(&a, 1);
    char *two = arena_alloc(&a, 17);
    assert_non_null(one);
    assert_non_null(two);
    assert_int_equal((uintptr_t)one % _Alignof(max_align_t), 0);
    assert_int_equal((uintptr_t)two % _Alignof(max_align_t), 0);
    assert_true(two >= one + 1);
    memset(two, 'x', 17);
    arena_fini(&a);
}

static void a_request_larger_than_a_block_gets_its_own(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 64, 1 << 20);

    char *small = arena_alloc(&a, 32);
    char *large = arena_alloc(&a, 10000);
    char *after = arena_alloc(&a, 48);
    assert_non_null(small);
    assert_non_null(large);
    assert_non_null(after);
    memset(large, 1, 10000);
    memset(after, 2, 48);
    assert_int_equal(large[9999], 1);
    arena_fini(&a);
}

static void the_budget_ends_in_null_and_is_remembered_until_reset(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 64, 128);

    assert_non_null(arena_alloc(&a, 100));
    assert_false(a.exhausted);
    assert_null(arena_alloc(&a, 100));
    assert_true(a.exhausted);
    assert_int_equal(arena_dup(&a, STR("0123456789012345678901234567890123456789")).len, 0);
    assert_null(arena_alloc(&a, SIZE_MAX));
    assert_null(arena_calloc(&a, SIZE_MAX / 2, 4));
    arena_reset(&a);
    assert_false(a.exhausted);
    assert_non_null(arena_alloc(&a, 100));
    arena_fini(&a);
}

static void reset_reuses_the_first_block(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 64, 4096);

    void *before = arena_alloc(&a, 16);
    assert_non_null(arena_alloc(&a, 1000));
    arena_reset(&a);
    assert_int_equal(a.used_total, 0);
    assert_ptr_equal(arena_alloc(&a, 16), before);
    arena_fini(&a);
}

static void copies_and_formatted_text_live_in_the_arena(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 64, 4096);
    char source[] = "volatile";

    struct str copy = arena_dup(&a, str_from_c(source));
    memset(source, 'x', sizeof(source));
    assert_true(str_eq(copy, STR("volatile")));
    struct str text = arena_printf(&a, "%s;expires=%d", "line", 7200);
    assert_true(str_eq(text, STR("line;expires=7200")));
    assert_int_equal(text.ptr[text.len], '\0');
    int *zeros = arena_calloc(&a, 10, sizeof(*zeros));
    assert_non_null(zeros);
    for (int i = 0; i < 10; i++)
        assert_int_equal(zeros[i], 0);
    assert_int_equal(arena_dup(&a, STR_NONE).len, 0);
    assert_false(a.exhausted);
    arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_aligned_and_separate),
        cmocka_unit_test(a_request_larger_than_a_block_gets_its_own),
        cmocka_unit_test(the_budget_ends_in_null_and_is_remembered_until_reset),
        cmocka_unit_test(reset_reuses_the_first_block),
        cmocka_unit_test(copies_and_formatted_text_live_in_the_arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
