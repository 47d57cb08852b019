/* SPDX-License-Identifier: MIT */
#include "base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { SMALLEST = 64 };

void buf_fini(struct buf *b)
{
    free(b->ptr);
    *b = (struct buf){ 0 };
}

void buf_clear(struct buf *b)
{
    b->len = 0;
}

void buf_reserve(struct buf *b, size_t more)
{
    if (more <= b->cap - b->len)
        return;
    assert(more <= SIZE_MAX / 4 && b->len <= SIZE_MAX / 4);
    size_t cap = b->cap ? b->cap : SMALLEST;
    while (cap < b->len + more)
        cap *= 2;
    char *grown = realloc(b->ptr, cap);
    if (!grown)
        abort();
    b->ptr = grown;
    b->cap = cap;
}

void buf_add(struct buf *b, struct str s)
{
    if (s.len == 0)
        return;
    buf_reserve(b, s.len);
    memcpy(b->ptr + b->len, s.ptr, s.len);
    b->len += s.len;
}

void buf_add_c(struct buf *b, const char *text)
{
    buf_add(b, str_from_c(text));
}

void buf_add_char(struct buf *b, char c)
{
    buf_reserve(b, 1);
    b->ptr[b->len++] = c;
}

void buf_add_u64(struct buf *b, uint64_t decimal)
{
    char digits[20];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + decimal % 10);
        decimal /= 10;
    } while (decimal);
    buf_add(b, str_of(digits + at, sizeof(digits) - at));
}

void buf_add_hex(struct buf *b, struct str bytes, bool upper)
{
    const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";

    assert(bytes.len <= SIZE_MAX / 8);
    buf_reserve(b, bytes.len * 2);
    for (size_t i = 0; i < bytes.len; i++) {
        unsigned char byte = (unsigned char)bytes.ptr[i];
        b->ptr[b->len++] = digits[byte >> 4];
        b->ptr[b->len++] = digits[byte & 15];
    }
}

/* Formats into the free space; only a text that does not fit is formatted a second time. */
void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list args;

    buf_reserve(b, SMALLEST);
    va_start(args, fmt);
    int n = vsnprintf(b->ptr + b->len, b->cap - b->len, fmt, args);
    va_end(args);
    assert(n >= 0);
    size_t len = (size_t)n;
    if (len >= b->cap - b->len) {
        buf_reserve(b, len + 1);
        va_start(args, fmt);
        vsnprintf(b->ptr + b->len, len + 1, fmt, args);
        va_end(args);
    }
    b->len += len;
}

void buf_consume(struct buf *b, size_t n)
{
    assert(n <= b->len);
    b->len -= n;
    if (b->len > 0 && n > 0)
        memmove(b->ptr, b->ptr + n, b->len);
}
