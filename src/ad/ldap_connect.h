/* SPDX-License-Identifier: MIT */
/* From a configuration to a bound LDAP connection. */
#ifndef POSTERN_AD_LDAP_CONNECT_H
#define POSTERN_AD_LDAP_CONNECT_H

#include <ldap.h>

#include "base/buf.h"
#include "conf/conf.h"

enum { AD_SERVERS_MAX = CONF_NEXT_HOPS_MAX };

/* ldap:// and ldaps:// URIs, from the configuration or by DNS SRV; the caller frees each. */
unsigned ad_ldap_servers(const struct conf *c, char *out[AD_SERVERS_MAX], struct buf *why);

/* Connects, secures (TLS, or signing and sealing by Kerberos) and binds.  NULL with a reason that
 * begins with the URI; *refused: the password or key is wrong, and trying it again and again would
 * lock the account. */
LDAP *ad_ldap_connect(const struct conf *c, const char *uri, uint32_t limit_ms, bool *refused,
                      struct buf *why);

/* What the library and the server say about the last error. */
void ad_ldap_reason(LDAP *ld, int code, struct buf *out);

#endif
