/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/auth_kit.h"

static struct kit *k;
static struct kit_client ada;
static struct auth_result out;

static int set_up(void **state)
{
    (void)state;
    k = kit_new("windows-2008r2");
    k->policy->base.min_sipae_version = 4;
    kit_client_init(&ada, k, "ada");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    kit_client_fini(&ada);
    kit_free(k);
    return 0;
}

static void assert_challenged(enum fault fault)
{
    assert_int_equal(out.outcome, AUTH_CHALLENGE);
    assert_string_equal(fault_name(out.fault), fault_name(fault));
    assert_int_equal(out.challenge_count, 1);
    assert_true(str_eq(out.challenges[0], STR("NTLM realm=\"" KIT_REALM
                                              "\", targetname=\"" KIT_TARGET "\", version=4")));
    assert_null(out.sa);
}

static void assert_signed_in(void)
{
    assert_int_equal(out.outcome, AUTH_PASS);
    assert_string_equal(fault_name(out.fault), "none");
    assert_non_null(out.sa);
    assert_int_equal(out.sa->state, SA_ESTABLISHED);
}

static void sign_in(struct kit_client *c)
{
    kit_sign_in(k, c, &out);
    assert_signed_in();
}

/* --- the exchange --- */

static void a_request_without_credentials_gets_the_first_challenge(void **state)
{
    (void)state;
    kit_compose(&ada, "REGISTER");
    kit_check(k, &ada, &out);
    assert_challenged(FAULT_NONE);
    kit_compose(&ada, "OPTIONS");
    kit_check(k, &ada, &out);
    assert_challenged(FAULT_NONE);
    assert_int_equal(sa_table_half_open(k->auth.sas), 0);
}

static void the_empty_token_gets_a_challenge_of_the_scheme_in_progress(void **state)
{
    (void)state;
    struct sip_auth p;
    struct str token;
    struct ntlm_challenge m;
    kit_compose(&ada, "REGISTER");
    kit_authorize(&ada, "", false);
    kit_check(k, &ada, &out);
    assert_int_equal(out.outcome, AUTH_CHALLENGE);
    assert_int_equal(out.fault, FAULT_NONE);
    assert_int_equal(out.challenge_count, 1);
    assert_int_equal(sip_auth_parse(out.challenges[0], &p), FAULT_NONE);
    assert_true(str_eq(p.scheme, STR("NTLM")));
    assert_true(str_eq(sip_auth_get(&p, STR("realm")), STR(KIT_REALM)));
    assert_true(str_eq(sip_auth_get(&p, STR("targetname")), STR(KIT_TARGET)));
    assert_true(str_eq(sip_auth_get(&p, STR("version")), STR("4")));
    assert_true(str_eq(sip_auth_get(&p, STR("opaque")), str_from_c(k->home.list->opaque_text)));
    assert_true(base64_decode(sip_auth_get(&p, STR("gssapi-data")), &k->arena, &token));
    assert_int_equal(ntlm_challenge_read(token, &m), FAULT_NONE);
    assert_int_equal(m.flags, k->policy->base.offer);
    assert_memory_equal(m.server_challenge, k->home.list->server_challenge, 8);
}

static void each_challenge_is_new(void **state)
{
    (void)state;
    uint8_t first[8];
    kit_begin(k, &ada);
    memcpy(first, k->home.list->server_challenge, 8);
    kit_begin(k, &ada);
    assert_memory_not_equal(first, k->home.list->server_challenge, 8);
    assert_int_equal(sa_table_half_open(k->auth.sas), 1);
}

static void a_whole_sign_in_of_version(unsigned version)
{
    k->policy->base.min_sipae_version = version;
    ada.version = version;
    kit_begin(k, &ada);
    kit_authenticate(k, &ada, &out);
    assert_int_equal(out.outcome, AUTH_ASK);
    assert_int_equal(out.sa->state, SA_ASKING);
    assert_true(str_eq(out.question.from_uri, STR("sip:ada@example.test")));
    assert_true(str_eq(out.question.source, STR("\x0a\x00\x00\x01")));
    assert_true(str_eq(out.account_text, STR("EXAMPLE\\ada")));
    struct proto_verdict v;
    kit_directory(k, &out.question, &v);
    v.user_flags = USER_SIP_ENABLED;
    kit_verdict(k, &ada, &v, &out);
    assert_signed_in();
    assert_int_equal(out.sa->version, version);
    assert_int_equal(out.sa->signed_once, version == 4);
    assert_string_equal(out.sa->user_key, "sip:ada@example.test");
    assert_string_equal(out.sa->account, "EXAMPLE\\ada");
    assert_string_equal(out.sa->display, "Ada");
    assert_int_equal(out.sa->user_flags, USER_SIP_ENABLED);
    kit_signed(k, &ada, "SUBSCRIBE", &out);
    assert_signed_in();
    assert_true(out.sa->signed_once);
    assert_ptr_equal(sa_find_user(&k->home, STR("sip:ada@example.test"), str_from_c(ada.epid)),
                     out.sa);
}

static void version_4_signs_in(void **state)
{
    (void)state;
    a_whole_sign_in_of_version(4);
}

static void version_3_signs_in_and_is_bound_to_its_keys_by_the_first_signed_request(void **state)
{
    (void)state;
    a_whole_sign_in_of_version(3);
}

static void version_2_signs_in_and_is_bound_to_its_keys_by_the_first_signed_request(void **state)
{
    (void)state;
    a_whole_sign_in_of_version(2);
}

static void proxy_authorization_is_as_good(void **state)
{
    (void)state;
    ada.header = "Proxy-Authorization";
    sign_in(&ada);
    kit_signed(k, &ada, "SERVICE", &out);
    assert_signed_in();
}

