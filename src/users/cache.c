/* SPDX-License-Identifier: MIT */
#include "users/cache.h"

#include <assert.h>
#include <stdlib.h>

static struct str put(char **at, struct str s)
{
    struct str copy = str_of(*at, s.len);

    memcpy(*at, s.ptr, s.len);
    *at += s.len;
    return copy;
}

struct cached_user *cached_user_new(const struct user *u, int64_t id, struct str sealed)
{
    struct user_key name = { 0 }, upn = { 0 }, uri = { 0 };
    struct str texts[] = { str_from_c(u->name), str_from_c(u->upn), str_from_c(u->uri),
                           str_from_c(u->display) };

    user_name_key(texts[0], &name);
    user_name_key(texts[1], &upn);
    user_uri_key(texts[2], &uri);
    size_t room = name.len + upn.len + uri.len;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        room += texts[i].len;
    struct cached_user *c = calloc(1, sizeof(*c) + room);
    assert(c);
    c->id = id;
    c->expires = u->expires;
    c->lockout = u->lockout;
    c->flags = u->flags;
    if (sealed.len == SEALED_LEN) {
        memcpy(c->sealed, sealed.ptr, SEALED_LEN);
        c->sealed_len = SEALED_LEN;
    }
    char *at = c->text;
    c->name_key = put(&at, user_key_str(&name));
    c->upn_key = put(&at, user_key_str(&upn));
    c->uri_key = put(&at, user_key_str(&uri));
    c->name = put(&at, texts[0]);
    c->upn = put(&at, texts[1]);
    c->uri = put(&at, texts[2]);
    c->display = put(&at, texts[3]);
    return c;
}

void cached_user_get(const struct cached_user *c, const char *domain, struct user *out)
{
    out->flags = c->flags;
    out->expires = c->expires;
    out->lockout = c->lockout;
    user_field_set(out->name, sizeof(out->name), c->name);
    user_field_set(out->domain, sizeof(out->domain), str_from_c(domain));
    user_field_set(out->upn, sizeof(out->upn), c->upn);
    user_field_set(out->uri, sizeof(out->uri), c->uri);
    user_field_set(out->display, sizeof(out->display), c->display);
}

void user_cache_add(struct user_cache *c, struct cached_user *u)
{
    if (c->count >= USER_CACHE_MAX)
        user_cache_clear(c);
    u->next = c->all;
    c->all = u;
    c->count++;
    table_put(&c->by_name, u->name_key, u);
    if (u->upn_key.len)
        table_put(&c->by_upn, u->upn_key, u);
    if (u->uri_key.len)
        table_put(&c->by_uri, u->uri_key, u);
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
