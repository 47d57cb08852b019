/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/encode.h"
#include "ntlm/msg.h"
#include "ntlm/sign.h"

#define TEXT                                                                                       \
    "<NTLM><13317733><1><SIP Communications Service><cosmo-ocs-r2.cosmo.local>"                    \
    "<4037df9284354df39065195bd57a4b14><3><REGISTER><sip:user@cosmo.local><3e49177a52>"            \
    "<sip:user@cosmo.local><><><><>"

/* Concluded flags: extended session security with 128, 56 and 40 bits, and none of it. */
enum { ESS = 0x42988255, PLAIN = 0x42908255 };

static void key_from(const char *hex, uint8_t key[16])
{
    assert_true(hex_decode(str_from_c(hex), key, 16));
}

static struct str sign_client(const struct ntlm_keys *k, const char *text, uint8_t mac[16])
{
    ntlm_mac(&k->client, str_from_c(text), mac);
    return str_of(mac, 16);
}

static void assert_signature(const struct ntlm_sign_keys *k, const char *text, const char *hex)
{
    uint8_t mac[16], expected[16];

    key_from(hex, expected);
    ntlm_mac(k, str_from_c(text), mac);
    assert_memory_equal(mac, expected, 16);
}

/* From the exported key to the signatures of the captured exchange, both directions. */
static void the_captured_exchange_is_signed_as_it_was(void **state)
{
    (void)state;
    struct ntlm_keys k;
    uint8_t exported[16];

    key_from("6742fbe37bb1946b49d86a525bd29a9b", exported);
    ntlm_keys_init(&k, 0x62988255, 15, exported);
    assert_signature(&k.client, TEXT, "0100000029618e9651b65a7764000000");
    assert_signature(&k.server,
                     "<NTLM><9616454F><1><SIP Communications Service><cosmo-ocs-r2.cosmo.local>"
                     "<4037df9284354df39065195bd57a4b14><3><REGISTER><sip:user@cosmo.local>"
                     "<3e49177a52><sip:user@cosmo.local><5E61CCD925D17E043D9A74835A88F664><><>"
                     "<7200><200>",
                     "01000000e615438a917661be64000000");
    ntlm_keys_fini(&k);
}

static void every_key_length_signs_as_published(void **state)
{
    (void)state;
    const struct {
        uint32_t flags;
        unsigned revision;
        const char *signature;
    } rows[] = {
        { ESS | NTLM_NEGOTIATE_128, 15, "0100000067833b1d9326ab4364000000" },
        { ESS | NTLM_NEGOTIATE_128 | NTLM_NEGOTIATE_56, 15, "0100000067833b1d9326ab4364000000" },
        { ESS | NTLM_NEGOTIATE_56, 15, "01000000985d9e56d58ea94b64000000" },
        { ESS, 15, "0100000007453f1afd25bcf564000000" },
        { PLAIN | NTLM_NEGOTIATE_56, 15, "0100000000000000b609655dc6e9bbf0" },
        { PLAIN, 15, "0100000000000000a02df18d540b0bfe" },
    };
    uint8_t exported[16];
    struct ntlm_keys k;

    memset(exported, 0x55, sizeof(exported));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ntlm_keys_init(&k, rows[i].flags, rows[i].revision, exported);
        assert_signature(&k.client, TEXT, rows[i].signature);
    }
}

static void a_signature_verifies_in_its_own_direction_only(void **state)
{
    (void)state;
    uint8_t exported[16] = { 0, 1, 0, 2, 0, 3 }, mac[16];
    struct ntlm_keys k;

    ntlm_keys_init(&k, ESS | NTLM_NEGOTIATE_128, 15, exported);
    struct str signature = sign_client(&k, TEXT, mac);
    assert_true(ntlm_verify(&k, true, STR(TEXT), signature));
    assert_false(ntlm_verify(&k, false, STR(TEXT), signature));
    assert_false(ntlm_verify(&k, true, STR(TEXT "x"), signature));
}

