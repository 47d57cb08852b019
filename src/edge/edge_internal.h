/* SPDX-License-Identifier: MIT */
/* The Edge as its own files see it: the process, its workers, and what a worker keeps with a
 * connection from outside.  Workers share nothing but counts: an outside connection, its link to
 * the Front End and everything that comes back over it stay with one worker. */
#ifndef POSTERN_EDGE_EDGE_INTERNAL_H
#define POSTERN_EDGE_EDGE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/loop.h"
#include "base/mailbox.h"
#include "conf/conf.h"
#include "conf/ctl.h"
#include "edge/hide.h"
#include "edge/sources.h"
#include "edge/token.h"
#include "net/doors.h"
#include "sip/msg.h"

struct hop;
struct handshake;

struct edge {
    struct conf *conf; /* immutable while workers run */
    struct edge_worker **workers;
    unsigned worker_count;
    struct doors doors;
    struct tls_context *link_tls;
    struct token_maker tokens;
    struct sources *sources;
    atomic_bool remote_access; /* the switch: also by reload */
    const char *name;          /* what Front Ends are told of us */
    char *record_route;        /* "<sip:PUBLIC:PORT;transport=tls;opaque=state:Ci.R" */
    struct loop *loop;         /* of the control thread */
    uint64_t started_ms;
};

/* Counters that the control thread reads while the worker counts. */
struct edge_stats {
    atomic_uint_fast64_t connections, links, requests, responses, refused, failures, held;
};

/* A connection from outside. */
enum wait {
    WAIT_NONE,
    WAIT_ANSWER,    /* for the answer to an AUTHENTICATE */
    WAIT_TO_FRONT,  /* a kept request goes to the Front End when its time comes */
    WAIT_TO_CLIENT, /* a kept answer goes to the client on the clock */
    WAIT_SLOW,      /* it said too much: read again later */
};
struct route { /* a Record-Route line made earlier */
    char *text, *user_key;
    uint64_t until_ms;
};
struct outside {
    struct edge_worker *w;
    struct conn *conn; /* lives as long as this */
    uint64_t link_id;  /* connection of the link it uses; 0: not chosen yet */
    /* waiting: it is not read meanwhile */
    struct outside *next_waiting, *prev_waiting;
    enum wait wait;
    uint64_t until_ms;
    char *kept;
    size_t kept_len;
    bool under_way;               /* counted with its source until the answer is there */
    uint64_t received_ms;         /* the AUTHENTICATE that is being answered */
    struct handshake *handshakes; /* CHALLENGEs on their way */
    unsigned handshake_count;
    struct route routes[2];
    unsigned unauthorized;
    bool keep_alive_asked;
    bool trusted; /* of a network without limits */
};

struct edge_worker {
    struct edge *edge;
    unsigned index;
    pthread_t thread;
    struct loop *loop;
    struct mailbox *mailbox; /* any mail: leave the loop */
    struct net *net;
    struct arena arena; /* of the message being handled */
    struct hide hide;
    struct hop *hops; /* Front Ends in order of preference */
    unsigned hop_count;
    struct outside *waiting, *last_waiting;
    struct loop_timer *clock; /* set for the first of them whose time comes */
    uint64_t clock_ms;        /* when; 0: not set */
    struct loop_timer *tick;
    uint64_t tag_counter;
    struct edge_stats stats;
};

/* The message being handled.  Lives on the stack. */
struct edge_turn {
    struct edge_worker *w;
    struct conn *conn; /* it came over */
    struct outside *outside;
    struct sip_msg msg;
    struct str user_key; /* of From, in requests */
    uint64_t now_ms;
};

static inline bool is_link(const struct conn *c)
{
    return conn_listener(c) == NULL;
}

static inline void count(atomic_uint_fast64_t *counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

/* worker.c */
struct edge_worker *edge_worker_new(struct edge *e, unsigned index);
bool edge_worker_start(struct edge_worker *w);
void edge_worker_stop(struct edge_worker *w); /* from the control thread; joins */
void edge_worker_free(struct edge_worker *w);

/* control.c: ctl_handle of the control socket; `arg` is the struct edge. */
void edge_control(void *arg, struct ctl_request *r, json_t *in);

#endif
