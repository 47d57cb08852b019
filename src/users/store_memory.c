/* SPDX-License-Identifier: MIT */
/* A directory in memory: tests of what stands above stores need no file. */
#include <stdio.h>
#include <stdlib.h>

#include "base/secret.h"
#include "users/name.h"
#include "users/store.h"

struct entry {
    struct user user;
    struct user_key name, uri, upn; /* len 0: none */
    uint8_t nt_hash[16];
};

struct entries {
    struct entry *list; /* in order of name */
    size_t count;
};

struct memory {
    struct store store;
    struct entries now, before; /* `before`: as it was at begin */
    bool changing;
    char *domain;
};

static struct memory *of(struct store *s)
{
    return (struct memory *)s;
}

static void *checked(void *ptr)
{
    if (!ptr)
        abort();
    return ptr;
}

static void entries_fini(struct entries *e)
{
    if (e->list)
        secret_wipe(e->list, e->count * sizeof(*e->list));
    free(e->list);
    *e = (struct entries){ 0 };
}

static struct entries entries_copy(const struct entries *e)
{
    struct entries copy = { checked(calloc(e->count + 1, sizeof(*e->list))), e->count };

    if (e->count)
        memcpy(copy.list, e->list, e->count * sizeof(*e->list));
    return copy;
}

static struct user_key *name_of(struct entry *e)
{
    return &e->name;
}

static struct user_key *uri_of(struct entry *e)
{
    return &e->uri;
}

static struct user_key *upn_of(struct entry *e)
{
    return &e->upn;
}

static struct entry *search(struct memory *m, struct user_key *(*key_of)(struct entry *),
                            const struct user_key *key)
{
    for (size_t i = 0; key->len && i < m->now.count; i++) {
        struct entry *e = &m->now.list[i];

        if (str_eq(user_key_str(key_of(e)), user_key_str(key)))
            return e;
    }
    return NULL;
}

static struct entry *by_name(struct memory *m, struct str name)
{
    struct user_key key;

    return user_name_key(name, &key) ? search(m, name_of, &key) : NULL;
}

static enum store_status find(struct store *s, struct str domain, struct str name, struct user *out,
                              uint8_t nt_hash[16])
{
    struct memory *m = of(s);
    bool upn = domain.len == 0 && str_find_char(name, '@') != SIZE_MAX;
    struct user_key key;

    if (domain.len && !user_name_same(domain, str_from_c(m->domain)))
        return STORE_NONE;
    if (!user_name_key(name, &key))
        return STORE_NONE;
    struct entry *e = search(m, upn ? upn_of : name_of, &key);
    if (!e)
        return STORE_NONE;
    *out = e->user;
    memcpy(nt_hash, e->nt_hash, 16);
    return STORE_OK;
}

static enum store_status find_uri(struct store *s, struct str uri, struct user *out)
{
    struct user_key key;
    struct entry *e = user_uri_key(uri, &key) ? search(of(s), uri_of, &key) : NULL;

    if (!e)
        return STORE_NONE;
    *out = e->user;
    return STORE_OK;
}

static enum store_status failed(struct store *s, enum store_status status, const char *why)
{
    snprintf(s->error, sizeof(s->error), "%s", why);
    return status;
}

/* Fills what is derived from the user; tells what is unusable or belongs to another entry. */
static enum store_status entry_set(struct memory *m, struct entry *e, const struct user *u,
                                   const struct entry *self)
{
    e->user = *u;
    user_field_set(e->user.domain, sizeof(e->user.domain), str_from_c(m->domain));
    if (!user_name_key(str_from_c(u->name), &e->name))
        return failed(&m->store, STORE_FAILED, "the name is not usable");
    if (u->uri[0] && !user_uri_key(str_from_c(u->uri), &e->uri))
        return failed(&m->store, STORE_FAILED, "the SIP address is not usable");
    if (u->upn[0] && !user_name_key(str_from_c(u->upn), &e->upn))
        return failed(&m->store, STORE_FAILED, "the user principal name is not usable");

    struct entry *other = search(m, name_of, &e->name);
    if (other && other != self)
        return failed(&m->store, STORE_EXISTS, "name");
    other = search(m, uri_of, &e->uri);
    if (other && other != self)
        return failed(&m->store, STORE_EXISTS, "uri");
    other = search(m, upn_of, &e->upn);
    if (other && other != self)
        return failed(&m->store, STORE_EXISTS, "upn");
    return STORE_OK;
}