static void of_several_credentials_ours_are_picked(void **state)
{
    (void)state;
    sign_in(&ada);
    kit_compose(&ada, "SUBSCRIBE");
    kit_add_line(&ada, STR("Authorization: Digest username=\"a\", realm=\"elsewhere\""));
    kit_add_line(&ada, STR("Authorization: NTLM realm=\"other\", targetname=\"" KIT_TARGET
                           "\", opaque=\"00000000\", crand=\"1\", cnum=\"1\", response=\"00\""));
    kit_add_line(&ada, STR("Authorization: ???"));
    ada.header = "Proxy-Authorization";
    kit_authorize(&ada, NULL, true);
    kit_check(k, &ada, &out);
    assert_signed_in();
}

static void another_realm_or_target_is_no_credentials(void **state)
{
    (void)state;
    static const char *const wrong[][2] = { { "sip communications service", KIT_TARGET },
                                            { KIT_REALM, "fe02.example.test" },
                                            { "", "" } };
    for (size_t i = 0; i < 3; i++) {
        ada.realm = wrong[i][0];
        ada.target = wrong[i][1];
        kit_compose(&ada, "REGISTER");
        kit_authorize(&ada, "", false);
        kit_check(k, &ada, &out);
        assert_challenged(FAULT_NONE);
    }
}

static void the_target_name_is_a_host_name_and_signed_as_spelt(void **state)
{
    (void)state;
    ada.target = "FE01.Example.Test";
    sign_in(&ada);
    kit_signed(k, &ada, "SUBSCRIBE", &out);
    assert_signed_in();
}

static void a_header_that_cannot_be_read_is_told(void **state)
{
    (void)state;
    kit_compose(&ada, "REGISTER");
    kit_add_line(&ada, STR("Authorization: NTLM realm=\"unclosed"));
    kit_check(k, &ada, &out);
    assert_challenged(FAULT_SIP_AUTHORIZATION);
}

/* --- refused handshakes --- */

static void assert_handshake_gone(void)
{
    assert_int_equal(sa_table_half_open(k->auth.sas), 0);
    kit_authenticate(k, &ada, &out);
    assert_challenged(FAULT_NTLM_REPLAY);
}

static void xp_without_128bit_is_refused_by_the_2008r2_default(void **state)
{
    (void)state;
    ada.flags = 0x42008255;
    ada.lm_compatibility = 0;
    kit_sign_in(k, &ada, &out);
    assert_challenged(FAULT_POLICY_128BIT);
    assert_int_equal(out.unmet, NTLM_NEGOTIATE_128);
    assert_int_equal(out.minimum, NTLM_NEGOTIATE_128);
    assert_int_equal(out.flags & 0x42000000, 0x42000000);
    assert_true(str_eq(out.account_text, STR("EXAMPLE\\ada")));
    assert_true(str_starts(out.token, STR("NTLMSSP")));
    assert_handshake_gone();
}

static void policy_is_told_whatever_the_password(void **state)
{
    (void)state;
    ada.flags = 0x42008255;
    ada.password = "wrong";
    kit_sign_in(k, &ada, &out);
    assert_challenged(FAULT_POLICY_128BIT);
}

static void an_exception_lets_a_named_user_in_and_nobody_else(void **state)
{
    (void)state;
    char *users[] = { (char *)"sip:ada@*" };
    struct ntlm_policy_exception e = { .name = (char *)"plant floor",
                                       .users = users,
                                       .user_count = 1,
                                       .until = KIT_DAY,
                                       .policy = k->policy->base };
    e.policy.min_server_sec = 0;
    k->policy->exceptions = &e;
    k->policy->exception_count = 1;
    ada.flags = 0x42008255;
    sign_in(&ada);
    assert_true(str_eq(out.policy_name, STR("plant floor")));
    struct kit_client bob;
    kit_client_init(&bob, k, "bob");
    bob.flags = 0x42008255;
    bob.epid = "b0b";
    kit_sign_in(k, &bob, &out);
    assert_challenged(FAULT_POLICY_128BIT);
    kit_client_fini(&bob);
    k->policy->exceptions = NULL;
    k->policy->exception_count = 0;
}

static void an_exception_for_a_network_makes_the_challenge_too(void **state)
{
    (void)state;
    struct ntlm_network network = { .addr = { 10, 0, 0, 2 }, .len = 4, .bits = 32 };
    struct ntlm_policy_exception e = {
        .name = (char *)"lab", .networks = &network, .network_count = 1, .policy = k->policy->base
    };
    e.policy.offer = 0x42988251;
    e.policy.min_server_sec = 0;
    k->policy->exceptions = &e;
    k->policy->exception_count = 1;
    ada.conn = &k->other;
    kit_begin(k, &ada);
    assert_int_equal(k->other.list->offered, 0x42988251);
    ada.conn = &k->home;
    kit_begin(k, &ada);
    assert_int_equal(k->home.list->offered, k->policy->base.offer);
    k->policy->exceptions = NULL;
    k->policy->exception_count = 0;
}

static void audit_mode_lets_in_and_tells_what_was_unmet(void **state)
{
    (void)state;
    k->policy->base.mode = NTLM_POLICY_AUDIT;
    ada.flags = 0x42008255;
    kit_begin(k, &ada);
    kit_authenticate(k, &ada, &out);
    assert_int_equal(out.outcome, AUTH_ASK);
    assert_int_equal(out.fault, FAULT_NONE);
    assert_int_equal(out.audited, FAULT_POLICY_128BIT);
    assert_int_equal(out.unmet, NTLM_NEGOTIATE_128);
    struct proto_verdict v;
    kit_directory(k, &out.question, &v);
    kit_verdict(k, &ada, &v, &out);
    assert_signed_in();
    assert_int_equal(out.audited, FAULT_NONE); /* told once */
}

static void a_version_below_the_minimum_is_refused(void **state)
{
    (void)state;
    ada.version = 3;
    kit_sign_in(k, &ada, &out);
    assert_challenged(FAULT_POLICY_SIPAE_VERSION);
    assert_handshake_gone();
    ada.version = 2;
    kit_sign_in(k, &ada, &out);
    assert_challenged(FAULT_POLICY_SIPAE_VERSION);
    k->policy->base.min_sipae_version = 3;
    kit_sign_in(k, &ada, &out);
    assert_challenged(FAULT_POLICY_SIPAE_VERSION);
}

