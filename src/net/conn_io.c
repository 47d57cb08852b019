/* SPDX-License-Identifier: MIT */
/* From a ready descriptor to framed messages, and back to the kernel. */
#include <errno.h>
#include <sys/socket.h>

#include "net/net_internal.h"
#include "sip/frame.h"

/* --- writing --- */

static ssize_t send_some(const struct conn *c, struct str bytes)
{
    ssize_t n;

    do
        n = send(c->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    return n < 0 && errno == EAGAIN ? 0 : n;
}

/* A reset, so that the kernel does not keep for long what the peer will not read. */
static void give_up_on_reader(struct conn *c)
{
    struct linger at_once = { .l_onoff = 1, .l_linger = 0 };

    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    buf_fini(&c->unsent);
    conn_die(c, FAULT_ROUTE_SLOW_READER);
}

void conn_write(struct conn *c, struct str bytes)
{
    if (c->state == CONN_DEAD)
        return;
    if (c->unsent.len == 0) {
        ssize_t n = send_some(c, bytes);
        if (n < 0) {
            conn_die(c, c->state == CONN_CLOSING ? c->why : FAULT_ROUTE_PEER_RESET);
            return;
        }
        bytes = str_skip(bytes, (size_t)n);
    }
    if (bytes.len == 0)
        return;
    size_t most = c->send_max ? c->send_max : c->net->limits.send_max;
    if (c->unsent.len + bytes.len > most) {
        give_up_on_reader(c);
        return;
    }
    buf_add(&c->unsent, bytes);
    conn_watch(c);
}

static void write_unsent(struct conn *c)
{
    ssize_t n = send_some(c, buf_str(&c->unsent));

    if (n < 0) {
        conn_die(c, c->state == CONN_CLOSING ? c->why : FAULT_ROUTE_PEER_RESET);
        return;
    }
    buf_consume(&c->unsent, (size_t)n);
    if (c->unsent.len > 0)
        return;
    buf_fini(&c->unsent);
    if (c->state == CONN_CLOSING)
        conn_settle(c);
    else
        conn_watch(c);
}

/* --- framing --- */

static void break_off(struct conn *c, enum fault fault, struct str seen)
{
    struct net *n = c->net;

    c->linger = true;
    if (n->handler.broken)
        n->handler.broken(n->arg, c, fault, str_first(seen, n->limits.message_max));
    conn_close(c, fault);
}

/* Hands over the messages at the front of `in`.  What is left is an unfinished message, or all
 * that came after a pause. */
static struct str deliver(struct conn *c, struct str in)
{
    struct net *n = c->net;

    while (in.len > 0 && in.len >= c->want && c->state == CONN_OPEN && !c->paused) {
        struct sip_frame f = { .scanned = c->scanned };

        sip_frame_next(in, n->limits.message_max, &f);
        if (f.status == SIP_FRAME_MORE) {
            c->scanned = f.scanned;
            c->want = in.len + f.need;
            break;
        }
        c->scanned = c->want = 0;
        if (f.status == SIP_FRAME_BROKEN) {
            break_off(c, f.fault, in);
            break;
        }
        if (f.status == SIP_FRAME_MESSAGE || c->list == NET_IDLE)
            net_list_move(c, NET_IDLE);
        if (f.status == SIP_FRAME_MESSAGE)
            n->handler.message(n->arg, c, str_first(in, f.total), f.head_len);
        in = str_skip(in, f.total);
    }
    return c->state == CONN_OPEN ? in : STR_NONE;
}

/* What the message in `kept` still lacks, when that is known; else everything. */
static size_t missing(const struct conn *c, size_t available)
{
    if (c->paused || c->want <= c->kept.len + 1)
        return available;
    size_t lacks = c->want - c->kept.len;
    return lacks < available ? lacks : available;
}

static void deliver_kept(struct conn *c)
{
    struct str rest = deliver(c, buf_str(&c->kept));

    if (rest.len == 0)
        buf_fini(&c->kept);
    else
        buf_consume(&c->kept, c->kept.len - rest.len);
}

/* In place while nothing is kept; only an unfinished message is copied. */
static void take(struct conn *c, struct str in)
{
    while (in.len > 0 && c->state == CONN_OPEN) {
        if (c->kept.len == 0) {
            buf_add(&c->kept, deliver(c, in));
            return;
        }
        size_t n = missing(c, in.len);
        buf_add(&c->kept, str_first(in, n));
        in = str_skip(in, n);
        deliver_kept(c);
    }
}

void conn_take_kept(struct conn *c)
{
    c->resuming = false;
    if (c->state == CONN_CONNECTING)
        conn_die(c, c->why);
    else if (c->state == CONN_OPEN && c->kept.len > 0)
        deliver_kept(c);
}

/* --- reading --- */

static void opened(struct conn *c)
{
    struct net *n = c->net;

    c->state = CONN_OPEN;
    if (!c->listener)
        net_list_move(c, NET_IDLE);
    if (n->handler.open)
        n->handler.open(n->arg, c);
}

static void shake_hands(struct conn *c)
{
    net_tx(c);
    switch (tls_handshake(c->tls)) {
    case TLS_OK:
        opened(c);
        break;
    case TLS_AGAIN:
        break;
    case TLS_CLOSED:
        conn_close(c, FAULT_ROUTE_PEER_CLOSED);
        break;
    case TLS_FAILED:
        conn_close(c, tls_fault(c->tls));
        break;
    }
}

/* Fills the plaintext scratch from as many records as there are. */
static enum tls_status decrypt(struct conn *c, struct str *plain)
{
    char *into = c->net->plain;
    size_t len = 0, got;
    enum tls_status status = TLS_OK;

    net_tx(c);
    while (len < NET_SCRATCH && status == TLS_OK) {
        status = tls_read(c->tls, into + len, NET_SCRATCH - len, &got);
        len += got;
    }
    *plain = str_of(into, len);
    return status;
}

static bool uses_tls(const struct conn *c)
{
    return c->tls || (c->listener && c->listener->use_tls);
}

/* All of `in` is used up, paused or not, so that no ciphertext outlives the event. */
static void take_tls(struct conn *c, struct str in)
{
    enum tls_status status = TLS_OK;
    struct str plain;

    if (!c->tls)
        c->tls = tls_new(net_lane(c->listener, &c->peer), NULL);
    tls_set_io(c->tls, in, &c->net->tx);
    if (c->state == CONN_HANDSHAKE)
        shake_hands(c);
    while (c->state == CONN_OPEN && status == TLS_OK) {
        status = decrypt(c, &plain);
        take(c, plain);
    }
    if (status == TLS_CLOSED)
        conn_close(c, FAULT_ROUTE_PEER_CLOSED);
    else if (status == TLS_FAILED)
        conn_close(c, tls_fault(c->tls));
    tls_set_io(c->tls, STR_NONE, &c->net->tx);
}

/* A closing connection: whatever the peer still says is thrown away. */
static void discard(struct conn *c, ssize_t n)
{
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        conn_die(c, c->why);
}

/* One recv per event: a fast peer must not starve the others, the loop is level-triggered. */
static void read_some(struct conn *c)
{
    if (c->paused && c->state == CONN_OPEN) {
        c->read_off = true;
        conn_watch(c);
        return;
    }
    if (c->resuming && c->state == CONN_OPEN)
        return;
    ssize_t n = recv(c->fd, c->net->rx, NET_SCRATCH, MSG_DONTWAIT);
    if (c->state == CONN_CLOSING)
        discard(c, n);
    else if (n == 0)
        conn_die(c, FAULT_ROUTE_PEER_CLOSED);
    else if (n < 0 && errno != EAGAIN && errno != EINTR)
        conn_die(c, FAULT_ROUTE_PEER_RESET);
    else if (n > 0 && uses_tls(c))
        take_tls(c, str_of(c->net->rx, (size_t)n));
    else if (n > 0)
        take(c, str_of(c->net->rx, (size_t)n));
}

void conn_begin(struct conn *c)
{
    c->state = uses_tls(c) ? CONN_HANDSHAKE : CONN_OPEN;
    conn_watch(c);
    if (c->state == CONN_OPEN) {
        opened(c);
    } else if (c->tls) {
        tls_set_io(c->tls, STR_NONE, &c->net->tx);
        shake_hands(c);
    }
}

static void connected(struct conn *c)
{
    int error = 0;
    socklen_t len = sizeof(error);

    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 || error != 0)
        conn_die(c, FAULT_ROUTE_UNREACHABLE);
    else
        conn_begin(c);
}

void conn_ready(void *arg, int events)
{
    struct conn *c = arg;
    struct net *n = c->net;

    net_event_begin(n);
    if (c->state == CONN_CONNECTING) {
        connected(c);
    } else {
        if (events & LOOP_WRITE && c->unsent.len > 0)
            write_unsent(c);
        if (events & LOOP_READ && c->state != CONN_DEAD)
            read_some(c);
        /* an error switched the watch off, but bytes that came before it are still to be read */
        if (c->state != CONN_DEAD)
            conn_watch(c);
    }
    net_event_end(n);
}
