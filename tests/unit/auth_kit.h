/* SPDX-License-Identifier: MIT */
/* A server's auth layer, a client and a directory in one process, for tests and benches: requests
 * are written as text, parsed and checked; the client signs with keys of its own. */
#ifndef POSTERN_TESTS_AUTH_KIT_H
#define POSTERN_TESTS_AUTH_KIT_H

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "auth/auth.h"
#include "base/encode.h"
#include "base/secret.h"
#include "base/utf16.h"
#include "ntlm/crypt.h"
#include "ntlm/initiate.h"
#include "ntlm/verify.h"
#include "sip/addr.h"
#include "sip/authparam.h"
#include "sip/uri.h"

#define KIT_REALM  "SIP Communications Service"
#define KIT_TARGET "fe01.example.test"

enum { KIT_DAY = 20260701 };

struct kit {
    struct auth auth;
    struct ntlm_policy_set *policy;
    struct sa_owner home, other; /* two connections, from two addresses */
    struct arena arena;
    uint64_t now_ms, filetime;
};

/* The client's half: what a sign-in left behind. */
struct kit_client {
    const char *user, *password; /* "ada" signs in as EXAMPLE\ada */
    const char *epid, *header;   /* Authorization or Proxy-Authorization */
    const char *realm, *target;
    struct sa_owner *conn;
    const char *cid;
    unsigned version; /* 2, 3, 4 */
    uint32_t flags;   /* wanted */
    unsigned lm_compatibility;
    uint32_t cnum; /* last one used */
    unsigned cseq;
    char opaque[16];
    struct buf token; /* AUTHENTICATE, base64 */
    uint8_t exported[16];
    struct ntlm_keys keys;
    const char *scheme;
    struct krb_mic mic; /* with scheme "Kerberos" */
    struct buf sent;    /* the last request */
};

static inline struct kit *kit_new(const char *preset)
{
    struct kit *k = calloc(1, sizeof(*k));
    struct sa_limits limits = { .half_open_max = 1000, .half_open_ms = 60000, .life_ms = 28800000 };
    assert(k);
    k->policy = ntlm_policy_set_new();
    assert(ntlm_policy_preset(str_from_c(preset), &k->policy->base));
    k->auth = (struct auth){ .realm = STR(KIT_REALM),
                             .targetname = STR(KIT_TARGET),
                             .names = { .nb_computer = STR("FE01"),
                                        .nb_domain = STR("EXAMPLE"),
                                        .dns_computer = STR(KIT_TARGET),
                                        .dns_domain = STR("example.test"),
                                        .dns_tree = STR("example.test") },
                             .policy = k->policy,
                             .sas = sa_table_new(&limits) };
    sa_owner_init(&k->home, STR("\x0a\x00\x00\x01"));
    sa_owner_init(&k->other, STR("\x0a\x00\x00\x02"));
    arena_init(&k->arena, 16384, 262144);
    k->now_ms = 1000;
    k->filetime = 134000000000000000;
    return k;
}

static inline void kit_free(struct kit *k)
{
    sa_owner_fini(k->auth.sas, &k->home);
    sa_owner_fini(k->auth.sas, &k->other);
    sa_table_free(k->auth.sas);
    ntlm_policy_set_free(k->policy);
    arena_fini(&k->arena);
    free(k);
}

static inline void kit_client_init(struct kit_client *c, struct kit *k, const char *user)
{
    *c = (struct kit_client){ .user = user,
                              .password = "Passw0rd!",
                              .epid = "0a1b2c3d4e",
                              .header = "Authorization",
                              .scheme = "NTLM",
                              .realm = KIT_REALM,
                              .target = KIT_TARGET,
                              .conn = &k->home,
                              .cid = "",
                              .version = 4,
                              .flags = 0xE2988251,
                              .lm_compatibility = 3 };
}

static inline void kit_client_fini(struct kit_client *c)
{
    buf_fini(&c->token);
    buf_fini(&c->sent);
    ntlm_keys_fini(&c->keys);
}

/* A request without credentials.  Every one has CSeq one higher and a From tag of its own. */
static inline void kit_compose(struct kit_client *c, const char *method)
{
    buf_clear(&c->sent);
    buf_printf(&c->sent, "%s sip:example.test SIP/2.0\r\n", method);
    buf_add_c(&c->sent, "Via: SIP/2.0/TLS 10.0.0.1:4242\r\nMax-Forwards: 70\r\n");
    buf_printf(&c->sent, "From: <sip:%s@example.test>;tag=t%u;epid=%s\r\n", c->user, ++c->cseq,
               c->epid);
    buf_printf(&c->sent, "To: <sip:%s@example.test>\r\nCall-ID: call-%s\r\n", c->user, c->epid);
    buf_printf(&c->sent, "CSeq: %u %s\r\nExpires: 7200\r\n", c->cseq, method);
    buf_add_c(&c->sent, "Content-Length: 0\r\n\r\n");
}

