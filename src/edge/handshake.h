/* SPDX-License-Identifier: MIT */
/* NTLM as the Edge sees it pass: which CHALLENGE went out on which connection, and whether an
 * AUTHENTICATE can be an answer to one.  No secret is needed for that, and what fails here reaches
 * no Front End. */
#ifndef POSTERN_EDGE_HANDSHAKE_H
#define POSTERN_EDGE_HANDSHAKE_H

#include "edge/edge_internal.h"

/* A 401 with a CHALLENGE leaves for the client. */
void handshake_note(struct outside *o, const struct sip_msg *m, struct arena *arena);
void handshakes_free(struct outside *o);

enum handshake_kind {
    HANDSHAKE_NO,     /* no token, or the empty one that asks for a CHALLENGE */
    HANDSHAKE_ANSWER, /* an AUTHENTICATE; it has used its CHALLENGE up, whatever comes of it */
};
struct handshake_seen {
    enum handshake_kind kind;
    enum fault fault;          /* structural; FAULT_NONE: may be forwarded */
    struct str token;          /* decoded */
    struct str foreign_target; /* UTF-8: the other service it was made for; empty: none */
};
void handshake_look(struct outside *o, const struct sip_msg *m, struct arena *arena,
                    struct handshake_seen *out);

#endif
