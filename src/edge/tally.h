/* SPDX-License-Identifier: MIT */
/* Counts by address or network: failed sign-ins, connections, what came within a second.  One table
 * for all workers without a lock: slots are atomic, and a count that is lost in a race is one
 * count. Its memory may be given from outside, so that it outlives the process. */
#ifndef POSTERN_EDGE_TALLY_H
#define POSTERN_EDGE_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct tally;

/* What is counted together: the first `bits` of an address of 4 or 16 octets. */
struct tally_name {
    uint8_t octets[16];
    uint8_t len, bits;
};
/* The rest of the address is cleared; IPv4-mapped counts as IPv4.  `bits` of IPv4 and of IPv6. */
struct tally_name tally_name_of(struct str address, unsigned v4_bits, unsigned v6_bits);

enum { TALLY_SLOTS = 65536 };

size_t tally_size(unsigned slots);
/* A table in `memory` of tally_size octets, zeroed or used by an earlier process; NULL: memory of
 * its own.  `slots` is a power of two. */
struct tally *tally_new(void *memory, unsigned slots);
void tally_free(struct tally *t);

/* Counts begin anew `window` after the first; 0: never.  `now` in the same unit, any. */
uint32_t tally_add(struct tally *t, const struct tally_name *n, uint32_t now, uint32_t window);
uint32_t tally_count(const struct tally *t, const struct tally_name *n, uint32_t now,
                     uint32_t window);
void tally_subtract(struct tally *t, const struct tally_name *n);
bool tally_clear(struct tally *t, const struct tally_name *n);
void tally_clear_all(struct tally *t);

struct tally_row {
    struct tally_name name;
    uint32_t count, since;
};
/* Every name with a count. */
void tally_list(const struct tally *t, uint32_t now, uint32_t window,
                void (*each)(void *arg, const struct tally_row *row), void *arg);

#endif
