/* SPDX-License-Identifier: MIT */
#include "authd/lockout.h"

#include <assert.h>
#include <stdlib.h>

#include "users/name.h"

struct account {
    struct user_lockout state;
    struct user_key key;
};

void lockout_fini(struct lockout *l)
{
    size_t pos = 0;
    struct account *a;

    while ((a = table_next(&l->accounts, &pos)))
        free(a);
    table_fini(&l->accounts);
}

static struct account *known(const struct lockout *l, const struct user *u)
{
    struct user_key key;

    return user_name_key(str_from_c(u->name), &key) ? table_get(&l->accounts, user_key_str(&key))
                                                    : NULL;
}

struct user_lockout lockout_state(const struct lockout *l, const struct user *u)
{
    const struct account *a = known(l, u);

    return a && a->state.unlocks == u->lockout.unlocks ? a->state : u->lockout;
}

static void keep(struct lockout *l, const struct user *u, const struct user_lockout *state)
{
    struct account *a = known(l, u);

    if (!a) {
        a = calloc(1, sizeof(*a));
        if (!a)
            abort();
        bool good = user_name_key(str_from_c(u->name), &a->key);
        assert(good);
        table_put(&l->accounts, user_key_str(&a->key), a);
    }
    a->state = *state;
}

bool lockout_wrong(struct lockout *l, const struct user *u, int64_t now, struct user_lockout *out)
{
    if (l->rules.threshold == 0)
        return false;
    *out = lockout_state(l, u);
    if (out->bad_count == 0 || now - out->bad_since > (int64_t)l->rules.window_s) {
        out->bad_count = 0;
        out->bad_since = now;
    }
    out->bad_count++;
    if (out->bad_count >= l->rules.threshold) {
        out->locked_until = l->rules.duration_s ? now + (int64_t)l->rules.duration_s : INT64_MAX;
        out->bad_count = 0;
    }
    keep(l, u, out);
    return true;
}

bool lockout_right(struct lockout *l, const struct user *u, struct user_lockout *out)
{
    *out = lockout_state(l, u);
    if (l->rules.threshold == 0 || (out->bad_count == 0 && out->locked_until == 0))
        return false;
    *out = (struct user_lockout){ .unlocks = out->unlocks };
    keep(l, u, out);
    return true;
}
