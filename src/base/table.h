/* SPDX-License-Identifier: MIT */
/* Hash table from byte strings to pointers, with a keyed hash (SipHash-2-4, key drawn at start)
 * so that no sender can choose collisions.  The key slice must live as long as its entry
 * (normally it points into the value). */
#ifndef POSTERN_BASE_TABLE_H
#define POSTERN_BASE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct table_slot {
    struct str key;
    void *value; /* NULL: free */
    uint64_t hash;
};

struct table {
    struct table_slot *slots;
    size_t cap; /* power of two or 0 */
    size_t count;
};

void table_fini(struct table *t); /* frees the slots, not the values */
void *table_get(const struct table *t, struct str key);
/* Replaces; returns the former value or NULL. */
void *table_put(struct table *t, struct str key, void *value);
void *table_remove(struct table *t, struct str key);
/* Iteration: start with *pos = 0; NULL at the end.  Removing while iterating is not allowed. */
void *table_next(const struct table *t, size_t *pos);

/* The same keyed hash, for other uses (which worker owns a user). */
uint64_t table_hash(struct str key);
/* ASCII case folded before hashing. */
uint64_t table_hash_nocase(struct str key);
/* SipHash-2-4 itself, with a key of the caller's choice. */
uint64_t table_siphash(uint64_t k0, uint64_t k1, struct str in, bool nocase);

#endif
