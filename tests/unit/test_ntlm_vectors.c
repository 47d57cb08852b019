/* SPDX-License-Identifier: MIT */
/* Every vector of tests/vectors/ntlm.json recomputed from its inputs, one test each, named after
 * the vector.  (The four texts that get signed are tested where they are made: test_sigtext.c.) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <nettle/hmac.h>
#include <stdlib.h>

#include "base/encode.h"
#include "base/utf16.h"
#include "ntlm/crypt.h"
#include "ntlm/msg.h"
#include "ntlm/policy.h"
#include "ntlm/sign.h"

enum { OCTETS_MAX = 2048, VECTORS = 60, SIGNED_TEXTS = 4 };

struct octets {
    uint8_t at[OCTETS_MAX];
    size_t len;
};

static const char *text_of(const json_t *v, const char *key)
{
    return json_string_value(json_object_get(json_object_get(v, "in"), key));
}

static bool given(const json_t *v, const char *key)
{
    return text_of(v, key) != NULL;
}

static struct octets octets_of(const json_t *v, const char *key)
{
    struct octets o = { 0 };
    const char *hex = text_of(v, key);

    assert_non_null(hex);
    o.len = strlen(hex) / 2;
    assert_true(o.len <= OCTETS_MAX);
    assert_true(hex_decode(str_from_c(hex), o.at, o.len));
    return o;
}

static struct str slice(const struct octets *o)
{
    return str_of(o->at, o->len);
}

static uint32_t number_of(const json_t *v, const char *key)
{
    const char *text = text_of(v, key);
    return text ? (uint32_t)strtoul(text, NULL, 16) : 0;
}

static unsigned integer_of(const json_t *v, const char *key)
{
    return (unsigned)json_integer_value(json_object_get(json_object_get(v, "in"), key));
}

static struct octets utf16_of(const json_t *v, const char *key)
{
    struct octets o = { 0 };
    struct buf wide = { 0 };

    assert_true(utf16_from_utf8(str_from_c(text_of(v, key)), &wide));
    assert_true(wide.len <= OCTETS_MAX);
    if (wide.len)
        memcpy(o.at, wide.ptr, wide.len);
    o.len = wide.len;
    buf_fini(&wide);
    return o;
}

static void put(json_t *got, const char *key, const void *octets, size_t len)
{
    struct buf hex = { 0 };

    buf_add_hex(&hex, str_of(octets, len), false);
    json_object_set_new(got, key, json_stringn(buf_str(&hex).ptr, hex.len));
    buf_fini(&hex);
}

static void put_str(json_t *got, const char *key, struct str octets)
{
    put(got, key, octets.ptr, octets.len);
}

static void put_utf16(json_t *got, const char *key, struct str wide)
{
    struct buf narrow = { 0 };

    assert_true(utf16_to_utf8(wide, &narrow));
    json_object_set_new(got, key, json_stringn(buf_str(&narrow).ptr, narrow.len));
    buf_fini(&narrow);
}

static void put_u32(json_t *got, const char *key, uint32_t value)
{
    char text[9];

    snprintf(text, sizeof(text), "%08x", value);
    json_object_set_new(got, key, json_string(text));
}

static void put_version(json_t *got, struct ntlm_version v)
{
    const uint8_t octets[8] = {
        v.major, v.minor, (uint8_t)(v.build & 0xff), (uint8_t)(v.build >> 8), 0, 0, 0, v.revision
    };
    put(got, "version", octets, 8);
}

static void run_md4(const json_t *v, json_t *got)
{
    struct octets data = octets_of(v, "data");
    uint8_t out[16];

    ntlm_md4(slice(&data), out);
    put(got, "out", out, 16);
}

static void run_md5(const json_t *v, json_t *got)
{
    struct octets data = octets_of(v, "data");
    uint8_t out[16];

    ntlm_md5(str_first(slice(&data), 3), str_skip(slice(&data), 3), out);
    put(got, "out", out, 16);
}

static void run_hmac_md5(const json_t *v, json_t *got)
{
    struct octets key = octets_of(v, "key"), data = octets_of(v, "data");
    uint8_t out[16];

    ntlm_hmac_md5(slice(&key), str_first(slice(&data), 2), str_skip(slice(&data), 2), out);
    put(got, "out", out, 16);
}

static void run_des(const json_t *v, json_t *got)
{
    struct octets key = octets_of(v, "key7"), data = octets_of(v, "data");
    uint8_t out[8];

    ntlm_des(key.at, data.at, out);
    put(got, "out", out, 8);
}

static void run_crc32(const json_t *v, json_t *got)
{
    struct octets data = octets_of(v, "data");
    put_u32(got, "out", ntlm_crc32(slice(&data)));
}

static void hashes_of(const json_t *v, uint8_t nt[16], uint8_t lm[16])
{
    struct octets password = utf16_of(v, "password");

    ntlm_ntowfv1(slice(&password), nt);
    ntlm_lmowfv1(str_from_c(text_of(v, "password")), lm);
}

static void v2_key_of(const json_t *v, uint8_t v2k[16])
{
    struct octets password = utf16_of(v, "password");
    struct octets user = utf16_of(v, "user"), domain = utf16_of(v, "domain");
    uint8_t nt[16];

    ntlm_ntowfv1(slice(&password), nt);
    ntlm_ntowfv2(nt, slice(&user), slice(&domain), 0, v2k);
}

static void run_owf(const json_t *v, json_t *got)
{
    uint8_t nt[16], lm[16], v2k[16];

    hashes_of(v, nt, lm);
    v2_key_of(v, v2k);
    put(got, "lmowfv1", lm, 16);
    put(got, "ntowfv1", nt, 16);
    put(got, "ntowfv2", v2k, 16);
}

static void run_ntlmv1(const json_t *v, json_t *got)
{
    struct octets server = octets_of(v, "server_challenge");
    struct octets session = octets_of(v, "random_session_key");
    uint8_t nt[16], lm[16], sbk[16], kxk[16], nt_response[24], lm_response[24], encrypted[16];

    hashes_of(v, nt, lm);
    ntlm_desl(nt, server.at, nt_response);
    ntlm_desl(lm, server.at, lm_response);
    ntlm_md4(str_of(nt, 16), sbk);
    ntlm_kxkey_v1(number_of(v, "flags"), sbk, lm, str_of(lm_response, 24), server.at, kxk);
    ntlm_rc4k(kxk, session.at, encrypted);
    put(got, "nt_response", nt_response, 24);
    put(got, "lm_response", lm_response, 24);
    put(got, "session_base_key", sbk, 16);
    put(got, "key_exchange_key", kxk, 16);
    put(got, "encrypted_session_key", encrypted, 16);
}

static void run_ntlm2_session(const json_t *v, json_t *got)
{
    struct octets server = octets_of(v, "server_challenge");
    struct octets client = octets_of(v, "client_challenge");
    uint8_t nt[16], lm[16], sbk[16], kxk[16], both[16], nt_response[24], lm_response[24] = { 0 };

    hashes_of(v, nt, lm);
    ntlm_md5(slice(&server), slice(&client), both);
    ntlm_desl(nt, both, nt_response);
    memcpy(lm_response, client.at, 8);
    ntlm_md4(str_of(nt, 16), sbk);
    ntlm_kxkey_v1(number_of(v, "flags"), sbk, lm, str_of(lm_response, 24), server.at, kxk);
    put(got, "nt_response", nt_response, 24);
    put(got, "lm_response", lm_response, 24);
    put(got, "session_base_key", sbk, 16);
    put(got, "key_exchange_key", kxk, 16);
}

static void put_session_keys(const json_t *v, const uint8_t sbk[16], json_t *got)
{
    uint8_t key[16];

    put(got, "session_base_key", sbk, 16);
    if (given(v, "random_session_key")) {
        struct octets session = octets_of(v, "random_session_key");
        ntlm_rc4k(sbk, session.at, key);
        put(got, "encrypted_session_key", key, 16);
    }
    if (given(v, "encrypted_session_key")) {
        struct octets encrypted = octets_of(v, "encrypted_session_key");
        ntlm_rc4k(sbk, encrypted.at, key);
        put(got, "exported_session_key", key, 16);
    }
}

static void run_ntlmv2(const json_t *v, json_t *got)
{
    struct octets server = octets_of(v, "server_challenge"), time = octets_of(v, "time");
    struct octets client = octets_of(v, "client_challenge"), list = octets_of(v, "target_info");
    struct buf temp = { 0 }, response = { 0 };
    uint8_t v2k[16], proof[16], lmv2[24], sbk[16];

    v2_key_of(v, v2k);
    buf_add(&temp, str_of("\1\1\0\0\0\0\0\0", 8));
    buf_add(&temp, slice(&time));
    buf_add(&temp, slice(&client));
    buf_add(&temp, str_of("\0\0\0\0", 4));
    buf_add(&temp, slice(&list));
    buf_add(&temp, str_of("\0\0\0\0", 4));
    ntlm_hmac_md5(str_of(v2k, 16), slice(&server), buf_str(&temp), proof);
    buf_add(&response, str_of(proof, 16));
    buf_add(&response, buf_str(&temp));
    ntlm_hmac_md5(str_of(v2k, 16), slice(&server), slice(&client), lmv2);
    memcpy(lmv2 + 16, client.at, 8);
    ntlm_hmac_md5(str_of(v2k, 16), str_of(proof, 16), STR_NONE, sbk);
    put(got, "nt_proof", proof, 16);
    put_str(got, "nt_response", buf_str(&response));
    put(got, "lmv2_response", lmv2, 24);
    put_session_keys(v, sbk, got);
    buf_fini(&temp);
    buf_fini(&response);
}

static void run_keys(const json_t *v, json_t *got)
{
    struct octets exported = octets_of(v, "exported_session_key");
    uint32_t flags = number_of(v, "flags");
    unsigned revision = integer_of(v, "revision");
    uint8_t key[16];

    put(got, "client_seal", key, ntlm_sealkey(flags, revision, exported.at, 1, key));
    put(got, "server_seal", key, ntlm_sealkey(flags, revision, exported.at, 0, key));
    ntlm_signkey(exported.at, 1, key);
    put(got, "client_sign", key, 16);
    ntlm_signkey(exported.at, 0, key);
    put(got, "server_sign", key, 16);
}

static void put_le32(uint8_t out[4], uint32_t value)
{
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(value >> (8 * i));
}

static void run_datagram_seal_key(const json_t *v, json_t *got)
{
    struct octets seal = octets_of(v, "seal_key");
    uint8_t sequence[4], out[16];

    put_le32(sequence, integer_of(v, "seq"));
    ntlm_md5(slice(&seal), str_of(sequence, 4), out);
    put(got, "out", out, 16);
}

/* The signature out of its parts, for any sequence number and from any place in the key stream.
 * `show_pad`: octets 4..7 stay encrypted, as one published example has them. */
