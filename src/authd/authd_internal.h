/* SPDX-License-Identifier: MIT */
/* What the files of the authd process share. */
#ifndef POSTERN_AUTHD_AUTHD_INTERNAL_H
#define POSTERN_AUTHD_AUTHD_INTERNAL_H

#include "ad/directory.h"
#include "ad/keeper.h"
#include "authd/budget_writer.h"
#include "authd/judge.h"
#include "authd/link.h"
#include "authd/writer.h"
#include "base/loop.h"
#include "conf/conf.h"
#include "kerberos/accept.h"

struct authd {
    struct conf *conf;
    struct loop *loop;
    struct judge judge;
    struct ad_keeper *keeper; /* source = ad; else the judge has a store */
    struct ad *ad;
    struct krb_acceptor *acceptor; /* NULL: no Kerberos */
    struct link *link;
    struct ctl *ctl;
    struct writer *writer;
    struct budget_writer *budget_writer; /* NULL: budgets are kept in memory only */
    char *own_socket; /* path of the socket when no supervisor made it, else NULL */
    uint64_t started_ms;
    uint64_t verdicts[FAULT_COUNT]; /* FAULT_NONE: signed in */
    uint64_t lookups, unreadable, late_questions;
    uint64_t audited;
    int64_t day_from, day_until; /* seconds between which `day` holds */
    uint32_t day;
    const char **domains; /* that mean our own, of the configuration */
};

/* Reads the configuration file again.  False with a reason; everything stays as it was then. */
bool authd_reload(struct authd *a, struct buf *why);
/* `set` is taken over. */
void authd_set_policy(struct authd *a, struct ntlm_policy_set *set);

#endif
