/* SPDX-License-Identifier: MIT */
#include "edge/tally.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "base/table.h"

enum { WAYS = 8, NAME_WORDS = 3 };

struct slot {
    atomic_uint_least64_t key;              /* hash of the name; 0: free */
    atomic_uint_least64_t data;             /* since << 32 | count */
    atomic_uint_least64_t name[NAME_WORDS]; /* its octets, for the list only */
};

struct table_head {
    uint64_t k0, k1; /* of the hash: nobody can choose whom to push out */
};

struct tally {
    struct table_head *head;
    struct slot *slots;
    unsigned count;
    void *own;
};

struct tally_name tally_name_of(struct str address, unsigned v4_bits, unsigned v6_bits)
{
    static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
    struct tally_name n = { .len = 0 };

    if (address.len == 16 && memcmp(address.ptr, mapped, sizeof(mapped)) == 0)
        address = str_skip(address, sizeof(mapped));
    if (address.len != 4 && address.len != 16)
        return n;
    n.len = (uint8_t)address.len;
    n.bits = (uint8_t)(n.len == 4 ? v4_bits : v6_bits);
    memcpy(n.octets, address.ptr, n.bits / 8);
    return n;
}

size_t tally_size(unsigned slots)
{
    return sizeof(struct table_head) + (size_t)slots * sizeof(struct slot);
}

struct tally *tally_new(void *memory, unsigned slots)
{
    struct tally *t = calloc(1, sizeof(*t));

    assert(t && slots >= WAYS && (slots & (slots - 1)) == 0);
    if (!memory)
        memory = t->own = calloc(1, tally_size(slots));
    assert(memory);
    t->head = memory;
    t->slots = (struct slot *)(t->head + 1);
    t->count = slots;
    if (t->head->k0 == 0 && t->head->k1 == 0)
        random_bytes(t->head, sizeof(*t->head));
    return t;
}

void tally_free(struct tally *t)
{
    if (!t)
        return;
    free(t->own);
    free(t);
}

static uint64_t key_of(const struct tally *t, const struct tally_name *n)
{
    uint64_t key = table_siphash(t->head->k0, t->head->k1, str_of(n, sizeof(*n)), false);
    return key ? key : 1;
}

static uint32_t count_of(uint64_t data)
{
    return (uint32_t)data;
}

static uint32_t since_of(uint64_t data)
{
    return (uint32_t)(data >> 32);
}

/* Workers look at the clock once a turn: one may count a little earlier than another did. */
static bool is_over(uint64_t data, uint32_t now, uint32_t window)
{
    uint32_t since = since_of(data);

    return count_of(data) == 0 || (window && now - since >= window && since - now > window);
}

static struct slot *find(const struct tally *t, uint64_t key)
{
    struct slot *set = &t->slots[key % t->count & ~(uint64_t)(WAYS - 1)];

    for (unsigned i = 0; i < WAYS; i++)
        if (atomic_load_explicit(&set[i].key, memory_order_relaxed) == key)
            return &set[i];
    return NULL;
}

static void put_name(struct slot *s, const struct tally_name *n)
{
    uint64_t words[NAME_WORDS] = { 0 };

    memcpy(words, n, sizeof(*n));
    for (unsigned i = 0; i < NAME_WORDS; i++)
        atomic_store_explicit(&s->name[i], words[i], memory_order_relaxed);
}

static struct tally_name get_name(const struct slot *s)
{
    uint64_t words[NAME_WORDS];
    struct tally_name n;

    for (unsigned i = 0; i < NAME_WORDS; i++)
        words[i] = atomic_load_explicit(&s->name[i], memory_order_relaxed);
    memcpy(&n, words, sizeof(n));
    return n;
}

/* The slot in which least is lost: one that is free or over, else the smallest count. */
static struct slot *claim(struct tally *t, uint64_t key, const struct tally_name *n, uint32_t now,
                          uint32_t window)
{
    struct slot *set = &t->slots[key % t->count & ~(uint64_t)(WAYS - 1)], *best = set;
    uint64_t least = UINT64_MAX;

    for (unsigned i = 0; i < WAYS; i++) {
        uint64_t data = atomic_load_explicit(&set[i].data, memory_order_relaxed);
        uint64_t weight = is_over(data, now, window) ? 0 : count_of(data);
        if (weight < least) {
            least = weight;
            best = &set[i];
        }
    }
    atomic_store_explicit(&best->key, 0, memory_order_relaxed);
    atomic_store_explicit(&best->data, 0, memory_order_relaxed);
    put_name(best, n);
    atomic_store_explicit(&best->key, key, memory_order_release);
    return best;
}

uint32_t tally_add(struct tally *t, const struct tally_name *n, uint32_t now, uint32_t window)
{
    uint64_t key = key_of(t, n), before, after;
    struct slot *s = find(t, key);

    if (!s)
        s = claim(t, key, n, now, window);
    before = atomic_load_explicit(&s->data, memory_order_relaxed);
    do
        after = is_over(before, now, window)    ? (uint64_t)now << 32 | 1
                : count_of(before) < UINT32_MAX ? before + 1
                                                : before;
    while (!atomic_compare_exchange_weak_explicit(&s->data, &before, after, memory_order_relaxed,
                                                  memory_order_relaxed));
    return count_of(after);
}

uint32_t tally_count(const struct tally *t, const struct tally_name *n, uint32_t now,
                     uint32_t window)
{
    struct slot *s = find(t, key_of(t, n));
    uint64_t data = s ? atomic_load_explicit(&s->data, memory_order_relaxed) : 0;

    return is_over(data, now, window) ? 0 : count_of(data);
}

void tally_subtract(struct tally *t, const struct tally_name *n)
{
    struct slot *s = find(t, key_of(t, n));
    uint64_t before = s ? atomic_load_explicit(&s->data, memory_order_relaxed) : 0;

    while (count_of(before) > 0 &&
           !atomic_compare_exchange_weak_explicit(&s->data, &before, before - 1,
                                                  memory_order_relaxed, memory_order_relaxed))
        ;
}

bool tally_clear(struct tally *t, const struct tally_name *n)
{
    struct slot *s = find(t, key_of(t, n));

    return s && count_of(atomic_exchange(&s->data, 0)) > 0;
}

void tally_clear_all(struct tally *t)
{
    for (unsigned i = 0; i < t->count; i++)
        atomic_store(&t->slots[i].data, 0);
}

/* Two that took one slot at the same moment may have left the name of one with the key of the
 * other: then whose count it is cannot be told. */
void tally_list(const struct tally *t, uint32_t now, uint32_t window,
                void (*each)(void *arg, const struct tally_row *row), void *arg)
{
    for (unsigned i = 0; i < t->count; i++) {
        const struct slot *s = &t->slots[i];
        uint64_t data = atomic_load_explicit(&s->data, memory_order_relaxed);
        uint64_t key = atomic_load_explicit(&s->key, memory_order_acquire);

        if (key == 0 || is_over(data, now, window))
            continue;
        struct tally_name name = get_name(s);
        if (key_of(t, &name) == key)
            each(arg, &(struct tally_row){
                          .name = name, .count = count_of(data), .since = since_of(data) });
    }
}
