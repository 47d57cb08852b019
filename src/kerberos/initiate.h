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
    struct str service;   /* "sip/fe.example.test", as the challenge names it */
    struct str principal; /* "ada", "ada@REALM"; empty: whose the credential cache is */
    struct str password;  /* empty: the tickets of the credential cache (KRB5CCNAME) */
    /* what some initiators ask for besides integrity: the acceptor must bear it (tests) */
    bool mutual, replay, sequence;
};

/* Appends the token to `token`, and gives the initiator's keys (the caller wipes them).  Blocks on
 * the KDC.  Faults: kerberos-no-credentials, kerberos-kdc-unreachable, kerberos-service-unknown,
 * kerberos-clock-skew, user-wrong-password and other user- faults as the KDC names them; what the
 * library said goes to `detail`.  With `mutual` the keys are final only for a context without an
 * acceptor's sub-key: keys are then those of the initiator until krb_initiate answers are read, so
 * clients of SIP leave it false. */
enum fault krb_initiate(const struct krb_initiate *in, struct buf *token, struct krb_keys *keys,
                        struct buf *detail);

#endif
