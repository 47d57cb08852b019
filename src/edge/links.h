/* SPDX-License-Identifier: MIT */
/* A worker's links to the Front Ends: mutual TLS, several to each, kept up and asked every few
 * seconds whether somebody is there.  The first Front End of the list that answers is used. */
#ifndef POSTERN_EDGE_LINKS_H
#define POSTERN_EDGE_LINKS_H

#include "edge/edge_internal.h"

struct link;

void links_start(struct edge_worker *w);
void links_free(struct edge_worker *w); /* after the connections */
void links_tick(struct edge_worker *w, uint64_t now_ms);

/* Events of their connections. */
void link_opened(struct edge_worker *w, struct conn *c);
void link_closed(struct edge_worker *w, struct conn *c, enum fault why);

/* A link for a user, the same as long as the same links are up; NULL when no Front End is. */
struct link *links_pick(const struct edge_worker *w, struct str user_key);
/* The link of this connection; NULL when it has ended. */
struct link *link_find(const struct edge_worker *w, uint64_t conn_id);
struct conn *link_conn(const struct link *l);
uint64_t link_conn_id(const struct link *l);
/* Too many requests are open on it, or too much waits for the Front End to be read. */
bool link_is_full(const struct link *l);
/* A request leaves over it / its answer came; `mark` goes along in between: LINK_NOT_ASKED when
 * nobody waits for an answer. */
enum { LINK_NOT_ASKED = 0xFF };
unsigned link_asked(struct link *l, uint64_t now_ms);
void link_answered(struct link *l, unsigned mark);
/* The answer to our own question. */
void link_alive(struct link *l, const struct sip_msg *m, struct arena *arena);
/* The value of the Front End's first challenge, as it was seen last; empty: not yet. */
struct str link_offer(const struct link *l);
/* A connection from outside that used it has ended: its Front End is told with others. */
void link_tell_gone(struct edge_worker *w, uint64_t link_id, const struct conn *outside);

/* What leaves over it during one turn of the loop leaves together, in one write: messages are
 * appended here.  What is known of ended connections stands before them, for their numbers
 * (ms-received-cid) come again. */
struct buf *link_out(struct link *l);
void links_send(void *arg); /* the end of a turn; `arg` is the worker */
/* After each message: not too much is collected. */
void link_written(struct link *l);

/* For the status: calls `each` per Front End. */
void links_count(const struct edge_worker *w, unsigned hop, unsigned *up);

#endif
