/* SPDX-License-Identifier: MIT */
/* Little-endian reader and writer.  Both remember the first overrun in `bad` and do nothing
 * harmful after it, so one question at the end is enough. */
#ifndef POSTERN_BASE_WIRE_H
#define POSTERN_BASE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct wire {
    struct str all;
    size_t pos;
    bool bad;
};

uint8_t wire_u8(struct wire *w);
uint16_t wire_u16(struct wire *w);
uint32_t wire_u32(struct wire *w);
uint64_t wire_u64(struct wire *w);
struct str wire_bytes(struct wire *w, size_t len);             /* the next len bytes */
struct str wire_at(struct wire *w, size_t offset, size_t len); /* anywhere; does not move */
struct str wire_text(struct wire *w, size_t max); /* as wire_put_text wrote it; longer is bad */
size_t wire_left(const struct wire *w);

struct wire_out {
    uint8_t *ptr;
    size_t cap;
    size_t len;
    bool bad; /* did not fit; len stays at what fitted */
};

void wire_put_u8(struct wire_out *w, uint8_t v);
void wire_put_u16(struct wire_out *w, uint16_t v);
void wire_put_u32(struct wire_out *w, uint32_t v);
void wire_put_u64(struct wire_out *w, uint64_t v);
void wire_put_bytes(struct wire_out *w, struct str bytes);
/* The length as 16 bits, then the octets; more than max (65535 at most) is bad. */
void wire_put_text(struct wire_out *w, struct str text, size_t max);
void wire_put_zeros(struct wire_out *w, size_t n);

#endif
