/* SPDX-License-Identifier: MIT */
#include "base/arena.h"

#include <assert.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct arena_block {
    struct arena_block *next;
    size_t cap, used;
    alignas(max_align_t) char data[];
};

enum { ALIGNMENT = alignof(max_align_t) };

static struct arena_block *block_new(size_t cap)
{
    struct arena_block *block = malloc(sizeof(*block) + cap);

    if (!block)
        abort();
    block->next = NULL;
    block->cap = cap;
    block->used = 0;
    return block;
}

static void free_chain(struct arena_block *block)
{
    while (block) {
        struct arena_block *next = block->next;
        free(block);
        block = next;
    }
}

void arena_init(struct arena *a, size_t first_block, size_t budget)
{
    *a = (struct arena){ .first = block_new(first_block), .budget = budget };
    a->current = a->first;
}

void arena_fini(struct arena *a)
{
    free_chain(a->first);
    *a = (struct arena){ 0 };
}

void arena_reset(struct arena *a)
{
    free_chain(a->first->next);
    a->first->next = NULL;
    a->first->used = 0;
    a->current = a->first;
    a->used_total = 0;
    a->exhausted = false;
}

/* Makes room for `size` bytes in the current block, adding one if need be. */
static struct arena_block *block_with(struct arena *a, size_t size)
{
    struct arena_block *block = a->current;

    if (size <= block->cap - block->used)
        return block;
    block->next = block_new(size > a->first->cap ? size : a->first->cap);
    a->current = block->next;
    return a->current;
}

void *arena_alloc(struct arena *a, size_t size)
{
    size_t rounded = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);

    if (rounded < size || rounded > a->budget - a->used_total) {
        a->exhausted = true;
        return NULL;
    }
    struct arena_block *block = block_with(a, rounded);
    void *ptr = block->data + block->used;
    block->used += rounded;
    a->used_total += rounded;
    return ptr;
}

void *arena_calloc(struct arena *a, size_t count, size_t size)
{
    size_t total;

    if (__builtin_mul_overflow(count, size, &total)) {
        a->exhausted = true;
        return NULL;
    }
    void *ptr = arena_alloc(a, total);
    return ptr ? memset(ptr, 0, total) : NULL;
}

struct str arena_dup(struct arena *a, struct str s)
{
    char *copy = s.len ? arena_alloc(a, s.len) : NULL;

    if (!copy)
        return STR_NONE;
    memcpy(copy, s.ptr, s.len);
    return str_of(copy, s.len);
}

/* The terminating NUL is in the arena too, so the result can be handed to C functions. */
struct str arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    assert(n >= 0);
    char *text = arena_alloc(a, (size_t)n + 1);
    if (!text)
        return STR_NONE;
    va_start(args, fmt);
    vsnprintf(text, (size_t)n + 1, fmt, args);
    va_end(args);
    return str_of(text, (size_t)n);
}
