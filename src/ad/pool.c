/* SPDX-License-Identifier: MIT */
#include "ad/pool.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/secret.h"

enum {
    TICK_MS = 25,
    PROBE_MS = 1000,
    DOWN_AFTER = 3,
    WAITING_MAX = 20000,  /* whatever the time they take: what waits costs memory */
    MADE_AGAIN_MS = 1000, /* a child that ended by itself is not made anew sooner than this */
};

struct waiting {
    struct waiting *next;
    ad_answered done;
    void *arg;
    enum ad_pool_how how;
    bool repeated, probe;
    uint64_t until_ms;
    size_t len;
    uint8_t octets[];
};

struct slot {
    struct ad_pool *pool;
    unsigned number;
    int fd; /* -1: no child */
    struct loop_fd *watch;
    bool asked_for;           /* the keeper is making one */
    uint64_t made_ms;         /* when the last one came */
    uint64_t not_before_ms;   /* for the next one */
    struct waiting *question; /* what the child works on; done is NULL when nobody waits any more */
    bool busy;
    uint64_t began_us, kill_ms;
};

struct ad_pool {
    struct ad_pool_settings s;
    struct slot slot[AD_SLOTS_MAX];
    struct waiting *first, **last;
    struct loop_timer *tick;
    bool ticking, ending;
    unsigned in_a_row; /* questions without an answer of a domain controller */
    enum fault down;   /* FAULT_NONE: up */
    uint64_t next_probe_ms;
    struct ad_pool_counts counts;
    uint8_t *in;
    struct buf out;
    struct ad_answer answer;
};

static void *checked(void *ptr)
{
    if (!ptr)
        abort();
    return ptr;
}

static uint64_t now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void work(struct ad_pool *p);

/* --- questions --- */

static void waiting_free(struct waiting *w)
{
    secret_wipe(w->octets, w->len);
    free(w);
}

static void finish(struct waiting *w, enum fault fault, const struct ad_answer *a)
{
    if (w->done)
        w->done(w->arg, fault, a);
    waiting_free(w);
}

static void push_back(struct ad_pool *p, struct waiting *w)
{
    w->next = NULL;
    *p->last = w;
    p->last = &w->next;
    p->counts.waiting++;
}

static void push_front(struct ad_pool *p, struct waiting *w)
{
    w->next = p->first;
    if (!p->first)
        p->last = &w->next;
    p->first = w;
    p->counts.waiting++;
}

static struct waiting *take_at(struct ad_pool *p, struct waiting **at)
{
    struct waiting *w = *at;

    *at = w->next;
    if (p->last == &w->next)
        p->last = at;
    p->counts.waiting--;
    return w;
}

/* The first that this slot may answer. */
static struct waiting *take_for(struct ad_pool *p, const struct slot *s)
{
    for (struct waiting **at = &p->first; *at; at = &(*at)->next) {
        if ((*at)->how != AD_PINNED || s->number == 0)
            return take_at(p, at);
    }
    return NULL;
}

static void refuse_all(struct ad_pool *p, enum fault fault)
{
    struct waiting *list = p->first;

    p->first = NULL;
    p->last = &p->first;
    p->counts.waiting = 0;
    while (list) {
        struct waiting *next = list->next;
        finish(list, fault, NULL);
        list = next;
    }
}

/* --- the breaker --- */

static bool is_silence(enum fault f)
{
    return f == FAULT_DIRECTORY_SLOW || f == FAULT_DIRECTORY_NO_DC || f == FAULT_DIRECTORY_LDAP;
}

static void heard(struct ad_pool *p, enum fault fault, const char *detail)
{
    if (!is_silence(fault)) {
        p->in_a_row = 0;
        if (p->down == FAULT_NONE)
            return;
        p->down = FAULT_NONE;
        p->counts.down = false;
        p->counts.down_since = 0;
        p->s.changed(p->s.arg, FAULT_NONE, "");
        return;
    }
    p->in_a_row++;
    if (p->down != FAULT_NONE || p->in_a_row < DOWN_AFTER)
        return;
    p->down = fault;
    p->counts.down = true;
    p->counts.down_since = (int64_t)(clock_wall_us() / 1000000);
    p->next_probe_ms = loop_now_ms(p->s.loop) + PROBE_MS;
    p->s.changed(p->s.arg, fault, detail);
    refuse_all(p, fault);
}

/* --- children --- */

static void want_child(struct slot *s)
{
    struct ad_pool *p = s->pool;

    if (s->asked_for || s->fd >= 0 || loop_now_ms(p->s.loop) < s->not_before_ms)
        return;
    s->asked_for = ad_keeper_make(p->s.keeper, p->s.kind, s->number);
}

static void drop_child(struct slot *s)
{
    if (s->fd < 0)
        return;
    loop_fd_free(s->watch);
    close(s->fd);
    s->fd = -1;
    s->pool->counts.children--;
}

/* Nobody is told yet. */
static struct waiting *release(struct slot *s)
{
    struct waiting *w = s->question;

    s->question = NULL;
    s->busy = false;
    return w;
}