static void signature_of(const json_t *v, struct str message, const uint8_t *stream, bool show_pad,
                         uint8_t out[16])
{
    uint32_t flags = number_of(v, "flags");

    put_le32(out, 1);
    put_le32(out + 12, integer_of(v, "seq"));
    if (flags & NTLM_EXTENDED_SESSIONSECURITY) {
        struct octets sign = octets_of(v, "sign_key");
        uint8_t hmac[16];
        ntlm_hmac_md5(slice(&sign), str_of(out + 12, 4), message, hmac);
        for (int i = 0; i < 8; i++)
            out[4 + i] = flags & NTLM_NEGOTIATE_KEY_EXCH ? hmac[i] ^ stream[i] : hmac[i];
        return;
    }
    put_le32(out + 4, 0);
    put_le32(out + 8, ntlm_crc32(message));
    for (int i = show_pad ? 0 : 4; i < 12; i++)
        out[4 + i] ^= stream[i];
}

/* Connection oriented: one stream for the data and then for the checksum. */
static void run_seal_then_sign(const json_t *v, json_t *got)
{
    struct octets seal = octets_of(v, "seal_key"), data = octets_of(v, "data"), sealed = data;
    uint8_t stream[64], signature[16];

    assert_true(data.len + 12 <= sizeof(stream));
    ntlm_rc4_keystream(slice(&seal), stream, sizeof(stream));
    for (size_t i = 0; i < data.len; i++)
        sealed.at[i] ^= stream[i];
    bool show_pad = json_is_true(json_object_get(json_object_get(v, "in"), "mask_pad"));
    signature_of(v, slice(&data), stream + data.len, show_pad, signature);
    put_str(got, "data", slice(&sealed));
    put(got, "signature", signature, 16);
}