static void audit_mode_lets_an_older_version_in(void **state)
{
    (void)state;
    k->policy->base.mode = NTLM_POLICY_AUDIT;
    ada.version = 3;
    kit_begin(k, &ada);
    kit_authenticate(k, &ada, &out);
    assert_int_equal(out.outcome, AUTH_ASK);
    assert_int_equal(out.audited, FAULT_POLICY_SIPAE_VERSION);
    assert_int_equal(out.sa->version, 3);
}

static void version_4_without_a_signature_is_refused(void **state)
{
    (void)state;
    kit_begin(k, &ada);
    kit_compose(&ada, "REGISTER");
    kit_authorize(&ada, ada.token.ptr, false);
    kit_check(k, &ada, &out);
    assert_challenged(FAULT_SA_UNSIGNED);
    assert_handshake_gone();
}

static void a_strange_version_is_refused_and_a_newer_one_is_taken_as_ours(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum fault fault;
    } cases[] = { { "four", FAULT_SIP_AUTHORIZATION }, { "-4", FAULT_SIP_AUTHORIZATION },
                  { "0", FAULT_POLICY_SIPAE_VERSION }, { "99999999999", FAULT_SIP_AUTHORIZATION },
                  { "\"4\"", FAULT_SA_UNSIGNED },      { "5", FAULT_SA_UNSIGNED } };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buf line = { 0 };
        kit_begin(k, &ada);
        kit_compose(&ada, "REGISTER");
        buf_printf(&line,
                   "Authorization: NTLM realm=\"%s\", targetname=\"%s\", opaque=\"%s\", "
                   "gssapi-data=\"%s\", version=%s",
                   KIT_REALM, KIT_TARGET, ada.opaque, ada.token.ptr, cases[i].text);
        kit_add_line(&ada, buf_str(&line));
        kit_check(k, &ada, &out);
        assert_challenged(cases[i].fault);
        buf_fini(&line);
    }
}

static void a_wrong_password_fails_the_handshake_for_good(void **state)
{
    (void)state;
    ada.password = "wrong";
    kit_sign_in(k, &ada, &out);
    assert_challenged(FAULT_USER_WRONG_PASSWORD);
    assert_true(str_eq(out.account_text, STR("EXAMPLE\\ada")));
    assert_true(str_starts(out.token, STR("NTLMSSP")));
    assert_handshake_gone();
}

static void an_unreachable_directory_fails_the_handshake(void **state)
{
    (void)state;
    struct proto_verdict v = { .fault = FAULT_DIRECTORY_UNREACHABLE };
    kit_begin(k, &ada);
    kit_authenticate(k, &ada, &out);
    kit_verdict(k, &ada, &v, &out);
    assert_challenged(FAULT_DIRECTORY_UNREACHABLE);
    assert_handshake_gone();
}

static void a_proved_password_without_the_right_to_sign_in_can_be_refused_signed(void **state)
{
    (void)state;
    struct proto_verdict v;
    struct sigtext t = { .call_id = STR("c") };
    struct buf b = { 0 };
    kit_begin(k, &ada);
    kit_authenticate(k, &ada, &out);
    kit_directory(k, &out.question, &v);
    v.fault = FAULT_USER_NOT_SIP_ENABLED;
    kit_verdict(k, &ada, &v, &out);
    assert_int_equal(out.outcome, AUTH_PASS);
    assert_int_equal(out.fault, FAULT_USER_NOT_SIP_ENABLED);
    assert_int_not_equal(out.sa->state, SA_ESTABLISHED);
    auth_sign(&k->auth, out.sa, &t, &b);
    assert_true(b.len > 0);
    sa_drop(k->auth.sas, out.sa);
    assert_handshake_gone();
    buf_fini(&b);
}

static void a_forged_signature_on_authenticate_fails_the_handshake(void **state)
{
    (void)state;
    struct proto_verdict v;
    kit_begin(k, &ada);
    kit_compose(&ada, "REGISTER");
    ada.keys.client.sign_key[3] ^= 1;
    kit_authorize(&ada, ada.token.ptr, true);
    kit_check(k, &ada, &out);
    assert_int_equal(out.outcome, AUTH_ASK);
    kit_directory(k, &out.question, &v);
    assert_int_equal(v.fault, FAULT_NONE);
    kit_verdict(k, &ada, &v, &out);
    assert_challenged(FAULT_SA_HANDSHAKE_SIGNATURE);
    assert_int_equal(sa_table_established(k->auth.sas), 0);
    assert_handshake_gone();
}

static void a_refusal_after_the_proof_needs_the_signature_too(void **state)
{
    (void)state;
    struct proto_verdict v;
    kit_begin(k, &ada);
    kit_compose(&ada, "REGISTER");
    ada.keys.client.sign_key[3] ^= 1;
    kit_authorize(&ada, ada.token.ptr, true);
    kit_check(k, &ada, &out);
    kit_directory(k, &out.question, &v);
    v.fault = FAULT_USER_URI_NOT_THEIRS;
    kit_verdict(k, &ada, &v, &out);
    assert_challenged(FAULT_SA_HANDSHAKE_SIGNATURE);
}

static void damaged_tokens_fail_the_handshake(void **state)
{
    (void)state;
    static const char *const tokens[] = {
        "",     "TlRMTVNTUAAD", "!!!!",
        "AAAA", "TlRMTVNTUAA",  "TlRMTVNTUAABAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
    };
    for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++) {
        kit_begin(k, &ada);
        kit_compose(&ada, "REGISTER");
        kit_authorize(&ada, tokens[i], false);
        kit_check(k, &ada, &out);
        assert_challenged(FAULT_NTLM_MALFORMED);
        assert_int_equal(sa_table_half_open(k->auth.sas), 0);
    }
}

/* --- who answers what --- */

