/* SPDX-License-Identifier: MIT */
#include "diag/trace_ring.h"

#include <string.h>

struct frame {
    uint32_t len; /* GAP: nothing more up to the ring's end */
    uint32_t seq;
};
#define GAP UINT32_MAX

enum { ALIGN = sizeof(struct frame) }; /* so that a gap always has room for its frame */

static uint64_t frame_size(size_t len)
{
    return (sizeof(struct frame) + len + ALIGN - 1) & ~(uint64_t)(ALIGN - 1);
}

static void put_frame(struct trace_ring *r, uint64_t pos, uint32_t len, uint32_t seq)
{
    struct frame f = { .len = len, .seq = seq };
    memcpy(r->data + (pos & (TRACE_RING_SIZE - 1)), &f, sizeof(f));
}

bool trace_ring_push(struct trace_ring *r, uint32_t seq, struct str record, uint64_t *fill)
{
    uint64_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
    uint64_t tail = atomic_load_explicit(&r->tail, memory_order_acquire);
    uint64_t need = frame_size(record.len);
    uint64_t to_end = TRACE_RING_SIZE - (head & (TRACE_RING_SIZE - 1));
    uint64_t gap = to_end < need ? to_end : 0;

    if (TRACE_RING_SIZE - (head - tail) < gap + need)
        return false;
    if (gap) {
        put_frame(r, head, GAP, 0);
        head += gap;
    }
    put_frame(r, head, (uint32_t)record.len, seq);
    memcpy(r->data + (head & (TRACE_RING_SIZE - 1)) + sizeof(struct frame), record.ptr, record.len);
    atomic_store(&r->head, head + need); /* before the look at whether the writer sleeps */
    *fill = head + need - tail;
    return true;
}

bool trace_ring_peek(const struct trace_ring *r, uint64_t *pos, uint64_t limit, uint32_t *seq,
                     struct str *record)
{
    while (*pos != limit) {
        uint64_t at = *pos & (TRACE_RING_SIZE - 1);
        struct frame f;
        memcpy(&f, r->data + at, sizeof(f));
        if (f.len != GAP) {
            *seq = f.seq;
            *record = str_of(r->data + at + sizeof(f), f.len);
            return true;
        }
        *pos += TRACE_RING_SIZE - at;
    }
    return false;
}

uint64_t trace_ring_after(uint64_t pos, struct str record)
{
    return pos + frame_size(record.len);
}
