/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/encode.h"
#include "ntlm_exchange.h"

#define HOUR (UINT64_C(3600) * 10000000)

static const uint32_t key_lengths[] = { NTLM_NEGOTIATE_128, NTLM_NEGOTIATE_56, 0 };

enum { KEY_LENGTHS = 3 };

static void set_key_length(struct exchange *e, unsigned i)
{
    e->client.flags_wanted &= ~((uint32_t)NTLM_NEGOTIATE_128 | NTLM_NEGOTIATE_56);
    e->client.flags_wanted |= key_lengths[i];
}

/* What signing keys are made of, besides the exported key that exchange_run compares. */
static void assert_same_key_material(const struct exchange *e)
{
    bool version = e->flags & NTLM_NEGOTIATE_VERSION;

    assert_int_equal(e->auth.flags, e->flags);
    assert_int_equal(e->auth.has_version, version);
    assert_int_equal(e->auth.version.revision, version ? e->client.version.revision : 0);
}

static void assert_round_trip(struct exchange *e, enum ntlm_response_kind kind)
{
    for (unsigned i = 0; i < KEY_LENGTHS; i++) {
        set_key_length(e, i);
        assert_int_equal(exchange_run(e), FAULT_NONE);
        assert_int_equal(ntlm_response_kind(&e->auth), kind);
        assert_int_equal(e->auth.flags & (NTLM_NEGOTIATE_128 | NTLM_NEGOTIATE_56), key_lengths[i]);
        assert_same_key_material(e);
        assert_int_equal(exchange_verify(e, "pa$$word1"), FAULT_USER_WRONG_PASSWORD);
        for (size_t octet = 0; octet < 16; octet++)
            assert_int_equal(e->server_key[octet], 0);
    }
    exchange_fini(e);
}

static void ntlmv1_with_lm_goes_round(void **state)
{
    (void)state;
    struct exchange e;

    for (unsigned level = 0; level <= 2; level++) {
        exchange_init(&e);
        e.client.lm_compatibility = level;
        e.client.flags_wanted &= ~(uint32_t)NTLM_EXTENDED_SESSIONSECURITY;
        assert_round_trip(&e, NTLM_RESPONSE_NTLMV1);
    }
}

static void the_lm_response_is_a_copy_where_there_is_no_lm_hash(void **state)
{
    (void)state;
    static const struct {
        const char *password;
        unsigned level;
        bool copy;
    } rows[] = {
        { "short", 0, false },      { "longer than 14 octets", 0, true },
        { "p\xc3\xa4ss", 0, true }, { "short", 1, false },
        { "short", 2, true },
    };
    struct exchange e;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        exchange_init(&e);
        e.client.lm_compatibility = rows[i].level;
        e.client.flags_wanted &= ~(uint32_t)NTLM_EXTENDED_SESSIONSECURITY;
        e.client.password = str_from_c(rows[i].password);
        assert_int_equal(exchange_run(&e), FAULT_NONE);
        assert_int_equal(str_eq(e.auth.lm_response, e.auth.nt_response), rows[i].copy);
        exchange_fini(&e);
    }
}

static void ntlm2_session_goes_round(void **state)
{
    (void)state;
    struct exchange e;

    for (unsigned level = 1; level <= 2; level++) {
        exchange_init(&e);
        e.client.lm_compatibility = level;
        assert_round_trip(&e, NTLM_RESPONSE_NTLM2_SESSION);
    }
}

static void ntlmv2_goes_round(void **state)
{
    (void)state;
    struct exchange e;

    for (unsigned variant = 0; variant < 16; variant++) {
        exchange_init(&e);
        e.client.send_lmv2 = variant & 1;
        e.client.send_mic = variant & 2;
        e.filetime = variant & 4 ? EXCHANGE_NOW : 0;
        if (variant & 8)
            e.client.flags_wanted &= ~(uint32_t)NTLM_EXTENDED_SESSIONSECURITY;
        assert_int_equal(exchange_run(&e), FAULT_NONE);
        assert_int_equal(e.auth.lm_response.len, e.client.send_lmv2 ? 24 : 0);
        assert_int_equal(e.auth.mic_claimed, e.client.send_mic && e.filetime);
        assert_int_equal(e.auth.mic.len, e.auth.mic_claimed ? 16 : 0);
        assert_round_trip(&e, NTLM_RESPONSE_NTLMV2);
    }
}

