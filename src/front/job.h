/* SPDX-License-Identifier: MIT */
/* A request that waits for an answer from elsewhere (authd, the owner of the user): a copy of its
 * bytes and what is needed to take it up again.  A connection has at most one; it is not read
 * meanwhile. */
#ifndef POSTERN_FRONT_JOB_H
#define POSTERN_FRONT_JOB_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct job {
    uint64_t client_id;
    char opaque[9]; /* of the SA it belongs to */
    size_t head_len, len;
    char bytes[];
};

struct job *job_new(uint64_t client_id, struct str opaque, struct str raw, size_t head_len);
void job_free(struct job *j);

static inline struct str job_raw(const struct job *j)
{
    return str_of(j->bytes, j->len);
}

#endif
