/* SPDX-License-Identifier: MIT */
#include "sip/via.h"

#include "sip/chars.h"
#include "sip/uri.h"

/* sent-protocol = name SLASH version SLASH transport; blanks around the slashes are allowed. */
static struct str take_part(struct str *s, bool slash_follows)
{
    struct str part = sip_take(s, SIP_CHAR_TOKEN);
    struct str after = *s;

    sip_skip_space(&after);
    if (!slash_follows)
        return after.ptr == s->ptr ? STR_NONE : part; /* a blank must stand before the host */
    if (!sip_take_char(&after, '/'))
        return STR_NONE;
    sip_skip_space(&after);
    *s = after;
    return part;
}

/* Each of them has a name: an answer's Via is written from these. */
static bool are_params(struct str s)
{
    struct str one;

    do {
        if (!sip_take_element(&s, ';', &one))
            return false;
        sip_skip_space(&one);
        if (sip_take(&one, SIP_CHAR_TOKEN).len == 0)
            return false;
    } while (sip_take_char(&s, ';'));
    return true;
}

enum fault sip_via_parse(struct str in, struct sip_via *out, struct str *rest)
{
    struct str s = str_trim(in), more;

    *out = (struct sip_via){ .host = STR_NONE, .params = STR_NONE, .branch = STR_NONE };
    if (rest)
        *rest = STR_NONE;
    struct str name = take_part(&s, true);
    struct str version = take_part(&s, true);
    out->transport = take_part(&s, false);
    if (!str_eq_nocase(name, STR("SIP")) || !str_eq(version, STR("2.0")) || out->transport.len == 0)
        return FAULT_SIP_VIA;
    sip_skip_space(&s);
    if (!sip_take_hostport(&s, &out->host, &out->port))
        return FAULT_SIP_VIA;
    sip_skip_space(&s);
    bool has_params = s.len > 0 && s.ptr[0] == ';';
    if (!sip_take_tail(s, &out->params, &more) || (has_params && !are_params(out->params)))
        return FAULT_SIP_VIA;
    (void)sip_param_find(out->params, STR("branch"), &out->branch);
    if (rest)
        *rest = more;
    return FAULT_NONE;
}