static void a_repeated_authenticate_does_not_ask_twice(void **state)
{
    (void)state;
    struct proto_verdict v;
    struct auth_result again;
    kit_begin(k, &ada);
    kit_authenticate(k, &ada, &out);
    kit_directory(k, &out.question, &v);
    kit_check(k, &ada, &again);
    assert_int_equal(again.outcome, AUTH_DROP);
    kit_verdict(k, &ada, &v, &out);
    assert_signed_in();
    kit_check(k, &ada, &out); /* the same octets once more, after the sign-in */
    assert_challenged(FAULT_NTLM_REPLAY);
    kit_signed(k, &ada, "SUBSCRIBE", &out);
    assert_signed_in();
}

static void an_authenticate_from_another_connection_is_a_replay(void **state)
{
    (void)state;
    kit_begin(k, &ada);
    ada.conn = &k->other;
    kit_authenticate(k, &ada, &out);
    assert_challenged(FAULT_NTLM_REPLAY);
    assert_true(str_eq(out.account_text, STR("EXAMPLE\\ada")));
    ada.conn = &k->home; /* and does no harm to the real one */
    kit_authenticate(k, &ada, &out);
    assert_int_equal(out.outcome, AUTH_ASK);
}

static void an_authenticate_with_another_cid_is_a_replay(void **state)
{
    (void)state;
    ada.cid = "1A";
    kit_begin(k, &ada);
    ada.cid = "1B";
    kit_authenticate(k, &ada, &out);
    assert_challenged(FAULT_NTLM_REPLAY);
}

static void an_authenticate_that_comes_too_late_is_a_replay(void **state)
{
    (void)state;
    kit_begin(k, &ada);
    k->now_ms += 60000;
    kit_authenticate(k, &ada, &out);
    assert_challenged(FAULT_NTLM_REPLAY);
}

static void an_authenticate_without_opaque_is_a_replay(void **state)
{
    (void)state;
    kit_begin(k, &ada);
    ada.opaque[0] = 0;
    kit_authenticate(k, &ada, &out);
    assert_challenged(FAULT_NTLM_REPLAY);
}

static void another_token_for_an_unknown_handshake_names_no_sa(void **state)
{
    (void)state;
    memcpy(ada.opaque, "01234567", 9);
    kit_compose(&ada, "REGISTER");
    kit_authorize(&ada, "AAAA", false);
    kit_check(k, &ada, &out);
    assert_challenged(FAULT_SA_UNKNOWN);
    kit_compose(&ada, "REGISTER");
    kit_authorize(&ada, "", false);
    kit_check(k, &ada, &out);
    assert_challenged(FAULT_SA_UNKNOWN);
    assert_int_equal(sa_table_half_open(k->auth.sas), 0);
}

static void a_verdict_for_a_handshake_that_died_is_a_refusal(void **state)
{
    (void)state;
    struct proto_verdict v;
    kit_begin(k, &ada);
    kit_authenticate(k, &ada, &out);
    kit_directory(k, &out.question, &v);
    sa_drop(k->auth.sas, out.sa);
    kit_verdict(k, &ada, &v, &out);
    assert_challenged(FAULT_NTLM_REPLAY);
    assert_int_equal(sa_table_established(k->auth.sas), 0);
}

static void a_second_verdict_changes_nothing(void **state)
{
    (void)state;
    struct proto_verdict v;
    kit_begin(k, &ada);
    kit_authenticate(k, &ada, &out);
    kit_directory(k, &out.question, &v);
    kit_verdict(k, &ada, &v, &out);
    assert_signed_in();
    v.fault = FAULT_USER_WRONG_PASSWORD;
    v.password_proved = false;
    kit_verdict(k, &ada, &v, &out);
    assert_challenged(FAULT_NTLM_REPLAY);
    kit_signed(k, &ada, "SUBSCRIBE", &out);
    assert_signed_in();
}

/* --- signed requests --- */

static void a_changed_header_is_noticed(void **state)
{
    (void)state;
    static const char *const signed_fields[][2] = { { "Expires: 7200", "Expires: 7201" },
                                                    { "To: <sip:ada@", "To: <sip:bda@" },
                                                    { "Call-ID: c", "Call-ID: d" },
                                                    { ";tag=t", ";tag=u" } };
    sign_in(&ada);
    for (size_t i = 0; i < 4; i++) {
        kit_compose(&ada, "SUBSCRIBE");
        kit_authorize(&ada, NULL, true);
        size_t at = str_find(buf_str(&ada.sent), str_from_c(signed_fields[i][0]));
        assert_true(at != SIZE_MAX);
        memcpy(ada.sent.ptr + at, signed_fields[i][1], strlen(signed_fields[i][1]));
        kit_check(k, &ada, &out);
        assert_challenged(FAULT_SA_SIGNATURE);
    }
    kit_signed(k, &ada, "SUBSCRIBE", &out);
    assert_signed_in();
}

static void a_wrong_signature_does_not_use_its_number_up(void **state)
{
    (void)state;
    sign_in(&ada);
    ada.keys.client.sign_key[0] ^= 1;
    kit_signed(k, &ada, "SUBSCRIBE", &out);
    assert_challenged(FAULT_SA_SIGNATURE);
    ada.keys.client.sign_key[0] ^= 1;
    ada.cnum--;
    kit_signed(k, &ada, "SUBSCRIBE", &out);
    assert_signed_in();
}

static void a_replayed_number_is_refused(void **state)
{
    (void)state;
    sign_in(&ada);
    kit_signed(k, &ada, "SUBSCRIBE", &out);
    assert_signed_in();
    kit_check(k, &ada, &out);
    assert_challenged(FAULT_SA_REPLAY);
    ada.cnum = 0; /* that of the AUTHENTICATE request counts too */
    kit_signed(k, &ada, "SUBSCRIBE", &out);
    assert_challenged(FAULT_SA_REPLAY);
}

static void numbers_out_of_order_are_fine_within_the_window(void **state)
{
    (void)state;
    sign_in(&ada);
    ada.cnum = 299;
    kit_signed(k, &ada, "SUBSCRIBE", &out);
    assert_signed_in();
    ada.cnum = 44;
    kit_signed(k, &ada, "SUBSCRIBE", &out);
    assert_signed_in();
    ada.cnum = 43;
    kit_signed(k, &ada, "SUBSCRIBE", &out);
    assert_challenged(FAULT_SA_REPLAY);
}

