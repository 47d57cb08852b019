/* SPDX-License-Identifier: MIT */
/* LDIF (RFC 2849), as directories are exported: entries, and changes that add one.  Also what
 * ldapsearch writes between and after them. */
#ifndef POSTERN_USERS_LDIF_H
#define POSTERN_USERS_LDIF_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/str.h"

struct ldif {
    struct str rest;
    unsigned line;       /* where the last record began, or what is wrong in it; counted from 1 */
    unsigned next_line;  /* 0 at the start */
    const char *problem; /* why ldif_next said false, and what would be right; NULL at the end */
};

struct ldif_attribute {
    struct str name, value; /* the name with its options, as written; the value as octets */
};

struct ldif_record {
    struct str dn;
    const struct ldif_attribute *attributes; /* without dn and changetype */
    unsigned count;
    unsigned line;
};

/* The next record.  Values point into the text, or into the arena when lines were folded or the
 * value was base64.  After a problem the next call goes on behind the record that has it. */
bool ldif_next(struct ldif *l, struct arena *a, struct ldif_record *out);

/* Whether the text begins as LDIF does: with a version or a dn, behind remarks and blank lines. */
bool ldif_looks_like(struct str text);

#endif
