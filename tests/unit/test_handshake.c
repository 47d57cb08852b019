/* SPDX-License-Identifier: MIT */
#include "edge/handshake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/encode.h"
#include "unit/edge_kit.h"
#include "unit/ntlm_exchange.h"

struct shaking {
    struct edge_kit kit;
    struct exchange x;
    struct handshake_seen seen;
    struct buf text;
};

static int begin(void **state)
{
    static struct shaking s;
    edge_kit_init(&s.kit, "");
    exchange_init(&s.x);
    assert_int_equal(exchange_answer(&s.x), FAULT_NONE);
    *state = &s;
    return 0;
}

static int end(void **state)
{
    struct shaking *s = *state;
    exchange_fini(&s->x);
    buf_fini(&s->text);
    edge_kit_fini(&s->kit);
    return 0;
}

#define HEAD                                                                                       \
    "Via: SIP/2.0/TLS 10.0.0.5:4242\r\nFrom: <sip:ada@example.com>;tag=a;epid=b\r\n"               \
    "To: <sip:ada@example.com>\r\nCall-ID: c\r\nCSeq: 1 REGISTER\r\n"

static void add_auth(struct buf *out, const char *name, const char *scheme, const char *opaque,
                     struct str token)
{
    buf_printf(out, "%s: %s realm=\"r\", opaque=\"%s\", targetname=\"t\", gssapi-data=\"", name,
               scheme, opaque);
    base64_encode(token, out);
    buf_add_c(out, "\", version=4\r\n");
}

/* The Front End's 401 passes. */
static void note(struct shaking *s, const char *opaque, struct str challenge)
{
    buf_clear(&s->text);
    buf_add_c(&s->text, "SIP/2.0 401 Unauthorized\r\n" HEAD);
    add_auth(&s->text, "WWW-Authenticate", "NTLM", opaque, challenge);
    buf_add_c(&s->text, "\r\n");
    assert_int_equal(edge_kit_turn(&s->kit, s->kit.link, buf_str(&s->text)), FAULT_NONE);
    handshake_note(s->kit.turn.outside, &s->kit.turn.msg, &s->kit.w->arena);
}

static void start_request(struct shaking *s)
{
    buf_clear(&s->text);
    buf_add_c(&s->text, "REGISTER sip:example.com SIP/2.0\r\n" HEAD);
}

static enum fault look(struct shaking *s)
{
    buf_add_c(&s->text, "\r\n");
    assert_int_equal(edge_kit_turn(&s->kit, s->kit.client, buf_str(&s->text)), FAULT_NONE);
    handshake_look(s->kit.turn.outside, &s->kit.turn.msg, &s->kit.w->arena, &s->seen);
    return s->seen.fault;
}

/* An AUTHENTICATE arrives. */
static enum fault answer(struct shaking *s, const char *opaque, struct str token)
{
    start_request(s);
    add_auth(&s->text, "Authorization", "NTLM", opaque, token);
    enum fault fault = look(s);
    assert_int_equal(s->seen.kind, HANDSHAKE_ANSWER);
    return fault;
}

static struct str challenge_of(struct shaking *s)
{
    return buf_str(&s->x.challenge);
}

static struct str token_of(struct shaking *s)
{
    return buf_str(&s->x.token);
}

static void the_answer_to_a_challenge_may_pass_once(void **state)
{
    struct shaking *s = *state;
    note(s, "0123ABCD", challenge_of(s));
    assert_int_equal(answer(s, "0123ABCD", token_of(s)), FAULT_NONE);
    assert_true(str_eq(s->seen.token, token_of(s)));
    assert_int_equal(s->seen.foreign_target.len, 0);
    assert_int_equal(answer(s, "0123ABCD", token_of(s)), FAULT_NTLM_REPLAY);
}

static void what_asks_for_a_challenge_is_no_answer(void **state)
{
    struct shaking *s = *state;
    start_request(s);
    look(s);
    assert_int_equal(s->seen.kind, HANDSHAKE_NO);
    start_request(s);
    add_auth(&s->text, "Authorization", "NTLM", "", STR_NONE);
    assert_int_equal(look(s), FAULT_NONE);
    assert_int_equal(s->seen.kind, HANDSHAKE_NO);
}

