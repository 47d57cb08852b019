/* SPDX-License-Identifier: MIT */
/* The children of one kind and the questions that wait for them, in authd's loop.  A child answers
 * one question at a time.  Who asks gets an answer by the deadline: of a child, or a fault that
 * says nothing about any account.
 *
 *   slow   the child did not answer in time: it is killed and made anew
 *   busy   the queue is so long that the deadline would pass in it: told at once
 *   down   after 3 questions in a row without an answer of a domain controller: told at once, and
 *          one probe at a time, a second apart, finds out when it is over */
#ifndef POSTERN_AD_POOL_H
#define POSTERN_AD_POOL_H

#include "ad/keeper.h"
#include "ad/message.h"
#include "base/loop.h"

struct ad_pool;

struct ad_pool_settings {
    struct loop *loop;
    struct ad_keeper *keeper;
    enum ad_child kind;
    unsigned slots;
    uint32_t deadline_ms;
    /* Called when the source goes down (with the fault it is told by) or comes back (none). */
    void (*changed)(void *arg, enum fault fault, const char *detail);
    void *arg;
};

/* The answer lives until the call-back returns, then its keys are wiped; NULL: there is none, and
 * `fault` says why.  With an answer `fault` is answer->fault. */
typedef void (*ad_answered)(void *arg, enum fault fault, const struct ad_answer *answer);

enum ad_pool_how {
    AD_ONCE,   /* never asked twice: a wrong password must not count double */
    AD_REPEAT, /* asked once more when its child ends */
    AD_PINNED, /* only of the child in slot 0; asked once more */
};

struct ad_pool *ad_pool_new(const struct ad_pool_settings *s);
void ad_pool_free(struct ad_pool *p); /* open questions are answered with directory-unreachable */

/* Encoded here; the slices of `q` may go.  May call back at once. */
void ad_pool_ask(struct ad_pool *p, const struct ad_question *q, enum ad_pool_how how,
                 ad_answered done, void *arg);
/* What ad_keeper_read told of our kind; takes the descriptor over. */
void ad_pool_child(struct ad_pool *p, unsigned slot, int fd);

struct ad_pool_counts {
    uint64_t answered, deadlines, made, refused_busy;
    unsigned waiting, children;
    bool down;
    int64_t down_since; /* seconds since 1970 */
    uint64_t mean_us;   /* of the time a child takes */
};
void ad_pool_counts(const struct ad_pool *p, struct ad_pool_counts *out);

#endif
