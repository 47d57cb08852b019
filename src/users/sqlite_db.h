/* SPDX-License-Identifier: MIT */
/* The file of the embedded directory: how it is opened, its schema, and every statement asked of
 * it, prepared once. */
#ifndef POSTERN_USERS_SQLITE_DB_H
#define POSTERN_USERS_SQLITE_DB_H

#include <sqlite3.h>

#include "base/buf.h"
#include "users/seal.h"

enum sqlite_ask {
    ASK_VERSION,
    ASK_BY_NAME,
    ASK_BY_UPN,
    ASK_BY_URI,
    ASK_LIST,
    ASK_ID,
    ASK_ADD,
    ASK_UPDATE,
    ASK_SET_HASH,
    ASK_SET_LOCKOUT,
    ASK_UNLOCK,
    ASK_REMOVE,
    ASK_COUNT,
};

/* Columns of ASK_BY_* and ASK_LIST. */
enum {
    COLUMN_ID,
    COLUMN_NAME,
    COLUMN_UPN,
    COLUMN_URI,
    COLUMN_DISPLAY,
    COLUMN_FLAGS,
    COLUMN_EXPIRES,
    COLUMN_BAD_COUNT,
    COLUMN_BAD_SINCE,
    COLUMN_LOCKED_UNTIL,
    COLUMN_UNLOCKS,
    COLUMN_HASH,
};

struct sqlite_db {
    sqlite3 *handle;
    sqlite3_stmt *ask[ASK_COUNT];
    struct seal seal;
};

/* Makes file (0600), schema and key file when they are not there.  False with a reason. */
bool sqlite_db_open(struct sqlite_db *db, const char *path, const char *key_file, struct buf *why);
void sqlite_db_close(struct sqlite_db *db);

/* A file for SQLite, made when it is not there, that only its owner can read.  `what` says in the
 * reason which it is. */
bool sqlite_file_prepare(const char *what, const char *path, struct buf *why);

#endif
