/* SPDX-License-Identifier: MIT */
/* Authentication fields (WWW-Authenticate, Authorization, Authentication-Info) as a scheme and
 * name-value pairs.  Values are used as they stand, never unescaped ([MS-SIPAE] 2.2). */
#ifndef POSTERN_SIP_AUTHPARAM_H
#define POSTERN_SIP_AUTHPARAM_H

#include <stdbool.h>

#include "base/str.h"
#include "diag/fault.h"

enum { SIP_AUTHPARAM_MAX = 24 };

struct sip_authparam {
    struct str name, value; /* value without quotes */
};

struct sip_auth {
    struct str scheme;
    struct sip_authparam params[SIP_AUTHPARAM_MAX];
    unsigned count;
};

/* Quoted and bare values, comma and blanks between; a name twice, or more than the maximum, is
 * FAULT_SIP_AUTHORIZATION. */
enum fault sip_auth_parse(struct str in, struct sip_auth *out);
/* Name ignoring case. */
bool sip_auth_has(const struct sip_auth *a, struct str name);
struct str sip_auth_get(const struct sip_auth *a, struct str name); /* STR_NONE when absent */

#endif
