/* SPDX-License-Identifier: MIT */
#include "authd/link.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/secret.h"
#include "users/proto.h"

enum { BATCH = 32, QUEUE_MAX = 256, PEERS_MAX = 256, ANSWER_MAX = 2048, GREETING_KEEP_MS = 60000 };

struct queued {
    size_t at, len;
    uint64_t until_ms;
};

struct peer {
    struct peer *next;
    uint64_t id;
    struct link *link;
    int fd;
    struct loop_fd *watch;
    /* answers not yet sent; the bytes are reserved once, so keys are never left behind by a
     * reallocation, and wiped when all is sent */
    struct buf bytes;
    struct queued queue[QUEUE_MAX];
    unsigned first, count;
};

struct scratch {
    char octets[BATCH][PROTO_MESSAGE_MAX];
    char control[BATCH][64];
};

struct link {
    struct loop *loop;
    int fd;
    struct loop_fd *watch;
    uid_t own, friend;
    link_answer answer;
    void *arg;
    struct peer *peers;
    struct link_counts counts;
    struct scratch *scratch;
    struct buf one; /* the answer being made */
    struct buf greeting;
    uint64_t last_id;
};

static void *checked(void *ptr)
{
    if (!ptr)
        abort();
    return ptr;
}

static void peer_free(struct peer *p)
{
    struct peer **at = &p->link->peers;

    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
    p->link->counts.peers--;
    loop_fd_free(p->watch);
    close(p->fd);
    secret_wipe(p->bytes.ptr, p->bytes.len);
    buf_fini(&p->bytes);
    free(p);
}

static bool queue_is_full(const struct peer *p)
{
    return p->first + p->count + BATCH > QUEUE_MAX;
}

/* A peer that does not take its answers is not listened to: its questions wait in the socket, and
 * then in its own bounded queue. */
static void peer_watch(struct peer *p)
{
    loop_fd_watch(p->watch, (queue_is_full(p) ? 0 : LOOP_READ) | (p->count ? LOOP_WRITE : 0));
}

static void drop_late(struct peer *p, uint64_t now_ms)
{
    while (p->count && p->queue[p->first].until_ms < now_ms) {
        p->first++;
        p->count--;
        p->link->counts.late++;
    }
}

static int send_some(struct peer *p)
{
    struct mmsghdr m[BATCH] = { 0 };
    struct iovec iov[BATCH];
    unsigned n = p->count < BATCH ? p->count : BATCH;

    for (unsigned i = 0; i < n; i++) {
        const struct queued *q = &p->queue[p->first + i];

        iov[i] = (struct iovec){ p->bytes.ptr + q->at, q->len };
        m[i].msg_hdr.msg_iov = &iov[i];
        m[i].msg_hdr.msg_iovlen = 1;
    }
    return sendmmsg(p->fd, m, n, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* False when the peer is gone. */
static bool peer_flush(struct peer *p)
{
    while (p->count) {
        drop_late(p, loop_now_ms(p->link->loop));
        if (p->count == 0)
            break;
        int n = send_some(p);
        if (n < 0 && errno != EAGAIN && errno != EINTR) {
            peer_free(p);
            return false;
        }
        if (n <= 0)
            break;
        p->first += (unsigned)n;
        p->count -= (unsigned)n;
    }
    if (p->count == 0) {
        secret_wipe(p->bytes.ptr, p->bytes.len);
        buf_clear(&p->bytes);
        p->first = 0;
    }
    peer_watch(p);
    return true;
}

/* Behind the places that a batch may need at once nothing is kept for later answers. */
static void enqueue(struct peer *p, struct str answer, uint64_t keep_ms)
{
    if (answer.len == 0 || answer.len > ANSWER_MAX)
        return;
    if (p->first + p->count == QUEUE_MAX) {
        p->link->counts.late++;
        return;
    }
    p->queue[p->first + p->count++] = (struct queued){
        .at = p->bytes.len,
        .len = answer.len,
        .until_ms = loop_now_ms(p->link->loop) + keep_ms,
    };
    buf_add(&p->bytes, answer);
}

static void answer_one(struct peer *p, struct str message, uint64_t waited_ms)
{
    struct link *k = p->link;
    uint64_t keep_ms = 0;

    k->counts.received++;
    k->answer(k->arg, (struct link_ticket){ p->id }, message, waited_ms, &k->one, &keep_ms);
    enqueue(p, buf_str(&k->one), keep_ms);
    secret_wipe(k->one.ptr, k->one.len);
    buf_clear(&k->one);
}

/* How long ago the kernel took the message from its sender (SO_TIMESTAMPNS): what waited while we
 * were stopped is older than our own clock of this turn says. */
static uint64_t waited_ms(struct msghdr *h, uint64_t now_us)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
        struct timespec ts;

        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS)
            continue;
        memcpy(&ts, CMSG_DATA(c), sizeof(ts));
        uint64_t sent_us = (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
        return now_us > sent_us ? (now_us - sent_us) / 1000 : 0;
    }
    return 0;
}

