/* SPDX-License-Identifier: MIT */
#include "ad/cache.h"

#include <stdlib.h>

#include "base/table.h"

enum { KEYS = 5 }; /* name, UPN, address, SID, and what was asked for */

struct entry {
    struct entry *newer, *older;
    uint64_t until_ms;
    struct str key[KEYS]; /* into text, as the ones below; empty: none */
    bool nobody, shared;
    unsigned flags;
    int64_t expires;
    struct str name, upn, uri, display, sid;
    char text[];
};

/* In the order of their last use. */
struct order {
    struct entry *newest, *oldest;
    unsigned count, max;
};

/* Names that nobody has keep to their own part, so that whoever makes them up by the thousand
 * drives no account out. */
struct ad_cache {
    struct table by_key;
    struct order accounts, nobodies;
};

bool ad_key_of(enum ad_by by, struct str value, struct ad_key *out)
{
    static const char kind[] = {
        [AD_BY_NAME] = 'n', [AD_BY_UPN] = 'u', [AD_BY_ADDRESS] = 'a', [AD_BY_SID] = 's'
    };
    struct user_key key;

    out->text[0] = kind[by];
    if (by == AD_BY_SID) {
        if (value.len == 0 || value.len > AD_SID_MAX)
            return false;
        memcpy(out->text + 1, value.ptr, value.len);
        out->len = 1 + value.len;
        return true;
    }
    if (by == AD_BY_ADDRESS ? !user_uri_key(value, &key) : !user_name_key(value, &key))
        return false;
    memcpy(out->text + 1, key.text, key.len);
    out->len = 1 + key.len;
    return true;
}

/* --- entries --- */

static struct order *order_of(struct ad_cache *c, const struct entry *e)
{
    return e->nobody ? &c->nobodies : &c->accounts;
}

static void unlink_entry(struct order *o, struct entry *e)
{
    *(e->newer ? &e->newer->older : &o->newest) = e->older;
    *(e->older ? &e->older->newer : &o->oldest) = e->newer;
}

static void link_newest(struct order *o, struct entry *e)
{
    e->newer = NULL;
    e->older = o->newest;
    *(o->newest ? &o->newest->newer : &o->oldest) = e;
    o->newest = e;
}

static void remove_entry(struct ad_cache *c, struct entry *e)
{
    for (unsigned i = 0; i < KEYS; i++) {
        if (e->key[i].len && table_get(&c->by_key, e->key[i]) == e)
            table_remove(&c->by_key, e->key[i]);
    }
    unlink_entry(order_of(c, e), e);
    order_of(c, e)->count--;
    free(e);
}

static struct str copy_to(char **end, struct str s)
{
    char *at = *end;

    memcpy(at, s.ptr, s.len);
    *end += s.len;
    return str_of(at, s.len);
}

static void keys_of(const struct ad_account *a, struct ad_key own[KEYS - 1])
{
    if (!ad_key_of(AD_BY_NAME, str_from_c(a->user.name), &own[0]))
        own[0].len = 0;
    if (!ad_key_of(AD_BY_UPN, str_from_c(a->user.upn), &own[1]))
        own[1].len = 0;
    if (!ad_key_of(AD_BY_ADDRESS, str_from_c(a->user.uri), &own[2]))
        own[2].len = 0;
    if (!ad_key_of(AD_BY_SID, str_of(a->sid, a->sid_len), &own[3]))
        own[3].len = 0;
}

static struct entry *entry_new(const struct ad_key *asked, const struct ad_account *a)
{
    struct ad_key own[KEYS - 1];
    size_t room = asked->len;

    for (unsigned i = 0; i < KEYS - 1; i++)
        own[i].len = 0;
    if (a) {
        keys_of(a, own);
        for (unsigned i = 0; i < KEYS - 1; i++)
            room += own[i].len;
        room += strlen(a->user.name) + strlen(a->user.upn) + strlen(a->user.uri) +
                strlen(a->user.display) + a->sid_len;
    }
    struct entry *e = calloc(1, sizeof(*e) + room);
    if (!e)
        abort();
    char *end = e->text;
    for (unsigned i = 0; i < KEYS - 1; i++)
        e->key[i] = copy_to(&end, ad_key_str(&own[i]));
    e->key[KEYS - 1] = copy_to(&end, ad_key_str(asked));
    e->nobody = !a;
    if (!a)
        return e;
    e->name = copy_to(&end, str_from_c(a->user.name));
    e->upn = copy_to(&end, str_from_c(a->user.upn));
    e->uri = copy_to(&end, str_from_c(a->user.uri));
    e->display = copy_to(&end, str_from_c(a->user.display));
    e->sid = copy_to(&end, str_of(a->sid, a->sid_len));
    e->flags = a->user.flags;
    e->expires = a->user.expires;
    e->shared = a->shared;
    return e;
}

