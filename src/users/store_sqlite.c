/* SPDX-License-Identifier: MIT */
/* The embedded directory.  A sign-in normally finds its user in the cache; whether somebody else
 * changed the file meanwhile is told by PRAGMA data_version. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/secret.h"
#include "users/cache.h"
#include "users/sqlite_db.h"
#include "users/store.h"

struct sqlite_store {
    struct store store;
    struct sqlite_db db;
    struct user_cache cache;
    char *domain;
    int64_t data_version;
    unsigned recheck_ms;
    uint64_t checked_ms;
};

static struct sqlite_store *of(struct store *s)
{
    return (struct sqlite_store *)s;
}

static void bind_text(sqlite3_stmt *q, int at, struct str text)
{
    sqlite3_bind_text(q, at, text.ptr, (int)text.len, SQLITE_STATIC);
}

static void bind_key(sqlite3_stmt *q, int at, const struct user_key *key)
{
    if (key->len)
        bind_text(q, at, user_key_str(key));
    else
        sqlite3_bind_null(q, at);
}

static sqlite3_stmt *ask(struct sqlite_store *s, enum sqlite_ask which, const struct user_key *key)
{
    sqlite3_stmt *q = s->db.ask[which];

    if (key)
        bind_key(q, 1, key);
    return q;
}

/* Which index was hit: "UNIQUE constraint failed: user.uri_key". */
static const char *taken(const char *message)
{
    if (strstr(message, "uri_key"))
        return "uri";
    return strstr(message, "upn_key") ? "upn" : "name";
}

/* After the last step: remembers what went wrong, and makes the statement ready again. */
static enum store_status answered(struct sqlite_store *s, sqlite3_stmt *q, int result)
{
    enum store_status status = STORE_OK;

    if (result == SQLITE_CONSTRAINT_UNIQUE) {
        snprintf(s->store.error, sizeof(s->store.error), "%s", taken(sqlite3_errmsg(s->db.handle)));
        status = STORE_EXISTS;
    } else if (result != SQLITE_DONE && result != SQLITE_ROW && result != SQLITE_OK) {
        snprintf(s->store.error, sizeof(s->store.error), "%s", sqlite3_errmsg(s->db.handle));
        status = STORE_FAILED;
    }
    sqlite3_reset(q);
    sqlite3_clear_bindings(q);
    return status;
}

static enum store_status failed(struct sqlite_store *s, const char *why)
{
    snprintf(s->store.error, sizeof(s->store.error), "%s", why);
    return STORE_FAILED;
}

/* One changing statement; the cache is told nothing and forgets all. */
static enum store_status change(struct sqlite_store *s, sqlite3_stmt *q)
{
    enum store_status status = answered(s, q, sqlite3_step(q));

    user_cache_clear(&s->cache);
    if (status == STORE_OK && sqlite3_changes(s->db.handle) == 0)
        return STORE_NONE;
    return status;
}

static void column_text(sqlite3_stmt *q, int column, char *field, size_t size)
{
    const void *text = sqlite3_column_text(q, column);

    if (!text ||
        !user_field_set(field, size, str_of(text, (size_t)sqlite3_column_bytes(q, column))))
        field[0] = '\0';
}

static void row_to_user(struct sqlite_store *s, sqlite3_stmt *q, struct user *u)
{
    column_text(q, COLUMN_NAME, u->name, sizeof(u->name));
    column_text(q, COLUMN_UPN, u->upn, sizeof(u->upn));
    column_text(q, COLUMN_URI, u->uri, sizeof(u->uri));
    column_text(q, COLUMN_DISPLAY, u->display, sizeof(u->display));
    user_field_set(u->domain, sizeof(u->domain), str_from_c(s->domain));
    u->flags = (unsigned)sqlite3_column_int(q, COLUMN_FLAGS);
    u->expires = sqlite3_column_int64(q, COLUMN_EXPIRES);
    u->lockout.bad_count = (unsigned)sqlite3_column_int(q, COLUMN_BAD_COUNT);
    u->lockout.bad_since = sqlite3_column_int64(q, COLUMN_BAD_SINCE);
    u->lockout.locked_until = sqlite3_column_int64(q, COLUMN_LOCKED_UNTIL);
    u->lockout.unlocks = (uint32_t)sqlite3_column_int64(q, COLUMN_UNLOCKS);
}

static struct cached_user *row_to_cached(struct sqlite_store *s, sqlite3_stmt *q)
{
    struct user u = { 0 };
    const void *blob = sqlite3_column_blob(q, COLUMN_HASH);
    int len = sqlite3_column_bytes(q, COLUMN_HASH);

    row_to_user(s, q, &u);
    return cached_user_new(&u, sqlite3_column_int64(q, COLUMN_ID),
                           blob ? str_of(blob, (size_t)len) : STR_NONE);
}

static enum store_status revalidate(struct sqlite_store *s)
{
    uint64_t now = s->recheck_ms ? clock_mono_ms() : 0;