static void odd_signature_parameters_are_wrong_signatures(void **state)
{
    (void)state;
    static const char *const tails[] = {
        "",
        "crand=\"1\"",
        "crand=\"1\", cnum=\"x\", response=\"00\"",
        "crand=\"1\", cnum=\"5\", response=\"\"",
        "crand=\"1\", cnum=\"5\", response=\"zz000000000000000000000000000000\"",
        "crand=\"1\", cnum=\"5\", response=\"0100000000000000000000006400000000\"",
        "crand=\"1\", cnum=\"-1\", response=\"01000000000000000000000064000000\"",
        "crand=\"1\", cnum=\"99999999999999\", response=\"01000000000000000000000064000000\"",
        "cnum=\"5\", response=\"01000000000000000000000064000000\""
    };
    sign_in(&ada);
    for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
        struct buf line = { 0 };
        buf_printf(&line, "Authorization: NTLM realm=\"%s\", targetname=\"%s\", opaque=\"%s\"%s%s",
                   KIT_REALM, KIT_TARGET, ada.opaque, tails[i][0] ? ", " : "", tails[i]);
        kit_compose(&ada, "SUBSCRIBE");
        kit_add_line(&ada, buf_str(&line));
        kit_check(k, &ada, &out);
        assert_challenged(FAULT_SA_SIGNATURE);
        buf_fini(&line);
    }
}

static void an_unknown_opaque_is_challenged(void **state)
{
    (void)state;
    sign_in(&ada);
    ada.opaque[0] = ada.opaque[0] == '0' ? '1' : '0';
    kit_signed(k, &ada, "SUBSCRIBE", &out);
    assert_challenged(FAULT_SA_UNKNOWN);
}

static void an_sa_is_good_only_on_its_connection(void **state)
{
    (void)state;
    sign_in(&ada);
    ada.conn = &k->other;
    kit_signed(k, &ada, "SUBSCRIBE", &out);
    assert_challenged(FAULT_SA_UNKNOWN);
    ada.conn = &k->home;
    ada.cid = "9";
    kit_signed(k, &ada, "SUBSCRIBE", &out);
    assert_challenged(FAULT_SA_UNKNOWN);
    ada.cid = "";
    kit_signed(k, &ada, "SUBSCRIBE", &out);
    assert_signed_in();
}

static void a_half_open_sa_cannot_sign(void **state)
{
    (void)state;
    kit_begin(k, &ada);
    kit_signed(k, &ada, "SUBSCRIBE", &out);
    assert_challenged(FAULT_SA_UNKNOWN);
    kit_authenticate(k, &ada, &out);
    assert_int_equal(out.outcome, AUTH_ASK);
    kit_signed(k, &ada, "SUBSCRIBE", &out);
    assert_challenged(FAULT_SA_UNKNOWN);
}

static void a_signature_of_one_user_does_not_speak_for_another(void **state)
{
    (void)state;
    sign_in(&ada);
    struct sa *sa = out.sa;
    ada.user = "bob";
    kit_signed(k, &ada, "SUBSCRIBE", &out);
    assert_int_equal(out.outcome, AUTH_PASS);
    assert_int_equal(out.fault, FAULT_SA_FROM_MISMATCH);
    assert_ptr_equal(out.sa, sa);
    kit_signed(k, &ada, "ACK", &out);
    assert_int_equal(out.outcome, AUTH_DROP);
    assert_int_equal(out.fault, FAULT_SA_FROM_MISMATCH);
}

static void one_user_cannot_sign_with_the_sa_of_another(void **state)
{
    (void)state;
    struct kit_client bob;
    kit_client_init(&bob, k, "bob");
    bob.epid = "b0b";
    sign_in(&ada);
    sign_in(&bob);
    memcpy(bob.opaque, ada.opaque, sizeof(bob.opaque));
    kit_signed(k, &bob, "SUBSCRIBE", &out);
    assert_challenged(FAULT_SA_SIGNATURE);
    kit_client_fini(&bob);
}

static void the_case_of_the_address_does_not_matter(void **state)
{
    (void)state;
    sign_in(&ada);
    ada.user = "ADA";
    kit_signed(k, &ada, "SUBSCRIBE", &out);
    assert_signed_in();
}

static void an_expired_sa_is_dropped_and_challenged(void **state)
{
    (void)state;
    sign_in(&ada);
    k->now_ms += 28800000 - 1;
    kit_signed(k, &ada, "SUBSCRIBE", &out);
    assert_signed_in();
    k->now_ms += 1;
    kit_signed(k, &ada, "SUBSCRIBE", &out);
    assert_challenged(FAULT_SA_EXPIRED);
    assert_int_equal(sa_table_established(k->auth.sas), 0);
}

static void ack_and_cancel_are_never_challenged(void **state)
{
    (void)state;
    static const char *const methods[] = { "ACK", "CANCEL" };
    for (size_t i = 0; i < 2; i++) {
        kit_compose(&ada, methods[i]);
        kit_check(k, &ada, &out);
        assert_int_equal(out.outcome, AUTH_DROP);
        assert_int_equal(out.challenge_count, 0);
        ada.opaque[0] = 0;
        kit_compose(&ada, methods[i]);
        kit_authorize(&ada, "", false);
        kit_check(k, &ada, &out);
        assert_int_equal(out.outcome, AUTH_DROP);
        assert_int_equal(sa_table_half_open(k->auth.sas), 0);
        memcpy(ada.opaque, "01234567", 9);
        kit_signed(k, &ada, methods[i], &out);
        assert_int_equal(out.outcome, AUTH_DROP);
        assert_int_equal(out.fault, FAULT_SA_UNKNOWN);
    }
    sign_in(&ada);
    kit_signed(k, &ada, "ACK", &out);
    assert_signed_in();
    kit_check(k, &ada, &out);
    assert_int_equal(out.outcome, AUTH_DROP);
    assert_int_equal(out.fault, FAULT_SA_REPLAY);
}

/* --- re-authentication --- */

