/* SPDX-License-Identifier: MIT */
/* What the directory says of somebody, and what a sign-in of theirs would come to: looked up,
 * judged by the functions that judge real sign-ins, and told. */
#ifndef POSTERN_CMD_DIRECTORY_REPORT_H
#define POSTERN_CMD_DIRECTORY_REPORT_H

#include "ad/facts.h"
#include "ad/winbind_check.h"
#include "conf/conf.h"
#include "kerberos/key_list.h"
#include "users/user.h"

enum { DIRECTORY_PEOPLE_MAX = 20 };

struct directory_person {
    struct user user;
    struct ad_account account; /* Active Directory */
    struct ad_facts facts;     /* Active Directory */
    char *dn;                  /* NULL: the embedded directory */
    bool shared;               /* another one has the same SIP address */
};

struct directory_keytab {
    enum fault fault; /* FAULT_NONE, kerberos-keytab, or kerberos-no-key: none for our service */
    struct buf why;   /* why it cannot be read */
    struct krb_key *keys;
    unsigned count;
};

struct directory_report {
    const struct conf *conf;
    const char *asked; /* as the command line has it */
    int64_t now;       /* seconds since 1970 */
    uint32_t day;      /* yyyymmdd, for exceptions that end */

    enum fault fault; /* of the directory- family: it could not be asked */
    struct buf tried; /* what the controllers said that are of no use, a line each */
    char server[AD_SERVER_MAX + 1];

    /* the first is who was asked for, the others have the same address */
    struct directory_person people[DIRECTORY_PEOPLE_MAX];
    unsigned count;

    struct ad_winbind_state winbind;
    struct directory_keytab keytab;
};

static inline bool directory_is_ad(const struct conf *c)
{
    return strcmp(c->source, "ad") == 0;
}

static inline bool directory_has_kerberos(const struct conf *c)
{
    return c->kerberos.keytab[0] != '\0';
}

/* Fills what is set to zero; `conf`, `now` and `day` are the caller's. */
void directory_look(struct directory_report *r, const char *asked);
void directory_report_fini(struct directory_report *r);

/* --- what a sign-in would come to --- */

struct directory_verdict {
    bool possible;
    bool kerberos_offered;
    enum fault kerberos, ntlm; /* FAULT_NONE: it would do */
    enum fault fault;          /* why it is not possible */
};

/* `remote`: from outside, by an Edge. */
struct directory_verdict directory_judge(const struct directory_report *r, bool remote);

/* The policy that holds for them when they come from `address` (4 or 16 octets; empty: from
 * anywhere), and its name. */
const struct ntlm_policy *directory_policy(const struct directory_report *r, struct str address,
                                           struct str *name);
/* Networks from where another one holds, each told to `each`. */
void directory_other_policies(const struct directory_report *r,
                              void (*each)(void *arg, struct str network, struct str name),
                              void *arg);

/* --- telling --- */

void directory_print_text(const struct directory_report *r);
void directory_print_json(const struct directory_report *r);
/* Why, without what goes without saying here, and what an administrator of this directory does
 * about it. */
const char *directory_text(enum fault f);
void directory_advice(const struct conf *c, enum fault f, struct buf *out);

#endif
