/* SPDX-License-Identifier: MIT */
#include "authd/writer.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/mailbox.h"
#include "users/name.h"

enum { WAITING_MAX = 4096 };
enum kind { WRITE_LOCKOUT, WRITE_END };

struct order {
    struct mail mail;
    char name[USER_NAME_MAX + 1];
    struct user_lockout lockout;
};

struct writer {
    struct store *store;
    struct loop *loop;
    struct mailbox *box;
    pthread_t thread;
    atomic_uint waiting;
    atomic_uint_least64_t dropped, failed;
};

static void receive(void *arg, struct mail *m)
{
    struct writer *w = arg;
    struct order *o = (struct order *)m;

    if (m->kind == WRITE_END) {
        loop_stop(w->loop);
    } else {
        /* STORE_NONE: removed or unlocked meanwhile, which wins */
        if (w->store->ops->set_lockout(w->store, str_from_c(o->name), &o->lockout) == STORE_FAILED)
            atomic_fetch_add(&w->failed, 1);
        atomic_fetch_sub(&w->waiting, 1);
    }
    free(o);
}

static void *run(void *arg)
{
    loop_run(((struct writer *)arg)->loop);
    return NULL;
}

static struct order *order_new(enum kind kind)
{
    struct order *o = calloc(1, sizeof(*o));

    if (!o)
        abort();
    o->mail.kind = (int)kind;
    return o;
}

static void writer_free(struct writer *w)
{
    mailbox_free(w->box);
    loop_free(w->loop);
    w->store->ops->free(w->store);
    free(w);
}

struct writer *writer_start(struct store *own)
{
    struct writer *w = calloc(1, sizeof(*w));

    if (!w)
        abort();
    w->store = own;
    w->loop = loop_new();
    w->box = mailbox_new(w->loop, receive, w);
    if (pthread_create(&w->thread, NULL, run, w) == 0)
        return w;
    writer_free(w);
    return NULL;
}

void writer_lockout(struct writer *w, const char *name, const struct user_lockout *lockout)
{
    if (atomic_load(&w->waiting) >= WAITING_MAX) {
        atomic_fetch_add(&w->dropped, 1);
        return;
    }
    struct order *o = order_new(WRITE_LOCKOUT);
    if (!user_field_set(o->name, sizeof(o->name), str_from_c(name))) {
        free(o);
        return;
    }
    o->lockout = *lockout;
    atomic_fetch_add(&w->waiting, 1);
    mailbox_post(w->box, &o->mail);
}

uint64_t writer_dropped(const struct writer *w)
{
    return atomic_load(&w->dropped);
}

uint64_t writer_failed(const struct writer *w)
{
    return atomic_load(&w->failed);
}

void writer_stop(struct writer *w)
{
    mailbox_post(w->box, &order_new(WRITE_END)->mail);
    pthread_join(w->thread, NULL);
    writer_free(w);
}
