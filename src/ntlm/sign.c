/* SPDX-License-Identifier: MIT */
#include "ntlm/sign.h"

#include "base/secret.h"
#include "ntlm/crypt.h"
#include "ntlm/msg.h"

/* The sequence number as it enters every computation: 100, little-endian. */
static const uint8_t sequence[4] = { NTLM_SIP_SEQUENCE };
static const uint8_t version[4] = { 1 };

/* [MS-NLMP] 3.4.3: in datagram mode RC4 is started anew for each message, from a key made of the
 * sealing key and the sequence number. */
static void ess_init(struct ntlm_sign_keys *k, uint32_t flags, const uint8_t exported[16],
                     bool client)
{
    uint8_t seal[16], rekeyed[16];

    ntlm_signkey(exported, client, k->sign_key);
    if (k->key_exch) {
        ntlm_sealkey(flags, 0, exported, client, seal);
        ntlm_md5(str_of(seal, 16), str_of(sequence, 4), rekeyed);
        ntlm_rc4_keystream(str_of(rekeyed, 16), k->keystream, 8);
        secret_wipe(seal, sizeof(seal));
        secret_wipe(rekeyed, sizeof(rekeyed));
    }
}

/* Without extended session security the sealing key is used as it is.  Captured clients that
 * declare no version use all 16 octets; [MS-NLMP] 3.4.5.3 wants the weakened key from revision 15
 * on, of which no sample is known: the other reading is kept until one has matched. */
static void plain_init(struct ntlm_sign_keys *k, uint32_t flags, unsigned revision,
                       const uint8_t exported[16])
{
    uint8_t seal[16], other[16];
    unsigned len = ntlm_sealkey(flags, revision, exported, true, seal);
    unsigned other_len = 16;

    if (len == 16)
        other_len = ntlm_sealkey_weakened(flags, exported, other);
    else
        memcpy(other, exported, 16);
    ntlm_rc4_keystream(str_of(seal, len), k->keystream, sizeof(k->keystream));
    ntlm_rc4_keystream(str_of(other, other_len), k->other_stream, sizeof(k->other_stream));
    k->has_other = true;
    secret_wipe(seal, sizeof(seal));
    secret_wipe(other, sizeof(other));
}

void ntlm_keys_init(struct ntlm_keys *k, uint32_t flags, unsigned revision,
                    const uint8_t exported[16])
{
    struct ntlm_sign_keys fresh = { .ess = flags & NTLM_EXTENDED_SESSIONSECURITY,
                                    .key_exch = flags & NTLM_NEGOTIATE_KEY_EXCH };

    k->client = fresh;
    k->server = fresh;
    if (fresh.ess) {
        ess_init(&k->client, flags, exported, true);
        ess_init(&k->server, flags, exported, false);
    } else {
        plain_init(&k->client, flags, revision, exported);
        plain_init(&k->server, flags, revision, exported);
    }
}

void ntlm_keys_fini(struct ntlm_keys *k)
{
    secret_wipe(k, sizeof(*k));
}

/* 3.4.4.2: version, encrypted checksum, sequence number. */
static void ess_mac(const struct ntlm_sign_keys *k, struct str text, uint8_t out[16])
{
    uint8_t hmac[16];

    ntlm_hmac_md5(str_of(k->sign_key, 16), str_of(sequence, 4), text, hmac);
    memcpy(out, version, 4);
    for (int i = 0; i < 8; i++)
        out[4 + i] = hmac[i] ^ k->keystream[i]; /* zeros without KEY_EXCH */
    memcpy(out + 12, sequence, 4);
}

/* 3.4.4.1: pad, CRC and sequence number are encrypted in one go, then the pad is shown as zero. */
static void plain_mac(const uint8_t stream[12], uint32_t crc, uint8_t out[16])
{
    memcpy(out, version, 4);
    memset(out + 4, 0, 4);
    for (int i = 0; i < 4; i++) {
        out[8 + i] = (uint8_t)(crc >> (8 * i)) ^ stream[4 + i];
        out[12 + i] = sequence[i] ^ stream[8 + i];
    }
}

void ntlm_mac(const struct ntlm_sign_keys *k, struct str text, uint8_t out[NTLM_SIGNATURE_LEN])
{
    if (k->ess)
        ess_mac(k, text, out);
    else
        plain_mac(k->keystream, ntlm_crc32(text), out);
}

/* Octets 4..7 are whatever the signer's random pad was. */
static bool plain_matches(const uint8_t stream[12], uint32_t crc, struct str signature)
{
    uint8_t mac[16];

    plain_mac(stream, crc, mac);
    bool same_version = secret_equal(mac, signature.ptr, 4);
    bool same_rest = secret_equal(mac + 8, signature.ptr + 8, 8);
    return same_version && same_rest;
}

static void keep_reading(struct ntlm_sign_keys *k, bool other)
{
    if (other)
        memcpy(k->keystream, k->other_stream, sizeof(k->keystream));
    secret_wipe(k->other_stream, sizeof(k->other_stream));
    k->has_other = false;
}

static bool plain_verify(struct ntlm_keys *k, const struct ntlm_sign_keys *from, struct str text,
                         struct str signature)
{
    uint32_t crc = ntlm_crc32(text);
    bool first = plain_matches(from->keystream, crc, signature);
    bool other = from->has_other && plain_matches(from->other_stream, crc, signature);

    if (from->has_other && (first || other)) {
        keep_reading(&k->client, !first);
        keep_reading(&k->server, !first);
    }
    return first || other;
}

bool ntlm_verify(struct ntlm_keys *k, bool from_client, struct str text, struct str signature)
{
    const struct ntlm_sign_keys *from = from_client ? &k->client : &k->server;
    uint8_t mac[NTLM_SIGNATURE_LEN];

    if (signature.len != NTLM_SIGNATURE_LEN)
        return false;
    if (!from->ess)
        return plain_verify(k, from, text, signature);
    ess_mac(from, text, mac);
    return secret_equal(mac, signature.ptr, sizeof(mac));
}
