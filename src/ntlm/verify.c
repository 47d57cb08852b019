/* SPDX-License-Identifier: MIT */
#include "ntlm/verify.h"

#include "base/buf.h"
#include "base/secret.h"
#include "base/wire.h"
#include "ntlm/crypt.h"

enum {
    PROOF_LEN = 16,
    TIME_OFFSET = PROOF_LEN + 8,
    KEY_LEN = 16,
};

/* 36 hours in units of 100 ns: what XP to 2008 R2 tolerate ([MS-NLMP] 3.1.5.1.2, notes). */
static const uint64_t lifetime_max = UINT64_C(36) * 3600 * 10000000;

/* Names count as UTF-16 in the hash.  Of an OEM code page only ASCII can be known. */
static struct str wide(const struct ntlm_authenticate *a, struct str name, struct buf *space)
{
    if (a->flags & NTLM_NEGOTIATE_UNICODE)
        return name;
    for (size_t i = 0; i < name.len; i++) {
        buf_add_char(space, name.ptr[i]);
        buf_add_char(space, '\0');
    }
    return buf_str(space);
}

static bool proof_matches(const struct ntlm_verify_in *in, const uint8_t v2k[16])
{
    struct str nt = in->auth->nt_response;
    uint8_t proof[PROOF_LEN];

    ntlm_hmac_md5(str_of(v2k, KEY_LEN), str_of(in->server_challenge, 8), str_skip(nt, PROOF_LEN),
                  proof);
    return secret_equal(proof, nt.ptr, PROOF_LEN);
}

/* The proper reading first; then what broken clients do: an empty domain in the hash although
 * the message names one ([MS-NLMP] 3.3.2), and upper-casing that knows only ASCII. */
static bool find_v2_key(const struct ntlm_verify_in *in, const uint8_t nt_hash[16], uint8_t v2k[16])
{
    struct buf user_space = { 0 }, domain_space = { 0 };
    struct str user = wide(in->auth, in->auth->user, &user_space);
    struct str domain = wide(in->auth, in->auth->domain, &domain_space);
    bool found = false;

    for (int ascii_only = 0; !found && ascii_only <= 1; ascii_only++) {
        ntlm_ntowfv2(nt_hash, user, domain, ascii_only, v2k);
        found = proof_matches(in, v2k);
        if (!found && domain.len) {
            ntlm_ntowfv2(nt_hash, user, STR_NONE, ascii_only, v2k);
            found = proof_matches(in, v2k);
        }
    }
    buf_fini(&user_space);
    buf_fini(&domain_space);
    return found;
}

static bool time_is_near(struct str nt, uint64_t now)
{
    struct wire w = { .all = nt, .pos = TIME_OFFSET };
    uint64_t then = wire_u64(&w);

    return (then > now ? then - now : now - then) <= lifetime_max;
}

static enum fault verify_v2(const struct ntlm_verify_in *in, const uint8_t nt_hash[16],
                            uint8_t kxk[16])
{
    struct str nt = in->auth->nt_response;
    uint8_t v2k[KEY_LEN];
    enum fault fault = FAULT_NONE;

    if (!find_v2_key(in, nt_hash, v2k))
        fault = FAULT_USER_WRONG_PASSWORD;
    else if (!time_is_near(nt, in->filetime))
        fault = FAULT_NTLM_TIME;
    else
        ntlm_hmac_md5(str_of(v2k, KEY_LEN), str_first(nt, PROOF_LEN), STR_NONE, kxk);
    secret_wipe(v2k, sizeof(v2k));
    return fault;
}

void ntlm_verify_challenge(const struct ntlm_verify_in *in, uint8_t challenge[8])
{
    uint8_t hashed[16];

    if (ntlm_response_kind(in->auth) != NTLM_RESPONSE_NTLM2_SESSION) {
        memcpy(challenge, in->server_challenge, 8);
        return;
    }
    ntlm_md5(str_of(in->server_challenge, 8), str_first(in->auth->lm_response, 8), hashed);
    memcpy(challenge, hashed, 8);
}

/* NTLMv1 and the NTLM2 session response: there both challenges are hashed. */
static enum fault verify_v1(const struct ntlm_verify_in *in, const uint8_t nt_hash[16],
                            uint8_t kxk[16])
{
    const struct ntlm_authenticate *a = in->auth;
    static const uint8_t no_lm_hash[16];
    uint8_t challenge[8], expected[24], sbk[KEY_LEN];

    ntlm_verify_challenge(in, challenge);
    ntlm_desl(nt_hash, challenge, expected);
    bool right = secret_equal(expected, a->nt_response.ptr, sizeof(expected));
    secret_wipe(expected, sizeof(expected));
    if (!right)
        return FAULT_USER_WRONG_PASSWORD;
    ntlm_md4(str_of(nt_hash, KEY_LEN), sbk);
    ntlm_kxkey_v1(a->flags, sbk, no_lm_hash, a->lm_response, in->server_challenge, kxk);
    secret_wipe(sbk, sizeof(sbk));
    return FAULT_NONE;
}

