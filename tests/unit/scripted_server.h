/* SPDX-License-Identifier: MIT */
/* The server of test_client.c: a thread that takes one connection and does as the test says. */
#ifndef POSTERN_TESTS_SCRIPTED_SERVER_H
#define POSTERN_TESTS_SCRIPTED_SERVER_H

#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "auth/sigtext.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/secret.h"
#include "base/utf16.h"
#include "client/link.h"
#include "ntlm/accept.h"
#include "ntlm/crypt.h"
#include "ntlm/sign.h"
#include "ntlm/verify.h"
#include "sip/authparam.h"

#define REALM  "SIP Communications Service"
#define TARGET "fe01.example.com"
#define PASS   "Secret-1"

enum { STEPS = 6, TEST_TIMEOUT_MS = 10000 };
enum signature { SIGNED, SIGNED_WRONG, SIGNED_AGAIN, UNSIGNED };

/* What the server does; zeros: everything right. */
struct behaviour {
    uint32_t offer;
    unsigned version;       /* of the challenges; 0: 4 */
    unsigned challenge;     /* status of challenges; 0: 401 */
    const char *challenges; /* instead of the first challenge */
    const char *token;      /* instead of the CHALLENGE, base64 */
    unsigned final;         /* status of the answer to the AUTHENTICATE; 0: 200 */
    const char *reason, *extra;
    enum signature signature, later; /* of that answer; of the ones to refresh and leave */
    unsigned silent_at, close_at;    /* number of the request, from 1 */
    unsigned raw_at;
    const char *raw; /* sent instead of the answer to it */
    bool noise;      /* other messages before every answer */
    struct tls_context *tls;
};

struct server {
    struct behaviour b;
    int listener;
    char address[32];
    pthread_t thread;
    struct client_link link;
    uint8_t server_challenge[8];
    struct ntlm_keys keys;
    bool has_keys;
    uint32_t snum;
    struct arena arena;
    /* seen */
    unsigned requests;
    char call_id[STEPS + 1][64], from[STEPS + 1][128], cseq[STEPS + 1][32], cnum[STEPS + 1][12];
    bool is_signed[STEPS + 1], signature_good[STEPS + 1], has_branch, by_proxy_authorization;
    enum fault verdict;
    uint32_t flags;
};

static void copy(char *to, size_t size, struct str s)
{
    snprintf(to, size, "%.*s", STR_ARG(s));
}

static void text_of(struct sigtext *t, const struct sip_msg *m, struct arena *arena,
                    struct str rand, struct str num, struct buf *out)
{
    assert_int_equal(sigtext_from_msg(m, arena, t), FAULT_NONE);
    t->scheme = STR("NTLM");
    t->rand = rand;
    t->num = num;
    t->realm = STR(REALM);
    t->target = STR(TARGET);
    sigtext_write(t, 4, out);
}

static void request_signature_check(struct server *s, const struct sip_msg *m,
                                    const struct sip_auth *auth)
{
    uint8_t mac[16];
    struct buf text = { 0 };
    struct sigtext t;

    s->is_signed[s->requests] = sip_auth_has(auth, STR("response"));
    copy(s->cnum[s->requests], sizeof(s->cnum[0]), sip_auth_get(auth, STR("cnum")));
    if (!s->is_signed[s->requests] || !s->has_keys)
        return;
    text_of(&t, m, &s->arena, sip_auth_get(auth, STR("crand")), sip_auth_get(auth, STR("cnum")),
            &text);
    s->signature_good[s->requests] =
        hex_decode(sip_auth_get(auth, STR("response")), mac, sizeof(mac)) &&
        ntlm_verify(&s->keys, true, buf_str(&text), str_of(mac, sizeof(mac)));
    buf_fini(&text);
}

/* The answer up to and without the empty line; signed when there are keys and it is wanted. */
static void answer_begin(const struct sip_msg *m, unsigned status, const char *reason,
                         struct buf *out)
{
    buf_printf(out, "SIP/2.0 %u %s\r\n", status, reason);
    buf_printf(out, "Via: %.*s\r\n", STR_ARG(sip_msg_value(m, SIP_VIA)));
    buf_printf(out, "From: %.*s\r\n", STR_ARG(sip_msg_value(m, SIP_FROM)));
    buf_printf(out, "To: %.*s;tag=5E61\r\n", STR_ARG(sip_msg_value(m, SIP_TO)));
    buf_printf(out, "Call-ID: %.*s\r\n", STR_ARG(m->call_id));
    buf_printf(out, "CSeq: %.*s REGISTER\r\n", STR_ARG(m->cseq_digits));
}

