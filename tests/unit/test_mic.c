/* SPDX-License-Identifier: MIT */
/* The vectors come from a run that was checked against MIT Kerberos 1.20 both ways. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "base/encode.h"
#include "kerberos/mic.h"

static struct krb_keys keys_of(bool rfc4121, uint8_t len, bool subkey)
{
    struct krb_keys k = {
        .rfc4121 = rfc4121, .acceptor_subkey = subkey, .key_len = len, .send_seq = 7
    };

    for (uint8_t i = 0; i < len; i++)
        k.key[i] = i;
    return k;
}

static const struct {
    bool rfc4121;
    uint8_t key_len;
    bool subkey, acceptor;
    const char *mic;
} vectors[] = {
    { true, 32, false, false, "040400ffffffffff0000000000000007893718d6694f25e6475c017d" },
    { true, 32, false, true, "040401ffffffffff0000000000000007e7d8df1fe618706ffe7edeb6" },
    { true, 32, true, true, "040405ffffffffff00000000000000070df872b8f29f5ab123bd87ff" },
    { true, 16, false, false, "040400ffffffffff0000000000000007bbe628a973ff7fb674d3158b" },
    { false, 16, false, false,
      "602306092a864886f71201020201011100ffffffff6a367e09108053e3e336d83b86343ca9" },
    { false, 16, false, true,
      "602306092a864886f71201020201011100ffffffff6a367e09ef7fac1ce336d83b86343ca9" },
};

static void signatures_are_those_of_mit(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ARRAY_LEN(vectors); i++) {
        struct krb_keys k = keys_of(vectors[i].rfc4121, vectors[i].key_len, vectors[i].subkey);
        struct krb_mic m;
        uint8_t mic[KRB_MIC_MAX], want[KRB_MIC_MAX];
        struct str hex = str_from_c(vectors[i].mic);

        krb_mic_init(&m, &k, vectors[i].acceptor);
        assert_int_equal(krb_mic_make(&m, STR("postern"), mic), hex.len / 2);
        assert_true(hex_decode(hex, want, hex.len / 2));
        assert_memory_equal(mic, want, hex.len / 2);
        krb_mic_fini(&m);
    }
}

static void each_side_checks_what_the_other_signed_and_nothing_else(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ARRAY_LEN(vectors); i++) {
        struct krb_keys k = keys_of(vectors[i].rfc4121, vectors[i].key_len, vectors[i].subkey);
        struct krb_mic here, there;
        uint8_t mic[KRB_MIC_MAX];

        krb_mic_init(&here, &k, vectors[i].acceptor);
        krb_mic_init(&there, &k, !vectors[i].acceptor);
        for (unsigned round = 0; round < 3; round++) {
            size_t len = krb_mic_make(&here, STR("postern"), mic);

            assert_true(krb_mic_verify(&there, STR("postern"), str_of(mic, len)));
            assert_false(krb_mic_verify(&there, STR("Postern"), str_of(mic, len)));
            assert_false(krb_mic_verify(&here, STR("postern"), str_of(mic, len)));
            for (size_t at = 0; at < len; at++) {
                uint8_t kept = mic[at];

                /* the number is not looked at, only what it is covered by */
                bool covered = vectors[i].rfc4121 || at < 21 || at >= 25;
                mic[at] ^= 0x10;
                assert_int_equal(krb_mic_verify(&there, STR("postern"), str_of(mic, len)),
                                 !covered);
                mic[at] = kept;
                assert_false(krb_mic_verify(&there, STR("postern"), str_of(mic, at)));
            }
        }
        krb_mic_fini(&here);
        krb_mic_fini(&there);
    }
}

static void keys_arrive_as_they_were_written(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ARRAY_LEN(vectors); i++) {
        struct krb_keys k = keys_of(vectors[i].rfc4121, vectors[i].key_len, vectors[i].subkey), got;
        struct buf octets = { 0 };

        krb_keys_write(&k, &octets);
        assert_true(octets.len <= KRB_KEYS_MAX);
        assert_true(krb_keys_read(buf_str(&octets), &got));
        assert_memory_equal(&k, &got, sizeof(k));
        for (size_t len = 0; len < octets.len; len++)
            assert_false(krb_keys_read(str_of(octets.ptr, len), &got));
        buf_add_char(&octets, '\0');
        assert_false(krb_keys_read(buf_str(&octets), &got));
        buf_fini(&octets);
    }
}

static void octets_that_are_no_keys_are_refused(void **state)
{
    (void)state;
    struct krb_keys k = keys_of(true, 32, false), got;
    struct buf octets = { 0 };

    krb_keys_write(&k, &octets);
    octets.ptr[0] = 0; /* RFC 1964 has no key of 32 octets */
    assert_false(krb_keys_read(buf_str(&octets), &got));
    octets.ptr[0] = 2;
    assert_false(krb_keys_read(buf_str(&octets), &got));
    octets.ptr[0] = 1;
    octets.ptr[1] = 2;
    assert_false(krb_keys_read(buf_str(&octets), &got));
    buf_fini(&octets);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signatures_are_those_of_mit),
        cmocka_unit_test(each_side_checks_what_the_other_signed_and_nothing_else),
        cmocka_unit_test(keys_arrive_as_they_were_written),
        cmocka_unit_test(octets_that_are_no_keys_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
