/* SPDX-License-Identifier: MIT */
/* Users read from a slower source lately, found by name, UPN or SIP address.  Hashes stay sealed
 * here.  When full it is emptied: what is in use comes back at once. */
#ifndef POSTERN_USERS_CACHE_H
#define POSTERN_USERS_CACHE_H

#include "base/table.h"
#include "users/name.h"
#include "users/seal.h"

enum { USER_CACHE_MAX = 16384 };

/* As long as its texts are: a few hundred octets, where struct user has room for the longest. */
struct cached_user {
    struct cached_user *next;
    int64_t id, expires;
    struct user_lockout lockout;
    unsigned flags;
    uint8_t sealed[SEALED_LEN];
    uint8_t sealed_len;
    struct str name_key, upn_key, uri_key; /* into text, as the ones below */
    struct str name, upn, uri, display;
    char text[];
};

struct user_cache {
    struct table by_name, by_upn, by_uri;
    struct cached_user *all;
    size_t count;
};

/* A copy of the user; `sealed` is empty or SEALED_LEN octets. */
struct cached_user *cached_user_new(const struct user *u, int64_t id, struct str sealed);
/* The user as the store's callers see it; `domain` is the store's. */
void cached_user_get(const struct cached_user *c, const char *domain, struct user *out);

void user_cache_add(struct user_cache *c, struct cached_user *u); /* takes it over */
void user_cache_clear(struct user_cache *c);

#endif
