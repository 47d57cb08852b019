/* SPDX-License-Identifier: MIT */
/* The text of a record, composed into memory of fixed size.  Foreign text is escaped, so that
 * nobody can end a record, begin another, or break a line. */
#ifndef POSTERN_DIAG_TRACE_TEXT_H
#define POSTERN_DIAG_TRACE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct trace_out {
    char *ptr;
    size_t len, cap;
    bool cut; /* something did not fit */
};

/* Our own words, as they are. */
void trace_out_add(struct trace_out *o, struct str s);
void trace_out_decimal(struct trace_out *o, uint64_t n);
void trace_out_hex(struct trace_out *o, uint32_t n, unsigned digits, bool upper);
/* Foreign text on one line: control characters (C1 and Unicode's line ends among them) as \xNN,
 * and the first character of whatever reads like a record mark as well. */
void trace_out_text(struct trace_out *o, struct str s);
/* The same between quotes. */
void trace_out_quoted(struct trace_out *o, struct str s);
/* Foreign text of several lines, each ended by LF or CRLF. */
void trace_out_lines(struct trace_out *o, struct str s);
/* One character per octet, '.' for what cannot be printed: positions can be counted. */
void trace_out_dump(struct trace_out *o, struct str octets);

#endif