static inline void kit_add_line(struct kit_client *c, struct str line)
{
    c->sent.len -= 2;
    buf_add(&c->sent, line);
    buf_add_c(&c->sent, "\r\n\r\n");
}

static inline void kit_parse(struct buf *raw, struct arena *arena, struct sip_msg *m)
{
    enum fault fault = sip_msg_parse(buf_str(raw), raw->len, SIP_HEADERS_MAX_DEFAULT, arena, m);
    assert(fault == FAULT_NONE);
}

/* Adds credentials: with `token` (base64, may be empty) a handshake's, signed if `sign`. */
static inline void kit_authorize(struct kit_client *c, const char *token, bool sign)
{
    struct buf h = { 0 };
    buf_printf(&h, "%s: %s qop=\"auth\", realm=\"%s\", targetname=\"%s\"", c->header, c->scheme,
               c->realm, c->target);
    if (c->opaque[0])
        buf_printf(&h, ", opaque=\"%s\"", c->opaque);
    if (token)
        buf_printf(&h, ", gssapi-data=\"%s\"", token);
    if (token && c->version > 2)
        buf_printf(&h, ", version=%u", c->version);
    if (sign) {
        struct arena arena;
        struct sip_msg m;
        struct sigtext t;
        struct buf text = { 0 };
        char crand[9], cnum[12];
        uint8_t mac[KRB_MIC_MAX];
        size_t mac_len = NTLM_SIGNATURE_LEN;
        arena_init(&arena, 8192, 65536);
        kit_parse(&c->sent, &arena, &m);
        assert(sigtext_from_msg(&m, &arena, &t) == FAULT_NONE);
        snprintf(crand, sizeof(crand), "%08x", random_u32());
        snprintf(cnum, sizeof(cnum), "%u", ++c->cnum);
        t.scheme = str_from_c(c->scheme);
        t.rand = str_from_c(crand);
        t.num = str_from_c(cnum);
        t.realm = str_from_c(c->realm);
        t.target = str_from_c(c->target);
        sigtext_write(&t, c->version, &text);
        if (strcmp(c->scheme, "Kerberos") == 0)
            mac_len = krb_mic_make(&c->mic, buf_str(&text), mac);
        else
            ntlm_mac(&c->keys.client, buf_str(&text), mac);
        buf_printf(&h, ", crand=\"%s\", cnum=\"%s\", response=\"", crand, cnum);
        buf_add_hex(&h, str_of(mac, mac_len), true);
        buf_add_char(&h, '"');
        buf_fini(&text);
        arena_fini(&arena);
    }
    kit_add_line(c, buf_str(&h));
    buf_fini(&h);
}

/* Fills the request as the front does, from what was sent.  The message lives in the arena. */
static inline void kit_request(struct kit *k, struct kit_client *c, struct auth_request *r)
{
    struct sip_addr from;
    struct sip_uri uri;
    arena_reset(&k->arena);
    struct sip_msg *m = arena_calloc(&k->arena, 1, sizeof(*m));
    kit_parse(&c->sent, &k->arena, m);
    assert(sip_addr_parse(sip_msg_value(m, SIP_FROM), &from, NULL) == FAULT_NONE);
    assert(sip_uri_parse(from.uri, &uri) == FAULT_NONE);
    *r = (struct auth_request){ .msg = m,
                                .owner = c->conn,
                                .cid = str_from_c(c->cid),
                                .source = str_of(c->conn->source, c->conn->source_len),
                                .user_key = sip_uri_user_key(&uri, &k->arena),
                                .epid = sip_addr_epid(&from),
                                .arena = &k->arena,
                                .now_ms = k->now_ms,
                                .filetime = k->filetime,
                                .day = KIT_DAY };
}

static inline void kit_check(struct kit *k, struct kit_client *c, struct auth_result *out)
{
    struct auth_request r;
    kit_request(k, c, &r);
    auth_check(&k->auth, &r, out);
}

