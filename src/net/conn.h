/* SPDX-License-Identifier: MIT */
/* One connection: descriptor, TLS, framing, back-pressure.  Buffers for receiving, plaintext and
 * sending belong to the worker (struct net); an idle connection owns none.  A connection keeps
 * at most one unfinished message and what the kernel refused to take. */
#ifndef POSTERN_NET_CONN_H
#define POSTERN_NET_CONN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"
#include "base/str.h"
#include "diag/fault.h"
#include "net/addr.h"
#include "ntlm/policy.h"
#include "tls/tls.h"

struct conn;
struct net;

struct net_limits {
    size_t message_max;       /* bytes of one message */
    size_t send_max;          /* bytes waiting for a peer that does not read; more closes it */
    unsigned idle_s;          /* no complete message and no keep-alive for so long: close; 0: off */
    unsigned handshake_s;     /* TLS handshake and the first message must be done by then; 0: off */
    unsigned connections_max; /* per worker */
};

struct net_listener;

struct net_handler {
    /* Asked at accept, before a byte is read: FAULT_NONE lets it in.  Whoever is let in gets
     * `closed` later.  May be NULL. */
    enum fault (*admit)(void *arg, const struct net_listener *l, const struct net_addr *peer);
    void (*open)(void *arg,
                 struct conn *c); /* accepted and, with TLS, handshake done; may be NULL */
    /* One framed message; slices are valid until return.  The handler may send and close. */
    void (*message)(void *arg, struct conn *c, struct str whole, size_t head_len);
    /* The stream cannot be framed further.  The handler may send a last reply; the connection is
     * closed after it returns.  `seen` is the head as far as it came. */
    void (*broken)(void *arg, struct conn *c, enum fault fault, struct str seen);
    /* Last call for this connection; its struct goes away after it.  Also for one that never got
     * `open`: conn_tls then tells what the client offered.  Of connections over the limit
     * (ROUTE_TOO_MANY) one a second is told, all are counted. */
    void (*closed)(void *arg, struct conn *c, enum fault why);
};

/* The per-worker part. */
struct net *net_new(struct loop *l, const struct net_limits *limits, const struct net_handler *h,
                    void *arg, unsigned worker);
void net_free(struct net *n); /* closes everything with ROUTE_SHUTDOWN */
void net_set_limits(struct net *n, const struct net_limits *limits);
unsigned net_count(const struct net *n);
uint64_t net_refused(const struct net *n); /* closed at accept: over the limit, no descriptor */

/* A listening descriptor's properties; lives as long as its connections (process lifetime). */
struct net_listener {
    char name[NET_ADDR_TEXT]; /* as configured: "127.0.0.1:5061" */
    bool use_tls;
    struct tls_context *tls;        /* modern */
    struct tls_context *tls_legacy; /* for sources in legacy_networks; NULL: no lane */
    struct ntlm_network *legacy_networks;
    unsigned legacy_network_count;
    bool edge_link; /* peers are Edges: mutual TLS, and what comes in is remote */
};

/* Binds and listens: SO_REUSEPORT so that each worker has its own.  -1 with errno. */
int net_listen(const struct net_addr *addr);
/* Accepts on `fd` (owned from here on) for this worker. */
void net_add_listener(struct net *n, struct net_listener *l, int fd);
void net_pause_listeners(struct net *n); /* stop accepting, for good (shutdown) */

/* Outgoing connection (client roles).  `tls` may be NULL for TCP.  open or closed is called. */
struct conn *net_connect(struct net *n, const struct net_addr *addr, struct tls_context *tls,
                         const char *server_name);

/* Composes into the worker's send scratch: write the whole message there, then conn_send_done.
 * What conn_compose returns is empty and valid until conn_send_done. */
struct buf *conn_compose(struct conn *c);
void conn_send_done(struct conn *c); /* one record, one write (at the end of the event) */
void conn_send(struct conn *c, struct str whole); /* nothing before `open` or after a close */
/* Closes after what was sent has left, or at once when that takes longer than a second. */
void conn_close(struct conn *c, enum fault why);
bool conn_closing(const struct conn *c);
/* Bytes that the kernel did not take yet, and how many there may be instead of send_max. */
size_t conn_unsent(const struct conn *c);
void conn_set_send_max(struct conn *c, size_t bytes);
/* False for one that was refused at accept: it was told, but never let in. */
bool conn_admitted(const struct conn *c);
/* Stops and resumes handling (a reply is being waited for).  What was read already is kept, at
 * most one scratch, and handled on the loop's next turn after conn_resume. */
void conn_pause(struct conn *c);
void conn_resume(struct conn *c);

void conn_set_user(struct conn *c, void *user);
void *conn_user(const struct conn *c);
uint32_t conn_cid(const struct conn *c); /* unique in the process while it lives: ms-received-cid */
uint64_t conn_id(const struct conn *c);  /* never used twice in the process */
struct conn *net_find(struct net *n, uint64_t id); /* NULL when gone */
struct conn *net_find_cid(struct net *n, uint32_t cid);
const struct net_addr *conn_peer(const struct conn *c);
const struct net_addr *conn_local(const struct conn *c);
const struct net_listener *conn_listener(const struct conn *c); /* NULL: outgoing */
struct tls *conn_tls(const struct conn *c); /* NULL: TCP, or the peer has not said anything yet */
const char *conn_transport(const struct conn *c); /* "TLS", "TCP" */
/* What was sent outside of an event, at the end of a turn, is written now and not in the next one.
 */
void net_write_out(struct net *n);
/* All connections of the worker, for shutdown and ctl: start with NULL. */
struct conn *net_next(struct net *n, struct conn *c);

#endif
