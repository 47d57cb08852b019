/* SPDX-License-Identifier: MIT */
/* Clients behind an Edge.  A link carries many of them; each is known by the ms-received-cid that
 * the Edge gave its connection, and is to the rest of the front what a connection of its own would
 * be: its security associations are found nowhere else. */
#ifndef POSTERN_FRONT_BEHIND_H
#define POSTERN_FRONT_BEHIND_H

#include "front/worker.h"
#include "sip/trust.h"

struct edge_link;

struct edge_link *edge_link_new(struct worker *w, struct conn *c);
/* The link ended, and with it everybody behind it. */
void edge_link_free(struct edge_link *l);

/* Whose message this is; made on first sight.  `trust` gets what the Edge says of them. */
struct client_conn *edge_link_client(struct edge_link *l, const struct sip_msg *m,
                                     struct arena *arena, struct sip_trust *trust);
/* The Edge says that these connections (hexadecimal, one a line) have ended. */
void edge_link_gone(struct edge_link *l, struct str cids);
/* Forgets whoever was not heard of for long and has no association. */
void edge_link_sweep(struct edge_link *l, uint64_t now_ms);

#endif
