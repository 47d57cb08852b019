/* SPDX-License-Identifier: MIT */
/* A sign-in of Communicator 2007 R2 to an OCS 2007 R2 Front End as it was captured, played to our
 * server: its octets are accepted, and what we sign is what the original signed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>

#include "auth/scheme.h"
#include "unit/auth_kit.h"

#define TARGET "cosmo-ocs-r2.cosmo.local"

static json_t *vectors;

static struct str vector(const char *id, const char *side, const char *name)
{
    json_t *all = json_is_array(vectors) ? vectors : json_object_get(vectors, "vectors"), *v;
    size_t i;
    json_array_foreach(all, i, v)
    {
        if (strcmp(json_string_value(json_object_get(v, "id")), id) == 0)
            return str_from_c(json_string_value(json_object_get(json_object_get(v, side), name)));
    }
    fail_msg("no vector %s", id);
    return STR_NONE;
}

static struct str octets(struct str hex, struct arena *arena)
{
    uint8_t *out = arena_alloc(arena, hex.len / 2);
    assert_true(hex_decode(hex, out, hex.len / 2));
    return str_of(out, hex.len / 2);
}

static void register_request(struct buf *b, const char *credentials)
{
    buf_clear(b);
    buf_add_c(b, "REGISTER sip:cosmo.local SIP/2.0\r\n"
                 "Via: SIP/2.0/TCP 192.168.172.6:12723\r\nMax-Forwards: 70\r\n"
                 "From: <sip:user@cosmo.local>;tag=3e49177a52;epid=c8ca638a15\r\n"
                 "To: <sip:user@cosmo.local>\r\n"
                 "Call-ID: 4037df9284354df39065195bd57a4b14\r\nCSeq: 3 REGISTER\r\n");
    buf_printf(b, "Proxy-Authorization: NTLM qop=\"auth\", realm=\"%s\", targetname=\"%s\", %s\r\n",
               KIT_REALM, TARGET, credentials);
    buf_add_c(b, "Content-Length: 0\r\n\r\n");
}

static void check(struct kit *k, struct kit_client *c, struct auth_request *r,
                  struct auth_result *out)
{
    kit_request(k, c, r);
    auth_check(&k->auth, r, out);
}

/* Our half-open handshake takes the captured CHALLENGE for its own. */
static void put_challenge(struct sa *sa, struct arena *arena)
{
    struct str message = octets(vector("r2-challenge", "in", "message"), arena);
    struct ntlm_challenge m;
    assert_int_equal(ntlm_challenge_read(message, &m), FAULT_NONE);
    memcpy(sa->server_challenge, m.server_challenge, sizeof(sa->server_challenge));
    sa->offered = m.flags;
    free(sa->challenge);
    sa->challenge = malloc(message.len);
    memcpy(sa->challenge, message.ptr, message.len);
    sa->challenge_len = message.len;
}

static void compose_authenticate(struct kit_client *c, const struct sa *sa, struct arena *arena)
{
    struct buf token = { 0 }, credentials = { 0 };
    base64_encode(octets(vector("r2-authenticate", "in", "message"), arena), &token);
    struct str signature = vector("r2-request-mac", "out", "signature");
    buf_printf(&credentials,
               "opaque=\"%s\", gssapi-data=\"%.*s\", version=4, crand=\"13317733\", cnum=\"1\", "
               "response=\"%.*s\"",
               sa->opaque_text, STR_ARG(buf_str(&token)), STR_ARG(signature));
    buf_add_char(&credentials, 0);
    register_request(&c->sent, credentials.ptr);
    buf_fini(&token);
    buf_fini(&credentials);
}

static void judge(const struct proto_question *q, struct arena *arena, struct proto_verdict *v)
{
    struct ntlm_authenticate m;
    struct buf password = { 0 };
    uint8_t nt_hash[16];
    struct ntlm_verify_in in = { .challenge = q->challenge, .auth = &m };
    struct str time = octets(vector("r2-ntlmv2", "in", "time"), arena);
    memcpy(&in.filetime, time.ptr, sizeof(in.filetime));
    memcpy(in.server_challenge, q->server_challenge, sizeof(in.server_challenge));
    utf16_from_utf8(vector("r2-ntlmv2", "in", "password"), &password);
    ntlm_ntowfv1(buf_str(&password), nt_hash);
    buf_fini(&password);
    assert_int_equal(ntlm_authenticate_read(q->authenticate, &m), FAULT_NONE);
    *v = (struct proto_verdict){ .password_proved = true, .keys_len = 16 };
    assert_int_equal(ntlm_verify_response(&in, nt_hash, v->keys), FAULT_NONE);
    struct str exported = octets(vector("r2-ntlmv2", "out", "exported_session_key"), arena);
    assert_memory_equal(v->keys, exported.ptr, 16);
}