static void a_signed_request_uses_no_challenge_up(void **state)
{
    struct shaking *s = *state;
    note(s, "0123ABCD", challenge_of(s));
    start_request(s);
    buf_add_c(&s->text, "Authorization: NTLM opaque=\"0123ABCD\", response=\"0100000000\"\r\n");
    look(s);
    assert_int_equal(s->seen.kind, HANDSHAKE_NO);
    assert_int_equal(answer(s, "0123ABCD", token_of(s)), FAULT_NONE);
}

static void a_challenge_that_never_passed_is_a_replay(void **state)
{
    struct shaking *s = *state;
    assert_int_equal(answer(s, "0123ABCD", token_of(s)), FAULT_NTLM_REPLAY);
    note(s, "0123ABCD", challenge_of(s));
    assert_int_equal(answer(s, "0123ABCE", token_of(s)), FAULT_NTLM_REPLAY);
    assert_int_equal(answer(s, "0123abcd", token_of(s)), FAULT_NTLM_REPLAY);
    assert_int_equal(answer(s, "", token_of(s)), FAULT_NTLM_REPLAY);
}

static void a_challenge_of_another_connection_is_a_replay(void **state)
{
    struct shaking *s = *state;
    struct conn *first = s->kit.client;
    note(s, "0123ABCD", challenge_of(s));
    s->kit.client = edge_kit_client(&s->kit, "192.0.2.8:50124");
    assert_int_equal(answer(s, "0123ABCD", token_of(s)), FAULT_NTLM_REPLAY);
    s->kit.client = first;
    assert_int_equal(answer(s, "0123ABCD", token_of(s)), FAULT_NONE);
}

static void an_answer_uses_its_challenge_up_whatever_it_says(void **state)
{
    struct shaking *s = *state;
    note(s, "0123ABCD", challenge_of(s));
    assert_int_equal(answer(s, "0123ABCD", STR("garbage")), FAULT_NTLM_MALFORMED);
    assert_int_equal(answer(s, "0123ABCD", token_of(s)), FAULT_NTLM_REPLAY);
}

static void flags_that_were_not_offered_are_refused(void **state)
{
    struct shaking *s = *state;
    struct ntlm_challenge c;
    struct buf narrow = { 0 };
    assert_int_equal(ntlm_challenge_read(challenge_of(s), &c), FAULT_NONE);
    c.flags &= ~(uint32_t)NTLM_NEGOTIATE_128;
    ntlm_challenge_write(&c, &narrow);
    note(s, "0123ABCD", buf_str(&narrow));
    assert_int_equal(answer(s, "0123ABCD", token_of(s)), FAULT_NTLM_FLAGS);
    buf_fini(&narrow);
}

static void every_message_that_is_no_authenticate_is_refused(void **state)
{
    struct shaking *s = *state;
    const struct str others[] = {
        STR("x"),
        STR("NTLMSSP"),
        STR("NTLMSSP\0\1\0\0\0\7\x82\x08\xa2"),
        challenge_of(s),
        str_first(token_of(s), 40),
        str_first(token_of(s), token_of(s).len - 1),
    };
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        note(s, "0123ABCD", challenge_of(s));
        assert_int_equal(answer(s, "0123ABCD", others[i]), FAULT_NTLM_MALFORMED);
    }
}

static void what_is_no_base64_is_refused(void **state)
{
    struct shaking *s = *state;
    static const char *const bad[] = { "====", "T", "TlRMTVNTUAAD AAAA", "TlRMTVNTUAAD-_==" };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        note(s, "0123ABCD", challenge_of(s));
        start_request(s);
        buf_printf(&s->text, "Authorization: NTLM opaque=\"0123ABCD\", gssapi-data=\"%s\"\r\n",
                   bad[i]);
        assert_int_equal(look(s), FAULT_NTLM_MALFORMED);
        assert_int_equal(s->seen.kind, HANDSHAKE_ANSWER);
    }
}

