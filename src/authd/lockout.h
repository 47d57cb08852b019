/* SPDX-License-Identifier: MIT */
/* Lockout after too many wrong passwords ([directory] lockout_threshold; off by default).  What
 * counts is kept here, so that guesses made faster than a disk can write are all counted; the
 * directory is written behind. */
#ifndef POSTERN_AUTHD_LOCKOUT_H
#define POSTERN_AUTHD_LOCKOUT_H

#include <stdbool.h>

#include "base/table.h"
#include "users/user.h"

struct lockout_rules {
    unsigned threshold;  /* wrong passwords; 0: never locks */
    unsigned window_s;   /* wrong passwords older than that are forgotten */
    unsigned duration_s; /* 0: until an administrator unlocks */
};

struct lockout {
    struct lockout_rules rules;
    struct table accounts; /* of those with something to remember, by key of the name */
};

void lockout_fini(struct lockout *l);

/* What holds for this account now: ours, or the directory's when an administrator unlocked it
 * since or we know nothing. */
struct user_lockout lockout_state(const struct lockout *l, const struct user *u);
/* True when there is something to store (`out`). */
bool lockout_wrong(struct lockout *l, const struct user *u, int64_t now, struct user_lockout *out);
bool lockout_right(struct lockout *l, const struct user *u, struct user_lockout *out);

#endif
