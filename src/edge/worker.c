/* SPDX-License-Identifier: MIT */
/* One worker of the Edge: a thread with a loop, its connections from outside and its links. */
#include <assert.h>
#include <stdlib.h>

#include "edge/edge_internal.h"
#include "edge/inside.h"
#include "edge/links.h"
#include "edge/outside.h"
#include "edge/report.h"
#include "edge/waiting.h"

enum { TICK_MS = 100, ARENA_FIRST = 16384 };

static enum fault on_admit(void *arg, const struct net_listener *l, const struct net_addr *peer)
{
    struct edge_worker *w = arg;

    (void)l;
    return sources_admit(w->edge->sources, net_addr_bytes(peer), loop_now_ms(w->loop));
}

static void on_open(void *arg, struct conn *c)
{
    struct edge_worker *w = arg;

    if (is_link(c))
        link_opened(w, c);
    else
        conn_set_user(c, outside_new(w, c));
}

static void on_message(void *arg, struct conn *c, struct str whole, size_t head_len)
{
    if (is_link(c))
        inside_message(arg, c, whole, head_len);
    else
        outside_message(arg, c, whole, head_len);
}

static void on_broken(void *arg, struct conn *c, enum fault fault, struct str seen)
{
    if (is_link(c))
        inside_broken(arg, c, fault, seen);
    else
        outside_broken(arg, c, fault, seen);
}

static void on_closed(void *arg, struct conn *c, enum fault why)
{
    struct edge_worker *w = arg;

    if (is_link(c)) {
        link_closed(w, c, why);
        return;
    }
    report_end(c, why);
    if (conn_admitted(c))
        sources_leave(w->edge->sources, net_addr_bytes(conn_peer(c)));
    if (conn_user(c))
        outside_free(conn_user(c));
    conn_set_user(c, NULL);
}

static void on_mail(void *arg, struct mail *m)
{
    struct edge_worker *w = arg;

    free(m);
    loop_stop(w->loop);
}

static void on_tick(void *arg)
{
    struct edge_worker *w = arg;

    links_tick(w, loop_now_ms(w->loop));
    atomic_store_explicit(&w->stats.connections, net_count(w->net), memory_order_relaxed);
}

struct edge_worker *edge_worker_new(struct edge *e, unsigned index)
{
    static const struct net_handler handler = { .admit = on_admit,
                                                .open = on_open,
                                                .message = on_message,
                                                .broken = on_broken,
                                                .closed = on_closed };
    const struct conf *c = e->conf;
    struct net_limits limits = { .message_max = c->message_max,
                                 .send_max = c->send_max,
                                 .idle_s = c->idle_s,
                                 .handshake_s = c->handshake_s,
                                 .connections_max = c->connections_max };
    struct edge_worker *w = calloc(1, sizeof(*w));

    assert(w);
    w->edge = e;
    w->index = index;
    w->loop = loop_new();
    w->mailbox = mailbox_new(w->loop, on_mail, w);
    w->net = net_new(w->loop, &limits, &handler, w, index);
    arena_init(&w->arena, ARENA_FIRST, c->message_memory);
    hide_init(&w->hide);
    loop_on_turn_end(w->loop, links_send, w);
    w->clock = loop_timer_new(w->loop, wait_due, w);
    w->tick = loop_timer_new(w->loop, on_tick, w);
    loop_timer_set(w->tick, TICK_MS, TICK_MS);
    return w;
}

static void *run(void *arg)
{
    struct edge_worker *w = arg;

    trace_thread(w->index);
    links_start(w);
    loop_run(w->loop);
    return NULL;
}

bool edge_worker_start(struct edge_worker *w)
{
    return pthread_create(&w->thread, NULL, run, w) == 0;
}

void edge_worker_stop(struct edge_worker *w)
{
    struct mail *m = calloc(1, sizeof(*m));

    assert(m);
    mailbox_post(w->mailbox, m);
    pthread_join(w->thread, NULL);
}

void edge_worker_free(struct edge_worker *w)
{
    mailbox_free(w->mailbox);
    net_free(w->net);
    links_free(w);
    loop_timer_free(w->clock);
    loop_timer_free(w->tick);
    loop_free(w->loop);
    hide_fini(&w->hide);
    arena_fini(&w->arena);
    free(w);
}
