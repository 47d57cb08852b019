/* SPDX-License-Identifier: MIT */
/* The acceptor's half of Kerberos (RFC 4121): AP-REQ against the keytab, then nothing but keys.
 * Only authd calls it: the keytab is read here. */
#ifndef POSTERN_KERBEROS_ACCEPT_H
#define POSTERN_KERBEROS_ACCEPT_H

#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "diag/fault.h"
#include "kerberos/mic.h"

enum { KRB_PRINCIPAL_MAX = 512 };

struct krb_acceptor;

struct krb_acceptor_settings {
    const char *keytab;       /* path; read at each accept, so a rotated one needs no reload */
    const char *service;      /* "sip/fe.example.test"; NULL: any key of the keytab */
    const char *replay_cache; /* path of the persistent replay cache */
};

struct krb_accepted {
    char principal[KRB_PRINCIPAL_MAX + 1]; /* "ada@AD.EXAMPLE.TEST", UTF-8 */
    struct krb_keys keys;                  /* of the acceptor; the caller wipes them */
    int64_t ends; /* seconds since 1970: end of the ticket, no skew in it */
};

/* NULL with a reason when the library cannot start.  An acceptor and a reason when the keytab
 * cannot be read yet: it will be looked for at each accept. */
struct krb_acceptor *krb_acceptor_new(const struct krb_acceptor_settings *s, struct buf *why);
void krb_acceptor_free(struct krb_acceptor *a);

/* Takes one complete initial context token (0x60 framing, mechanism 1.2.840.113554.1.2.2).  Appends
 * the answer token to `reply` when the initiator asked for mutual authentication.  A fault of the
 * kerberos- family otherwise, with what the library said in `detail` (KERBEROS_CLOCK_SKEW: by how
 * many seconds the client's clock differs, and which way).  No network, no name service. */
enum fault krb_accept(struct krb_acceptor *a, struct str token, struct krb_accepted *out,
                      struct buf *reply, struct buf *detail);

#endif
