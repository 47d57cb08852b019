/* SPDX-License-Identifier: MIT */
/* TLS counts in big-endian; the reader it is read with is base/wire.h. */
#ifndef POSTERN_TLS_BE_H
#define POSTERN_TLS_BE_H

#include "base/wire.h"

static inline uint16_t be16(struct wire *w)
{
    unsigned high = wire_u8(w);
    return (uint16_t)(high << 8 | wire_u8(w));
}

static inline size_t be24(struct wire *w)
{
    size_t high = wire_u8(w);
    return high << 16 | be16(w);
}

/* An opaque field of TLS: its length in two octets, then its bytes. */
static inline struct str be_opaque16(struct wire *w)
{
    return wire_bytes(w, be16(w));
}

#endif
