/* SPDX-License-Identifier: MIT */
#include "ad/pool.h"

#include <fcntl.h>

#include "ad_kit.h"

enum { SEEN_MAX = 600 };

static struct ad_keeper *keeper;
static struct ad_pool *pool;
static struct loop_fd *watch;

static struct seen {
    unsigned count, faults[FAULT_COUNT];
    bool keys_right;
    unsigned expected;
} seen;

static struct told {
    unsigned changes;
    enum fault last;
} told;

static void keeper_ready(void *arg, int events)
{
    struct ad_keeper_news news;

    (void)arg;
    (void)events;
    while (ad_keeper_read(keeper, &news) == AD_KEEPER_CHILD)
        ad_pool_child(pool, news.slot, news.fd);
}

static void changed(void *arg, enum fault fault, const char *detail)
{
    (void)arg;
    (void)detail;
    told.changes++;
    told.last = fault;
}

static void begin(unsigned slots, uint32_t deadline_ms)
{
    keeper = kit_begin("");
    seen = (struct seen){ .keys_right = true };
    told = (struct told){ 0 };
    struct ad_pool_settings s = { .loop = kit_loop,
                                  .keeper = keeper,
                                  .kind = AD_CHILD_WINBIND,
                                  .slots = slots,
                                  .deadline_ms = deadline_ms,
                                  .changed = changed };
    pool = ad_pool_new(&s);
    watch = loop_fd_new(kit_loop, ad_keeper_fd(keeper), keeper_ready, NULL);
    loop_fd_watch(watch, LOOP_READ);
}

static int teardown(void **state)
{
    (void)state;
    if (pool)
        ad_pool_free(pool);
    pool = NULL;
    loop_fd_free(watch);
    ad_keeper_free(keeper);
    kit_end();
    return 0;
}

static void answered(void *arg, enum fault fault, const struct ad_answer *a)
{
    static const uint8_t key[16] = { 0x5A, 0x5A, 0x5A, 0x5A, 0x5A, 0x5A, 0x5A, 0x5A,
                                     0x5A, 0x5A, 0x5A, 0x5A, 0x5A, 0x5A, 0x5A, 0x5A };
    enum fault said = fault != FAULT_NONE ? fault : a->proof.fault;

    (void)arg;
    seen.count++;
    seen.faults[said]++;
    if (said == FAULT_NONE && a->ask == AD_ASK_LOGON)
        seen.keys_right = seen.keys_right && memcmp(a->proof.session_key, key, 16) == 0;
}

static void logon(const char *user)
{
    struct ad_question q = { .ask = AD_ASK_LOGON, .logon = { .user = str_from_c(user) } };

    seen.expected++;
    ad_pool_ask(pool, &q, AD_ONCE, answered, NULL);
}

static void find(const char *name)
{
    struct ad_question q = { .ask = AD_ASK_FIND, .by = AD_BY_NAME, .value = str_from_c(name) };

    seen.expected++;
    ad_pool_ask(pool, &q, AD_REPEAT, answered, NULL);
}

static bool all_answered(void)
{
    return seen.count == seen.expected;
}

static bool is_down(void)
{
    return told.changes == 1;
}

static bool is_up(void)
{
    return told.changes == 2;
}

static void each_question_gets_its_answer(void **state)
{
    (void)state;
    begin(3, 10000);
    for (unsigned i = 0; i < 100; i++)
        logon(i % 2 ? "ada" : "wrong");
    kit_until(all_answered);
    assert_int_equal(seen.faults[FAULT_NONE], 50);
    assert_int_equal(seen.faults[FAULT_USER_WRONG_PASSWORD], 50);
    assert_true(seen.keys_right);
    assert_int_equal(kit->logons, 100);
    assert_true(kit->made <= 3);
}

static void a_child_that_hangs_costs_its_question_and_is_made_anew(void **state)
{
    struct ad_pool_counts counts;

    (void)state;
    begin(1, 1000);
    logon("hang");
    kit_until(all_answered);
    assert_int_equal(seen.faults[FAULT_DIRECTORY_SLOW], 1);
    logon("ada");
    kit_until(all_answered);
    assert_int_equal(seen.faults[FAULT_NONE], 1);
    ad_pool_counts(pool, &counts);
    assert_int_equal(counts.deadlines, 1);
    assert_int_equal(counts.made, 2);
    assert_false(counts.down);
}

