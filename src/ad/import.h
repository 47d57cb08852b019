/* SPDX-License-Identifier: MIT */
/* Accounts of a directory for the embedded one: out of an LDIF file, or asked of a domain
 * controller.  Whatever [directory] says of attributes holds; LDIF also comes from directories that
 * are no Active Directory (uid for sAMAccountName, cn for displayName). */
#ifndef POSTERN_AD_IMPORT_H
#define POSTERN_AD_IMPORT_H

#include "conf/conf.h"
#include "diag/fault.h"
#include "users/import.h"

struct ad_import {
    const struct conf *conf;
    /* Where the SIP address stands, instead of what [directory] says; who has one there is enabled
     * unless the entry says otherwise.  NULL: as [directory] says. */
    const char *address_attribute;
    const struct user_import *how;
};

/* Reads to the end, or until there are too many problems. */
struct user_import_counts ad_import_ldif(const struct ad_import *i, struct str text);
/* All who are enabled for SIP, from [directory] ad_servers; passwords cannot be read there.
 * FAULT_NONE, or a directory- fault with the reason in `why`. */
enum fault ad_import_directory(const struct ad_import *i, struct user_import_counts *out,
                               struct buf *why);

#endif
