/* SPDX-License-Identifier: MIT */
/* Comma separated values (RFC 4180): quotes around a field, doubled inside it; LF or CRLF.  Blank
 * lines and lines that begin with # are skipped. */
#ifndef POSTERN_USERS_CSV_H
#define POSTERN_USERS_CSV_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/str.h"

struct csv {
    struct str rest;
    unsigned line;       /* where the last record began, counted from 1 */
    unsigned next_line;  /* 0 at the start */
    const char *problem; /* why csv_next said false; NULL at the end */
};

/* The next record; fields point into the text, or into the arena when quotes had to be undone. */
bool csv_next(struct csv *c, struct arena *a, struct str *fields, unsigned max, unsigned *count);

#endif
