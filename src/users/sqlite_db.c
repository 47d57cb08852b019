/* SPDX-License-Identifier: MIT */
#include "users/sqlite_db.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/secret.h"

enum { SCHEMA_VERSION = 1, WAIT_FOR_WRITER_MS = 5000 };

/* The keys hold what is compared: upper-cased names, lower-cased addresses (users/name.h).  An
 * empty UPN or address is NULL there, so that many accounts may have none. */
static const char schema[] =
    "CREATE TABLE user("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " name TEXT NOT NULL, name_key TEXT NOT NULL UNIQUE,"
    " upn TEXT NOT NULL, upn_key TEXT UNIQUE,"
    " uri TEXT NOT NULL, uri_key TEXT UNIQUE,"
    " display TEXT NOT NULL, flags INTEGER NOT NULL, expires INTEGER NOT NULL,"
    " bad_count INTEGER NOT NULL DEFAULT 0, bad_since INTEGER NOT NULL DEFAULT 0,"
    " locked_until INTEGER NOT NULL DEFAULT 0, unlocks INTEGER NOT NULL DEFAULT 0,"
    " nt_hash BLOB) STRICT;"
    "CREATE TABLE seal(id INTEGER PRIMARY KEY, sample BLOB NOT NULL) STRICT;"
    "PRAGMA user_version = 1;";

#define COLUMNS                                                                                    \
    "id, name, upn, uri, display, flags, expires, bad_count, bad_since, locked_until, unlocks, "   \
    "nt_hash"

static const char *const questions[ASK_COUNT] = {
    [ASK_VERSION] = "PRAGMA data_version",
    [ASK_BY_NAME] = "SELECT " COLUMNS " FROM user WHERE name_key = ?1",
    [ASK_BY_UPN] = "SELECT " COLUMNS " FROM user WHERE upn_key = ?1",
    [ASK_BY_URI] = "SELECT " COLUMNS " FROM user WHERE uri_key = ?1",
    [ASK_LIST] = "SELECT " COLUMNS " FROM user ORDER BY name_key",
    [ASK_ID] = "SELECT id FROM user WHERE name_key = ?1",
    [ASK_ADD] = "INSERT INTO user(name_key, name, upn_key, upn, uri_key, uri, display, flags,"
                " expires) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    [ASK_UPDATE] = "UPDATE user SET upn_key = ?3, upn = ?4, uri_key = ?5, uri = ?6, display = ?7,"
                   " flags = ?8, expires = ?9 WHERE name_key = ?1",
    [ASK_SET_HASH] = "UPDATE user SET nt_hash = ?2 WHERE id = ?1",
    [ASK_SET_LOCKOUT] = "UPDATE user SET bad_count = ?2, bad_since = ?3, locked_until = ?4"
                        " WHERE name_key = ?1 AND unlocks = ?5",
    [ASK_UNLOCK] = "UPDATE user SET bad_count = 0, bad_since = 0, locked_until = 0,"
                   " unlocks = unlocks + 1, flags = flags & ~16 WHERE name_key = ?1",
    [ASK_REMOVE] = "DELETE FROM user WHERE name_key = ?1",
};

static bool refused(struct sqlite_db *db, const char *path, struct buf *why)
{
    buf_printf(why, "the user database %s cannot be used (%s)", path,
               db->handle ? sqlite3_errmsg(db->handle) : "out of memory");
    return false;
}

/* SQLite would make the file readable by all that umask lets in.  One that exists is not opened
 * here: closing a descriptor of it would end the locks (fcntl) that another connection of this
 * process holds, and the next process that leaves the database would remove the log that this one
 * goes on reading. */
static bool make_private(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        return errno == EEXIST;
    private_file_give(fd, path);
    close(fd);
    return true;
}

bool sqlite_file_prepare(const char *what, const char *path, struct buf *why)
{
    struct stat st;

    if (!make_private(path) || lstat(path, &st) != 0 ||
        (S_ISREG(st.st_mode) && access(path, R_OK | W_OK) != 0)) {
        buf_printf(why,
                   "%s %s cannot be opened (%s): run this as root or as the owner of the state "
                   "directory",
                   what, path, strerror(errno));
        return false;
    }
    bool good = S_ISREG(st.st_mode);
    if (good && (st.st_mode & 077))
        good = chmod(path, 0600) == 0;
    if (!good)
        buf_printf(why, "%s %s must be a plain file of mode 0600", what, path);
    return good;
}

