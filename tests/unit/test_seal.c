/* SPDX-License-Identifier: MIT */
#include "users/seal.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[] = "/tmp/postern-seal-XXXXXX";
static char key_path[64];
static const uint8_t hash[16] = { 0x8A, 0x46, 1, 2, 3 };

static int make_dir(void **state)
{
    (void)state;
    snprintf(dir, sizeof(dir), "/tmp/postern-seal-XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(key_path, sizeof(key_path), "%s/key", dir);
    return 0;
}

static int remove_dir(void **state)
{
    (void)state;
    unlink(key_path);
    return rmdir(dir);
}

static void the_key_file_is_made_once_and_only_its_owner_can_read_it(void **state)
{
    (void)state;
    struct seal first, second;
    struct buf why = { 0 };
    struct stat st;
    uint8_t sealed[SEALED_LEN], back[16];

    assert_true(seal_open(&first, key_path, true, &why));
    assert_int_equal(stat(key_path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(st.st_size, SEAL_KEY_LEN);
    seal_hash(&first, 5, STR("ADA"), hash, sealed);
    assert_true(seal_open(&second, key_path, true, &why));
    assert_true(seal_unseal(&second, 5, STR("ADA"), str_of(sealed, SEALED_LEN), back));
    assert_memory_equal(back, hash, 16);
    buf_fini(&why);
}

static void a_sealed_hash_opens_for_no_other_account_and_not_when_altered(void **state)
{
    (void)state;
    struct seal s;
    struct buf why = { 0 };
    uint8_t sealed[SEALED_LEN], back[16];

    assert_true(seal_open(&s, key_path, true, &why));
    seal_hash(&s, 5, STR("ADA"), hash, sealed);
    assert_false(seal_unseal(&s, 6, STR("ADA"), str_of(sealed, SEALED_LEN), back));
    assert_false(seal_unseal(&s, 5, STR("BOB"), str_of(sealed, SEALED_LEN), back));
    assert_false(seal_unseal(&s, 5, STR("ADA"), str_of(sealed, SEALED_LEN - 1), back));
    for (unsigned i = 0; i < SEALED_LEN; i++) {
        sealed[i] ^= 1;
        assert_false(seal_unseal(&s, 5, STR("ADA"), str_of(sealed, SEALED_LEN), back));
        sealed[i] ^= 1;
    }
    assert_true(seal_unseal(&s, 5, STR("ADA"), str_of(sealed, SEALED_LEN), back));
    buf_fini(&why);
}

static void a_key_file_that_others_can_read_is_refused(void **state)
{
    (void)state;
    struct seal s;
    struct buf why = { 0 };

    assert_true(seal_open(&s, key_path, true, &why));
    assert_int_equal(chmod(key_path, 0640), 0);
    assert_false(seal_open(&s, key_path, true, &why));
    assert_true(str_find(buf_str(&why), STR("chmod 600")) != SIZE_MAX);
    buf_fini(&why);
}

static void a_key_file_of_another_size_or_kind_is_refused(void **state)
{
    (void)state;
    struct seal s;
    struct buf why = { 0 };

    assert_false(seal_open(&s, key_path, false, &why));
    int fd = open(key_path, O_CREAT | O_WRONLY, 0600);
    assert_int_equal(write(fd, "0123456789012345678901234567890123", 33), 33);
    close(fd);
    assert_false(seal_open(&s, key_path, true, &why));
    unlink(key_path);
    assert_int_equal(symlink("/dev/zero", key_path), 0);
    assert_false(seal_open(&s, key_path, true, &why));
    buf_fini(&why);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_key_file_is_made_once_and_only_its_owner_can_read_it,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(
            a_sealed_hash_opens_for_no_other_account_and_not_when_altered, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(a_key_file_that_others_can_read_is_refused, make_dir,
                                        remove_dir),
        cmocka_unit_test_setup_teardown(a_key_file_of_another_size_or_kind_is_refused, make_dir,
                                        remove_dir),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
