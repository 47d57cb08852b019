/* SPDX-License-Identifier: MIT */
#include "kerberos/mic.h"

#include <assert.h>
#include <string.h>

#include <nettle/aes.h>
#include <nettle/arcfour.h>
#include <nettle/hmac.h>

#include "base/secret.h"
#include "base/wire.h"

enum {
    AES_HEADER_LEN = 16,
    AES_SUM_LEN = 12,
    BLOCK_LEN = 16,
    RC4_KEY_LEN = 16,
    RC4_FRAME_LEN = 13,
    RC4_HEADER_LEN = 8,
    RC4_SEQ_AT = RC4_FRAME_LEN + RC4_HEADER_LEN,
    RC4_SUM_AT = RC4_SEQ_AT + 8,
    FLAG_ACCEPTOR = 1,
    FLAG_SUBKEY = 4
};

/* RFC 4121 2: n-fold(usage | 0x99) of the keys that make checksums: usage 25 for what the initiator
 * signs, 23 for what the acceptor signs (RFC 3961 5.1 and 5.3). */
static const uint8_t usage_initiator[BLOCK_LEN] = {
    0x5d, 0xfb, 0x7d, 0xbf, 0x53, 0x68, 0xce, 0x69, 0x98, 0x4b, 0xa5, 0xd2, 0xe6, 0x43, 0x34, 0xba
};
static const uint8_t usage_acceptor[BLOCK_LEN] = { 0x4d, 0xf3, 0xfa, 0x7d, 0x33, 0x57, 0xcd, 0x60,
                                                   0x94, 0x49, 0xa4, 0xd2, 0x66, 0x42, 0xf4, 0x9a };

/* 0x60, length 35, the mechanism's identifier; then TOK_ID of a MIC, HMAC, no sealing (RFC 1964
 * 1.2.1.1, RFC 4757 7.2). */
static const uint8_t rc4_begin[RC4_SEQ_AT] = { 0x60, 0x23, 0x06, 0x09, 0x2a, 0x86, 0x48,
                                               0x86, 0xf7, 0x12, 0x01, 0x02, 0x02, 0x01,
                                               0x01, 0x11, 0x00, 0xff, 0xff, 0xff, 0xff };

/* --- keys as octets --- */

static bool are_keys(const struct krb_keys *k)
{
    return k->key_len == RC4_KEY_LEN || (k->rfc4121 && k->key_len == KRB_KEY_MAX);
}

void krb_keys_write(const struct krb_keys *k, struct buf *out)
{
    uint8_t room[KRB_KEYS_MAX];
    struct wire_out w = { .ptr = room, .cap = sizeof(room) };

    assert(are_keys(k));
    wire_put_u8(&w, k->rfc4121);
    wire_put_u8(&w, k->acceptor_subkey);
    wire_put_u64(&w, k->send_seq);
    wire_put_text(&w, str_of(k->key, k->key_len), KRB_KEY_MAX);
    buf_add(out, str_of(room, w.len));
    secret_wipe(room, sizeof(room));
}

bool krb_keys_read(struct str in, struct krb_keys *out)
{
    struct wire w = { .all = in };

    *out = (struct krb_keys){ 0 };
    uint8_t form = wire_u8(&w), subkey = wire_u8(&w);
    out->send_seq = wire_u64(&w);
    struct str key = wire_text(&w, KRB_KEY_MAX);
    if (w.bad || wire_left(&w) > 0 || form > 1 || subkey > 1)
        return false;
    out->rfc4121 = form == 1;
    out->acceptor_subkey = subkey == 1;
    out->key_len = (uint8_t)key.len;
    if (key.len > 0)
        memcpy(out->key, key.ptr, key.len);
    return are_keys(out);
}

/* --- RFC 4121 --- */

static void encrypt_block(const struct krb_keys *k, const uint8_t in[BLOCK_LEN],
                          uint8_t out[BLOCK_LEN])
{
    union {
        struct aes128_ctx short_key;
        struct aes256_ctx long_key;
    } c;

    if (k->key_len == KRB_KEY_MAX) {
        aes256_set_encrypt_key(&c.long_key, k->key);
        aes256_encrypt(&c.long_key, BLOCK_LEN, out, in);
    } else {
        aes128_set_encrypt_key(&c.short_key, k->key);
        aes128_encrypt(&c.short_key, BLOCK_LEN, out, in);
    }
    secret_wipe(&c, sizeof(c));
}