/* What sign.c makes of the same keys, which it can for SIP's sequence number. */
static void assert_sign_agrees(const json_t *v, struct str message, const uint8_t stream[12],
                               const uint8_t expected[16])
{
    struct ntlm_keys keys = { 0 };
    uint8_t mac[16];

    keys.client.ess = number_of(v, "flags") & NTLM_EXTENDED_SESSIONSECURITY;
    keys.client.key_exch = true;
    memcpy(keys.client.keystream, stream, 12);
    if (keys.client.ess) {
        struct octets sign = octets_of(v, "sign_key");
        memcpy(keys.client.sign_key, sign.at, 16);
    }
    ntlm_mac(&keys.client, message, mac);
    assert_memory_equal(mac, expected, 16);
    assert_true(ntlm_verify(&keys, true, message, str_of(expected, 16)));
}

static void run_mac(const json_t *v, json_t *got)
{
    struct octets seal = octets_of(v, "seal_key"), data = { 0 }, pad;
    uint8_t sequence[4], rekeyed[16], stream[12], signature[16];
    struct str message = given(v, "text") ? str_from_c(text_of(v, "text")) : STR_NONE;
    uint32_t flags = number_of(v, "flags");

    if (!given(v, "text")) {
        data = octets_of(v, "data");
        message = slice(&data);
    }
    put_le32(sequence, integer_of(v, "seq"));
    ntlm_md5(slice(&seal), str_of(sequence, 4), rekeyed);
    ntlm_rc4_keystream(flags & NTLM_EXTENDED_SESSIONSECURITY ? str_of(rekeyed, 16) : slice(&seal),
                       stream, sizeof(stream));
    signature_of(v, message, stream, false, signature);
    if (given(v, "pad_bytes")) {
        pad = octets_of(v, "pad_bytes");
        memcpy(signature + 4, pad.at, 4);
    }
    put(got, "signature", signature, 16);
    if (integer_of(v, "seq") == NTLM_SIP_SEQUENCE)
        assert_sign_agrees(v, message, stream, signature);
}

