/* SPDX-License-Identifier: MIT */
#include "edge/token.h"

#include <errno.h>
#include <fcntl.h>
#include <nettle/hmac.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/secret.h"
#include "base/wire.h"

enum { VERSION = 1, SAID_LEN = 19, MAC_LEN = 16, RAW_LEN = SAID_LEN + MAC_LEN };

struct token {
    uint8_t version, key, way;
    uint32_t boot, expires_s;
    uint64_t conn_id;
};

static bool make_file(const char *file, struct buf *why)
{
    uint8_t secret[TOKEN_SECRET_LEN];
    int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0 && errno == EEXIST)
        return true;
    random_bytes(secret, sizeof(secret));
    bool good = fd >= 0 && write(fd, secret, sizeof(secret)) == (ssize_t)sizeof(secret);
    secret_wipe(secret, sizeof(secret));
    if (!good)
        buf_printf(why, "%s cannot be made (%s): see that [general] state exists", file,
                   strerror(errno));
    if (fd >= 0)
        close(fd);
    return good;
}

bool token_maker_open(struct token_maker *t, const char *file, struct buf *why)
{
    struct stat st;
    uint8_t octets[TOKEN_SECRET_LEN + 1];

    if (!make_file(file, why))
        return false;
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    bool mine = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && !(st.st_mode & 077);
    bool good = mine && read(fd, octets, sizeof(octets)) == TOKEN_SECRET_LEN;
    if (fd >= 0)
        close(fd);
    if (good)
        memcpy(t->secret, octets, TOKEN_SECRET_LEN);
    else
        buf_printf(why,
                   "%s is no file of 32 octets that only its owner can read: remove it, and it is "
                   "made anew",
                   file);
    secret_wipe(octets, sizeof(octets));
    t->boot = random_u32();
    return good;
}

void token_maker_fini(struct token_maker *t)
{
    secret_wipe(t, sizeof(*t));
}

static void say(const struct token *k, uint8_t out[SAID_LEN])
{
    struct wire_out w = { .ptr = out, .cap = SAID_LEN };

    wire_put_u8(&w, k->version);
    wire_put_u8(&w, k->key);
    wire_put_u8(&w, k->way);
    wire_put_u32(&w, k->boot);
    wire_put_u32(&w, k->expires_s);
    wire_put_u64(&w, k->conn_id);
}

/* Keys change by themselves: nothing has to be kept or handed over. */
static void week_key(const struct token_maker *t, uint64_t week, uint8_t key[SHA256_DIGEST_SIZE])
{
    struct hmac_sha256_ctx ctx;
    uint8_t text[6 + 8] = "route ";

    for (unsigned i = 0; i < 8; i++)
        text[6 + i] = (uint8_t)(week >> (8 * i));
    hmac_sha256_set_key(&ctx, sizeof(t->secret), t->secret);
    hmac_sha256_update(&ctx, sizeof(text), text);
    hmac_sha256_digest(&ctx, SHA256_DIGEST_SIZE, key);
    secret_wipe(&ctx, sizeof(ctx));
}

static void sign(const struct token_maker *t, uint64_t week, const uint8_t said[SAID_LEN],
                 struct str user_key, uint8_t mac[MAC_LEN])
{
    struct hmac_sha256_ctx ctx;
    uint8_t key[SHA256_DIGEST_SIZE];

    week_key(t, week, key);
    hmac_sha256_set_key(&ctx, sizeof(key), key);
    hmac_sha256_update(&ctx, SAID_LEN, said);
    hmac_sha256_update(&ctx, user_key.len, (const uint8_t *)user_key.ptr);
    hmac_sha256_digest(&ctx, MAC_LEN, mac);
    secret_wipe(&ctx, sizeof(ctx));
    secret_wipe(key, sizeof(key));
}

void token_print(const struct token_maker *t, uint64_t conn_id, enum token_way way,
                 struct str user_key, uint64_t now_s, struct buf *out)
{
    uint64_t week = now_s / TOKEN_LIFE_S;
    uint8_t raw[RAW_LEN];
    struct token k = { .version = VERSION,
                       .key = (uint8_t)week,
                       .way = (uint8_t)way,
                       .boot = t->boot,
                       .expires_s = (uint32_t)(now_s + TOKEN_LIFE_S),
                       .conn_id = conn_id };

    say(&k, raw);
    sign(t, week, raw, user_key, raw + SAID_LEN);
    base64url_encode(str_of(raw, sizeof(raw)), out);
}

/* The url-safe alphabet without padding, to exactly RAW_LEN octets. */
static bool decode(struct str text, uint8_t raw[RAW_LEN])
{
    char usual[TOKEN_TEXT_LEN + 1], room[64 + 16];
    struct str octets;
    struct arena arena;

    if (text.len != TOKEN_TEXT_LEN)
        return false;
    for (size_t i = 0; i < TOKEN_TEXT_LEN; i++) {
        char c = text.ptr[i];
        if (c == '+' || c == '/')
            return false;
        usual[i] = (char)(c == '-' ? '+' : c == '_' ? '/' : c);
    }
    usual[TOKEN_TEXT_LEN] = '=';
    arena_init(&arena, sizeof(room), sizeof(room));
    bool good =
        base64_decode(str_of(usual, sizeof(usual)), &arena, &octets) && octets.len == RAW_LEN;
    if (good)
        memcpy(raw, octets.ptr, RAW_LEN);
    arena_fini(&arena);
    return good;
}

static struct token read_said(const uint8_t raw[SAID_LEN])
{
    struct wire w = { .all = str_of(raw, SAID_LEN) };
    struct token k = { .version = wire_u8(&w) };

    k.key = wire_u8(&w);
    k.way = wire_u8(&w);
    k.boot = wire_u32(&w);
    k.expires_s = wire_u32(&w);
    k.conn_id = wire_u64(&w);
    return k;
}

enum token_status token_check(const struct token_maker *t, struct str text, enum token_way way,
                              struct str user_key, uint64_t now_s, uint64_t *conn_id)
{
    uint64_t week = now_s / TOKEN_LIFE_S;
    uint8_t raw[RAW_LEN], mac[MAC_LEN];

    if (!decode(text, raw))
        return TOKEN_BAD;
    struct token k = read_said(raw);
    if (k.version != VERSION)
        return TOKEN_BAD;
    if (k.key != (uint8_t)week && k.key != (uint8_t)--week)
        return TOKEN_BAD;
    sign(t, week, raw, user_key, mac);
    if (!secret_equal(mac, raw + SAID_LEN, MAC_LEN) || k.way != way || k.expires_s < now_s)
        return TOKEN_BAD;
    *conn_id = k.conn_id;
    return k.boot == t->boot ? TOKEN_GOOD : TOKEN_GONE;
}