/* The salt the original drew. */
static void put_salt(struct auth *a, struct str hex)
{
    assert_true(hex_decode(hex, &a->salts[0], sizeof(a->salts[0])));
    a->salts_left = 1;
}

static void assert_rspauth(struct buf *b, struct str expected)
{
    struct sip_auth p;
    uint8_t ours[16], theirs[16];
    struct str value = str_trim(str_skip(buf_str(b), STR("Authentication-Info: ").len));
    assert_int_equal(sip_auth_parse(value, &p), FAULT_NONE);
    assert_true(hex_decode(sip_auth_get(&p, STR("rspauth")), ours, sizeof(ours)));
    assert_true(hex_decode(expected, theirs, sizeof(theirs)));
    assert_memory_equal(ours, theirs, sizeof(ours));
}

static void r2_request_mac_and_r2_response_mac_are_a_whole_sign_in(void **state)
{
    (void)state;
    struct kit *k = kit_new("windows-2008r2");
    struct kit_client c = { .conn = &k->home, .cid = "" };
    struct auth_request r;
    struct auth_result out;
    struct proto_verdict v;
    struct arena arena;
    struct buf b = { 0 };
    arena_init(&arena, 8192, 65536);
    k->auth.targetname = STR(TARGET);

    register_request(&c.sent, "gssapi-data=\"\", version=4");
    check(k, &c, &r, &out);
    assert_int_equal(out.outcome, AUTH_CHALLENGE);
    put_challenge(k->home.list, &arena);
    compose_authenticate(&c, k->home.list, &arena);
    check(k, &c, &r, &out);
    assert_int_equal(out.outcome, AUTH_ASK);
    assert_true(str_eq(out.account_text, STR("COSMO\\User")));
    judge(&out.question, &arena, &v);
    auth_verdict(&k->auth, &r, str_from_c(k->home.list->opaque_text), &v, &out);
    assert_int_equal(out.outcome, AUTH_PASS);
    assert_int_equal(out.fault, FAULT_NONE);

    struct sigtext t;
    assert_int_equal(sigtext_from_msg(r.msg, &k->arena, &t), FAULT_NONE);
    t.to_tag = STR("5E61CCD925D17E043D9A74835A88F664");
    t.expires = STR("7200");
    t.status = 200;
    put_salt(&k->auth, STR("9616454F"));
    auth_sign(&k->auth, out.sa, &t, &b);
    assert_rspauth(&b, vector("r2-response-mac", "out", "signature"));

    buf_fini(&b);
    arena_fini(&arena);
    kit_client_fini(&c);
    kit_free(k);
}

static void sip_v2_mac_is_what_we_sign_to_a_version_2_client(void **state)
{
    (void)state;
    struct kit *k = kit_new("windows-2003");
    struct arena arena;
    struct buf b = { 0 };
    arena_init(&arena, 8192, 65536);
    k->auth.targetname = STR("ocs1.ocs.provo.novell.com");
    struct sa *sa = sa_new(k->auth.sas, &k->home, STR_NONE, STR("e"), k->now_ms, NULL);
    sa->scheme = &auth_ntlm;
    sa->version = 2;
    sa->flags = 0x40008250;
    struct str key = octets(vector("sip-v2-keys", "in", "exported_session_key"), &arena);
    sa->scheme->establish(sa, key);
    struct sigtext t = { .call_id = STR("8592g5DCBa1694i5887m0D0Bt2247b3F38xAE9Fx"),
                         .cseq = STR("3"),
                         .method = STR("REGISTER"),
                         .from_uri = STR("sip:gabriel@ocs.provo.novell.com"),
                         .from_tag = STR("2947328781"),
                         .to_uri = STR("sip:gabriel@ocs.provo.novell.com"),
                         .to_tag = STR("B816D65C2300A32CFA6D371F2AF537FD"),
                         .expires = STR("900"),
                         .status = 200 };
    put_salt(&k->auth, STR("0878F41B"));
    auth_sign(&k->auth, sa, &t, &b);
    assert_rspauth(&b, vector("sip-v2-mac", "out", "signature"));
    buf_fini(&b);
    arena_fini(&arena);
    kit_free(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(r2_request_mac_and_r2_response_mac_are_a_whole_sign_in),
        cmocka_unit_test(sip_v2_mac_is_what_we_sign_to_a_version_2_client),
    };
    vectors = json_load_file(POSTERN_SOURCE_ROOT "/tests/vectors/ntlm.json", 0, NULL);
    if (!vectors)
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    json_decref(vectors);
    return failed;
}