static void run_mic_datagram(const json_t *v, json_t *got)
{
    struct octets exported = octets_of(v, "exported_session_key");
    struct octets challenge = octets_of(v, "challenge"), answer = octets_of(v, "authenticate");
    uint8_t mic[16];

    ntlm_mic(exported.at, slice(&challenge), slice(&answer), mic);
    put(got, "mic", mic, 16);
}

static void hmac_sha1(struct str key, struct str a, struct str b, uint8_t out[20])
{
    struct hmac_sha1_ctx ctx;

    hmac_sha1_set_key(&ctx, key.len, (const uint8_t *)key.ptr);
    hmac_sha1_update(&ctx, a.len, (const uint8_t *)a.ptr);
    hmac_sha1_update(&ctx, b.len, (const uint8_t *)b.ptr);
    hmac_sha1_digest(&ctx, 20, out);
}

typedef void (*hmac_function)(struct str key, struct str a, struct str b, uint8_t *out);

/* RFC 2246 5, one half of the PRF added to `out`. */
static void p_hash(hmac_function hmac, size_t size, struct str secret, struct str seed,
                   uint8_t out[128])
{
    uint8_t a[20], block[20];

    hmac(secret, seed, STR_NONE, a);
    for (size_t done = 0; done < 128;) {
        hmac(secret, str_of(a, size), seed, block);
        for (size_t i = 0; i < size && done < 128; i++)
            out[done++] ^= block[i];
        hmac(secret, str_of(a, size), STR_NONE, block);
        memcpy(a, block, size);
    }
}

