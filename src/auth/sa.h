/* SPDX-License-Identifier: MIT */
/* Security associations of one worker: keys, sequence numbers, expiry.  An SA belongs to the
 * connection (and behind an Edge to the ms-received-cid) it was built on and is found only there.
 */
#ifndef POSTERN_AUTH_SA_H
#define POSTERN_AUTH_SA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "kerberos/mic.h"
#include "ntlm/sign.h"

struct auth_scheme;
struct sa_table;
struct sa_source; /* what an address holds of half-open ones (auth/half_open.h) */

enum sa_state { SA_HALF_OPEN, SA_ASKING /* authd is asked */, SA_ESTABLISHED };

/* The SAs of one connection; embedded in the front's connection state. */
struct sa_owner {
    struct sa *list;
    const char *targetname; /* the name shown to this client instead of ours; NULL: ours */
    uint8_t source[16];     /* address octets, padded with zeros */
    uint8_t source_len;
};

struct sa {
    struct sa *next_owned, *prev_owned; /* list of the owner */
    struct sa *same_place;              /* another one of the same owner, cid and epid */
    struct sa *older, *newer;           /* half-open ones of a source, by age */
    struct sa *older_all, *newer_all;   /* half-open ones of the table, by age */
    struct sa_source *by_source;
    /* the place: these three are one key, side by side, padded with zeros */
    struct sa_owner *owner;
    char cid[12]; /* behind an Edge: ms-received-cid of the outside connection; else "" */
    char epid[20];
    const struct auth_scheme *scheme;
    enum sa_state state;
    char opaque_text[9]; /* 8 upper-case hex digits; unguessable, unique in the table */
    unsigned version;    /* 2, 3, 4: of the client's requests, for both directions */
    char *user_key;      /* "sip:ada@example.com", From of the handshake; owned */
    char *account;       /* resolved DOMAIN\name, after the verdict; owned */
    char *display;       /* owned, may be NULL */
    unsigned user_flags;
    uint64_t created_ms, expires_ms; /* monotonic; half open: when it is given up */
    bool remote;
    uint64_t flags_ms; /* when the user's flags were last looked at; 0: not registered yet */
    bool signed_once;  /* a signature of the client has been verified; before that an SA below
                        * version 4 must not create a binding */
    /* replay window of the client's cnum, width 256 ([MS-SIP] 3.1.5.2) */
    uint64_t cnum_seen[4];
    uint32_t cnum_high; /* highest number of the window */
    uint32_t snum;      /* last one used */
    /* NTLM */
    uint8_t server_challenge[8];
    uint32_t offered;
    char *challenge; /* whole CHALLENGE message while half open, for the MIC; owned */
    size_t challenge_len;
    uint32_t flags;
    unsigned revision;
    union {
        struct ntlm_keys keys;
        struct krb_mic *mic; /* Kerberos; owned, NULL before it is established */
    };
};

struct sa_limits {
    uint32_t half_open_max;
    uint64_t half_open_ms, life_ms;
};

struct sa_table *sa_table_new(const struct sa_limits *limits);
void sa_table_free(struct sa_table *t);
void sa_table_set_limits(struct sa_table *t, const struct sa_limits *limits);

void sa_owner_init(struct sa_owner *o, struct str source);
void sa_owner_fini(struct sa_table *t,
                   struct sa_owner *o); /* the connection is gone: all its SAs die */

/* A new half-open SA; replaces an older half-open one of the same owner, cid and epid.  At the
 * limit the oldest of the source that holds most goes first (told through *evicted, may be NULL).
 * cid and epid longer than their arrays are cut. */
struct sa *sa_new(struct sa_table *t, struct sa_owner *o, struct str cid, struct str epid,
                  uint64_t now_ms, bool *evicted);
/* By opaque text on this connection and cid only; NULL otherwise.  Expired ones are not found. */
struct sa *sa_find(struct sa_table *t, struct sa_owner *o, struct str cid, struct str opaque,
                   uint64_t now_ms);
/* The same, expired or not. */
struct sa *sa_find_any(struct sa_table *t, struct sa_owner *o, struct str cid, struct str opaque);
/* The established SA of this user and epid here (to sign requests to the client); NULL when none.
 */
struct sa *sa_find_user(struct sa_owner *o, struct str user_key, struct str epid);
/* authd is asked: a client that answered counts as young again, so that it is neither swept nor
 * evicted while it waits. */
void sa_asking(struct sa_table *t, struct sa *sa, uint64_t now_ms);
/* Becomes established; an older established one of the same user, cid and epid dies. */
void sa_establish(struct sa_table *t, struct sa *sa, uint64_t now_ms, uint64_t expires_ms);
void sa_drop(struct sa_table *t, struct sa *sa);
/* Drops half-open ones past their time; call about once a second. */
void sa_table_sweep(struct sa_table *t, uint64_t now_ms);
unsigned sa_table_half_open(const struct sa_table *t);
unsigned sa_table_established(const struct sa_table *t);
uint64_t sa_table_evicted(const struct sa_table *t); /* ever, at the limit */
uint64_t sa_table_life_ms(const struct sa_table *t);

/* Width 256, first number free: clients go on counting over a new sign-in. */
enum sa_cnum { SA_CNUM_OK, SA_CNUM_REPLAY };
/* Tests only; sa_cnum_mark records it after the signature was verified. */
enum sa_cnum sa_cnum_check(const struct sa *sa, uint32_t cnum);
void sa_cnum_mark(struct sa *sa, uint32_t cnum);

#endif