static void signing_in_again_keeps_the_old_sa_until_the_new_one_stands(void **state)
{
    (void)state;
    sign_in(&ada);
    ada.cnum = 7;
    kit_signed(k, &ada, "SUBSCRIBE", &out);
    assert_signed_in();
    assert_int_equal(ada.cnum, 8);

    struct kit_client before = ada; /* shares the buffers: only its keys and opaque are used */
    before.sent = (struct buf){ 0 };
    kit_begin(k, &ada);
    kit_signed(k, &before, "SUBSCRIBE", &out);
    assert_signed_in();
    struct proto_verdict v;
    ada.cnum = 8; /* goes on counting: the next one is 9 */
    kit_authenticate(k, &ada, &out);
    assert_int_equal(out.outcome, AUTH_ASK);
    kit_directory(k, &out.question, &v);
    kit_signed(k, &before, "SUBSCRIBE", &out);
    assert_signed_in();
    assert_string_equal(out.sa->opaque_text, before.opaque);
    kit_authenticate(k, &ada, &out);
    assert_int_equal(out.outcome, AUTH_DROP);
    ada.cnum = 8;
    kit_compose(&ada, "REGISTER");
    kit_authorize(&ada, ada.token.ptr, true);
    kit_verdict(k, &ada, &v, &out);
    assert_signed_in();
    assert_int_equal(sa_table_established(k->auth.sas), 1);
    kit_signed(k, &before, "SUBSCRIBE", &out);
    assert_challenged(FAULT_SA_UNKNOWN);
    kit_signed(k, &ada, "SUBSCRIBE", &out);
    assert_signed_in();
    assert_int_equal(ada.cnum, 10);
    buf_fini(&before.sent);
}

static void a_failed_second_sign_in_leaves_the_first_alone(void **state)
{
    (void)state;
    sign_in(&ada);
    struct kit_client before = ada;
    before.sent = (struct buf){ 0 };
    before.token = (struct buf){ 0 };
    ada.password = "wrong";
    kit_sign_in(k, &ada, &out);
    assert_challenged(FAULT_USER_WRONG_PASSWORD);
    kit_signed(k, &before, "SUBSCRIBE", &out);
    assert_signed_in();
    kit_client_fini(&before);
}

static void two_endpoints_with_the_same_call_id_do_not_disturb_each_other(void **state)
{
    (void)state;
    struct kit_client second;
    struct proto_verdict v1, v2;
    struct auth_result out2;
    kit_client_init(&second, k, "ada");
    second.conn = &k->other;
    kit_begin(k, &ada);
    kit_begin(k, &second);
    kit_authenticate(k, &ada, &out);
    kit_directory(k, &out.question, &v1);
    kit_authenticate(k, &second, &out2);
    kit_directory(k, &out2.question, &v2);
    kit_verdict(k, &second, &v2, &out);
    assert_signed_in();
    kit_verdict(k, &ada, &v1, &out);
    assert_signed_in();
    kit_signed(k, &second, "SUBSCRIBE", &out);
    assert_signed_in();
    kit_signed(k, &ada, "SUBSCRIBE", &out);
    assert_signed_in();
    kit_client_fini(&second);
}

static void an_abandoned_flood_does_not_end_another_source_s_sign_in(void **state)
{
    (void)state;
    enum { OWNERS = 500, FLOOD = 100000 };
    struct sa_owner *flood = calloc(OWNERS, sizeof(*flood));
    for (unsigned i = 0; i < OWNERS; i++)
        sa_owner_init(&flood[i], STR("\x0a\x09\x09\x09"));
    kit_begin(k, &ada);
    struct kit_client mallory;
    struct auth_request r;
    kit_client_init(&mallory, k, "mallory");
    kit_compose(&mallory, "REGISTER");
    kit_authorize(&mallory, "", false);
    for (unsigned i = 0; i < FLOOD; i++) {
        char epid[16];
        if (i % 100 == 0) /* the request lives in the arena, and so do the answers */
            kit_request(k, &mallory, &r);
        snprintf(epid, sizeof(epid), "%u", i);
        r.owner = &flood[i % OWNERS];
        r.source = str_of(r.owner->source, 4);
        r.epid = str_from_c(epid);
        auth_check(&k->auth, &r, &out);
        assert_int_equal(out.challenge_count, 1);
    }
    assert_int_equal(sa_table_half_open(k->auth.sas), 1000);
    struct proto_verdict v;
    kit_authenticate(k, &ada, &out);
    assert_int_equal(out.outcome, AUTH_ASK);
    kit_directory(k, &out.question, &v);
    kit_verdict(k, &ada, &v, &out);
    assert_signed_in();
    for (unsigned i = 0; i < OWNERS; i++)
        sa_owner_fini(k->auth.sas, &flood[i]);
    free(flood);
    kit_client_fini(&mallory);
}

/* --- our signature, and the client's responses --- */

/* The header as the client reads it: parameters by name, text rebuilt, server key. */
static void assert_server_signature(struct str line, struct sigtext t, unsigned snum)
{
    struct sip_auth p;
    struct str name = STR("Authentication-Info: ");
    uint8_t got[NTLM_SIGNATURE_LEN], expected[NTLM_SIGNATURE_LEN];
    uint32_t number;
    assert_true(str_starts(line, name));
    assert_true(str_ends_nocase(line, STR("\r\n")));
    assert_int_equal(sip_auth_parse(str_trim(str_skip(line, name.len)), &p), FAULT_NONE);
    assert_true(str_eq(p.scheme, STR("NTLM")));
    assert_true(str_eq(sip_auth_get(&p, STR("opaque")), str_from_c(ada.opaque)));
    assert_true(str_eq(sip_auth_get(&p, STR("qop")), STR("auth")));
    assert_true(str_to_u32(sip_auth_get(&p, STR("snum")), &number));
    assert_int_equal(number, snum);
    assert_int_equal(sip_auth_get(&p, STR("srand")).len, 8);
    t.scheme = STR("NTLM");
    t.rand = sip_auth_get(&p, STR("srand"));
    t.num = sip_auth_get(&p, STR("snum"));
    t.realm = sip_auth_get(&p, STR("realm"));
    t.target = sip_auth_get(&p, STR("targetname"));
    struct buf text = { 0 };
    sigtext_write(&t, ada.version, &text);
    ntlm_mac(&ada.keys.server, buf_str(&text), expected);
    assert_true(hex_decode(sip_auth_get(&p, STR("rspauth")), got, sizeof(got)));
    assert_memory_equal(got, expected, sizeof(got));
    buf_fini(&text);
}

