/* SPDX-License-Identifier: MIT */
#include "front/ask.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "front/job.h"

enum { BATCH = 32, RECONNECT_MS = 100, FLAGS_OPEN_MAX = 256 };

/* One open question, in order of asking and so of deadline. */
struct open_question {
    struct open_question *next;
    uint64_t id, deadline_ms;
    struct job *job;  /* NULL: a look at flags */
    char *user_key;   /* of a look at flags */
    bool asked_twice; /* a second wrong try would count in a directory */
    bool sent;
    struct buf message;
};

struct ask {
    struct loop *loop;
    char *path;
    uint32_t timeout_ms, queue_max;
    struct ask_handler handler;
    void *arg;
    int fd; /* -1: not connected */
    struct loop_fd *watch;
    uint64_t retry_ms;
    uint64_t next_id;
    struct open_question *oldest, **newest;
    struct open_question *unsent; /* the first not yet sent; NULL: all are */
    unsigned open;
    unsigned flags_open;
    char *receive; /* BATCH messages */
};

static void flush(void *arg);

struct ask *ask_new(struct loop *l, const struct ask_settings *s, const struct ask_handler *h,
                    void *arg)
{
    struct ask *a = calloc(1, sizeof(*a));
    assert(a);
    a->loop = l;
    a->path = str_own(str_from_c(s->path));
    a->timeout_ms = s->timeout_ms;
    a->queue_max = s->queue_max;
    a->handler = *h;
    a->arg = arg;
    a->fd = -1;
    a->next_id = 1;
    a->newest = &a->oldest;
    a->receive = malloc((size_t)BATCH * 2048);
    assert(a->receive);
    loop_on_turn_end(l, flush, a);
    return a;
}

static void question_free(struct open_question *q)
{
    buf_fini(&q->message);
    free(q->user_key);
    free(q);
}

/* Takes the question that `at` points to out of the list. */
static struct open_question *take_at(struct ask *a, struct open_question **at)
{
    struct open_question *q = *at;
    *at = q->next;
    if (a->newest == &q->next)
        a->newest = at;
    if (a->unsent == q)
        a->unsent = q->next;
    a->open--;
    a->flags_open -= q->job == NULL;
    return q;
}

/* NULL when there is no such id. */
static struct open_question *take(struct ask *a, uint64_t id)
{
    for (struct open_question **at = &a->oldest; *at; at = &(*at)->next)
        if ((*at)->id == id)
            return take_at(a, at);
    return NULL;
}

static void answer_unreachable(struct ask *a, struct open_question *q)
{
    struct proto_verdict v = { .id = q->id, .fault = FAULT_DIRECTORY_UNREACHABLE };
    if (q->job)
        a->handler.verdict(a->arg, q->job, &v);
    question_free(q);
}

static void disconnect(struct ask *a, uint64_t now_ms)
{
    if (a->watch)
        loop_fd_free(a->watch);
    if (a->fd >= 0)
        close(a->fd);
    a->watch = NULL;
    a->fd = -1;
    a->retry_ms = now_ms + RECONNECT_MS;
    a->unsent = a->oldest;
    struct open_question **at = &a->oldest;
    while (*at) { /* what was on its way is asked once more, not oftener */
        struct open_question *q = *at;
        if (q->sent && q->asked_twice) {
            answer_unreachable(a, take_at(a, at));
            continue;
        }
        if (q->sent) {
            q->asked_twice = true;
            q->sent = false;
        }
        at = &q->next;
    }
}

static void handle_message(struct ask *a, struct str in)
{
    struct proto_verdict v;
    struct proto_flags f;
    struct proto_names n;
    struct open_question *q = NULL;
    switch (proto_kind(in)) {
    case PROTO_VERDICT:
        if (!proto_verdict_read(in, &v) || !(q = take(a, v.id)))
            return;
        if (q->job)
            a->handler.verdict(a->arg, q->job, &v);
        break;
    case PROTO_FLAGS:
        if (!proto_flags_read(in, &f) || !(q = take(a, f.id)))
            return;
        if (q->user_key)
            a->handler.flags(a->arg, str_from_c(q->user_key), &f);
        break;
    case PROTO_NAMES:
        if (proto_names_read(in, &n))
            a->handler.names(a->arg, &n);
        return;
    default:
        return;
    }
    question_free(q);
}

static void receive(struct ask *a)
{
    struct mmsghdr m[BATCH];
    struct iovec iov[BATCH];
    memset(m, 0, sizeof(m));
    for (int i = 0; i < BATCH; i++) {
        iov[i] = (struct iovec){ a->receive + (size_t)i * 2048, 2048 };
        m[i].msg_hdr.msg_iov = &iov[i];
        m[i].msg_hdr.msg_iovlen = 1;
    }
    int n = recvmmsg(a->fd, m, BATCH, MSG_DONTWAIT, NULL);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    bool ended = n <= 0;
    for (int i = 0; i < n && !ended; i++) {
        ended = m[i].msg_len == 0; /* end of file: empty messages are never sent */
        if (!ended && !(m[i].msg_hdr.msg_flags & MSG_TRUNC))
            handle_message(a, str_of(iov[i].iov_base, m[i].msg_len));
    }
    if (ended)
        disconnect(a, loop_now_ms(a->loop));
}

