/* SPDX-License-Identifier: MIT */
#include "client/link.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "sip/frame.h"

enum { CHUNK = 16384, MESSAGE_MAX = 65536 };

static enum fault failed(struct client_link *l, enum fault fault, const char *why)
{
    snprintf(l->why, sizeof(l->why), "%s", why);
    return fault;
}

static enum fault failed_errno(struct client_link *l, int error)
{
    if (error == ECONNRESET || error == EPIPE)
        return failed(l, FAULT_ROUTE_PEER_RESET, "the server reset the connection");
    return failed(l, error == ETIMEDOUT ? FAULT_ROUTE_NO_ANSWER : FAULT_ROUTE_UNREACHABLE,
                  strerror(error));
}

void client_link_init(struct client_link *l)
{
    *l = (struct client_link){ .fd = -1 };
}

void client_link_fini(struct client_link *l)
{
    if (l->tls)
        tls_free(l->tls);
    if (l->fd >= 0)
        close(l->fd);
    buf_fini(&l->in);
    buf_fini(&l->cipher);
    buf_fini(&l->out);
    client_link_init(l);
}

static bool wait_for(int fd, short events, uint64_t deadline)
{
    struct pollfd p = { .fd = fd, .events = events };
    int n = -1;

    for (uint64_t now = clock_mono_ms(); n < 0 && now < deadline; now = clock_mono_ms()) {
        n = poll(&p, 1, deadline - now > INT32_MAX ? INT32_MAX : (int)(deadline - now));
        if (n < 0 && errno != EINTR)
            return false;
    }
    return n > 0;
}

/* What came of a connect under way: 0 or an errno. */
static int connect_result(int fd, uint64_t deadline)
{
    int error = 0;
    socklen_t size = sizeof(error);

    if (!wait_for(fd, POLLOUT, deadline))
        return ETIMEDOUT;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

static int connect_to(const struct addrinfo *a, uint64_t deadline)
{
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int on = 1;

    if (fd < 0)
        return -1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    int error = connect(fd, a->ai_addr, a->ai_addrlen) == 0 ? 0 : errno;
    if (error == EINPROGRESS)
        error = connect_result(fd, deadline);
    if (error == 0)
        return fd;
    close(fd);
    errno = error;
    return -1;
}

enum fault client_link_dial(struct client_link *l, const char *host, uint16_t port,
                            uint64_t deadline)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
    struct addrinfo *list = NULL;
    char service[8];
    int error = EHOSTUNREACH;

    snprintf(service, sizeof(service), "%u", port);
    int no_name = getaddrinfo(host, service, &hints, &list);
    if (no_name)
        return failed(l, FAULT_ROUTE_UNREACHABLE, gai_strerror(no_name));
    for (struct addrinfo *a = list; a && l->fd < 0; a = a->ai_next) {
        l->fd = connect_to(a, deadline);
        error = errno;
    }
    freeaddrinfo(list);
    if (l->fd < 0)
        return failed_errno(l, error);
    l->local.len = l->peer.len = sizeof(l->local.v6);
    getsockname(l->fd, &l->local.sa, &l->local.len);
    getpeername(l->fd, &l->peer.sa, &l->peer.len);
    return FAULT_NONE;
}

/* What was composed leaves, all of it. */
static enum fault flush(struct client_link *l, uint64_t deadline)
{
    while (l->out.len > 0) {
        ssize_t n = send(l->fd, l->out.ptr, l->out.len, MSG_NOSIGNAL);
        if (n > 0)
            buf_consume(&l->out, (size_t)n);
        else if (n < 0 && errno != EAGAIN && errno != EINTR)
            return failed_errno(l, errno);
        else if (!wait_for(l->fd, POLLOUT, deadline))
            return failed(l, FAULT_ROUTE_NO_ANSWER, "the server does not read");
    }
    return FAULT_NONE;
}

