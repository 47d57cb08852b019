/* SPDX-License-Identifier: MIT */
/* The initiator's half: a ticket for the service from a credential cache or a password, one token,
 * and the keys. */
#ifndef POSTERN_KERBEROS_INITIATE_H
#define POSTERN_KERBEROS_INITIATE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"
#include "diag/fault.h"
#include "kerberos/mic.h"

struct krb_initiate {
    /* "sip/fe.example.test", as the challenge names it.  Its realm is what krb5.conf says of the
     * host, else whatever the user's KDC refers us to. */
    struct str service;
    /* "ada", "ada@REALM" or, with a password, a userPrincipalName; empty: whose the credential
     * cache is */
    struct str principal;
    struct str password; /* empty: the tickets of the credential cache (KRB5CCNAME) */
    /* what some initiators ask for besides integrity: the acceptor must bear it (tests) */
    bool replay, sequence;
};

/* Appends the token to `token`, and gives the initiator's keys (the caller wipes them).  Blocks on
 * the KDC.  Faults: kerberos-no-credentials, kerberos-kdc-unreachable, kerberos-service-unknown,
 * kerberos-clock-skew, user-wrong-password and other user- faults as the KDC names them; what the
 * library said goes to `detail`.  No mutual authentication: nothing would bring its answer
 * ([MS-SIPAE] 3.3.5.1), and the server proves itself by its signatures. */
enum fault krb_initiate(const struct krb_initiate *in, struct buf *token, struct krb_keys *keys,
                        struct buf *detail);

#endif
