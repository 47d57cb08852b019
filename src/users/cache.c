/* SPDX-License-Identifier: MIT */
#include "users/cache.h"

#include <stdlib.h>

void user_cache_add(struct user_cache *c, struct cached_user *u)
{
    if (c->count >= USER_CACHE_MAX)
        user_cache_clear(c);
    u->next = c->all;
    c->all = u;
    c->count++;
    table_put(&c->by_name, user_key_str(&u->name), u);
    if (u->upn.len)
        table_put(&c->by_upn, user_key_str(&u->upn), u);
    if (u->uri.len)
        table_put(&c->by_uri, user_key_str(&u->uri), u);
}

void user_cache_clear(struct user_cache *c)
{
    while (c->all) {
        struct cached_user *u = c->all;

        c->all = u->next;
        free(u);
    }
    table_fini(&c->by_name);
    table_fini(&c->by_upn);
    table_fini(&c->by_uri);
    c->count = 0;
}
