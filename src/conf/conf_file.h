/* SPDX-License-Identifier: MIT */
/* An INI text as a list of lines that mean something, each with its line number. */
#ifndef POSTERN_CONF_CONF_FILE_H
#define POSTERN_CONF_CONF_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "base/str.h"

struct conf_entry {
    char *section; /* "policy" */
    char *name;    /* of [policy "NAME"], else NULL */
    char *key;     /* NULL: the heading itself */
    char *value;
    unsigned line;
};

struct conf_entries {
    struct conf_entry *list;
    size_t count;
};

enum { CONF_TEXT_MAX = 1 << 20 };

/* What is wrong goes to `why`, line by line; the rest is still read. */
void conf_entries_read(struct str text, const char *file, struct conf_entries *out,
                       struct buf *why);
void conf_entries_free(struct conf_entries *e);
/* The whole file, at most CONF_TEXT_MAX; false with errno set. */
bool conf_file_read(const char *path, struct buf *out);

/* "FILE:LINE: [section "name"] key: what: what would be right" and a line end.  Line 0 and NULL
 * names are left out. */
void conf_problem(struct buf *why, const char *file, const struct conf_entry *e, const char *fmt,
                  ...) PRINTF_LIKE(4, 5);

#endif
