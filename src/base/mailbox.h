/* SPDX-License-Identifier: MIT */
/* Owned messages between workers: any thread posts, one loop receives, in order per sender.
 * No locks: an atomic stack that the receiver empties and reverses, and a wake-up. */
#ifndef POSTERN_BASE_MAILBOX_H
#define POSTERN_BASE_MAILBOX_H

#include "base/loop.h"

/* The first member of every message; the receiver owns the message from then on. */
struct mail {
    struct mail *next;
    int kind; /* the sender's and receiver's own numbering */
};

struct mailbox;

struct mailbox *mailbox_new(struct loop *l, void (*receive)(void *arg, struct mail *m), void *arg);
void mailbox_post(struct mailbox *box, struct mail *m); /* from any thread */
/* Undelivered messages go to `receive` first.  Not from inside `receive`, and when nobody can
 * post any more. */
void mailbox_free(struct mailbox *box);

#endif