/* DR of RFC 3961 5.1: the constant encrypted, then what came out, as often as the key is long. */
static void aes_state(const struct krb_keys *k, const uint8_t usage[BLOCK_LEN],
                      struct hmac_sha1_ctx *out)
{
    uint8_t derived[KRB_KEY_MAX];

    encrypt_block(k, usage, derived);
    encrypt_block(k, derived, derived + BLOCK_LEN);
    hmac_sha1_set_key(out, k->key_len, derived);
    secret_wipe(derived, sizeof(derived));
}

static void aes_sum(const struct hmac_sha1_ctx *prepared, struct str text,
                    const uint8_t header[AES_HEADER_LEN], uint8_t sum[AES_SUM_LEN])
{
    struct hmac_sha1_ctx h = *prepared;

    hmac_sha1_update(&h, text.len, (const uint8_t *)text.ptr);
    hmac_sha1_update(&h, AES_HEADER_LEN, header);
    hmac_sha1_digest(&h, AES_SUM_LEN, sum);
    secret_wipe(&h, sizeof(h));
}

static uint8_t flags_of(const struct krb_mic *m, bool acceptor)
{
    return (uint8_t)((acceptor ? FLAG_ACCEPTOR : 0) | (m->acceptor_subkey ? FLAG_SUBKEY : 0));
}

static void put_be64(uint8_t *out, uint64_t v)
{
    for (unsigned i = 0; i < 8; i++)
        out[i] = (uint8_t)(v >> (56 - 8 * i));
}

static void aes_make(struct krb_mic *m, struct str text, uint8_t out[KRB_MIC_AES_LEN])
{
    memset(out, 0xff, AES_HEADER_LEN);
    out[0] = out[1] = 0x04;
    out[2] = flags_of(m, m->is_acceptor);
    put_be64(out + 8, m->send_seq++);
    aes_sum(&m->own.aes, text, out, out + AES_HEADER_LEN);
}

static bool aes_verify(const struct krb_mic *m, struct str text, const uint8_t *mic, size_t len)
{
    uint8_t sum[AES_SUM_LEN];

    if (len != KRB_MIC_AES_LEN || mic[0] != 0x04 || mic[1] != 0x04 ||
        mic[2] != flags_of(m, !m->is_acceptor) || memcmp(mic + 3, "\xff\xff\xff\xff\xff", 5) != 0)
        return false;
    aes_sum(&m->peer.aes, text, mic, sum);
    return secret_equal(sum, mic + AES_HEADER_LEN, sizeof(sum));
}

/* --- RFC 4757 --- */

static void rc4_state(const struct krb_keys *k, const char *of, size_t len,
                      struct hmac_md5_ctx *out)
{
    struct hmac_md5_ctx h;
    uint8_t derived[RC4_KEY_LEN];

    hmac_md5_set_key(&h, RC4_KEY_LEN, k->key);
    hmac_md5_update(&h, len, (const uint8_t *)of);
    hmac_md5_digest(&h, sizeof(derived), derived);
    hmac_md5_set_key(out, sizeof(derived), derived);
    secret_wipe(&h, sizeof(h));
    secret_wipe(derived, sizeof(derived));
}

/* The usage of a MIC is 15, little-endian (RFC 4757 7.2). */
static void rc4_sum(const struct krb_mic *m, struct str text, uint8_t sum[8])
{
    static const uint8_t usage[4] = { 15, 0, 0, 0 };
    uint8_t digest[MD5_DIGEST_SIZE];
    struct md5_ctx hash;
    struct hmac_md5_ctx h = m->own.rc4;

    md5_init(&hash);
    md5_update(&hash, sizeof(usage), usage);
    md5_update(&hash, RC4_HEADER_LEN, rc4_begin + RC4_FRAME_LEN);
    md5_update(&hash, text.len, (const uint8_t *)text.ptr);
    md5_digest(&hash, sizeof(digest), digest);
    hmac_md5_update(&h, sizeof(digest), digest);
    hmac_md5_digest(&h, 8, sum);
    secret_wipe(&h, sizeof(h));
}