static void run_tls_dsk_keys(const json_t *v, json_t *got)
{
    struct octets master = octets_of(v, "master_secret"), client = octets_of(v, "client_random");
    struct octets server = octets_of(v, "server_random");
    struct str text = str_from_c(text_of(v, "text"));
    struct buf seed = { 0 };
    uint8_t keys[128] = { 0 }, signature[20];

    buf_add_c(&seed, "client EAP encryption");
    buf_add(&seed, slice(&client));
    buf_add(&seed, slice(&server));
    p_hash(ntlm_hmac_md5, 16, str_first(slice(&master), 24), buf_str(&seed), keys);
    p_hash(hmac_sha1, 20, str_skip(slice(&master), 24), buf_str(&seed), keys);
    put(got, "client_key", keys + 64, 32);
    put(got, "server_key", keys + 96, 32);
    hmac_sha1(str_of(keys + 64, 32), text, STR_NONE, signature);
    put(got, "client_sig_sha1", signature, 20);
    ntlm_hmac_md5(str_of(keys + 64, 32), text, STR_NONE, signature);
    put(got, "client_sig_md5", signature, 16);
    buf_fini(&seed);
}

static void run_policy(const json_t *v, json_t *got)
{
    static const struct {
        const char *name;
        uint32_t bit;
        enum fault fault;
    } demands[] = {
        { "integrity", NTLM_NEGOTIATE_SIGN, FAULT_POLICY_INTEGRITY },
        { "confidentiality", NTLM_NEGOTIATE_SEAL, FAULT_POLICY_CONFIDENTIALITY },
        { "ntlmv2_session_security", NTLM_EXTENDED_SESSIONSECURITY, FAULT_POLICY_NTLMV2_SESSION },
        { "128bit", NTLM_NEGOTIATE_128, FAULT_POLICY_128BIT },
    };
    struct ntlm_policy policy = { .min_server_sec = number_of(v, "min_sec") };
    json_t *names = json_array();
    enum fault expected = FAULT_NONE;
    uint32_t unmet;

    enum fault fault = ntlm_policy_check(&policy, number_of(v, "flags"), &unmet);
    for (size_t i = 0; i < sizeof(demands) / sizeof(demands[0]); i++) {
        if (unmet & demands[i].bit) {
            json_array_append_new(names, json_string(demands[i].name));
            expected = demands[i].fault;
        }
    }
    assert_int_equal(fault, expected);
    json_object_set_new(got, "unmet", names);
}

static json_t *av_pairs(struct str list)
{
    json_t *pairs = json_array();
    bool bad = false;
    struct str value;
    uint16_t id;

    while (list.len && ntlm_av_next(&list, &id, &value, &bad)) {
        json_t *pair = json_object();
        put_str(pair, "value", value);
        json_array_append_new(pairs, json_pack("[i, O]", (int)id, json_object_get(pair, "value")));
        json_decref(pair);
    }
    assert_false(bad);
    return pairs;
}

static void run_challenge_layout(const json_t *v, json_t *got)
{
    struct octets message = octets_of(v, "message");
    struct ntlm_challenge c;
    struct buf again = { 0 };

    assert_int_equal(ntlm_challenge_read(slice(&message), &c), FAULT_NONE);
    json_object_set_new(got, "type", json_integer(message.at[8]));
    put_u32(got, "flags", c.flags);
    put(got, "server_challenge", c.server_challenge, 8);
    put_utf16(got, "target_name", c.target_name);
    json_object_set_new(got, "av_pairs", av_pairs(c.target_info));
    put_version(got, c.version);
    ntlm_challenge_write(&c, &again);
    assert_true(str_eq(buf_str(&again), slice(&message)));
    buf_fini(&again);
}