static void ready(void *arg, int events)
{
    struct ask *a = arg;
    if (events & LOOP_WRITE)
        flush(a);
    if ((events & LOOP_READ) && a->fd >= 0)
        receive(a);
}

static void connect_again(struct ask *a, uint64_t now_ms)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    size_t len = strlen(a->path);
    if (len >= sizeof(to.sun_path))
        return;
    memcpy(to.sun_path, a->path, len + 1);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0) {
        close(fd);
        a->retry_ms = now_ms + RECONNECT_MS;
        return;
    }
    a->fd = fd;
    a->watch = loop_fd_new(a->loop, fd, ready, a);
    loop_fd_watch(a->watch, LOOP_READ);
}

static void mark_sent(struct ask *a, int n)
{
    for (; n > 0 && a->unsent; n--) {
        a->unsent->sent = true;
        a->unsent = a->unsent->next;
    }
}

/* The end of a loop turn: everything asked in it leaves with one system call. */
static void flush(void *arg)
{
    struct ask *a = arg;
    if (!a->unsent)
        return;
    if (a->fd < 0 && loop_now_ms(a->loop) >= a->retry_ms)
        connect_again(a, loop_now_ms(a->loop));
    while (a->fd >= 0 && a->unsent) {
        struct mmsghdr m[BATCH];
        struct iovec iov[BATCH];
        memset(m, 0, sizeof(m));
        unsigned n = 0;
        for (struct open_question *q = a->unsent; q && n < BATCH; q = q->next, n++) {
            iov[n] = (struct iovec){ q->message.ptr, q->message.len };
            m[n].msg_hdr.msg_iov = &iov[n];
            m[n].msg_hdr.msg_iovlen = 1;
        }
        int sent = sendmmsg(a->fd, m, n, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && (errno == EAGAIN || errno == EINTR))
            break;
        if (sent < 0) {
            disconnect(a, loop_now_ms(a->loop));
            return;
        }
        mark_sent(a, sent);
        if ((unsigned)sent < n)
            break;
    }
    if (a->watch)
        loop_fd_watch(a->watch, a->unsent ? LOOP_READ | LOOP_WRITE : LOOP_READ);
}

/* Takes `q` with its message over. */
static void append(struct ask *a, struct open_question *q)
{
    q->deadline_ms = loop_now_ms(a->loop) + a->timeout_ms;
    *a->newest = q;
    a->newest = &q->next;
    a->open++;
    a->flags_open += q->job == NULL;
    if (!a->unsent)
        a->unsent = q;
}

static struct open_question *question_new(struct ask *a)
{
    struct open_question *q = calloc(1, sizeof(*q));
    assert(q);
    q->id = a->next_id++;
    return q;
}

enum fault ask_question(struct ask *a, struct proto_question *p, struct job *job)
{
    if (a->open >= a->queue_max)
        return FAULT_DIRECTORY_BUSY;
    struct open_question *q = question_new(a);
    p->id = q->id;
    p->deadline_ms = a->timeout_ms;
    if (!proto_question_write(p, &q->message)) {
        question_free(q);
        return FAULT_DIRECTORY_FAILED; /* a name or token longer than any account's */
    }
    q->job = job;
    append(a, q);
    return FAULT_NONE;
}

void ask_flags(struct ask *a, struct str user_key)
{
    if (a->flags_open >= FLAGS_OPEN_MAX || a->open >= a->queue_max)
        return;
    struct open_question *q = question_new(a);
    q->user_key = str_own(user_key);
    struct proto_lookup l = { .id = q->id, .uri = str_from_c(q->user_key) };
    if (proto_lookup_write(&l, &q->message))
        append(a, q);
    else
        question_free(q);
}

void ask_tick(struct ask *a, uint64_t now_ms)
{
    while (a->oldest && now_ms >= a->oldest->deadline_ms)
        answer_unreachable(a, take_at(a, &a->oldest));
    /* authd tells names before it is asked anything */
    if (a->fd < 0 && now_ms >= a->retry_ms)
        connect_again(a, now_ms);
    flush(a);
}

void ask_free(struct ask *a)
{
    while (a->oldest)
        answer_unreachable(a, take_at(a, &a->oldest));
    if (a->watch)
        loop_fd_free(a->watch);
    if (a->fd >= 0)
        close(a->fd);
    free(a->receive);
    free(a->path);
    free(a);
}
