/* SPDX-License-Identifier: MIT */
#include "edge/token.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define ADA STR("sip:ada@example.com")
#define BEN STR("sip:ben@example.com")

enum { WEEK = TOKEN_LIFE_S };

static const uint64_t now = 3000ull * WEEK + 1000;
static struct token_maker maker = { .boot = 0x01020304 };

static int begin(void **state)
{
    (void)state;
    for (int i = 0; i < TOKEN_SECRET_LEN; i++)
        maker.secret[i] = (uint8_t)(i * 7);
    return 0;
}

static struct buf token(enum token_way way, struct str user, uint64_t at)
{
    struct buf text = { 0 };

    token_print(&maker, 0x1122334455667788u, way, user, at, &text);
    assert_int_equal(text.len, TOKEN_TEXT_LEN);
    return text;
}

static enum token_status check(struct str text, enum token_way way, struct str user, uint64_t at)
{
    uint64_t id = 0;
    enum token_status status = token_check(&maker, text, way, user, at, &id);

    if (status != TOKEN_BAD)
        assert_true(id == 0x1122334455667788u);
    return status;
}

static void a_token_names_its_connection(void **state)
{
    struct buf t = token(TOKEN_TO_CLIENT, ADA, now);

    (void)state;
    assert_int_equal(check(buf_str(&t), TOKEN_TO_CLIENT, ADA, now), TOKEN_GOOD);
    assert_int_equal(check(buf_str(&t), TOKEN_TO_CLIENT, ADA, now + WEEK - 1), TOKEN_GOOD);
    buf_fini(&t);
}

static void it_is_good_for_one_user_and_one_way(void **state)
{
    struct buf t = token(TOKEN_TO_CLIENT, ADA, now);

    (void)state;
    assert_int_equal(check(buf_str(&t), TOKEN_TO_CLIENT, BEN, now), TOKEN_BAD);
    assert_int_equal(check(buf_str(&t), TOKEN_FROM_CLIENT, ADA, now), TOKEN_BAD);
    assert_int_equal(check(buf_str(&t), TOKEN_TO_CLIENT, STR_NONE, now), TOKEN_BAD);
    buf_fini(&t);
}

static void every_character_counts(void **state)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=. ";
    struct buf t = token(TOKEN_FROM_CLIENT, ADA, now);

    (void)state;
    for (size_t i = 0; i < t.len; i++) {
        char was = t.ptr[i];
        for (const char *c = alphabet; *c; c++) {
            t.ptr[i] = *c;
            if (*c != was)
                assert_int_equal(check(buf_str(&t), TOKEN_FROM_CLIENT, ADA, now), TOKEN_BAD);
        }
        t.ptr[i] = was;
    }
    assert_int_equal(check(buf_str(&t), TOKEN_FROM_CLIENT, ADA, now), TOKEN_GOOD);
    for (size_t len = 0; len < t.len; len++)
        assert_int_equal(check(str_first(buf_str(&t), len), TOKEN_FROM_CLIENT, ADA, now),
                         TOKEN_BAD);
    buf_add_char(&t, 'A');
    assert_int_equal(check(buf_str(&t), TOKEN_FROM_CLIENT, ADA, now), TOKEN_BAD);
    buf_fini(&t);
}

static void two_keys_live_during_rotation(void **state)
{
    uint64_t late = 3001ull * WEEK - 10; /* just before the key changes */
    struct buf t = token(TOKEN_TO_CLIENT, ADA, late);

    (void)state;
    assert_int_equal(check(buf_str(&t), TOKEN_TO_CLIENT, ADA, late + 20), TOKEN_GOOD);
    assert_int_equal(check(buf_str(&t), TOKEN_TO_CLIENT, ADA, late + WEEK), TOKEN_GOOD);
    assert_int_equal(check(buf_str(&t), TOKEN_TO_CLIENT, ADA, late + WEEK + 1), TOKEN_BAD);
    assert_int_equal(check(buf_str(&t), TOKEN_TO_CLIENT, ADA, late + 2 * WEEK), TOKEN_BAD);
    /* the key's number comes again after 256 weeks */
    assert_int_equal(check(buf_str(&t), TOKEN_TO_CLIENT, ADA, late + 256ull * WEEK), TOKEN_BAD);
    buf_fini(&t);
}

static void a_connection_of_an_earlier_boot_is_gone(void **state)
{
    struct buf t = token(TOKEN_TO_CLIENT, ADA, now);

    (void)state;
    maker.boot++;
    assert_int_equal(check(buf_str(&t), TOKEN_TO_CLIENT, ADA, now), TOKEN_GONE);
    maker.boot--;
    buf_fini(&t);
}

static void another_secret_makes_other_tokens(void **state)
{
    struct buf t = token(TOKEN_TO_CLIENT, ADA, now);

    (void)state;
    maker.secret[31] ^= 1;
    assert_int_equal(check(buf_str(&t), TOKEN_TO_CLIENT, ADA, now), TOKEN_BAD);
    maker.secret[31] ^= 1;
    buf_fini(&t);
}

static void the_secret_is_a_private_file(void **state)
{
    char dir[] = "/tmp/postern-token-XXXXXX", file[64];
    struct token_maker one, two;
    struct buf why = { 0 };
    struct stat st;

    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(file, sizeof(file), "%s/edge.key", dir);
    assert_true(token_maker_open(&one, file, &why));
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_true(token_maker_open(&two, file, &why));
    assert_memory_equal(one.secret, two.secret, TOKEN_SECRET_LEN);
    assert_int_equal(why.len, 0);

    chmod(file, 0640);
    assert_false(token_maker_open(&two, file, &why));
    assert_true(str_find(buf_str(&why), str_from_c(file)) != SIZE_MAX);
    chmod(file, 0600);
    assert_int_equal(truncate(file, 31), 0);
    assert_false(token_maker_open(&two, file, &why));
    unlink(file);
    assert_int_equal(symlink("/dev/zero", file), 0);
    assert_false(token_maker_open(&two, file, &why));
    unlink(file);
    rmdir(dir);
    token_maker_fini(&one);
    buf_fini(&why);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_names_its_connection),
        cmocka_unit_test(it_is_good_for_one_user_and_one_way),
        cmocka_unit_test(every_character_counts),
        cmocka_unit_test(two_keys_live_during_rotation),
        cmocka_unit_test(a_connection_of_an_earlier_boot_is_gone),
        cmocka_unit_test(another_secret_makes_other_tokens),
        cmocka_unit_test(the_secret_is_a_private_file),
    };
    return cmocka_run_group_tests(tests, begin, NULL);
}
