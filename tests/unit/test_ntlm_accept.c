/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ntlm_exchange.h"

static void our_challenge_says_what_was_configured(void **state)
{
    (void)state;
    struct exchange e;
    struct ntlm_challenge c;
    struct str value;

    exchange_init(&e);
    assert_int_equal(exchange_answer(&e), FAULT_NONE);
    assert_int_equal(ntlm_challenge_read(buf_str(&e.challenge), &c), FAULT_NONE);
    assert_int_equal(c.flags, NTLM_DEFAULT_OFFER);
    assert_memory_equal(c.server_challenge, e.server_challenge, 8);
    assert_int_equal(c.target_name.len, 0);
    assert_true(ntlm_av_find(c.target_info, NTLM_AV_NB_DOMAIN, &value));
    assert_true(str_eq(value, STR("E\0X\0A\0M\0P\0L\0E\0")));
    assert_true(ntlm_av_find(c.target_info, NTLM_AV_DNS_COMPUTER, &value));
    assert_int_equal(value.len, 32);
    assert_true(ntlm_av_find(c.target_info, NTLM_AV_TIMESTAMP, &value));
    assert_int_equal(value.len, 8);
    exchange_fini(&e);
}

static void pairs_that_are_not_configured_are_left_out(void **state)
{
    (void)state;
    struct exchange e;
    struct ntlm_challenge c;
    struct str value;

    exchange_init(&e);
    e.names = (struct ntlm_names){ .nb_computer = STR("FE01"),
                                   .nb_domain = STR_NONE,
                                   .dns_computer = STR("\xff not UTF-8"),
                                   .dns_domain = STR_NONE,
                                   .dns_tree = STR_NONE };
    e.filetime = 0;
    assert_int_equal(exchange_answer(&e), FAULT_NONE);
    assert_int_equal(ntlm_challenge_read(buf_str(&e.challenge), &c), FAULT_NONE);
    /* both NetBIOS names are mandatory in the list ([MS-NLMP] 2.2.2.1) */
    assert_true(ntlm_av_find(c.target_info, NTLM_AV_NB_DOMAIN, &value));
    assert_int_equal(value.len, 0);
    assert_false(ntlm_av_find(c.target_info, NTLM_AV_DNS_COMPUTER, &value));
    assert_false(ntlm_av_find(c.target_info, NTLM_AV_TIMESTAMP, &value));
    exchange_fini(&e);
}

static void keys_of_the_lm_hash_are_never_offered(void **state)
{
    (void)state;
    struct exchange e;
    struct ntlm_challenge c;

    exchange_init(&e);
    e.policy.offer |= NTLM_NEGOTIATE_LM_KEY | NTLM_REQUEST_NON_NT_SESSION_KEY;
    e.client.flags_wanted |= NTLM_NEGOTIATE_LM_KEY | NTLM_REQUEST_NON_NT_SESSION_KEY;
    assert_int_equal(exchange_answer(&e), FAULT_NONE);
    assert_int_equal(ntlm_challenge_read(buf_str(&e.challenge), &c), FAULT_NONE);
    assert_int_equal(c.flags, NTLM_DEFAULT_OFFER);
    assert_int_equal(e.flags & NTLM_NEVER_OFFERED, 0);
    assert_int_equal(exchange_accept(&e), FAULT_NONE);
    exchange_fini(&e);
}

/* The flags of a token rewritten, as a client with other conclusions would send it. */
static enum fault accept_with(struct exchange *e, uint32_t flags)
{
    for (int i = 0; i < 4; i++)
        e->token.ptr[60 + i] = (char)(flags >> (8 * i) & 0xff);
    return exchange_accept(e);
}

static void conclusions_are_a_subset_of_the_offer(void **state)
{
    (void)state;
    struct exchange e;
    const uint32_t may_be_added = NTLM_REQUEST_TARGET | NTLM_NEGOTIATE_VERSION | NTLM_ANONYMOUS;

    exchange_init(&e);
    e.policy.offer &= ~(uint32_t)NTLM_NEGOTIATE_VERSION;
    assert_int_equal(exchange_answer(&e), FAULT_NONE);
    for (unsigned i = 0; i < 32; i++) {
        uint32_t bit = UINT32_C(1) << i;
        bool allowed = (e.policy.offer | may_be_added) & bit;
        assert_int_equal(accept_with(&e, e.flags | bit), allowed ? FAULT_NONE : FAULT_NTLM_FLAGS);
    }
    exchange_fini(&e);
}