static void what_we_sign_is_what_the_client_expects(void **state)
{
    (void)state;
    struct buf b = { 0 };
    sign_in(&ada);
    for (unsigned snum = 1; snum <= 200; snum++) {
        struct sigtext t = { .call_id = STR("c"),
                             .cseq = STR("3"),
                             .method = STR("REGISTER"),
                             .from_uri = STR("sip:ada@example.test"),
                             .from_tag = STR("1"),
                             .to_uri = STR("sip:ada@example.test"),
                             .to_tag = STR("2"),
                             .expires = STR("7200"),
                             .status = snum % 2 ? 200 : 0 };
        struct sigtext copy = t;
        buf_clear(&b);
        buf_add(&b, STR("SIP/2.0 200 OK\r\n"));
        auth_sign(&k->auth, out.sa, &t, &b);
        assert_true(str_starts(buf_str(&b), STR("SIP/2.0 200 OK\r\n")));
        assert_server_signature(str_skip(buf_str(&b), 16), copy, snum);
    }
    buf_fini(&b);
}

static void the_header_has_the_form_that_clients_look_for(void **state)
{
    (void)state;
    struct sigtext t = { .call_id = STR("c") };
    struct buf b = { 0 };
    sign_in(&ada);
    auth_sign(&k->auth, out.sa, &t, &b);
    buf_add_char(&b, 0);
    char rspauth[33], srand_text[9], opaque[9];
    int end = 0;
    assert_int_equal(sscanf(b.ptr,
                            "Authentication-Info: NTLM rspauth=\"%32[0-9A-F]\", "
                            "srand=\"%8[0-9A-F]\", snum=\"1\", opaque=\"%8[0-9A-F]\", "
                            "qop=\"auth\", targetname=\"" KIT_TARGET "\", realm=\"" KIT_REALM
                            "\"\r\n%n",
                            rspauth, srand_text, opaque, &end),
                     3);
    assert_int_equal(strlen(rspauth), 32);
    assert_string_equal(opaque, ada.opaque);
    assert_int_equal((size_t)end, b.len - 1);
    buf_fini(&b);
}

static struct sigtext sample_text(void)
{
    return (struct sigtext){ .call_id = STR("c"), .cseq = STR("3"), .method = STR("REGISTER") };
}

static void an_xp_client_signs_without_extended_session_security(void **state)
{
    (void)state;
    struct buf b = { 0 };
    k->policy->base.min_server_sec = 0;
    ada.flags = 0x42008255;
    ada.lm_compatibility = 0;
    sign_in(&ada);
    struct sa *sa = out.sa;
    assert_int_equal(sa->flags & NTLM_EXTENDED_SESSIONSECURITY, 0);
    kit_signed(k, &ada, "SUBSCRIBE", &out);
    assert_signed_in();
    struct sigtext t = sample_text(), copy = t;
    auth_sign(&k->auth, sa, &t, &b);
    assert_server_signature(buf_str(&b), copy, 1);
    buf_fini(&b);
}

/* [MS-NLMP] 3.4.5.3 weakens such a key by the revision in the Version field; there are clients
 * that sign with the whole one. */
static void the_other_reading_of_a_weakened_key_is_kept_for_both_directions(void **state)
{
    (void)state;
    struct buf b = { 0 };
    k->policy->base.min_server_sec = 0;
    ada.flags = 0x42008255;
    kit_begin(k, &ada);
    ntlm_keys_fini(&ada.keys);
    ntlm_keys_init(&ada.keys, 0x40008255, 0, ada.exported);
    kit_authenticate(k, &ada, &out);
    struct proto_verdict v;
    kit_directory(k, &out.question, &v);
    kit_verdict(k, &ada, &v, &out);
    assert_signed_in();
    struct sigtext t = sample_text(), copy = t;
    auth_sign(&k->auth, out.sa, &t, &b);
    assert_server_signature(buf_str(&b), copy, 1);
    buf_fini(&b);
}

static void compose_response(struct kit_client *c, const char *to_user)
{
    buf_clear(&c->sent);
    buf_add_c(&c->sent, "SIP/2.0 200 OK\r\nVia: SIP/2.0/TLS 10.0.0.9:5061\r\n");
    buf_add_c(&c->sent, "From: <sip:ada@example.test>;tag=s\r\n");
    buf_printf(&c->sent, "To: <sip:%s@example.test>;tag=c;epid=%s\r\n", to_user, c->epid);
    buf_add_c(&c->sent, "Call-ID: n\r\nCSeq: 1 NOTIFY\r\nContent-Length: 0\r\n\r\n");
}

static enum fault check_response(struct sa **sa)
{
    struct auth_request r;
    kit_request(k, &ada, &r);
    return auth_check_response(&k->auth, &r, sa);
}

static void a_signed_response_is_verified_with_its_status(void **state)
{
    (void)state;
    struct sa *sa;
    sign_in(&ada);
    compose_response(&ada, "ada");
    kit_authorize(&ada, NULL, true);
    assert_int_equal(check_response(&sa), FAULT_NONE);
    assert_ptr_equal(sa, out.sa);
    assert_int_equal(check_response(&sa), FAULT_SA_REPLAY);
    assert_null(sa);
    compose_response(&ada, "ada");
    kit_authorize(&ada, NULL, true);
    memcpy(ada.sent.ptr, "SIP/2.0 202", 11);
    assert_int_equal(check_response(&sa), FAULT_SA_SIGNATURE);
}

