/* SPDX-License-Identifier: MIT */
/* A worker's link to authd: questions of one loop turn leave together, each has a deadline, and
 * answers come in any order.  authd may die and come back: open questions are asked once more. */
#ifndef POSTERN_FRONT_ASK_H
#define POSTERN_FRONT_ASK_H

#include <stdint.h>

#include "base/loop.h"
#include "users/proto.h"

struct ask;
struct job;

struct ask_settings {
    const char *path; /* of authd's socket */
    uint32_t timeout_ms;
    uint32_t queue_max; /* open questions */
};

struct ask_handler {
    /* The verdict on the job's question; after a deadline, a fault of the directory family. */
    void (*verdict)(void *arg, struct job *job, const struct proto_verdict *v);
    /* A user's flags as of now; not called when authd does not answer. */
    void (*flags)(void *arg, struct str user_key, const struct proto_flags *f);
    /* The names a CHALLENGE must carry, told unasked. */
    void (*names)(void *arg, const struct proto_names *n);
};

struct ask *ask_new(struct loop *l, const struct ask_settings *s, const struct ask_handler *h,
                    void *arg);
void ask_free(struct ask *a); /* open jobs are answered with DIRECTORY_UNREACHABLE */

/* Copies the question.  FAULT_DIRECTORY_BUSY when too many wait, FAULT_DIRECTORY_FAILED when it is
 * too long to be asked; then `verdict` is not called and the job stays the caller's. */
enum fault ask_question(struct ask *a, struct proto_question *p, struct job *job);
/* A look at a user's flags: lost silently when authd is away. */
void ask_flags(struct ask *a, struct str user_key);
void ask_tick(struct ask *a, uint64_t now_ms); /* about ten times a second: deadlines, reconnects */

#endif