/* Encrypts and decrypts: the number and, in the second half, the direction. */
static void rc4_crypt_seq(const struct krb_mic *m, const uint8_t sum[8], const uint8_t in[8],
                          uint8_t out[8])
{
    uint8_t key[RC4_KEY_LEN];
    struct arcfour_ctx c;
    struct hmac_md5_ctx h = m->peer.rc4;

    hmac_md5_update(&h, 8, sum);
    hmac_md5_digest(&h, sizeof(key), key);
    arcfour_set_key(&c, sizeof(key), key);
    arcfour_crypt(&c, 8, out, in);
    secret_wipe(key, sizeof(key));
    secret_wipe(&c, sizeof(c));
    secret_wipe(&h, sizeof(h));
}

static void rc4_make(struct krb_mic *m, struct str text, uint8_t out[KRB_MIC_RC4_LEN])
{
    uint32_t seq = (uint32_t)m->send_seq++;
    uint8_t clear[8] = { (uint8_t)(seq >> 24), (uint8_t)(seq >> 16), (uint8_t)(seq >> 8),
                         (uint8_t)seq };

    memset(clear + 4, m->is_acceptor ? 0xff : 0x00, 4);
    memcpy(out, rc4_begin, sizeof(rc4_begin));
    rc4_sum(m, text, out + RC4_SUM_AT);
    rc4_crypt_seq(m, out + RC4_SUM_AT, clear, out + RC4_SEQ_AT);
}

static bool rc4_verify(const struct krb_mic *m, struct str text, const uint8_t *mic, size_t len)
{
    static const uint8_t from_initiator[4], from_acceptor[4] = { 0xff, 0xff, 0xff, 0xff };
    uint8_t sum[8], clear[8];

    if (len != KRB_MIC_RC4_LEN || memcmp(mic, rc4_begin, sizeof(rc4_begin)) != 0)
        return false;
    rc4_sum(m, text, sum);
    if (!secret_equal(sum, mic + RC4_SUM_AT, sizeof(sum)))
        return false;
    rc4_crypt_seq(m, sum, mic + RC4_SEQ_AT, clear);
    return memcmp(clear + 4, m->is_acceptor ? from_initiator : from_acceptor, 4) == 0;
}

/* --- either --- */

void krb_mic_init(struct krb_mic *m, const struct krb_keys *k, bool is_acceptor)
{
    assert(are_keys(k));
    m->rfc4121 = k->rfc4121;
    m->acceptor_subkey = k->acceptor_subkey;
    m->is_acceptor = is_acceptor;
    m->send_seq = k->send_seq;
    if (k->rfc4121) {
        aes_state(k, is_acceptor ? usage_acceptor : usage_initiator, &m->own.aes);
        aes_state(k, is_acceptor ? usage_initiator : usage_acceptor, &m->peer.aes);
    } else { /* both directions have the same keys: one for the checksum, one for the number */
        rc4_state(k, "signaturekey", sizeof("signaturekey"), &m->own.rc4);
        rc4_state(k, "\0\0\0", 4, &m->peer.rc4);
    }
}

void krb_mic_fini(struct krb_mic *m)
{
    secret_wipe(m, sizeof(*m));
}

size_t krb_mic_make(struct krb_mic *m, struct str text, uint8_t out[KRB_MIC_MAX])
{
    if (m->rfc4121) {
        aes_make(m, text, out);
        return KRB_MIC_AES_LEN;
    }
    rc4_make(m, text, out);
    return KRB_MIC_RC4_LEN;
}

bool krb_mic_verify(const struct krb_mic *m, struct str text, struct str mic)
{
    const uint8_t *octets = (const uint8_t *)mic.ptr;

    return m->rfc4121 ? aes_verify(m, text, octets, mic.len) : rc4_verify(m, text, octets, mic.len);
}
