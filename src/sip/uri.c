/* SPDX-License-Identifier: MIT */
#include "sip/uri.h"

#include "sip/chars.h"

static bool is_scheme_char(char c)
{
    return is_alpha(c) || is_digit(c) || c == '+' || c == '-' || c == '.';
}

static bool escapes_are_whole(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] != '%')
            continue;
        if (i + 2 >= s.len || !is_hex_digit(s.ptr[i + 1]) || !is_hex_digit(s.ptr[i + 2]))
            return false;
    }
    return true;
}

/* user[:password]@ -- a user may hold ';' and '?', so the '@' is looked for first (19.1.1). */
static bool take_user(struct str *s, struct sip_uri *out)
{
    size_t at = str_find_char(*s, '@');

    if (at == SIZE_MAX)
        return true;
    struct str userinfo = str_first(*s, at);
    *s = str_skip(*s, at + 1);
    out->user = str_take_until(&userinfo, ':');
    return out->user.len > 0 && escapes_are_whole(out->user);
}

static enum fault parse_sip(struct str s, struct sip_uri *out)
{
    if (!take_user(&s, out) || !sip_take_hostport(&s, &out->host, &out->port))
        return FAULT_SIP_URI;
    if (s.len > 0 && s.ptr[0] == ';') {
        s = str_skip(s, 1);
        size_t question = str_find_char(s, '?');
        out->params = str_first(s, question);
        s = str_skip(s, question);
    }
    if (s.len > 0 && s.ptr[0] == '?') {
        out->headers = str_skip(s, 1);
        s = STR_NONE;
    }
    return s.len == 0 ? FAULT_NONE : FAULT_SIP_URI;
}

enum fault sip_uri_parse(struct str in, struct sip_uri *out)
{
    struct str s = in;

    *out = (struct sip_uri){ .all = in, .scheme = str_take_while(&s, is_scheme_char) };
    out->user = out->host = out->params = out->headers = STR_NONE;
    if (out->scheme.len == 0 || !is_alpha(in.ptr[0]) || s.len < 2 || s.ptr[0] != ':')
        return FAULT_SIP_URI;
    s = str_skip(s, 1);
    struct str check = s;
    (void)sip_take(&check, SIP_CHAR_URI);
    if (check.len > 0)
        return FAULT_SIP_URI;
    if (str_eq_nocase(out->scheme, STR("sip")) || str_eq_nocase(out->scheme, STR("sips")))
        return parse_sip(s, out);
    if (str_eq_nocase(out->scheme, STR("tel"))) {
        out->user = str_take_until(&s, ';');
        out->params = s;
    }
    return FAULT_NONE;
}

bool sip_param_find(struct str params, struct str name, struct str *value)
{
    struct sip_param p;

    while (sip_param_next(&params, &p)) {
        if (!str_eq_nocase(p.name, name))
            continue;
        if (value)
            *value = p.value;
        return true;
    }
    if (value)
        *value = STR_NONE;
    return false;
}

/* RFC 3261 25.1, besides letters and digits. */
static bool is_unreserved(char c)
{
    return is_alpha(c) || is_digit(c) || (c != '\0' && strchr("-_.!~*'()", c));
}

/* The next character of a user as users are compared: %XX of unreserved characters decoded
 * (19.1.4), letters in lower case. */
static char take_user_char(struct str *s)
{
    char c = s->ptr[0];
    uint64_t decoded;

    if (c == '%' && s->len >= 3 && str_hex_to_u64(str_of(s->ptr + 1, 2), &decoded) &&
        is_unreserved((char)decoded)) {
        *s = str_skip(*s, 3);
        return to_lower((char)decoded);
    }
    *s = str_skip(*s, 1);
    return to_lower(c);
}

static char *put_lower(char *at, struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        *at++ = to_lower(s.ptr[i]);
    return at;
}

struct str sip_uri_user_key(const struct sip_uri *u, struct arena *arena)
{
    if (u->user.len == 0 || u->host.len == 0)
        return STR_NONE;
    char *key = arena_alloc(arena, u->scheme.len + u->user.len + u->host.len + 2);
    if (!key)
        return STR_NONE;
    char *at = put_lower(key, u->scheme);
    *at++ = ':';
    for (struct str user = u->user; user.len > 0;)
        *at++ = take_user_char(&user);
    *at++ = '@';
    at = put_lower(at, u->host);
    return str_of(key, (size_t)(at - key));
}

bool sip_uri_same_user(const struct sip_uri *a, const struct sip_uri *b)
{
    struct str left = a->user, right = b->user;

    if (left.len == 0 || right.len == 0 || a->host.len == 0)
        return false;
    while (left.len > 0 && right.len > 0) {
        if (take_user_char(&left) != take_user_char(&right))
            return false;
    }
    return left.len == 0 && right.len == 0 && str_eq_nocase(a->scheme, b->scheme) &&
           str_eq_nocase(a->host, b->host);
}