static void what_datagram_mode_needs_must_be_concluded(void **state)
{
    (void)state;
    struct exchange e;
    const uint32_t needed =
        NTLM_NEGOTIATE_UNICODE | NTLM_NEGOTIATE_DATAGRAM | NTLM_NEGOTIATE_KEY_EXCH;

    exchange_init(&e);
    assert_int_equal(exchange_answer(&e), FAULT_NONE);
    for (unsigned i = 0; i < 32; i++) {
        uint32_t bit = UINT32_C(1) << i;
        assert_int_equal(accept_with(&e, e.flags & ~bit),
                         needed & bit ? FAULT_NTLM_FLAGS : FAULT_NONE);
    }
    e.policy.offer |= NTLM_NEGOTIATE_OEM;
    assert_int_equal(
        accept_with(&e, (e.flags & ~(uint32_t)NTLM_NEGOTIATE_UNICODE) | NTLM_NEGOTIATE_OEM),
        FAULT_NONE);
    exchange_fini(&e);
}

static void a_session_key_that_is_not_16_octets_is_refused(void **state)
{
    (void)state;
    struct exchange e;

    exchange_init(&e);
    for (unsigned len = 0; len <= 15; len++) {
        assert_int_equal(exchange_answer(&e), FAULT_NONE);
        e.token.ptr[52] = (char)len;
        assert_int_equal(exchange_accept(&e), FAULT_NTLM_SESSION_KEY);
    }
    exchange_fini(&e);
}

static void anonymous_and_nameless_answers_are_refused(void **state)
{
    (void)state;
    struct exchange e;

    exchange_init(&e);
    assert_int_equal(exchange_answer(&e), FAULT_NONE);
    e.token.ptr[20] = 0; /* no NT response, no LM response */
    assert_int_equal(exchange_accept(&e), FAULT_NTLM_ANONYMOUS);
    assert_int_equal(exchange_answer(&e), FAULT_NONE);
    e.token.ptr[36] = 0; /* a response, but no user */
    assert_int_equal(exchange_accept(&e), FAULT_NTLM_ANONYMOUS);
    exchange_fini(&e);
}

static void an_lm_response_alone_is_refused(void **state)
{
    (void)state;
    struct exchange e;

    exchange_init(&e);
    e.client.lm_compatibility = 0;
    assert_int_equal(exchange_answer(&e), FAULT_NONE);
    e.token.ptr[20] = 0;
    assert_int_equal(exchange_accept(&e), FAULT_NTLM_LM_ONLY);
    exchange_fini(&e);
}

static void xp_without_128bit_is_refused_by_the_2008r2_default(void **state)
{
    (void)state;
    struct exchange e;

    exchange_init(&e);
    assert_true(ntlm_policy_preset(STR("windows-2008r2"), &e.policy));
    e.client.flags_wanted = 0x42008255;
    e.client.lm_compatibility = 0;
    assert_int_equal(exchange_run(&e), FAULT_POLICY_128BIT);
    assert_int_equal(e.unmet, NTLM_NEGOTIATE_128);
    assert_true(ntlm_policy_preset(STR("windows-2008"), &e.policy));
    assert_int_equal(exchange_run(&e), FAULT_NONE);
    assert_int_equal(e.unmet, 0);
    exchange_fini(&e);
}

static void audit_lets_in_and_tells_what_it_would_have_refused(void **state)
{
    (void)state;
    struct exchange e;

    exchange_init(&e);
    assert_true(ntlm_policy_preset(STR("strict"), &e.policy));
    e.policy.mode = NTLM_POLICY_AUDIT;
    e.client.flags_wanted = 0x42008255;
    e.client.lm_compatibility = 0;
    assert_int_equal(exchange_run(&e), FAULT_NONE);
    assert_int_equal(e.audited, FAULT_POLICY_128BIT);
    assert_int_equal(e.unmet, NTLM_NEGOTIATE_128 | NTLM_EXTENDED_SESSIONSECURITY);
    exchange_fini(&e);
}

/* Audit is about the minimum, not about what makes no sense. */
static void audit_does_not_let_broken_messages_in(void **state)
{
    (void)state;
    struct exchange e;

    exchange_init(&e);
    e.policy.mode = NTLM_POLICY_AUDIT;
    assert_int_equal(exchange_answer(&e), FAULT_NONE);
    e.token.ptr[20] = 0;
    assert_int_equal(exchange_accept(&e), FAULT_NTLM_ANONYMOUS);
    e.token.len = 40;
    assert_int_equal(exchange_accept(&e), FAULT_NTLM_MALFORMED);
    exchange_fini(&e);
}