static void a_response_without_credentials_or_sa_is_told(void **state)
{
    (void)state;
    struct sa *sa;
    compose_response(&ada, "ada");
    assert_int_equal(check_response(&sa), FAULT_SA_UNSIGNED);
    memcpy(ada.opaque, "01234567", 9);
    kit_authorize(&ada, NULL, true);
    assert_int_equal(check_response(&sa), FAULT_SA_UNKNOWN);
    kit_check(k, &ada, &out);
    assert_int_equal(out.outcome, AUTH_DROP);
}

static void an_expired_sa_does_not_verify_responses(void **state)
{
    (void)state;
    struct sa *sa;
    sign_in(&ada);
    k->now_ms += 28800000;
    compose_response(&ada, "ada");
    kit_authorize(&ada, NULL, true);
    assert_int_equal(check_response(&sa), FAULT_SA_EXPIRED);
}

static void a_spent_memory_budget_is_a_fault(void **state)
{
    (void)state;
    struct auth_request r;
    struct arena small;
    arena_init(&small, 64, 64);
    kit_compose(&ada, "REGISTER");
    kit_authorize(&ada, "", false);
    kit_request(k, &ada, &r);
    r.arena = &small;
    auth_check(&k->auth, &r, &out);
    assert_int_equal(out.outcome, AUTH_CHALLENGE);
    assert_int_equal(out.fault, FAULT_SIP_MEMORY);
    assert_int_equal(sa_table_half_open(k->auth.sas), 0);
    sign_in(&ada);
    kit_compose(&ada, "SUBSCRIBE");
    kit_authorize(&ada, NULL, true);
    kit_request(k, &ada, &r);
    r.arena = &small;
    auth_check(&k->auth, &r, &out);
    assert_int_equal(out.fault, FAULT_SIP_MEMORY);
    arena_fini(&small);
}

static void the_offer_can_be_made_at_any_time(void **state)
{
    (void)state;
    struct auth_request r;
    kit_compose(&ada, "REGISTER");
    kit_request(k, &ada, &r);
    auth_offer(&k->auth, &r, &out);
    assert_challenged(FAULT_NONE);
    r.remote = true;
    auth_offer(&k->auth, &r, &out);
    assert_challenged(FAULT_NONE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_request_without_credentials_gets_the_first_challenge),
        TEST(the_empty_token_gets_a_challenge_of_the_scheme_in_progress),
        TEST(each_challenge_is_new),
        TEST(version_4_signs_in),
        TEST(version_3_signs_in_and_is_bound_to_its_keys_by_the_first_signed_request),
        TEST(version_2_signs_in_and_is_bound_to_its_keys_by_the_first_signed_request),
        TEST(proxy_authorization_is_as_good),
        TEST(of_several_credentials_ours_are_picked),
        TEST(another_realm_or_target_is_no_credentials),
        TEST(the_target_name_is_a_host_name_and_signed_as_spelt),
        TEST(a_header_that_cannot_be_read_is_told),
        TEST(xp_without_128bit_is_refused_by_the_2008r2_default),
        TEST(policy_is_told_whatever_the_password),
        TEST(an_exception_lets_a_named_user_in_and_nobody_else),
        TEST(an_exception_for_a_network_makes_the_challenge_too),
        TEST(audit_mode_lets_in_and_tells_what_was_unmet),
        TEST(a_version_below_the_minimum_is_refused),
        TEST(audit_mode_lets_an_older_version_in),
        TEST(version_4_without_a_signature_is_refused),
        TEST(a_strange_version_is_refused_and_a_newer_one_is_taken_as_ours),
        TEST(a_wrong_password_fails_the_handshake_for_good),
        TEST(an_unreachable_directory_fails_the_handshake),
        TEST(a_proved_password_without_the_right_to_sign_in_can_be_refused_signed),
        TEST(a_forged_signature_on_authenticate_fails_the_handshake),
        TEST(a_refusal_after_the_proof_needs_the_signature_too),
        TEST(damaged_tokens_fail_the_handshake),
        TEST(a_repeated_authenticate_does_not_ask_twice),
        TEST(an_authenticate_from_another_connection_is_a_replay),
        TEST(an_authenticate_with_another_cid_is_a_replay),
        TEST(an_authenticate_that_comes_too_late_is_a_replay),
        TEST(an_authenticate_without_opaque_is_a_replay),
        TEST(another_token_for_an_unknown_handshake_names_no_sa),
        TEST(a_verdict_for_a_handshake_that_died_is_a_refusal),
        TEST(a_second_verdict_changes_nothing),
        TEST(a_changed_header_is_noticed),
        TEST(a_wrong_signature_does_not_use_its_number_up),
        TEST(a_replayed_number_is_refused),
        TEST(numbers_out_of_order_are_fine_within_the_window),
        TEST(odd_signature_parameters_are_wrong_signatures),
        TEST(an_unknown_opaque_is_challenged),
        TEST(an_sa_is_good_only_on_its_connection),
        TEST(a_half_open_sa_cannot_sign),
        TEST(a_signature_of_one_user_does_not_speak_for_another),
        TEST(one_user_cannot_sign_with_the_sa_of_another),
        TEST(the_case_of_the_address_does_not_matter),
        TEST(an_expired_sa_is_dropped_and_challenged),
        TEST(ack_and_cancel_are_never_challenged),
        TEST(signing_in_again_keeps_the_old_sa_until_the_new_one_stands),
        TEST(a_failed_second_sign_in_leaves_the_first_alone),
        TEST(two_endpoints_with_the_same_call_id_do_not_disturb_each_other),
        TEST(an_abandoned_flood_does_not_end_another_source_s_sign_in),
        TEST(what_we_sign_is_what_the_client_expects),
        TEST(the_header_has_the_form_that_clients_look_for),
        TEST(an_xp_client_signs_without_extended_session_security),
        TEST(the_other_reading_of_a_weakened_key_is_kept_for_both_directions),
        TEST(a_signed_response_is_verified_with_its_status),
        TEST(a_response_without_credentials_or_sa_is_told),
        TEST(an_expired_sa_does_not_verify_responses),
        TEST(a_spent_memory_budget_is_a_fault),
        TEST(the_offer_can_be_made_at_any_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
