/* SPDX-License-Identifier: MIT */
#include "auth/sa.h"

#include <assert.h>
#include <stdlib.h>

#include "auth/half_open.h"
#include "auth/scheme.h"
#include "base/secret.h"
#include "base/table.h"

enum { CNUM_WIDTH = 256 };

struct sa_table {
    struct sa_limits limits;
    struct table by_opaque;
    struct table by_place; /* the first of a place, the others hang on it (same_place) */
    struct half_open half_open;
    unsigned established;
    uint64_t evicted;
};

/* Where a handshake happens.  Made from what came, and laid over the fields of a struct sa. */
struct place {
    struct sa_owner *owner;
    char cid[sizeof(((struct sa *)0)->cid)];
    char epid[sizeof(((struct sa *)0)->epid)];
};
static_assert(offsetof(struct sa, cid) - offsetof(struct sa, owner) == offsetof(struct place, cid),
              "the place is one key");
static_assert(offsetof(struct sa, epid) - offsetof(struct sa, owner) ==
                  offsetof(struct place, epid),
              "the place is one key");
static_assert(sizeof(struct place) == offsetof(struct place, epid) + sizeof(((struct sa *)0)->epid),
              "no padding");

static struct str place_key(const struct sa *sa)
{
    return str_of((const char *)sa + offsetof(struct sa, owner), sizeof(struct place));
}

static void copy_text(char *to, size_t size, struct str from)
{
    struct str cut = str_first(from, size - 1);
    if (cut.len > 0)
        memcpy(to, cut.ptr, cut.len);
    memset(to + cut.len, 0, size - cut.len);
}

static bool same_text(const char *kept, struct str text)
{
    return str_eq(str_from_c(kept), text);
}

struct sa_table *sa_table_new(const struct sa_limits *limits)
{
    struct sa_table *t = calloc(1, sizeof(*t));
    if (!t)
        abort();
    t->limits = *limits;
    return t;
}

void sa_table_set_limits(struct sa_table *t, const struct sa_limits *limits)
{
    t->limits = *limits;
}

void sa_owner_init(struct sa_owner *o, struct str source)
{
    *o = (struct sa_owner){ 0 };
    o->source_len = (uint8_t)(source.len < sizeof(o->source) ? source.len : sizeof(o->source));
    if (o->source_len > 0)
        memcpy(o->source, source.ptr, o->source_len);
}

static void wipe_and_free(struct sa *sa)
{
    if (sa->scheme)
        sa->scheme->wipe(sa);
    free(sa->user_key);
    free(sa->account);
    free(sa->display);
    free(sa->challenge);
    secret_wipe(sa, sizeof(*sa));
    free(sa);
}

/* Normally all owners are gone before. */
void sa_table_free(struct sa_table *t)
{
    struct sa *sa;
    for (size_t pos = 0; (sa = table_next(&t->by_opaque, &pos));) {
        sa->owner->list = NULL;
        if (sa->state != SA_ESTABLISHED)
            half_open_remove(&t->half_open, sa);
        wipe_and_free(sa);
    }
    half_open_fini(&t->half_open);
    table_fini(&t->by_place);
    table_fini(&t->by_opaque);
    free(t);
}

static void place_add(struct sa_table *t, struct sa *sa)
{
    sa->same_place = table_put(&t->by_place, place_key(sa), sa);
}

static void place_remove(struct sa_table *t, struct sa *sa)
{
    struct sa *first = table_get(&t->by_place, place_key(sa));
    if (first != sa) {
        while (first->same_place != sa)
            first = first->same_place;
        first->same_place = sa->same_place;
    } else if (sa->same_place) {
        table_put(&t->by_place, place_key(sa->same_place), sa->same_place);
    } else {
        table_remove(&t->by_place, place_key(sa));
    }
}

static void own(struct sa_owner *o, struct sa *sa)
{
    sa->next_owned = o->list;
    if (o->list)
        o->list->prev_owned = sa;
    o->list = sa;
}

static void disown(struct sa *sa)
{
    *(sa->prev_owned ? &sa->prev_owned->next_owned : &sa->owner->list) = sa->next_owned;
    if (sa->next_owned)
        sa->next_owned->prev_owned = sa->prev_owned;
}

void sa_drop(struct sa_table *t, struct sa *sa)
{
    if (sa->state == SA_ESTABLISHED)
        t->established--;
    else
        half_open_remove(&t->half_open, sa);
    disown(sa);
    place_remove(t, sa);
    table_remove(&t->by_opaque, str_from_c(sa->opaque_text));
    wipe_and_free(sa);
}

void sa_owner_fini(struct sa_table *t, struct sa_owner *o)
{
    struct sa *next;
    for (struct sa *sa = o->list; sa; sa = next) {
        next = sa->next_owned;
        sa_drop(t, sa);
    }
}

static void draw_opaque(struct sa_table *t, struct sa *sa)
{
    do {
        uint32_t drawn = random_u32();
        struct buf text = { .ptr = sa->opaque_text, .cap = sizeof(sa->opaque_text) - 1 };
        buf_add_hex(&text, str_of(&drawn, sizeof(drawn)), true);
    } while (table_get(&t->by_opaque, str_from_c(sa->opaque_text)));
    table_put(&t->by_opaque, str_from_c(sa->opaque_text), sa);
}

/* A client that begins anew has given up what it began before. */
static void drop_unfinished(struct sa_table *t, struct str place)
{
    struct sa *sa = table_get(&t->by_place, place);
    while (sa && sa->state == SA_ESTABLISHED)
        sa = sa->same_place;
    if (sa)
        sa_drop(t, sa);
}

