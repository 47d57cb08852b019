/* SPDX-License-Identifier: MIT */
/* The accounts that have something to remember for failure budgets, found by any name that was
 * used for them.  A name that is nobody's is an account too, a virtual one, so that it behaves as
 * a known one does.  Memory is bounded: the virtual entry longest unused goes first, and one
 * source network holds only so many; a known account under attack is never forgotten. */
#ifndef POSTERN_AUTHD_BUDGET_TABLE_H
#define POSTERN_AUTHD_BUDGET_TABLE_H

#include <sys/queue.h>

#include "authd/budget_device.h"
#include "base/table.h"

enum {
    BUDGET_ENTRIES_MAX = 65536,
    BUDGET_ORIGIN_MAX = 1024, /* virtual entries of one source network */
    BUDGET_ALIASES_MAX = 32,  /* names of one account */
    BUDGET_TOKENS_MAX = 8,    /* failed tokens remembered of one account */
};

struct budget_account {
    struct str key; /* upper-cased: of an account its name, of a virtual one the name claimed */
    char *label;    /* DOMAIN\name as resolved, or the name claimed */
    bool known;     /* the directory has it */
    struct budget_lane strangers[2]; /* outside, inside */
    struct budget_lane all;          /* from anywhere, for the ceiling */
    struct budget_lane outside;      /* from outside; lasts until a window after the last one */
    struct budget_devices devices;
    uint64_t tokens[BUDGET_TOKENS_MAX]; /* keyed hashes of tokens that failed */
    unsigned token_next;
    char *aliases[BUDGET_ALIASES_MAX];
    unsigned alias_count;
    int64_t used;
    struct budget_origin *origin; /* of a virtual one */
    bool changed, stored;
    TAILQ_ENTRY(budget_account) by_age, by_origin, by_change;
    char text[]; /* the key's */
};
TAILQ_HEAD(budget_accounts, budget_account);

struct budget_table {
    struct table accounts, aliases, origins;
    struct budget_accounts known, virtual; /* longest unused first */
    struct budget_accounts changed;        /* to be stored */
    struct budget_accounts gone;           /* out of all tables, to be removed from the store */
    size_t max, origin_max;
};

void budget_table_init(struct budget_table *t);
void budget_table_fini(struct budget_table *t);

/* By its key or by a name used for it. */
struct budget_account *budget_account_named(const struct budget_table *t, struct str name);
struct budget_account *budget_account_keyed(const struct budget_table *t, struct str key);
/* A new entry; what makes room for it is longer unused than `busy_since` or virtual.  `label` NULL:
 * a virtual one from `network`. */
struct budget_account *budget_account_add(struct budget_table *t, struct str key, const char *label,
                                          const struct budget_network *network, int64_t now,
                                          int64_t busy_since);
void budget_account_drop(struct budget_table *t, struct budget_account *a);
/* A virtual entry turned out to be an account. */
void budget_account_know(struct budget_table *t, struct budget_account *a, const char *label);
/* From now on this name means this account. */
void budget_account_alias(struct budget_table *t, struct budget_account *a, struct str name);
/* Used now, and to be stored. */
void budget_account_touch(struct budget_table *t, struct budget_account *a, int64_t now);
/* One of `gone` was removed from the store. */
void budget_table_forget_gone(struct budget_table *t, struct budget_account *a);
const struct budget_network *budget_origin_network(const struct budget_origin *o);
/* Whether there was a failure after `since`. */
bool budget_account_busy(const struct budget_account *a, int64_t since);

#endif
