/* SPDX-License-Identifier: MIT */
/* A whole NTLM exchange between our two sides, for tests: fill in what matters, run it, look. */
#ifndef POSTERN_TESTS_NTLM_EXCHANGE_H
#define POSTERN_TESTS_NTLM_EXCHANGE_H

#include <string.h>

#include "base/utf16.h"
#include "ntlm/accept.h"
#include "ntlm/crypt.h"
#include "ntlm/initiate.h"
#include "ntlm/verify.h"

#define EXCHANGE_NOW UINT64_C(129000000000000000) /* a day in October 2009, as FILETIME */

struct exchange {
    struct ntlm_initiate client;
    struct ntlm_policy policy;
    struct ntlm_names names;
    uint8_t server_challenge[8];
    uint64_t filetime; /* in the CHALLENGE, 0: no timestamp */
    uint64_t now;      /* of the server */
    /* results */
    struct buf challenge, token;
    struct ntlm_authenticate auth;
    uint32_t flags, unmet;
    enum fault audited;
    uint8_t client_key[16], server_key[16];
};

static inline void exchange_init(struct exchange *e)
{
    *e = (struct exchange){
        .client = { .flags_wanted = 0x62988255,
                    .lm_compatibility = 3,
                    .version = { 6, 1, 7601, 15 },
                    .domain = STR("EXAMPLE"),
                    .user = STR("ada"),
                    .workstation = STR("PC17"),
                    .password = STR("Pa$$word1"),
                    .filetime = EXCHANGE_NOW },
        .policy = { .offer = NTLM_DEFAULT_OFFER, .lm_compatibility = 3, .min_sipae_version = 4 },
        .names = { .nb_computer = STR("FE01"),
                   .nb_domain = STR("EXAMPLE"),
                   .dns_computer = STR("fe01.example.com"),
                   .dns_domain = STR("example.com"),
                   .dns_tree = STR("example.com") },
        .filetime = EXCHANGE_NOW,
        .now = EXCHANGE_NOW,
    };
    memcpy(e->server_challenge, "\x01\x23\x45\x67\x89\xab\xcd\xef", 8);
    memcpy(e->client.client_challenge, "\xaa\xbb\x00\xdd\xee\x00\x11\x22", 8);
    memcpy(e->client.random_session_key,
           "\x00\x11\x22\x33\x00\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\x00", 16);
}

static inline void exchange_fini(struct exchange *e)
{
    buf_fini(&e->challenge);
    buf_fini(&e->token);
}

/* The first two legs: what the client makes of our CHALLENGE. */
static inline enum fault exchange_answer(struct exchange *e)
{
    buf_clear(&e->challenge);
    buf_clear(&e->token);
    ntlm_accept_challenge(&e->names, e->policy.offer, e->server_challenge, e->filetime,
                          &e->challenge);
    return ntlm_initiate(&e->client, buf_str(&e->challenge), &e->token, &e->flags, e->client_key);
}

static inline enum fault exchange_accept(struct exchange *e)
{
    return ntlm_accept_authenticate(buf_str(&e->token), e->policy.offer, &e->policy, &e->auth,
                                    &e->unmet, &e->audited);
}

static inline enum fault exchange_verify(struct exchange *e, const char *password)
{
    struct ntlm_verify_in in = { .challenge = buf_str(&e->challenge),
                                 .auth = &e->auth,
                                 .filetime = e->now };
    struct buf wide = { 0 };
    uint8_t nt_hash[16];

    memcpy(in.server_challenge, e->server_challenge, sizeof(in.server_challenge));
    if (!utf16_from_utf8(str_from_c(password), &wide))
        return FAULT_CONFIG_INVALID;
    ntlm_ntowfv1(buf_str(&wide), nt_hash);
    buf_fini(&wide);
    return ntlm_verify_response(&in, nt_hash, e->server_key);
}

/* All of it with the right password; FAULT_NONE means that both sides hold the same key. */
static inline enum fault exchange_run(struct exchange *e)
{
    struct buf password = { 0 };
    enum fault fault = exchange_answer(e);

    if (fault == FAULT_NONE)
        fault = exchange_accept(e);
    if (fault == FAULT_NONE) {
        buf_add(&password, e->client.password);
        buf_add_char(&password, '\0');
        fault = exchange_verify(e, password.ptr);
        buf_fini(&password);
    }
    if (fault == FAULT_NONE && memcmp(e->client_key, e->server_key, 16) != 0)
        fault = FAULT_COUNT;
    return fault;
}

#endif
