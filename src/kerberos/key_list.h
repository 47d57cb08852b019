/* SPDX-License-Identifier: MIT */
/* What a keytab holds, without the keys themselves. */
#ifndef POSTERN_KERBEROS_KEY_LIST_H
#define POSTERN_KERBEROS_KEY_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

enum { KRB_KEY_NAME_MAX = 512, KRB_ENCTYPE_MAX = 63 };

struct krb_key {
    char principal[KRB_KEY_NAME_MAX + 1]; /* "sip/fe.example.test@AD.EXAMPLE.TEST" */
    unsigned kvno;                        /* version: one more at each change of the password */
    char enctype[KRB_ENCTYPE_MAX + 1];    /* "aes256-cts-hmac-sha1-96" */
};

/* Calls `each` for every key, in the file's order.  False with a reason when the file cannot be
 * read. */
bool krb_keytab_list(const char *path, void (*each)(void *arg, const struct krb_key *k), void *arg,
                     struct buf *why);

#endif
