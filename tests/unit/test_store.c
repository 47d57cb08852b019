/* SPDX-License-Identifier: MIT */
/* Each behaviour is asked of both stores. */
#include "users/store.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[40], db_path[64], key_path[64];
static struct store *store;

static const uint8_t hash[16] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };
static const uint8_t other_hash[16] = { 0xFF, 0xFE };

static struct store *open_sqlite(void)
{
    struct buf why = { 0 };
    struct store *s = store_sqlite_open(db_path, key_path, "EXAMPLE", &why);

    if (!s)
        print_message("%.*s\n", STR_ARG(buf_str(&why)));
    buf_fini(&why);
    return s;
}

static int setup(void **state)
{
    const char *kind = *state;

    snprintf(dir, sizeof(dir), "/tmp/postern-store-XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(db_path, sizeof(db_path), "%s/users.db", dir);
    snprintf(key_path, sizeof(key_path), "%s/users.key", dir);
    store = strcmp(kind, "memory") == 0 ? store_memory_new("EXAMPLE") : open_sqlite();
    return store ? 0 : -1;
}

static int teardown(void **state)
{
    static const char *const suffixes[] = { "", "-wal", "-shm" };
    char path[96];

    (void)state;
    if (store)
        store->ops->free(store);
    for (unsigned i = 0; i < 3; i++) {
        snprintf(path, sizeof(path), "%s%s", db_path, suffixes[i]);
        unlink(path);
    }
    unlink(key_path);
    return rmdir(dir);
}

static struct user make(const char *name, const char *uri, const char *upn)
{
    struct user u = { .flags = USER_SIP_ENABLED | USER_REMOTE_ACCESS, .expires = 1893456000 };

    snprintf(u.name, sizeof(u.name), "%s", name);
    snprintf(u.uri, sizeof(u.uri), "%s", uri);
    snprintf(u.upn, sizeof(u.upn), "%s", upn);
    snprintf(u.display, sizeof(u.display), "The user %s", name);
    return u;
}

static enum store_status add(const char *name, const char *uri, const char *upn)
{
    struct user u = make(name, uri, upn);

    return store->ops->add(store, &u, hash);
}

static enum store_status find(const char *domain, const char *name)
{
    struct user u;
    uint8_t found[16];
    enum store_status status =
        store->ops->find(store, str_from_c(domain), str_from_c(name), &u, found);

    if (status == STORE_OK)
        assert_memory_equal(found, hash, 16);
    return status;
}

static void a_user_is_found_with_all_that_was_stored(void **state)
{
    (void)state;
    struct user u, wanted = make("ada", "sip:ada@example.com", "ada@corp.example.com");
    uint8_t found[16];

    assert_int_equal(store->ops->add(store, &wanted, hash), STORE_OK);
    assert_int_equal(store->ops->find(store, STR("EXAMPLE"), STR("ada"), &u, found), STORE_OK);
    assert_string_equal(u.name, "ada");
    assert_string_equal(u.domain, "EXAMPLE");
    assert_string_equal(u.uri, wanted.uri);
    assert_string_equal(u.upn, wanted.upn);
    assert_string_equal(u.display, wanted.display);
    assert_true(u.flags == wanted.flags && u.expires == wanted.expires);
    assert_memory_equal(found, hash, 16);
}

static void names_are_found_in_any_case_and_with_or_without_the_domain(void **state)
{
    (void)state;
    assert_int_equal(add("J\xC3\xB6rg", "sip:joerg@example.com", "jb@corp.example.com"), STORE_OK);
    for (int again = 0; again < 2; again++) {
        assert_int_equal(find("", "j\xC3\x96RG"), STORE_OK);
        assert_int_equal(find("example", "J\xC3\xB6rg"), STORE_OK);
        assert_int_equal(find("", "JB@Corp.example.com"), STORE_OK);
        assert_int_equal(find("OTHER", "J\xC3\xB6rg"), STORE_NONE);
        assert_int_equal(find("", "jorg"), STORE_NONE);
        assert_int_equal(find("", "joerg@example.com"), STORE_NONE);
        assert_int_equal(find("", ""), STORE_NONE);
        assert_int_equal(find("", "\xFF\xFE"), STORE_NONE);
    }
}

static void a_user_is_found_by_the_sip_address_in_any_case(void **state)
{
    (void)state;
    struct user u;

    assert_int_equal(add("ada", "sip:Ada.L@example.com", ""), STORE_OK);
    for (int again = 0; again < 2; again++) {
        assert_int_equal(store->ops->find_uri(store, STR("SIP:ada.l@EXAMPLE.com;gruu"), &u),
                         STORE_OK);
        assert_string_equal(u.uri, "sip:Ada.L@example.com");
    }
    assert_int_equal(store->ops->find_uri(store, STR("sip:bob@example.com"), &u), STORE_NONE);
    assert_int_equal(store->ops->find_uri(store, STR(""), &u), STORE_NONE);
}

static void name_address_and_upn_belong_to_one_user_only(void **state)
{
    (void)state;
    assert_int_equal(add("ada", "sip:ada@example.com", "ada@x"), STORE_OK);
    assert_int_equal(add("ADA", "sip:ada2@example.com", ""), STORE_EXISTS);
    assert_string_equal(store->error, "name");
    assert_int_equal(add("bob", "sip:ADA@example.com", ""), STORE_EXISTS);
    assert_string_equal(store->error, "uri");
    assert_int_equal(add("bob", "sip:bob@example.com", "ADA@X"), STORE_EXISTS);
    assert_string_equal(store->error, "upn");
    assert_int_equal(find("", "bob"), STORE_NONE);
    /* but many may have none */
    assert_int_equal(add("service1", "", ""), STORE_OK);
    assert_int_equal(add("service2", "", ""), STORE_OK);

    struct user u = make("service1", "sip:ada@example.com", "");
    assert_int_equal(store->ops->update(store, &u), STORE_EXISTS);
}

static void an_update_changes_attributes_but_neither_password_nor_lockout(void **state)
{
    (void)state;
    struct user u = make("ada", "sip:ada@example.com", "");
    struct user_lockout lockout = { .bad_count = 3, .bad_since = 1000, .locked_until = 2000 };
    uint8_t found[16];

    assert_int_equal(store->ops->update(store, &u), STORE_NONE);
    assert_int_equal(store->ops->add(store, &u, hash), STORE_OK);
    assert_int_equal(store->ops->set_lockout(store, STR("ada"), &lockout), STORE_OK);
    u = make("ADA", "sip:ada.l@example.com", "al@x");
    u.flags = USER_DISABLED;
    assert_int_equal(store->ops->update(store, &u), STORE_OK);
    assert_int_equal(store->ops->find(store, STR_NONE, STR("ada"), &u, found), STORE_OK);
    assert_string_equal(u.name, "ada");
    assert_string_equal(u.uri, "sip:ada.l@example.com");
    assert_int_equal(u.flags, USER_DISABLED);
    assert_memory_equal(found, hash, 16);
    assert_true(u.lockout.bad_count == 3 && u.lockout.locked_until == 2000);
    assert_int_equal(store->ops->find_uri(store, STR("sip:ada@example.com"), &u), STORE_NONE);
}

static void a_new_password_replaces_the_old_one(void **state)
{
    (void)state;
    struct user u;
    uint8_t found[16];

    assert_int_equal(store->ops->set_password(store, STR("ada"), hash), STORE_NONE);
    assert_int_equal(add("ada", "", ""), STORE_OK);
    assert_int_equal(find("", "ada"), STORE_OK);
    assert_int_equal(store->ops->set_password(store, STR("Ada"), other_hash), STORE_OK);
    assert_int_equal(store->ops->find(store, STR_NONE, STR("ada"), &u, found), STORE_OK);
    assert_memory_equal(found, other_hash, 16);
}

static void an_unlock_wins_over_a_lockout_written_late(void **state)
{
    (void)state;
    struct user u;
    uint8_t found[16];
    struct user_lockout lockout = { .bad_count = 5, .bad_since = 1, .locked_until = 9000 };

    assert_int_equal(add("ada", "", ""), STORE_OK);
    assert_int_equal(store->ops->set_lockout(store, STR("ada"), &lockout), STORE_OK);
    store->ops->find(store, STR_NONE, STR("ada"), &u, found);
    assert_true(user_is_locked(&u, 8999) && !user_is_locked(&u, 9000));

    assert_int_equal(store->ops->unlock(store, STR("ada")), STORE_OK);
    assert_int_equal(store->ops->set_lockout(store, STR("ada"), &lockout), STORE_NONE);
    store->ops->find(store, STR_NONE, STR("ada"), &u, found);
    assert_false(user_is_locked(&u, 0));
    assert_int_equal(u.lockout.unlocks, 1);
    assert_int_equal(store->ops->unlock(store, STR("nobody")), STORE_NONE);
}

static void a_removed_user_is_gone(void **state)
{
    (void)state;
    assert_int_equal(add("ada", "sip:ada@example.com", ""), STORE_OK);
    assert_int_equal(find("", "ada"), STORE_OK);
    assert_int_equal(store->ops->remove(store, STR("ADA")), STORE_OK);
    assert_int_equal(find("", "ada"), STORE_NONE);
    assert_int_equal(store->ops->remove(store, STR("ada")), STORE_NONE);
    assert_int_equal(add("ada", "sip:ada@example.com", ""), STORE_OK);
}

struct listed {
    char names[64];
    unsigned max;
};

static bool note(void *arg, const struct user *u)
{
    struct listed *l = arg;

    size_t len = strlen(l->names);

    snprintf(l->names + len, sizeof(l->names) - len, "%s ", u->name);
    return --l->max > 0;
}

static void a_list_is_in_order_of_name_and_can_be_ended(void **state)
{
    (void)state;
    struct listed all = { .max = 99 }, two = { .max = 2 };

    add("carol", "", "");
    add("Bob", "", "");
    add("ada", "", "");
    assert_int_equal(store->ops->list(store, note, &all), STORE_OK);
    assert_string_equal(all.names, "ada Bob carol ");
    assert_int_equal(store->ops->list(store, note, &two), STORE_OK);
    assert_string_equal(two.names, "ada Bob ");
}

static void changes_between_begin_and_end_are_kept_or_forgotten_together(void **state)
{
    (void)state;
    add("ada", "", "");
    assert_int_equal(store->ops->begin(store), STORE_OK);
    add("bob", "", "");
    store->ops->remove(store, STR("ada"));
    assert_int_equal(add("bob", "", ""), STORE_EXISTS);
    assert_int_equal(store->ops->end(store, false), STORE_OK);
    assert_int_equal(find("", "ada"), STORE_OK);
    assert_int_equal(find("", "bob"), STORE_NONE);

    assert_int_equal(store->ops->begin(store), STORE_OK);
    add("bob", "", "");
    assert_int_equal(store->ops->end(store, true), STORE_OK);
    assert_int_equal(find("", "bob"), STORE_OK);
}

static void more_users_than_the_cache_holds_are_all_found(void **state)
{
    (void)state;
    char name[16];

    store->ops->begin(store);
    for (int i = 0; i < 2500; i++) {
        snprintf(name, sizeof(name), "u%d", i);
        assert_int_equal(add(name, "", ""), STORE_OK);
    }
    store->ops->end(store, true);
    for (int i = 0; i < 5000; i++) {
        snprintf(name, sizeof(name), "U%d", i % 2500);
        assert_int_equal(find("", name), STORE_OK);
    }
}

/* --- of the file only --- */

static void users_and_passwords_survive_a_restart(void **state)
{
    (void)state;
    add("ada", "sip:ada@example.com", "");
    store->ops->free(store);
    store = open_sqlite();
    assert_non_null(store);
    assert_int_equal(find("", "ada"), STORE_OK);
}

static void what_another_process_changes_is_noticed(void **state)
{
    (void)state;
    struct store *mine = store, *theirs = open_sqlite();
    struct user u = make("ada", "sip:ada@example.com", "");

    assert_non_null(theirs);
    add("ada", "", "");
    store = theirs;
    assert_int_equal(find("", "ada"), STORE_OK);
    store = mine;
    assert_int_equal(store->ops->update(store, &u), STORE_OK);
    assert_int_equal(theirs->ops->find_uri(theirs, STR("sip:ada@example.com"), &u), STORE_OK);
    mine->ops->remove(mine, STR("ada"));
    assert_int_equal(theirs->ops->find_uri(theirs, STR("sip:ada@example.com"), &u), STORE_NONE);
    theirs->ops->free(theirs);
}

/* Changes ada's account with a connection of its own for each number that comes. */
static void another_process(int orders, int done)
{
    uint8_t disable, found[16];

    while (read(orders, &disable, 1) == 1) {
        struct store *s = open_sqlite();
        struct user u;
        bool good = s && s->ops->find(s, STR_NONE, STR("ada"), &u, found) == STORE_OK;
        if (good) {
            u.flags = disable ? u.flags | USER_DISABLED : u.flags & ~(unsigned)USER_DISABLED;
            good = s->ops->update(s, &u) == STORE_OK;
        }
        if (s)
            s->ops->free(s);
        if (!good || write(done, &disable, 1) != 1)
            _exit(1);
    }
    _exit(0);
}

/* A process with two connections to the file, as authd is one, keeps its locks on it.  The other
 * process begins before any is open: a fork would inherit what SQLite believes of its locks. */
static void every_change_of_other_processes_is_noticed_beside_a_second_connection(void **state)
{
    (void)state;
    struct user u;
    uint8_t found[16], disable;
    int orders[2], done[2], status = 1;

    add("ada", "", "");
    store->ops->free(store);
    assert_int_equal(pipe(orders) | pipe(done), 0);
    pid_t pid = fork();
    if (pid == 0) {
        close(orders[1]);
        another_process(orders[0], done[1]);
    }
    close(done[1]); /* so that its end is seen */
    store = open_sqlite();
    struct store *second = open_sqlite();
    for (unsigned i = 0; i < 4; i++) {
        disable = i % 2 == 0;
        assert_int_equal(write(orders[1], &disable, 1), 1);
        assert_int_equal(read(done[0], &disable, 1), 1);
        assert_int_equal(store->ops->find(store, STR_NONE, STR("ada"), &u, found), STORE_OK);
        assert_int_equal(u.flags & USER_DISABLED, disable ? USER_DISABLED : 0);
    }
    close(orders[1]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    close(orders[0]);
    close(done[0]);
    second->ops->free(second);
}

static void a_reader_does_not_wait_for_a_writer(void **state)
{
    (void)state;
    struct store *writer = open_sqlite();
    struct user u = make("bob", "", "");

    assert_non_null(writer);
    add("ada", "", "");
    assert_int_equal(writer->ops->begin(writer), STORE_OK);
    assert_int_equal(writer->ops->add(writer, &u, hash), STORE_OK);
    assert_int_equal(find("", "ada"), STORE_OK);
    assert_int_equal(find("", "bob"), STORE_NONE);
    writer->ops->end(writer, true);
    assert_int_equal(find("", "bob"), STORE_OK);
    writer->ops->free(writer);
}

static void all_files_are_readable_by_their_owner_only(void **state)
{
    static const char *const suffixes[] = { "", "-wal", "-shm" };
    char path[96];
    struct stat st;

    (void)state;
    add("ada", "", "");
    for (unsigned i = 0; i < 3; i++) {
        snprintf(path, sizeof(path), "%s%s", db_path, suffixes[i]);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
    }
}

static void the_file_does_not_hold_the_hash(void **state)
{
    (void)state;
    static char octets[1 << 20];

    add("ada", "", "");
    store->ops->free(store);
    store = NULL;
    FILE *f = fopen(db_path, "rb");
    assert_non_null(f);
    size_t len = fread(octets, 1, sizeof(octets), f);
    fclose(f);
    assert_true(len > 4096);
    assert_true(str_find(str_of(octets, len), str_of(hash, 16)) == SIZE_MAX);
    assert_true(str_find(str_of(octets, len), STR("ada")) != SIZE_MAX);
}

static void refused_with(const char *reason)
{
    struct buf why = { 0 };
    struct store *s = store_sqlite_open(db_path, key_path, "EXAMPLE", &why);

    assert_null(s);
    if (str_find(buf_str(&why), str_from_c(reason)) == SIZE_MAX)
        fail_msg("%.*s", STR_ARG(buf_str(&why)));
    buf_fini(&why);
}

static void a_lost_or_foreign_key_file_is_told_at_once(void **state)
{
    (void)state;
    char keep[80];

    add("ada", "", "");
    store->ops->free(store);
    store = NULL;
    snprintf(keep, sizeof(keep), "%s.keep", key_path);
    assert_int_equal(rename(key_path, keep), 0);
    refused_with("restore it");
    FILE *f = fopen(key_path, "wb");
    assert_int_equal(fwrite("01234567890123456789012345678901", 1, 32, f), 32);
    fclose(f);
    chmod(key_path, 0600);
    refused_with("does not belong");
    chmod(key_path, 0644);
    refused_with("others can read");
    assert_int_equal(rename(keep, key_path), 0);
}

static void a_damaged_or_newer_file_is_refused_with_a_reason(void **state)
{
    (void)state;
    sqlite3 *raw;

    store->ops->free(store);
    store = NULL;
    assert_int_equal(sqlite3_open(db_path, &raw), SQLITE_OK);
    sqlite3_exec(raw, "PRAGMA user_version = 99", NULL, NULL, NULL);
    sqlite3_close(raw);
    refused_with("newer postern");
    FILE *f = fopen(db_path, "wb");
    fputs("this is no database, whatever its name says ...............................", f);
    fclose(f);
    refused_with("cannot be used");
}

static void a_hash_moved_to_another_row_is_not_accepted(void **state)
{
    (void)state;
    sqlite3 *raw;
    struct user u;
    uint8_t found[16];

    add("ada", "", "");
    add("bob", "", "");
    assert_int_equal(sqlite3_open(db_path, &raw), SQLITE_OK);
    assert_int_equal(sqlite3_exec(raw,
                                  "UPDATE user SET nt_hash = (SELECT nt_hash FROM user WHERE name "
                                  "= 'ada') WHERE name = 'bob'",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(raw);
    assert_int_equal(store->ops->find(store, STR_NONE, STR("bob"), &u, found), STORE_FAILED);
    assert_int_equal(find("", "ada"), STORE_OK);
}

#define BOTH(test)                                                                                 \
    { #test " (memory)", test, setup, teardown, "memory" },                                        \
    {                                                                                              \
#test " (sqlite)", test, setup, teardown, "sqlite"                                         \
    }
#define FILE_ONLY(test)                                                                            \
    {                                                                                              \
#test, test, setup, teardown, "sqlite"                                                     \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(a_user_is_found_with_all_that_was_stored),
        BOTH(names_are_found_in_any_case_and_with_or_without_the_domain),
        BOTH(a_user_is_found_by_the_sip_address_in_any_case),
        BOTH(name_address_and_upn_belong_to_one_user_only),
        BOTH(an_update_changes_attributes_but_neither_password_nor_lockout),
        BOTH(a_new_password_replaces_the_old_one),
        BOTH(an_unlock_wins_over_a_lockout_written_late),
        BOTH(a_removed_user_is_gone),
        BOTH(a_list_is_in_order_of_name_and_can_be_ended),
        BOTH(changes_between_begin_and_end_are_kept_or_forgotten_together),
        BOTH(more_users_than_the_cache_holds_are_all_found),
        FILE_ONLY(users_and_passwords_survive_a_restart),
        FILE_ONLY(what_another_process_changes_is_noticed),
        FILE_ONLY(every_change_of_other_processes_is_noticed_beside_a_second_connection),
        FILE_ONLY(a_reader_does_not_wait_for_a_writer),
        FILE_ONLY(all_files_are_readable_by_their_owner_only),
        FILE_ONLY(the_file_does_not_hold_the_hash),
        FILE_ONLY(a_lost_or_foreign_key_file_is_told_at_once),
        FILE_ONLY(a_damaged_or_newer_file_is_refused_with_a_reason),
        FILE_ONLY(a_hash_moved_to_another_row_is_not_accepted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
