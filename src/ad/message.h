/* SPDX-License-Identifier: MIT */
/* What authd and its Active Directory children say to each other: one question, one answer, each a
 * datagram.  Little-endian; texts with a length before them. */
#ifndef POSTERN_AD_MESSAGE_H
#define POSTERN_AD_MESSAGE_H

#include "ad/directory.h"
#include "base/buf.h"

enum {
    AD_MESSAGE_MAX = 65536,
    AD_RESPONSE_MAX = 16384, /* an NT response */
    AD_TEXT_MAX = 1024,      /* a name as a client sent it, an address */
    AD_DETAIL_MAX = 512,
    AD_SERVER_MAX = 255,
    AD_CHANGES_MAX = 255,
};

enum ad_ask {
    AD_ASK_LOGON = 1, /* winbind */
    AD_ASK_NAMES,     /* winbind: of this machine */
    AD_ASK_PROBE,     /* both: does a domain controller answer? */
    AD_ASK_FIND,      /* LDAP */
    AD_ASK_CHANGES,   /* LDAP: objects with uSNChanged >= since */
};

enum ad_by { AD_BY_NAME = 1, AD_BY_UPN, AD_BY_ADDRESS, AD_BY_SID };

struct ad_question {
    enum ad_ask ask;
    struct ad_logon logon; /* AD_ASK_LOGON */
    enum ad_by by;         /* AD_ASK_FIND */
    struct str value;      /* AD_ASK_FIND: a name, an address with sip:, the octets of a SID */
    uint64_t since;        /* AD_ASK_CHANGES; 0: only the number to begin with */
    struct str server;     /* AD_ASK_CHANGES: whose number that is; of another it means nothing */
    unsigned first;        /* LDAP: the server to begin with when there is no connection */
};

/* False when a text is longer than it may be. */
bool ad_question_write(const struct ad_question *q, struct buf *out);
bool ad_question_read(struct str in, struct ad_question *out);

/* By any of these the cache may know the object. */
struct ad_change {
    struct str sid, name, upn, uri;
};

struct ad_answer {
    enum ad_ask ask;
    enum fault fault;               /* of the directory- family: the question was not answered */
    char detail[AD_DETAIL_MAX + 1]; /* what the library said, for the trace */
    char server[AD_SERVER_MAX + 1]; /* LDAP: the controller; empty: none */

    struct ad_proof proof;     /* AD_ASK_LOGON */
    struct ad_names names;     /* AD_ASK_NAMES */
    bool found;                /* AD_ASK_FIND */
    struct ad_account account; /* if found */

    /* AD_ASK_CHANGES */
    uint64_t usn; /* where the next question begins */
    bool all;     /* whatever is remembered may be wrong: too much changed, or a group */
    unsigned change_count;
    struct ad_change changes[AD_CHANGES_MAX];
};

/* Out of bounds is cut (texts) or left out with `all` set (changes). */
void ad_answer_write(const struct ad_answer *a, struct buf *out);
/* The slices of the changes point into `in`. */
bool ad_answer_read(struct str in, struct ad_answer *out);

#endif