static bool make_room(struct sa_table *t)
{
    bool evicted = false;
    while (t->half_open.count > 0 && t->half_open.count >= t->limits.half_open_max) {
        sa_drop(t, half_open_victim(&t->half_open));
        t->evicted++;
        evicted = true;
    }
    return evicted;
}

struct sa *sa_new(struct sa_table *t, struct sa_owner *o, struct str cid, struct str epid,
                  uint64_t now_ms, bool *evicted)
{
    struct sa *sa = calloc(1, sizeof(*sa));
    if (!sa)
        abort();
    sa->owner = o;
    copy_text(sa->cid, sizeof(sa->cid), cid);
    copy_text(sa->epid, sizeof(sa->epid), epid);
    drop_unfinished(t, place_key(sa));
    bool full = make_room(t);
    if (evicted)
        *evicted = full;
    sa->created_ms = now_ms;
    sa->expires_ms = now_ms + t->limits.half_open_ms;
    own(o, sa);
    draw_opaque(t, sa);
    place_add(t, sa);
    half_open_add(&t->half_open, sa);
    return sa;
}

struct sa *sa_find_any(struct sa_table *t, struct sa_owner *o, struct str cid, struct str opaque)
{
    struct sa *sa = table_get(&t->by_opaque, opaque);
    return sa && sa->owner == o && same_text(sa->cid, cid) ? sa : NULL;
}

struct sa *sa_find(struct sa_table *t, struct sa_owner *o, struct str cid, struct str opaque,
                   uint64_t now_ms)
{
    struct sa *sa = sa_find_any(t, o, cid, opaque);
    return sa && now_ms < sa->expires_ms ? sa : NULL;
}

struct sa *sa_find_user(struct sa_owner *o, struct str user_key, struct str epid)
{
    struct str cut = str_first(epid, sizeof(o->list->epid) - 1);
    for (struct sa *sa = o->list; sa; sa = sa->next_owned)
        if (sa->state == SA_ESTABLISHED && same_text(sa->epid, cut) &&
            same_text(sa->user_key, user_key))
            return sa;
    return NULL;
}

void sa_asking(struct sa_table *t, struct sa *sa, uint64_t now_ms)
{
    assert(sa->state == SA_HALF_OPEN);
    sa->state = SA_ASKING;
    sa->expires_ms = now_ms + t->limits.half_open_ms;
    half_open_remove(&t->half_open, sa);
    half_open_add(&t->half_open, sa);
}

static void drop_former(struct sa_table *t, const struct sa *sa)
{
    struct sa *former = table_get(&t->by_place, place_key(sa));
    while (former && (former == sa || former->state != SA_ESTABLISHED ||
                      strcmp(former->user_key, sa->user_key) != 0))
        former = former->same_place;
    if (former)
        sa_drop(t, former);
}

void sa_establish(struct sa_table *t, struct sa *sa, uint64_t now_ms, uint64_t expires_ms)
{
    assert(sa->state != SA_ESTABLISHED && sa->user_key);
    drop_former(t, sa);
    half_open_remove(&t->half_open, sa);
    sa->state = SA_ESTABLISHED;
    t->established++;
    sa->created_ms = now_ms;
    sa->expires_ms = expires_ms;
    free(sa->challenge); /* needed for the MIC only */
    sa->challenge = NULL;
    sa->challenge_len = 0;
}

void sa_table_sweep(struct sa_table *t, uint64_t now_ms)
{
    while (t->half_open.oldest && t->half_open.oldest->expires_ms <= now_ms)
        sa_drop(t, t->half_open.oldest);
}

unsigned sa_table_half_open(const struct sa_table *t)
{
    return t->half_open.count;
}

unsigned sa_table_established(const struct sa_table *t)
{
    return t->established;
}

uint64_t sa_table_evicted(const struct sa_table *t)
{
    return t->evicted;
}

uint64_t sa_table_life_ms(const struct sa_table *t)
{
    return t->limits.life_ms;
}

static bool seen(const struct sa *sa, uint32_t cnum)
{
    return sa->cnum_seen[cnum % CNUM_WIDTH / 64] >> (cnum % 64) & 1;
}

enum sa_cnum sa_cnum_check(const struct sa *sa, uint32_t cnum)
{
    if (cnum > sa->cnum_high)
        return SA_CNUM_OK;
    if (cnum == 0 || sa->cnum_high - cnum >= CNUM_WIDTH || seen(sa, cnum))
        return SA_CNUM_REPLAY;
    return SA_CNUM_OK;
}

/* The window slides up: the numbers it passes over take the bits of those that fall out. */
static void slide(struct sa *sa, uint32_t cnum)
{
    if (cnum - sa->cnum_high >= CNUM_WIDTH)
        memset(sa->cnum_seen, 0, sizeof(sa->cnum_seen));
    else
        for (uint32_t n = sa->cnum_high + 1; n != cnum; n++)
            sa->cnum_seen[n % CNUM_WIDTH / 64] &= ~(UINT64_C(1) << (n % 64));
    sa->cnum_high = cnum;
}

void sa_cnum_mark(struct sa *sa, uint32_t cnum)
{
    if (cnum > sa->cnum_high)
        slide(sa, cnum);
    sa->cnum_seen[cnum % CNUM_WIDTH / 64] |= UINT64_C(1) << (cnum % 64);
}
