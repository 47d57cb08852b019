/* SPDX-License-Identifier: MIT */
/* What the Edge answers by itself.  Nothing of it is signed: it has no keys. */
#ifndef POSTERN_EDGE_ANSWER_H
#define POSTERN_EDGE_ANSWER_H

#include "edge/edge_internal.h"

/* A refusal with its row's status and ms-diagnostics, at once; ACK and BENOTIFY get none. */
void answer_refuse(struct edge_turn *t, enum fault fault);
/* Status and phrase alone. */
void answer_plain(struct edge_turn *t, unsigned status, const char *reason);
/* A failed sign-in, octet for octet as the Front End whose challenge is `offer` would refuse it, on
 * the clock. */
void answer_failed(struct edge_turn *t, enum fault fault, struct str offer);

#endif