static void structure_is_judged_before_policy(void **state)
{
    (void)state;
    struct exchange e;

    exchange_init(&e);
    assert_true(ntlm_policy_preset(STR("strict"), &e.policy));
    e.client.flags_wanted = 0x42008255;
    e.client.lm_compatibility = 0;
    assert_int_equal(exchange_answer(&e), FAULT_NONE);
    assert_int_equal(accept_with(&e, e.flags | NTLM_NEGOTIATE_SEAL), FAULT_NTLM_FLAGS);
    assert_int_equal(accept_with(&e, e.flags), FAULT_POLICY_128BIT);
    exchange_fini(&e);
}

static void a_client_meets_its_own_minimum_or_sends_nothing(void **state)
{
    (void)state;
    struct exchange e;

    exchange_init(&e);
    e.client.min_client_sec = NTLM_NEGOTIATE_128;
    e.policy.offer &= ~(uint32_t)NTLM_NEGOTIATE_128;
    assert_int_equal(exchange_answer(&e), FAULT_POLICY_CLIENT_128BIT);
    assert_int_equal(e.token.len, 0);
    e.client.min_client_sec = NTLM_EXTENDED_SESSIONSECURITY;
    e.policy.offer &= ~(uint32_t)NTLM_EXTENDED_SESSIONSECURITY;
    assert_int_equal(exchange_answer(&e), FAULT_POLICY_CLIENT_MINIMUM);
    assert_int_equal(e.token.len, 0);
    e.client.min_client_sec = 0;
    assert_int_equal(exchange_answer(&e), FAULT_NONE);
    exchange_fini(&e);
}

static void a_client_does_not_answer_what_it_cannot_conclude(void **state)
{
    (void)state;
    struct exchange e;
    static const uint32_t needed[] = { NTLM_NEGOTIATE_UNICODE, NTLM_NEGOTIATE_DATAGRAM,
                                       NTLM_NEGOTIATE_KEY_EXCH };

    exchange_init(&e);
    for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
        e.policy.offer = NTLM_DEFAULT_OFFER & ~needed[i];
        assert_int_equal(exchange_answer(&e), FAULT_NTLM_FLAGS);
        assert_int_equal(e.token.len, 0);
    }
    exchange_fini(&e);
}

static void a_client_concludes_as_windows_does(void **state)
{
    (void)state;
    struct exchange e;

    exchange_init(&e);
    /* SIPE: 56 goes when 128 stays; the captured Communicator has the same flags */
    e.client.flags_wanted = 0xE2988255;
    assert_int_equal(exchange_answer(&e), FAULT_NONE);
    assert_int_equal(e.flags, 0x62988255);
    e.policy.offer &= ~(uint32_t)NTLM_NEGOTIATE_128;
    assert_int_equal(exchange_answer(&e), FAULT_NONE);
    assert_int_equal(e.flags, 0xC2988255);
    e.policy.offer &= ~NTLM_NEGOTIATE_56;
    assert_int_equal(exchange_answer(&e), FAULT_NONE);
    assert_int_equal(e.flags, 0x42988255);
    /* level 0 never uses extended session security */
    e.client.lm_compatibility = 0;
    assert_int_equal(exchange_answer(&e), FAULT_NONE);
    assert_int_equal(e.flags, 0x42908255);
    exchange_fini(&e);
}

static void a_damaged_challenge_is_not_answered(void **state)
{
    (void)state;
    struct exchange e;

    exchange_init(&e);
    assert_int_equal(exchange_answer(&e), FAULT_NONE);
    struct buf whole = e.challenge;
    e.challenge = (struct buf){ 0 };
    for (size_t len = 48; len < whole.len; len++) {
        struct buf part = { 0 };
        buf_add(&part, str_first(buf_str(&whole), len));
        assert_int_equal(ntlm_initiate(&e.client, buf_str(&part), &e.token, &e.flags, e.client_key),
                         FAULT_NTLM_MALFORMED);
        buf_fini(&part);
    }
    /* the end of the pairs cut off inside the message */
    whole.ptr[40] = (char)(whole.ptr[40] - 4);
    assert_int_equal(ntlm_initiate(&e.client, buf_str(&whole), &e.token, &e.flags, e.client_key),
                     FAULT_NTLM_MALFORMED);
    buf_fini(&whole);
    exchange_fini(&e);
}

