/* SPDX-License-Identifier: MIT */
/* From a question to a verdict.  Pure given a directory, a policy and the time: no socket, no log,
 * no clock.  The order of the checks is the order of the faults below. */
#ifndef POSTERN_AUTHD_JUDGE_H
#define POSTERN_AUTHD_JUDGE_H

#include "authd/budget.h"
#include "authd/lockout.h"
#include "base/arena.h"
#include "ntlm/msg.h"
#include "ntlm/policy.h"
#include "users/proto.h"
#include "users/store.h"

struct judge {
    struct store *store; /* the embedded directory; NULL: Active Directory, asked in steps */
    const struct ntlm_policy_set *policy;
    struct lockout lockout;
    struct budget budget;
    /* DNS names that mean our own NetBIOS domain when a client sends them instead */
    const char *const *domains;
    unsigned domain_count;
    const char *realm;          /* whose principals are our accounts; NULL: no Kerberos */
    struct arena names;         /* scratch of one question that is answered at once */
    uint64_t directory_lookups; /* times the directory was asked for an account or a proof */
};

/* The caller sets the fields; these are about what it does not set.  Must not be moved. */
void judge_init(struct judge *j);
void judge_fini(struct judge *j);

struct judge_time {
    int64_t now;       /* seconds since 1970 */
    uint64_t filetime; /* 100 ns since 1601 */
    uint32_t day;      /* yyyymmdd, for exceptions that end */
};

/* What Kerberos proved: the token was accepted with the keytab. */
struct judge_ticket {
    enum fault fault; /* FAULT_NONE: accepted */
    struct str principal;
    struct str keys; /* krb_keys_write */
    int64_t ends;
};

/* The verdict with what its slices point into; must not be moved. */
struct judge_answer {
    struct proto_verdict verdict;
    struct user user; /* name empty when nobody was resolved */
    char account[2 * USER_NAME_MAX + 2];
    bool lockout_changed; /* to be stored: user.name, lockout */
    struct user_lockout lockout;
};

/* Whom the client says it is: UTF-8, whatever way it was written. */
struct judge_claim {
    struct str domain, name;
};

/* One question on its way to a verdict.  The caller sets `q`, `time` and `names` (where the names
 * are kept), and keeps the message that the slices of `q` point into. */
struct judge_case {
    struct proto_question q;
    struct judge_time time;
    struct arena *names;
    struct judge_ticket ticket; /* Kerberos */
    struct ntlm_authenticate message;
    struct judge_claim claim;
    struct budget_try try;
    bool taken;  /* a budget was asked, so it is settled at the end */
    bool shared; /* the SIP address is another account's as well */
    struct judge_answer answer;
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
 *   user-not-sip-enabled, user-uri-not-theirs, user-uri-shared, remote-access-not-enabled   with
 * the session key, so that the refusal can be signed directory-failed when the store fails. What
 * asked the directory and did not end in a proof costs budget; what was refused before that, or
 * could not be looked up, costs none.  A ticket costs nobody anything: it is no guess. */
void judge_question(struct judge *j, struct judge_case *k);
void judge_answer_fini(struct judge_answer *a); /* wipes the key */

/* The same in steps, for a directory that answers later.  Each says what to do next; with
 * JUDGE_DONE the answer is ready. */
enum judge_step {
    JUDGE_DONE,
    JUDGE_FIND,  /* look for `claim`, then judge_found */
    JUDGE_PROVE, /* have the response checked, then judge_proved */
};
enum judge_step judge_begin(struct judge *j, struct judge_case *k);
/* `u` NULL: nobody.  Whoever that is, the domain controller is asked about the response. */
enum judge_step judge_found(struct judge *j, struct judge_case *k, enum fault fault,
                            const struct user *u, bool shared);
/* The domain controller's word, with the user session key when it is FAULT_NONE.  `u` is the
 * account that it named, NULL when the directory does not show it. */
void judge_proved(struct judge *j, struct judge_case *k, enum fault fault,
                  const uint8_t session_key[16], const struct user *u, bool shared);
/* A name of the message as UTF-8, kept in `arena`; and the challenge that its response answers. */
struct str judge_text(const struct ntlm_authenticate *a, struct str raw, struct arena *arena);
void judge_challenge(const struct judge_case *k, uint8_t challenge[8]);
/* When nobody could look: the fault says why. */
void judge_failed(struct judge *j, struct judge_case *k, enum fault fault);

/* What is remembered of an account's failures, for administrators: by any name that could sign in,
 * or the SIP address.  NULL when there is nothing. */
struct budget_account *judge_budget_find(struct judge *j, struct str account);

/* A signed-in user's flags anew; an expired account counts as disabled.  A lockout by wrong
 * passwords throws nobody out. */
void judge_lookup(struct judge *j, const struct proto_lookup *q, int64_t now,
                  struct proto_flags *out);
/* The same of what a directory found; `u` NULL: nobody. */
void judge_flags(const struct user *u, bool shared, int64_t now, struct proto_flags *out);

#endif
