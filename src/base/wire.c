/* SPDX-License-Identifier: MIT */
#include "base/wire.h"

size_t wire_left(const struct wire *w)
{
    return w->bad ? 0 : w->all.len - w->pos;
}

/* Assembled byte by byte: no alignment and no byte order of the host matters. */
static uint64_t read_le(struct wire *w, size_t bytes)
{
    uint64_t value = 0;

    if (bytes > wire_left(w)) {
        w->bad = true;
        return 0;
    }
    for (size_t i = 0; i < bytes; i++)
        value |= (uint64_t)(unsigned char)w->all.ptr[w->pos + i] << (8 * i);
    w->pos += bytes;
    return value;
}

uint8_t wire_u8(struct wire *w)
{
    return (uint8_t)read_le(w, 1);
}

uint16_t wire_u16(struct wire *w)
{
    return (uint16_t)read_le(w, 2);
}

uint32_t wire_u32(struct wire *w)
{
    return (uint32_t)read_le(w, 4);
}

uint64_t wire_u64(struct wire *w)
{
    return read_le(w, 8);
}

struct str wire_bytes(struct wire *w, size_t len)
{
    if (len > wire_left(w)) {
        w->bad = true;
        return STR_NONE;
    }
    struct str bytes = str_of(w->all.ptr + w->pos, len);
    w->pos += len;
    return bytes;
}

struct str wire_text(struct wire *w, size_t max)
{
    size_t len = wire_u16(w);

    if (len > max)
        w->bad = true;
    return w->bad ? STR_NONE : wire_bytes(w, len);
}

struct str wire_at(struct wire *w, size_t offset, size_t len)
{
    if (w->bad || offset > w->all.len || len > w->all.len - offset) {
        w->bad = true;
        return STR_NONE;
    }
    return str_of(w->all.ptr + offset, len);
}

/* Space for `len` more bytes, or NULL. */
static uint8_t *room(struct wire_out *w, size_t len)
{
    if (w->bad || len > w->cap - w->len) {
        w->bad = true;
        return NULL;
    }
    uint8_t *at = w->ptr + w->len;
    w->len += len;
    return at;
}

static void write_le(struct wire_out *w, uint64_t v, size_t bytes)
{
    uint8_t *at = room(w, bytes);

    for (size_t i = 0; at && i < bytes; i++)
        at[i] = (uint8_t)(v >> (8 * i));
}

void wire_put_u8(struct wire_out *w, uint8_t v)
{
    write_le(w, v, 1);
}

void wire_put_u16(struct wire_out *w, uint16_t v)
{
    write_le(w, v, 2);
}

void wire_put_u32(struct wire_out *w, uint32_t v)
{
    write_le(w, v, 4);
}

void wire_put_u64(struct wire_out *w, uint64_t v)
{
    write_le(w, v, 8);
}

void wire_put_bytes(struct wire_out *w, struct str bytes)
{
    uint8_t *at = bytes.len ? room(w, bytes.len) : NULL;

    if (at)
        memcpy(at, bytes.ptr, bytes.len);
}

void wire_put_text(struct wire_out *w, struct str text, size_t max)
{
    if (text.len > max || text.len > UINT16_MAX) {
        w->bad = true;
        return;
    }
    wire_put_u16(w, (uint16_t)text.len);
    wire_put_bytes(w, text);
}

void wire_put_zeros(struct wire_out *w, size_t n)
{
    uint8_t *at = n ? room(w, n) : NULL;

    if (at)
        memset(at, 0, n);
}