static void child_is_slow(struct slot *s)
{
    struct ad_pool *p = s->pool;
    struct waiting *w = release(s);

    p->counts.deadlines++;
    drop_child(s);
    s->asked_for = ad_keeper_make(p->s.keeper, p->s.kind, s->number); /* kills the old one first */
    heard(p, FAULT_DIRECTORY_SLOW, "no answer within ad_timeout");
    finish(w, FAULT_DIRECTORY_SLOW, NULL);
}

/* It crashed, or somebody killed it. */
static void child_ended(struct slot *s)
{
    struct ad_pool *p = s->pool;
    uint64_t now = loop_now_ms(p->s.loop);
    struct waiting *w = s->busy ? release(s) : NULL;

    drop_child(s);
    s->not_before_ms = now - s->made_ms < MADE_AGAIN_MS ? now + MADE_AGAIN_MS : now;
    if (w && w->how != AD_ONCE && !w->repeated && !w->probe) {
        w->repeated = true;
        push_front(p, w);
    } else if (w) {
        finish(w, FAULT_DIRECTORY_UNREACHABLE, NULL);
    }
    work(p);
}

static void measure(struct ad_pool *p, uint64_t took_us)
{
    uint64_t *mean = &p->counts.mean_us;

    *mean = *mean == 0 ? took_us : (*mean * 7 + took_us) / 8;
}

static void take_answer(struct slot *s, size_t len)
{
    struct ad_pool *p = s->pool;
    struct ad_answer *a = &p->answer;

    if (!s->busy || !ad_answer_read(str_of(p->in, len), a)) {
        secret_wipe(p->in, len);
        ad_keeper_kill(p->s.keeper, p->s.kind, s->number);
        child_ended(s);
        return;
    }
    struct waiting *w = release(s);
    p->counts.answered++;
    if (!w->probe)
        measure(p, now_us() - s->began_us);
    enum fault said = a->fault != FAULT_NONE ? a->fault : a->proof.fault;
    /* before anybody is told, so that what they ask now finds the child at work on the next */
    work(p);
    heard(p, said, a->detail);
    finish(w, a->fault, a);
    secret_wipe(&a->proof, sizeof(a->proof));
    secret_wipe(p->in, len);
}

static void slot_ready(void *arg, int events)
{
    struct slot *s = arg;
    ssize_t n = recv(s->fd, s->pool->in, AD_MESSAGE_MAX, MSG_DONTWAIT | MSG_TRUNC);

    (void)events;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0 || n > AD_MESSAGE_MAX)
        child_ended(s);
    else
        take_answer(s, (size_t)n);
}

void ad_pool_child(struct ad_pool *p, unsigned slot, int fd)
{
    struct slot *s = &p->slot[slot];

    s->asked_for = false;
    s->made_ms = loop_now_ms(p->s.loop);
    if (slot >= p->s.slots || fd < 0) {
        s->not_before_ms = s->made_ms + MADE_AGAIN_MS;
        if (fd >= 0)
            close(fd);
        return;
    }
    drop_child(s);
    s->fd = fd;
    s->watch = loop_fd_new(p->s.loop, fd, slot_ready, s);
    loop_fd_watch(s->watch, LOOP_READ);
    p->counts.children++;
    p->counts.made++;
    work(p);
}

/* --- handing out --- */

