/* SPDX-License-Identifier: MIT */
/* The file of `postern user import`. */
#include "users/csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct csv c = { .rest = str_of(data, size) };
    struct arena arena;
    struct str fields[6];
    unsigned count;

    arena_init(&arena, 1024, 1 << 20);
    while (csv_next(&c, &arena, fields, 6, &count))
        arena_reset(&arena);
    arena_fini(&arena);
    return 0;
}
