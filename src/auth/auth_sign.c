/* SPDX-License-Identifier: MIT */
/* Our signature: Authentication-Info, on responses and on requests to the client alike. */
#include "auth/auth.h"
#include "auth/credentials.h"
#include "auth/scheme.h"
#include "base/compiler.h"
#include "base/secret.h"

enum { SALT_HEX = 8, NUMBER_DIGITS = 10, AROUND_VALUES = 128 };

/* srand need not be secret, only new; freshness comes from snum. */
static uint32_t salt(struct auth *a)
{
    if (a->salts_left == 0) {
        random_bytes(a->salts, sizeof(a->salts));
        a->salts_left = ARRAY_LEN(a->salts);
    }
    return a->salts[--a->salts_left];
}

static void add_param(struct buf *out, struct str before, struct str value)
{
    buf_add(out, before);
    buf_add(out, value);
    buf_add_char(out, '"');
}

/* Values are quoted and hold none of the names that some clients look for by substring (rand=",
 * num=", realm=", targetname="). */
static void write_header(const struct sa *sa, const struct sigtext *t, struct str rspauth,
                         struct buf *out)
{
    buf_reserve(out, t->realm.len + t->target.len + rspauth.len + AROUND_VALUES);
    buf_add(out, STR("Authentication-Info: "));
    buf_add(out, t->scheme);
    add_param(out, STR(" rspauth=\""), rspauth);
    add_param(out, STR(", srand=\""), t->rand);
    add_param(out, STR(", snum=\""), t->num);
    add_param(out, STR(", opaque=\""), str_from_c(sa->opaque_text));
    add_param(out, STR(", qop=\"auth\", targetname=\""), t->target);
    add_param(out, STR(", realm=\""), t->realm);
    buf_add(out, STR("\r\n"));
}

/* The signed text is composed where the header will stand: no memory of its own. */
void auth_sign(struct auth *a, struct sa *sa, struct sigtext *t, struct buf *out)
{
    char rand_room[SALT_HEX], num_room[NUMBER_DIGITS], hex_room[AUTH_SIGNATURE_HEX_MAX];
    struct buf rand = { .ptr = rand_room, .cap = sizeof(rand_room) };
    struct buf num = { .ptr = num_room, .cap = sizeof(num_room) };
    struct buf hex = { .ptr = hex_room, .cap = sizeof(hex_room) };
    uint32_t drawn = salt(a);
    buf_add_hex(&rand, str_of(&drawn, sizeof(drawn)), true);
    buf_add_u64(&num, ++sa->snum);
    t->scheme = str_from_c(sa->scheme->name);
    t->rand = buf_str(&rand);
    t->num = buf_str(&num);
    t->realm = a->realm;
    t->target = sa->scheme->targetname(a, sa->owner);

    size_t start = out->len;
    sigtext_write(t, sa->version, out);
    sa->scheme->sign(sa, str_of(out->ptr + start, out->len - start), &hex);
    out->len = start;
    write_header(sa, t, buf_str(&hex), out);
    t->rand = t->num = STR_NONE; /* they lived here */
}