static void ntlmv2_without_any_target_info_goes_round(void **state)
{
    (void)state;
    struct exchange e;

    exchange_init(&e);
    e.policy.offer &= ~(uint32_t)NTLM_NEGOTIATE_TARGET_INFO;
    assert_round_trip(&e, NTLM_RESPONSE_NTLMV2);
}

static void clients_without_a_version_go_round(void **state)
{
    (void)state;
    struct exchange e;

    for (unsigned level = 0; level <= 3; level++) {
        exchange_init(&e);
        e.client.lm_compatibility = level;
        e.client.flags_wanted &= ~(uint32_t)NTLM_NEGOTIATE_VERSION;
        e.client.send_mic = level == 3;
        assert_int_equal(exchange_run(&e), FAULT_NONE);
        assert_false(e.auth.has_version && e.auth.version.revision);
        assert_same_key_material(&e);
        exchange_fini(&e);
    }
}

static void names_in_an_oem_character_set_go_round(void **state)
{
    (void)state;
    struct exchange e;

    exchange_init(&e);
    e.policy.offer = (e.policy.offer & ~(uint32_t)NTLM_NEGOTIATE_UNICODE) | NTLM_NEGOTIATE_OEM;
    e.client.flags_wanted |= NTLM_NEGOTIATE_OEM;
    assert_int_equal(exchange_run(&e), FAULT_NONE);
    assert_true(str_eq(e.auth.user, STR("ada")));
    assert_round_trip(&e, NTLM_RESPONSE_NTLMV2);
}

static void names_of_any_script_go_round(void **state)
{
    (void)state;
    static const char *const users[] = { "j\xc3\xbcrgen", "\xd0\xb8\xd0\xb2\xd0\xb0\xd0\xbd",
                                         "\xe6\x9d\xb1\xe4\xba\xac", "\xf0\x90\x90\xa8" };
    struct exchange e;

    for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
        exchange_init(&e);
        e.client.user = str_from_c(users[i]);
        e.client.domain = str_from_c(users[i]);
        e.client.workstation = str_from_c(users[i]);
        assert_round_trip(&e, NTLM_RESPONSE_NTLMV2);
    }
}

/* The captured Communicator 2007 R2 against OCS 2007 R2 (vectors r2-*). */
static void the_captured_client_proves_its_password(void **state)
{
    (void)state;
    static const char hex[] =
        "4e544c4d53535000030000001800180072000000c600c6008a0000000a000a0048000000080008005200000018"
        "0018005a0000001000100050010000558298620502ce0e0000000f43004f0053004d004f005500730065007200"
        "43004f0053004d004f002d004f00430053002d0052003200a1e92efe4e078bf7c5c0049acc6166c2d6ae875cb0"
        "fdaa418dc0c800ae76eca606d2b9fbebd04731010100000000000059519a1727b9ca01d6ae875cb0fdaa410000"
        "000002000a0043004f0053004d004f000100180043004f0053004d004f002d004f00430053002d005200320004"
        "00160063006f0073006d006f002e006c006f00630061006c000300300063006f0073006d006f002d006f006300"
        "73002d00720032002e0063006f0073006d006f002e006c006f00630061006c000500160063006f0073006d006f"
        "002e006c006f00630061006c00000000000000000031cb739e1ca80a498591e8ae797115e4";
    struct exchange e;
    uint8_t message[sizeof(hex) / 2], expected[16];

    exchange_init(&e);
    assert_true(hex_decode(STR(hex), message, sizeof(message)));
    assert_true(hex_decode(STR("6742fbe37bb1946b49d86a525bd29a9b"), expected, 16));
    assert_true(hex_decode(STR("dd1baaf4e7e218d1"), e.server_challenge, 8));
    buf_add(&e.token, str_of(message, sizeof(message)));
    e.policy.offer = 0xe29882f3;
    e.now = UINT64_C(0x01cab927179a5159);
    assert_int_equal(exchange_accept(&e), FAULT_NONE);
    assert_int_equal(exchange_verify(&e, "Pa$$word"), FAULT_NONE);
    assert_memory_equal(e.server_key, expected, 16);
    exchange_fini(&e);
}

