/* SPDX-License-Identifier: MIT */
/* Active Directory as authd's loop sees it.  Nothing here waits: questions go to child processes
 * (LDAP and winbind block, and a frozen domain controller would block for a minute), each has a
 * deadline, and the answer comes by call-back - at once when the cache has it. */
#ifndef POSTERN_AD_DIRECTORY_H
#define POSTERN_AD_DIRECTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"
#include "base/str.h"
#include "conf/conf.h"
#include "diag/fault.h"
#include "users/user.h"

struct ad;
struct ad_keeper; /* ad/keeper.h: makes and kills the children, forked before authd locks itself in
                   */

enum { AD_SID_MAX = 68 };

/* An account as the directory shows it: `user` with the flags of its state, and its objectSid. */
struct ad_account {
    struct user user;
    uint8_t sid[AD_SID_MAX];
    uint8_t sid_len;
    bool shared; /* another account has the same SIP address */
};

/* FAULT_NONE with the account, or NULL when there is none; a fault of the directory- family, which
 * says nothing about the account.  `account` lives until the call-back returns. */
typedef void (*ad_found)(void *arg, enum fault fault, const struct ad_account *account);

/* The strings are UTF-8 as the client sent them, also in letter case: they are part of an NTLMv2
 * response.  They and the response are copied. */
struct ad_logon {
    struct str domain, user, workstation;
    uint8_t challenge[8]; /* of the server; of an NTLM2 session response MD5(server | client), 8
                             octets */
    struct str nt_response;
    bool ntlmv2; /* the response's kind: what a refusal as "wrong password" may mean */
};

struct ad_proof {
    enum fault fault;        /* FAULT_NONE: the domain controller took the response */
    uint32_t ntstatus;       /* as it said, 0 when it said nothing */
    uint8_t session_key[16]; /* user session key; wiped after the call-back */
    uint8_t sid[AD_SID_MAX];
    uint8_t sid_len;
    char account[USER_NAME_MAX + 1]; /* sAMAccountName and NetBIOS domain as resolved, UTF-8 */
    char domain[USER_NAME_MAX + 1];
};

typedef void (*ad_proved)(void *arg, const struct ad_proof *proof);

/* Names of the joined machine, for the CHALLENGE; empty until winbindd told them. */
struct ad_names {
    char nb_computer[17], nb_domain[17], dns_domain[256], dns_forest[256];
};

/* The keeper is taken over.  `c` may go; its children keep the one they were forked with, so what
 * [directory] says takes a restart of authd. */
struct ad *ad_new(struct loop *l, const struct conf *c, struct ad_keeper *keeper);
void ad_free(struct ad *a); /* open questions are answered with directory-unreachable */

/* By sAMAccountName in our domain (`domain` empty, its NetBIOS or its DNS name), or by UPN when the
 * name has an '@'; another domain finds nobody. */
void ad_find(struct ad *a, struct str domain, struct str name, ad_found done, void *arg);
void ad_find_uri(struct ad *a, struct str uri, ad_found done, void *arg);
/* By objectSid, else by msRTCSIP-OriginatorSid (a contact of a central forest). */
void ad_find_sid(struct ad *a, const uint8_t *sid, size_t len, ad_found done, void *arg);
/* Pass-through to a domain controller by winbind. */
void ad_prove(struct ad *a, const struct ad_logon *in, ad_proved done, void *arg);

/* Called when the names are known or change. */
void ad_on_names(struct ad *a, void (*changed)(void *arg, const struct ad_names *n), void *arg);

/* Called when the keeper has ended: no child is made any more, and the caller should end too, to be
 * started anew. */
void ad_on_end(struct ad *a, void (*ended)(void *arg), void *arg);

/* What an administrator sees in 'ctl status'. */
struct ad_counts {
    uint64_t asked, cached, searches, logons, deadlines, respawned, refused_busy;
    unsigned cache_entries, waiting, children;
    bool winbind_down, ldap_down;
    int64_t down_since; /* seconds since 1970, 0: up */
    char server[256];   /* the controller LDAP talks to; empty: none */
};
void ad_counts(const struct ad *a, struct ad_counts *out);

#endif