static void answer_sign(struct server *s, enum signature how, struct buf *out)
{
    struct buf text = { 0 };
    struct sip_msg m;
    struct sigtext t;
    uint8_t mac[16];
    char snum[12];

    if (how != SIGNED_AGAIN)
        s->snum++;
    snprintf(snum, sizeof(snum), "%u", s->snum);
    size_t len = out->len;
    buf_add_c(out, "\r\n");
    assert_int_equal(sip_msg_parse(buf_str(out), out->len, 64, &s->arena, &m), FAULT_NONE);
    text_of(&t, &m, &s->arena, STR("9616454F"), str_from_c(snum), &text);
    ntlm_mac(&s->keys.server, buf_str(&text), mac);
    mac[5] ^= how == SIGNED_WRONG;
    out->len = len;
    buf_add_c(out, "Authentication-Info: NTLM rspauth=\"");
    buf_add_hex(out, str_of(mac, sizeof(mac)), true);
    buf_printf(out,
               "\", srand=\"9616454F\", snum=\"%s\", opaque=\"2BDBAC9D\", qop=\"auth\", "
               "targetname=\"" TARGET "\", realm=\"" REALM "\"\r\n",
               snum);
    buf_fini(&text);
}

static void send_text(struct server *s, struct buf *text)
{
    client_link_send(&s->link, buf_str(text), clock_mono_ms() + TEST_TIMEOUT_MS);
    buf_fini(text);
}

static void challenge_header(const struct server *s, struct buf *out)
{
    unsigned version = s->b.version ? s->b.version : 4;
    buf_printf(out, "%s: NTLM realm=\"" REALM "\", targetname=\"" TARGET "\", version=%u",
               s->b.challenge == 407 ? "Proxy-Authenticate" : "WWW-Authenticate", version);
}

static void challenge_first(struct server *s, struct buf *out)
{
    if (s->b.challenges) {
        buf_add_c(out, s->b.challenges);
        return;
    }
    buf_add_c(out, "WWW-Authenticate: Kerberos realm=\"" REALM "\", targetname=\"sip/" TARGET
                   "\", version=4\r\n");
    challenge_header(s, out);
    buf_add_c(out, "\r\n");
}

static void challenge_token(struct server *s, struct buf *out)
{
    static const struct ntlm_names names = { .nb_computer = { "FE01", 4 },
                                             .nb_domain = { "EXAMPLE", 7 } };
    struct buf token = { 0 };

    random_bytes(s->server_challenge, sizeof(s->server_challenge));
    ntlm_accept_challenge(&names, s->b.offer ? s->b.offer : NTLM_DEFAULT_OFFER, s->server_challenge,
                          0, &token);
    challenge_header(s, out);
    buf_add_c(out, ", opaque=\"2BDBAC9D\", gssapi-data=\"");
    if (s->b.token)
        buf_add_c(out, s->b.token);
    else
        base64_encode(buf_str(&token), out);
    buf_add_c(out, "\"\r\n");
    buf_fini(&token);
}

/* Proves the password as authd does and makes the keys. */
static void authenticate_take(struct server *s, struct str data)
{
    struct ntlm_authenticate a;
    struct str token;
    struct buf password = { 0 };
    uint8_t nt_hash[16], exported[16];

    utf16_from_utf8(STR(PASS), &password);
    ntlm_ntowfv1(buf_str(&password), nt_hash);
    buf_fini(&password);
    s->verdict = FAULT_NTLM_MALFORMED;
    if (!base64_decode(data, &s->arena, &token) || ntlm_authenticate_read(token, &a) != FAULT_NONE)
        return;
    struct ntlm_verify_in in = { .auth = &a, .filetime = clock_filetime() };
    memcpy(in.server_challenge, s->server_challenge, 8);
    s->verdict = ntlm_verify_response(&in, nt_hash, exported);
    s->flags = a.flags;
    if (s->verdict == FAULT_NONE) {
        ntlm_keys_init(&s->keys, a.flags, a.has_version ? a.version.revision : 0, exported);
        s->has_keys = true;
    }
}

static void noise(struct server *s, const struct sip_msg *m)
{
    struct buf out = { 0 };

    answer_begin(m, 100, "Trying", &out);
    buf_add_c(&out, "Content-Length: 0\r\n\r\n\r\n\r\n");
    buf_printf(&out,
               "SIP/2.0 200 OK\r\nVia: SIP/2.0/TLS x\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\n"
               "Call-ID: another\r\nCSeq: %.*s REGISTER\r\nContent-Length: 0\r\n\r\n",
               STR_ARG(m->cseq_digits));
    buf_add_c(&out, "BENOTIFY sip:a@b SIP/2.0\r\nVia: SIP/2.0/TLS x\r\nFrom: <sip:a@b>;tag=1\r\n"
                    "To: <sip:a@b>\r\nCall-ID: n\r\nCSeq: 1 BENOTIFY\r\nContent-Length: 4\r\n\r\n"
                    "body");
    send_text(s, &out);
}