static int receive_some(struct peer *p, struct mmsghdr m[BATCH], struct iovec iov[BATCH])
{
    struct scratch *s = p->link->scratch;

    memset(m, 0, BATCH * sizeof(*m));
    for (unsigned i = 0; i < BATCH; i++) {
        iov[i] = (struct iovec){ s->octets[i], sizeof(s->octets[i]) };
        m[i].msg_hdr.msg_iov = &iov[i];
        m[i].msg_hdr.msg_iovlen = 1;
        m[i].msg_hdr.msg_control = s->control[i];
        m[i].msg_hdr.msg_controllen = sizeof(s->control[i]);
    }
    return recvmmsg(p->fd, m, BATCH, MSG_DONTWAIT, NULL);
}

/* Both read as nothing, but only a message carries its stamp: one without content must not pass for
 * the end of its peer. */
static bool is_end(const struct mmsghdr *m)
{
    return m->msg_len == 0 && m->msg_hdr.msg_controllen == 0;
}

/* False when the peer is gone. */
static bool peer_receive(struct peer *p)
{
    struct mmsghdr m[BATCH];
    struct iovec iov[BATCH];
    int n = receive_some(p, m, iov);
    uint64_t now_us = clock_wall_us();

    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    for (int i = 0; i < n; i++) {
        if (is_end(&m[i]))
            return false;
        if (m[i].msg_hdr.msg_flags & MSG_TRUNC)
            p->link->counts.cut++;
        else
            answer_one(p, str_of(iov[i].iov_base, m[i].msg_len), waited_ms(&m[i].msg_hdr, now_us));
    }
    return n > 0;
}

static void peer_ready(void *arg, int events)
{
    struct peer *p = arg;

    if ((events & LOOP_WRITE) && !peer_flush(p))
        return;
    if ((events & LOOP_READ) && !queue_is_full(p) && !peer_receive(p))
        peer_free(p);
}

static void flush_all(void *arg)
{
    struct link *k = arg;
    struct peer *next;

    for (struct peer *p = k->peers; p; p = next) {
        next = p->next;
        if (p->count)
            peer_flush(p);
    }
}

static bool is_friend(const struct link *k, int fd)
{
    struct ucred peer;
    socklen_t len = sizeof(peer);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
        return false;
    return peer.uid == 0 || peer.uid == k->own || (k->friend != (uid_t)-1 && peer.uid == k->friend);
}

static void accept_ready(void *arg, int events)
{
    struct link *k = arg;
    int on = 1, fd = accept4(k->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    (void)events;
    if (fd < 0)
        return;
    if (!is_friend(k, fd) || k->counts.peers >= PEERS_MAX) {
        k->counts.refused_peers++;
        close(fd);
        return;
    }
    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
    struct peer *p = checked(calloc(1, sizeof(*p)));
    p->link = k;
    p->fd = fd;
    buf_reserve(&p->bytes, (size_t)QUEUE_MAX * ANSWER_MAX);
    p->watch = loop_fd_new(k->loop, fd, peer_ready, p);
    p->next = k->peers;
    k->peers = p;
    k->counts.peers++;
    p->id = ++k->last_id;
    enqueue(p, buf_str(&k->greeting), GREETING_KEEP_MS);
    peer_watch(p);
}

void link_reply(struct link *k, struct link_ticket to, struct str answer, uint64_t keep_ms)
{
    struct peer *p = k->peers;

    while (p && p->id != to.peer)
        p = p->next;
    if (p && p->first + p->count == QUEUE_MAX && !peer_flush(p))
        p = NULL;
    if (p)
        enqueue(p, answer, keep_ms);
}

void link_greet(struct link *k, struct str message)
{
    buf_clear(&k->greeting);
    buf_add(&k->greeting, message);
    for (struct peer *p = k->peers; p; p = p->next)
        enqueue(p, message, GREETING_KEEP_MS);
}

struct link *link_new(struct loop *l, int fd, uid_t friend, link_answer answer, void *arg)
{
    struct link *k = checked(calloc(1, sizeof(*k)));

    k->loop = l;
    k->fd = fd;
    k->own = geteuid();
    k->friend = friend;
    k->answer = answer;
    k->arg = arg;
    k->scratch = checked(malloc(sizeof(*k->scratch)));
    buf_reserve(&k->one, ANSWER_MAX);
    k->watch = loop_fd_new(l, fd, accept_ready, k);
    loop_fd_watch(k->watch, LOOP_READ);
    loop_on_turn_end(l, flush_all, k);
    return k;
}

void link_free(struct link *k)
{
    struct peer *next;

    flush_all(k);
    for (struct peer *p = k->peers; p; p = next) {
        next = p->next;
        peer_free(p);
    }
    loop_fd_free(k->watch);
    close(k->fd);
    free(k->scratch);
    buf_fini(&k->one);
    buf_fini(&k->greeting);
    free(k);
}

struct link_counts link_counts(const struct link *k)
{
    return k->counts;
}

int link_bind(const char *path, gid_t group, struct buf *why)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };

    if (strlen(path) >= sizeof(at.sun_path)) {
        buf_printf(why, "the socket path %s is too long: choose a shorter run directory", path);
        return -1;
    }
    memcpy(at.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    unlink(path);
    mode_t old = umask(0117);
    bool good =
        fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0 && listen(fd, SOMAXCONN) == 0;
    umask(old);
    if (good && geteuid() == 0)
        good = chown(path, 0, group) == 0;
    if (good)
        return fd;
    buf_printf(why, "cannot bind %s (%s): does [general] run exist and is it ours?", path,
               strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}