static enum fault receive_more(struct client_link *l, struct buf *into, uint64_t deadline)
{
    for (;;) {
        if (l->closed)
            return failed(l, FAULT_ROUTE_PEER_CLOSED, "the server closed the connection");
        if (!wait_for(l->fd, POLLIN, deadline))
            return failed(l, FAULT_ROUTE_NO_ANSWER, "no answer in time");
        buf_reserve(into, CHUNK);
        ssize_t n = recv(l->fd, into->ptr + into->len, CHUNK, 0);
        if (n > 0) {
            into->len += (size_t)n;
            return FAULT_NONE;
        }
        if (n == 0)
            l->closed = true;
        else if (errno != EAGAIN && errno != EINTR)
            return failed_errno(l, errno);
    }
}

static void tls_step_end(struct client_link *l)
{
    buf_consume(&l->cipher, l->cipher.len - tls_input_left(l->tls));
}

static enum fault decrypt(struct client_link *l, uint64_t deadline)
{
    enum tls_status status = TLS_OK;

    tls_set_io(l->tls, buf_str(&l->cipher), &l->out);
    while (status == TLS_OK) {
        size_t got = 0;
        buf_reserve(&l->in, CHUNK);
        status = tls_read(l->tls, l->in.ptr + l->in.len, CHUNK, &got);
        if (status == TLS_OK)
            l->in.len += got;
    }
    tls_step_end(l);
    enum fault fault = flush(l, deadline);
    if (status == TLS_FAILED)
        return failed(l, tls_fault(l->tls), tls_reason(l->tls));
    l->closed |= status == TLS_CLOSED;
    return fault;
}

enum fault client_link_secure(struct client_link *l, struct tls_context *context, const char *host,
                              uint64_t deadline)
{
    enum fault fault = FAULT_NONE;

    l->tls = tls_new(context, host);
    while (fault == FAULT_NONE) {
        tls_set_io(l->tls, buf_str(&l->cipher), &l->out);
        enum tls_status status = tls_handshake(l->tls);
        tls_step_end(l);
        fault = flush(l, deadline);
        if (status == TLS_FAILED)
            return failed(l, tls_fault(l->tls), tls_reason(l->tls));
        if (status == TLS_CLOSED)
            return failed(l, FAULT_ROUTE_PEER_CLOSED, "closed during the TLS handshake");
        if (fault == FAULT_NONE && status == TLS_OK)
            return decrypt(l, deadline); /* records may have come behind the last flight */
        if (fault == FAULT_NONE)
            fault = receive_more(l, &l->cipher, deadline);
    }
    return fault;
}

enum fault client_link_send(struct client_link *l, struct str text, uint64_t deadline)
{
    if (!l->tls) {
        buf_add(&l->out, text);
    } else {
        tls_set_io(l->tls, buf_str(&l->cipher), &l->out);
        bool written = tls_write(l->tls, text);
        tls_step_end(l);
        if (!written)
            return failed(l, tls_fault(l->tls), tls_reason(l->tls));
    }
    return flush(l, deadline);
}

enum fault client_link_receive(struct client_link *l, struct str *whole, size_t *head_len,
                               uint64_t deadline)
{
    enum fault fault = FAULT_NONE;
    struct sip_frame f = { 0 };

    buf_consume(&l->in, l->taken);
    l->taken = 0;
    while (fault == FAULT_NONE) {
        sip_frame_next(buf_str(&l->in), MESSAGE_MAX, &f);
        switch (f.status) {
        case SIP_FRAME_MESSAGE:
            *whole = str_first(buf_str(&l->in), f.total);
            *head_len = f.head_len;
            l->taken = f.total;
            return FAULT_NONE;
        case SIP_FRAME_BLANK:
            buf_consume(&l->in, f.total);
            f = (struct sip_frame){ 0 };
            break;
        case SIP_FRAME_BROKEN:
            return failed(l, f.fault, "what came is not SIP");
        case SIP_FRAME_MORE:
            fault = receive_more(l, l->tls ? &l->cipher : &l->in, deadline);
            if (fault == FAULT_NONE && l->tls)
                fault = decrypt(l, deadline);
            break;
        }
    }
    return fault;
}
