/* SPDX-License-Identifier: MIT */
/* One worker of the front: a thread with a loop, its connections, its security associations and
 * the users it owns (hash of the user modulo workers).  Only the owner touches its data; others
 * post owned mails. */
#ifndef POSTERN_FRONT_WORKER_H
#define POSTERN_FRONT_WORKER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "auth/auth.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/loop.h"
#include "base/mailbox.h"
#include "base/table.h"
#include "conf/conf.h"
#include "front/ask.h"
#include "front/registrar.h"
#include "net/conn.h"
#include "sip/msg.h"
#include "sip/trust.h"

struct front;
struct later;

/* Counters that the control thread reads while the worker counts. */
struct worker_stats {
    atomic_uint_fast64_t connections, established, half_open, half_open_evicted, endpoints, users;
    atomic_uint_fast64_t requests, signed_in, refused, refreshed, bad_messages;
};

struct worker {
    struct front *front;
    unsigned index;
    pthread_t thread;
    struct loop *loop;
    struct mailbox *mailbox;
    struct net *net;
    struct auth auth;
    struct ntlm_policy_set *policy; /* owned; auth.policy points to it */
    struct registrar *registrar;
    struct ask *ask;
    struct arena arena;  /* of the message being handled */
    struct buf contacts; /* scratch: Contact lines of an answer */
    struct loop_timer *tick;
    struct table behind; /* clients behind Edges, by their id */
    uint64_t behind_made;
    uint64_t tag_counter;
    unsigned ticks;
    struct later *later; /* mails on their way to ourselves */
    /* what the names of the CHALLENGE point to */
    char *nb_computer, *nb_domain, *dns_domain, *dns_tree;
    char keep_alive[64]; /* value of ms-keep-alive in a 200 to REGISTER */
    uint32_t day;        /* yyyymmdd, kept by the tick */
    struct worker_stats stats;
};

struct client_conn; /* front/client_conn.h */

/* The message being handled.  Lives on the stack. */
struct turn {
    struct worker *w;
    struct conn *conn;
    struct client_conn *cc;
    struct sip_msg msg;
    struct sip_trust trust;   /* behind an Edge: what it says of the client */
    struct auth_request auth; /* filled by turn_identify */
    struct str from_uri;
    bool guess;    /* the refusal counts against the client's address: the Edge is told */
    struct sa *sa; /* signs the answers once set */
};

struct worker *worker_new(struct front *f, unsigned index);
bool worker_start(struct worker *w);
void worker_join(struct worker *w); /* after a MAIL_STOP */
void worker_free(struct worker *w);
/* Which worker owns this user. */
unsigned worker_of_user(const struct front *f, struct str user_key);

/* Delivers a mail to this worker itself after a while. */
void worker_later(struct worker *w, uint64_t after_ms, struct mail *m);

#endif