static void give(struct slot *s, struct waiting *w)
{
    struct ad_pool *p = s->pool;

    s->question = w;
    s->busy = true;
    s->began_us = now_us();
    s->kill_ms = loop_now_ms(p->s.loop) + p->s.deadline_ms;
    /* an idle child's socket is empty, so this fails only when the child has ended, which reading
     * will tell */
    (void)!send(s->fd, w->octets, w->len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void start_ticking(struct ad_pool *p)
{
    if (!p->ticking)
        loop_timer_set(p->tick, TICK_MS, TICK_MS);
    p->ticking = true;
}

static void work(struct ad_pool *p)
{
    for (unsigned i = 0; i < p->s.slots && !p->ending; i++) {
        struct slot *s = &p->slot[i];
        if (s->fd < 0) {
            want_child(s);
            start_ticking(p);
        } else if (!s->busy && p->first) {
            struct waiting *w = take_for(p, s);
            if (w)
                give(s, w);
        }
    }
}

static void probed(void *arg, enum fault fault, const struct ad_answer *a)
{
    (void)arg;
    (void)fault;
    (void)a; /* heard() looked at it */
}

static struct waiting *waiting_new(struct ad_pool *p, const struct ad_question *q,
                                   enum ad_pool_how how, ad_answered done, void *arg)
{
    buf_clear(&p->out);
    if (!ad_question_write(q, &p->out))
        return NULL;
    struct waiting *w = checked(calloc(1, sizeof(*w) + p->out.len));
    w->done = done;
    w->arg = arg;
    w->how = how;
    w->until_ms = loop_now_ms(p->s.loop) + p->s.deadline_ms;
    w->len = p->out.len;
    memcpy(w->octets, p->out.ptr, p->out.len);
    secret_wipe(p->out.ptr, p->out.len);
    return w;
}

static void probe(struct ad_pool *p)
{
    static const struct ad_question question = { .ask = AD_ASK_PROBE };
    uint64_t now = loop_now_ms(p->s.loop);

    if (p->down == FAULT_NONE || now < p->next_probe_ms)
        return;
    struct slot *idle = NULL;
    for (unsigned i = 0; i < p->s.slots; i++) {
        if (p->slot[i].busy && p->slot[i].question->probe)
            return;
        if (p->slot[i].fd >= 0 && !p->slot[i].busy)
            idle = &p->slot[i];
    }
    if (!idle)
        return;
    struct waiting *w = waiting_new(p, &question, AD_ONCE, probed, NULL);
    w->probe = true;
    p->next_probe_ms = now + PROBE_MS;
    give(idle, w);
}

static void drop_overdue(struct ad_pool *p, uint64_t now)
{
    struct waiting **at = &p->first;
    struct waiting *overdue = NULL, **end = &overdue;

    while (*at) {
        if ((*at)->until_ms > now) {
            at = &(*at)->next;
            continue;
        }
        *end = take_at(p, at);
        end = &(*end)->next;
    }
    *end = NULL;
    while (overdue) {
        struct waiting *next = overdue->next;
        finish(overdue, FAULT_DIRECTORY_BUSY, NULL);
        overdue = next;
    }
}

/* Whoever waited before is told in time; the child may go on for its own deadline. */
static void answer_in_time(struct slot *s, uint64_t now)
{
    struct waiting *w = s->question;

    if (!w->done || w->until_ms > now || s->kill_ms <= now)
        return;
    ad_answered done = w->done;
    w->done = NULL;
    done(w->arg, FAULT_DIRECTORY_SLOW, NULL);
}

static bool is_at_rest(const struct ad_pool *p)
{
    bool rest = !p->first && p->down == FAULT_NONE;

    for (unsigned i = 0; i < p->s.slots; i++)
        rest = rest && !p->slot[i].busy && p->slot[i].fd >= 0;
    return rest;
}

static void on_tick(void *arg)
{
    struct ad_pool *p = arg;
    uint64_t now = loop_now_ms(p->s.loop);

    for (unsigned i = 0; i < p->s.slots; i++) {
        struct slot *s = &p->slot[i];
        if (s->busy)
            answer_in_time(s, now);
        if (s->busy && s->kill_ms <= now)
            child_is_slow(s);
    }
    drop_overdue(p, now);
    probe(p);
    work(p);
    if (is_at_rest(p)) {
        loop_timer_stop(p->tick);
        p->ticking = false;
    }
}

/* Would the deadline pass in the queue? */
static bool is_busy(const struct ad_pool *p)
{
    uint64_t ahead_us = (p->counts.waiting + 1) * p->counts.mean_us / p->s.slots;

    return p->counts.waiting >= WAITING_MAX ||
           (p->counts.waiting > 0 && ahead_us / 1000 > p->s.deadline_ms);
}

void ad_pool_ask(struct ad_pool *p, const struct ad_question *q, enum ad_pool_how how,
                 ad_answered done, void *arg)
{
    if (p->down != FAULT_NONE) {
        done(arg, p->down, NULL);
        return;
    }
    if (is_busy(p)) {
        p->counts.refused_busy++;
        done(arg, FAULT_DIRECTORY_BUSY, NULL);
        return;
    }
    struct waiting *w = waiting_new(p, q, how, done, arg);
    if (!w) {
        done(arg, FAULT_DIRECTORY_FAILED, NULL);
        return;
    }
    push_back(p, w);
    start_ticking(p);
    work(p);
}

/* --- begin and end --- */

struct ad_pool *ad_pool_new(const struct ad_pool_settings *settings)
{
    struct ad_pool *p = checked(calloc(1, sizeof(*p)));

    assert(settings->slots > 0 && settings->slots <= AD_SLOTS_MAX);
    p->s = *settings;
    p->last = &p->first;
    p->in = checked(malloc(AD_MESSAGE_MAX));
    buf_reserve(&p->out, AD_MESSAGE_MAX);
    p->tick = loop_timer_new(p->s.loop, on_tick, p);
    for (unsigned i = 0; i < AD_SLOTS_MAX; i++)
        p->slot[i] = (struct slot){ .pool = p, .number = i, .fd = -1 };
    work(p);
    return p;
}

void ad_pool_free(struct ad_pool *p)
{
    p->ending = true;
    refuse_all(p, FAULT_DIRECTORY_UNREACHABLE);
    for (unsigned i = 0; i < p->s.slots; i++) {
        drop_child(&p->slot[i]);
        if (p->slot[i].busy)
            finish(release(&p->slot[i]), FAULT_DIRECTORY_UNREACHABLE, NULL);
    }
    loop_timer_free(p->tick);
    free(p->in);
    buf_fini(&p->out);
    free(p);
}

void ad_pool_counts(const struct ad_pool *p, struct ad_pool_counts *out)
{
    *out = p->counts;
}
