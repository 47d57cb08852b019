/* SPDX-License-Identifier: MIT */
/* The question a front asks authd once per sign-in, and the verdict; messages of a SOCK_SEQPACKET
 * socket, sizes checked.  It stands below both processes so that neither includes the other.
 * Each begins with version, kind and the size of the fault catalogue: faults travel as numbers, so
 * two programs with different catalogues must not talk (a front that outlived an upgrade). */
#ifndef POSTERN_USERS_PROTO_H
#define POSTERN_USERS_PROTO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "diag/fault.h"
#include "users/user.h"

enum {
    PROTO_VERSION = 3,
    PROTO_MESSAGE_MAX = 65536,
    PROTO_EPID_MAX = 20,
    PROTO_TICKETS_MAX = 4,
    PROTO_KEYS_MAX = 64,
    PROTO_NAME_MAX = 255,
    PROTO_DETAIL_MAX = 255
};

enum proto_scheme { PROTO_NTLM, PROTO_KERBEROS };

struct proto_question {
    uint64_t id;
    enum proto_scheme scheme;
    uint32_t deadline_ms; /* from receipt; older ones are dropped unanswered */
    uint8_t server_challenge[8];
    struct str challenge;    /* whole CHALLENGE message (for the MIC); Kerberos: empty */
    struct str authenticate; /* whole AUTHENTICATE message; Kerberos: the initial token */
    struct str from_uri;     /* the address claimed: "sip:ada@example.com" */
    struct str source;       /* 4 or 16 address octets, empty when unknown */
    bool remote;             /* through an Edge */
    /* how a device is known again, for failure budgets; only through an Edge */
    struct str epid;
    bool source_over; /* its address failed too often: only a known device is to be judged */
    uint64_t resumed; /* the TLS session it resumed; 0: none */
    uint64_t tickets[PROTO_TICKETS_MAX]; /* sessions it may resume later; 0: none */
};

struct proto_verdict {
    uint64_t id;
    enum fault fault;     /* FAULT_NONE: password proved and account in order */
    bool password_proved; /* with USER_NOT_SIP_ENABLED, USER_URI_NOT_THEIRS and
                           * REMOTE_ACCESS_NOT_ENABLED too: the keys are set, so that the refusal
                           * can be signed */
    /* what the SA's keys are made of: the exported session key (16 octets), or those of a Kerberos
     * context (krb_keys_write) */
    uint8_t keys[PROTO_KEYS_MAX];
    uint8_t keys_len;
    int64_t ends;        /* seconds since 1970 at which the proof ends (a ticket's end); 0: never */
    unsigned user_flags; /* enum user_flag */
    struct str uri;      /* the account's own SIP address */
    struct str display;
    struct str account; /* DOMAIN\name as resolved */
    struct str detail;  /* of the fault, for records: what a library or the directory said */
    enum fault audited; /* let in by audit mode although this was unmet */
    bool counts;        /* a guess at a password: the Edge counts it against its source */
};

/* False, and nothing appended, when a field is longer than the reader would take. */
bool proto_question_write(const struct proto_question *q, struct buf *out);
bool proto_question_read(struct str in, struct proto_question *out); /* slices into `in` */
bool proto_verdict_write(const struct proto_verdict *v, struct buf *out);
bool proto_verdict_read(struct str in, struct proto_verdict *out);

/* A user's flags anew (each refresh): user look-up by SIP address. */
struct proto_lookup {
    uint64_t id;
    struct str uri;
};
struct proto_flags {
    uint64_t id;
    bool known;
    unsigned user_flags;
};
bool proto_lookup_write(const struct proto_lookup *q, struct buf *out);
bool proto_lookup_read(struct str in, struct proto_lookup *out);
void proto_flags_write(const struct proto_flags *v, struct buf *out);
bool proto_flags_read(struct str in, struct proto_flags *out);

/* The names that a CHALLENGE must carry: those of the machine that is joined to the domain, or
 * every NTLMv2 response is refused.  Sent unasked, when a front connects and when they change. */
struct proto_names {
    struct str nb_computer, nb_domain, dns_domain, dns_tree; /* UTF-8, the dns_ ones may be empty */
};
bool proto_names_write(const struct proto_names *n, struct buf *out);
bool proto_names_read(struct str in, struct proto_names *out);

enum proto_kind {
    PROTO_BAD,
    PROTO_QUESTION,
    PROTO_VERDICT,
    PROTO_LOOKUP,
    PROTO_FLAGS,
    PROTO_NAMES
};
enum proto_kind proto_kind(struct str in); /* PROTO_BAD: unknown version or kind */

#endif
