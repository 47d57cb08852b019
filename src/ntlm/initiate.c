/* SPDX-License-Identifier: MIT */
#include "ntlm/initiate.h"

#include <string.h>

#include "base/secret.h"
#include "base/utf16.h"
#include "ntlm/crypt.h"

enum {
    NAME_MAX_OCTETS = 2048,         /* of UTF-16: more than a directory stores */
    TARGET_INFO_MAX = 0xffff - 128, /* leaves room for what stands around it in the response */
    LM_PASSWORD_MAX = 14,
    MIC_OFFSET = 72,
    NEEDED = NTLM_NEGOTIATE_DATAGRAM | NTLM_NEGOTIATE_KEY_EXCH,
    CHARACTER_SETS = NTLM_NEGOTIATE_UNICODE | NTLM_NEGOTIATE_OEM,
};

/* What the answer is made of, while it is made. */
struct answer {
    const struct ntlm_initiate *in;
    struct ntlm_challenge challenge;
    uint32_t flags;
    bool mic;
    struct buf user, domain, workstation; /* UTF-16LE, as the hash wants them */
    struct buf lm, nt;                    /* responses */
    uint8_t nt_hash[16], kxk[16];
};

static enum fault conclude(struct answer *a)
{
    uint32_t flags = a->in->flags_wanted & a->challenge.flags & ~NTLM_NEVER_OFFERED;

    flags |= NTLM_REQUEST_TARGET | (a->in->flags_wanted & NTLM_NEGOTIATE_VERSION);
    if (flags & NTLM_NEGOTIATE_128)
        flags &= ~NTLM_NEGOTIATE_56;
    if (flags & NTLM_NEGOTIATE_UNICODE)
        flags &= ~(uint32_t)NTLM_NEGOTIATE_OEM;
    if (a->in->lm_compatibility == 0)
        flags &= ~(uint32_t)NTLM_EXTENDED_SESSIONSECURITY;
    a->flags = flags;
    return (flags & NEEDED) == NEEDED && flags & CHARACTER_SETS ? FAULT_NONE : FAULT_NTLM_FLAGS;
}

static bool prepare(struct answer *a)
{
    struct buf password = { 0 };
    bool valid = utf16_from_utf8(a->in->password, &password) &&
                 utf16_from_utf8(a->in->user, &a->user) &&
                 utf16_from_utf8(a->in->domain, &a->domain) &&
                 utf16_from_utf8(a->in->workstation, &a->workstation);

    ntlm_ntowfv1(buf_str(&password), a->nt_hash);
    if (password.len)
        secret_wipe(password.ptr, password.len);
    buf_fini(&password);
    return valid && a->user.len <= NAME_MAX_OCTETS && a->domain.len <= NAME_MAX_OCTETS &&
           a->workstation.len <= NAME_MAX_OCTETS;
}

static struct str server_challenge(const struct answer *a)
{
    return str_of(a->challenge.server_challenge, 8);
}

static struct str client_challenge(const struct answer *a)
{
    return str_of(a->in->client_challenge, 8);
}

static void add_zeros(struct buf *out, size_t n)
{
    while (n-- > 0)
        buf_add_char(out, '\0');
}

static bool has_lm_hash(struct str password)
{
    for (size_t i = 0; i < password.len; i++) {
        if ((unsigned char)password.ptr[i] >= 0x80)
            return false;
    }
    return password.len <= LM_PASSWORD_MAX;
}

/* [MS-NLMP] 3.3.1.  Who sends no LM response, or has no LM hash to make it of, repeats the NT
 * response in its place. */
static void respond_v1(struct answer *a)
{
    bool session = a->flags & NTLM_EXTENDED_SESSIONSECURITY;
    uint8_t challenge[16], response[24], lm_hash[16] = { 0 }, sbk[16];

    memcpy(challenge, a->challenge.server_challenge, 8);
    if (session)
        ntlm_md5(server_challenge(a), client_challenge(a), challenge);
    ntlm_desl(a->nt_hash, challenge, response);
    buf_add(&a->nt, str_of(response, sizeof(response)));
    if (session) {
        buf_add(&a->lm, client_challenge(a));
        add_zeros(&a->lm, 16);
    } else {
        if (a->in->lm_compatibility <= 1 && has_lm_hash(a->in->password)) {
            ntlm_lmowfv1(a->in->password, lm_hash);
            ntlm_desl(lm_hash, challenge, response);
        }
        buf_add(&a->lm, str_of(response, sizeof(response)));
    }
    ntlm_md4(str_of(a->nt_hash, 16), sbk);
    ntlm_kxkey_v1(a->flags, sbk, lm_hash, buf_str(&a->lm), a->challenge.server_challenge, a->kxk);
    secret_wipe(lm_hash, sizeof(lm_hash));
    secret_wipe(sbk, sizeof(sbk));
}

static void add_av_flags(struct buf *list, struct str old, uint8_t bit)
{
    uint8_t value[4] = { 0 };

    if (old.len == sizeof(value))
        memcpy(value, old.ptr, sizeof(value));
    value[0] |= bit;
    ntlm_av_add(list, NTLM_AV_FLAGS, str_of(value, sizeof(value)));
}

/* The server's pairs again, and the claim of a MIC among them.  A damaged list is refused; none
 * at all is what servers before Windows 2000 send. */
