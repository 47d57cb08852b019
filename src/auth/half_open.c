/* SPDX-License-Identifier: MIT */
#include "auth/half_open.h"

#include <stdlib.h>

enum { SOURCE_KEY_MAX = 8, LEVELS_AT_FIRST = 16 };

struct sa_source {
    char key[SOURCE_KEY_MAX];
    uint8_t key_len;
    unsigned count;
    struct sa *oldest, *newest;
    struct sa_source *before, *after; /* in its level */
};

static struct str key_of(const struct sa_owner *o)
{
    static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
    if (o->source_len != 16)
        return str_of(o->source, o->source_len < SOURCE_KEY_MAX ? o->source_len : SOURCE_KEY_MAX);
    if (memcmp(o->source, mapped, sizeof(mapped)) == 0)
        return str_of(o->source + 12, 4);
    return str_of(o->source, 8);
}

static void grow_levels(struct half_open *h, unsigned level)
{
    unsigned cap = h->level_cap ? h->level_cap : LEVELS_AT_FIRST;
    while (cap <= level)
        cap *= 2;
    struct half_open_level *grown = realloc(h->levels, cap * sizeof(*grown));
    if (!grown)
        abort();
    memset(grown + h->level_cap, 0, (cap - h->level_cap) * sizeof(*grown));
    h->levels = grown;
    h->level_cap = cap;
}

static void enter_level(struct half_open *h, struct sa_source *s)
{
    if (s->count >= h->level_cap)
        grow_levels(h, s->count);
    struct half_open_level *level = &h->levels[s->count];
    s->before = level->last;
    s->after = NULL;
    if (level->last)
        level->last->after = s;
    else
        level->first = s;
    level->last = s;
    if (s->count > h->most)
        h->most = s->count;
}

static void leave_level(struct half_open *h, struct sa_source *s)
{
    struct half_open_level *level = &h->levels[s->count];
    if (s->before)
        s->before->after = s->after;
    else
        level->first = s->after;
    if (s->after)
        s->after->before = s->before;
    else
        level->last = s->before;
}

static struct sa_source *source_of(struct half_open *h, const struct sa_owner *o)
{
    struct str key = key_of(o);
    struct sa_source *s = table_get(&h->sources, key);
    if (s)
        return s;
    s = calloc(1, sizeof(*s));
    if (!s)
        abort();
    memcpy(s->key, key.ptr, key.len);
    s->key_len = (uint8_t)key.len;
    table_put(&h->sources, str_of(s->key, s->key_len), s);
    return s;
}

static void age_add(struct half_open *h, struct sa_source *s, struct sa *sa)
{
    sa->older = s->newest;
    sa->newer = NULL;
    *(s->newest ? &s->newest->newer : &s->oldest) = sa;
    s->newest = sa;
    sa->older_all = h->newest;
    sa->newer_all = NULL;
    *(h->newest ? &h->newest->newer_all : &h->oldest) = sa;
    h->newest = sa;
}

static void age_remove(struct half_open *h, struct sa_source *s, struct sa *sa)
{
    *(sa->older ? &sa->older->newer : &s->oldest) = sa->newer;
    *(sa->newer ? &sa->newer->older : &s->newest) = sa->older;
    *(sa->older_all ? &sa->older_all->newer_all : &h->oldest) = sa->newer_all;
    *(sa->newer_all ? &sa->newer_all->older_all : &h->newest) = sa->older_all;
    sa->older = sa->newer = sa->older_all = sa->newer_all = NULL;
}

void half_open_add(struct half_open *h, struct sa *sa)
{
    struct sa_source *s = source_of(h, sa->owner);
    sa->by_source = s;
    age_add(h, s, sa);
    if (s->count > 0)
        leave_level(h, s);
    s->count++;
    enter_level(h, s);
    h->count++;
}

void half_open_remove(struct half_open *h, struct sa *sa)
{
    struct sa_source *s = sa->by_source;
    age_remove(h, s, sa);
    sa->by_source = NULL;
    leave_level(h, s);
    h->count--;
    s->count--;
    if (s->count > 0) {
        enter_level(h, s);
    } else {
        table_remove(&h->sources, str_of(s->key, s->key_len));
        free(s);
    }
    /* if the highest level is empty now, the source has just moved to the one below */
    if (h->most > 0 && !h->levels[h->most].first)
        h->most--;
}

struct sa *half_open_victim(const struct half_open *h)
{
    return h->most > 0 ? h->levels[h->most].first->oldest : NULL;
}

void half_open_fini(struct half_open *h)
{
    table_fini(&h->sources);
    free(h->levels);
    *h = (struct half_open){ 0 };
}
