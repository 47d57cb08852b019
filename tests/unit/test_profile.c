/* SPDX-License-Identifier: MIT */
#include "client/profile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "ntlm/accept.h"

static const struct ntlm_names names = { .nb_computer = { "FE01", 4 },
                                         .nb_domain = { "EXAMPLE", 7 } };

/* What the profile says to a CHALLENGE with these flags; `token` holds the message. */
static enum fault answer(const char *profile, uint32_t offer, uint64_t filetime, struct buf *token,
                         struct ntlm_authenticate *out)
{
    static const uint8_t server_challenge[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
    struct ntlm_initiate in = { .domain = STR("EXAMPLE"),
                                .user = STR("ada"),
                                .workstation = STR("D620"),
                                .password = STR("Secret-1"),
                                .filetime = 130000000000000000 };
    struct buf challenge = { 0 };
    uint8_t exported[16];
    uint32_t flags;

    client_profile_ntlm(client_profile_find(str_from_c(profile)), &in);
    ntlm_accept_challenge(&names, offer, server_challenge, filetime, &challenge);
    enum fault fault = ntlm_initiate(&in, buf_str(&challenge), token, &flags, exported);
    buf_fini(&challenge);
    if (fault != FAULT_NONE)
        return fault;
    assert_int_equal(ntlm_authenticate_read(buf_str(token), out), FAULT_NONE);
    assert_int_equal(out->flags, flags);
    return FAULT_NONE;
}

static void profile_concludes(const char *profile, uint32_t offer, uint32_t flags)
{
    struct buf token = { 0 };
    struct ntlm_authenticate a = { 0 };

    assert_int_equal(answer(profile, offer, 0, &token, &a), FAULT_NONE);
    assert_int_equal(a.flags, flags);
    buf_fini(&token);
}

static void every_profile_concludes_the_flags_of_its_client(void **state)
{
    (void)state;
    profile_concludes("windows-xp", NTLM_DEFAULT_OFFER, 0x42008255);
    profile_concludes("windows-xp-128", NTLM_DEFAULT_OFFER, 0x62988255);
    profile_concludes("windows-vista", NTLM_DEFAULT_OFFER, 0x62988255);
    profile_concludes("windows-7", NTLM_DEFAULT_OFFER, 0x62988255);
    profile_concludes("windows-7-no128", NTLM_DEFAULT_OFFER, 0xC2988255);
    profile_concludes("sipe", NTLM_DEFAULT_OFFER, 0x62988255);
}

static void sipe_takes_what_is_left_when_128_is_not_offered(void **state)
{
    (void)state;
    profile_concludes("sipe", NTLM_DEFAULT_OFFER & ~(uint32_t)NTLM_NEGOTIATE_128, 0xC2988255);
    profile_concludes("sipe", NTLM_DEFAULT_OFFER & ~(NTLM_NEGOTIATE_128 | NTLM_NEGOTIATE_56),
                      0x42988255);
}

static void windows_7_answers_no_challenge_without_128bit(void **state)
{
    (void)state;
    struct buf token = { 0 };
    struct ntlm_authenticate a = { 0 };
    uint32_t offer = NTLM_DEFAULT_OFFER & ~(uint32_t)NTLM_NEGOTIATE_128;

    assert_int_equal(answer("windows-7", offer, 0, &token, &a), FAULT_POLICY_CLIENT_128BIT);
    assert_int_equal(token.len, 0);
    profile_concludes("windows-7-no128", offer, 0xC2988255);
    profile_concludes("windows-vista", offer, 0xC2988255);
}

static void response_kinds_are_those_of_the_systems(void **state)
{
    (void)state;
    static const struct {
        const char *profile;
        enum ntlm_response_kind kind;
        unsigned major, minor, build;
    } expected[] = {
        { "windows-xp", NTLM_RESPONSE_NTLMV1, 5, 1, 2600 },
        { "windows-xp-128", NTLM_RESPONSE_NTLMV2, 5, 1, 2600 },
        { "windows-vista", NTLM_RESPONSE_NTLMV2, 6, 0, 6002 },
        { "windows-7", NTLM_RESPONSE_NTLMV2, 6, 1, 7601 },
        { "windows-7-no128", NTLM_RESPONSE_NTLMV2, 6, 1, 7601 },
        { "sipe", NTLM_RESPONSE_NTLMV2, 5, 1, 2600 },
    };

    for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
        struct buf token = { 0 };
        struct ntlm_authenticate a = { 0 };
        assert_int_equal(answer(expected[i].profile, NTLM_DEFAULT_OFFER, 0, &token, &a),
                         FAULT_NONE);
        assert_int_equal(ntlm_response_kind(&a), expected[i].kind);
        assert_int_equal(a.version.major, expected[i].major);
        assert_int_equal(a.version.minor, expected[i].minor);
        assert_int_equal(a.version.build, expected[i].build);
        assert_int_equal(a.version.revision, 15);
        buf_fini(&token);
    }
}

static void windows_xp_sends_a_true_lm_response(void **state)
{
    (void)state;
    struct buf token = { 0 };
    struct ntlm_authenticate a = { 0 };

    assert_int_equal(answer("windows-xp", NTLM_DEFAULT_OFFER, 0, &token, &a), FAULT_NONE);
    assert_int_equal(a.lm_response.len, 24);
    assert_false(str_eq(a.lm_response, a.nt_response));
    assert_false(a.mic_claimed);
    buf_fini(&token);
}

static void only_windows_7_has_a_mic_and_only_with_a_timestamp(void **state)
{
    (void)state;
    struct buf token = { 0 };
    struct ntlm_authenticate a = { 0 };
    uint64_t filetime = 130000000000000000;

    assert_int_equal(answer("windows-7", NTLM_DEFAULT_OFFER, filetime, &token, &a), FAULT_NONE);
    assert_true(a.mic_claimed);
    assert_int_equal(a.mic.len, 16);
    buf_clear(&token);
    assert_int_equal(answer("windows-7", NTLM_DEFAULT_OFFER, 0, &token, &a), FAULT_NONE);
    assert_false(a.mic_claimed);
    buf_clear(&token);
    assert_int_equal(answer("sipe", NTLM_DEFAULT_OFFER, filetime, &token, &a), FAULT_NONE);
    assert_false(a.mic_claimed);
    buf_fini(&token);
}

static void profiles_are_found_by_their_names_only(void **state)
{
    (void)state;
    unsigned count = 0;
    for (const struct client_profile *p; (p = client_profile_at(count)) != NULL; count++)
        assert_ptr_equal(client_profile_find(str_from_c(p->name)), p);
    assert_int_equal(count, 6);
    assert_null(client_profile_find(STR("windows-95")));
    assert_null(client_profile_find(STR("windows")));
    assert_null(client_profile_find(STR_NONE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_profile_concludes_the_flags_of_its_client),
        cmocka_unit_test(sipe_takes_what_is_left_when_128_is_not_offered),
        cmocka_unit_test(windows_7_answers_no_challenge_without_128bit),
        cmocka_unit_test(response_kinds_are_those_of_the_systems),
        cmocka_unit_test(windows_xp_sends_a_true_lm_response),
        cmocka_unit_test(only_windows_7_has_a_mic_and_only_with_a_timestamp),
        cmocka_unit_test(profiles_are_found_by_their_names_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
