/* SPDX-License-Identifier: MIT */
/* What the Edge tells its trace. */
#ifndef POSTERN_EDGE_REPORT_H
#define POSTERN_EDGE_REPORT_H

#include "diag/trace.h"
#include "edge/edge_internal.h"

/* A link to a Front End; says whose certificate was shown and what the TLS library said. */
void report_link(struct conn *c, enum trace_level level, enum fault fault, const char *text);
/* The end of a connection from outside. */
void report_end(struct conn *c, enum fault why);
/* A message that was refused or dropped.  `data` is name="value"; ... and may be empty. */
void report_refusal(const struct edge_turn *t, enum fault fault, struct str data);
/* A sign-in that is structurally wrong, with its decoded token. */
void report_security(const struct edge_turn *t, enum fault fault, struct str token, bool audited,
                     struct str data);
/* As on the wire. */
void report_message(struct conn *c, bool outgoing, struct str whole);

#endif
