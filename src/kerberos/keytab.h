/* SPDX-License-Identifier: MIT */
/* Below the GSS layer: what a refused request and the keytab say, where the library only says no.
 */
#ifndef POSTERN_KERBEROS_KEYTAB_H
#define POSTERN_KERBEROS_KEYTAB_H

#include <krb5.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* When the client's clock says it made the request; seconds since 1970. */
bool krb_keytab_client_time(krb5_context k, const char *keytab, struct str request, int64_t *out);
/* Whether the keytab has a key of the ticket's service and version, but none of its encryption
 * type. */
bool krb_keytab_lacks_kind(krb5_context k, const char *keytab, struct str request);

#endif