static enum fault check_response(const struct ntlm_verify_in *in, const uint8_t nt_hash[16],
                                 uint8_t kxk[16])
{
    switch (ntlm_response_kind(in->auth)) {
    case NTLM_RESPONSE_NTLMV2:
        return verify_v2(in, nt_hash, kxk);
    case NTLM_RESPONSE_NTLM2_SESSION:
    case NTLM_RESPONSE_NTLMV1:
        return verify_v1(in, nt_hash, kxk);
    case NTLM_RESPONSE_LM:
        return FAULT_NTLM_LM_ONLY;
    case NTLM_RESPONSE_ANONYMOUS:
        break;
    }
    return FAULT_NTLM_ANONYMOUS;
}

/* A claimed MIC that is not there was cut out (the claim itself is under the response's hash). */
static enum fault check_mic(const struct ntlm_verify_in *in, const uint8_t exported[16])
{
    const struct ntlm_authenticate *a = in->auth;
    uint8_t mic[16];

    if (!a->mic_claimed)
        return FAULT_NONE;
    if (a->mic.len != sizeof(mic) || in->challenge.len == 0)
        return FAULT_NTLM_MIC;
    ntlm_mic(exported, in->challenge, a->raw, mic);
    return secret_equal(mic, a->mic.ptr, sizeof(mic)) ? FAULT_NONE : FAULT_NTLM_MIC;
}

static enum fault check_keys_can_be_made(const struct ntlm_authenticate *a)
{
    if (!(a->flags & NTLM_NEGOTIATE_KEY_EXCH))
        return FAULT_NTLM_FLAGS;
    /* these keys need the LM hash, which nobody stores */
    if (a->flags & NTLM_NEVER_OFFERED && !(a->flags & NTLM_EXTENDED_SESSIONSECURITY))
        return FAULT_NTLM_FLAGS;
    return a->session_key.len == KEY_LEN ? FAULT_NONE : FAULT_NTLM_SESSION_KEY;
}

static bool is_v1(enum ntlm_response_kind kind)
{
    return kind == NTLM_RESPONSE_NTLMV1 || kind == NTLM_RESPONSE_NTLM2_SESSION;
}

enum fault ntlm_verify_shape(const struct ntlm_authenticate *a)
{
    enum fault fault = check_keys_can_be_made(a);
    bool ess = a->flags & NTLM_EXTENDED_SESSIONSECURITY;

    if (fault == FAULT_NONE && ess && a->lm_response.len < 8 && is_v1(ntlm_response_kind(a)))
        return FAULT_NTLM_MALFORMED; /* its client challenge enters the key */
    return fault;
}

/* From the key exchange key to the exported one, and the MIC under it. */
static enum fault finish(const struct ntlm_verify_in *in, uint8_t kxk[16], uint8_t exported[16])
{
    ntlm_rc4k(kxk, (const uint8_t *)in->auth->session_key.ptr, exported);
    secret_wipe(kxk, KEY_LEN);
    enum fault fault = check_mic(in, exported);
    if (fault != FAULT_NONE)
        secret_wipe(exported, KEY_LEN);
    return fault;
}

enum fault ntlm_verify_session_key(const struct ntlm_verify_in *in, const uint8_t session_key[16],
                                   uint8_t exported[16])
{
    static const uint8_t no_lm_hash[16];
    const struct ntlm_authenticate *a = in->auth;
    enum fault fault = ntlm_verify_shape(a);
    uint8_t kxk[KEY_LEN];

    memset(exported, 0, KEY_LEN);
    if (fault != FAULT_NONE)
        return fault;
    if (is_v1(ntlm_response_kind(a)))
        ntlm_kxkey_v1(a->flags, session_key, no_lm_hash, a->lm_response, in->server_challenge, kxk);
    else if (time_is_near(a->nt_response, in->filetime))
        memcpy(kxk, session_key, KEY_LEN);
    else
        return FAULT_NTLM_TIME;
    return finish(in, kxk, exported);
}

enum fault ntlm_verify_response(const struct ntlm_verify_in *in, const uint8_t nt_hash[16],
                                uint8_t exported[16])
{
    uint8_t kxk[KEY_LEN];
    enum fault fault = ntlm_verify_shape(in->auth);

    memset(exported, 0, KEY_LEN);
    if (fault == FAULT_NONE)
        fault = check_response(in, nt_hash, kxk);
    return fault == FAULT_NONE ? finish(in, kxk, exported) : fault;
}
