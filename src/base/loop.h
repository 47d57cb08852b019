/* SPDX-License-Identifier: MIT */
/* A thin face of libuv: descriptor readiness, timers, signals, a hook before the loop sleeps.
 * One loop per thread; nothing here may be called from another thread except loop_wake_send. */
#ifndef POSTERN_BASE_LOOP_H
#define POSTERN_BASE_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct loop_fd;
struct loop_timer;
struct loop_signal;
struct loop_wake;

enum { LOOP_READ = 1, LOOP_WRITE = 2 };

struct loop *loop_new(void);
/* After loop_run returned; frees the watches, timers and signals that are left. */
void loop_free(struct loop *l);
void loop_run(struct loop *l); /* until loop_stop */
void loop_stop(struct loop *l);
uint64_t loop_now_ms(const struct loop *l); /* monotonic, cached per turn */

/* Watches a descriptor (not owned), at first for nothing.  `ready` gets the LOOP_ bits that are
 * ready, level-triggered.  An error or hang-up counts as LOOP_READ, so that the next read tells
 * it; after an error the watch is off until loop_fd_watch is called again. */
struct loop_fd *loop_fd_new(struct loop *l, int fd, void (*ready)(void *arg, int events),
                            void *arg);
void loop_fd_watch(struct loop_fd *w, int events); /* 0 pauses; no system call when unchanged */
/* Also from inside `ready`; no call after this, and close(fd) right afterwards is safe. */
void loop_fd_free(struct loop_fd *w);

struct loop_timer *loop_timer_new(struct loop *l, void (*fire)(void *arg), void *arg);
void loop_timer_set(struct loop_timer *t, uint64_t after_ms, uint64_t repeat_ms);
void loop_timer_stop(struct loop_timer *t);
void loop_timer_free(struct loop_timer *t);

struct loop_signal *loop_signal_new(struct loop *l, int signum, void (*fire)(void *arg), void *arg);
void loop_signal_free(struct loop_signal *s);

/* A wake-up from any thread: several sends before the loop gets to it are one call of `fire`. */
struct loop_wake *loop_wake_new(struct loop *l, void (*fire)(void *arg), void *arg);
void loop_wake_send(struct loop_wake *w);
void loop_wake_free(struct loop_wake *w); /* nobody may send any more */

/* Called once per turn, after the descriptors were handled and before the loop may sleep:
 * the place to write what was collected during the turn.  Several may be set; they stay until
 * loop_free. */
void loop_on_turn_end(struct loop *l, void (*flush)(void *arg), void *arg);

#endif
