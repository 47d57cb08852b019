/* SPDX-License-Identifier: MIT */
/* What a handler may ask of a connection. */
#include "net/conn.h"

#include <assert.h>
#include <sys/socket.h>

#include "net/net_internal.h"

/* --- sending --- */

struct buf *conn_compose(struct conn *c)
{
    struct net *n = c->net;

    n->composer = c;
    buf_clear(&n->composing);
    return &n->composing;
}

void conn_send_done(struct conn *c)
{
    struct net *n = c->net;

    assert(n->composer == c);
    n->composer = NULL;
    conn_send(c, buf_str(&n->composing));
    if (n->composing.cap > NET_COMPOSE_KEPT)
        buf_fini(&n->composing);
}

void conn_send(struct conn *c, struct str whole)
{
    if (c->state != CONN_OPEN || whole.len == 0)
        return;
    struct buf *tx = net_tx(c);
    if (!c->tls)
        buf_add(tx, whole);
    else if (!tls_write(c->tls, whole))
        conn_close(c, tls_fault(c->tls));
    if (tx->len > NET_TX_BURST)
        net_flush(c->net);
}

/* --- closing --- */

bool conn_closing(const struct conn *c)
{
    return c->state >= CONN_CLOSING;
}

size_t conn_unsent(const struct conn *c)
{
    return c->unsent.len;
}

void conn_set_send_max(struct conn *c, size_t bytes)
{
    c->send_max = bytes;
}

bool conn_admitted(const struct conn *c)
{
    return c->admitted;
}

void conn_close(struct conn *c, enum fault why)
{
    if (conn_closing(c))
        return;
    c->why = why;
    if (c->state == CONN_CONNECTING) {
        conn_die(c, why);
        return;
    }
    if (c->state == CONN_OPEN && c->tls) {
        net_tx(c);
        tls_bye(c->tls);
    }
    c->state = CONN_CLOSING;
    net_list_move(c, NET_ENDING);
    if (!c->net->in_event)
        net_soon(c->net);
}

/* Waits while bytes are left, or while the peer is still writing: closing a socket with unread
 * input resets the connection and takes our last answer with it. */
void conn_settle(struct conn *c)
{
    if (c->unsent.len == 0 && !c->linger) {
        conn_die(c, c->why);
        return;
    }
    if (c->unsent.len == 0)
        shutdown(c->fd, SHUT_WR);
    if (c->list != NET_CLOSING)
        net_list_move(c, NET_CLOSING);
    conn_watch(c);
}

void conn_die(struct conn *c, enum fault why)
{
    if (c->state == CONN_DEAD)
        return;
    c->why = why;
    c->state = CONN_DEAD;
    net_list_move(c, NET_DEAD);
    if (c->watch)
        loop_fd_watch(c->watch, 0);
    if (!c->net->in_event)
        net_soon(c->net);
}

/* --- pausing --- */

void conn_pause(struct conn *c)
{
    c->paused = true;
}

/* The descriptor is taken out of the loop only when it becomes readable during the pause: most
 * pauses end earlier and cost no system call. */
void conn_resume(struct conn *c)
{
    if (!c->paused)
        return;
    c->paused = false;
    c->read_off = false;
    if (c->state != CONN_OPEN)
        return;
    conn_watch(c);
    if (c->kept.len > 0 && !c->resuming) {
        c->resuming = true;
        buf_add(&c->net->resumed, str_of(&c->id, sizeof(c->id)));
        net_soon(c->net);
    }
}

void conn_watch(struct conn *c)
{
    bool read;

    if (c->state == CONN_CLOSING)
        read = c->linger;
    else
        read = !c->read_off && c->state != CONN_CONNECTING;
    bool write = c->unsent.len > 0 || c->state == CONN_CONNECTING;
    loop_fd_watch(c->watch, (read ? LOOP_READ : 0) | (write ? LOOP_WRITE : 0));
}

/* --- properties --- */

void conn_set_user(struct conn *c, void *user)
{
    c->user = user;
}

void *conn_user(const struct conn *c)
{
    return c->user;
}

/* The low bits of how many there were, then worker and slot: two that live never share these. */
uint32_t conn_cid(const struct conn *c)
{
    return (uint32_t)c->id;
}

uint64_t conn_id(const struct conn *c)
{
    return c->id;
}

const struct net_addr *conn_peer(const struct conn *c)
{
    return &c->peer;
}

/* Asked of the kernel when somebody wants it, which is not at every accept. */
const struct net_addr *conn_local(const struct conn *c)
{
    struct net_addr *local = (struct net_addr *)&c->local;

    if (local->len == 0 && c->fd >= 0) {
        socklen_t len = sizeof(local->v6);
        if (getsockname(c->fd, &local->sa, &len) == 0)
            local->len = len;
    }
    return local;
}

const struct net_listener *conn_listener(const struct conn *c)
{
    return c->listener;
}

struct tls *conn_tls(const struct conn *c)
{
    return c->tls;
}

const char *conn_transport(const struct conn *c)
{
    return c->tls || (c->listener && c->listener->use_tls) ? "TLS" : "TCP";
}
