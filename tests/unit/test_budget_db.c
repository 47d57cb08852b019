/* SPDX-License-Identifier: MIT */
#include "users/budget_db.h"

#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/compiler.h"

static char dir[40], path[64];

static int setup(void **state)
{
    (void)state;
    snprintf(dir, sizeof(dir), "/tmp/postern-budget-XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/budget.db", dir);
    return 0;
}

static int teardown(void **state)
{
    static const char *const suffixes[] = { "", "-wal", "-shm", ".damaged" };
    char name[96];

    (void)state;
    for (unsigned i = 0; i < ARRAY_LEN(suffixes); i++) {
        snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
        unlink(name);
    }
    return rmdir(dir);
}

static struct budget_db *open_db(struct buf *why)
{
    struct budget_db *db = budget_db_open(path, why);

    if (!db)
        fail_msg("%.*s", STR_ARG(buf_str(why)));
    return db;
}

static void collect(void *arg, struct str key, struct str record)
{
    buf_printf(arg, "%.*s=%.*s ", STR_ARG(key), STR_ARG(record));
}

static void holds(struct budget_db *db, int64_t now, const char *want)
{
    struct buf got = { 0 };

    assert_true(budget_db_load(db, now, collect, &got));
    buf_add_char(&got, '\0');
    assert_string_equal(got.ptr, want);
    buf_fini(&got);
}

static void what_was_put_is_there_after_a_restart(void **state)
{
    (void)state;
    struct buf why = { 0 };
    struct budget_db *db = open_db(&why);
    struct stat st;

    holds(db, 0, "");
    assert_true(budget_db_begin(db));
    assert_true(budget_db_put(db, STR("ADA"), STR("one"), 300));
    assert_true(budget_db_put(db, STR("BOB"), STR("two"), 200));
    assert_true(budget_db_put(db, STR("ADA"), STR("three"), 300));
    assert_true(budget_db_end(db));
    budget_db_close(db);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    db = open_db(&why);
    holds(db, 100, "BOB=two ADA=three ");
    holds(db, 200, "ADA=three ");
    assert_int_equal(why.len, 0);
    budget_db_close(db);
}

static void a_record_is_removed_by_an_empty_one_and_by_time(void **state)
{
    (void)state;
    struct buf why = { 0 };
    struct budget_db *db = open_db(&why);

    assert_true(budget_db_put(db, STR("ADA"), STR("1"), 300));
    assert_true(budget_db_put(db, STR("BOB"), STR("2"), 200));
    assert_true(budget_db_put(db, STR("EVE"), STR("3"), 100));
    assert_true(budget_db_put(db, STR("ADA"), STR_NONE, 0));
    assert_true(budget_db_purge(db, 100));
    holds(db, 0, "BOB=2 ");
    budget_db_close(db);
}

static void what_was_committed_survives_a_killed_process(void **state)
{
    (void)state;
    struct buf why = { 0 };
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        struct budget_db *db = budget_db_open(path, &why);

        if (budget_db_begin(db) && budget_db_put(db, STR("ADA"), STR("1"), 300) &&
            budget_db_end(db) && budget_db_begin(db))
            budget_db_put(db, STR("BOB"), STR("1"), 300);
        raise(SIGKILL);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    struct budget_db *db = open_db(&why);
    holds(db, 0, "ADA=1 ");
    budget_db_close(db);
}

static void damage(size_t offset, const char *octets)
{
    FILE *f = fopen(path, "r+");

    assert_non_null(f);
    assert_int_equal(fseek(f, (long)offset, SEEK_SET), 0);
    for (int i = 0; i < 200; i++)
        fputs(octets, f);
    fclose(f);
}

static void a_damaged_file_is_put_aside_and_told(void **state)
{
    (void)state;
    for (size_t offset = 0; offset <= 4096; offset += 4096) {
        struct buf why = { 0 };
        struct budget_db *db = open_db(&why);

        assert_true(budget_db_put(db, STR("ADA"), STR("1"), 300));
        budget_db_close(db);
        damage(offset, "damaged ");
        db = open_db(&why);
        holds(db, 0, "");
        assert_true(str_find(buf_str(&why), STR("budget.db.damaged")) != SIZE_MAX);
        assert_true(budget_db_put(db, STR("ADA"), STR("1"), 300));
        budget_db_close(db);
        buf_fini(&why);
        assert_int_equal(unlink(path), 0);
    }
}

static void a_file_of_another_schema_is_put_aside(void **state)
{
    (void)state;
    struct buf why = { 0 };
    FILE *f = fopen(path, "w");

    fputs("not a database, but long enough to be taken for one if nobody looks closely at it", f);
    fclose(f);
    struct budget_db *db = open_db(&why);
    holds(db, 0, "");
    assert_true(why.len > 0);
    budget_db_close(db);
    buf_fini(&why);
}

static void a_file_that_cannot_be_is_no_database(void **state)
{
    (void)state;
    struct buf why = { 0 };

    assert_null(budget_db_open("/nonexistent/budget.db", &why));
    assert_true(str_find(buf_str(&why), STR("/nonexistent/budget.db")) != SIZE_MAX);
    buf_fini(&why);
}

static void a_file_in_use_is_not_taken_for_a_damaged_one(void **state)
{
    (void)state;
    struct buf why = { 0 };
    struct budget_db *db = open_db(&why);
    sqlite3 *other;

    assert_true(budget_db_put(db, STR("ADA"), STR("1"), 300));
    budget_db_close(db);
    assert_int_equal(sqlite3_open(path, &other), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(other, "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE", NULL, NULL, NULL),
        SQLITE_OK);
    assert_null(budget_db_open(path, &why));
    sqlite3_close(other);
    buf_fini(&why);
    db = open_db(&why);
    holds(db, 0, "ADA=1 ");
    budget_db_close(db);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_put_is_there_after_a_restart),
        TEST(a_record_is_removed_by_an_empty_one_and_by_time),
        TEST(what_was_committed_survives_a_killed_process),
        TEST(a_damaged_file_is_put_aside_and_told),
        TEST(a_file_of_another_schema_is_put_aside),
        TEST(a_file_in_use_is_not_taken_for_a_damaged_one),
        TEST(a_file_that_cannot_be_is_no_database),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
