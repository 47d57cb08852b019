/* SPDX-License-Identifier: MIT */
/* Reading Active Directory over LDAP, one question after the other, blocking within time limits.
 * The LDAP child of authd answers from it; a command may use it directly. */
#ifndef POSTERN_AD_READER_H
#define POSTERN_AD_READER_H

#include "ad/entry.h"
#include "ad/message.h"

struct ad_reader;

/* No connection yet: the first question makes it, and the one after a lost one anew.  The process
 * ignores SIGPIPE from now on. */
struct ad_reader *ad_reader_new(const struct conf *c);
void ad_reader_free(struct ad_reader *r);

/* Tries the servers in order, beginning with number `first` (counted modulo), all of them within
 * about ad_timeout.  A wrong password of ours is not tried again for ten minutes unless its file
 * changes.  False with one line per server in `why`. */
bool ad_reader_open(struct ad_reader *r, unsigned first, struct buf *why);
void ad_reader_close(struct ad_reader *r);
/* Number of the server after the one that was taken last. */
unsigned ad_reader_next(const struct ad_reader *r);
/* The domain controller at the other end, as it calls itself; "" without a connection. */
const char *ad_reader_server(const struct ad_reader *r);

/* One entry as it was found.  Everything lives until the call-back returns. */
struct ad_match {
    struct str dn;
    struct ad_entry entry;     /* the attributes we ask for, as the server sent them */
    struct ad_account account; /* what they mean; `shared` is only known to ad_reader_find */
};
typedef bool (*ad_reader_each)(void *arg, const struct ad_match *m); /* false ends it */

/* All these: FAULT_NONE, or a directory- fault with the reason in `why`. */

/* Everybody who has this name, UPN, SIP address or SID (objectSid, else msRTCSIP-OriginatorSid);
 * at most 10 are told. */
enum fault ad_reader_match(struct ad_reader *r, enum ad_by by, struct str value,
                           ad_reader_each each, void *arg, struct buf *why);
/* The one account, and whether another has its SIP address. */
enum fault ad_reader_find(struct ad_reader *r, enum ad_by by, struct str value, bool *found,
                          struct ad_account *out, struct buf *why);
/* Other attributes of one entry, a NULL-terminated list of at most AD_ATTRIBUTES_MAX; `each` is not
 * called when it is gone.  Not to be asked from within another call-back. */
enum fault ad_reader_entry(struct ad_reader *r, const char *dn, const char *const *attributes,
                           void (*each)(void *arg, const struct ad_entry *e), void *arg,
                           struct buf *why);
/* All who have a SIP address, in pages (RFC 2696). */
enum fault ad_reader_list(struct ad_reader *r, ad_reader_each each, void *arg, struct buf *why);
/* The rootDSE: does the server answer? */
enum fault ad_reader_probe(struct ad_reader *r, struct buf *why);

/* What changed at `server` from `since` on; nothing, only where to begin, when that is 0 or another
 * server answers.  The slices of `out` point into `text`. */
enum fault ad_reader_changes(struct ad_reader *r, struct str server, uint64_t since,
                             struct ad_answer *out, struct buf *text, struct buf *why);

#endif
