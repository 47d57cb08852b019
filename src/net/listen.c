/* SPDX-License-Identifier: MIT */
/* Listening and accepting. */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

#include "net/net_internal.h"

enum {
    BACKLOG = 4096,    /* everybody comes back at once when a server does */
    ACCEPT_BURST = 64, /* then the connections that exist get their turn */
    TELL_EVERY_MS = 1000,
};

static bool set(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof(value)) == 0;
}

static bool bind_and_listen(int fd, const struct net_addr *addr)
{
    bool any = addr->sa.sa_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&addr->v6.sin6_addr);

    if (addr->sa.sa_family == AF_INET6 && !set(fd, IPPROTO_IPV6, IPV6_V6ONLY, !any))
        return false;
    return set(fd, SOL_SOCKET, SO_REUSEADDR, 1) && set(fd, SOL_SOCKET, SO_REUSEPORT, 1) &&
           bind(fd, &addr->sa, addr->len) == 0 && listen(fd, BACKLOG) == 0;
}

/* A kernel without IPv6 still has "every IPv4 address". */
static struct net_addr without_ipv6(const struct net_addr *addr)
{
    struct net_addr v4 = { .len = sizeof(v4.v4) };

    v4.v4.sin_family = AF_INET;
    v4.v4.sin_port = addr->v6.sin6_port;
    return v4;
}

int net_listen(const struct net_addr *addr)
{
    struct net_addr actual = *addr;
    int fd = socket(actual.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0 && errno == EAFNOSUPPORT && actual.sa.sa_family == AF_INET6 &&
        IN6_IS_ADDR_UNSPECIFIED(&actual.v6.sin6_addr)) {
        actual = without_ipv6(addr);
        fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    }
    if (fd < 0)
        return -1;
    if (bind_and_listen(fd, &actual))
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

static bool in_networks(const struct net_listener *l, const struct net_addr *peer)
{
    struct str ip = net_addr_bytes(peer);

    for (unsigned i = 0; i < l->legacy_network_count; i++)
        if (ntlm_network_contains(&l->legacy_networks[i], ip))
            return true;
    return false;
}

/* The lane is chosen by the source address alone: before the first byte is read, so that nothing
 * in the hello can talk a modern client's connection down to the old suites. */
struct tls_context *net_lane(const struct net_listener *l, const struct net_addr *peer)
{
    if (l->tls_legacy && in_networks(l, peer))
        return l->tls_legacy;
    return l->tls;
}

/* Counted always, told once a second. */
static void refuse(struct listening *from, int fd, const struct net_addr *peer, enum fault why)
{
    struct net *n = from->net;
    uint64_t now = loop_now_ms(n->loop);

    if (n->refused++ > 0 && now - n->refused_told_ms < TELL_EVERY_MS) {
        close(fd);
        return;
    }
    n->refused_told_ms = now;
    struct conn *c = net_conn_new(n, fd, peer);
    c->listener = from->listener;
    conn_die(c, why);
}

static void accepted(struct listening *from, int fd, const struct net_addr *peer)
{
    struct net *n = from->net;

    bool full = n->count >= n->limits.connections_max || n->count >= NET_SLOTS_MAX - ACCEPT_BURST;
    enum fault why = full ? FAULT_ROUTE_TOO_MANY : FAULT_NONE;
    if (!full && n->handler.admit)
        why = n->handler.admit(n->arg, from->listener, peer);
    if (why != FAULT_NONE) {
        refuse(from, fd, peer, why);
        return;
    }
    struct conn *c = net_conn_new(n, fd, peer);
    c->listener = from->listener;
    c->admitted = true;
    c->watch = loop_fd_new(n->loop, fd, conn_ready, c);
    conn_begin(c);
}

/* A Unix socket: a sandboxed process may make one, but not open a file. */
static void take_reserve(struct net *n)
{
    if (n->reserve_fd < 0)
        n->reserve_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

/* No descriptor is left.  A connection that stays in the queue would wake us for ever, so one is
 * taken with the reserve and closed; without reserve the listener rests until the next sweep. */
static bool shed_one(struct listening *from)
{
    struct net *n = from->net;

    if (n->reserve_fd >= 0) {
        close(n->reserve_fd);
        n->reserve_fd = -1;
        int fd = accept4(from->fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0) {
            close(fd);
            n->refused++;
        }
        take_reserve(n);
        if (fd >= 0)
            return true;
    }
    loop_fd_watch(from->watch, 0);
    return false;
}

static bool is_shortage(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

/* False when there is nothing more to accept now. */
static bool accept_one(struct listening *from)
{
    struct net_addr peer = { .len = sizeof(peer.v6) };
    int fd = accept4(from->fd, &peer.sa, &peer.len, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd >= 0) {
        accepted(from, fd, &peer);
        return true;
    }
    if (is_shortage(errno))
        return shed_one(from);
    return errno == EINTR || errno == ECONNABORTED;
}

static void on_readable(void *arg, int events)
{
    struct listening *from = arg;

    (void)events;
    net_event_begin(from->net);
    for (int i = 0; i < ACCEPT_BURST && accept_one(from); i++)
        ;
    net_event_end(from->net);
}

/* TCP_NODELAY and SO_KEEPALIVE are inherited by what is accepted: two system calls saved. */
void net_add_listener(struct net *n, struct net_listener *l, int fd)
{
    struct listening *from = calloc(1, sizeof(*from));

    if (!from)
        abort();
    set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    *from = (struct listening){ .next = n->listening, .net = n, .listener = l, .fd = fd };
    n->listening = from;
    take_reserve(n);
    from->watch = loop_fd_new(n->loop, fd, on_readable, from);
    loop_fd_watch(from->watch, LOOP_READ);
}

void net_listeners_retry(struct net *n)
{
    if (n->listening)
        take_reserve(n);
    for (struct listening *l = n->listening; l; l = l->next)
        loop_fd_watch(l->watch, LOOP_READ);
}

/* Closed rather than unwatched: a connection that waits in the queue of a listener nobody reads
 * would hang, while other workers or the next process could serve it. */
void net_pause_listeners(struct net *n)
{
    while (n->listening) {
        struct listening *l = n->listening;

        n->listening = l->next;
        loop_fd_free(l->watch);
        close(l->fd);
        free(l);
    }
}

void net_listeners_free(struct net *n)
{
    net_pause_listeners(n);
    if (n->reserve_fd >= 0)
        close(n->reserve_fd);
    n->reserve_fd = -1;
}
