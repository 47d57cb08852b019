/* SPDX-License-Identifier: MIT */
/* What the Edge changes in a message that passes: Via, Record-Route, Route, what belongs to one
 * hop, and what must not be seen outside.  Signed fields (From, To, Call-ID, CSeq, Expires,
 * P-Asserted-Identity) are never touched: they leave octet for octet as they came. */
#ifndef POSTERN_EDGE_REWRITE_H
#define POSTERN_EDGE_REWRITE_H

#include "edge/edge_internal.h"

struct rewrite_mark {  /* what an answer brings back in our Via */
    uint64_t conn_id;  /* of the connection from outside; 0: our own question */
    unsigned asked;    /* link_asked */
    uint64_t endpoint; /* which one registers: others' Contacts are not shown to it */
    bool sign_in;      /* the request carried an AUTHENTICATE */
    bool over;         /* from an address over its budget; does not come back */
};

/* Each appends the message as it leaves; false when it does not fit into its memory. */
bool rewrite_request_inward(const struct edge_turn *t, struct conn *link,
                            const struct rewrite_mark *mark, struct buf *out);
bool rewrite_response_outward(const struct edge_turn *t, const struct rewrite_mark *mark,
                              struct buf *out);
bool rewrite_request_outward(const struct edge_turn *t, uint64_t link_id, struct buf *out);
/* `vias`: the lines of the inside as rewrite_request_outward hid them. */
bool rewrite_response_inward(const struct edge_turn *t, struct str vias, struct buf *out);

void rewrite_route_fini(struct route *r);

/* Reads our Via off the top of an answer from inside; false when it is not ours. */
bool rewrite_read_mark(const struct sip_msg *m, struct arena *arena, struct rewrite_mark *out);
/* The sealed Via lines in an answer from outside; empty when there are none. */
struct str rewrite_sealed(const struct sip_msg *m, struct arena *arena);
/* Which endpoint a Contact is. */
uint64_t rewrite_endpoint(struct str contact);

#endif
