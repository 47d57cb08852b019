/* SPDX-License-Identifier: MIT */
/* What the files of this area share: the worker's scratch buffers and the life of a connection.
 *
 * Everything happens inside an event (net_event_begin .. net_event_end): a readable descriptor,
 * a timer.  What is sent during it collects in the send scratch, which belongs to one connection
 * at a time (`tx_owner`); connections that ended during it are destroyed at its end, so a handler
 * may hold a `struct conn *` until it returns.  Calls from outside (an answer that came from
 * another process) are finished by a timer of 0 ms. */
#ifndef POSTERN_NET_NET_INTERNAL_H
#define POSTERN_NET_NET_INTERNAL_H

#include "base/buf.h"
#include "net/conn.h"

enum {
    NET_SCRATCH = 18 * 1024,  /* a full TLS record with its overhead fits */
    NET_TX_BURST = 64 * 1024, /* the send scratch is written out earlier than that */
    NET_COMPOSE_KEPT = 256 * 1024,
    NET_CLOSE_MS = 1000,
    NET_SWEEP_MS = 500,
    NET_CROWD = 500,
    NET_SLOT_BITS = 20, /* connections of a worker */
    NET_SLOTS_MAX = 1 << NET_SLOT_BITS,
    NET_WORKER_BITS = 6,
};

enum conn_state { CONN_CONNECTING, CONN_HANDSHAKE, CONN_OPEN, CONN_CLOSING, CONN_DEAD };

/* Every connection is on exactly one list, in the order of `since`: the oldest is the first to
 * be late, so no connection needs a timer of its own. */
enum net_list {
    NET_FRESH,   /* connecting, shaking hands, or waiting for the first message */
    NET_IDLE,    /* by last message or keep-alive */
    NET_ENDING,  /* closed during this event, not yet looked at */
    NET_CLOSING, /* waits for the peer to take what was sent */
    NET_DEAD,    /* destroyed at the end of the event */
    NET_LISTS
};

struct conn {
    struct net *net;
    struct conn *prev, *next;
    uint64_t since; /* ms, when it came to the end of its list */
    uint64_t id;
    struct loop_fd *watch;
    struct tls *tls; /* accepted: made with the first bytes, so that silence costs little */
    const struct net_listener *listener;
    void *user;
    struct buf kept;   /* an unfinished message; when paused also what came after it */
    struct buf unsent; /* what the kernel refused */
    size_t send_max;   /* of them; 0: as [limits] says */
    size_t want;       /* framing `kept` is useless before it has so many bytes */
    size_t scanned;    /* of `kept`, by the framer */
    int fd;
    enum fault why;
    uint8_t state, list;
    bool admitted;
    bool paused;
    bool resuming; /* `kept` is handled on the next turn; nothing more is read before */
    bool read_off; /* became readable while paused: not watched until resumed */
    bool linger;   /* the peer may still be writing: let it read our last words first */
    struct net_addr peer, local;
};

struct conn_chain {
    struct conn *first, *last;
};

struct conn_slot {
    struct conn *conn; /* NULL: free */
};

struct listening {
    struct listening *next;
    struct net *net;
    struct net_listener *listener;
    struct loop_fd *watch;
    int fd;
};

struct net {
    struct loop *loop;
    struct net_limits limits;
    struct net_handler handler;
    void *arg;
    unsigned worker;

    char rx[NET_SCRATCH];    /* as received: ciphertext, or plaintext without TLS */
    char plain[NET_SCRATCH]; /* decrypted */
    struct buf tx;           /* to be written for tx_owner */
    struct conn *tx_owner;
    struct buf composing;
    struct conn *composer;

    struct conn_chain lists[NET_LISTS];
    struct conn_slot *slots; /* slot 0 stays empty, so no cid is 0 */
    uint32_t *free_slots;
    uint32_t slot_count, free_count;
    unsigned count;
    unsigned most; /* connections at once since memory was last given back */
    uint64_t made; /* connections so far */

    struct listening *listening;
    int reserve_fd; /* given up to be able to accept and close when descriptors run out */
    uint64_t refused, refused_told_ms;

    struct loop_timer *sweep, *soon;
    bool soon_set, in_event;
    struct buf resumed; /* ids (uint64_t) of connections with kept bytes to handle */
};

/* net.c */
void net_event_begin(struct net *n);
void net_event_end(struct net *n);
void net_soon(struct net *n); /* an event as soon as the loop comes round */
void net_list_move(struct conn *c, enum net_list list);
struct conn *net_conn_new(struct net *n, int fd, const struct net_addr *peer);
/* The send scratch, made this connection's; another's content is written first. */
struct buf *net_tx(struct conn *c);
void net_flush(struct net *n);

/* conn.c */
void conn_die(struct conn *c, enum fault why); /* nothing more is read or written */
void conn_watch(struct conn *c);               /* brings the watched events up to date */
void conn_settle(struct conn *c);              /* a closing connection whose bytes have left */

/* conn_io.c */
void conn_ready(void *arg, int events); /* arg: struct conn */
void conn_begin(struct conn *c);        /* the descriptor is connected */
void conn_write(struct conn *c, struct str bytes);
void conn_take_kept(struct conn *c); /* after a pause */

/* listen.c */
struct tls_context *net_lane(const struct net_listener *l, const struct net_addr *peer);
void net_listeners_retry(struct net *n);
void net_listeners_free(struct net *n);

#endif
