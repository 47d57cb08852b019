/* SPDX-License-Identifier: MIT */
#include "edge/tally.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static struct tally_name host(unsigned a, unsigned b)
{
    uint8_t octets[4] = { 10, (uint8_t)(a >> 8), (uint8_t)a, (uint8_t)b };
    return tally_name_of(str_of(octets, 4), 32, 64);
}

static void counts_begin_anew_after_their_window(void **state)
{
    struct tally *t = tally_new(NULL, 64);
    struct tally_name n = host(1, 1);

    (void)state;
    assert_int_equal(tally_count(t, &n, 100, 10), 0);
    assert_int_equal(tally_add(t, &n, 100, 10), 1);
    assert_int_equal(tally_add(t, &n, 109, 10), 2);
    assert_int_equal(tally_count(t, &n, 109, 10), 2);
    assert_int_equal(tally_count(t, &n, 110, 10), 0); /* ten after the first, not the last */
    assert_int_equal(tally_add(t, &n, 110, 10), 1);
    tally_free(t);
}

/* Each worker looks at its clock once a turn: that of another may be a little behind. */
static void a_clock_that_is_a_little_behind_begins_nothing_anew(void **state)
{
    struct tally *t = tally_new(NULL, 64);
    struct tally_name n = host(1, 1);

    (void)state;
    for (int i = 0; i < 5; i++)
        tally_add(t, &n, 100, 10);
    assert_int_equal(tally_count(t, &n, 99, 10), 5);
    assert_int_equal(tally_add(t, &n, 99, 10), 6);
    assert_int_equal(tally_add(t, &n, 100, 10), 7);
    assert_int_equal(tally_count(t, &n, 110, 10), 0);
    tally_add(t, &n, 200, 1);
    assert_int_equal(tally_add(t, &n, 199, 1), 2);
    tally_free(t);
}

static void without_a_window_what_was_added_is_subtracted(void **state)
{
    struct tally *t = tally_new(NULL, 64);
    struct tally_name n = host(1, 1);

    (void)state;
    tally_add(t, &n, 0, 0);
    assert_int_equal(tally_add(t, &n, 0, 0), 2);
    tally_subtract(t, &n);
    assert_int_equal(tally_count(t, &n, 1000000, 0), 1);
    tally_subtract(t, &n);
    tally_subtract(t, &n); /* never below nothing */
    assert_int_equal(tally_count(t, &n, 0, 0), 0);
    tally_free(t);
}

static void names_are_the_first_bits_of_an_address(void **state)
{
    uint8_t v4[4] = { 192, 0, 2, 7 }, other[4] = { 192, 0, 2, 9 };
    uint8_t mapped[16] = { [10] = 0xff, [11] = 0xff, [12] = 192, [13] = 0, [14] = 2, [15] = 7 };
    uint8_t v6[16] = { 0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 9, 9 };

    (void)state;
    struct tally_name a = tally_name_of(str_of(v4, 4), 24, 64);
    struct tally_name b = tally_name_of(str_of(other, 4), 24, 64);
    struct tally_name c = tally_name_of(str_of(mapped, 16), 24, 64);
    assert_memory_equal(&a, &b, sizeof(a));
    assert_memory_equal(&a, &c, sizeof(a));
    assert_int_equal(a.bits, 24);
    struct tally_name d = tally_name_of(str_of(v6, 16), 24, 64);
    assert_int_equal(d.len, 16);
    assert_int_equal(d.octets[7], 1);
    assert_int_equal(d.octets[8], 0);
    assert_int_equal(tally_name_of(str_of(v6, 7), 24, 64).len, 0);
    assert_int_equal(tally_name_of(STR_NONE, 24, 64).len, 0);
}

static void who_counts_most_stays_when_there_is_no_room(void **state)
{
    struct tally *t = tally_new(NULL, 8); /* one set */
    struct tally_name attacker = host(0, 1);

    (void)state;
    for (int i = 0; i < 20; i++)
        tally_add(t, &attacker, 5, 100);
    for (unsigned i = 1; i <= 5000; i++) {
        struct tally_name n = host(i, 1);
        tally_add(t, &n, 5, 100);
    }
    assert_int_equal(tally_count(t, &attacker, 5, 100), 20);
    tally_free(t);
}

static void what_is_over_makes_room_first(void **state)
{
    struct tally *t = tally_new(NULL, 8);
    struct tally_name old = host(0, 1);

    (void)state;
    for (int i = 0; i < 50; i++)
        tally_add(t, &old, 5, 10);
    for (unsigned i = 1; i <= 8; i++) {
        struct tally_name n = host(i, 1);
        tally_add(t, &n, 20, 10);
    }
    for (unsigned i = 1; i <= 8; i++) {
        struct tally_name n = host(i, 1);
        assert_int_equal(tally_count(t, &n, 20, 10), 1);
    }
    tally_free(t);
}

