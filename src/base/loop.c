/* SPDX-License-Identifier: MIT */
/* Every watch begins with its libuv handle, so one close callback frees them all: libuv may
 * still touch a handle until that callback, hence nothing is freed earlier. */
#include "base/loop.h"

#include <assert.h>
#include <stdlib.h>
#include <uv.h>

struct turn_hook {
    struct turn_hook *next;
    void (*flush)(void *arg);
    void *arg;
};

struct loop {
    uv_loop_t uv;
    uv_prepare_t turn_end; /* always active: the loop runs until it is told to stop */
    struct turn_hook *hooks;
};

struct loop_fd {
    uv_poll_t poll;
    void (*ready)(void *arg, int events);
    void *arg;
    int events;
};

struct loop_timer {
    uv_timer_t timer;
    void (*fire)(void *arg);
    void *arg;
};

struct loop_signal {
    uv_signal_t signal;
    void (*fire)(void *arg);
    void *arg;
};

struct loop_wake {
    uv_async_t async;
    void (*fire)(void *arg);
    void *arg;
};

/* A refusal of libuv here is our own mistake or the end of memory. */
static void must(int rc)
{
    if (rc != 0)
        abort();
}

static void *must_calloc(size_t size)
{
    void *ptr = calloc(1, size);

    if (!ptr)
        abort();
    return ptr;
}

static void free_handle(uv_handle_t *handle)
{
    free(handle);
}

static void close_and_free(void *watch)
{
    uv_close(watch, free_handle);
}

static void run_hooks(struct loop *l)
{
    for (struct turn_hook *hook = l->hooks; hook; hook = hook->next)
        hook->flush(hook->arg);
}

static void on_turn_end(uv_prepare_t *handle)
{
    run_hooks(handle->data);
}

struct loop *loop_new(void)
{
    struct loop *l = must_calloc(sizeof(*l));

    must(uv_loop_init(&l->uv));
    must(uv_prepare_init(&l->uv, &l->turn_end));
    l->turn_end.data = l;
    must(uv_prepare_start(&l->turn_end, on_turn_end));
    return l;
}

static void close_left(uv_handle_t *handle, void *arg)
{
    struct loop *l = arg;

    if (!uv_is_closing(handle))
        uv_close(handle, handle == (uv_handle_t *)&l->turn_end ? NULL : free_handle);
}

void loop_free(struct loop *l)
{
    if (!l)
        return;
    uv_walk(&l->uv, close_left, l);
    uv_run(&l->uv, UV_RUN_DEFAULT);
    must(uv_loop_close(&l->uv));
    while (l->hooks) {
        struct turn_hook *next = l->hooks->next;
        free(l->hooks);
        l->hooks = next;
    }
    free(l);
}

/* The turn in which loop_stop was called ends like every other. */
void loop_run(struct loop *l)
{
    uv_run(&l->uv, UV_RUN_DEFAULT);
    run_hooks(l);
}

void loop_stop(struct loop *l)
{
    uv_stop(&l->uv);
}

uint64_t loop_now_ms(const struct loop *l)
{
    return uv_now(&l->uv);
}

/* libuv stops a handle before it reports an error. */
static void on_poll(uv_poll_t *handle, int status, int events)
{
    struct loop_fd *w = handle->data;
    int bits = 0;

    if (status < 0) {
        bits = LOOP_READ | w->events;
        w->events = 0;
    } else {
        bits |= events & UV_READABLE ? LOOP_READ : 0;
        bits |= events & UV_WRITABLE ? LOOP_WRITE : 0;
    }
    if (bits)
        w->ready(w->arg, bits);
}

struct loop_fd *loop_fd_new(struct loop *l, int fd, void (*ready)(void *arg, int events), void *arg)
{
    struct loop_fd *w = must_calloc(sizeof(*w));

    must(uv_poll_init(&l->uv, &w->poll, fd));
    w->poll.data = w;
    w->ready = ready;
    w->arg = arg;
    return w;
}

void loop_fd_watch(struct loop_fd *w, int events)
{
    if (events == w->events)
        return;
    w->events = events;
    if (events == 0) {
        must(uv_poll_stop(&w->poll));
        return;
    }
    int wanted = (events & LOOP_READ ? UV_READABLE : 0) | (events & LOOP_WRITE ? UV_WRITABLE : 0);
    must(uv_poll_start(&w->poll, wanted, on_poll));
}

void loop_fd_free(struct loop_fd *w)
{
    if (w)
        close_and_free(w);
}

static void on_timer(uv_timer_t *handle)
{
    struct loop_timer *t = handle->data;
    t->fire(t->arg);
}

struct loop_timer *loop_timer_new(struct loop *l, void (*fire)(void *arg), void *arg)
{
    struct loop_timer *t = must_calloc(sizeof(*t));

    must(uv_timer_init(&l->uv, &t->timer));
    t->timer.data = t;
    t->fire = fire;
    t->arg = arg;
    return t;
}

void loop_timer_set(struct loop_timer *t, uint64_t after_ms, uint64_t repeat_ms)
{
    must(uv_timer_start(&t->timer, on_timer, after_ms, repeat_ms));
}

void loop_timer_stop(struct loop_timer *t)
{
    must(uv_timer_stop(&t->timer));
}

void loop_timer_free(struct loop_timer *t)
{
    if (t)
        close_and_free(t);
}

static void on_signal(uv_signal_t *handle, int signum)
{
    struct loop_signal *s = handle->data;

    (void)signum;
    s->fire(s->arg);
}

struct loop_signal *loop_signal_new(struct loop *l, int signum, void (*fire)(void *arg), void *arg)
{
    struct loop_signal *s = must_calloc(sizeof(*s));

    must(uv_signal_init(&l->uv, &s->signal));
    s->signal.data = s;
    s->fire = fire;
    s->arg = arg;
    must(uv_signal_start(&s->signal, on_signal, signum));
    return s;
}

void loop_signal_free(struct loop_signal *s)
{
    if (s)
        close_and_free(s);
}

static void on_wake(uv_async_t *handle)
{
    struct loop_wake *w = handle->data;
    w->fire(w->arg);
}

struct loop_wake *loop_wake_new(struct loop *l, void (*fire)(void *arg), void *arg)
{
    struct loop_wake *w = must_calloc(sizeof(*w));

    w->fire = fire;
    w->arg = arg;
    must(uv_async_init(&l->uv, &w->async, on_wake));
    w->async.data = w;
    return w;
}

void loop_wake_send(struct loop_wake *w)
{
    must(uv_async_send(&w->async));
}

void loop_wake_free(struct loop_wake *w)
{
    if (w)
        close_and_free(w);
}

void loop_on_turn_end(struct loop *l, void (*flush)(void *arg), void *arg)
{
    struct turn_hook *hook = must_calloc(sizeof(*hook));
    struct turn_hook **end = &l->hooks;

    hook->flush = flush;
    hook->arg = arg;
    while (*end)
        end = &(*end)->next;
    *end = hook;
}