static void every_octet_of_an_ess_signature_counts(void **state)
{
    (void)state;
    uint8_t exported[16] = { 7 }, mac[16];
    struct ntlm_keys k;

    ntlm_keys_init(&k, ESS | NTLM_NEGOTIATE_128, 15, exported);
    struct str signature = sign_client(&k, TEXT, mac);
    for (size_t bit = 0; bit < 128; bit++) {
        mac[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_false(ntlm_verify(&k, true, STR(TEXT), signature));
        mac[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_true(ntlm_verify(&k, true, STR(TEXT), signature));
}

static void only_the_pad_of_a_plain_signature_is_ignored(void **state)
{
    (void)state;
    uint8_t exported[16] = { 7 }, mac[16];
    struct ntlm_keys k;

    ntlm_keys_init(&k, PLAIN, 0, exported);
    struct str signature = sign_client(&k, TEXT, mac);
    for (size_t bit = 0; bit < 128; bit++) {
        bool pad = bit / 8 >= 4 && bit / 8 < 8;
        mac[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(ntlm_verify(&k, true, STR(TEXT), signature), pad);
        mac[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

static void signatures_of_another_length_are_refused(void **state)
{
    (void)state;
    uint8_t exported[16] = { 7 }, mac[17] = { 0 };
    struct ntlm_keys k;

    ntlm_keys_init(&k, ESS | NTLM_NEGOTIATE_128, 15, exported);
    sign_client(&k, TEXT, mac);
    for (size_t len = 0; len <= 17; len++)
        assert_int_equal(ntlm_verify(&k, true, STR(TEXT), str_of(mac, len)), len == 16);
}

/* One side goes by the declared revision, the other reads the weakened key the other way. */
static void assert_other_reading_is_found(unsigned ours, unsigned theirs, bool from_client)
{
    uint8_t exported[16], mac[16], other[16];
    struct ntlm_keys we, they;

    memset(exported, 0xc3, sizeof(exported));
    ntlm_keys_init(&we, PLAIN, ours, exported);
    ntlm_keys_init(&they, PLAIN, theirs, exported);
    ntlm_mac(from_client ? &they.client : &they.server, STR(TEXT), mac);
    ntlm_mac(&we.client, STR(TEXT), other);
    assert_memory_not_equal(mac, other, 16);
    assert_true(ntlm_verify(&we, from_client, STR(TEXT), str_of(mac, 16)));

    /* from now on that reading holds for both directions, and the other no longer */
    assert_false(ntlm_verify(&we, from_client, STR(TEXT), str_of(other, 16)));
    ntlm_mac(&we.client, STR(TEXT), other);
    assert_memory_equal(mac, other, 16);
    ntlm_mac(&we.server, STR(TEXT), other);
    assert_memory_equal(mac, other, 16);
}

static void the_other_reading_of_the_weakened_key_is_found_and_kept(void **state)
{
    (void)state;
    assert_other_reading_is_found(15, 0, true);
    assert_other_reading_is_found(0, 15, true);
    assert_other_reading_is_found(15, 0, false);
    assert_other_reading_is_found(0, 15, false);
}

static void a_matching_first_reading_closes_the_other(void **state)
{
    (void)state;
    uint8_t exported[16], mac[16], other[16];
    struct ntlm_keys we, they;

    memset(exported, 0xc3, sizeof(exported));
    ntlm_keys_init(&we, PLAIN, 15, exported);
    ntlm_keys_init(&they, PLAIN, 0, exported);
    ntlm_mac(&we.client, STR(TEXT), mac);
    ntlm_mac(&they.client, STR(TEXT), other);
    assert_true(ntlm_verify(&we, true, STR(TEXT), str_of(mac, 16)));
    assert_false(ntlm_verify(&we, true, STR(TEXT), str_of(other, 16)));
    assert_false(ntlm_verify(&we, false, STR(TEXT), str_of(other, 16)));
}

static void a_wrong_signature_leaves_both_readings_open(void **state)
{
    (void)state;
    uint8_t exported[16], mac[16];
    struct ntlm_keys we, they;

    memset(exported, 0xc3, sizeof(exported));
    ntlm_keys_init(&we, PLAIN, 15, exported);
    ntlm_keys_init(&they, PLAIN, 0, exported);
    ntlm_mac(&they.client, STR(TEXT), mac);
    assert_false(ntlm_verify(&we, true, STR("another text"), str_of(mac, 16)));
    assert_true(ntlm_verify(&we, true, STR(TEXT), str_of(mac, 16)));
}

/* The captured signature of an OCS 2007 (vectors sip-v2-*): whole key, no version declared. */
static void an_ocs_2007_signature_verifies(void **state)
{
    (void)state;
    static const char text[] =
        "<NTLM><0878F41B><1><SIP Communications Service><ocs1.ocs.provo.novell.com>"
        "<8592g5DCBa1694i5887m0D0Bt2247b3F38xAE9Fx><3><REGISTER>"
        "<sip:gabriel@ocs.provo.novell.com><2947328781><B816D65C2300A32CFA6D371F2AF537FD><900>"
        "<200>";
    uint8_t exported[16], signature[16];
    struct ntlm_keys k;

    key_from("5f029153bc025058969548615e7099ba", exported);
    key_from("0100000000000000bf2e52667ddf6ded", signature);
    ntlm_keys_init(&k, 0x40008250, 0, exported);
    assert_true(ntlm_verify(&k, false, str_from_c(text), str_of(signature, 16)));
    /* and if the client had declared revision 15, by the second reading */
    ntlm_keys_init(&k, 0x40008250, 15, exported);
    assert_true(ntlm_verify(&k, false, str_from_c(text), str_of(signature, 16)));
}

static void without_key_exchange_the_checksum_is_not_encrypted(void **state)
{
    (void)state;
    uint8_t exported[16] = { 9 };
    struct ntlm_keys k;

    ntlm_keys_init(&k, (ESS | NTLM_NEGOTIATE_128) & ~(uint32_t)NTLM_NEGOTIATE_KEY_EXCH, 15,
                   exported);
    for (size_t i = 0; i < sizeof(k.client.keystream); i++)
        assert_int_equal(k.client.keystream[i], 0);
}

/* Keys are binary: each position of the exported key being zero must still tell texts apart and
 * give the same answer on both sides. */
static void zero_octets_in_keys_are_octets(void **state)
{
    (void)state;
    uint8_t exported[16], mac[16], seen[17][16];
    struct ntlm_keys ours, theirs;

    for (size_t zero = 0; zero <= 16; zero++) {
        for (size_t i = 0; i < 16; i++)
            exported[i] = i == zero ? 0 : (uint8_t)(i + 1);
        ntlm_keys_init(&ours, ESS | NTLM_NEGOTIATE_128, 15, exported);
        ntlm_keys_init(&theirs, ESS | NTLM_NEGOTIATE_128, 15, exported);
        assert_true(ntlm_verify(&theirs, true, STR(TEXT), sign_client(&ours, TEXT, mac)));
        memcpy(seen[zero], mac, 16);
        for (size_t before = 0; before < zero; before++)
            assert_memory_not_equal(seen[before], mac, 16);
    }
}

static void wiped_keys_hold_nothing(void **state)
{
    (void)state;
    static const struct ntlm_keys nothing;
    uint8_t exported[16] = { 1, 2, 3 };
    struct ntlm_keys k;

    memset(&k, 0, sizeof(k));
    ntlm_keys_init(&k, ESS, 15, exported);
    ntlm_keys_fini(&k);
    assert_memory_equal(&k, &nothing, sizeof(k));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_captured_exchange_is_signed_as_it_was),
        cmocka_unit_test(every_key_length_signs_as_published),
        cmocka_unit_test(a_signature_verifies_in_its_own_direction_only),
        cmocka_unit_test(every_octet_of_an_ess_signature_counts),
        cmocka_unit_test(only_the_pad_of_a_plain_signature_is_ignored),
        cmocka_unit_test(signatures_of_another_length_are_refused),
        cmocka_unit_test(the_other_reading_of_the_weakened_key_is_found_and_kept),
        cmocka_unit_test(a_matching_first_reading_closes_the_other),
        cmocka_unit_test(a_wrong_signature_leaves_both_readings_open),
        cmocka_unit_test(an_ocs_2007_signature_verifies),
        cmocka_unit_test(without_key_exchange_the_checksum_is_not_encrypted),
        cmocka_unit_test(zero_octets_in_keys_are_octets),
        cmocka_unit_test(wiped_keys_hold_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
