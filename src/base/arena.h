/* SPDX-License-Identifier: MIT */
/* Memory that dies together: one per message, budgeted.  Reset keeps the first block, so an
 * ordinary message costs no allocation. */
#ifndef POSTERN_BASE_ARENA_H
#define POSTERN_BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"
#include "base/str.h"

struct arena_block;

struct arena {
    struct arena_block *first, *current;
    size_t used_total; /* over all blocks since the last reset */
    size_t budget;     /* bytes; asking for more yields NULL and sets `exhausted` */
    bool exhausted;
};

void arena_init(struct arena *a, size_t first_block, size_t budget);
void arena_fini(struct arena *a);
void arena_reset(struct arena *a);

/* Aligned for any object, not zeroed.  NULL when the budget is spent (a fault of the message,
 * not of the process). */
void *arena_alloc(struct arena *a, size_t size) MUST_USE;
void *arena_calloc(struct arena *a, size_t count, size_t size) MUST_USE;
/* Copies; on exhaustion an empty slice. */
struct str arena_dup(struct arena *a, struct str s);
struct str arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
