/* SPDX-License-Identifier: MIT */
/* Key material: wiped when done, compared in constant time, never printed. */
#ifndef POSTERN_BASE_SECRET_H
#define POSTERN_BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum { SECRET_MAX = 64 };

struct secret {
    uint8_t bytes[SECRET_MAX];
    size_t len;
};

void secret_set(struct secret *s, struct str bytes); /* asserts that it fits */
void secret_fini(struct secret *s);                  /* wipes */
static inline struct str secret_str(const struct secret *s)
{
    return str_of(s->bytes, s->len);
}

void secret_wipe(void *ptr, size_t len);                     /* not optimised away */
bool secret_equal(const void *a, const void *b, size_t len); /* constant time */
void random_bytes(void *out, size_t len);                    /* getrandom; aborts if it fails */
uint32_t random_u32(void);

#endif
