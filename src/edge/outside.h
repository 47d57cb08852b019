/* SPDX-License-Identifier: MIT */
/* What comes from outside: who may knock, and what is forwarded. */
#ifndef POSTERN_EDGE_OUTSIDE_H
#define POSTERN_EDGE_OUTSIDE_H

#include "edge/edge_internal.h"

struct outside *outside_new(struct edge_worker *w, struct conn *c);
void outside_free(struct outside *o);

void outside_message(struct edge_worker *w, struct conn *c, struct str whole, size_t head_len);
void outside_broken(struct edge_worker *w, struct conn *c, enum fault fault, struct str seen);
/* The answer to its sign-in is there. */
void outside_arrived(struct outside *o);
/* A sign-in that was kept back goes on. */
void outside_take_up(struct outside *o);

#endif