static bool number(struct sqlite_db *db, const char *question, int64_t *out)
{
    sqlite3_stmt *s;
    bool good = false;

    if (sqlite3_prepare_v2(db->handle, question, -1, &s, NULL) != SQLITE_OK)
        return false;
    if (sqlite3_step(s) == SQLITE_ROW) {
        *out = sqlite3_column_int64(s, 0);
        good = true;
    }
    sqlite3_finalize(s);
    return good;
}

static bool run(struct sqlite_db *db, const char *statements)
{
    return sqlite3_exec(db->handle, statements, NULL, NULL, NULL) == SQLITE_OK;
}

static bool sample_write(struct sqlite_db *db)
{
    static const uint8_t zero[16];
    uint8_t sealed[SEALED_LEN];
    sqlite3_stmt *s;

    if (sqlite3_prepare_v2(db->handle, "INSERT INTO seal(id, sample) VALUES(1, ?1)", -1, &s,
                           NULL) != SQLITE_OK)
        return false;
    seal_hash(&db->seal, 0, STR("sample"), zero, sealed);
    sqlite3_bind_blob(s, 1, sealed, sizeof(sealed), SQLITE_STATIC);
    bool good = sqlite3_step(s) == SQLITE_DONE;
    sqlite3_finalize(s);
    return good;
}

/* Whether the key file is the one the passwords were sealed with, told before somebody's sign-in
 * depends on it. */
static bool sample_matches(struct sqlite_db *db)
{
    uint8_t hash[16];
    sqlite3_stmt *s;
    bool good = false;

    if (sqlite3_prepare_v2(db->handle, "SELECT sample FROM seal WHERE id = 1", -1, &s, NULL) !=
        SQLITE_OK)
        return false;
    if (sqlite3_step(s) == SQLITE_ROW) {
        const void *blob = sqlite3_column_blob(s, 0);
        struct str sealed = str_of(blob, (size_t)sqlite3_column_bytes(s, 0));

        good = seal_unseal(&db->seal, 0, STR("sample"), sealed, hash);
    }
    sqlite3_finalize(s);
    return good;
}

/* Under the writer's lock, so that two processes that start together make one schema. */
static bool schema_prepare(struct sqlite_db *db, const char *path, const char *key_file,
                           struct buf *why)
{
    int64_t version;

    if (!run(db, "BEGIN IMMEDIATE") || !number(db, "PRAGMA user_version", &version))
        return refused(db, path, why);
    if (version > SCHEMA_VERSION) {
        buf_printf(why, "the user database %s was made by a newer postern: update this one", path);
        return false;
    }
    if (!seal_open(&db->seal, key_file, version == 0, why))
        return false;
    if (version == 0 && (!run(db, schema) || !sample_write(db)))
        return refused(db, path, why);
    if (!sample_matches(db)) {
        buf_printf(why,
                   "the key file %s does not belong to the user database %s: restore the one "
                   "it was made with",
                   key_file, path);
        return false;
    }
    return run(db, "COMMIT") || refused(db, path, why);
}

static bool prepare(struct sqlite_db *db, const char *path, struct buf *why)
{
    for (unsigned i = 0; i < ASK_COUNT; i++) {
        if (sqlite3_prepare_v3(db->handle, questions[i], -1, SQLITE_PREPARE_PERSISTENT, &db->ask[i],
                               NULL) != SQLITE_OK)
            return refused(db, path, why);
    }
    return true;
}

/* WAL: readers never wait for the writer, nor it for them. */
static bool settings(struct sqlite_db *db)
{
    sqlite3_extended_result_codes(db->handle, 1);
    sqlite3_busy_timeout(db->handle, WAIT_FOR_WRITER_MS);
    return run(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                   "PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY;"
                   "PRAGMA trusted_schema = OFF;");
}

bool sqlite_db_open(struct sqlite_db *db, const char *path, const char *key_file, struct buf *why)
{
    *db = (struct sqlite_db){ 0 };
    if (!sqlite_file_prepare("the user database", path, why))
        return false;
    if (sqlite3_open_v2(path, &db->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
            SQLITE_OK ||
        !settings(db)) {
        refused(db, path, why);
        sqlite_db_close(db);
        return false;
    }
    if (!schema_prepare(db, path, key_file, why) || !prepare(db, path, why)) {
        sqlite_db_close(db);
        return false;
    }
    return true;
}

void sqlite_db_close(struct sqlite_db *db)
{
    for (unsigned i = 0; i < ASK_COUNT; i++)
        sqlite3_finalize(db->ask[i]);
    sqlite3_close(db->handle);
    seal_fini(&db->seal);
    *db = (struct sqlite_db){ 0 };
}