static void set_field(char *field, struct str s)
{
    memcpy(field, s.ptr, s.len);
    field[s.len] = '\0';
}

/* Only what is there: the fields are much larger than what stands in them. */
static void account_of(const struct entry *e, const char *domain, struct ad_account *out)
{
    struct user *u = &out->user;

    set_field(u->name, e->name);
    user_field_set(u->domain, sizeof(u->domain), str_from_c(domain));
    set_field(u->upn, e->upn);
    set_field(u->uri, e->uri);
    set_field(u->display, e->display);
    u->flags = e->flags;
    u->expires = e->expires;
    u->lockout = (struct user_lockout){ 0 };
    memcpy(out->sid, e->sid.ptr, e->sid.len);
    out->sid_len = (uint8_t)e->sid.len;
    out->shared = e->shared;
}

/* --- the cache --- */

struct ad_cache *ad_cache_new(unsigned entries)
{
    struct ad_cache *c = calloc(1, sizeof(*c));

    if (!c)
        abort();
    c->nobodies.max = entries / 4 ? entries / 4 : 1;
    c->accounts.max = entries > c->nobodies.max ? entries - c->nobodies.max : 1;
    return c;
}

void ad_cache_clear(struct ad_cache *c)
{
    while (c->accounts.newest)
        remove_entry(c, c->accounts.newest);
    while (c->nobodies.newest)
        remove_entry(c, c->nobodies.newest);
}

void ad_cache_free(struct ad_cache *c)
{
    ad_cache_clear(c);
    table_fini(&c->by_key);
    free(c);
}

unsigned ad_cache_count(const struct ad_cache *c)
{
    return c->accounts.count + c->nobodies.count;
}

enum ad_cached ad_cache_get(struct ad_cache *c, const struct ad_key *key, const char *domain,
                            uint64_t now_ms, struct ad_account *out)
{
    struct entry *e = table_get(&c->by_key, ad_key_str(key));

    if (!e)
        return AD_CACHE_UNKNOWN;
    if (e->until_ms <= now_ms) {
        remove_entry(c, e);
        return AD_CACHE_UNKNOWN;
    }
    unlink_entry(order_of(c, e), e);
    link_newest(order_of(c, e), e);
    if (e->nobody)
        return AD_CACHE_NOBODY;
    account_of(e, domain, out);
    return AD_CACHE_FOUND;
}

/* True when its address was shared. */
static bool drop_key(struct ad_cache *c, struct str key)
{
    struct entry *e = key.len ? table_get(&c->by_key, key) : NULL;
    bool shared = e && e->shared;

    if (e)
        remove_entry(c, e);
    return shared;
}

/* What had one of the keys before is older news, but for an address: that may be shared, and each
 * of its owners is remembered under his other keys. */
void ad_cache_put(struct ad_cache *c, const struct ad_key *key, const struct ad_account *a,
                  uint64_t until_ms)
{
    struct entry *e = entry_new(key, a);
    struct order *o = order_of(c, e);

    e->until_ms = until_ms;
    for (unsigned i = 0; i < KEYS; i++) {
        if (e->key[i].len && e->key[i].ptr[0] != 'a')
            drop_key(c, e->key[i]);
    }
    for (unsigned i = 0; i < KEYS; i++) {
        if (!e->key[i].len)
            continue;
        struct entry *former = table_put(&c->by_key, e->key[i], e);
        if (former && former != e && former->nobody)
            remove_entry(c, former);
    }
    link_newest(o, e);
    if (++o->count > o->max)
        remove_entry(c, o->oldest);
}

static bool drop_by(struct ad_cache *c, enum ad_by by, struct str value)
{
    struct ad_key key;

    return value.len && ad_key_of(by, value, &key) && drop_key(c, ad_key_str(&key));
}

static void drop_shared(struct ad_cache *c)
{
    struct entry *older;

    for (struct entry *e = c->accounts.newest; e; e = older) {
        older = e->older;
        if (e->shared)
            remove_entry(c, e);
    }
}

/* With one owner of a shared address go the others, who may be its only ones now. */
void ad_cache_drop(struct ad_cache *c, const struct ad_change *change)
{
    bool shared = drop_by(c, AD_BY_SID, change->sid);

    shared = drop_by(c, AD_BY_NAME, change->name) || shared;
    shared = drop_by(c, AD_BY_UPN, change->upn) || shared;
    shared = drop_by(c, AD_BY_ADDRESS, change->uri) || shared;
    if (shared)
        drop_shared(c);
}
