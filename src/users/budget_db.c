/* SPDX-License-Identifier: MIT */
#include "users/budget_db.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/compiler.h"
#include "users/sqlite_db.h"

enum { SCHEMA_VERSION = 1, WAIT_FOR_OTHER_MS = 2000 };
enum { BUDGET_PUT, BUDGET_REMOVE, BUDGET_PURGE, BUDGET_ASKS };

struct budget_db {
    sqlite3 *handle;
    sqlite3_stmt *ask[BUDGET_ASKS];
};

static const char schema[] = "CREATE TABLE budget(key TEXT PRIMARY KEY, until INTEGER NOT NULL,"
                             " record BLOB NOT NULL) STRICT, WITHOUT ROWID;"
                             "PRAGMA user_version = 1;";

/* NORMAL: a commit is in the kernel's hands, which outlives this process, but not on the disk. */
static const char settings[] = "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
                               "PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF;";

static const char *const questions[BUDGET_ASKS] = {
    [BUDGET_PUT] = "INSERT OR REPLACE INTO budget(key, until, record) VALUES(?1, ?2, ?3)",
    [BUDGET_REMOVE] = "DELETE FROM budget WHERE key = ?1",
    [BUDGET_PURGE] = "DELETE FROM budget WHERE until <= ?1",
};

static bool run(struct budget_db *db, const char *statements)
{
    return sqlite3_exec(db->handle, statements, NULL, NULL, NULL) == SQLITE_OK;
}

static int see_version(void *arg, int columns, char **values, char **names)
{
    (void)columns;
    (void)names;
    *(int *)arg = values[0] ? atoi(values[0]) : -1;
    return 0;
}

static int see_health(void *arg, int columns, char **values, char **names)
{
    (void)columns;
    (void)names;
    *(bool *)arg = values[0] && sqlite3_stricmp(values[0], "ok") == 0;
    return 0;
}

static bool is_healthy(struct budget_db *db)
{
    bool good = false;

    return sqlite3_exec(db->handle, "PRAGMA quick_check(1)", see_health, &good, NULL) ==
               SQLITE_OK &&
           good;
}

static bool prepare(struct budget_db *db)
{
    int version = -1;

    sqlite3_busy_timeout(db->handle, WAIT_FOR_OTHER_MS);
    if (!run(db, settings) || !is_healthy(db) ||
        sqlite3_exec(db->handle, "PRAGMA user_version", see_version, &version, NULL) != SQLITE_OK)
        return false;
    if (version != SCHEMA_VERSION && (version != 0 || !run(db, schema)))
        return false;
    for (unsigned i = 0; i < BUDGET_ASKS; i++) {
        if (sqlite3_prepare_v3(db->handle, questions[i], -1, SQLITE_PREPARE_PERSISTENT, &db->ask[i],
                               NULL) != SQLITE_OK)
            return false;
    }
    return true;
}

/* Not so when it is the disk, or somebody else who still has the file. */
static bool is_damage(int code)
{
    static const int others[] = { SQLITE_BUSY, SQLITE_LOCKED,   SQLITE_CANTOPEN, SQLITE_IOERR,
                                  SQLITE_FULL, SQLITE_READONLY, SQLITE_PERM,     SQLITE_NOMEM };

    for (unsigned i = 0; i < ARRAY_LEN(others); i++) {
        if ((code & 0xFF) == others[i])
            return false;
    }
    return true;
}

static struct budget_db *open_file(const char *path, struct buf *why, bool *damaged)
{
    struct budget_db *db = calloc(1, sizeof(*db));

    if (!db)
        abort();
    if (sqlite3_open_v2(path, &db->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) ==
            SQLITE_OK &&
        prepare(db))
        return db;
    int code = db->handle ? sqlite3_errcode(db->handle) : SQLITE_NOMEM;
    *damaged = is_damage(code);
    buf_printf(why, "the budgets' file %s cannot be used (%s)", path,
               *damaged && code == SQLITE_OK ? "it is damaged" : sqlite3_errstr(code));
    budget_db_close(db);
    return NULL;
}

static bool put_aside(const char *path)
{
    struct buf name = { 0 };

    buf_printf(&name, "%s.damaged", path);
    bool good = rename(path, name.ptr) == 0;
    buf_clear(&name);
    buf_printf(&name, "%s-wal", path);
    unlink(name.ptr);
    buf_clear(&name);
    buf_printf(&name, "%s-shm", path);
    unlink(name.ptr);
    buf_fini(&name);
    return good;
}

struct budget_db *budget_db_open(const char *path, struct buf *why)
{
    if (!sqlite_file_prepare("the budgets' file", path, why))
        return NULL;
    bool damaged = false;
    struct budget_db *db = open_file(path, why, &damaged);
    if (db || !damaged || !put_aside(path))
        return db;
    buf_printf(why, ": it is now %s.damaged, and counting starts anew", path);
    struct buf again = { 0 };
    if (sqlite_file_prepare("the budgets' file", path, &again))
        db = open_file(path, &again, &damaged);
    buf_fini(&again);
    return db;
}

void budget_db_close(struct budget_db *db)
{
    for (unsigned i = 0; i < BUDGET_ASKS; i++)
        sqlite3_finalize(db->ask[i]);
    sqlite3_close(db->handle);
    free(db);
}

static struct str column(sqlite3_stmt *s, int at)
{
    const void *octets = sqlite3_column_blob(s, at);

    return octets ? str_of(octets, (size_t)sqlite3_column_bytes(s, at)) : STR_NONE;
}

bool budget_db_load(struct budget_db *db, int64_t now,
                    void (*each)(void *arg, struct str key, struct str record), void *arg)
{
    static const char question[] = "SELECT key, record FROM budget WHERE until > ?1 ORDER BY until";
    sqlite3_stmt *s;
    int result;

    if (sqlite3_prepare_v2(db->handle, question, -1, &s, NULL) != SQLITE_OK)
        return false;
    sqlite3_bind_int64(s, 1, now);
    while ((result = sqlite3_step(s)) == SQLITE_ROW)
        each(arg, column(s, 0), column(s, 1));
    sqlite3_finalize(s);
    return result == SQLITE_DONE;
}

bool budget_db_begin(struct budget_db *db)
{
    return run(db, "BEGIN IMMEDIATE");
}

bool budget_db_end(struct budget_db *db)
{
    if (run(db, "COMMIT"))
        return true;
    run(db, "ROLLBACK");
    return false;
}

static bool change(sqlite3_stmt *s)
{
    bool good = sqlite3_step(s) == SQLITE_DONE;

    sqlite3_reset(s);
    sqlite3_clear_bindings(s);
    return good;
}

bool budget_db_put(struct budget_db *db, struct str key, struct str record, int64_t until)
{
    sqlite3_stmt *s = db->ask[record.len ? BUDGET_PUT : BUDGET_REMOVE];

    sqlite3_bind_text(s, 1, key.ptr, (int)key.len, SQLITE_STATIC);
    if (record.len) {
        sqlite3_bind_int64(s, 2, until);
        sqlite3_bind_blob(s, 3, record.ptr, (int)record.len, SQLITE_STATIC);
    }
    return change(s);
}

bool budget_db_purge(struct budget_db *db, int64_t now)
{
    sqlite3_bind_int64(db->ask[BUDGET_PURGE], 1, now);
    return change(db->ask[BUDGET_PURGE]);
}
