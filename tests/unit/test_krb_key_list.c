/* SPDX-License-Identifier: MIT */
#include "kerberos/key_list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/compiler.h"

static struct seen {
    struct krb_key last;
    unsigned count;
} seen;

static void each(void *arg, const struct krb_key *k)
{
    struct seen *s = arg;

    s->last = *k;
    s->count++;
}

static void add_u16(struct buf *b, unsigned n)
{
    buf_add_char(b, (char)(n >> 8));
    buf_add_char(b, (char)n);
}

static void add_text(struct buf *b, const char *text)
{
    add_u16(b, (unsigned)strlen(text));
    buf_add_c(b, text);
}

/* Version 2 of the file: each entry with its length, numbers big-endian, the long version number
 * behind the key. */
static void add_key(struct buf *file, unsigned kind, unsigned key_len, unsigned kvno)
{
    static const char zeros[64];
    struct buf b = { 0 };

    add_u16(&b, 2);
    add_text(&b, "AD.EXAMPLE.TEST");
    add_text(&b, "sip");
    add_text(&b, "fe.example.test");
    buf_add(&b, str_of(zeros, 3)); /* the kind of name, in 4 octets */
    buf_add_char(&b, 1);
    buf_add(&b, str_of(zeros, 4)); /* when it was made */
    buf_add_char(&b, (char)kvno);
    add_u16(&b, kind);
    add_u16(&b, key_len);
    buf_add(&b, str_of(zeros, key_len));
    add_u16(&b, 0);
    add_u16(&b, kvno);
    add_u16(file, 0);
    add_u16(file, (unsigned)b.len);
    buf_add(file, buf_str(&b));
    buf_fini(&b);
}

static void write_file(char path[32], const struct buf *file)
{
    snprintf(path, 32, "/tmp/test_keys-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, file->ptr, file->len), file->len);
    close(fd);
}

static void every_key_is_told_with_version_and_kind(void **state)
{
    struct buf file = { 0 }, why = { 0 };
    char path[32];

    (void)state;
    buf_add(&file, STR("\x05\x02"));
    add_key(&file, 23, 16, 2);
    add_key(&file, 18, 32, 300);
    write_file(path, &file);
    seen = (struct seen){ 0 };
    assert_true(krb_keytab_list(path, each, &seen, &why));
    assert_int_equal(seen.count, 2);
    assert_string_equal(seen.last.principal, "sip/fe.example.test@AD.EXAMPLE.TEST");
    assert_int_equal(seen.last.kvno, 300);
    assert_string_equal(seen.last.enctype, "aes256-cts-hmac-sha1-96");
    unlink(path);
    buf_fini(&file);
    buf_fini(&why);
}

static void a_file_that_is_none_is_refused_with_a_reason(void **state)
{
    static const char *const texts[] = { "no keytab at all", "\x05\x02\x7F\xFF\xFF\xFF\x01", "" };
    char path[32];

    (void)state;
    for (unsigned i = 0; i < ARRAY_LEN(texts); i++) {
        struct buf file = { 0 }, why = { 0 };
        buf_add_c(&file, texts[i]);
        write_file(path, &file);
        seen = (struct seen){ 0 };
        bool good = krb_keytab_list(path, each, &seen, &why);
        assert_true(!good || seen.count == 0);
        assert_true(good || why.len > 0);
        unlink(path);
        buf_fini(&file);
        buf_fini(&why);
    }
    struct buf why = { 0 };
    assert_false(krb_keytab_list("/nonexistent/keytab", each, &seen, &why));
    assert_true(str_find(buf_str(&why), STR("/nonexistent/keytab")) != SIZE_MAX);
    buf_fini(&why);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_is_told_with_version_and_kind),
        cmocka_unit_test(a_file_that_is_none_is_refused_with_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