static void a_crash_costs_one_proof_which_is_not_asked_twice(void **state)
{
    (void)state;
    begin(2, 10000);
    logon("crash");
    logon("ada");
    logon("ada");
    kit_until(all_answered);
    assert_int_equal(seen.faults[FAULT_DIRECTORY_UNREACHABLE], 1);
    assert_int_equal(seen.faults[FAULT_NONE], 2);
    assert_int_equal(kit->logons, 3);
}

static void a_look_up_is_asked_once_more_after_a_crash(void **state)
{
    (void)state;
    begin(1, 20000);
    find("crash-once");
    kit_until(all_answered);
    assert_int_equal(seen.faults[FAULT_NONE], 1);
    assert_int_equal(kit->finds, 2);
    find("crash"); /* every time */
    kit_until(all_answered);
    assert_int_equal(seen.faults[FAULT_DIRECTORY_UNREACHABLE], 1);
    assert_int_equal(kit->finds, 4);
}

static void nonsense_from_a_child_ends_it(void **state)
{
    (void)state;
    begin(1, 20000);
    logon("garbage");
    logon("ada");
    kit_until(all_answered);
    assert_int_equal(seen.faults[FAULT_DIRECTORY_UNREACHABLE], 1);
    assert_int_equal(seen.faults[FAULT_NONE], 1);
    assert_int_equal(kit->made, 2);
}

static void three_deadlines_in_a_row_are_told_at_once_until_a_probe_is_answered(void **state)
{
    (void)state;
    begin(1, 700);
    for (unsigned i = 0; i < 3; i++) {
        logon("hang");
        kit_until(all_answered);
    }
    kit_until(is_down);
    assert_int_equal(told.last, FAULT_DIRECTORY_SLOW);
    unsigned asked = kit->logons;
    logon("ada"); /* before the loop turns */
    assert_true(all_answered());
    assert_int_equal(seen.faults[FAULT_DIRECTORY_SLOW], 4);
    assert_int_equal(kit->logons, asked);
    kit_until(is_up);
    assert_int_equal(told.last, FAULT_NONE);
    assert_int_equal(kit->probes, 1);
    logon("ada");
    kit_until(all_answered);
    assert_int_equal(seen.faults[FAULT_NONE], 1);
}

static void what_waits_is_told_when_the_source_goes_down(void **state)
{
    (void)state;
    begin(3, 400);
    for (unsigned i = 0; i < 60; i++)
        logon("hang");
    kit_until(all_answered);
    kit_until(is_down);
    assert_int_equal(seen.faults[FAULT_DIRECTORY_SLOW] + seen.faults[FAULT_DIRECTORY_BUSY], 60);
    assert_int_equal(told.last, FAULT_DIRECTORY_SLOW);
}

static void without_a_controller_the_source_is_down_too(void **state)
{
    (void)state;
    begin(1, 10000);
    for (unsigned i = 0; i < 3; i++) {
        logon("nodc");
        kit_until(all_answered);
    }
    assert_int_equal(told.changes, 1);
    assert_int_equal(told.last, FAULT_DIRECTORY_NO_DC);
    logon("ada");
    assert_true(all_answered());
    assert_int_equal(seen.faults[FAULT_DIRECTORY_NO_DC], 4);
}

static void one_answer_in_between_is_enough_to_stay_up(void **state)
{
    (void)state;
    begin(1, 10000);
    for (unsigned i = 0; i < 12; i++) {
        logon(i % 3 == 2 ? "wrong" : "nodc");
        kit_until(all_answered);
    }
    assert_int_equal(told.changes, 0);
    assert_int_equal(kit->logons, 12);
}

/* Ten a second go through; what cannot be answered within the deadline is refused unasked. */
static void a_queue_longer_than_the_deadline_is_refused_at_once(void **state)
{
    struct ad_pool_counts counts;

    (void)state;
    begin(1, 1000);
    for (unsigned i = 0; i < 8; i++) {
        logon("sleepy");
        kit_until(all_answered);
    }
    unsigned before = seen.count;
    for (unsigned i = 0; i < 500; i++)
        logon("sleepy");
    assert_true(seen.count - before > 400);
    assert_int_equal(seen.faults[FAULT_DIRECTORY_BUSY], seen.count - before);
    kit_until(all_answered);
    assert_int_equal(told.changes, 0);
    ad_pool_counts(pool, &counts);
    assert_true(counts.refused_busy > 400);
    assert_int_equal(counts.waiting, 0);
    assert_int_equal(counts.deadlines, 0);
}

