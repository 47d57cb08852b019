/* SPDX-License-Identifier: MIT */
/* The worker's part: who is there, who is late, and what the end of an event brings. */
#include <assert.h>
#include <malloc.h>
#include <stdlib.h>
#include <unistd.h>

#include "net/net_internal.h"

static void *must(void *memory)
{
    if (!memory)
        abort();
    return memory;
}

/* --- lists --- */

static void unlink_conn(struct conn *c)
{
    struct conn_chain *chain = &c->net->lists[c->list];

    *(c->prev ? &c->prev->next : &chain->first) = c->next;
    *(c->next ? &c->next->prev : &chain->last) = c->prev;
    c->prev = c->next = NULL;
}

static void append_conn(struct conn *c, enum net_list list)
{
    struct conn_chain *chain = &c->net->lists[list];

    c->list = (uint8_t)list;
    c->since = loop_now_ms(c->net->loop);
    c->prev = chain->last;
    *(chain->last ? &chain->last->next : &chain->first) = c;
    chain->last = c;
}

void net_list_move(struct conn *c, enum net_list list)
{
    unlink_conn(c);
    append_conn(c, list);
}

/* --- slots --- */

static void grow_slots(struct net *n)
{
    uint32_t old = n->slot_count, count = old ? old * 2 : 64;

    assert(count <= NET_SLOTS_MAX);
    n->slots = must(realloc(n->slots, count * sizeof(struct conn_slot)));
    n->free_slots = must(realloc(n->free_slots, count * sizeof(*n->free_slots)));
    memset(n->slots + old, 0, (count - old) * sizeof(struct conn_slot));
    for (uint32_t slot = count - 1; slot >= (old ? old : 1); slot--)
        n->free_slots[n->free_count++] = slot;
    n->slot_count = count;
}

struct conn *net_conn_new(struct net *n, int fd, const struct net_addr *peer)
{
    struct conn *c = must(calloc(1, sizeof(*c)));

    if (n->free_count == 0)
        grow_slots(n);
    uint32_t slot = n->free_slots[--n->free_count];
    n->slots[slot].conn = c;
    n->count++;
    c->id = (++n->made << NET_WORKER_BITS | n->worker) << NET_SLOT_BITS | slot;
    c->net = n;
    c->fd = fd;
    c->peer = *peer;
    append_conn(c, NET_FRESH);
    return c;
}

static uint32_t slot_of(uint64_t id)
{
    return (uint32_t)id & ((1u << NET_SLOT_BITS) - 1);
}

struct conn *net_find(struct net *n, uint64_t id)
{
    uint32_t slot = slot_of(id);
    struct conn *c = slot < n->slot_count ? n->slots[slot].conn : NULL;

    return c && c->id == id ? c : NULL;
}

struct conn *net_find_cid(struct net *n, uint32_t cid)
{
    uint32_t slot = slot_of(cid);
    struct conn *c = slot < n->slot_count ? n->slots[slot].conn : NULL;

    return c && conn_cid(c) == cid ? c : NULL;
}

struct conn *net_next(struct net *n, struct conn *c)
{
    for (uint32_t slot = c ? slot_of(c->id) + 1 : 1; slot < n->slot_count; slot++)
        if (n->slots[slot].conn)
            return n->slots[slot].conn;
    return NULL;
}

unsigned net_count(const struct net *n)
{
    return n->count;
}

uint64_t net_refused(const struct net *n)
{
    return n->refused;
}

/* `closed` sees the connection as it was: conn_tls is still there to say why it failed. */
static void destroy(struct conn *c)
{
    struct net *n = c->net;

    if (n->handler.closed)
        n->handler.closed(n->arg, c, c->why);
    if (n->tx_owner == c) {
        n->tx_owner = NULL;
        buf_clear(&n->tx);
    }
    if (n->composer == c)
        n->composer = NULL;
    unlink_conn(c);
    n->slots[slot_of(c->id)].conn = NULL;
    n->free_slots[n->free_count++] = slot_of(c->id);
    n->count--;
    loop_fd_free(c->watch);
    if (c->fd >= 0)
        close(c->fd);
    tls_free(c->tls);
    buf_fini(&c->kept);
    buf_fini(&c->unsent);
    free(c);
}

/* --- events --- */

struct buf *net_tx(struct conn *c)
{
    struct net *n = c->net;

    if (n->tx_owner != c) {
        net_flush(n);
        n->tx_owner = c;
    }
    if (!n->in_event)
        net_soon(n);
    return &n->tx;
}

