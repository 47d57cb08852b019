/* SPDX-License-Identifier: MIT */
#include "sip/scan.h"

static bool is_space(char c)
{
    return is_lws(c) || c == '\r' || c == '\n';
}

static bool is_control(char c)
{
    return ((unsigned char)c < 0x20 && c != '\t') || c == 0x7F;
}

bool sip_take_line(struct str *in, struct str *line)
{
    size_t at = 0;

    while (at < in->len) {
        const char *lf = memchr(in->ptr + at, '\n', in->len - at);
        if (!lf)
            return false;
        at = (size_t)(lf - in->ptr) + 1;
        if (at >= 2 && lf[-1] == '\r') {
            *line = str_first(*in, at);
            *in = str_skip(*in, at);
            return true;
        }
    }
    return false;
}

bool sip_take_header(struct str *in, struct str *line)
{
    struct str more;

    if (!sip_take_line(in, line))
        return false;
    while (line->len > 2 && in->len > 0 && is_lws(in->ptr[0]) && sip_take_line(in, &more))
        line->len += more.len;
    return true;
}

bool sip_split_header(struct str line, struct str *name, struct str *value)
{
    struct str rest = line;

    *name = str_take_while(&rest, is_token);
    (void)str_take_while(&rest, is_lws);
    if (name->len == 0 || rest.len == 0 || rest.ptr[0] != ':')
        return false;
    *value = str_trim(str_skip(rest, 1));
    return true;
}

struct str sip_skip_lws(struct str s)
{
    (void)str_take_while(&s, is_space);
    return s;
}

static bool is_host_char(char c)
{
    return is_alpha(c) || is_digit(c) || c == '.' || c == '-' || c == '_';
}

static bool is_ipv6_char(char c)
{
    return is_hex_digit(c) || c == ':' || c == '.';
}

static bool take_host(struct str *s, struct str *host)
{
    struct str start = *s;

    if (s->len == 0)
        return false;
    if (s->ptr[0] != '[') {
        *host = str_take_while(s, is_host_char);
        return host->len > 0;
    }
    *s = str_skip(*s, 1);
    struct str inside = str_take_while(s, is_ipv6_char);
    if (inside.len < 2 || s->len == 0 || s->ptr[0] != ']')
        return false;
    *s = str_skip(*s, 1);
    *host = str_first(start, inside.len + 2);
    return true;
}

bool sip_take_host_port(struct str *s, struct str *host, uint16_t *port)
{
    uint32_t number;

    *port = 0;
    if (!take_host(s, host))
        return false;
    struct str after = sip_skip_lws(*s);
    if (after.len == 0 || after.ptr[0] != ':')
        return true;
    after = sip_skip_lws(str_skip(after, 1));
    struct str digits = str_take_while(&after, is_digit);
    if (!str_to_u32(digits, &number) || number == 0 || number > UINT16_MAX)
        return false;
    *port = (uint16_t)number;
    *s = after;
    return true;
}

/* Position of the first `stop` outside of quotes, the length without one, SIZE_MAX when a quote
 * stays open. */
static size_t find_outside_quotes(struct str s, char stop)
{
    bool quoted = false;

    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && c == stop)
            return i;
    }
    return quoted ? SIZE_MAX : s.len;
}

bool sip_take_params(struct str s, struct str *params, struct str *rest)
{
    s = sip_skip_lws(s);
    *params = *rest = STR_NONE;
    if (s.len == 0)
        return true;
    if (s.ptr[0] != ';' && s.ptr[0] != ',')
        return false;
    size_t end = find_outside_quotes(s, ',');
    if (end == SIZE_MAX)
        return false;
    *params = str_trim(str_skip(str_first(s, end), 1));
    *rest = str_trim(str_skip(s, end + 1));
    return true;
}

struct str sip_take_item(struct str *s, char stop)
{
    size_t end = find_outside_quotes(*s, stop);
    if (end == SIZE_MAX)
        end = s->len;
    struct str item = str_first(*s, end);
    *s = str_skip(*s, end + 1);
    return item;
}

static bool needs_cleaning(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (is_control(s.ptr[i]))
            return true;
    }
    return false;
}

/* Whether a fold begins here: CR LF and a blank.  Its length, or 0. */
static size_t fold_at(const char *p, size_t len)
{
    size_t n = 2;

    if (len < 3 || p[0] != '\r' || p[1] != '\n' || !is_lws(p[2]))
        return 0;
    while (n < len && is_lws(p[n]))
        n++;
    return n;
}

void sip_clean_tail(struct buf *out, size_t from)
{
    size_t to = from;

    for (size_t i = from; i < out->len; i++) {
        size_t fold = fold_at(out->ptr + i, out->len - i);
        if (fold) {
            while (to > from && is_lws(out->ptr[to - 1]))
                to--;
            out->ptr[to++] = ' ';
            i += fold - 1;
        } else if (!is_control(out->ptr[i])) {
            out->ptr[to++] = out->ptr[i];
        }
    }
    out->len = to;
}

void sip_add_clean(struct buf *out, struct str text)
{
    size_t from = out->len;

    buf_add(out, text);
    if (needs_cleaning(text))
        sip_clean_tail(out, from);
}