/* Reads the continuation and makes AUTHENTICATE, keys included. */
static inline enum fault kit_answer_challenge(struct kit *k, struct kit_client *c,
                                              struct str www_authenticate)
{
    struct sip_auth p;
    struct str challenge;
    assert(sip_auth_parse(www_authenticate, &p) == FAULT_NONE);
    assert(base64_decode(sip_auth_get(&p, STR("gssapi-data")), &k->arena, &challenge));
    struct str opaque = sip_auth_get(&p, STR("opaque"));
    assert(opaque.len == 8);
    memcpy(c->opaque, opaque.ptr, 8);
    struct ntlm_initiate in = { .flags_wanted = c->flags,
                                .lm_compatibility = c->lm_compatibility,
                                .version = { 6, 1, 7601, 15 },
                                .domain = STR("EXAMPLE"),
                                .user = str_from_c(c->user),
                                .workstation = STR("PC"),
                                .password = str_from_c(c->password),
                                .filetime = k->filetime };
    random_bytes(in.client_challenge, sizeof(in.client_challenge));
    random_bytes(in.random_session_key, sizeof(in.random_session_key));
    struct buf raw = { 0 };
    uint32_t flags = 0;
    enum fault fault = ntlm_initiate(&in, challenge, &raw, &flags, c->exported);
    if (fault == FAULT_NONE) {
        ntlm_keys_fini(&c->keys);
        ntlm_keys_init(&c->keys, flags, flags & NTLM_NEGOTIATE_VERSION ? 15 : 0, c->exported);
        buf_clear(&c->token);
        base64_encode(buf_str(&raw), &c->token);
        buf_add_char(&c->token, 0);
    }
    buf_fini(&raw);
    return fault;
}

/* The directory: every account has the password "Passw0rd!". */
static inline void kit_directory(const struct kit *k, const struct proto_question *q,
                                 struct proto_verdict *v)
{
    struct ntlm_authenticate m;
    struct buf password = { 0 };
    uint8_t nt_hash[16];
    *v = (struct proto_verdict){ .account = STR("EXAMPLE\\ada"), .display = STR("Ada") };
    utf16_from_utf8(STR("Passw0rd!"), &password);
    ntlm_ntowfv1(buf_str(&password), nt_hash);
    buf_fini(&password);
    v->fault = ntlm_authenticate_read(q->authenticate, &m);
    struct ntlm_verify_in in = { .challenge = q->challenge, .auth = &m, .filetime = k->filetime };
    memcpy(in.server_challenge, q->server_challenge, 8);
    if (v->fault == FAULT_NONE)
        v->fault = ntlm_verify_response(&in, nt_hash, v->keys);
    v->keys_len = 16;
    v->password_proved = v->fault == FAULT_NONE;
}

/* Steps 1 and 2; then c->token is the AUTHENTICATE to send. */
static inline void kit_begin(struct kit *k, struct kit_client *c)
{
    struct auth_result out;
    c->opaque[0] = 0;
    kit_compose(c, "REGISTER");
    kit_check(k, c, &out);
    assert(out.outcome == AUTH_CHALLENGE && out.fault == FAULT_NONE);
    kit_compose(c, "REGISTER");
    kit_authorize(c, "", false);
    kit_check(k, c, &out);
    assert(out.outcome == AUTH_CHALLENGE && out.fault == FAULT_NONE && out.challenge_count == 1);
    enum fault fault = kit_answer_challenge(k, c, out.challenges[0]);
    assert(fault == FAULT_NONE);
}

/* Step 3 as far as the question. */
static inline void kit_authenticate(struct kit *k, struct kit_client *c, struct auth_result *out)
{
    kit_compose(c, "REGISTER");
    kit_authorize(c, c->token.ptr, c->version >= 4);
    kit_check(k, c, out);
}

static inline void kit_verdict(struct kit *k, struct kit_client *c, const struct proto_verdict *v,
                               struct auth_result *out)
{
    struct auth_request r;
    kit_request(k, c, &r);
    auth_verdict(&k->auth, &r, str_from_c(c->opaque), v, out);
}

/* A whole sign-in; the result of its last step. */
static inline void kit_sign_in(struct kit *k, struct kit_client *c, struct auth_result *out)
{
    struct proto_verdict v;
    kit_begin(k, c);
    kit_authenticate(k, c, out);
    if (out->outcome != AUTH_ASK)
        return;
    kit_directory(k, &out->question, &v);
    kit_verdict(k, c, &v, out);
}

/* A signed request of an established SA. */
static inline void kit_signed(struct kit *k, struct kit_client *c, const char *method,
                              struct auth_result *out)
{
    kit_compose(c, method);
    kit_authorize(c, NULL, true);
    kit_check(k, c, out);
}

#endif
