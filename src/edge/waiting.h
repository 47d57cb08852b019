/* SPDX-License-Identifier: MIT */
/* Connections from outside that wait: for an answer, for their turn, or for the clock.  They are
 * not read meanwhile, so each keeps at most one message, and memory stays flat whatever comes. */
#ifndef POSTERN_EDGE_WAITING_H
#define POSTERN_EDGE_WAITING_H

#include "edge/edge_internal.h"

/* Begins to wait until `until_ms`; `message` is copied (may be empty). */
void wait_begin(struct outside *o, enum wait wait, uint64_t until_ms, struct str message);
/* Reads on. */
void wait_end(struct outside *o);
/* The worker's clock rang: whatever's time has come.  `arg` is the worker. */
void wait_due(void *arg);
/* The next multiple of the clock after `received_ms` ([edge] failure_clock). */
uint64_t wait_clock(const struct edge_worker *w, uint64_t received_ms, uint64_t now_ms);

#endif
