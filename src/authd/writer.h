/* SPDX-License-Identifier: MIT */
/* Writes lockouts to the directory behind authd's back, on a thread of its own: a write waits for
 * the disk, an answer does not. */
#ifndef POSTERN_AUTHD_WRITER_H
#define POSTERN_AUTHD_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "users/store.h"

struct writer;

struct writer *writer_start(struct store *own); /* takes the store over; NULL without a thread */
/* Queued, or dropped when too many wait: authd's own memory of it still holds. */
void writer_lockout(struct writer *w, const char *name, const struct user_lockout *lockout);
uint64_t writer_dropped(const struct writer *w);
uint64_t writer_failed(const struct writer *w);
/* Writes what is queued and ends the thread. */
void writer_stop(struct writer *w);

#endif
