/* SPDX-License-Identifier: MIT */
#include "sip/frame.h"

#include "sip/chars.h"

enum {
    /* Longer than any method or URI scheme in use: what goes on without a blank or a colon is
     * not SIP. */
    WORD_MAX = 64,
    /* Beyond this the first bytes have been looked at before. */
    OPENING_MAX = 2 * WORD_MAX,
};

/* Blanks between messages are not only CR LF CR LF: a stray CR or LF harms nobody. */
static size_t count_blank(struct str in)
{
    size_t n = 0;

    while (n < in.len && (in.ptr[n] == '\r' || in.ptr[n] == '\n'))
        n++;
    return n;
}

/* Whether more bytes can make a start line of this: "SIP/2.0 ..." or METHOD SP scheme ":".  TLS
 * hellos and "GET / HTTP/1.1" cannot. */
static bool may_be_sip(struct str in)
{
    struct str word = sip_take(&in, SIP_CHAR_TOKEN);

    if (word.len == 0 || word.len > WORD_MAX)
        return false;
    if (in.len == 0)
        return true;
    if (in.ptr[0] == '/')
        return str_eq_nocase(word, STR("SIP"));
    if (str_take_while(&in, is_lws).len == 0)
        return false;
    word = sip_take(&in, SIP_CHAR_TOKEN);
    if (in.len == 0)
        return word.len <= WORD_MAX;
    /* the forms RFC 4475 3.1.2.9 wants a 400 for begin with '<' */
    return in.ptr[0] == '<' || (word.len > 0 && word.len <= WORD_MAX && in.ptr[0] == ':');
}

/* The end of the head: an empty line.  Lines that end in a lone LF count here, so that a head
 * written with them ends somewhere; the parser refuses it. */
static size_t find_head_end(struct str in, size_t *scanned)
{
    size_t at = *scanned;

    while (at < in.len) {
        const char *lf = memchr(in.ptr + at, '\n', in.len - at);
        if (!lf) {
            *scanned = in.len;
            return 0;
        }
        size_t next = (size_t)(lf - in.ptr) + 1;
        if (next < in.len && in.ptr[next] == '\n')
            return next + 1;
        if (next + 1 < in.len && in.ptr[next] == '\r' && in.ptr[next + 1] == '\n')
            return next + 2;
        *scanned = next - 1;
        if (next == in.len || (next + 1 == in.len && in.ptr[next] == '\r'))
            return 0;
        at = next;
    }
    return 0;
}

/* The value when the line is Content-Length or its short form. */
static bool is_content_length(struct str line, struct str *value)
{
    struct str name = sip_take(&line, SIP_CHAR_TOKEN);

    if (!str_eq_nocase(name, STR("l")) && !str_eq_nocase(name, STR("Content-Length")))
        return false;
    str_take_while(&line, is_lws);
    if (!sip_take_char(&line, ':'))
        return false;
    *value = line;
    return true;
}

static bool is_fold(struct str in, size_t at)
{
    return at < in.len && is_lws(in.ptr[at]);
}

/* Where the line (folds included) that begins at `at` ends, its LF included. */
static size_t line_end(struct str head, size_t at)
{
    do {
        const char *lf = memchr(head.ptr + at, '\n', head.len - at);
        at = lf ? (size_t)(lf - head.ptr) + 1 : head.len;
    } while (is_fold(head, at));
    return at;
}

static enum fault read_length(struct str head, uint32_t *length)
{
    bool seen = false;

    *length = 0;
    for (size_t at = line_end(head, 0), end; at < head.len; at = end) {
        struct str value;
        char first = to_lower(head.ptr[at]);
        end = line_end(head, at);
        if ((first != 'l' && first != 'c') ||
            !is_content_length(str_of(head.ptr + at, end - at), &value))
            continue;
        if (seen)
            return FAULT_SIP_DUPLICATE_HEADER;
        if (!str_to_u32(str_trim(value), length))
            return FAULT_SIP_CONTENT_LENGTH;
        seen = true;
    }
    return FAULT_NONE;
}

static void broken(struct sip_frame *f, enum fault fault)
{
    f->status = SIP_FRAME_BROKEN;
    f->fault = fault;
}

void sip_frame_next(struct str in, size_t message_max, struct sip_frame *f)
{
    uint32_t body;

    *f = (struct sip_frame){ .status = SIP_FRAME_MORE, .need = 1, .scanned = f->scanned };
    if (in.len == 0)
        return;
    f->total = count_blank(in);
    if (f->total > 0) {
        f->status = SIP_FRAME_BLANK;
        return;
    }
    if (f->scanned < OPENING_MAX && !may_be_sip(str_first(in, OPENING_MAX + 2)))
        return broken(f, FAULT_SIP_NOT_SIP);
    f->head_len = find_head_end(in, &f->scanned);
    if (f->head_len == 0) {
        if (in.len >= message_max)
            broken(f, FAULT_SIP_TOO_LARGE);
        return;
    }
    enum fault fault = read_length(str_first(in, f->head_len), &body);
    if (fault != FAULT_NONE)
        return broken(f, fault);
    f->total = f->head_len + body;
    if (f->total > message_max)
        return broken(f, FAULT_SIP_TOO_LARGE);
    if (f->total <= in.len)
        f->status = SIP_FRAME_MESSAGE;
    else
        f->need = f->total - in.len;
}
