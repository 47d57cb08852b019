/* SPDX-License-Identifier: MIT */
#include "sip/addr.h"

#include "sip/chars.h"
#include "sip/uri.h"

/* Display names without quotes are tokens; many clients put plain UTF-8 there too. */
static bool is_name_char(char c)
{
    return is_token(c) || is_lws(c) || c == '\r' || c == '\n' || (unsigned char)c >= 0x80;
}

static bool is_bracket_uri_char(char c)
{
    return (unsigned char)c > 0x20 && c != 0x7F && c != '<' && c != '>' && c != '"';
}

/* Without brackets ';', ',' and '?' belong to the header (RFC 3261 20.10). */
static bool is_bare_uri_char(char c)
{
    return is_bracket_uri_char(c) && c != ';' && c != ',' && c != '?';
}

static bool begins_with_scheme(struct str uri)
{
    struct str scheme = str_take_until(&uri, ':');

    if (scheme.len == 0 || uri.len == 0 || !is_alpha(scheme.ptr[0]))
        return false;
    (void)str_take_while(&scheme, is_token);
    return scheme.len == 0;
}

/* A quoted string with its quotes; empty when it has no end. */
static struct str take_quoted(struct str *s)
{
    for (size_t i = 1; i < s->len; i++) {
        if (s->ptr[i] == '\\') {
            i++;
        } else if (s->ptr[i] == '"') {
            struct str quoted = str_first(*s, i + 1);
            *s = str_skip(*s, i + 1);
            return quoted;
        }
    }
    return STR_NONE;
}

/* Whether a name and '<' come first; both are cut off then. */
static bool take_name(struct str *s, struct str *name)
{
    struct str in = *s;

    *name = in.ptr[0] == '"' ? take_quoted(&in) : str_trim(str_take_while(&in, is_name_char));
    sip_skip_space(&in);
    if (in.len == 0 || in.ptr[0] != '<')
        return false;
    *s = str_skip(in, 1);
    return true;
}

/* What follows: the end, ";params" or ",rest". */
static bool take_tail(struct str s, struct str *params, struct str *rest)
{
    *params = *rest = STR_NONE;
    sip_skip_space(&s);
    if (s.len > 0 && s.ptr[0] != ';' && s.ptr[0] != ',')
        return false;
    if (sip_take_char(&s, ';') && !sip_take_element(&s, ',', ',', params))
        return false;
    *params = str_trim(*params);
    *rest = str_trim(str_skip(s, 1));
    return true;
}

enum fault sip_addr_parse(struct str in, struct sip_addr *out, struct str *rest)
{
    struct str s = str_trim(in), more;

    *out = (struct sip_addr){ STR_NONE, STR_NONE, STR_NONE };
    if (rest)
        *rest = STR_NONE;
    if (s.len == 0)
        return FAULT_SIP_ADDRESS;
    if (take_name(&s, &out->name)) {
        out->uri = str_take_while(&s, is_bracket_uri_char);
        if (s.len == 0 || s.ptr[0] != '>')
            return FAULT_SIP_ADDRESS;
        s = str_skip(s, 1);
    } else {
        out->name = STR_NONE;
        out->uri = str_take_while(&s, is_bare_uri_char);
    }
    if (!begins_with_scheme(out->uri) || !take_tail(s, &out->params, &more))
        return FAULT_SIP_ADDRESS;
    if (!rest && more.len > 0)
        return FAULT_SIP_ADDRESS;
    if (rest)
        *rest = more;
    return FAULT_NONE;
}

struct str sip_addr_param(const struct sip_addr *a, struct str name)
{
    struct str value;

    if (!sip_param_find(a->params, name, &value))
        return STR_NONE;
    if (value.len >= 2 && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"')
        return str_of(value.ptr + 1, value.len - 2);
    return value;
}

struct str sip_addr_tag(const struct sip_addr *a)
{
    return sip_addr_param(a, STR("tag"));
}

struct str sip_addr_epid(const struct sip_addr *a)
{
    return sip_addr_param(a, STR("epid"));
}
