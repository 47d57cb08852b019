/* SPDX-License-Identifier: MIT */
/* A growable byte buffer: what is to be sent, or what is being composed.  Out of memory ends
 * the process; bounds are the caller's business. */
#ifndef POSTERN_BASE_BUF_H
#define POSTERN_BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/str.h"

struct buf {
    char *ptr;
    size_t len;
    size_t cap;
};

void buf_fini(struct buf *b);  /* frees; the buffer may be used again */
void buf_clear(struct buf *b); /* len = 0, memory kept */
void buf_reserve(struct buf *b, size_t more);
void buf_add(struct buf *b, struct str s);
void buf_add_c(struct buf *b, const char *text);
void buf_add_char(struct buf *b, char c);
void buf_add_u64(struct buf *b, uint64_t decimal);
void buf_add_hex(struct buf *b, struct str bytes, bool upper);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_consume(struct buf *b, size_t n); /* drops the first n bytes */

static inline struct str buf_str(const struct buf *b)
{
    return b->len ? str_of(b->ptr, b->len) : STR_NONE;
}

#endif