static bool copy_av_list(struct answer *a, struct buf *list)
{
    struct str rest = a->challenge.target_info, value, flags = STR_NONE;
    bool bad = false;
    uint16_t id;

    while (a->challenge.target_info.len && ntlm_av_next(&rest, &id, &value, &bad)) {
        if (id == NTLM_AV_FLAGS && a->mic)
            flags = value;
        else
            ntlm_av_add(list, id, value);
    }
    if (a->mic)
        add_av_flags(list, flags, NTLM_AV_FLAG_MIC);
    ntlm_av_end(list);
    return !bad;
}

static void add_time(struct answer *a, struct str timestamp, struct buf *blob)
{
    if (timestamp.len == 8) {
        buf_add(blob, timestamp);
        return;
    }
    for (unsigned i = 0; i < 8; i++)
        buf_add_char(blob, (char)(a->in->filetime >> (8 * i) & 0xff));
}

static void add_lmv2(struct answer *a, const uint8_t v2k[16])
{
    uint8_t lmv2[16];

    ntlm_hmac_md5(str_of(v2k, 16), server_challenge(a), client_challenge(a), lmv2);
    buf_add(&a->lm, str_of(lmv2, sizeof(lmv2)));
    buf_add(&a->lm, client_challenge(a));
}

/* [MS-NLMP] 3.3.2.  The server's time is used when it tells one; only then a MIC can be sent. */
static enum fault respond_v2(struct answer *a)
{
    struct buf blob = { 0 };
    struct str timestamp = STR_NONE;
    uint8_t v2k[16], proof[16];

    a->mic =
        ntlm_av_find(a->challenge.target_info, NTLM_AV_TIMESTAMP, &timestamp) && a->in->send_mic;
    buf_add(&blob, str_of("\1\1\0\0\0\0\0\0", 8));
    add_time(a, timestamp, &blob);
    buf_add(&blob, client_challenge(a));
    add_zeros(&blob, 4);
    if (a->challenge.target_info.len > TARGET_INFO_MAX || !copy_av_list(a, &blob)) {
        buf_fini(&blob);
        return FAULT_NTLM_MALFORMED;
    }
    add_zeros(&blob, 4);
    ntlm_ntowfv2(a->nt_hash, buf_str(&a->user), buf_str(&a->domain), 0, v2k);
    ntlm_hmac_md5(str_of(v2k, 16), server_challenge(a), buf_str(&blob), proof);
    buf_add(&a->nt, str_of(proof, sizeof(proof)));
    buf_add(&a->nt, buf_str(&blob));
    if (a->in->send_lmv2)
        add_lmv2(a, v2k);
    ntlm_hmac_md5(str_of(v2k, 16), str_of(proof, sizeof(proof)), STR_NONE, a->kxk);
    secret_wipe(v2k, sizeof(v2k));
    buf_fini(&blob);
    return FAULT_NONE;
}

static struct str name(const struct answer *a, const struct buf *wide, struct str narrow)
{
    return a->flags & NTLM_NEGOTIATE_UNICODE ? buf_str(wide) : narrow;
}

static void write_message(const struct answer *a, struct str challenge, struct buf *out)
{
    const struct ntlm_initiate *in = a->in;
    size_t start = out->len;
    uint8_t session_key[16];

    ntlm_rc4k(a->kxk, in->random_session_key, session_key);
    struct ntlm_authenticate message = { .lm_response = buf_str(&a->lm),
                                         .nt_response = buf_str(&a->nt),
                                         .domain = name(a, &a->domain, in->domain),
                                         .user = name(a, &a->user, in->user),
                                         .workstation = name(a, &a->workstation, in->workstation),
                                         .session_key = str_of(session_key, sizeof(session_key)),
                                         .flags = a->flags,
                                         .version = in->version };
    ntlm_authenticate_write(&message, a->mic, out);
    if (a->mic) {
        struct str whole = str_skip(buf_str(out), start);
        ntlm_mic(in->random_session_key, challenge, whole,
                 (uint8_t *)out->ptr + start + MIC_OFFSET);
    }
}

static void answer_fini(struct answer *a)
{
    buf_fini(&a->user);
    buf_fini(&a->domain);
    buf_fini(&a->workstation);
    buf_fini(&a->lm);
    buf_fini(&a->nt);
    secret_wipe(a, sizeof(*a));
}

/* What must hold before a single octet is computed. */
static enum fault examine(struct answer *a, struct str challenge)
{
    struct ntlm_policy demands = { .min_client_sec = a->in->min_client_sec };
    enum fault fault = ntlm_challenge_read(challenge, &a->challenge);

    if (fault == FAULT_NONE)
        fault = ntlm_policy_check_challenge(&demands, a->challenge.flags);
    if (fault == FAULT_NONE)
        fault = conclude(a);
    return fault;
}

enum fault ntlm_initiate(const struct ntlm_initiate *in, struct str challenge,
                         struct buf *authenticate, uint32_t *flags, uint8_t exported[16])
{
    struct answer a = { .in = in };
    enum fault fault = examine(&a, challenge);

    if (fault == FAULT_NONE && !prepare(&a))
        fault = FAULT_CONFIG_INVALID; /* not UTF-8, or longer than any name is */
    if (fault == FAULT_NONE && in->lm_compatibility >= 3)
        fault = respond_v2(&a);
    else if (fault == FAULT_NONE)
        respond_v1(&a);
    if (fault == FAULT_NONE) {
        write_message(&a, challenge, authenticate);
        *flags = a.flags;
        memcpy(exported, in->random_session_key, 16);
    }
    answer_fini(&a);
    return fault;
}
