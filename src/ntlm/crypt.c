/* SPDX-License-Identifier: MIT */
#include "ntlm/crypt.h"

#include <assert.h>
#include <nettle/arcfour.h>
#include <nettle/des.h>
#include <nettle/hmac.h>
#include <nettle/md4.h>
#include <nettle/md5.h>

#include "base/buf.h"
#include "base/secret.h"
#include "base/utf16.h"
#include "ntlm/msg.h"

enum { LM_PASSWORD_MAX = 14, MIC_OFFSET = 72, MIC_END = 88 };

static const uint8_t *octets(struct str s)
{
    return (const uint8_t *)s.ptr;
}

void ntlm_md4(struct str in, uint8_t out[16])
{
    struct md4_ctx ctx;

    md4_init(&ctx);
    md4_update(&ctx, in.len, octets(in));
    md4_digest(&ctx, 16, out);
    secret_wipe(&ctx, sizeof(ctx));
}

void ntlm_md5(struct str a, struct str b, uint8_t out[16])
{
    struct md5_ctx ctx;

    md5_init(&ctx);
    md5_update(&ctx, a.len, octets(a));
    md5_update(&ctx, b.len, octets(b));
    md5_digest(&ctx, 16, out);
    secret_wipe(&ctx, sizeof(ctx));
}

void ntlm_hmac_md5(struct str key, struct str a, struct str b, uint8_t out[16])
{
    struct hmac_md5_ctx ctx;

    hmac_md5_set_key(&ctx, key.len, octets(key));
    hmac_md5_update(&ctx, a.len, octets(a));
    hmac_md5_update(&ctx, b.len, octets(b));
    hmac_md5_digest(&ctx, 16, out);
    secret_wipe(&ctx, sizeof(ctx));
}

/* 56 key bits spread over 8 octets, 7 in each; the lowest bit is parity and is ignored. */
void ntlm_des(const uint8_t key7[7], const uint8_t in[8], uint8_t out[8])
{
    struct des_ctx ctx;
    uint64_t bits = 0;
    uint8_t key[8];

    for (int i = 0; i < 7; i++)
        bits = bits << 8 | key7[i];
    for (int i = 0; i < 8; i++)
        key[i] = (uint8_t)(bits >> (49 - 7 * i) << 1);
    /* says whether the key is one of the weak ones, which NTLM does not mind */
    (void)des_set_key(&ctx, key);
    des_encrypt(&ctx, 8, out, in);
    secret_wipe(&ctx, sizeof(ctx));
    secret_wipe(key, sizeof(key));
    secret_wipe(&bits, sizeof(bits));
}

void ntlm_desl(const uint8_t key16[16], const uint8_t in[8], uint8_t out[24])
{
    uint8_t last[7] = { key16[14], key16[15] };

    ntlm_des(key16, in, out);
    ntlm_des(key16 + 7, in, out + 8);
    ntlm_des(last, in, out + 16);
    secret_wipe(last, sizeof(last));
}

static void rc4(struct str key, const uint8_t *in, size_t len, uint8_t *out)
{
    struct arcfour_ctx ctx;

    arcfour_set_key(&ctx, key.len, octets(key));
    arcfour_crypt(&ctx, len, out, in);
    secret_wipe(&ctx, sizeof(ctx));
}

void ntlm_rc4k(const uint8_t key[16], const uint8_t in[16], uint8_t out[16])
{
    rc4(str_of(key, 16), in, 16, out);
}

void ntlm_rc4_keystream(struct str key, uint8_t *out, size_t len)
{
    memset(out, 0, len);
    rc4(key, out, len, out);
}

void ntlm_ntowfv1(struct str password_utf16, uint8_t out[16])
{
    ntlm_md4(password_utf16, out);
}

void ntlm_lmowfv1(struct str password_ascii, uint8_t out[16])
{
    static const uint8_t magic[8] = { 'K', 'G', 'S', '!', '@', '#', '$', '%' };
    uint8_t key[LM_PASSWORD_MAX] = { 0 };

    assert(password_ascii.len <= LM_PASSWORD_MAX);
    for (size_t i = 0; i < password_ascii.len; i++) {
        char c = password_ascii.ptr[i];
        key[i] = (uint8_t)(c >= 'a' && c <= 'z' ? c - 0x20 : c);
    }
    ntlm_des(key, magic, out);
    ntlm_des(key + 7, magic, out + 8);
    secret_wipe(key, sizeof(key));
}

