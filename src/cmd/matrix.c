/* SPDX-License-Identifier: MIT */
#include "cmd/matrix.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/secret.h"
#include "base/utf16.h"
#include "ntlm/accept.h"
#include "ntlm/crypt.h"
#include "ntlm/initiate.h"
#include "ntlm/verify.h"

static const char server_name[] = "front.matrix.invalid";
static const char password[] = "any password";

struct files {
    char dir[64];
    char ca[96], ca_key[96], ec[96], ec_key[96], rsa[96], rsa_key[96];
};

static bool files_make(struct files *f, struct buf *why)
{
    static const char *const names[] = { server_name, NULL };
    snprintf(f->dir, sizeof(f->dir), "/tmp/postern-matrix-XXXXXX");
    if (!mkdtemp(f->dir)) {
        buf_add_c(why, "cannot make a temporary folder in /tmp");
        return false;
    }
    snprintf(f->ca, sizeof(f->ca), "%s/ca.pem", f->dir);
    snprintf(f->ca_key, sizeof(f->ca_key), "%s/ca.key", f->dir);
    snprintf(f->ec, sizeof(f->ec), "%s/ec.pem", f->dir);
    snprintf(f->ec_key, sizeof(f->ec_key), "%s/ec.key", f->dir);
    snprintf(f->rsa, sizeof(f->rsa), "%s/rsa.pem", f->dir);
    snprintf(f->rsa_key, sizeof(f->rsa_key), "%s/rsa.key", f->dir);
    return tls_make_ca(f->ca, f->ca_key, why) &&
           tls_make_cert(f->ca, f->ca_key, names, false, f->ec, f->ec_key, why) &&
           tls_make_cert(f->ca, f->ca_key, names, true, f->rsa, f->rsa_key, why);
}

static void files_remove(const struct files *f)
{
    const char *all[] = { f->ca, f->ca_key, f->ec, f->ec_key, f->rsa, f->rsa_key };
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        unlink(all[i]);
    rmdir(f->dir);
}

bool matrix_tls_init(struct matrix_tls *t, struct buf *why)
{
    struct files f = { 0 };
    *t = (struct matrix_tls){ 0 };
    if (files_make(&f, why)) {
        struct tls_server_settings s = { .cert_file = { f.ec, f.rsa },
                                         .key_file = { f.ec_key, f.rsa_key } };
        t->modern = tls_server_context_new(&s, why);
        s.legacy = true;
        t->legacy = tls_server_context_new(&s, why);
    }
    files_remove(&f);
    return t->modern && t->legacy;
}

void matrix_tls_fini(struct matrix_tls *t)
{
    if (t->modern)
        tls_context_free(t->modern);
    if (t->legacy)
        tls_context_free(t->legacy);
}

/* Client and server in one process, the bytes handed over by hand. */
static enum fault shake_hands(struct tls *client, struct tls *server)
{
    struct buf to_server = { 0 }, to_client = { 0 };
    enum tls_status at_client = TLS_AGAIN, at_server = TLS_AGAIN;
    for (int i = 0; i < 20 && (at_client == TLS_AGAIN || at_server == TLS_AGAIN) &&
                    at_client != TLS_FAILED && at_server != TLS_FAILED;
         i++) {
        if (at_client == TLS_AGAIN) {
            struct buf in = to_client;
            to_client = (struct buf){ 0 };
            tls_set_io(client, buf_str(&in), &to_server);
            at_client = tls_handshake(client);
            buf_fini(&in);
        }
        if (at_server == TLS_AGAIN) {
            struct buf in = to_server;
            to_server = (struct buf){ 0 };
            tls_set_io(server, buf_str(&in), &to_client);
            at_server = tls_handshake(server);
            buf_fini(&in);
        }
    }
    buf_fini(&to_server);
    buf_fini(&to_client);
    if (at_server == TLS_FAILED)
        return tls_fault(server);
    if (at_client == TLS_FAILED)
        return tls_fault(client);
    return at_client == TLS_OK && at_server == TLS_OK ? FAULT_NONE : FAULT_TLS_HANDSHAKE;
}

