/* SPDX-License-Identifier: MIT */
#include "base/utf16.h"

#include <assert.h>

enum { REPLACEMENT = 0xfffd, NO_CHAR = -1 };

/* Characters from `first` to `last`, every `step`-th, have their upper case `delta` further on. */
struct upper_range {
    uint16_t first, last;
    int step, delta;
};

/* Made by scripts/upper-ranges.py, sorted; everything below 0x80 is handled apart.  Windows maps
 * one unit to one unit and only where lower-casing leads back (besides the final sigma): sharp s,
 * dotless i, long s and the micro sign stay.  Letters newer than Unicode 3.2 stay as well, as in
 * the tables of the clients that still write such names. */
static const struct upper_range upper_ranges[] = {
    { 0x00e0, 0x00f6, 1, -32 },  { 0x00f8, 0x00fe, 1, -32 },  { 0x00ff, 0x00ff, 1, 121 },
    { 0x0101, 0x012f, 2, -1 },   { 0x0133, 0x0137, 2, -1 },   { 0x013a, 0x0148, 2, -1 },
    { 0x014b, 0x0177, 2, -1 },   { 0x017a, 0x017e, 2, -1 },   { 0x0183, 0x0185, 2, -1 },
    { 0x0188, 0x0188, 1, -1 },   { 0x018c, 0x018c, 1, -1 },   { 0x0192, 0x0192, 1, -1 },
    { 0x0195, 0x0195, 1, 97 },   { 0x0199, 0x0199, 1, -1 },   { 0x019e, 0x019e, 1, 130 },
    { 0x01a1, 0x01a5, 2, -1 },   { 0x01a8, 0x01a8, 1, -1 },   { 0x01ad, 0x01ad, 1, -1 },
    { 0x01b0, 0x01b0, 1, -1 },   { 0x01b4, 0x01b6, 2, -1 },   { 0x01b9, 0x01b9, 1, -1 },
    { 0x01bd, 0x01bd, 1, -1 },   { 0x01bf, 0x01bf, 1, 56 },   { 0x01c6, 0x01c6, 1, -2 },
    { 0x01c9, 0x01c9, 1, -2 },   { 0x01cc, 0x01cc, 1, -2 },   { 0x01ce, 0x01dc, 2, -1 },
    { 0x01dd, 0x01dd, 1, -79 },  { 0x01df, 0x01ef, 2, -1 },   { 0x01f3, 0x01f3, 1, -2 },
    { 0x01f5, 0x01f5, 1, -1 },   { 0x01f9, 0x021f, 2, -1 },   { 0x0223, 0x0233, 2, -1 },
    { 0x0253, 0x0253, 1, -210 }, { 0x0254, 0x0254, 1, -206 }, { 0x0256, 0x0257, 1, -205 },
    { 0x0259, 0x0259, 1, -202 }, { 0x025b, 0x025b, 1, -203 }, { 0x0260, 0x0260, 1, -205 },
    { 0x0263, 0x0263, 1, -207 }, { 0x0268, 0x0268, 1, -209 }, { 0x0269, 0x0269, 1, -211 },
    { 0x026f, 0x026f, 1, -211 }, { 0x0272, 0x0272, 1, -213 }, { 0x0275, 0x0275, 1, -214 },
    { 0x0280, 0x0280, 1, -218 }, { 0x0283, 0x0283, 1, -218 }, { 0x0288, 0x0288, 1, -218 },
    { 0x028a, 0x028b, 1, -217 }, { 0x0292, 0x0292, 1, -219 }, { 0x03ac, 0x03ac, 1, -38 },
    { 0x03ad, 0x03af, 1, -37 },  { 0x03b1, 0x03c1, 1, -32 },  { 0x03c2, 0x03c2, 1, -31 },
    { 0x03c3, 0x03cb, 1, -32 },  { 0x03cc, 0x03cc, 1, -64 },  { 0x03cd, 0x03ce, 1, -63 },
    { 0x03d9, 0x03ef, 2, -1 },   { 0x0430, 0x044f, 1, -32 },  { 0x0450, 0x045f, 1, -80 },
    { 0x0461, 0x0481, 2, -1 },   { 0x048b, 0x04bf, 2, -1 },   { 0x04c2, 0x04ce, 2, -1 },
    { 0x04d1, 0x04f5, 2, -1 },   { 0x04f9, 0x04f9, 1, -1 },   { 0x0501, 0x050f, 2, -1 },
    { 0x0561, 0x0586, 1, -48 },  { 0x1e01, 0x1e95, 2, -1 },   { 0x1ea1, 0x1ef9, 2, -1 },
    { 0x1f00, 0x1f07, 1, 8 },    { 0x1f10, 0x1f15, 1, 8 },    { 0x1f20, 0x1f27, 1, 8 },
    { 0x1f30, 0x1f37, 1, 8 },    { 0x1f40, 0x1f45, 1, 8 },    { 0x1f51, 0x1f57, 2, 8 },
    { 0x1f60, 0x1f67, 1, 8 },    { 0x1f70, 0x1f71, 1, 74 },   { 0x1f72, 0x1f75, 1, 86 },
    { 0x1f76, 0x1f77, 1, 100 },  { 0x1f78, 0x1f79, 1, 128 },  { 0x1f7a, 0x1f7b, 1, 112 },
    { 0x1f7c, 0x1f7d, 1, 126 },  { 0x1f80, 0x1f87, 1, 8 },    { 0x1f90, 0x1f97, 1, 8 },
    { 0x1fa0, 0x1fa7, 1, 8 },    { 0x1fb0, 0x1fb1, 1, 8 },    { 0x1fb3, 0x1fb3, 1, 9 },
    { 0x1fc3, 0x1fc3, 1, 9 },    { 0x1fd0, 0x1fd1, 1, 8 },    { 0x1fe0, 0x1fe1, 1, 8 },
    { 0x1fe5, 0x1fe5, 1, 7 },    { 0x1ff3, 0x1ff3, 1, 9 },    { 0x2170, 0x217f, 1, -16 },
    { 0x24d0, 0x24e9, 1, -26 },  { 0xff41, 0xff5a, 1, -32 },
};

