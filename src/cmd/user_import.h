/* SPDX-License-Identifier: MIT */
/* `postern user import`: many accounts at once, all or none. */
#ifndef POSTERN_CMD_USER_IMPORT_H
#define POSTERN_CMD_USER_IMPORT_H

#include <stdbool.h>

#include "conf/conf.h"
#include "users/store.h"

struct user_import_options {
    const char *source;            /* a file, "-", or an ldap:// or ldaps:// URI */
    const char *format;            /* csv, ldif; NULL: by what the file looks like */
    const char *address_attribute; /* NULL: as [directory] says */
    bool dry_run, json;
    bool partial; /* what can be taken, although something else cannot */
};

/* An exit code; what is wrong is told.  `c` is changed to ask the controller that the URI names. */
int user_import_run(struct conf *c, struct store *store, const struct user_import_options *o);

#endif