static void every_truncation_of_an_answer_is_refused(void **state)
{
    (void)state;
    struct exchange e;

    for (unsigned level = 0; level <= 3; level++) {
        exchange_init(&e);
        e.client.lm_compatibility = level;
        e.client.send_mic = true;
        assert_int_equal(exchange_answer(&e), FAULT_NONE);
        size_t whole = e.token.len;
        for (size_t len = 0; len < whole; len++) {
            /* a copy of just that length, so that reading past it is seen */
            char *part = malloc(len ? len : 1);
            assert_non_null(part);
            memcpy(part, e.token.ptr, len);
            assert_int_equal(ntlm_accept_authenticate(str_of(part, len), e.policy.offer, &e.policy,
                                                      &e.auth, &e.unmet, &e.audited),
                             FAULT_NTLM_MALFORMED);
            free(part);
        }
        exchange_fini(&e);
    }
}

static void every_bit_of_an_answer_with_a_mic_is_protected(void **state)
{
    (void)state;
    struct exchange e;

    exchange_init(&e);
    e.client.send_mic = true;
    assert_int_equal(exchange_run(&e), FAULT_NONE);
    for (size_t bit = 0; bit < 8 * e.token.len; bit++) {
        e.token.ptr[bit / 8] ^= (char)(1 << bit % 8);
        enum fault fault = exchange_accept(&e);
        if (fault == FAULT_NONE)
            fault = exchange_verify(&e, "Pa$$word1");
        assert_int_not_equal(fault, FAULT_NONE);
        e.token.ptr[bit / 8] ^= (char)(1 << bit % 8);
    }
    exchange_fini(&e);
}

static void an_altered_message_fails_by_its_mic(void **state)
{
    (void)state;
    struct exchange e;

    exchange_init(&e);
    e.client.send_mic = true;
    assert_int_equal(exchange_run(&e), FAULT_NONE);
    e.token.ptr[e.auth.workstation.ptr - e.token.ptr] ^= 1;
    assert_int_equal(exchange_accept(&e), FAULT_NONE);
    assert_int_equal(exchange_verify(&e, "Pa$$word1"), FAULT_NTLM_MIC);
    assert_int_equal(exchange_answer(&e), FAULT_NONE);
    assert_int_equal(exchange_accept(&e), FAULT_NONE);
    e.challenge.ptr[23] ^= 1; /* a flag of the CHALLENGE turned on the way */
    assert_int_equal(exchange_verify(&e, "Pa$$word1"), FAULT_NTLM_MIC);
    e.challenge.len = 0; /* nothing to check it against: not believed */
    assert_int_equal(exchange_verify(&e, "Pa$$word1"), FAULT_NTLM_MIC);
    exchange_fini(&e);
}

/* The message without its MIC, as a relay would send it on after changing flags. */
static void a_dropped_mic_is_noticed(void **state)
{
    (void)state;
    struct exchange e;
    struct buf dropped = { 0 };

    exchange_init(&e);
    e.client.send_mic = true;
    assert_int_equal(exchange_run(&e), FAULT_NONE);
    ntlm_authenticate_write(&e.auth, false, &dropped);
    assert_int_equal(dropped.len, e.token.len - 16);
    buf_clear(&e.token);
    buf_add(&e.token, buf_str(&dropped));
    assert_int_equal(exchange_accept(&e), FAULT_NONE);
    assert_true(e.auth.mic_claimed);
    assert_false(e.auth.has_mic_room);
    assert_int_equal(exchange_verify(&e, "Pa$$word1"), FAULT_NTLM_MIC);
    /* who does not know the password learns nothing of it */
    assert_int_equal(exchange_verify(&e, "wrong"), FAULT_USER_WRONG_PASSWORD);
    buf_fini(&dropped);
    exchange_fini(&e);
}