    if (s->recheck_ms && now - s->checked_ms < s->recheck_ms)
        return STORE_OK;
    s->checked_ms = now;
    sqlite3_stmt *q = ask(s, ASK_VERSION, NULL);
    int result = sqlite3_step(q);
    int64_t version = result == SQLITE_ROW ? sqlite3_column_int64(q, 0) : 0;
    enum store_status status = answered(s, q, result);
    if (status == STORE_OK && version != s->data_version) {
        user_cache_clear(&s->cache);
        s->data_version = version;
    }
    return status;
}

static enum store_status cached(struct sqlite_store *s, const struct table *index,
                                enum sqlite_ask which, const struct user_key *key,
                                struct cached_user **out)
{
    enum store_status status = revalidate(s);

    if (status != STORE_OK)
        return status;
    *out = table_get(index, user_key_str(key));
    if (*out)
        return STORE_OK;

    sqlite3_stmt *q = ask(s, which, key);
    int result = sqlite3_step(q);
    if (result == SQLITE_ROW) {
        *out = row_to_cached(s, q);
        user_cache_add(&s->cache, *out);
    }
    status = answered(s, q, result);
    return status == STORE_OK && !*out ? STORE_NONE : status;
}

static enum store_status find(struct store *store, struct str domain, struct str name,
                              struct user *out, uint8_t nt_hash[16])
{
    struct sqlite_store *s = of(store);
    bool upn = domain.len == 0 && str_find_char(name, '@') != SIZE_MAX;
    struct user_key key;
    struct cached_user *u;

    if (domain.len && !user_name_same(domain, str_from_c(s->domain)))
        return STORE_NONE;
    if (!user_name_key(name, &key))
        return STORE_NONE;
    enum store_status status = cached(s, upn ? &s->cache.by_upn : &s->cache.by_name,
                                      upn ? ASK_BY_UPN : ASK_BY_NAME, &key, &u);
    if (status != STORE_OK)
        return status;
    cached_user_get(u, s->domain, out);
    if (!seal_unseal(&s->db.seal, u->id, u->name_key, str_of(u->sealed, u->sealed_len), nt_hash))
        return failed(s, "the stored password cannot be unsealed: give the user a new one");
    return STORE_OK;
}

static enum store_status find_uri(struct store *store, struct str uri, struct user *out)
{
    struct sqlite_store *s = of(store);
    struct user_key key;
    struct cached_user *u;

    if (!user_uri_key(uri, &key))
        return STORE_NONE;
    enum store_status status = cached(s, &s->cache.by_uri, ASK_BY_URI, &key, &u);
    if (status == STORE_OK)
        cached_user_get(u, s->domain, out);
    return status;
}

/* Parameters 1 to 9 of ASK_ADD and ASK_UPDATE; the keys live until the statement has run. */
struct written {
    struct user_key name, upn, uri;
};

static bool bind_user(sqlite3_stmt *q, const struct user *u, struct written *w)
{
    *w = (struct written){ 0 };
    bool good = user_name_key(str_from_c(u->name), &w->name) &&
                (!u->upn[0] || user_name_key(str_from_c(u->upn), &w->upn)) &&
                (!u->uri[0] || user_uri_key(str_from_c(u->uri), &w->uri));
    bind_key(q, 1, &w->name);
    bind_key(q, 3, &w->upn);
    bind_text(q, 4, str_from_c(u->upn));
    bind_key(q, 5, &w->uri);
    bind_text(q, 6, str_from_c(u->uri));
    bind_text(q, 7, str_from_c(u->display));
    sqlite3_bind_int64(q, 8, u->flags);
    sqlite3_bind_int64(q, 9, u->expires);
    return good;
}

static enum store_status hash_write(struct sqlite_store *s, int64_t id, struct str name_key,
                                    const uint8_t nt_hash[16])
{
    sqlite3_stmt *q = s->db.ask[ASK_SET_HASH];
    uint8_t sealed[SEALED_LEN];

    seal_hash(&s->db.seal, id, name_key, nt_hash, sealed);
    sqlite3_bind_int64(q, 1, id);
    sqlite3_bind_blob(q, 2, sealed, sizeof(sealed), SQLITE_STATIC);
    return change(s, q);
}

static enum store_status run(struct sqlite_store *s, const char *statement)
{
    if (sqlite3_exec(s->db.handle, statement, NULL, NULL, NULL) == SQLITE_OK)
        return STORE_OK;
    return failed(s, sqlite3_errmsg(s->db.handle));
}

/* The row first, because its id is authenticated with the hash. */
static enum store_status add_row(struct sqlite_store *s, const struct user *u,
                                 const uint8_t nt_hash[16])
{
    sqlite3_stmt *q = s->db.ask[ASK_ADD];
    struct written w;

    if (!bind_user(q, u, &w)) {
        answered(s, q, SQLITE_OK);
        return failed(s, "name, UPN or SIP address is not usable");
    }
    bind_text(q, 2, str_from_c(u->name));
    enum store_status status = change(s, q);
    if (status != STORE_OK)
        return status;
    return hash_write(s, sqlite3_last_insert_rowid(s->db.handle), user_key_str(&w.name), nt_hash);
}

