/* SPDX-License-Identifier: MIT */
#include "authd/budget_table.h"

#include <assert.h>
#include <stdlib.h>

#include "base/compiler.h"

/* How many of the longest unused are looked at for one that may go. */
enum { SEARCH_MAX = 32 };

/* A source network and the virtual entries that came from it. */
struct budget_origin {
    struct budget_network network;
    struct budget_accounts accounts; /* longest unused first */
    size_t count;
};

void budget_table_init(struct budget_table *t)
{
    *t = (struct budget_table){ .max = BUDGET_ENTRIES_MAX, .origin_max = BUDGET_ORIGIN_MAX };
    TAILQ_INIT(&t->known);
    TAILQ_INIT(&t->virtual);
    TAILQ_INIT(&t->changed);
    TAILQ_INIT(&t->gone);
}

static void account_free(struct budget_account *a)
{
    for (unsigned i = 0; i < a->alias_count; i++)
        free(a->aliases[i]);
    budget_devices_fini(&a->devices);
    free(a->label);
    free(a);
}

static void all_free(struct budget_accounts *list)
{
    struct budget_account *a;

    while ((a = TAILQ_FIRST(list))) {
        TAILQ_REMOVE(list, a, by_age);
        account_free(a);
    }
}

void budget_table_fini(struct budget_table *t)
{
    size_t pos = 0;
    struct budget_origin *o;

    all_free(&t->known);
    all_free(&t->virtual);
    all_free(&t->gone);
    while ((o = table_next(&t->origins, &pos)))
        free(o);
    table_fini(&t->accounts);
    table_fini(&t->aliases);
    table_fini(&t->origins);
}

struct budget_account *budget_account_keyed(const struct budget_table *t, struct str key)
{
    return table_get(&t->accounts, key);
}

struct budget_account *budget_account_named(const struct budget_table *t, struct str name)
{
    struct budget_account *a = table_get(&t->accounts, name);

    return a ? a : table_get(&t->aliases, name);
}

static struct budget_accounts *list_of(struct budget_table *t, const struct budget_account *a)
{
    return a->known ? &t->known : &t->virtual;
}

static void origin_join(struct budget_table *t, struct budget_account *a,
                        const struct budget_network *network)
{
    struct budget_origin *o = table_get(&t->origins, budget_network_str(network));

    if (!o) {
        o = calloc(1, sizeof(*o));
        assert(o);
        o->network = *network;
        TAILQ_INIT(&o->accounts);
        table_put(&t->origins, budget_network_str(&o->network), o);
    }
    a->origin = o;
    o->count++;
    TAILQ_INSERT_TAIL(&o->accounts, a, by_origin);
}

static void origin_leave(struct budget_table *t, struct budget_account *a)
{
    struct budget_origin *o = a->origin;

    if (!o)
        return;
    a->origin = NULL;
    TAILQ_REMOVE(&o->accounts, a, by_origin);
    if (--o->count == 0) {
        table_remove(&t->origins, budget_network_str(&o->network));
        free(o);
    }
}

void budget_account_drop(struct budget_table *t, struct budget_account *a)
{
    table_remove(&t->accounts, a->key);
    for (unsigned i = 0; i < a->alias_count; i++)
        table_remove(&t->aliases, str_from_c(a->aliases[i]));
    origin_leave(t, a);
    TAILQ_REMOVE(list_of(t, a), a, by_age);
    if (a->changed)
        TAILQ_REMOVE(&t->changed, a, by_change);
    if (a->stored)
        TAILQ_INSERT_TAIL(&t->gone, a, by_age);
    else
        account_free(a);
}

bool budget_account_busy(const struct budget_account *a, int64_t since)
{
    const struct budget_lane *lanes[] = { &a->strangers[0], &a->strangers[1], &a->all,
                                          &a->outside };

    for (unsigned i = 0; i < ARRAY_LEN(lanes); i++) {
        if (lanes[i]->failures && lanes[i]->since > since)
            return true;
    }
    for (unsigned i = 0; i < a->devices.count; i++) {
        const struct budget_device *d = &a->devices.list[i];

        if ((d->by_epid.failures && d->by_epid.since > since) ||
            (d->by_session.failures && d->by_session.since > since))
            return true;
    }
    return false;
}

