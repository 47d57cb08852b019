/* SPDX-License-Identifier: MIT */
/* The file that keeps failure budgets over a restart: a record per account, which this file does
 * not look into.  It holds no secrets, and losing it loses only counts; so a damaged one is put
 * aside, and what a power failure takes of the last second is not waited for.
 * A file is used by one process, and by one thread at a time. */
#ifndef POSTERN_USERS_BUDGET_DB_H
#define POSTERN_USERS_BUDGET_DB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

struct budget_db;

/* Makes the file (0600) when it is not there.  A damaged one is renamed to PATH.damaged, told in
 * `why`, and an empty one takes its place.  NULL with a reason when there can be none. */
struct budget_db *budget_db_open(const char *path, struct buf *why);
void budget_db_close(struct budget_db *db);

/* Calls `each` for every record that still matters, those soonest forgotten first. */
bool budget_db_load(struct budget_db *db, int64_t now,
                    void (*each)(void *arg, struct str key, struct str record), void *arg);

/* Changes between begin and end are written together.  False when something was not kept. */
bool budget_db_begin(struct budget_db *db);
bool budget_db_end(struct budget_db *db);
/* An empty record removes the key; `until` is when the record stops to matter. */
bool budget_db_put(struct budget_db *db, struct str key, struct str record, int64_t until);
bool budget_db_purge(struct budget_db *db, int64_t now);

#endif