static void the_clients_clock_may_be_36_hours_off(void **state)
{
    (void)state;
    static const struct {
        int64_t skew;
        enum fault fault;
    } rows[] = {
        { 36 * (int64_t)HOUR, FAULT_NONE },
        { -36 * (int64_t)HOUR, FAULT_NONE },
        { 36 * (int64_t)HOUR + 1, FAULT_NTLM_TIME },
        { -36 * (int64_t)HOUR - 1, FAULT_NTLM_TIME },
        { 24 * 365 * (int64_t)HOUR, FAULT_NTLM_TIME },
    };
    struct exchange e;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        exchange_init(&e);
        e.filetime = 0;
        e.client.filetime = EXCHANGE_NOW + (uint64_t)rows[i].skew;
        assert_int_equal(exchange_run(&e), rows[i].fault);
        assert_int_equal(exchange_verify(&e, "wrong"), FAULT_USER_WRONG_PASSWORD);
        exchange_fini(&e);
    }
    /* the extremes of the field do not wrap around */
    exchange_init(&e);
    e.filetime = 0;
    e.client.filetime = 0;
    assert_int_equal(exchange_run(&e), FAULT_NTLM_TIME);
    e.client.filetime = UINT64_MAX;
    e.now = 5;
    assert_int_equal(exchange_run(&e), FAULT_NTLM_TIME);
    exchange_fini(&e);
}

static void a_client_uses_the_servers_time_when_told(void **state)
{
    (void)state;
    struct exchange e;

    exchange_init(&e);
    e.client.filetime = 1;
    assert_int_equal(exchange_run(&e), FAULT_NONE);
    exchange_fini(&e);
}

/* What an NTLMv2 client of another make puts into its answer. */
struct odd_client {
    const char *user, *domain; /* in the message */
    struct str hash_domain;    /* in the hash, UTF-16 */
    int ascii_only;
    struct str tail; /* after the pairs */
};

static void write_odd(struct exchange *e, const struct odd_client *odd)
{
    struct buf user = { 0 }, domain = { 0 }, password = { 0 }, blob = { 0 }, nt = { 0 };
    uint8_t nt_hash[16], v2k[16], proof[16], kxk[16], session_key[16];

    assert_true(utf16_from_utf8(str_from_c(odd->user), &user));
    assert_true(utf16_from_utf8(str_from_c(odd->domain), &domain));
    assert_true(utf16_from_utf8(e->client.password, &password));
    ntlm_ntowfv1(buf_str(&password), nt_hash);
    ntlm_ntowfv2(nt_hash, buf_str(&user), odd->hash_domain, odd->ascii_only, v2k);
    buf_add(&blob, str_of("\1\1\0\0\0\0\0\0", 8));
    for (int i = 0; i < 8; i++)
        buf_add_char(&blob, (char)(EXCHANGE_NOW >> (8 * i) & 0xff));
    buf_add(&blob, str_of(e->client.client_challenge, 8));
    buf_add(&blob, str_of("\0\0\0\0", 4));
    ntlm_av_end(&blob);
    buf_add(&blob, odd->tail);
    ntlm_hmac_md5(str_of(v2k, 16), str_of(e->server_challenge, 8), buf_str(&blob), proof);
    buf_add(&nt, str_of(proof, 16));
    buf_add(&nt, buf_str(&blob));
    ntlm_hmac_md5(str_of(v2k, 16), str_of(proof, 16), STR_NONE, kxk);
    ntlm_rc4k(kxk, e->client.random_session_key, session_key);
    const struct ntlm_authenticate a = { .lm_response = STR_NONE,
                                         .nt_response = buf_str(&nt),
                                         .domain = buf_str(&domain),
                                         .user = buf_str(&user),
                                         .workstation = STR_NONE,
                                         .session_key = str_of(session_key, 16),
                                         .flags = 0x62988255 };
    buf_clear(&e->token);
    ntlm_authenticate_write(&a, false, &e->token);
    buf_fini(&user);
    buf_fini(&domain);
    buf_fini(&password);
    buf_fini(&blob);
    buf_fini(&nt);
}

static void assert_odd(const struct odd_client *odd, enum fault expected)
{
    struct exchange e;

    exchange_init(&e);
    write_odd(&e, odd);
    assert_int_equal(exchange_accept(&e), FAULT_NONE);
    assert_int_equal(exchange_verify(&e, "Pa$$word1"), expected);
    if (expected == FAULT_NONE)
        assert_memory_equal(e.server_key, e.client.random_session_key, 16);
    exchange_fini(&e);
}