static void nobody_signs_in_as_nobody(void **state)
{
    struct shaking *s = *state;
    struct ntlm_authenticate a;
    struct buf token = { 0 };
    assert_int_equal(ntlm_authenticate_read(token_of(s), &a), FAULT_NONE);
    a.user = a.domain = a.nt_response = STR_NONE;
    a.lm_response = STR("\0");
    ntlm_authenticate_write(&a, false, &token);
    note(s, "0123ABCD", challenge_of(s));
    assert_int_equal(answer(s, "0123ABCD", buf_str(&token)), FAULT_NTLM_ANONYMOUS);
    buf_fini(&token);
}

/* Of two the Front End might look at the other one. */
static void two_answers_in_one_request_are_refused(void **state)
{
    struct shaking *s = *state;
    static const char *const second[] = { "Authorization", "Proxy-Authorization" };
    for (size_t i = 0; i < ARRAY_LEN(second); i++) {
        note(s, "0123ABCD", challenge_of(s));
        note(s, "11112222", challenge_of(s));
        start_request(s);
        add_auth(&s->text, "Authorization", "NTLM", "0123ABCD", token_of(s));
        add_auth(&s->text, second[i], "ntlm", "11112222", token_of(s));
        assert_int_equal(look(s), FAULT_NTLM_MALFORMED);
        assert_int_equal(s->seen.kind, HANDSHAKE_ANSWER);
    }
}

static void a_good_answer_does_not_cover_a_bad_one(void **state)
{
    struct shaking *s = *state;
    note(s, "0123ABCD", challenge_of(s));
    start_request(s);
    add_auth(&s->text, "Authorization", "NTLM", "11112222", token_of(s));
    add_auth(&s->text, "Authorization", "NTLM", "0123ABCD", token_of(s));
    assert_true(look(s) != FAULT_NONE);
}

static void an_answer_in_any_spelling_is_seen(void **state)
{
    struct shaking *s = *state;
    note(s, "0123ABCD", challenge_of(s));
    start_request(s);
    buf_add_c(&s->text, "AUTHORIZATION  :\r\n\tnTlM   Opaque=0123ABCD,\r\n GSSAPI-DATA = \"");
    base64_encode(token_of(s), &s->text);
    buf_add_c(&s->text, "\"\r\n");
    assert_int_equal(look(s), FAULT_NONE);
    assert_int_equal(s->seen.kind, HANDSHAKE_ANSWER);
}

static void other_schemes_are_not_ours_to_judge(void **state)
{
    struct shaking *s = *state;
    start_request(s);
    add_auth(&s->text, "Authorization", "Kerberos", "0123ABCD", token_of(s));
    add_auth(&s->text, "Authorization", "TLS-DSK", "0123ABCD", token_of(s));
    look(s);
    assert_int_equal(s->seen.kind, HANDSHAKE_NO);
}

/* --- for whom it was made --- */

/* The same AUTHENTICATE with a TargetName in its response. */
static void made_for(struct shaking *s, const char *name, struct buf *token)
{
    struct ntlm_authenticate a;
    struct buf response = { 0 }, wide = { 0 };
    assert_int_equal(ntlm_authenticate_read(token_of(s), &a), FAULT_NONE);
    assert_true(a.nt_response.len > 44);
    buf_add(&response, str_first(a.nt_response, 44));
    assert_true(utf16_from_utf8(str_from_c(name), &wide));
    ntlm_av_add(&response, NTLM_AV_TARGET_NAME, buf_str(&wide));
    ntlm_av_end(&response);
    buf_add(&response, STR("\0\0\0\0"));
    a.nt_response = buf_str(&response);
    buf_clear(token);
    ntlm_authenticate_write(&a, false, token);
    buf_fini(&response);
    buf_fini(&wide);
}

static void an_answer_made_for_another_service_says_so(void **state)
{
    struct shaking *s = *state;
    static const char *const foreign[] = {
        "HTTP/owa.example.com", "cifs/fs01", "ldap/dc01",     "sipx/fe01",
        "fe01.example.com",     "sip",       "host/sip/fe01", " sip/fe01"
    };
    struct buf token = { 0 };
    for (size_t i = 0; i < ARRAY_LEN(foreign); i++) {
        made_for(s, foreign[i], &token);
        note(s, "0123ABCD", challenge_of(s));
        assert_int_equal(answer(s, "0123ABCD", buf_str(&token)), FAULT_NONE);
        assert_true(str_eq(s->seen.foreign_target, str_from_c(foreign[i])));
    }
    buf_fini(&token);
}

