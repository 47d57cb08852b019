/* SPDX-License-Identifier: MIT */
#include "authd/budget_writer.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mailbox.h"

enum { WAITING_MAX = 4096, PURGE_EVERY_S = 60 };
enum kind { WRITE_RECORD, WRITE_END };

struct order {
    struct mail mail;
    int64_t until;
    size_t key_len, record_len;
    char text[]; /* key, record */
};

struct budget_writer {
    struct budget_db *db;
    struct loop *loop;
    struct mailbox *box;
    pthread_t thread;
    bool open; /* a transaction; the thread's own, as the next is */
    int64_t purged;
    atomic_uint waiting;
    atomic_uint_least64_t failed;
};

static void check(struct budget_writer *w, bool good)
{
    if (!good)
        atomic_fetch_add(&w->failed, 1);
}

static void receive(void *arg, struct mail *m)
{
    struct budget_writer *w = arg;
    struct order *o = (struct order *)m;

    if (m->kind == WRITE_END) {
        loop_stop(w->loop);
    } else {
        if (!w->open)
            w->open = budget_db_begin(w->db);
        check(w, budget_db_put(w->db, str_of(o->text, o->key_len),
                               str_of(o->text + o->key_len, o->record_len), o->until));
        atomic_fetch_sub(&w->waiting, 1);
    }
    free(o);
}

static void commit(void *arg)
{
    struct budget_writer *w = arg;
    int64_t now;

    if (!w->open)
        return;
    now = (int64_t)(clock_wall_us() / 1000000);
    if (now - w->purged >= PURGE_EVERY_S || now < w->purged) {
        check(w, budget_db_purge(w->db, now));
        w->purged = now;
    }
    check(w, budget_db_end(w->db));
    w->open = false;
}

static void *run(void *arg)
{
    loop_run(((struct budget_writer *)arg)->loop);
    return NULL;
}

static struct order *order_new(enum kind kind, struct str key, struct str record)
{
    struct order *o = calloc(1, sizeof(*o) + key.len + record.len);

    if (!o)
        abort();
    o->mail.kind = (int)kind;
    o->key_len = key.len;
    o->record_len = record.len;
    memcpy(o->text, key.ptr, key.len);
    memcpy(o->text + key.len, record.ptr, record.len);
    return o;
}

static void writer_free(struct budget_writer *w)
{
    mailbox_free(w->box);
    commit(w);
    loop_free(w->loop);
    budget_db_close(w->db);
    free(w);
}

struct budget_writer *budget_writer_start(struct budget_db *own)
{
    struct budget_writer *w = calloc(1, sizeof(*w));

    if (!w)
        abort();
    w->db = own;
    w->loop = loop_new();
    w->box = mailbox_new(w->loop, receive, w);
    loop_on_turn_end(w->loop, commit, w);
    if (pthread_create(&w->thread, NULL, run, w) == 0)
        return w;
    writer_free(w);
    return NULL;
}

bool budget_writer_is_full(const struct budget_writer *w)
{
    return atomic_load(&w->waiting) >= WAITING_MAX;
}

void budget_writer_put(struct budget_writer *w, struct str key, struct str record, int64_t until)
{
    struct order *o = order_new(WRITE_RECORD, key, record);

    o->until = until;
    atomic_fetch_add(&w->waiting, 1);
    mailbox_post(w->box, &o->mail);
}

uint64_t budget_writer_failed(const struct budget_writer *w)
{
    return atomic_load(&w->failed);
}

void budget_writer_stop(struct budget_writer *w)
{
    mailbox_post(w->box, &order_new(WRITE_END, STR_NONE, STR_NONE)->mail);
    pthread_join(w->thread, NULL);
    writer_free(w);
}