void ntlm_ntowfv2(const uint8_t nt_hash[16], struct str user_utf16, struct str domain_utf16,
                  int ascii_only, uint8_t out[16])
{
    struct buf upper = { 0 };

    utf16_upper(user_utf16, ascii_only, &upper);
    ntlm_hmac_md5(str_of(nt_hash, 16), buf_str(&upper), domain_utf16, out);
    buf_fini(&upper);
}

/* [MS-NLMP] 3.4.5.1.  The second half of the LM_KEY form is DES under the eighth octet of the LM
 * hash filled up with 0xBD. */
void ntlm_kxkey_v1(uint32_t flags, const uint8_t sbk[16], const uint8_t lm_hash[16],
                   struct str lm_response, const uint8_t server_challenge[8], uint8_t out[16])
{
    if (flags & NTLM_EXTENDED_SESSIONSECURITY) {
        ntlm_hmac_md5(str_of(sbk, 16), str_of(server_challenge, 8), str_first(lm_response, 8), out);
    } else if (flags & NTLM_NEGOTIATE_LM_KEY) {
        uint8_t last[7] = { lm_hash[7], 0xbd, 0xbd, 0xbd, 0xbd, 0xbd, 0xbd };
        assert(lm_response.len >= 8);
        ntlm_des(lm_hash, octets(lm_response), out);
        ntlm_des(last, octets(lm_response), out + 8);
        secret_wipe(last, sizeof(last));
    } else if (flags & NTLM_REQUEST_NON_NT_SESSION_KEY) {
        memcpy(out, lm_hash, 8);
        memset(out + 8, 0, 8);
    } else {
        memcpy(out, sbk, 16);
    }
}

/* The magic constants are hashed with their terminating NUL. */
#define MAGIC(way, use)                                                                            \
    str_of("session key to " way " " use " key magic constant",                                    \
           sizeof("session key to " way " " use " key magic constant"))

void ntlm_signkey(const uint8_t exported[16], int client, uint8_t out[16])
{
    ntlm_md5(str_of(exported, 16),
             client ? MAGIC("client-to-server", "signing") : MAGIC("server-to-client", "signing"),
             out);
}

unsigned ntlm_sealkey_weakened(uint32_t flags, const uint8_t exported[16], uint8_t out[16])
{
    static const uint8_t tail_40[3] = { 0xe5, 0x38, 0xb0 };

    memcpy(out, exported, 7);
    if (flags & NTLM_NEGOTIATE_56)
        out[7] = 0xa0;
    else
        memcpy(out + 5, tail_40, sizeof(tail_40));
    return 8;
}

unsigned ntlm_sealkey(uint32_t flags, unsigned revision, const uint8_t exported[16], int client,
                      uint8_t out[16])
{
    if (flags & NTLM_EXTENDED_SESSIONSECURITY) {
        unsigned len = flags & NTLM_NEGOTIATE_128 ? 16 : flags & NTLM_NEGOTIATE_56 ? 7 : 5;
        ntlm_md5(str_of(exported, len),
                 client ? MAGIC("client-to-server", "sealing")
                        : MAGIC("server-to-client", "sealing"),
                 out);
        return 16;
    }
    if (flags & NTLM_NEGOTIATE_LM_KEY || (flags & NTLM_NEGOTIATE_DATAGRAM && revision >= 15))
        return ntlm_sealkey_weakened(flags, exported, out);
    memcpy(out, exported, 16);
    return 16;
}

void ntlm_mic(const uint8_t exported[16], struct str challenge, struct str authenticate,
              uint8_t out[16])
{
    static const uint8_t zeros[MIC_END - MIC_OFFSET];
    struct hmac_md5_ctx ctx;

    assert(authenticate.len >= MIC_END);
    hmac_md5_set_key(&ctx, 16, exported);
    hmac_md5_update(&ctx, challenge.len, octets(challenge));
    hmac_md5_update(&ctx, MIC_OFFSET, octets(authenticate));
    hmac_md5_update(&ctx, sizeof(zeros), zeros);
    hmac_md5_update(&ctx, authenticate.len - MIC_END, octets(authenticate) + MIC_END);
    hmac_md5_digest(&ctx, 16, out);
    secret_wipe(&ctx, sizeof(ctx));
}