static enum fault try_tls(const struct client_profile *profile, struct tls_context *server_context)
{
    struct tls_client_settings s = { .kind = profile->tls, .no_verify = true };
    struct buf why = { 0 };
    struct tls_context *client_context = tls_client_context_new(&s, &why);
    buf_fini(&why);
    if (!client_context)
        return FAULT_TLS_HANDSHAKE;
    struct tls *client = tls_new(client_context, server_name);
    struct tls *server = tls_new(server_context, NULL);
    enum fault fault = shake_hands(client, server);
    tls_free(client);
    tls_free(server);
    tls_context_free(client_context);
    return fault;
}

static enum fault answer(const struct client_profile *p, struct str challenge, struct buf *token)
{
    struct ntlm_initiate in = { .flags_wanted = p->flags_wanted,
                                .lm_compatibility = p->lm_compatibility,
                                .min_client_sec = p->min_client_sec,
                                .version = p->version,
                                .send_lmv2 = p->send_lmv2,
                                .send_mic = p->send_mic,
                                .domain = STR("MATRIX"),
                                .user = STR("user"),
                                .workstation = STR("CLIENT"),
                                .password = STR(password),
                                .filetime = clock_filetime() };
    uint32_t flags;
    uint8_t exported[16];
    random_bytes(in.client_challenge, sizeof(in.client_challenge));
    random_bytes(in.random_session_key, sizeof(in.random_session_key));
    return ntlm_initiate(&in, challenge, token, &flags, exported);
}

static enum fault judge(const struct ntlm_authenticate *auth, struct str challenge,
                        const uint8_t server_challenge[8])
{
    struct ntlm_verify_in in = { .challenge = challenge,
                                 .auth = auth,
                                 .filetime = clock_filetime() };
    memcpy(in.server_challenge, server_challenge, 8);
    struct buf utf16 = { 0 };
    uint8_t hash[16], exported[16];
    utf16_from_utf8(STR(password), &utf16);
    ntlm_ntowfv1(buf_str(&utf16), hash);
    buf_fini(&utf16);
    return ntlm_verify_response(&in, hash, exported);
}

static enum fault try_ntlm(const struct client_profile *client, const struct ntlm_policy *policy)
{
    struct ntlm_names names = { .nb_computer = STR("FRONT"),
                                .nb_domain = STR("MATRIX"),
                                .dns_computer = STR_NONE,
                                .dns_domain = STR_NONE,
                                .dns_tree = STR_NONE };
    struct buf challenge = { 0 }, token = { 0 };
    struct ntlm_authenticate auth;
    uint8_t server_challenge[8];
    uint32_t unmet;
    enum fault audited;
    random_bytes(server_challenge, sizeof(server_challenge));
    ntlm_accept_challenge(&names, policy->offer, server_challenge, 0, &challenge);
    enum fault fault = answer(client, buf_str(&challenge), &token);
    if (fault == FAULT_NONE)
        fault = ntlm_accept_authenticate(buf_str(&token), policy->offer, policy, &auth, &unmet,
                                         &audited);
    if (fault == FAULT_NONE)
        fault = ntlm_policy_check_response(policy, ntlm_response_kind(&auth));
    if (fault == FAULT_NONE)
        fault = judge(&auth, buf_str(&challenge), server_challenge);
    buf_fini(&challenge);
    buf_fini(&token);
    return fault;
}

enum fault matrix_cell(const struct client_profile *client, const struct ntlm_policy *policy,
                       const struct matrix_tls *tls, bool legacy)
{
    enum fault fault = try_tls(client, legacy ? tls->legacy : tls->modern);
    return fault != FAULT_NONE ? fault : try_ntlm(client, policy);
}
