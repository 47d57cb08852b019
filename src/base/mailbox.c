/* SPDX-License-Identifier: MIT */
#include "base/mailbox.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

struct mailbox {
    _Atomic(struct mail *) newest;
    struct loop_wake *wake;
    void (*receive)(void *arg, struct mail *m);
    void *arg;
};

/* Takes everything there is and turns the stack round, so that each sender's messages come out
 * in the order of their posting. */
static struct mail *take_all(struct mailbox *box)
{
    struct mail *m = atomic_exchange_explicit(&box->newest, NULL, memory_order_acquire);
    struct mail *oldest = NULL;

    while (m) {
        struct mail *next = m->next;
        m->next = oldest;
        oldest = m;
        m = next;
    }
    return oldest;
}

static void deliver(void *arg)
{
    struct mailbox *box = arg;
    struct mail *m = take_all(box);

    while (m) {
        struct mail *next = m->next;
        m->next = NULL;
        box->receive(box->arg, m);
        m = next;
    }
}

struct mailbox *mailbox_new(struct loop *l, void (*receive)(void *arg, struct mail *m), void *arg)
{
    struct mailbox *box = calloc(1, sizeof(*box));

    if (!box)
        abort();
    box->receive = receive;
    box->arg = arg;
    box->wake = loop_wake_new(l, deliver, box);
    return box;
}

/* Only the message that finds the box empty has to wake the receiver: until it looks, it will
 * find the later ones as well. */
void mailbox_post(struct mailbox *box, struct mail *m)
{
    struct mail *head = atomic_load_explicit(&box->newest, memory_order_relaxed);

    do {
        m->next = head;
    } while (!atomic_compare_exchange_weak_explicit(&box->newest, &head, m, memory_order_release,
                                                    memory_order_relaxed));
    if (!head)
        loop_wake_send(box->wake);
}

void mailbox_free(struct mailbox *box)
{
    if (!box)
        return;
    while (atomic_load_explicit(&box->newest, memory_order_relaxed))
        deliver(box);
    loop_wake_free(box->wake);
    free(box);
}