static void answer(struct server *s, const struct sip_msg *m, const struct sip_auth *auth)
{
    unsigned challenge = s->b.challenge ? s->b.challenge : 401;
    unsigned final = s->b.final ? s->b.final : 200;
    enum signature how = s->requests == 3 ? s->b.signature : s->b.later;
    struct buf out = { 0 };

    if (s->requests == 1) {
        answer_begin(m, challenge, "Unauthorized", &out);
        challenge_first(s, &out);
    } else if (s->requests == 2) {
        answer_begin(m, challenge, "Unauthorized", &out);
        challenge_token(s, &out);
    } else {
        if (s->requests == 3)
            authenticate_take(s, sip_auth_get(auth, STR("gssapi-data")));
        request_signature_check(s, m, auth);
        answer_begin(m, s->requests == 3 ? final : 200, s->b.reason ? s->b.reason : "OK", &out);
        buf_add_c(&out, s->b.extra ? s->b.extra : "Expires: 7200\r\n");
        if (how != UNSIGNED && s->has_keys)
            answer_sign(s, how, &out);
    }
    buf_add_c(&out, "Content-Length: 0\r\n\r\n");
    send_text(s, &out);
}

static void note(struct server *s, const struct sip_msg *m)
{
    copy(s->call_id[s->requests], sizeof(s->call_id[0]), m->call_id);
    copy(s->from[s->requests], sizeof(s->from[0]), sip_msg_value(m, SIP_FROM));
    copy(s->cseq[s->requests], sizeof(s->cseq[0]), sip_msg_value(m, SIP_CSEQ));
    s->has_branch = str_find(sip_msg_value(m, SIP_VIA), STR("branch=")) != SIZE_MAX;
    s->by_proxy_authorization |= sip_msg_first(m, SIP_PROXY_AUTHORIZATION) != NULL;
}

/* False when it is over. */
static bool serve_one(struct server *s)
{
    struct sip_auth auth = { 0 };
    struct sip_msg m;
    struct str whole;
    size_t head_len;

    if (client_link_receive(&s->link, &whole, &head_len, clock_mono_ms() + TEST_TIMEOUT_MS))
        return false;
    arena_reset(&s->arena);
    assert_int_equal(sip_msg_parse(whole, head_len, 64, &s->arena, &m), FAULT_NONE);
    if (++s->requests > STEPS)
        return false;
    note(s, &m);
    struct str credentials = sip_msg_value(&m, SIP_AUTHORIZATION);
    if (credentials.len == 0)
        credentials = sip_msg_value(&m, SIP_PROXY_AUTHORIZATION);
    if (credentials.len > 0)
        assert_int_equal(sip_auth_parse(credentials, &auth), FAULT_NONE);
    if (s->b.close_at == s->requests)
        return false;
    if (s->b.noise)
        noise(s, &m);
    if (s->b.raw_at == s->requests) {
        struct buf raw = { 0 };
        buf_add_c(&raw, s->b.raw);
        send_text(s, &raw);
    } else if (s->b.silent_at != s->requests) {
        answer(s, &m, &auth);
    }
    return true;
}

static void *serve(void *arg)
{
    struct server *s = arg;
    uint64_t deadline = clock_mono_ms() + TEST_TIMEOUT_MS;

    s->link.fd = accept(s->listener, NULL, NULL);
    if (s->link.fd >= 0 &&
        (!s->b.tls || client_link_secure(&s->link, s->b.tls, NULL, deadline) == FAULT_NONE))
        while (serve_one(s))
            ;
    client_link_fini(&s->link);
    return NULL;
}

static void server_start(struct server *s, const struct behaviour *b)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t len = sizeof(a);

    *s = (struct server){ .b = *b };
    client_link_init(&s->link);
    arena_init(&s->arena, 8192, 262144);
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(s->listener, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(listen(s->listener, 1), 0);
    assert_int_equal(getsockname(s->listener, (struct sockaddr *)&a, &len), 0);
    snprintf(s->address, sizeof(s->address), "127.0.0.1:%u", ntohs(a.sin_port));
    assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void server_stop(struct server *s)
{
    shutdown(s->listener, SHUT_RDWR); /* ends an accept nobody answered */
    pthread_join(s->thread, NULL);
    close(s->listener);
    arena_fini(&s->arena);
    ntlm_keys_fini(&s->keys);
}

#endif