void net_flush(struct net *n)
{
    struct conn *c = n->tx_owner;

    n->tx_owner = NULL;
    if (c && n->tx.len > 0)
        conn_write(c, buf_str(&n->tx));
    if (n->tx.cap > 4 * NET_TX_BURST)
        buf_fini(&n->tx);
    buf_clear(&n->tx);
}

void net_event_begin(struct net *n)
{
    n->in_event = true;
}

/* Written, settled, destroyed; `closed` may send on and close other connections. */
void net_event_end(struct net *n)
{
    struct conn *c;

    do {
        net_flush(n);
        while ((c = n->lists[NET_ENDING].first))
            conn_settle(c);
        if ((c = n->lists[NET_DEAD].first))
            destroy(c);
    } while (c || n->tx_owner || n->lists[NET_ENDING].first);
    n->in_event = false;
}

void net_write_out(struct net *n)
{
    net_event_begin(n);
    net_event_end(n);
}

void net_soon(struct net *n)
{
    if (n->soon_set)
        return;
    n->soon_set = true;
    loop_timer_set(n->soon, 0, 0);
}

static void on_soon(void *arg)
{
    struct net *n = arg;
    struct buf ids = n->resumed;

    n->soon_set = false;
    n->resumed = (struct buf){ 0 };
    net_event_begin(n);
    for (size_t at = 0; at < ids.len; at += sizeof(uint64_t)) {
        uint64_t id;

        memcpy(&id, ids.ptr + at, sizeof(id));
        struct conn *c = net_find(n, id);
        if (c)
            conn_take_kept(c);
    }
    net_event_end(n);
    buf_fini(&ids);
}

static void expire(struct net *n, enum net_list list, uint64_t after_ms, enum fault why)
{
    uint64_t now = loop_now_ms(n->loop);
    struct conn *c;

    while ((c = n->lists[list].first) && now - c->since >= after_ms) {
        if (c->state == CONN_CLOSING)
            conn_die(c, c->why);
        else if (c->state == CONN_CONNECTING)
            conn_die(c, FAULT_ROUTE_UNREACHABLE);
        else
            conn_close(c, why);
    }
}

/* Of a crowd that left the allocator keeps the pages: given back when most are gone. */
static void give_back_memory(struct net *n)
{
    if (n->count > n->most)
        n->most = n->count;
    if (n->most < NET_CROWD || n->count > n->most / 4)
        return;
    n->most = n->count;
    malloc_trim(0);
}

static void on_sweep(void *arg)
{
    struct net *n = arg;

    net_event_begin(n);
    if (n->limits.handshake_s)
        expire(n, NET_FRESH, n->limits.handshake_s * 1000ull, FAULT_ROUTE_HANDSHAKE_TIME);
    if (n->limits.idle_s)
        expire(n, NET_IDLE, n->limits.idle_s * 1000ull, FAULT_ROUTE_IDLE);
    expire(n, NET_CLOSING, NET_CLOSE_MS, FAULT_NONE);
    net_listeners_retry(n);
    net_event_end(n);
    give_back_memory(n);
}

struct net *net_new(struct loop *l, const struct net_limits *limits, const struct net_handler *h,
                    void *arg, unsigned worker)
{
    struct net *n = must(calloc(1, sizeof(*n)));

    assert(worker < 1u << NET_WORKER_BITS);
    n->loop = l;
    n->limits = *limits;
    n->handler = *h;
    n->arg = arg;
    n->worker = worker;
    n->reserve_fd = -1;
    n->soon = loop_timer_new(l, on_soon, n);
    n->sweep = loop_timer_new(l, on_sweep, n);
    loop_timer_set(n->sweep, NET_SWEEP_MS, NET_SWEEP_MS);
    return n;
}

void net_set_limits(struct net *n, const struct net_limits *limits)
{
    n->limits = *limits;
}

void net_free(struct net *n)
{
    struct conn *c;

    if (!n)
        return;
    net_listeners_free(n);
    net_event_begin(n);
    while ((c = net_next(n, NULL))) {
        for (; c; c = net_next(n, c)) {
            conn_close(c, FAULT_ROUTE_SHUTDOWN);
            net_flush(n);
            conn_die(c, c->why);
        }
        net_event_end(n);
    }
    loop_timer_free(n->sweep);
    loop_timer_free(n->soon);
    buf_fini(&n->tx);
    buf_fini(&n->composing);
    buf_fini(&n->resumed);
    free(n->slots);
    free(n->free_slots);
    free(n);
}
