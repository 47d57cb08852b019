/* SPDX-License-Identifier: MIT */
/* Which field a name is: one look into a table by length, first and last letter, then one
 * comparison.  Two names in one place do not compile (-Woverride-init). */
#include "sip/field.h"

#include "sip/chars.h"

static const struct str names[SIP_FIELD_COUNT] = {
    [SIP_OTHER] = { "", 0 },
#define FIELD(id, name, compact, once) [SIP_##id] = { name, sizeof(name) - 1 },
#include "sip/fields.def"
#undef FIELD
};

const bool sip_field_once[SIP_FIELD_COUNT] = {
#define FIELD(id, name, compact, once) [SIP_##id] = (once),
#include "sip/fields.def"
#undef FIELD
};

/* RFC 3261 7.3.3 */
static const uint8_t compact_forms[128] = {
    ['u'] = SIP_ALLOW_EVENTS, ['i'] = SIP_CALL_ID, ['m'] = SIP_CONTACT, ['l'] = SIP_CONTENT_LENGTH,
    ['c'] = SIP_CONTENT_TYPE, ['o'] = SIP_EVENT,   ['f'] = SIP_FROM,    ['k'] = SIP_SUPPORTED,
    ['t'] = SIP_TO,           ['v'] = SIP_VIA,
};

#define PLACE(len, first, last) (((len)*13 + (first)*2 + (last)) & 127)

static const uint8_t places[128] = {
    [PLACE(6, 'a', 't')] = SIP_ACCEPT,
    [PLACE(12, 'a', 's')] = SIP_ALLOW_EVENTS,
    [PLACE(19, 'a', 'o')] = SIP_AUTHENTICATION_INFO,
    [PLACE(13, 'a', 'n')] = SIP_AUTHORIZATION,
    [PLACE(7, 'c', 'd')] = SIP_CALL_ID,
    [PLACE(11, 'c', 'n')] = SIP_COMPRESSION,
    [PLACE(7, 'c', 't')] = SIP_CONTACT,
    [PLACE(14, 'c', 'h')] = SIP_CONTENT_LENGTH,
    [PLACE(12, 'c', 'e')] = SIP_CONTENT_TYPE,
    [PLACE(4, 'c', 'q')] = SIP_CSEQ,
    [PLACE(4, 'd', 'e')] = SIP_DATE,
    [PLACE(5, 'e', 't')] = SIP_EVENT,
    [PLACE(7, 'e', 's')] = SIP_EXPIRES,
    [PLACE(4, 'f', 'm')] = SIP_FROM,
    [PLACE(12, 'm', 's')] = SIP_MAX_FORWARDS,
    [PLACE(14, 'm', 's')] = SIP_MS_DIAGNOSTICS,
    [PLACE(21, 'm', 'c')] = SIP_MS_DIAGNOSTICS_PUBLIC,
    [PLACE(27, 'm', 't')] = SIP_MS_EDGE_TRUST,
    [PLACE(13, 'm', 'e')] = SIP_MS_KEEP_ALIVE,
    [PLACE(18, 'm', 'a')] = SIP_MS_USER_LOGON_DATA,
    [PLACE(19, 'p', 'y')] = SIP_P_ASSERTED_IDENTITY,
    [PLACE(20, 'p', 'y')] = SIP_P_PREFERRED_IDENTITY,
    [PLACE(18, 'p', 'e')] = SIP_PROXY_AUTHENTICATE,
    [PLACE(25, 'p', 'o')] = SIP_PROXY_AUTHENTICATION_INFO,
    [PLACE(19, 'p', 'n')] = SIP_PROXY_AUTHORIZATION,
    [PLACE(13, 'p', 'e')] = SIP_PROXY_REQUIRE,
    [PLACE(12, 'r', 'e')] = SIP_RECORD_ROUTE,
    [PLACE(7, 'r', 'e')] = SIP_REQUIRE,
    [PLACE(5, 'r', 'e')] = SIP_ROUTE,
    [PLACE(6, 's', 'r')] = SIP_SERVER,
    [PLACE(18, 's', 'e')] = SIP_SUBSCRIPTION_STATE,
    [PLACE(9, 's', 'd')] = SIP_SUPPORTED,
    [PLACE(2, 't', 'o')] = SIP_TO,
    [PLACE(10, 'u', 't')] = SIP_USER_AGENT,
    [PLACE(3, 'v', 'a')] = SIP_VIA,
    [PLACE(7, 'w', 'g')] = SIP_WARNING,
    [PLACE(16, 'w', 'e')] = SIP_WWW_AUTHENTICATE,
};

enum sip_field sip_field_from_name(struct str name)
{
    if (name.len == 0)
        return SIP_OTHER;
    unsigned first = (unsigned char)to_lower(name.ptr[0]);
    if (name.len == 1)
        return first < 128 ? compact_forms[first] : SIP_OTHER;
    unsigned last = (unsigned char)to_lower(name.ptr[name.len - 1]);
    enum sip_field id = places[PLACE(name.len, first, last)];
    /* most senders spell it as we do */
    return str_eq(name, names[id]) || str_eq_nocase(name, names[id]) ? id : SIP_OTHER;
}

const char *sip_field_name(enum sip_field id)
{
    return names[id].ptr;
}