static void an_answer_made_for_a_sip_server_is_ours(void **state)
{
    struct shaking *s = *state;
    static const char *const ours[] = { "sip/fe01.example.com", "SIP/FE01", "" };
    struct buf token = { 0 };
    for (size_t i = 0; i < ARRAY_LEN(ours); i++) {
        made_for(s, ours[i], &token);
        note(s, "0123ABCD", challenge_of(s));
        assert_int_equal(answer(s, "0123ABCD", buf_str(&token)), FAULT_NONE);
        assert_int_equal(s->seen.foreign_target.len, 0);
    }
    buf_fini(&token);
}

/* --- how many are kept --- */

static void the_last_eight_challenges_are_kept(void **state)
{
    struct shaking *s = *state;
    char opaque[16];
    for (unsigned i = 0; i < 20; i++) {
        snprintf(opaque, sizeof(opaque), "%08X", i);
        note(s, opaque, challenge_of(s));
    }
    assert_int_equal(s->kit.turn.outside->handshake_count, 8);
    for (unsigned i = 0; i < 20; i++) {
        snprintf(opaque, sizeof(opaque), "%08X", i);
        assert_int_equal(answer(s, opaque, token_of(s)), i < 12 ? FAULT_NTLM_REPLAY : FAULT_NONE);
    }
    assert_int_equal(s->kit.turn.outside->handshake_count, 0);
}

static void what_is_no_challenge_is_not_kept(void **state)
{
    struct shaking *s = *state;
    note(s, "0123ABCD", STR_NONE);
    note(s, "0123ABCD", token_of(s));
    note(s, "", challenge_of(s));
    note(s, "ABCDEFABCDEF", challenge_of(s));
    note(s, "a name that is much longer than any that a Front End would give", challenge_of(s));
    assert_int_equal(s->kit.turn.outside->handshake_count, 0);
    note(s, "ABCDEFABCDE", challenge_of(s));
    assert_int_equal(s->kit.turn.outside->handshake_count, 1);
}

static void challenges_of_one_answer_are_all_kept(void **state)
{
    struct shaking *s = *state;
    buf_clear(&s->text);
    buf_add_c(&s->text, "SIP/2.0 401 Unauthorized\r\n" HEAD);
    add_auth(&s->text, "WWW-Authenticate", "Kerberos", "00000001", challenge_of(s));
    add_auth(&s->text, "WWW-Authenticate", "NTLM", "00000002", challenge_of(s));
    add_auth(&s->text, "WWW-Authenticate", "NTLM", "00000003", challenge_of(s));
    buf_add_c(&s->text, "\r\n");
    assert_int_equal(edge_kit_turn(&s->kit, s->kit.link, buf_str(&s->text)), FAULT_NONE);
    handshake_note(s->kit.turn.outside, &s->kit.turn.msg, &s->kit.w->arena);
    assert_int_equal(s->kit.turn.outside->handshake_count, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_answer_to_a_challenge_may_pass_once),
        TEST(what_asks_for_a_challenge_is_no_answer),
        TEST(a_signed_request_uses_no_challenge_up),
        TEST(a_challenge_that_never_passed_is_a_replay),
        TEST(a_challenge_of_another_connection_is_a_replay),
        TEST(an_answer_uses_its_challenge_up_whatever_it_says),
        TEST(flags_that_were_not_offered_are_refused),
        TEST(every_message_that_is_no_authenticate_is_refused),
        TEST(what_is_no_base64_is_refused),
        TEST(nobody_signs_in_as_nobody),
        TEST(two_answers_in_one_request_are_refused),
        TEST(a_good_answer_does_not_cover_a_bad_one),
        TEST(an_answer_in_any_spelling_is_seen),
        TEST(other_schemes_are_not_ours_to_judge),
        TEST(an_answer_made_for_another_service_says_so),
        TEST(an_answer_made_for_a_sip_server_is_ours),
        TEST(the_last_eight_challenges_are_kept),
        TEST(what_is_no_challenge_is_not_kept),
        TEST(challenges_of_one_answer_are_all_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
