/* SPDX-License-Identifier: MIT */
#include "sip/chars.h"

enum {
    TOKEN = SIP_CHAR_TOKEN | SIP_CHAR_URI,
    HOST = SIP_CHAR_HOST | TOKEN,
    URI = SIP_CHAR_URI,
    SPACE = SIP_CHAR_SPACE,
    CONTROL = SIP_CHAR_CONTROL,
};

/* In the order of ASCII; '"', '<' and '>' are of no class. */
const uint8_t sip_chars[256] = {
    [0 ... 8] = CONTROL,
    ['\t'] = SPACE,
    ['\n'] = SPACE | CONTROL,
    [11 ... 12] = CONTROL,
    ['\r'] = SPACE | CONTROL,
    [14 ... 31] = CONTROL,
    [' '] = SPACE,
    ['!'] = TOKEN,
    ['#' ... '$'] = URI,
    ['%'] = TOKEN,
    ['&'] = URI,
    ['\''] = TOKEN,
    ['(' ... ')'] = URI,
    ['*' ... '+'] = TOKEN,
    [','] = URI,
    ['-' ... '.'] = HOST,
    ['/'] = URI,
    ['0' ... '9'] = HOST,
    [':' ... ';'] = URI,
    ['='] = URI,
    ['?' ... '@'] = URI,
    ['A' ... 'Z'] = HOST,
    ['[' ... '^'] = URI,
    ['_'] = HOST,
    ['`'] = TOKEN,
    ['a' ... 'z'] = HOST,
    ['{' ... '}'] = URI,
    ['~'] = TOKEN,
    [127] = CONTROL,
    [128 ... 255] = URI | SIP_CHAR_HIGH,
};

void sip_make_line(char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (sip_char_is(text[i], SIP_CHAR_CONTROL))
            text[i] = ' ';
    }
}

/* Where the quoted string that begins at s[at] is over, SIZE_MAX when it does not end.  A
 * backslash takes the next octet with it (RFC 3261 25.1 quoted-pair). */
static size_t after_quoted(struct str s, size_t at)
{
    for (size_t i = at + 1; i < s.len; i++) {
        if (s.ptr[i] == '\\')
            i++;
        else if (s.ptr[i] == '"')
            return i + 1;
    }
    return SIZE_MAX;
}

static struct str cut(struct str *s, size_t n)
{
    struct str taken = str_first(*s, n);
    *s = str_skip(*s, n);
    return taken;
}

bool sip_take_quoted(struct str *s, struct str *quoted)
{
    size_t end = s->len > 0 && s->ptr[0] == '"' ? after_quoted(*s, 0) : SIZE_MAX;

    if (end == SIZE_MAX)
        return false;
    *quoted = cut(s, end);
    return true;
}

bool sip_take_element(struct str *s, char stop, struct str *taken)
{
    size_t i = 0;

    while (i < s->len && s->ptr[i] != stop) {
        i = s->ptr[i] == '"' ? after_quoted(*s, i) : i + 1;
        if (i == SIZE_MAX)
            return false;
    }
    *taken = cut(s, i);
    return true;
}

bool sip_take_tail(struct str s, struct str *params, struct str *rest)
{
    *params = *rest = STR_NONE;
    sip_skip_space(&s);
    if (s.len > 0 && s.ptr[0] != ';' && s.ptr[0] != ',')
        return false;
    if (sip_take_char(&s, ';') && !sip_take_element(&s, ',', params))
        return false;
    *params = str_trim(*params);
    *rest = str_trim(str_skip(s, 1));
    return true;
}

bool sip_param_next(struct str *params, struct sip_param *out)
{
    do {
        if (params->len == 0)
            return false;
        if (!sip_take_element(params, ';', &out->whole)) {
            out->whole = *params;
            *params = STR_NONE;
        }
        sip_take_char(params, ';');
        out->whole = str_trim(out->whole);
    } while (out->whole.len == 0);
    size_t equal = str_find_char(out->whole, '=');
    out->name = str_trim(str_first(out->whole, equal));
    out->value = equal == SIZE_MAX ? STR_NONE : str_trim(str_skip(out->whole, equal + 1));
    return true;
}

/* [v6] with its brackets; only the characters are looked at, nobody resolves it. */
static bool take_v6(struct str *s, struct str *host)
{
    size_t end = str_find_char(*s, ']');

    if (end == SIZE_MAX || end < 3)
        return false;
    for (size_t i = 1; i < end; i++) {
        char c = s->ptr[i];
        if (!is_hex_digit(c) && c != ':' && c != '.')
            return false;
    }
    *host = str_first(*s, end + 1);
    *s = str_skip(*s, end + 1);
    return true;
}

bool sip_take_hostport(struct str *s, struct str *host, uint16_t *port)
{
    *port = 0;
    if (s->len > 0 && s->ptr[0] == '[') {
        if (!take_v6(s, host))
            return false;
    } else {
        *host = sip_take(s, SIP_CHAR_HOST);
        if (host->len == 0)
            return false;
    }
    struct str after = *s;
    sip_skip_space(&after);
    if (!sip_take_char(&after, ':'))
        return true;
    sip_skip_space(&after);
    uint32_t number;
    if (!str_to_u32(str_take_while(&after, is_digit), &number) || number == 0 || number > 65535)
        return false;
    *port = (uint16_t)number;
    *s = after;
    return true;
}