static enum store_status add(struct store *s, const struct user *u, const uint8_t nt_hash[16])
{
    struct memory *m = of(s);
    struct entry e = { 0 };
    enum store_status status = entry_set(m, &e, u, NULL);

    if (status != STORE_OK)
        return status;
    memcpy(e.nt_hash, nt_hash, 16);
    size_t at = 0;
    while (at < m->now.count &&
           str_cmp(user_key_str(&m->now.list[at].name), user_key_str(&e.name)) < 0)
        at++;
    struct entries grown = entries_copy(&m->now);
    memmove(&grown.list[at + 1], &grown.list[at], (m->now.count - at) * sizeof(e));
    grown.list[at] = e;
    grown.count++;
    entries_fini(&m->now);
    m->now = grown;
    secret_wipe(&e, sizeof(e));
    return STORE_OK;
}

static enum store_status update(struct store *s, const struct user *u)
{
    struct memory *m = of(s);
    struct entry *old = by_name(m, str_from_c(u->name));
    struct entry e = { 0 };

    if (!old)
        return STORE_NONE;
    enum store_status status = entry_set(m, &e, u, old);
    if (status != STORE_OK)
        return status;
    memcpy(e.user.name, old->user.name, sizeof(e.user.name));
    e.user.lockout = old->user.lockout;
    memcpy(e.nt_hash, old->nt_hash, sizeof(e.nt_hash));
    *old = e;
    secret_wipe(&e, sizeof(e));
    return STORE_OK;
}

static enum store_status set_password(struct store *s, struct str name, const uint8_t nt_hash[16])
{
    struct entry *e = by_name(of(s), name);

    if (!e)
        return STORE_NONE;
    memcpy(e->nt_hash, nt_hash, 16);
    return STORE_OK;
}

static enum store_status set_lockout(struct store *s, struct str name,
                                     const struct user_lockout *lockout)
{
    struct entry *e = by_name(of(s), name);

    if (!e || e->user.lockout.unlocks != lockout->unlocks)
        return STORE_NONE;
    e->user.lockout = *lockout;
    return STORE_OK;
}

static enum store_status unlock(struct store *s, struct str name)
{
    struct entry *e = by_name(of(s), name);

    if (!e)
        return STORE_NONE;
    e->user.lockout = (struct user_lockout){ .unlocks = e->user.lockout.unlocks + 1 };
    e->user.flags &= ~(unsigned)USER_LOCKED;
    return STORE_OK;
}

static enum store_status remove_user(struct store *s, struct str name)
{
    struct memory *m = of(s);
    struct entry *e = by_name(m, name);

    if (!e)
        return STORE_NONE;
    size_t at = (size_t)(e - m->now.list);
    memmove(e, e + 1, (m->now.count - at - 1) * sizeof(*e));
    m->now.count--;
    secret_wipe(&m->now.list[m->now.count], sizeof(*e));
    return STORE_OK;
}

static enum store_status begin(struct store *s)
{
    struct memory *m = of(s);

    m->before = entries_copy(&m->now);
    m->changing = true;
    return STORE_OK;
}

static enum store_status end(struct store *s, bool keep)
{
    struct memory *m = of(s);

    if (!keep && m->changing) {
        entries_fini(&m->now);
        m->now = m->before;
        m->before = (struct entries){ 0 };
    }
    entries_fini(&m->before);
    m->changing = false;
    return STORE_OK;
}

static enum store_status list(struct store *s, bool (*each)(void *arg, const struct user *u),
                              void *arg)
{
    struct memory *m = of(s);

    for (size_t i = 0; i < m->now.count; i++) {
        if (!each(arg, &m->now.list[i].user))
            break;
    }
    return STORE_OK;
}

static void free_store(struct store *s)
{
    struct memory *m = of(s);

    entries_fini(&m->now);
    entries_fini(&m->before);
    free(m->domain);
    free(m);
}

static const struct store_ops memory_ops = {
    .find = find,
    .find_uri = find_uri,
    .add = add,
    .update = update,
    .set_password = set_password,
    .set_lockout = set_lockout,
    .unlock = unlock,
    .remove = remove_user,
    .begin = begin,
    .end = end,
    .list = list,
    .free = free_store,
};

struct store *store_memory_new(const char *domain)
{
    struct memory *m = checked(calloc(1, sizeof(*m)));

    m->store.ops = &memory_ops;
    m->domain = str_own(str_from_c(domain));
    m->now.list = checked(calloc(1, sizeof(*m->now.list)));
    return &m->store;
}
