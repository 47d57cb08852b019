/* SPDX-License-Identifier: MIT */
/* The front as its own files see it: the snapshot, the workers, the control thread. */
#ifndef POSTERN_FRONT_FRONT_INTERNAL_H
#define POSTERN_FRONT_FRONT_INTERNAL_H

#include "base/loop.h"
#include "base/mailbox.h"
#include "conf/conf.h"
#include "front/worker.h"
#include "net/doors.h"

struct front {
    struct conf
        *conf; /* immutable while workers run, but for the policy (each worker has its copy) */
    struct worker **workers;
    unsigned worker_count;
    struct doors doors;
    struct loop *loop;       /* of the control thread */
    struct mailbox *mailbox; /* of the control thread */
    char *authd_path;
    uint64_t started_ms;
    atomic_bool
        stopping; /* set before the workers end: nobody posts to a worker that may be gone */
};

#endif
