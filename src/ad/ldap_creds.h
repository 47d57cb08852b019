/* SPDX-License-Identifier: MIT */
/* Kerberos credentials out of a keytab; the tickets stay in this process's memory. */
#ifndef POSTERN_AD_LDAP_CREDS_H
#define POSTERN_AD_LDAP_CREDS_H

#include "base/buf.h"
#include "conf/conf.h"

/* Where the tickets are, and the environment variable that says so to other libraries. */
#define AD_CREDS_ENV   "KRB5CCNAME"
#define AD_CREDS_PLACE "MEMORY:postern-ldap"

/* To be released; NULL with a reason, *refused when the key is wrong.  Tickets that are still good
 * are used again. */
void *ad_creds_acquire(const struct conf *c, bool *refused, struct buf *why);
void ad_creds_release(void *creds);

#endif
