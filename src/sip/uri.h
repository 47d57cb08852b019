/* SPDX-License-Identifier: MIT */
/* SIP URIs (RFC 3261 19.1): parts, comparison, and the key under which a user is known. */
#ifndef POSTERN_SIP_URI_H
#define POSTERN_SIP_URI_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "diag/fault.h"

struct sip_uri {
    struct str all;
    struct str scheme; /* "sip", "sips", "tel" as spelt */
    struct str user;   /* without password; empty when there is none */
    struct str host;   /* IPv6 with brackets */
    uint16_t port;     /* 0: none */
    struct str params; /* after the first ';', without it; up to '?' */
    struct str headers;
};

enum fault sip_uri_parse(struct str in, struct sip_uri *out);
/* Value of a parameter inside `params` (";a=b;c"): true when present; value empty for a bare one.
 */
bool sip_param_find(struct str params, struct str name, struct str *value);
/* "sip:user@host", scheme and host in lower case, user lower-cased too (as AD compares), %XX of
 * unreserved characters decoded, no parameters: the key of a user.  Empty on failure. */
struct str sip_uri_user_key(const struct sip_uri *u, struct arena *arena);
bool sip_uri_same_user(const struct sip_uri *a, const struct sip_uri *b);

#endif
