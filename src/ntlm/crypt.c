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

static const uint8_t *octets(struct str s)
{
    return (const uint8_t *)s.ptr;
}

void ntlm_md4(struct str in, uint8_t out[16])
{
    struct md4_ctx c;
    md4_init(&c);
    md4_update(&c, in.len, octets(in));
    md4_digest(&c, 16, out);
    secret_wipe(&c, sizeof(c));
}

void ntlm_md5(struct str a, struct str b, uint8_t out[16])
{
    struct md5_ctx c;
    md5_init(&c);
    md5_update(&c, a.len, octets(a));
    md5_update(&c, b.len, octets(b));
    md5_digest(&c, 16, out);
}

void ntlm_hmac_md5(struct str key, struct str a, struct str b, uint8_t out[16])
{
    struct hmac_md5_ctx c;
    hmac_md5_set_key(&c, key.len, octets(key));
    hmac_md5_update(&c, a.len, octets(a));
    hmac_md5_update(&c, b.len, octets(b));
    hmac_md5_digest(&c, 16, out);
}

/* Spreads 56 bits over eight octets; the lowest bit of each is the ignored parity. */
void ntlm_des(const uint8_t key7[7], const uint8_t in[8], uint8_t out[8])
{
    uint8_t key[8];
    struct des_ctx c;
    key[0] = key7[0];
    for (unsigned i = 1; i < 7; i++)
        key[i] = (uint8_t)(key7[i - 1] << (8 - i) | key7[i] >> i);
    key[7] = (uint8_t)(key7[6] << 1);
    des_set_key(&c, key); /* false for weak keys; the key is set all the same */
    des_encrypt(&c, 8, out, in);
    secret_wipe(&c, sizeof(c));
    secret_wipe(key, sizeof(key));
}

void ntlm_desl(const uint8_t key16[16], const uint8_t in[8], uint8_t out[24])
{
    uint8_t last[7] = { key16[14], key16[15] };
    ntlm_des(key16, in, out);
    ntlm_des(key16 + 7, in, out + 8);
    ntlm_des(last, in, out + 16);
    secret_wipe(last, sizeof(last));
}

static void rc4(struct str key, size_t len, const uint8_t *in, uint8_t *out)
{
    struct arcfour_ctx c;
    arcfour_set_key(&c, key.len, octets(key));
    arcfour_crypt(&c, len, out, in);
    secret_wipe(&c, sizeof(c));
}

void ntlm_rc4k(const uint8_t key[16], const uint8_t in[16], uint8_t out[16])
{
    rc4(str_of(key, 16), 16, in, out);
}

void ntlm_rc4_keystream(struct str key, uint8_t *out, size_t len)
{
    memset(out, 0, len);
    rc4(key, len, out, out);
}

void ntlm_ntowfv1(struct str password_utf16, uint8_t out[16])
{
    ntlm_md4(password_utf16, out);
}

void ntlm_lmowfv1(struct str password_ascii, uint8_t out[16])
{
    static const uint8_t magic[] = "KGS!@#$%";
    uint8_t upper[14] = { 0 };
    for (size_t i = 0; i < password_ascii.len && i < sizeof(upper); i++) {
        char c = password_ascii.ptr[i];
        upper[i] = (uint8_t)(c >= 'a' && c <= 'z' ? c - 32 : c);
    }
    ntlm_des(upper, magic, out);
    ntlm_des(upper + 7, magic, out + 8);
    secret_wipe(upper, sizeof(upper));
}

void ntlm_ntowfv2(const uint8_t nt_hash[16], struct str user_utf16, struct str domain_utf16,
                  int ascii_only, uint8_t out[16])
{
    struct buf upper = { 0 };
    utf16_upper(user_utf16, ascii_only != 0, &upper);
    ntlm_hmac_md5(str_of(nt_hash, 16), buf_str(&upper), domain_utf16, out);
    buf_fini(&upper);
}

void ntlm_kxkey_v1(uint32_t flags, const uint8_t sbk[16], const uint8_t lm_hash[16],
                   struct str lm_response, const uint8_t server_challenge[8], uint8_t out[16])
{
    assert(lm_response.len >= 8);
    const uint8_t *lm = octets(lm_response);
    if (flags & NTLM_EXTENDED_SESSIONSECURITY) {
        ntlm_hmac_md5(str_of(sbk, 16), str_of(server_challenge, 8), str_first(lm_response, 8), out);
    } else if (flags & NTLM_NEGOTIATE_LM_KEY) {
        uint8_t second[7] = { lm_hash[7], 0xbd, 0xbd, 0xbd, 0xbd, 0xbd, 0xbd };
        ntlm_des(lm_hash, lm, out);
        ntlm_des(second, lm, out + 8);
    } else if (flags & NTLM_REQUEST_NON_NT_SESSION_KEY) {
        memcpy(out, lm_hash, 8);
        memset(out + 8, 0, 8);
    } else {
        memcpy(out, sbk, 16);
    }
}

/* The terminating NUL of each constant is part of it. */
#define SIGN_MAGIC(way) "session key to " way " signing key magic constant"
#define SEAL_MAGIC(way) "session key to " way " sealing key magic constant"
#define WITH_NUL(text)  str_of(text, sizeof(text))

void ntlm_signkey(const uint8_t exported[16], int client, uint8_t out[16])
{
    ntlm_md5(str_of(exported, 16),
             client ? WITH_NUL(SIGN_MAGIC("client-to-server"))
                    : WITH_NUL(SIGN_MAGIC("server-to-client")),
             out);
}

unsigned ntlm_sealkey_weakened(uint32_t flags, const uint8_t exported[16], uint8_t out[16])
{
    static const uint8_t tail_40[] = { 0xe5, 0x38, 0xb0 };
    memcpy(out, exported, 8);
    if (flags & NTLM_NEGOTIATE_56)
        out[7] = 0xa0;
    else
        memcpy(out + 5, tail_40, sizeof(tail_40));
    return 8;
}

unsigned ntlm_sealkey(uint32_t flags, unsigned revision, const uint8_t exported[16], int client,
                      uint8_t out[16])
{
    bool has_56 = (flags & NTLM_NEGOTIATE_56) != 0;
    if (flags & NTLM_EXTENDED_SESSIONSECURITY) {
        size_t n = flags & NTLM_NEGOTIATE_128 ? 16 : has_56 ? 7 : 5;
        ntlm_md5(str_of(exported, n),
                 client ? WITH_NUL(SEAL_MAGIC("client-to-server"))
                        : WITH_NUL(SEAL_MAGIC("server-to-client")),
                 out);
        return 16;
    }
    if ((flags & NTLM_NEGOTIATE_LM_KEY) || ((flags & NTLM_NEGOTIATE_DATAGRAM) && revision >= 15))
        return ntlm_sealkey_weakened(flags, exported, out);
    memcpy(out, exported, 16);
    return 16;
}

void ntlm_mic(const uint8_t exported[16], struct str challenge, struct str authenticate,
              uint8_t out[16])
{
    static const uint8_t zeros[16];
    assert(authenticate.len >= 88);
    struct hmac_md5_ctx c;
    hmac_md5_set_key(&c, 16, exported);
    hmac_md5_update(&c, challenge.len, octets(challenge));
    hmac_md5_update(&c, 72, octets(authenticate));
    hmac_md5_update(&c, 16, zeros);
    hmac_md5_update(&c, authenticate.len - 88, octets(authenticate) + 88);
    hmac_md5_digest(&c, 16, out);
    secret_wipe(&c, sizeof(c));
}