static uint16_t upper_unit(uint16_t c)
{
    size_t low = 0, high = ARRAY_LEN(upper_ranges);

    while (low < high) {
        size_t middle = (low + high) / 2;
        const struct upper_range *range = &upper_ranges[middle];
        if (c < range->first)
            high = middle;
        else if (c > range->last)
            low = middle + 1;
        else if ((c - range->first) % range->step == 0)
            return (uint16_t)(c + range->delta);
        else
            return c;
    }
    return c;
}

static uint16_t unit_at(struct str in, size_t pos)
{
    return (uint16_t)((unsigned char)in.ptr[pos] | (unsigned char)in.ptr[pos + 1] << 8);
}

static void add_unit(struct buf *out, uint32_t unit)
{
    buf_add_char(out, (char)(unit & 0xff));
    buf_add_char(out, (char)(unit >> 8 & 0xff));
}

void utf16_upper(struct str in, bool ascii_only, struct buf *out)
{
    size_t pos = 0;

    buf_reserve(out, in.len);
    for (; pos + 1 < in.len; pos += 2) {
        uint16_t c = unit_at(in, pos);
        if (c >= 'a' && c <= 'z')
            c = (uint16_t)(c - 0x20);
        else if (c >= 0x80 && !ascii_only)
            c = upper_unit(c);
        add_unit(out, c);
    }
    buf_add(out, str_skip(in, pos));
}

/* How many bytes the first one announces, and its payload bits; 0 when it cannot be a first. */
static size_t utf8_lead(unsigned char byte, int32_t *bits)
{
    static const struct {
        unsigned char mask, value;
    } leads[] = { { 0x80, 0x00 }, { 0xe0, 0xc0 }, { 0xf0, 0xe0 }, { 0xf8, 0xf0 } };

    for (size_t i = 0; i < ARRAY_LEN(leads); i++) {
        if ((byte & leads[i].mask) == leads[i].value) {
            *bits = byte & ~leads[i].mask & 0xff;
            return i + 1;
        }
    }
    return 0;
}

/* Cuts one character off `in`; NO_CHAR for anything RFC 3629 forbids: overlong forms,
 * surrogates, values past U+10FFFF. */
static int32_t utf8_take(struct str *in)
{
    static const int32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    int32_t c = 0;
    size_t len = utf8_lead((unsigned char)in->ptr[0], &c);

    if (len == 0 || len > in->len)
        return NO_CHAR;
    for (size_t i = 1; i < len; i++) {
        if ((in->ptr[i] & 0xc0) != 0x80)
            return NO_CHAR;
        c = c << 6 | (in->ptr[i] & 0x3f);
    }
    if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return NO_CHAR;
    *in = str_skip(*in, len);
    return c;
}

bool utf16_from_utf8(struct str in, struct buf *out)
{
    size_t before = out->len;

    while (in.len > 0) {
        int32_t c = utf8_take(&in);
        if (c == NO_CHAR) {
            out->len = before;
            return false;
        }
        if (c >= 0x10000) {
            add_unit(out, 0xd800 + (uint32_t)(c - 0x10000) / 0x400);
            add_unit(out, 0xdc00 + (uint32_t)(c - 0x10000) % 0x400);
        } else {
            add_unit(out, (uint32_t)c);
        }
    }
    return true;
}

/* Cuts one character off `in`, which is not empty; NO_CHAR for an unpaired surrogate or half a
 * unit, which is then skipped. */
static int32_t utf16_take(struct str *in)
{
    if (in->len < 2) {
        *in = str_skip(*in, in->len);
        return NO_CHAR;
    }
    uint16_t high = unit_at(*in, 0);
    *in = str_skip(*in, 2);
    if (high < 0xd800 || high > 0xdfff)
        return high;
    if (high > 0xdbff || in->len < 2)
        return NO_CHAR;
    uint16_t low = unit_at(*in, 0);
    if (low < 0xdc00 || low > 0xdfff)
        return NO_CHAR;
    *in = str_skip(*in, 2);
    return 0x10000 + (high - 0xd800) * 0x400 + (low - 0xdc00);
}

/* Up to 4 bytes; returns how many. */
static size_t utf8_put(char *out, int32_t c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t len = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = len - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (c & 0x3f));
        c >>= 6;
    }
    out[0] = (char)((0xf00 >> len & 0xff) | c);
    return len;
}

bool utf16_to_utf8(struct str in, struct buf *out)
{
    size_t before = out->len;

    while (in.len > 0) {
        int32_t c = utf16_take(&in);
        if (c == NO_CHAR) {
            out->len = before;
            return false;
        }
        buf_reserve(out, 4);
        out->len += utf8_put(out->ptr + out->len, c);
    }
    return true;
}

/* A unit of 2 bytes needs at most 3 in UTF-8, a pair of 4 needs 4, a lone byte becomes U+FFFD. */
struct str utf16_to_utf8_lossy(struct str in, struct arena *arena)
{
    assert(in.len <= SIZE_MAX / 4);
    char *text = arena_alloc(arena, (in.len + 1) / 2 * 3);
    size_t len = 0;

    while (text && in.len > 0) {
        int32_t c = utf16_take(&in);
        len += utf8_put(text + len, c == NO_CHAR ? REPLACEMENT : c);
    }
    return len ? str_of(text, len) : STR_NONE;
}
