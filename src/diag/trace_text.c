/* SPDX-License-Identifier: MIT */
#include "diag/trace_text.h"

void trace_out_add(struct trace_out *o, struct str s)
{
    size_t room = o->cap - o->len;

    if (s.len > room) {
        o->cut = true;
        s.len = room;
    }
    if (s.len > 0)
        memcpy(o->ptr + o->len, s.ptr, s.len);
    o->len += s.len;
}

void trace_out_decimal(struct trace_out *o, uint64_t n)
{
    char digits[20];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    trace_out_add(o, str_of(digits + at, sizeof(digits) - at));
}

void trace_out_hex(struct trace_out *o, uint32_t n, unsigned digits, bool upper)
{
    const char *alphabet = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    char text[8];
    unsigned len = digits;

    while (len < 8 && n >> (4 * len) != 0)
        len++;
    for (unsigned i = 0; i < len; i++)
        text[i] = alphabet[n >> (4 * (len - 1 - i)) & 15];
    trace_out_add(o, str_of(text, len));
}

/* "TL_ERROR(" or any other level: how a header line begins. */
static bool is_level_mark(struct str s)
{
    size_t i = 3;

    if (!str_starts_nocase(s, STR("TL_")))
        return false;
    while (i < s.len && is_alpha(s.ptr[i]))
        i++;
    return i > 3 && i < s.len && s.ptr[i] == '(';
}

static bool is_record_mark(struct str s)
{
    return str_starts_nocase(s, STR("$$begin_record")) || str_starts_nocase(s, STR("$$end_record"));
}

static bool is_mark(struct str s)
{
    char c = s.ptr[0];
    return c == '$' ? is_record_mark(s) : (c == 'T' || c == 't') && is_level_mark(s);
}

/* Octets of the character that must not appear as it is, 0 when it may: C0 and DEL; C1 (U+0080 to
 * U+009F), which terminals obey; U+2028 and U+2029, which some readers take for line ends. */
static size_t control_len(struct str s)
{
    const unsigned char *p = (const unsigned char *)s.ptr;

    if (p[0] < 0x20)
        return p[0] != '\t';
    if (p[0] == 0x7f)
        return 1;
    if (p[0] == 0xc2 && s.len > 1 && p[1] >= 0x80 && p[1] < 0xa0)
        return 2;
    if (p[0] == 0xe2 && s.len > 2 && p[1] == 0x80 && (p[2] == 0xa8 || p[2] == 0xa9))
        return 3;
    return p[0] >= 0x80 && p[0] < 0xa0; /* outside UTF-8, or the tail of what was cut */
}

/* A continuation octet in its place is part of a letter. */
static size_t letter_len(struct str s)
{
    unsigned char c = (unsigned char)s.ptr[0];
    size_t want = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc2 ? 2 : 1;
    size_t n = 1;

    while (n < want && n < s.len && ((unsigned char)s.ptr[n] & 0xc0) == 0x80)
        n++;
    return n == want ? n : 1;
}

static void escape(struct trace_out *o, struct str octets)
{
    for (size_t i = 0; i < octets.len; i++) {
        trace_out_add(o, STR("\\x"));
        trace_out_hex(o, (unsigned char)octets.ptr[i], 2, true);
    }
}

static void careful(struct trace_out *o, struct str s, bool quoted)
{
    while (s.len > 0 && !o->cut) {
        size_t bad = control_len(s);
        if (bad == 0 && (is_mark(s) || (quoted && s.ptr[0] == '"')))
            bad = 1;
        size_t n = bad ? bad : letter_len(s);
        if (bad)
            escape(o, str_first(s, n));
        else
            trace_out_add(o, str_first(s, n));
        s = str_skip(s, n);
    }
}

static const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;

/* Top bits set where an octet of `x` is `c` (and, after a borrow, perhaps above: only whether any
 * is set counts). */
static uint64_t has(uint64_t x, unsigned char c)
{
    uint64_t zero_where_equal = x ^ ones * c;
    return (zero_where_equal - ones) & ~zero_where_equal;
}

/* Nearly all text is plain: printable ASCII without what a mark needs, '$' or '_'.  Eight octets
 * at a time. */
static bool is_plain(struct str s)
{
    uint64_t odd = 0, x;

    for (; s.len >= 8; s = str_skip(s, 8)) {
        memcpy(&x, s.ptr, 8);
        odd |= x | ((x - ones * 0x20) & ~x) | has(x, 0x7f) | has(x, '$') | has(x, '_');
    }
    if (s.len > 0) {
        x = ones * ' ';
        memcpy(&x, s.ptr, s.len);
        odd |= x | ((x - ones * 0x20) & ~x) | has(x, 0x7f) | has(x, '$') | has(x, '_');
    }
    return (odd & tops) == 0;
}

void trace_out_text(struct trace_out *o, struct str s)
{
    if (is_plain(s))
        trace_out_add(o, s);
    else
        careful(o, s, false);
}

void trace_out_quoted(struct trace_out *o, struct str s)
{
    trace_out_add(o, STR("\""));
    careful(o, s, true);
    trace_out_add(o, STR("\""));
}

void trace_out_lines(struct trace_out *o, struct str s)
{
    while (s.len > 0) {
        struct str line = str_take_until(&s, '\n');
        if (line.len > 0 && line.ptr[line.len - 1] == '\r')
            line.len--;
        trace_out_text(o, line);
        trace_out_add(o, STR("\n"));
    }
}

void trace_out_dump(struct trace_out *o, struct str octets)
{
    size_t room = o->cap - o->len;

    if (octets.len > room) {
        o->cut = true;
        octets.len = room;
    }
    for (size_t i = 0; i < octets.len; i++) {
        char c = octets.ptr[i];
        bool shown = c >= 0x20 && c < 0x7f && c != '"' && !is_mark(str_skip(octets, i));
        o->ptr[o->len++] = shown ? c : '.';
    }
}
