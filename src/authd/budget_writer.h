/* SPDX-License-Identifier: MIT */
/* Writes failure budgets to their file behind authd's back, on a thread of its own: what waits is
 * written together, in one transaction. */
#ifndef POSTERN_AUTHD_BUDGET_WRITER_H
#define POSTERN_AUTHD_BUDGET_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "users/budget_db.h"

struct budget_writer;

struct budget_writer *budget_writer_start(struct budget_db *own); /* NULL without a thread */
/* Too much waits: keep changes back, they can be told later. */
bool budget_writer_is_full(const struct budget_writer *w);
void budget_writer_put(struct budget_writer *w, struct str key, struct str record, int64_t until);
uint64_t budget_writer_failed(const struct budget_writer *w);
/* Writes what is queued and ends the thread. */
void budget_writer_stop(struct budget_writer *w);

#endif