static void the_end_answers_everybody(void **state)
{
    (void)state;
    begin(1, 10000);
    for (unsigned i = 0; i < 10; i++)
        logon("hang");
    ad_pool_free(pool);
    pool = NULL;
    assert_true(all_answered());
    assert_int_equal(seen.faults[FAULT_DIRECTORY_UNREACHABLE], 10);
}

/* --- the keeper itself --- */

static unsigned processes_with_our_end(int fd)
{
    char byte;

    return recv(fd, &byte, 1, 0) == 0 ? 0 : 1; /* waits for the last holder to end */
}

static struct ad_keeper_news next_news(void)
{
    struct ad_keeper_news news;

    while (ad_keeper_read(keeper, &news) != AD_KEEPER_CHILD)
        usleep(1000);
    return news;
}

static void begin_keeper_alone(void)
{
    keeper = kit_begin("");
    pool = NULL;
    watch = loop_fd_new(kit_loop, ad_keeper_fd(keeper), keeper_ready, NULL);
}

static void blocking(int fd)
{
    struct timeval limit = { .tv_sec = 30 };

    fcntl(fd, F_SETFL, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
}

static void the_keeper_makes_and_kills(void **state)
{
    (void)state;
    begin_keeper_alone();
    assert_true(ad_keeper_make(keeper, AD_CHILD_LDAP, 7));
    struct ad_keeper_news news = next_news();
    assert_int_equal(news.kind, AD_CHILD_LDAP);
    assert_int_equal(news.slot, 7);
    assert_true(news.fd >= 0);
    blocking(news.fd);
    assert_true(ad_keeper_kill(keeper, AD_CHILD_LDAP, 7));
    assert_int_equal(processes_with_our_end(news.fd), 0);
    close(news.fd);
}

static void children_end_with_the_keeper_and_the_keeper_with_us(void **state)
{
    (void)state;
    begin_keeper_alone();
    assert_true(ad_keeper_make(keeper, AD_CHILD_WINBIND, 0));
    struct ad_keeper_news news = next_news();
    blocking(news.fd);
    loop_fd_free(watch);
    ad_keeper_free(keeper);
    assert_int_equal(processes_with_our_end(news.fd), 0);
    close(news.fd);
    kit_end();
    begin_keeper_alone(); /* for the teardown */
}

static void a_child_in_a_slot_that_is_taken_replaces_the_other(void **state)
{
    (void)state;
    begin_keeper_alone();
    assert_true(ad_keeper_make(keeper, AD_CHILD_WINBIND, 3));
    struct ad_keeper_news first = next_news();
    assert_true(ad_keeper_make(keeper, AD_CHILD_WINBIND, 3));
    struct ad_keeper_news second = next_news();
    blocking(first.fd);
    assert_int_equal(processes_with_our_end(first.fd), 0);
    assert_int_equal(send(second.fd, "\3", 1, MSG_NOSIGNAL), 1);
    close(first.fd);
    close(second.fd);
}

#define WITH_END(test) cmocka_unit_test_teardown(test, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_END(each_question_gets_its_answer),
        WITH_END(a_child_that_hangs_costs_its_question_and_is_made_anew),
        WITH_END(a_crash_costs_one_proof_which_is_not_asked_twice),
        WITH_END(a_look_up_is_asked_once_more_after_a_crash),
        WITH_END(nonsense_from_a_child_ends_it),
        WITH_END(three_deadlines_in_a_row_are_told_at_once_until_a_probe_is_answered),
        WITH_END(what_waits_is_told_when_the_source_goes_down),
        WITH_END(without_a_controller_the_source_is_down_too),
        WITH_END(one_answer_in_between_is_enough_to_stay_up),
        WITH_END(a_queue_longer_than_the_deadline_is_refused_at_once),
        WITH_END(the_end_answers_everybody),
        WITH_END(the_keeper_makes_and_kills),
        WITH_END(children_end_with_the_keeper_and_the_keeper_with_us),
        WITH_END(a_child_in_a_slot_that_is_taken_replaces_the_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