static enum store_status add(struct store *store, const struct user *u, const uint8_t nt_hash[16])
{
    struct sqlite_store *s = of(store);
    enum store_status status = run(s, "SAVEPOINT addition");

    if (status != STORE_OK)
        return status;
    status = add_row(s, u, nt_hash);
    if (status == STORE_OK && u->lockout.bad_count + (uint64_t)u->lockout.locked_until) {
        struct user_lockout lockout = u->lockout;

        lockout.unlocks = 0;
        status = store->ops->set_lockout(store, str_from_c(u->name), &lockout);
    }
    if (status == STORE_OK)
        return run(s, "RELEASE addition");
    sqlite3_exec(s->db.handle, "ROLLBACK TO addition; RELEASE addition", NULL, NULL, NULL);
    return status;
}

static enum store_status update(struct store *store, const struct user *u)
{
    struct sqlite_store *s = of(store);
    sqlite3_stmt *q = s->db.ask[ASK_UPDATE];
    struct written w;

    if (bind_user(q, u, &w))
        return change(s, q);
    answered(s, q, SQLITE_OK);
    return failed(s, "name, UPN or SIP address is not usable");
}

static enum store_status set_password(struct store *store, struct str name,
                                      const uint8_t nt_hash[16])
{
    struct sqlite_store *s = of(store);
    struct user_key key;

    if (!user_name_key(name, &key))
        return STORE_NONE;
    sqlite3_stmt *q = ask(s, ASK_ID, &key);
    int result = sqlite3_step(q);
    int64_t id = result == SQLITE_ROW ? sqlite3_column_int64(q, 0) : 0;
    enum store_status status = answered(s, q, result);
    if (status == STORE_OK && id == 0)
        return STORE_NONE;
    return status == STORE_OK ? hash_write(s, id, user_key_str(&key), nt_hash) : status;
}

static enum store_status set_lockout(struct store *store, struct str name,
                                     const struct user_lockout *lockout)
{
    struct sqlite_store *s = of(store);
    struct user_key key;

    if (!user_name_key(name, &key))
        return STORE_NONE;
    sqlite3_stmt *q = ask(s, ASK_SET_LOCKOUT, &key);
    sqlite3_bind_int64(q, 2, lockout->bad_count);
    sqlite3_bind_int64(q, 3, lockout->bad_since);
    sqlite3_bind_int64(q, 4, lockout->locked_until);
    sqlite3_bind_int64(q, 5, lockout->unlocks);
    return change(s, q);
}

static enum store_status change_by_name(struct store *store, enum sqlite_ask which, struct str name)
{
    struct user_key key;

    if (!user_name_key(name, &key))
        return STORE_NONE;
    return change(of(store), ask(of(store), which, &key));
}

static enum store_status unlock(struct store *store, struct str name)
{
    return change_by_name(store, ASK_UNLOCK, name);
}

static enum store_status remove_user(struct store *store, struct str name)
{
    return change_by_name(store, ASK_REMOVE, name);
}

static enum store_status begin(struct store *store)
{
    return run(of(store), "BEGIN IMMEDIATE");
}

static enum store_status end(struct store *store, bool keep)
{
    user_cache_clear(&of(store)->cache);
    return run(of(store), keep ? "COMMIT" : "ROLLBACK");
}

static enum store_status list(struct store *store, bool (*each)(void *arg, const struct user *u),
                              void *arg)
{
    struct sqlite_store *s = of(store);
    sqlite3_stmt *q = s->db.ask[ASK_LIST];
    int result;

    while ((result = sqlite3_step(q)) == SQLITE_ROW) {
        struct user u = { 0 };

        row_to_user(s, q, &u);
        if (!each(arg, &u))
            break;
    }
    return answered(s, q, result);
}

static void free_store(struct store *store)
{
    struct sqlite_store *s = of(store);

    user_cache_clear(&s->cache);
    sqlite_db_close(&s->db);
    free(s->domain);
    free(s);
}

static const struct store_ops sqlite_ops = {
    .find = find,
    .find_uri = find_uri,
    .add = add,
    .update = update,
    .set_password = set_password,
    .set_lockout = set_lockout,
    .unlock = unlock,
    .remove = remove_user,
    .begin = begin,
    .end = end,
    .list = list,
    .free = free_store,
};

struct store *store_sqlite_open(const char *path, const char *key_file, const char *domain,
                                struct buf *why)
{
    struct sqlite_store *s = calloc(1, sizeof(*s));

    if (!s)
        abort();
    if (!sqlite_db_open(&s->db, path, key_file, why)) {
        free(s);
        return NULL;
    }
    s->store.ops = &sqlite_ops;
    s->domain = str_own(str_from_c(domain));
    return &s->store;
}

void store_sqlite_recheck(struct store *s, unsigned every_ms)
{
    of(s)->recheck_ms = every_ms;
}