static void a_target_info_of_64k_does_not_fit_a_response(void **state)
{
    (void)state;
    struct exchange e;
    struct buf list = { 0 };
    static const char zeros[0xfff0];

    exchange_init(&e);
    ntlm_av_add(&list, NTLM_AV_NB_DOMAIN, str_of(zeros, 0xfff0));
    ntlm_av_end(&list);
    struct ntlm_challenge c = { .flags = NTLM_DEFAULT_OFFER,
                                .target_name = STR_NONE,
                                .target_info = buf_str(&list) };
    ntlm_challenge_write(&c, &e.challenge);
    assert_int_equal(
        ntlm_initiate(&e.client, buf_str(&e.challenge), &e.token, &e.flags, e.client_key),
        FAULT_NTLM_MALFORMED);
    buf_fini(&list);
    exchange_fini(&e);
}

static void flags_the_server_put_among_the_pairs_stay_beside_the_claim_of_a_mic(void **state)
{
    (void)state;
    struct exchange e;
    struct buf list = { 0 };
    struct str flags;

    exchange_init(&e);
    ntlm_av_add(&list, NTLM_AV_FLAGS, STR("\1\0\0\0"));
    ntlm_av_add(&list, NTLM_AV_TIMESTAMP, STR("\0\0\0\0\0\0\0\1"));
    ntlm_av_end(&list);
    const struct ntlm_challenge c = { .flags = NTLM_DEFAULT_OFFER,
                                      .target_name = STR_NONE,
                                      .target_info = buf_str(&list) };
    ntlm_challenge_write(&c, &e.challenge);
    for (int mic = 0; mic <= 1; mic++) {
        e.client.send_mic = mic;
        buf_clear(&e.token);
        assert_int_equal(
            ntlm_initiate(&e.client, buf_str(&e.challenge), &e.token, &e.flags, e.client_key),
            FAULT_NONE);
        assert_int_equal(exchange_accept(&e), FAULT_NONE);
        assert_int_equal(e.auth.mic_claimed, mic);
        assert_true(ntlm_av_find(str_skip(e.auth.nt_response, 44), NTLM_AV_FLAGS, &flags));
        assert_int_equal(flags.ptr[0], NTLM_AV_FLAG_CONSTRAINED | (mic ? NTLM_AV_FLAG_MIC : 0));
    }
    buf_fini(&list);
    exchange_fini(&e);
}

static void names_that_are_not_utf8_or_endless_are_refused(void **state)
{
    (void)state;
    struct exchange e;
    static char endless[4096];

    exchange_init(&e);
    e.client.user = STR("\xc3\x28");
    assert_int_equal(exchange_answer(&e), FAULT_CONFIG_INVALID);
    memset(endless, 'a', sizeof(endless));
    e.client.user = str_of(endless, sizeof(endless));
    assert_int_equal(exchange_answer(&e), FAULT_CONFIG_INVALID);
    assert_int_equal(e.token.len, 0);
    exchange_fini(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(our_challenge_says_what_was_configured),
        cmocka_unit_test(pairs_that_are_not_configured_are_left_out),
        cmocka_unit_test(keys_of_the_lm_hash_are_never_offered),
        cmocka_unit_test(conclusions_are_a_subset_of_the_offer),
        cmocka_unit_test(what_datagram_mode_needs_must_be_concluded),
        cmocka_unit_test(a_session_key_that_is_not_16_octets_is_refused),
        cmocka_unit_test(anonymous_and_nameless_answers_are_refused),
        cmocka_unit_test(an_lm_response_alone_is_refused),
        cmocka_unit_test(xp_without_128bit_is_refused_by_the_2008r2_default),
        cmocka_unit_test(audit_lets_in_and_tells_what_it_would_have_refused),
        cmocka_unit_test(audit_does_not_let_broken_messages_in),
        cmocka_unit_test(structure_is_judged_before_policy),
        cmocka_unit_test(a_client_meets_its_own_minimum_or_sends_nothing),
        cmocka_unit_test(a_client_does_not_answer_what_it_cannot_conclude),
        cmocka_unit_test(a_client_concludes_as_windows_does),
        cmocka_unit_test(a_damaged_challenge_is_not_answered),
        cmocka_unit_test(a_target_info_of_64k_does_not_fit_a_response),
        cmocka_unit_test(flags_the_server_put_among_the_pairs_stay_beside_the_claim_of_a_mic),
        cmocka_unit_test(names_that_are_not_utf8_or_endless_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
