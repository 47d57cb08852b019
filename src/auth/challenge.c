/* SPDX-License-Identifier: MIT */
#include "auth/challenge.h"

#include "base/encode.h"

/* Names and punctuation of one value; the rest is counted. */
enum { AROUND_VALUES = 80 };

/* A buffer over memory of the arena.  It never grows: the caller asked for enough. */
static bool in_arena(struct buf *b, size_t size, struct arena *arena)
{
    *b = (struct buf){ .ptr = arena_alloc(arena, size), .cap = size };
    return b->ptr != NULL;
}

static void add_param(struct buf *b, struct str before, struct str value)
{
    buf_add(b, before);
    buf_add(b, value);
    buf_add_char(b, '"');
}

/* The scheme stands first and is matched as a prefix by some clients. */
static void begin(struct buf *b, const struct auth_scheme *scheme, struct str realm,
                  struct str targetname)
{
    buf_add_c(b, scheme->name);
    add_param(b, STR(" realm=\""), realm);
    add_param(b, STR(", targetname=\""), targetname);
    buf_add(b, STR(", version=4"));
}

struct str challenge_first(const struct auth_scheme *scheme, struct str realm,
                           struct str targetname, struct arena *arena)
{
    struct buf b;
    size_t size = strlen(scheme->name) + realm.len + targetname.len + AROUND_VALUES;
    if (!in_arena(&b, size, arena))
        return STR_NONE;
    begin(&b, scheme, realm, targetname);
    return buf_str(&b);
}

struct str challenge_continue(const struct auth_scheme *scheme, struct str realm,
                              struct str targetname, struct str opaque, struct str token,
                              struct arena *arena)
{
    struct buf b;
    size_t values = realm.len + targetname.len + opaque.len + (token.len + 2) / 3 * 4;
    if (!in_arena(&b, strlen(scheme->name) + values + AROUND_VALUES, arena))
        return STR_NONE;
    begin(&b, scheme, realm, targetname);
    add_param(&b, STR(", opaque=\""), opaque);
    buf_add(&b, STR(", gssapi-data=\""));
    base64_encode(token, &b);
    buf_add_char(&b, '"');
    return buf_str(&b);
}