static void memory_from_outside_outlives_its_table(void **state)
{
    void *memory = calloc(1, tally_size(64));
    struct tally_name n = host(1, 1);

    (void)state;
    struct tally *t = tally_new(memory, 64);
    tally_add(t, &n, 5, 100);
    tally_add(t, &n, 5, 100);
    tally_free(t);
    t = tally_new(memory, 64);
    assert_int_equal(tally_count(t, &n, 6, 100), 2);
    tally_free(t);
    free(memory);
}

static void sum_up(void *arg, const struct tally_row *row)
{
    unsigned *sum = arg;
    *sum += row->count + row->name.bits;
}

static void everything_is_listed_and_can_be_cleared(void **state)
{
    struct tally *t = tally_new(NULL, 64);
    struct tally_name a = host(1, 1), b = host(2, 1);
    unsigned sum = 0;

    (void)state;
    tally_add(t, &a, 5, 100);
    tally_add(t, &b, 5, 100);
    tally_add(t, &b, 5, 100);
    tally_list(t, 5, 100, sum_up, &sum);
    assert_int_equal(sum, 3 + 64);
    assert_true(tally_clear(t, &a));
    assert_false(tally_clear(t, &a));
    sum = 0;
    tally_list(t, 5, 100, sum_up, &sum);
    assert_int_equal(sum, 2 + 32);
    tally_clear_all(t);
    assert_int_equal(tally_count(t, &b, 5, 100), 0);
    tally_free(t);
}

static struct tally *shared;

static void *add_many(void *arg)
{
    struct tally_name n = host(7, 7);

    (void)arg;
    for (int i = 0; i < 100000; i++)
        tally_add(shared, &n, 1, 0);
    return NULL;
}

static void workers_lose_no_count_of_a_name_that_is_there(void **state)
{
    pthread_t threads[4];
    struct tally_name n = host(7, 7);

    (void)state;
    shared = tally_new(NULL, 64);
    tally_add(shared, &n, 1, 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, add_many, NULL), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(tally_count(shared, &n, 1, 0), 400001);
    tally_free(shared);
}

struct rows {
    unsigned count;
};

static void count_row(void *arg, const struct tally_row *row)
{
    struct rows *r = arg;

    r->count += row->count > 0;
}

static void *fight(void *arg)
{
    const unsigned *number = arg;

    for (unsigned i = 0; i < 20000; i++) {
        struct tally_name n = host(*number, i % 250);
        tally_add(shared, &n, i / 1000, 3);
        tally_count(shared, &n, i / 1000, 3);
        if (i % 7 == 0)
            tally_clear(shared, &n);
        if (i % 1000 == 0)
            tally_list(shared, i / 1000, 3, count_row, &(struct rows){ 0 });
    }
    return NULL;
}

/* What is in it afterwards is a matter of chance; that it can still be used is not. */
static void workers_that_fight_for_room_leave_a_table_that_works(void **state)
{
    static const unsigned numbers[4] = { 0, 1, 2, 3 };
    pthread_t threads[4];
    struct tally_name n = host(9, 9);
    struct rows rows = { 0 };

    (void)state;
    shared = tally_new(NULL, 64);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, fight, (void *)&numbers[i]), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    tally_list(shared, 20, 0, count_row, &rows);
    assert_in_range(rows.count, 0, 64);
    tally_clear_all(shared);
    assert_int_equal(tally_add(shared, &n, 1000, 3), 1);
    assert_int_equal(tally_add(shared, &n, 1000, 3), 2);
    tally_free(shared);
}

/* An Edge may die at any moment. */
static void whatever_stands_in_the_memory_does_no_harm(void **state)
{
    size_t size = tally_size(64);
    uint8_t *memory = malloc(size);
    struct rows rows = { 0 };

    (void)state;
    assert_non_null(memory);
    for (size_t i = 0; i < size; i++)
        memory[i] = (uint8_t)(i * 37 + i / 251);
    struct tally *t = tally_new(memory, 64);
    for (unsigned i = 0; i < 1000; i++) {
        struct tally_name n = host(i, 1);
        assert_true(tally_add(t, &n, i, 10) > 0);
        tally_subtract(t, &n);
    }
    tally_list(t, 1000, 0, count_row, &rows);
    assert_int_equal(rows.count, 0); /* nor is it told as somebody's */
    tally_free(t);
    free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_begin_anew_after_their_window),
        cmocka_unit_test(a_clock_that_is_a_little_behind_begins_nothing_anew),
        cmocka_unit_test(without_a_window_what_was_added_is_subtracted),
        cmocka_unit_test(names_are_the_first_bits_of_an_address),
        cmocka_unit_test(who_counts_most_stays_when_there_is_no_room),
        cmocka_unit_test(what_is_over_makes_room_first),
        cmocka_unit_test(memory_from_outside_outlives_its_table),
        cmocka_unit_test(everything_is_listed_and_can_be_cleared),
        cmocka_unit_test(workers_lose_no_count_of_a_name_that_is_there),
        cmocka_unit_test(workers_that_fight_for_room_leave_a_table_that_works),
        cmocka_unit_test(whatever_stands_in_the_memory_does_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
