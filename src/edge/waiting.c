/* SPDX-License-Identifier: MIT */
#include "edge/waiting.h"

#include <assert.h>
#include <stdlib.h>

#include "edge/outside.h"
#include "edge/report.h"

enum { TOGETHER_MS = 5 };

static void enlist(struct outside *o)
{
    struct edge_worker *w = o->w;

    o->prev_waiting = w->last_waiting;
    o->next_waiting = NULL;
    *(w->last_waiting ? &w->last_waiting->next_waiting : &w->waiting) = o;
    w->last_waiting = o;
}

static void delist(struct outside *o)
{
    struct edge_worker *w = o->w;

    *(o->prev_waiting ? &o->prev_waiting->next_waiting : &w->waiting) = o->next_waiting;
    *(o->next_waiting ? &o->next_waiting->prev_waiting : &w->last_waiting) = o->prev_waiting;
    o->next_waiting = o->prev_waiting = NULL;
}

/* Rings a little late rather than often: those of the same few milliseconds go together. */
static void set_clock(struct edge_worker *w, uint64_t until_ms)
{
    uint64_t now_ms = loop_now_ms(w->loop), at = (until_ms + TOGETHER_MS - 1) / TOGETHER_MS;

    at *= TOGETHER_MS;
    if (w->clock_ms && w->clock_ms <= at)
        return;
    w->clock_ms = at;
    loop_timer_set(w->clock, at > now_ms ? at - now_ms : 0, 0);
}

void wait_begin(struct outside *o, enum wait wait, uint64_t until_ms, struct str message)
{
    if (o->wait == WAIT_NONE)
        enlist(o);
    conn_pause(o->conn);
    o->wait = wait;
    o->until_ms = until_ms;
    set_clock(o->w, until_ms);
    free(o->kept);
    o->kept = NULL;
    o->kept_len = message.len;
    if (message.len > 0) {
        o->kept = malloc(message.len);
        assert(o->kept);
        memcpy(o->kept, message.ptr, message.len);
    }
}

void wait_end(struct outside *o)
{
    if (o->wait == WAIT_NONE)
        return;
    delist(o);
    o->wait = WAIT_NONE;
    free(o->kept);
    o->kept = NULL;
    o->kept_len = 0;
    conn_resume(o->conn);
}

static void send_kept(struct outside *o)
{
    struct str message = str_of(o->kept, o->kept_len);

    report_message(o->conn, true, message);
    conn_send(o->conn, message);
    wait_end(o);
}

static void on_time(struct outside *o)
{
    if (o->wait == WAIT_TO_CLIENT)
        send_kept(o);
    else if (o->wait == WAIT_TO_FRONT)
        outside_take_up(o);
    else
        wait_end(o);
}

void wait_due(void *arg)
{
    struct edge_worker *w = arg;
    uint64_t now_ms = loop_now_ms(w->loop);
    struct outside *next;

    w->clock_ms = 0;
    for (struct outside *o = w->waiting; o; o = next) {
        next = o->next_waiting;
        if (o->until_ms <= now_ms)
            on_time(o);
    }
    for (struct outside *o = w->waiting; o; o = o->next_waiting)
        set_clock(w, o->until_ms);
}

uint64_t wait_clock(const struct edge_worker *w, uint64_t received_ms, uint64_t now_ms)
{
    uint64_t step = w->edge->conf->edge.failure_clock_ms;

    return received_ms + ((now_ms - received_ms) / step + 1) * step;
}
