/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/compiler.h"
#include "base/secret.h"
#include "base/table.h"

struct item {
    char name[16];
    bool present;
};

enum { ITEMS = 2000 };

static struct item *make_items(void)
{
    struct item *items = calloc(ITEMS, sizeof(*items));

    assert_non_null(items);
    for (int i = 0; i < ITEMS; i++)
        snprintf(items[i].name, sizeof(items[i].name), "user%d", i);
    return items;
}

static void an_empty_table_has_nothing(void **state)
{
    (void)state;
    struct table t = { 0 };
    size_t pos = 0;

    assert_null(table_get(&t, STR("a")));
    assert_null(table_remove(&t, STR("a")));
    assert_null(table_next(&t, &pos));
    table_fini(&t);
}

static void putting_again_replaces_value_and_key(void **state)
{
    (void)state;
    struct table t = { 0 };
    char first[] = "same", second[] = "same";

    assert_null(table_put(&t, str_from_c(first), first));
    assert_ptr_equal(table_put(&t, str_from_c(second), second), first);
    memset(first, 'x', sizeof(first) - 1);
    assert_ptr_equal(table_get(&t, STR("same")), second);
    assert_int_equal(t.count, 1);
    table_fini(&t);
}

/* Random puts and removals against a plain array: every slot shift is exercised. */
static void it_agrees_with_a_plain_array_over_many_changes(void **state)
{
    (void)state;
    struct table t = { 0 };
    struct item *items = make_items();
    size_t count = 0;

    srand(1);
    for (int round = 0; round < 40000; round++) {
        struct item *item = &items[rand() % ITEMS];
        struct str key = str_from_c(item->name);
        assert_ptr_equal(table_get(&t, key), item->present ? item : NULL);
        if (rand() % 2) {
            assert_ptr_equal(table_put(&t, key, item), item->present ? item : NULL);
            count += !item->present;
            item->present = true;
        } else {
            assert_ptr_equal(table_remove(&t, key), item->present ? item : NULL);
            count -= item->present;
            item->present = false;
        }
        assert_int_equal(t.count, count);
    }
    for (int i = 0; i < ITEMS; i++) {
        void *expected = items[i].present ? &items[i] : NULL;
        assert_ptr_equal(table_get(&t, str_from_c(items[i].name)), expected);
    }
    table_fini(&t);
    free(items);
}

static void iterating_meets_everything_once(void **state)
{
    (void)state;
    struct table t = { 0 };
    struct item *items = make_items(), *item;
    size_t pos = 0, seen = 0;

    for (int i = 0; i < ITEMS; i++)
        assert_null(table_put(&t, str_from_c(items[i].name), &items[i]));
    while ((item = table_next(&t, &pos))) {
        assert_false(item->present);
        item->present = true;
        seen++;
    }
    assert_int_equal(seen, ITEMS);
    table_fini(&t);
    free(items);
}

static void the_hash_is_siphash_2_4(void **state)
{
    (void)state;
    /* the authors' vectors: key 00..0f, input 00..len-1 */
    static const struct {
        size_t len;
        uint64_t hash;
    } vectors[] = {
        { 0, 0x726fdb47dd0e0e31u }, { 1, 0x74f839c593dc67fdu },  { 7, 0xab0200f58b01d137u },
        { 8, 0x93f5f5799a932462u }, { 15, 0xa129ca6149be45e5u }, { 63, 0x958a324ceb064572u },
    };
    char input[64];

    for (size_t i = 0; i < sizeof(input); i++)
        input[i] = (char)i;
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        struct str in = str_of(input, vectors[i].len);
        uint64_t hash = table_siphash(0x0706050403020100u, 0x0f0e0d0c0b0a0908u, in, false);
        assert_true(hash == vectors[i].hash);
    }
}

static void the_caseless_hash_folds_ascii(void **state)
{
    (void)state;
    struct str upper = STR("SIP:Someone@Example.COM"), lower = STR("sip:someone@example.com");

    assert_true(table_hash_nocase(upper) == table_hash_nocase(lower));
    assert_true(table_hash_nocase(lower) == table_hash(lower));
    assert_false(table_hash(upper) == table_hash(lower));
}

static void secrets_compare_and_are_wiped(void **state)
{
    (void)state;
    struct secret key, same;

    memset(&key, 0xee, sizeof(key));
    secret_set(&key, STR("0123456789abcdef"));
    secret_set(&same, STR("0123456789abcdef"));
    assert_int_equal(key.len, 16);
    assert_int_equal(key.bytes[63], 0);
    assert_true(secret_equal(key.bytes, same.bytes, 16));
    same.bytes[15] ^= 1;
    assert_false(secret_equal(key.bytes, same.bytes, 16));
    assert_true(secret_equal(key.bytes, same.bytes, 0));
    secret_fini(&key);
    secret_fini(&same);
    for (size_t i = 0; i < SECRET_MAX; i++)
        assert_int_equal(key.bytes[i], 0);
    assert_int_equal(key.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_table_has_nothing),
        cmocka_unit_test(putting_again_replaces_value_and_key),
        cmocka_unit_test(it_agrees_with_a_plain_array_over_many_changes),
        cmocka_unit_test(iterating_meets_everything_once),
        cmocka_unit_test(the_hash_is_siphash_2_4),
        cmocka_unit_test(the_caseless_hash_folds_ascii),
        cmocka_unit_test(secrets_compare_and_are_wiped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
