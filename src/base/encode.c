/* SPDX-License-Identifier: MIT */
#include "base/encode.h"

#include <assert.h>

static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* Writes the 4 characters of up to 3 bytes; positions without input become '='. */
static void encode_group(const char *alphabet, const unsigned char *in, size_t len, char out[4])
{
    uint32_t bits = (uint32_t)in[0] << 16;

    if (len > 1)
        bits |= (uint32_t)in[1] << 8;
    if (len > 2)
        bits |= in[2];
    out[0] = alphabet[bits >> 18];
    out[1] = alphabet[bits >> 12 & 63];
    out[2] = len > 1 ? alphabet[bits >> 6 & 63] : '=';
    out[3] = len > 2 ? alphabet[bits & 63] : '=';
}

static void encode(const char *alphabet, struct str in, struct buf *out)
{
    const unsigned char *bytes = (const unsigned char *)in.ptr;

    assert(in.len <= SIZE_MAX / 8);
    buf_reserve(out, (in.len + 2) / 3 * 4);
    for (size_t at = 0; at < in.len; at += 3) {
        encode_group(alphabet, bytes + at, in.len - at, out->ptr + out->len);
        out->len += 4;
    }
}

void base64_encode(struct str in, struct buf *out)
{
    encode(standard, in, out);
}

void base64url_encode(struct str in, struct buf *out)
{
    encode(url_safe, in, out);
    if (in.len % 3)
        out->len -= 3 - in.len % 3;
}

/* Values of the first 128 characters; a table, because branches on random text are guessed wrong.
 */
static const int8_t sextets[128] = {
    -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
    -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 62,
    -1, -1, -1, 63, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, -1, -1, -1, -1, -1, -1, -1, 0,
    1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22,
    23, 24, 25, -1, -1, -1, -1, -1, -1, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38,
    39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, -1, -1, -1, -1, -1,
};

static int sextet(char c)
{
    return (unsigned char)c < sizeof(sextets) ? sextets[(unsigned char)c] : -1;
}

/* One group of 4 characters, `len` result bytes wanted.  The bits that padding leaves over must
 * be zero (RFC 4648 3.5): one text for one value. */
static bool decode_group(const char *in, size_t len, char *out)
{
    uint32_t bits = 0;

    for (size_t i = 0; i < 4; i++) {
        int value = i <= len ? sextet(in[i]) : 0;
        if (value < 0)
            return false;
        bits = bits << 6 | (uint32_t)value;
    }
    for (size_t i = 0; i < len; i++)
        out[i] = (char)(bits >> (16 - 8 * i));
    return (bits & (0xffffffu >> (8 * len))) == 0;
}

static size_t padding_of(struct str in)
{
    if (in.len == 0 || in.ptr[in.len - 1] != '=')
        return 0;
    return in.ptr[in.len - 2] == '=' ? 2 : 1;
}

bool base64_decode(struct str in, struct arena *arena, struct str *out)
{
    *out = STR_NONE;
    if (in.len % 4 != 0)
        return false;
    size_t len = in.len / 4 * 3 - padding_of(in);
    char *bytes = arena_alloc(arena, len);
    if (!bytes)
        return false;
    for (size_t at = 0; at < len; at += 3) {
        size_t group = len - at < 3 ? len - at : 3;
        if (!decode_group(in.ptr + at / 3 * 4, group, bytes + at))
            return false;
    }
    *out = str_of(bytes, len);
    return true;
}

/* 0 to 15, or 16 for what is no hex digit. */
static unsigned hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    unsigned letter = ((unsigned char)c | 0x20u) - 'a';
    return letter < 6 ? letter + 10 : 16;
}

bool hex_decode(struct str in, void *out, size_t len)
{
    unsigned char *bytes = out;

    if (in.len % 2 != 0 || in.len / 2 != len)
        return false;
    for (size_t i = 0; i < len; i++) {
        unsigned high = hex_value(in.ptr[2 * i]), low = hex_value(in.ptr[2 * i + 1]);
        if (high > 15 || low > 15)
            return false;
        bytes[i] = (unsigned char)(high << 4 | low);
    }
    return true;
}
