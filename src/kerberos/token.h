/* SPDX-License-Identifier: MIT */
/* The frame around a Kerberos token (RFC 2743 3.1, RFC 4121 4.1), read before a library sees it. */
#ifndef POSTERN_KERBEROS_TOKEN_H
#define POSTERN_KERBEROS_TOKEN_H

#include <stdbool.h>

#include "base/str.h"

/* The AP-REQ of one complete initial context token of mechanism 1.2.840.113554.1.2.2; a slice into
 * `token`.  False for anything else: SPNEGO, NTLM, octets missing or left over. */
bool krb_token_request(struct str token, struct str *request);
/* The ticket in an AP-REQ (RFC 4120 5.5.1), still encoded; a slice into `request`. */
bool krb_token_ticket(struct str request, struct str *ticket);

#endif
