/* SPDX-License-Identifier: MIT */
#include "sip/via.h"

#include "sip/scan.h"
#include "sip/uri.h"

/* sent-protocol = name SLASH version SLASH transport; blanks around the slashes are allowed. */
static struct str take_part(struct str *s, bool slash_follows)
{
    struct str part = str_take_while(s, is_token);
    struct str after = sip_skip_lws(*s);

    if (!slash_follows)
        return after.ptr == s->ptr ? STR_NONE : part; /* a blank must stand before the host */
    if (after.len == 0 || after.ptr[0] != '/')
        return STR_NONE;
    *s = sip_skip_lws(str_skip(after, 1));
    return part;
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
    s = sip_skip_lws(s);
    if (!sip_take_host_port(&s, &out->host, &out->port) ||
        !sip_take_params(s, &out->params, &more))
        return FAULT_SIP_VIA;
    (void)sip_param_find(out->params, STR("branch"), &out->branch);
    if (rest)
        *rest = more;
    return FAULT_NONE;
}
