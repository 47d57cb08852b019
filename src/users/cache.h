/* SPDX-License-Identifier: MIT */
/* Users read from a slower source lately, found by name, UPN or SIP address.  Hashes stay sealed
 * here.  When full it is emptied: what is in use comes back at once. */
#ifndef POSTERN_USERS_CACHE_H
#define POSTERN_USERS_CACHE_H

#include "base/table.h"
#include "users/name.h"
#include "users/seal.h"

enum { USER_CACHE_MAX = 2048 };

struct cached_user {
    struct cached_user *next;
    struct user user;
    int64_t id;
    uint8_t sealed[SEALED_LEN];
    size_t sealed_len;
    struct user_key name, upn, uri;
};

struct user_cache {
    struct table by_name, by_upn, by_uri;
    struct cached_user *all;
    size_t count;
};

void user_cache_add(struct user_cache *c, struct cached_user *u); /* takes it over */
void user_cache_clear(struct user_cache *c);

#endif
