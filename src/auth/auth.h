/* SPDX-License-Identifier: MIT */
/* The server's decision about a request's credentials ([MS-SIPAE] 3.3.5.1), joining SIP and the
 * mechanisms.  One struct auth per worker; no sockets, no clock: time comes in. */
#ifndef POSTERN_AUTH_AUTH_H
#define POSTERN_AUTH_AUTH_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "auth/sa.h"
#include "auth/sigtext.h"
#include "base/arena.h"
#include "base/buf.h"
#include "diag/fault.h"
#include "ntlm/accept.h"
#include "ntlm/policy.h"
#include "sip/msg.h"
#include "users/proto.h"

struct auth {
    struct str realm;            /* SIP Communications Service */
    struct str targetname;       /* our FQDN */
    struct str kerberos_service; /* sip/ and our FQDN; empty: Kerberos is not on offer */
    struct ntlm_names names;
    bool is_joined; /* the names are a domain member's, and checked by its domain controller */
    const struct ntlm_policy_set *policy; /* swapped by the owner when it changes */
    struct sa_table *sas;
    /* drawn in advance: one system call for many messages.  All zero at first. */
    uint32_t salts[64];
    unsigned salts_left;
};

/* What is known of the request besides its bytes. */
struct auth_request {
    const struct sip_msg *msg;
    struct sa_owner *owner;
    struct str cid;    /* of the outside connection behind an Edge; else empty */
    struct str source; /* 4 or 16 address octets: for policy exceptions */
    bool remote;       /* through an Edge: only NTLM is offered, as no KDC is reached from there */
    bool source_over;  /* its address failed too often, says the Edge */
    uint64_t resumed, tickets[PROTO_TICKETS_MAX]; /* what the Edge says of its TLS session */
    struct str user_key;                          /* of From */
    struct str epid;
    struct arena *arena;
    uint64_t now_ms; /* monotonic */
    uint64_t filetime;
    uint32_t day; /* yyyymmdd */
};

enum auth_outcome {
    AUTH_PASS, /* signed by an established SA: `sa`.  With `fault` SA_FROM_MISMATCH the signature is
                * right but From names another user: refuse, signed */
    AUTH_CHALLENGE, /* 401; `challenges` are the WWW-Authenticate values, one per header line */
    AUTH_ASK,       /* ask the directory: `question`; then auth_verdict */
    AUTH_DROP,      /* discard silently (ACK, CANCEL, responses) */
};

enum { AUTH_SCHEMES_MAX = 3 };

struct auth_result {
    enum auth_outcome outcome;
    enum fault fault; /* why a challenge is more than the first one; FAULT_NONE for that */
    struct sa *sa;    /* PASS; ASK */
    struct str challenges[AUTH_SCHEMES_MAX]; /* values for WWW-Authenticate, in the arena */
    unsigned challenge_count;
    struct proto_question question; /* ASK: slices into the message and the SA */
    /* for the security record */
    struct str token; /* decoded AUTHENTICATE */
    uint32_t unmet, flags, minimum;
    struct str policy_name;
    struct str account_text; /* DOMAIN\user as sent, UTF-8 */
    struct str detail;       /* of the fault, as the directory said */
    enum fault audited;      /* let in by audit mode although this was unmet */
    bool guess;              /* the directory says that it counts as a guess at a password */
};

void auth_check(struct auth *a, const struct auth_request *r, struct auth_result *out);

/* authd answered.  `r` is made anew from the saved request.  PASS (keys made; the request's own
 * signature verified when version 4), or CHALLENGE with the fault, or PASS with `fault` set when
 * the password was proved but the account may not sign in (403/404 to be signed with `sa`, which
 * is to be dropped afterwards).  The SA is found anew by opaque: it may have died meanwhile. */
void auth_verdict(struct auth *a, const struct auth_request *r, struct str opaque,
                  const struct proto_verdict *v, struct auth_result *out);

/* All schemes on offer, fresh challenge (also used for 401 after failures). */
void auth_offer(struct auth *a, const struct auth_request *r, struct auth_result *out);

/* Appends "Authentication-Info: NTLM rspauth=...\r\n" for a message whose signed fields are in
 * `t` (scheme, rand, num, realm, target are filled here); counts snum. */
void auth_sign(struct auth *a, struct sa *sa, struct sigtext *t, struct buf *out);

/* Verifies a client's response to our request (signed in Authorization).  FAULT_SA_UNSIGNED when
 * it has no credentials of ours. */
enum fault auth_check_response(struct auth *a, const struct auth_request *r, struct sa **out);

#endif
