/* SPDX-License-Identifier: MIT */
#include "edge/hide.h"

#include "base/encode.h"
#include "base/secret.h"

enum { NONCE_LEN = 12, TAG_LEN = 16, LINK_LEN = 8, AROUND = NONCE_LEN + LINK_LEN + TAG_LEN };

void hide_init(struct hide *h)
{
    uint8_t key[AES256_KEY_SIZE];

    random_bytes(key, sizeof(key));
    gcm_aes256_set_key(&h->gcm, key);
    secret_wipe(key, sizeof(key));
    h->used = 0;
}

void hide_fini(struct hide *h)
{
    secret_wipe(h, sizeof(*h));
}

static void put_u64(uint8_t out[8], uint64_t n)
{
    for (unsigned i = 0; i < 8; i++)
        out[i] = (uint8_t)(n >> (8 * i));
}

static uint64_t get_u64(const uint8_t in[8])
{
    uint64_t n = 0;

    for (unsigned i = 0; i < 8; i++)
        n |= (uint64_t)in[i] << (8 * i);
    return n;
}

static void start(struct hide *h, const uint8_t nonce[NONCE_LEN], uint64_t conn_id)
{
    uint8_t place[8];

    put_u64(place, conn_id);
    gcm_aes256_set_iv(&h->gcm, NONCE_LEN, nonce);
    gcm_aes256_update(&h->gcm, sizeof(place), place);
}

/* nonce, sealed link and text, tag */
void hide_seal(struct hide *h, struct str text, uint64_t link_id, uint64_t conn_id, struct buf *out)
{
    struct buf plain = { 0 }, raw = { 0 };
    uint8_t nonce[NONCE_LEN] = { 0 }, link[LINK_LEN];

    put_u64(nonce, ++h->used);
    put_u64(link, link_id);
    buf_add(&plain, str_of(link, sizeof(link)));
    buf_add(&plain, text);
    buf_reserve(&raw, plain.len + AROUND);
    memcpy(raw.ptr, nonce, NONCE_LEN);
    start(h, nonce, conn_id);
    gcm_aes256_encrypt(&h->gcm, plain.len, (uint8_t *)raw.ptr + NONCE_LEN,
                       (const uint8_t *)plain.ptr);
    gcm_aes256_digest(&h->gcm, TAG_LEN, (uint8_t *)raw.ptr + NONCE_LEN + plain.len);
    raw.len = NONCE_LEN + plain.len + TAG_LEN;
    base64_encode(buf_str(&raw), out);
    buf_fini(&plain);
    buf_fini(&raw);
}

bool hide_open(struct hide *h, struct str sealed, uint64_t conn_id, struct arena *arena,
               struct str *text, uint64_t *link_id)
{
    struct str raw;
    uint8_t tag[TAG_LEN];

    if (!base64_decode(sealed, arena, &raw) || raw.len < AROUND)
        return false;
    const uint8_t *in = (const uint8_t *)raw.ptr;
    size_t len = raw.len - NONCE_LEN - TAG_LEN;
    uint8_t *plain = arena_alloc(arena, len);
    if (!plain)
        return false;
    start(h, in, conn_id);
    gcm_aes256_decrypt(&h->gcm, len, plain, in + NONCE_LEN);
    gcm_aes256_digest(&h->gcm, TAG_LEN, tag);
    if (!secret_equal(tag, in + NONCE_LEN + len, TAG_LEN))
        return false;
    *link_id = get_u64(plain);
    *text = str_of(plain + LINK_LEN, len - LINK_LEN);
    return true;
}
