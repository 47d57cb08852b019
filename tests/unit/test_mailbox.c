/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/compiler.h"
#include "base/mailbox.h"

enum { SENDERS = 4, EACH = 5000 };

struct note {
    struct mail mail;
    int sender, number;
};

struct reader {
    struct loop *loop;
    int next[SENDERS];
    int got;
};

struct sender {
    struct mailbox *box;
    int id;
};

static struct note *note_new(int sender, int number)
{
    struct note *n = calloc(1, sizeof(*n));

    if (!n)
        abort();
    n->sender = sender;
    n->number = number;
    return n;
}

static void receive_note(void *arg, struct mail *m)
{
    struct reader *r = arg;
    struct note *n = (struct note *)m;

    assert_int_equal(n->number, r->next[n->sender]);
    r->next[n->sender]++;
    free(n);
    if (++r->got == SENDERS * EACH)
        loop_stop(r->loop);
}

static void *send_notes(void *arg)
{
    struct sender *s = arg;

    for (int i = 0; i < EACH; i++)
        mailbox_post(s->box, &note_new(s->id, i)->mail);
    return NULL;
}

static void messages_of_each_thread_arrive_in_order(void **state)
{
    (void)state;
    struct reader r = { .loop = loop_new() };
    struct mailbox *box = mailbox_new(r.loop, receive_note, &r);
    struct sender senders[SENDERS];
    pthread_t threads[SENDERS];

    for (int i = 0; i < SENDERS; i++) {
        senders[i] = (struct sender){ .box = box, .id = i };
        assert_int_equal(pthread_create(&threads[i], NULL, send_notes, &senders[i]), 0);
    }
    loop_run(r.loop);
    for (int i = 0; i < SENDERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(r.got, SENDERS * EACH);
    mailbox_free(box);
    loop_free(r.loop);
}

static void undelivered_messages_are_received_when_the_box_goes(void **state)
{
    (void)state;
    struct reader r = { .loop = loop_new() };
    struct mailbox *box = mailbox_new(r.loop, receive_note, &r);

    for (int i = 0; i < 3; i++)
        mailbox_post(box, &note_new(0, i)->mail);
    mailbox_free(box);
    assert_int_equal(r.got, 3);
    loop_free(r.loop);
}

struct watch {
    struct loop *loop;
    struct loop_fd *fd_watch, *other;
    int fds[2], other_fds[2];
    int calls, events, flushes;
};

static void open_pair(int fds[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
}

static void close_pair(int fds[2])
{
    close(fds[0]);
    close(fds[1]);
}

static void note_and_stop(void *arg, int events)
{
    struct watch *w = arg;

    w->calls++;
    w->events = events;
    loop_stop(w->loop);
}

static void a_descriptor_is_reported_as_it_is_watched(void **state)
{
    (void)state;
    struct watch w = { .loop = loop_new() };
    open_pair(w.fds);
    w.fd_watch = loop_fd_new(w.loop, w.fds[0], note_and_stop, &w);

    loop_fd_watch(w.fd_watch, LOOP_READ | LOOP_WRITE);
    loop_run(w.loop);
    assert_int_equal(w.events, LOOP_WRITE);

    loop_fd_watch(w.fd_watch, LOOP_READ);
    assert_int_equal(write(w.fds[1], "x", 1), 1);
    loop_run(w.loop);
    assert_int_equal(w.events, LOOP_READ);

    char c;
    assert_int_equal(read(w.fds[0], &c, 1), 1);
    close(w.fds[1]);
    loop_run(w.loop);
    assert_int_equal(w.events, LOOP_READ);

    loop_fd_free(w.fd_watch);
    close(w.fds[0]);
    loop_free(w.loop);
}

/* Whichever of two ready descriptors comes first takes both down and reuses their numbers. */
static void drop_both(void *arg, int events)
{
    struct watch *w = arg;

    (void)events;
    w->calls++;
    loop_fd_free(w->fd_watch);
    loop_fd_free(w->other);
    close_pair(w->fds);
    close_pair(w->other_fds);
    open_pair(w->fds);
    w->fd_watch = loop_fd_new(w->loop, w->fds[0], note_and_stop, w);
    loop_fd_watch(w->fd_watch, LOOP_WRITE);
}

static void a_watch_can_be_freed_inside_its_own_call(void **state)
{
    (void)state;
    struct watch w = { .loop = loop_new() };
    open_pair(w.fds);
    open_pair(w.other_fds);
    w.fd_watch = loop_fd_new(w.loop, w.fds[0], drop_both, &w);
    w.other = loop_fd_new(w.loop, w.other_fds[0], drop_both, &w);

    loop_fd_watch(w.fd_watch, LOOP_WRITE);
    loop_fd_watch(w.other, LOOP_WRITE);
    loop_run(w.loop);
    assert_int_equal(w.calls, 2);
    assert_int_equal(w.events, LOOP_WRITE);
    close_pair(w.fds);
    loop_free(w.loop);
}

static void must_not_run(void *arg, int events)
{
    (void)arg;
    (void)events;
    fail();
}

static void stop(void *arg)
{
    loop_stop(((struct watch *)arg)->loop);
}

static void a_paused_watch_is_silent(void **state)
{
    (void)state;
    struct watch w = { .loop = loop_new() };
    open_pair(w.fds);
    w.fd_watch = loop_fd_new(w.loop, w.fds[0], must_not_run, &w);
    struct loop_timer *t = loop_timer_new(w.loop, stop, &w);

    loop_fd_watch(w.fd_watch, LOOP_WRITE);
    loop_fd_watch(w.fd_watch, 0);
    loop_timer_set(t, 20, 0);
    loop_run(w.loop);
    loop_timer_free(t);
    loop_fd_free(w.fd_watch);
    close_pair(w.fds);
    loop_free(w.loop);
}

static void count_to_three(void *arg)
{
    struct watch *w = arg;

    if (++w->calls == 3)
        loop_stop(w->loop);
}

static void must_not_fire(void *arg)
{
    (void)arg;
    fail();
}

static void timers_repeat_and_stop(void **state)
{
    (void)state;
    struct watch w = { .loop = loop_new() };
    struct loop_timer *t = loop_timer_new(w.loop, count_to_three, &w);
    struct loop_timer *stopped = loop_timer_new(w.loop, must_not_fire, &w);
    uint64_t before = loop_now_ms(w.loop);

    loop_timer_set(stopped, 1, 0);
    loop_timer_stop(stopped);
    loop_timer_set(t, 1, 2);
    loop_run(w.loop);
    assert_int_equal(w.calls, 3);
    assert_true(loop_now_ms(w.loop) >= before);
    loop_free(w.loop);
}

static void signals_reach_the_loop(void **state)
{
    (void)state;
    struct watch w = { .loop = loop_new() };
    struct loop_signal *s = loop_signal_new(w.loop, SIGUSR1, stop, &w);

    kill(getpid(), SIGUSR1);
    loop_run(w.loop);
    loop_signal_free(s);
    loop_free(w.loop);
}

static void count_flush(void *arg)
{
    ((struct watch *)arg)->flushes++;
}

static void flush_must_have_run(void *arg, int events)
{
    struct watch *w = arg;

    (void)events;
    if (w->calls++ > 0) {
        assert_true(w->flushes >= w->calls - 1);
        loop_stop(w->loop);
    }
}

static void every_turn_ends_with_the_hooks_the_last_one_too(void **state)
{
    (void)state;
    struct watch w = { .loop = loop_new() };
    open_pair(w.fds);
    w.fd_watch = loop_fd_new(w.loop, w.fds[0], flush_must_have_run, &w);

    loop_on_turn_end(w.loop, count_flush, &w);
    loop_fd_watch(w.fd_watch, LOOP_WRITE);
    loop_run(w.loop);
    assert_int_equal(w.calls, 2);
    assert_true(w.flushes >= 3);
    close_pair(w.fds);
    loop_free(w.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_of_each_thread_arrive_in_order),
        cmocka_unit_test(undelivered_messages_are_received_when_the_box_goes),
        cmocka_unit_test(a_descriptor_is_reported_as_it_is_watched),
        cmocka_unit_test(a_watch_can_be_freed_inside_its_own_call),
        cmocka_unit_test(a_paused_watch_is_silent),
        cmocka_unit_test(timers_repeat_and_stop),
        cmocka_unit_test(signals_reach_the_loop),
        cmocka_unit_test(every_turn_ends_with_the_hooks_the_last_one_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
