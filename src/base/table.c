/* SPDX-License-Identifier: MIT */
/* Open addressing with linear probing; removal shifts the followers back, so there are no
 * tombstones and a table that has shrunk is as fast as one that never grew. */
#include "base/table.h"

#include <assert.h>
#include <endian.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/secret.h"

enum { SMALLEST = 16 };

static uint64_t key0, key1;
static pthread_once_t key_drawn = PTHREAD_ONCE_INIT;

static void draw_key(void)
{
    random_bytes(&key0, sizeof(key0));
    random_bytes(&key1, sizeof(key1));
}

static uint64_t rotate(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

/* SipRound of the SipHash paper, 2.2. */
static void sip_rounds(uint64_t v[4], int rounds)
{
    for (int i = 0; i < rounds; i++) {
        v[0] += v[1];
        v[1] = rotate(v[1], 13) ^ v[0];
        v[0] = rotate(v[0], 32);
        v[2] += v[3];
        v[3] = rotate(v[3], 16) ^ v[2];
        v[0] += v[3];
        v[3] = rotate(v[3], 21) ^ v[0];
        v[2] += v[1];
        v[1] = rotate(v[1], 17) ^ v[2];
        v[2] = rotate(v[2], 32);
    }
}

/* Up to 8 bytes as a little-endian word, ASCII letters in lower case if asked. */
static uint64_t word_of(const char *ptr, size_t len, bool nocase)
{
    uint64_t word = 0;

    if (len == 8 && !nocase) {
        memcpy(&word, ptr, 8);
        return le64toh(word);
    }
    for (size_t i = 0; i < len; i++) {
        char c = nocase ? to_lower(ptr[i]) : ptr[i];
        word |= (uint64_t)(unsigned char)c << (8 * i);
    }
    return word;
}

uint64_t table_siphash(uint64_t k0, uint64_t k1, struct str in, bool nocase)
{
    uint64_t v[4] = { k0 ^ 0x736f6d6570736575u, k1 ^ 0x646f72616e646f6du, k0 ^ 0x6c7967656e657261u,
                      k1 ^ 0x7465646279746573u };
    size_t whole = in.len / 8 * 8;

    for (size_t at = 0; at <= whole; at += 8) {
        uint64_t word = word_of(in.ptr + at, at < whole ? 8 : in.len - whole, nocase);
        if (at == whole)
            word |= (uint64_t)in.len << 56;
        v[3] ^= word;
        sip_rounds(v, 2);
        v[0] ^= word;
    }
    v[2] ^= 0xff;
    sip_rounds(v, 4);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t table_hash(struct str key)
{
    pthread_once(&key_drawn, draw_key);
    return table_siphash(key0, key1, key, false);
}

uint64_t table_hash_nocase(struct str key)
{
    pthread_once(&key_drawn, draw_key);
    return table_siphash(key0, key1, key, true);
}

void table_fini(struct table *t)
{
    free(t->slots);
    *t = (struct table){ 0 };
}

/* The slot that holds the key, or the free one where it belongs; the table is never full. */
static struct table_slot *slot_for(const struct table *t, struct str key, uint64_t hash)
{
    size_t at = hash & (t->cap - 1);

    while (t->slots[at].value && !(t->slots[at].hash == hash && str_eq(t->slots[at].key, key)))
        at = (at + 1) & (t->cap - 1);
    return &t->slots[at];
}

void *table_get(const struct table *t, struct str key)
{
    return t->count ? slot_for(t, key, table_hash(key))->value : NULL;
}

static void grow(struct table *t)
{
    struct table bigger = { .cap = t->cap ? t->cap * 2 : SMALLEST, .count = t->count };

    bigger.slots = calloc(bigger.cap, sizeof(*bigger.slots));
    if (!bigger.slots)
        abort();
    for (size_t i = 0; i < t->cap; i++) {
        if (t->slots[i].value)
            *slot_for(&bigger, t->slots[i].key, t->slots[i].hash) = t->slots[i];
    }
    free(t->slots);
    *t = bigger;
}

void *table_put(struct table *t, struct str key, void *value)
{
    assert(value);
    if ((t->count + 1) * 4 > t->cap * 3)
        grow(t);
    uint64_t hash = table_hash(key);
    struct table_slot *slot = slot_for(t, key, hash);
    void *former = slot->value;
    *slot = (struct table_slot){ .key = key, .value = value, .hash = hash };
    if (!former)
        t->count++;
    return former;
}

/* Closes the gap at `hole`: an entry further on in the same run moves back unless that would
 * put it before its own home. */
static void shift_back(struct table *t, size_t hole)
{
    size_t mask = t->cap - 1;

    for (size_t at = (hole + 1) & mask; t->slots[at].value; at = (at + 1) & mask) {
        size_t home = t->slots[at].hash & mask;
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            t->slots[hole] = t->slots[at];
            hole = at;
        }
    }
    t->slots[hole] = (struct table_slot){ 0 };
}

void *table_remove(struct table *t, struct str key)
{
    if (t->count == 0)
        return NULL;
    struct table_slot *slot = slot_for(t, key, table_hash(key));
    void *value = slot->value;
    if (value) {
        shift_back(t, (size_t)(slot - t->slots));
        t->count--;
    }
    return value;
}

void *table_next(const struct table *t, size_t *pos)
{
    while (*pos < t->cap) {
        void *value = t->slots[(*pos)++].value;
        if (value)
            return value;
    }
    return NULL;
}
