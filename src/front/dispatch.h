/* SPDX-License-Identifier: MIT */
/* What happens to a message that arrived: parse, authenticate, act, answer. */
#ifndef POSTERN_FRONT_DISPATCH_H
#define POSTERN_FRONT_DISPATCH_H

#include "front/job.h"
#include "front/worker.h"
#include "users/proto.h"

void dispatch_message(struct worker *w, struct conn *c, struct str whole, size_t head_len);
void dispatch_broken(struct worker *w, struct conn *c, enum fault fault, struct str seen);
/* authd's verdict on a job; frees it. */
void dispatch_verdict(struct worker *w, struct job *job, const struct proto_verdict *v);

/* The request waits for an answer from elsewhere, saved as a job. */
void turn_wait(struct turn *t);
/* Takes a saved request up again: false when its connection is gone.  The arena is reset. */
bool turn_resume(struct turn *t, struct worker *w, const struct job *job);

#endif
