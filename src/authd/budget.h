/* SPDX-License-Identifier: MIT */
/* Failure budgets of accounts: how often sign-ins may fail before they are refused without asking
 * the directory.  Pure data: no I/O, no clock.
 *
 * A question is taken before the directory is asked and settled afterwards, with no other between
 * them unless it is held.  Who is
 * asked for is the account, however it was written; a name that is nobody's has a budget as well.
 * Whoever never signed in to the account is a stranger: strangers share one budget, each known
 * device has its own (budget_device.h).  Each is forgotten a window after its first failure.
 *
 * Where the directory locks accounts after T wrong passwords, everybody outside together gets
 * S = T - reserve of them, at least 1, never T itself, forgotten when none came for a window (as
 * a directory's own count is).  With S >= 4 the last try is for resumed sessions only and the last
 * two are for known devices; with S of 2 or 3 the last one is for known devices; a single try goes
 * to who comes first.  T = 1 cannot be kept from outside.
 *
 * The ceiling counts every failure, inside and outside, whatever the front says about where a
 * question came from.  Only a known device passes it, on its own budget. */
#ifndef POSTERN_AUTHD_BUDGET_H
#define POSTERN_AUTHD_BUDGET_H

#include "authd/budget_table.h"
#include "users/name.h"
#include "users/proto.h"

struct budget_rules {
    unsigned account_failures; /* of strangers; 0: not counted */
    unsigned device_failures;  /* of each known device */
    unsigned ceiling;          /* 0: none */
    bool inside;               /* counts what comes from inside too, apart */
    int64_t window_s, device_life_s;
    unsigned lockout_threshold, reserve; /* 0: the directory locks nobody */
    int64_t lockout_window_s;
};

struct budget {
    struct budget_rules rules;
    const char *netbios; /* our own domain: EXAMPLE\ada is ada; may be NULL */
    struct budget_table table;
    uint64_t refused;
};

void budget_init(struct budget *b);
void budget_fini(struct budget *b);

/* One question between budget_take and budget_settle.  Holds the question, not a copy. */
struct budget_try {
    const struct proto_question *q;
    int64_t now;
    char text[2 * USER_KEY_MAX + 1]; /* the name claimed, as all its spellings are written */
    size_t text_len;
    const struct user *user; /* as the directory resolved it */
    struct budget_account *account;
    struct budget_device *device;
    uint64_t token;
    bool by_session;
    bool counted;  /* against strangers or a device, not only against the ceiling */
    bool repeated; /* the very token failed before: a retransmission */
    bool held;     /* counted as failed until it is known better (budget_hold) */
};

enum budget_result {
    BUDGET_REFUNDED, /* nobody could look: costs nothing */
    BUDGET_FAILED,   /* anything that did not end in a proof */
    BUDGET_PROVED,   /* the device is known from now on */
};

/* FAULT_NONE: ask the directory.  FAULT_BUDGET_ACCOUNT, FAULT_BUDGET_CEILING, FAULT_BUDGET_SOURCE
 * (the Edge says that the address is over its own budget, and the device is not known), or for a
 * token that already failed what it was refused with; then the directory is not asked.  `domain` is
 * empty when it is ours. */
enum fault budget_take(struct budget *b, const struct proto_question *q, struct str domain,
                       struct str name, int64_t now, struct budget_try *t);
/* Whom the directory found; NULL: nobody.  Refuses as above when a name that was not seen before
 * means an account whose budget is used up. */
enum fault budget_found(struct budget *b, struct budget_try *t, const struct user *u);
void budget_settle(struct budget *b, struct budget_try *t, enum budget_result result);
/* For a directory that answers later: from now on the try counts as a failure, so that guesses made
 * side by side do not overrun what is left.  Others may be taken before it is settled. */
void budget_hold(struct budget *b, struct budget_try *t);

/* --- for administrators --- */

/* By any name used for it (domain as above); NULL: nothing is remembered of it. */
struct budget_account *budget_find(struct budget *b, struct str domain, struct str name);
/* What counts now: lanes whose window passed are emptied first. */
void budget_refresh(const struct budget *b, struct budget_account *a, int64_t now);
/* Strangers outside are refused; call budget_refresh first. */
bool budget_is_over(const struct budget *b, const struct budget_account *a);
/* Failures are forgotten, devices stay known. */
void budget_clear(struct budget *b, struct budget_account *a, int64_t now);

/* --- for the store --- */

/* Takes the next change: false when there is none.  An empty `state` removes the key; `until` is
 * when it may be forgotten. */
bool budget_next_change(struct budget *b, int64_t now, struct buf *key, struct buf *state,
                        int64_t *until);
/* What was stored once; false when it cannot be read. */
bool budget_restore(struct budget *b, struct str key, struct str state, int64_t now);

#endif
