/* SPDX-License-Identifier: MIT */
/* What the readers of this layer share: lines, blanks, host and port, parameters.  Framing and
 * parsing use the same notion of a line, so they cannot disagree where a header ends. */
#ifndef POSTERN_SIP_SCAN_H
#define POSTERN_SIP_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

/* Cuts one line, its CR LF included, off *in.  A lone CR or LF ends nothing.  False, and nothing is
 * cut, when no CR LF is left. */
bool sip_take_line(struct str *in, struct str *line);
/* A header with all its continuation lines (RFC 3261 7.3.1). */
bool sip_take_header(struct str *in, struct str *line);
/* Name and trimmed value of a header line.  False: no name, or no colon after it. */
bool sip_split_header(struct str line, struct str *name, struct str *value);

struct str sip_skip_lws(struct str s); /* blanks, tabs and folds */
/* "host", "host:5061", "[::1]:5061" at the front of *s; no port is 0. */
bool sip_take_host_port(struct str *s, struct str *host, uint16_t *port);
/* What follows an address: end, ";params" or ",rest".  False when it is something else, or when a
 * quote stays open.  *params is without the first ';', *rest without the comma. */
bool sip_take_params(struct str s, struct str *params, struct str *rest);
/* Cuts up to the first `stop` outside of quotes, which is swallowed; takes all without one. */
struct str sip_take_item(struct str *s, char stop);

/* Appends text that may have come from anywhere: folds become one blank, other control characters
 * vanish, so that it can never begin a line of its own. */
void sip_add_clean(struct buf *out, struct str text);
void sip_clean_tail(struct buf *out, size_t from); /* the same on what is in the buffer */

#endif
