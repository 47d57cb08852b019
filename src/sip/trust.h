/* SPDX-License-Identifier: MIT */
/* ms-edge-proxy-message-trust: what an Edge tells a Front End of the client behind it, and what a
 * Front End tells the Edge of a refusal.  Believed only on the connection between the two; it adds
 * detail and never decides whether somebody is remote. */
#ifndef POSTERN_SIP_TRUST_H
#define POSTERN_SIP_TRUST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

enum { SIP_TRUST_TICKETS_MAX = 4 };

struct sip_trust {
    struct str edge; /* ms-ep-fqdn: the Edge's name inside */
    struct str cid;  /* ms-received-cid, for messages that have no Via of the client's */
    struct str
        target;       /* name that stands outside for the Front End's; empty: the Front End's own */
    uint64_t resumed; /* number of the TLS session the client resumed; 0: none */
    uint64_t tickets[SIP_TRUST_TICKETS_MAX]; /* of those it may resume later; 0: none */
    bool over;  /* the client's address failed too often: only known devices are judged */
    bool guess; /* from the Front End: this refusal counts against the client's address */
};

/* The header's value, as an Internet user's. */
void sip_trust_print(const struct sip_trust *t, struct buf *out);
/* Slices into `value`.  What is missing or cannot be read is left empty. */
void sip_trust_parse(struct str value, struct sip_trust *out);

#endif
