/* SPDX-License-Identifier: MIT */
/* Accounts read lately, and names nobody has, by every key they are looked up with.  Bounded; what
 * was not used for longest goes first.  A quarter is for names nobody has.  Entries are copies as
 * long as their texts are. */
#ifndef POSTERN_AD_CACHE_H
#define POSTERN_AD_CACHE_H

#include "ad/directory.h"
#include "ad/message.h"
#include "users/name.h"

struct ad_cache;

/* What a look-up is for, as one string: of questions that are the same it is the same. */
struct ad_key {
    char text[1 + USER_KEY_MAX];
    size_t len;
};

/* False for what no account can have. */
bool ad_key_of(enum ad_by by, struct str value, struct ad_key *out);

static inline struct str ad_key_str(const struct ad_key *k)
{
    return str_of(k->text, k->len);
}

struct ad_cache *ad_cache_new(unsigned entries);
void ad_cache_free(struct ad_cache *c);

enum ad_cached { AD_CACHE_UNKNOWN, AD_CACHE_NOBODY, AD_CACHE_FOUND };
enum ad_cached ad_cache_get(struct ad_cache *c, const struct ad_key *key, const char *domain,
                            uint64_t now_ms, struct ad_account *out);

/* Found under `key`, and under its own name, UPN, address and SID from now on; NULL: nobody has
 * the key. */
void ad_cache_put(struct ad_cache *c, const struct ad_key *key, const struct ad_account *a,
                  uint64_t until_ms);
void ad_cache_drop(struct ad_cache *c, const struct ad_change *change);
void ad_cache_clear(struct ad_cache *c);
unsigned ad_cache_count(const struct ad_cache *c);

#endif
