/* SPDX-License-Identifier: MIT */
/* The LDIF file of `postern user import`. */
#include "users/ldif.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile unsigned sum; /* so that what is read is read */

static unsigned touch(struct str s)
{
    unsigned n = 0;

    for (size_t i = 0; i < s.len; i++)
        n += (unsigned char)s.ptr[i];
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ldif l = { .rest = str_of(data, size) };
    struct arena arena;
    struct ldif_record r;

    arena_init(&arena, 512, 1 << 16);
    ldif_looks_like(l.rest);
    for (;;) {
        bool good = ldif_next(&l, &arena, &r);

        if (!good && !l.problem)
            break;
        for (unsigned i = 0; good && i < r.count; i++)
            sum += touch(r.attributes[i].name) + touch(r.attributes[i].value);
        sum += good ? touch(r.dn) : touch(str_from_c(l.problem));
        arena_reset(&arena);
    }
    arena_fini(&arena);
    return 0;
}
