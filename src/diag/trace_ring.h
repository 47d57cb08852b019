/* SPDX-License-Identifier: MIT */
/* Records on their way from one thread to the writer: a ring of bytes with one producer and one
 * consumer, no locks.  Each record lies in one piece. */
#ifndef POSTERN_DIAG_TRACE_RING_H
#define POSTERN_DIAG_TRACE_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum { TRACE_RING_SIZE = 1 << 20 };

struct trace_ring {
    _Alignas(64) _Atomic uint64_t head; /* written by the producer */
    _Alignas(64) _Atomic uint64_t tail; /* written by the consumer */
    char *data;                         /* TRACE_RING_SIZE octets */
};

/* False when the ring is full.  `fill` gets the octets waiting afterwards. */
bool trace_ring_push(struct trace_ring *r, uint32_t seq, struct str record, uint64_t *fill);

/* The record at *pos, which must be below `limit`, a value of `head` read before; skips the gap at
 * the ring's end.  False when there is none. */
bool trace_ring_peek(const struct trace_ring *r, uint64_t *pos, uint64_t limit, uint32_t *seq,
                     struct str *record);
/* The position behind a record just peeked. */
uint64_t trace_ring_after(uint64_t pos, struct str record);

#endif