static void trailing_octets_after_the_pairs_are_hashed_and_let_be(void **state)
{
    (void)state;
    static const struct str tails[] = { STR("\0\0\0\0"), STR("x"),
                                        STR("\6\0\4\0\2\0\0\0 not a pair any more") };

    for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
        const struct odd_client odd = {
            .user = "ada", .domain = "D", .hash_domain = STR("D\0"), .tail = tails[i]
        };
        assert_odd(&odd, FAULT_NONE);
    }
    const struct odd_client none = {
        .user = "ada", .domain = "D", .hash_domain = STR("D\0"), .tail = STR_NONE
    };
    assert_odd(&none, FAULT_NONE);
}

static void a_client_that_hashes_no_domain_is_let_in(void **state)
{
    (void)state;
    const struct odd_client odd = {
        .user = "ada", .domain = "EXAMPLE", .hash_domain = STR_NONE, .tail = STR("\0\0\0\0")
    };
    const struct odd_client other = {
        .user = "ada", .domain = "EXAMPLE", .hash_domain = STR("O\0"), .tail = STR("\0\0\0\0")
    };

    assert_odd(&odd, FAULT_NONE);
    assert_odd(&other, FAULT_USER_WRONG_PASSWORD);
}

static void a_client_that_upper_cases_only_ascii_is_let_in(void **state)
{
    (void)state;
    struct odd_client odd = { .user = "j\xc3\xbcrgen",
                              .domain = "D",
                              .hash_domain = STR("D\0"),
                              .ascii_only = 1,
                              .tail = STR("\0\0\0\0") };

    assert_odd(&odd, FAULT_NONE);
    odd.hash_domain = STR_NONE;
    assert_odd(&odd, FAULT_NONE);
    odd.ascii_only = 0;
    assert_odd(&odd, FAULT_NONE);
}

/* The domain counts as it is written: another case is another domain. */
static void the_case_of_the_domain_is_kept(void **state)
{
    (void)state;
    const struct odd_client odd = { .user = "ada",
                                    .domain = "Example",
                                    .hash_domain = STR("E\0X\0A\0M\0P\0L\0E\0"),
                                    .tail = STR("\0\0\0\0") };
    const struct odd_client right = {
        .user = "aDa", .domain = "eX", .hash_domain = STR("e\0X\0"), .tail = STR("\0\0\0\0")
    };

    assert_odd(&odd, FAULT_USER_WRONG_PASSWORD);
    assert_odd(&right, FAULT_NONE);
}

static void zero_octets_in_keys_and_challenges_are_octets(void **state)
{
    (void)state;
    struct exchange e;

    for (unsigned level = 0; level <= 3; level++) {
        for (unsigned zero = 0; zero < 24; zero++) {
            exchange_init(&e);
            e.client.lm_compatibility = level;
            if (zero < 16)
                e.client.random_session_key[zero] = 0;
            else
                e.server_challenge[zero - 16] = 0;
            e.client.client_challenge[zero % 8] = 0;
            assert_int_equal(exchange_run(&e), FAULT_NONE);
            assert_same_key_material(&e);
            exchange_fini(&e);
        }
    }
}

static void another_challenge_is_a_wrong_answer(void **state)
{
    (void)state;
    struct exchange e;

    for (unsigned level = 0; level <= 3; level++) {
        exchange_init(&e);
        e.client.lm_compatibility = level;
        assert_int_equal(exchange_run(&e), FAULT_NONE);
        e.server_challenge[7] ^= 1;
        assert_int_equal(exchange_verify(&e, "Pa$$word1"), FAULT_USER_WRONG_PASSWORD);
        exchange_fini(&e);
    }
}

