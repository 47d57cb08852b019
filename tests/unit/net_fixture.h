/* SPDX-License-Identifier: MIT */
/* A worker with a listener on loopback, what its handler saw, and raw clients.  The kernel's
 * send, recv and accept4 are replaced by ones that count and can refuse. */
#ifndef POSTERN_TESTS_NET_FIXTURE_H
#define POSTERN_TESTS_NET_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "net/net_internal.h"

/* --- the kernel --- */

struct kernel {
    unsigned sends, recvs;
    size_t send_most; /* a send takes no more; SIZE_MAX: all */
    bool send_refuses;
    int accept_error; /* told by the next accept4 */
};

static struct kernel kernel = { .send_most = SIZE_MAX };

/* The library calls these under their usual names. */
ssize_t kernel_send(int fd, const void *data, size_t len, int flags) __asm__("send");
ssize_t kernel_recv(int fd, void *into, size_t cap, int flags) __asm__("recv");
int kernel_accept4(int fd, struct sockaddr *peer, socklen_t *len, int flags) __asm__("accept4");

ssize_t kernel_send(int fd, const void *data, size_t len, int flags)
{
    kernel.sends++;
    if (kernel.send_refuses) {
        errno = EAGAIN;
        return -1;
    }
    if (len > kernel.send_most)
        len = kernel.send_most;
    return syscall(SYS_sendto, fd, data, len, flags, NULL, 0);
}

ssize_t kernel_recv(int fd, void *into, size_t cap, int flags)
{
    kernel.recvs++;
    return syscall(SYS_recvfrom, fd, into, cap, flags, NULL, NULL);
}

int kernel_accept4(int fd, struct sockaddr *peer, socklen_t *len, int flags)
{
    if (kernel.accept_error) {
        errno = kernel.accept_error;
        kernel.accept_error = 0;
        return -1;
    }
    return (int)syscall(SYS_accept4, fd, peer, len, flags);
}

/* --- the worker --- */

struct seen {
    unsigned opened, messages, broken, closed;
    enum fault broken_why, closed_why;
    struct buf text; /* all messages, one after the other */
    struct buf offer;
    struct conn *conn; /* of the last call */
    void (*on_open)(struct conn *c);
    void (*on_message)(struct conn *c, struct str whole, size_t head_len);
    void (*on_broken)(struct conn *c);
    void (*on_closed)(struct conn *c);
};

static struct loop *loop;
static struct net *net;
static struct net_listener listener;
static struct net_addr address;
static struct seen seen;
static struct net_limits limits;

static void handle_open(void *arg, struct conn *c)
{
    assert_ptr_equal(arg, &seen);
    seen.opened++;
    seen.conn = c;
    if (seen.on_open)
        seen.on_open(c);
}

static void handle_message(void *arg, struct conn *c, struct str whole, size_t head_len)
{
    assert_ptr_equal(arg, &seen);
    assert_true(head_len <= whole.len);
    seen.messages++;
    seen.conn = c;
    buf_add(&seen.text, whole);
    if (seen.on_message)
        seen.on_message(c, whole, head_len);
}

static void handle_broken(void *arg, struct conn *c, enum fault fault, struct str text)
{
    assert_ptr_equal(arg, &seen);
    assert_true(text.len <= limits.message_max);
    seen.broken++;
    seen.broken_why = fault;
    if (seen.on_broken)
        seen.on_broken(c);
}

static void handle_closed(void *arg, struct conn *c, enum fault why)
{
    assert_ptr_equal(arg, &seen);
    seen.closed++;
    seen.closed_why = why;
    if (conn_tls(c)) {
        buf_clear(&seen.offer);
        tls_describe_offer(conn_tls(c), &seen.offer);
    }
    if (seen.on_closed)
        seen.on_closed(c);
}

static const struct net_handler handler = {
    .open = handle_open,
    .message = handle_message,
    .broken = handle_broken,
    .closed = handle_closed,
};

static int begin(void **state)
{
    socklen_t len = sizeof(address.v6);

    (void)state;
    kernel = (struct kernel){ .send_most = SIZE_MAX };
    seen = (struct seen){ .opened = 0 };
    limits = (struct net_limits){ .message_max = 8000,
                                  .send_max = 100 * 1000,
                                  .idle_s = 60,
                                  .handshake_s = 60,
                                  .connections_max = 5000 };
    listener = (struct net_listener){ .name = "test" };
    loop = loop_new();
    net = net_new(loop, &limits, &handler, &seen, 3);
    assert_true(net_addr_parse(STR("127.0.0.1:0"), &address));
    int fd = net_listen(&address);
    assert_true(fd >= 0);
    assert_int_equal(getsockname(fd, &address.sa, &len), 0);
    net_add_listener(net, &listener, fd);
    return 0;
}

static int end(void **state)
{
    (void)state;
    net_free(net);
    loop_free(loop);
    buf_fini(&seen.text);
    buf_fini(&seen.offer);
    return 0;
}

/* --- running the loop until something is so --- */

struct waiting {
    bool (*is_so)(void *arg);
    void *arg;
    unsigned ticks;
};

enum { TICKS_MAX = 20 * 1000 };

static void look(void *arg)
{
    struct waiting *w = arg;

    if (w->is_so(w->arg) || ++w->ticks >= TICKS_MAX)
        loop_stop(loop);
}

static void run_until(bool (*is_so)(void *arg), void *arg)
{
    struct waiting w = { .is_so = is_so, .arg = arg };
    struct loop_timer *t = loop_timer_new(loop, look, &w);

    loop_timer_set(t, 0, 1);
    loop_run(loop);
    loop_timer_free(t);
    assert_true(is_so(arg));
}

/* The number has reached what is wanted. */
struct number {
    const unsigned *at;
    unsigned wanted;
};

static bool has_reached(void *arg)
{
    const struct number *n = arg;
    return *n->at >= n->wanted;
}

static UNUSED void run_until_number(const unsigned *at, unsigned wanted)
{
    struct number n = { .at = at, .wanted = wanted };

    run_until(has_reached, &n);
    assert_int_equal(*at, wanted);
}

static bool tick(void *arg)
{
    unsigned *left = arg;
    return *left == 0 || --*left == 0;
}

/* Long enough for everything that waits in the kernel. */
static UNUSED void run_a_while(void)
{
    unsigned turns = 30;

    run_until(tick, &turns);
}

/* --- raw clients --- */

static int dial(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(connect(fd, &address.sa, address.len), 0);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

static UNUSED void say(int fd, struct str text)
{
    assert_int_equal(write(fd, text.ptr, text.len), (ssize_t)text.len);
}

static bool has_ended(void *arg)
{
    char byte[64];
    ssize_t n = read(*(int *)arg, byte, sizeof(byte));

    return n == 0 || (n < 0 && errno != EAGAIN);
}

static UNUSED void assert_is_closed_by_the_server(int fd)
{
    run_until(has_ended, &fd);
    close(fd);
}

#endif