static void run_authenticate_layout(const json_t *v, json_t *got)
{
    struct octets message = octets_of(v, "message");
    struct ntlm_authenticate a;
    struct buf again = { 0 };

    assert_int_equal(ntlm_authenticate_read(slice(&message), &a), FAULT_NONE);
    json_object_set_new(got, "type", json_integer(message.at[8]));
    put_u32(got, "flags", a.flags);
    put_utf16(got, "domain", a.domain);
    put_utf16(got, "user", a.user);
    put_utf16(got, "workstation", a.workstation);
    put_str(got, "lm_response", a.lm_response);
    put_str(got, "nt_response", a.nt_response);
    put_str(got, "encrypted_session_key", a.session_key);
    put_version(got, a.version);
    const struct str fields[] = { a.lm_response, a.nt_response, a.domain,
                                  a.user,        a.workstation, a.session_key };
    json_t *offsets = json_array();
    for (size_t i = 0; i < 6; i++)
        json_array_append_new(offsets, json_integer(fields[i].ptr - (const char *)message.at));
    json_object_set_new(got, "offsets", offsets);
    ntlm_authenticate_write(&a, false, &again);
    assert_true(str_eq(buf_str(&again), slice(&message)));
    buf_fini(&again);
}

static const struct kind {
    const char *type;
    void (*run)(const json_t *v, json_t *got);
} kinds[] = {
    { "md4", run_md4 },
    { "md5", run_md5 },
    { "hmac_md5", run_hmac_md5 },
    { "des", run_des },
    { "crc32", run_crc32 },
    { "owf", run_owf },
    { "ntlmv1", run_ntlmv1 },
    { "ntlm2_session", run_ntlm2_session },
    { "ntlmv2", run_ntlmv2 },
    { "keys", run_keys },
    { "datagram_seal_key", run_datagram_seal_key },
    { "seal_then_sign", run_seal_then_sign },
    { "mac", run_mac },
    { "mic_datagram", run_mic_datagram },
    { "tls_dsk_keys", run_tls_dsk_keys },
    { "policy", run_policy },
    { "challenge_layout", run_challenge_layout },
    { "authenticate_layout", run_authenticate_layout },
};

static const struct kind *kind_of(const json_t *v)
{
    const char *type = json_string_value(json_object_get(v, "type"));

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(kinds[i].type, type) == 0)
            return &kinds[i];
    }
    return NULL;
}

static void vector_is_reproduced(void **state)
{
    json_t *v = *state, *got = json_object(), *wanted = json_object_get(v, "out"), *value;
    const char *key;

    kind_of(v)->run(v, got);
    assert_true(json_object_size(wanted) > 0);
    json_object_foreach(wanted, key, value)
    {
        char *want = json_dumps(value, JSON_ENCODE_ANY);
        char *have = json_dumps(json_object_get(got, key), JSON_ENCODE_ANY);
        assert_non_null(have);
        assert_string_equal(have, want);
        free(want);
        free(have);
    }
    json_decref(got);
}

int main(void)
{
    struct CMUnitTest tests[VECTORS] = { 0 };
    size_t count = 0, texts = 0, index;
    json_error_t error;
    json_t *v;

    json_t *all = json_load_file(POSTERN_SOURCE_ROOT "/tests/vectors/ntlm.json", 0, &error);
    if (!all) {
        print_error("%s: %s\n", error.source, error.text);
        return 1;
    }
    json_array_foreach(json_object_get(all, "vectors"), index, v)
    {
        bool text = strcmp(json_string_value(json_object_get(v, "type")), "sigbuf") == 0;
        texts += text;
        if (text || count == VECTORS || !kind_of(v))
            continue;
        tests[count++] = (struct CMUnitTest){ .name = json_string_value(json_object_get(v, "id")),
                                              .test_func = vector_is_reproduced,
                                              .initial_state = v };
    }
    if (texts != SIGNED_TEXTS || count != VECTORS - SIGNED_TEXTS) {
        print_error("%zu vectors recomputed and %zu texts: not all %d\n", count, texts, VECTORS);
        return 1;
    }
    int failed = _cmocka_run_group_tests("ntlm vectors", tests, count, NULL, NULL);
    json_decref(all);
    return failed;
}
