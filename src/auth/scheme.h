/* SPDX-License-Identifier: MIT */
/* What every mechanism (NTLM, Kerberos, TLS-DSK) fills. */
#ifndef POSTERN_AUTH_SCHEME_H
#define POSTERN_AUTH_SCHEME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "diag/fault.h"

struct sa;
struct auth;
struct auth_request;
struct auth_result;
struct sa_owner;

struct ntlm_policy;

enum { AUTH_SIGNATURE_HEX_MAX = 96 }; /* Kerberos with RC4: 37 octets */

struct auth_scheme {
    const char *name;   /* "NTLM": as written in headers and in the signed text */
    enum fault damaged; /* a token that is no base64 */
    /* Whether the client's first token is a real one.  Of NTLM in datagram mode it is empty: it
     * asks for the CHALLENGE. */
    bool begins_with_token;
    /* The name that the challenge gives us; empty: not on offer. */
    struct str (*targetname)(const struct auth *a, const struct sa_owner *o);
    /* A handshake request (gssapi-data present).  `sa` is NULL for the first token, then the
     * half-open one.  Fills the result: CHALLENGE with the next token, or ASK with the question and
     * the SA. On a fault the handshake has failed and the caller destroys the SA. */
    enum fault (*step)(struct auth *a, const struct auth_request *r,
                       const struct ntlm_policy *policy, struct sa *sa, struct str token,
                       struct auth_result *out);
    /* What a token says of its sender, for the records.  True when it is one that ends a
     * handshake. */
    bool (*describe)(struct str token, struct arena *arena, struct auth_result *out);
    /* The directory proved who it is: make the keys from what it gave (struct proto_verdict).
     * False when they are not keys of this mechanism. */
    bool (*establish)(struct sa *sa, struct str keys);
    void (*sign)(struct sa *sa, struct str text, struct buf *hex);            /* our direction */
    bool (*verify)(struct sa *sa, struct str text, struct str signature_hex); /* the client's */
    void (*wipe)(struct sa *sa);
};

extern const struct auth_scheme auth_ntlm, auth_kerberos;

#endif