static void keys_that_cannot_be_made_are_refused(void **state)
{
    (void)state;
    struct exchange e;

    exchange_init(&e);
    e.client.lm_compatibility = 0;
    assert_int_equal(exchange_run(&e), FAULT_NONE);
    e.auth.flags |= NTLM_NEGOTIATE_LM_KEY;
    assert_int_equal(exchange_verify(&e, "Pa$$word1"), FAULT_NTLM_FLAGS);
    e.auth.flags = e.flags | NTLM_REQUEST_NON_NT_SESSION_KEY;
    assert_int_equal(exchange_verify(&e, "Pa$$word1"), FAULT_NTLM_FLAGS);
    e.auth.flags = e.flags & ~(uint32_t)NTLM_NEGOTIATE_KEY_EXCH;
    assert_int_equal(exchange_verify(&e, "Pa$$word1"), FAULT_NTLM_FLAGS);
    e.auth.flags = e.flags;
    e.auth.session_key.len = 15;
    assert_int_equal(exchange_verify(&e, "Pa$$word1"), FAULT_NTLM_SESSION_KEY);
    exchange_fini(&e);
}

static void what_proves_no_password_is_refused(void **state)
{
    (void)state;
    struct exchange e;

    exchange_init(&e);
    e.client.lm_compatibility = 0;
    assert_int_equal(exchange_run(&e), FAULT_NONE);
    e.auth.nt_response = STR_NONE;
    assert_int_equal(exchange_verify(&e, "Pa$$word1"), FAULT_NTLM_LM_ONLY);
    e.auth.lm_response = STR_NONE;
    assert_int_equal(exchange_verify(&e, "Pa$$word1"), FAULT_NTLM_ANONYMOUS);
    exchange_fini(&e);
    /* extended session security takes 8 octets of the LM field into the key */
    exchange_init(&e);
    e.client.lm_compatibility = 1;
    assert_int_equal(exchange_run(&e), FAULT_NONE);
    e.auth.lm_response.len = 7;
    assert_int_equal(exchange_verify(&e, "Pa$$word1"), FAULT_NTLM_MALFORMED);
    exchange_fini(&e);
}

/* Without extended session security the LM field enters nothing, whatever it holds. */
static void the_lm_field_of_plain_ntlmv1_does_not_matter(void **state)
{
    (void)state;
    struct exchange e;

    for (size_t len = 0; len <= 24; len++) {
        exchange_init(&e);
        e.client.lm_compatibility = 0;
        assert_int_equal(exchange_run(&e), FAULT_NONE);
        e.auth.lm_response.len = len;
        assert_int_equal(exchange_verify(&e, "Pa$$word1"), FAULT_NONE);
        exchange_fini(&e);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ntlmv1_with_lm_goes_round),
        cmocka_unit_test(the_lm_response_is_a_copy_where_there_is_no_lm_hash),
        cmocka_unit_test(ntlm2_session_goes_round),
        cmocka_unit_test(ntlmv2_goes_round),
        cmocka_unit_test(ntlmv2_without_any_target_info_goes_round),
        cmocka_unit_test(clients_without_a_version_go_round),
        cmocka_unit_test(names_in_an_oem_character_set_go_round),
        cmocka_unit_test(names_of_any_script_go_round),
        cmocka_unit_test(the_captured_client_proves_its_password),
        cmocka_unit_test(every_truncation_of_an_answer_is_refused),
        cmocka_unit_test(every_bit_of_an_answer_with_a_mic_is_protected),
        cmocka_unit_test(an_altered_message_fails_by_its_mic),
        cmocka_unit_test(a_dropped_mic_is_noticed),
        cmocka_unit_test(the_clients_clock_may_be_36_hours_off),
        cmocka_unit_test(a_client_uses_the_servers_time_when_told),
        cmocka_unit_test(trailing_octets_after_the_pairs_are_hashed_and_let_be),
        cmocka_unit_test(a_client_that_hashes_no_domain_is_let_in),
        cmocka_unit_test(a_client_that_upper_cases_only_ascii_is_let_in),
        cmocka_unit_test(the_case_of_the_domain_is_kept),
        cmocka_unit_test(zero_octets_in_keys_and_challenges_are_octets),
        cmocka_unit_test(another_challenge_is_a_wrong_answer),
        cmocka_unit_test(keys_that_cannot_be_made_are_refused),
        cmocka_unit_test(what_proves_no_password_is_refused),
        cmocka_unit_test(the_lm_field_of_plain_ntlmv1_does_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
