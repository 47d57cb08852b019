/* SPDX-License-Identifier: MIT */
/* The keytab as authd opens it, and what the Kerberos library must be able to read besides. */
#ifndef POSTERN_AUTHD_KEYTAB_H
#define POSTERN_AUTHD_KEYTAB_H

#include "authd/authd_internal.h"
#include "conf/sandbox.h"

/* Opens the keytab that the configuration names, in place of the one before.  Without one NTLM
 * works as ever. */
void keytab_open(struct authd *a);

enum { KEYTAB_FOLDERS_MAX = 8 };

/* Folders, because whoever changes one of the files replaces it. */
struct keytab_folders {
    char *folder[KEYTAB_FOLDERS_MAX];
    unsigned count;
};

/* Those of the keytab and of Kerberos' own configuration. */
void keytab_folders_init(struct keytab_folders *f, const struct conf *c);
void keytab_folders_fini(struct keytab_folders *f);

#endif
