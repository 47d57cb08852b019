/* SPDX-License-Identifier: MIT */
/* From a question to a verdict.  Pure given a directory, a policy and the time: no socket, no log,
 * no clock.  The order of the checks is the order of the faults below. */
#ifndef POSTERN_AUTHD_JUDGE_H
#define POSTERN_AUTHD_JUDGE_H

#include "authd/budget.h"
#include "authd/lockout.h"
#include "base/arena.h"
#include "ntlm/policy.h"
#include "users/proto.h"
#include "users/store.h"

struct judge {
    struct store *store;
    const struct ntlm_policy_set *policy;
    struct lockout lockout;
    struct budget budget;
    /* DNS names that mean our own NetBIOS domain when a client sends them instead */
    const char *const *domains;
    unsigned domain_count;
    struct arena names;         /* scratch of one question */
    uint64_t directory_lookups; /* times the store was asked for an account */
};

/* The caller sets the fields; these are about what it does not set.  Must not be moved. */
void judge_init(struct judge *j);
void judge_fini(struct judge *j);

struct judge_time {
    int64_t now;       /* seconds since 1970 */
    uint64_t filetime; /* 100 ns since 1601 */
    uint32_t day;      /* yyyymmdd, for exceptions that end */
};

/* The verdict with what its slices point into; must not be moved. */
struct judge_answer {
    struct proto_verdict verdict;
    struct user user; /* name empty when nobody was resolved */
    char account[2 * USER_NAME_MAX + 2];
    bool lockout_changed; /* to be stored: user.name, lockout */
    struct user_lockout lockout;
};

/* In this order, the first that applies:
 *   ntlm-malformed, ntlm-anonymous, ntlm-lm-only
 *   policy-lm-compatibility   before any password; in audit mode only told
 *   budget-ceiling, budget-account   before the directory is asked, or after it was asked once for
 *                             a name that was not seen before; a token that failed before is
 *                             refused here as it was then
 *   user-unknown              after as much work as a known one costs
 *   user-locked               before the password, so that guesses learn nothing
 *   user-wrong-password, ntlm-time, ntlm-mic
 *   user-disabled, user-expired, user-must-change       only to who knows the password
 *   user-not-sip-enabled, user-uri-not-theirs, remote-access-not-enabled   with the session key,
 *                             so that the refusal can be signed
 * directory-failed when the store fails.
 * What asked the directory and did not end in a proof costs budget; what was refused before that,
 * or could not be looked up, costs none. */
void judge_question(struct judge *j, const struct proto_question *q, const struct judge_time *t,
                    struct judge_answer *out);
void judge_answer_fini(struct judge_answer *a); /* wipes the key */

/* What is remembered of an account's failures, for administrators: by any name that could sign in,
 * or the SIP address.  NULL when there is nothing. */
struct budget_account *judge_budget_find(struct judge *j, struct str account);

/* A signed-in user's flags anew; an expired account counts as disabled.  A lockout by wrong
 * passwords throws nobody out. */
void judge_lookup(struct judge *j, const struct proto_lookup *q, int64_t now,
                  struct proto_flags *out);

#endif
