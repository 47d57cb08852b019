/* SPDX-License-Identifier: MIT */
/* Outgoing connections. */
#include <errno.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "net/net_internal.h"

static int start_connecting(const struct net_addr *addr)
{
    int fd = socket(addr->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;

    if (fd < 0)
        return -1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (connect(fd, &addr->sa, addr->len) == 0 || errno == EINPROGRESS)
        return fd;
    close(fd);
    return -1;
}

/* A failure is told like every other, through `closed`, and never before this returns. */
struct conn *net_connect(struct net *n, const struct net_addr *addr, struct tls_context *tls,
                         const char *server_name)
{
    int fd = start_connecting(addr);
    struct conn *c = net_conn_new(n, fd, addr);

    c->state = CONN_CONNECTING;
    c->why = FAULT_ROUTE_UNREACHABLE;
    if (tls)
        c->tls = tls_new(tls, server_name);
    if (fd < 0) {
        buf_add(&n->resumed, str_of(&c->id, sizeof(c->id)));
        net_soon(n);
        return c;
    }
    c->watch = loop_fd_new(n->loop, fd, conn_ready, c);
    conn_watch(c);
    return c;
}
