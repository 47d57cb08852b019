/* SPDX-License-Identifier: MIT */
#include "sip/addr.h"

#include "sip/chars.h"
#include "sip/uri.h"

/* Display names without quotes are tokens; many clients put plain UTF-8 there too. */
enum { NAME = SIP_CHAR_TOKEN | SIP_CHAR_SPACE | SIP_CHAR_HIGH };

/* Without brackets ';', ',' and '?' belong to the header (RFC 3261 20.10). */
static struct str take_bare_uri(struct str *s)
{
    size_t n = 0;

    while (n < s->len && sip_char_is(s->ptr[n], SIP_CHAR_URI) && s->ptr[n] != ';' &&
           s->ptr[n] != ',' && s->ptr[n] != '?')
        n++;
    struct str uri = str_first(*s, n);
    *s = str_skip(*s, n);
    return uri;
}

static bool begins_with_scheme(struct str uri)
{
    struct str scheme = str_take_until(&uri, ':');

    if (scheme.len == 0 || uri.len == 0 || !is_alpha(scheme.ptr[0]))
        return false;
    (void)sip_take(&scheme, SIP_CHAR_TOKEN);
    return scheme.len == 0;
}

/* Whether a name and '<' come first; both are cut off then. */
static bool take_name(struct str *s, struct str *name)
{
    struct str in = *s;

    if (!sip_take_quoted(&in, name))
        *name = str_trim(sip_take(&in, NAME));
    sip_skip_space(&in);
    if (!sip_take_char(&in, '<'))
        return false;
    *s = in;
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
        out->uri = sip_take(&s, SIP_CHAR_URI);
        if (!sip_take_char(&s, '>'))
            return FAULT_SIP_ADDRESS;
    } else {
        out->name = STR_NONE;
        out->uri = take_bare_uri(&s);
    }
    if (!begins_with_scheme(out->uri) || !sip_take_tail(s, &out->params, &more))
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
