/* SPDX-License-Identifier: MIT */
/* What comes from a Front End: answers to what was forwarded, and requests for somebody outside. */
#ifndef POSTERN_EDGE_INSIDE_H
#define POSTERN_EDGE_INSIDE_H

#include "edge/edge_internal.h"

void inside_message(struct edge_worker *w, struct conn *c, struct str whole, size_t head_len);
void inside_broken(struct edge_worker *w, struct conn *c, enum fault fault, struct str seen);

#endif