/* What has nothing to tell any more; a few at a time keep the table as small as it can be. */
static void drop_idle(struct budget_table *t, int64_t busy_since)
{
    struct budget_account *a = TAILQ_FIRST(&t->virtual);

    for (unsigned i = 0; a && i < 2 && !budget_account_busy(a, busy_since); i++) {
        budget_account_drop(t, a);
        a = TAILQ_FIRST(&t->virtual);
    }
    a = TAILQ_FIRST(&t->known);
    if (a && a->devices.count == 0 && !budget_account_busy(a, busy_since))
        budget_account_drop(t, a);
}

/* When every known account is under attack nobody goes: there are only so many accounts. */
static void make_room(struct budget_table *t, int64_t busy_since)
{
    drop_idle(t, busy_since);
    if (t->accounts.count < t->max)
        return;
    struct budget_account *a = TAILQ_FIRST(&t->virtual);
    if (a) {
        budget_account_drop(t, a);
        return;
    }
    a = TAILQ_FIRST(&t->known);
    for (unsigned i = 0; a && i < SEARCH_MAX; i++, a = TAILQ_NEXT(a, by_age)) {
        if (!budget_account_busy(a, busy_since)) {
            budget_account_drop(t, a);
            return;
        }
    }
}

static void alias_forget(struct budget_table *t, struct str name)
{
    struct budget_account *a = table_remove(&t->aliases, name);

    for (unsigned i = 0; a && i < a->alias_count; i++) {
        if (str_eq(str_from_c(a->aliases[i]), name)) {
            free(a->aliases[i]);
            a->aliases[i] = a->aliases[--a->alias_count];
            return;
        }
    }
}

struct budget_account *budget_account_add(struct budget_table *t, struct str key, const char *label,
                                          const struct budget_network *network, int64_t now,
                                          int64_t busy_since)
{
    struct budget_origin *o = label ? NULL : table_get(&t->origins, budget_network_str(network));

    if (o && o->count >= t->origin_max)
        budget_account_drop(t, TAILQ_FIRST(&o->accounts));
    make_room(t, busy_since);
    struct budget_account *a = calloc(1, sizeof(*a) + key.len);
    assert(a);
    memcpy(a->text, key.ptr, key.len);
    a->key = str_of(a->text, key.len);
    a->known = label != NULL;
    a->label = str_own(label ? str_from_c(label) : key);
    a->used = now;
    alias_forget(t, key); /* an account's own name wins over what was a name of another */
    table_put(&t->accounts, a->key, a);
    TAILQ_INSERT_TAIL(list_of(t, a), a, by_age);
    if (!a->known)
        origin_join(t, a, network);
    return a;
}

void budget_account_know(struct budget_table *t, struct budget_account *a, const char *label)
{
    if (a->known)
        return;
    TAILQ_REMOVE(&t->virtual, a, by_age);
    origin_leave(t, a);
    a->known = true;
    TAILQ_INSERT_TAIL(&t->known, a, by_age);
    free(a->label);
    a->label = str_own(str_from_c(label));
}

void budget_account_alias(struct budget_table *t, struct budget_account *a, struct str name)
{
    if (str_eq(name, a->key) || table_get(&t->aliases, name) == a)
        return;
    alias_forget(t, name);
    if (a->alias_count == BUDGET_ALIASES_MAX)
        alias_forget(t, str_from_c(a->aliases[0]));
    char *copy = str_own(name);
    a->aliases[a->alias_count++] = copy;
    table_put(&t->aliases, str_from_c(copy), a);
}

void budget_account_touch(struct budget_table *t, struct budget_account *a, int64_t now)
{
    a->used = now;
    TAILQ_REMOVE(list_of(t, a), a, by_age);
    TAILQ_INSERT_TAIL(list_of(t, a), a, by_age);
    if (a->origin) {
        TAILQ_REMOVE(&a->origin->accounts, a, by_origin);
        TAILQ_INSERT_TAIL(&a->origin->accounts, a, by_origin);
    }
    if (!a->changed)
        TAILQ_INSERT_TAIL(&t->changed, a, by_change);
    a->changed = true;
}

void budget_table_forget_gone(struct budget_table *t, struct budget_account *a)
{
    TAILQ_REMOVE(&t->gone, a, by_age);
    account_free(a);
}

const struct budget_network *budget_origin_network(const struct budget_origin *o)
{
    return &o->network;
}
