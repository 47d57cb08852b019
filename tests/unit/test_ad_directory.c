/* SPDX-License-Identifier: MIT */
#include "ad/directory.h"

#include "ad_kit.h"

static struct ad *ad;

static struct seen {
    unsigned count, found, nobody, faults[FAULT_COUNT];
    struct ad_account last;
    struct ad_proof proof;
} seen;

static unsigned named, ended;
static struct ad_names names;

static void on_found(void *arg, enum fault fault, const struct ad_account *a)
{
    (void)arg;
    seen.count++;
    seen.faults[fault]++;
    seen.found += fault == FAULT_NONE && a;
    seen.nobody += fault == FAULT_NONE && !a;
    if (a)
        seen.last = *a;
}

static void on_proved(void *arg, const struct ad_proof *p)
{
    (void)arg;
    seen.count++;
    seen.faults[p->fault]++;
    seen.proof = *p;
}

static void on_names(void *arg, const struct ad_names *n)
{
    (void)arg;
    named++;
    names = *n;
}

static void on_end(void *arg)
{
    (void)arg;
    ended++;
}

static bool has_names(void)
{
    return named > 0;
}

static bool has_ended(void)
{
    return ended > 0;
}

static bool one_answered(void)
{
    return seen.count > 0;
}

static unsigned polls_wanted;

static bool polled(void)
{
    return kit->polls >= polls_wanted;
}

static bool names_are_known_and_polled(void)
{
    struct ad_counts c;

    ad_counts(ad, &c);
    return named > 0 && c.server[0] != '\0';
}

/* The next poll, and the one after it: whatever the first told has been heard. */
static void after_a_poll(void)
{
    polls_wanted = kit->polls + 2;
    kit_until(polled);
}

static void begin(const char *settings)
{
    memset(&seen, 0, sizeof(seen));
    named = ended = 0;
    struct ad_keeper *keeper = kit_begin(settings);
    ad = ad_new(kit_loop, kit_conf, keeper);
    ad_on_names(ad, on_names, NULL);
    ad_on_end(ad, on_end, NULL);
}

static int teardown(void **state)
{
    (void)state;
    ad_free(ad);
    kit_end();
    return 0;
}

static void find(const char *domain, const char *name)
{
    ad_find(ad, str_from_c(domain), str_from_c(name), on_found, NULL);
}

/* Looks up by name and waits. */
static void find_now(const char *name)
{
    memset(&seen, 0, sizeof(seen));
    find("", name);
    kit_until(one_answered);
}

static void a_second_look_up_asks_nobody(void **state)
{
    static const uint8_t sid[] = { 1, 5, 7 };

    (void)state;
    begin("");
    find_now("ada");
    assert_int_equal(seen.found, 1);
    assert_string_equal(seen.last.user.name, "ada");
    assert_string_equal(seen.last.user.uri, "sip:ada@x");
    find("EXAMPLE", "ADA");
    find("ad.example.test", "Ada");
    find("", "ada@X");
    ad_find_uri(ad, STR("sip:ADA@x;transport=tls"), on_found, NULL);
    ad_find_sid(ad, sid, sizeof(sid), on_found, NULL);
    assert_int_equal(seen.found, 6); /* at once */
    assert_int_equal(kit->finds, 1);
}

static void nobody_is_remembered_too(void **state)
{
    (void)state;
    begin("");
    find_now("unknown");
    find("", "UNKNOWN");
    assert_int_equal(seen.nobody, 2);
    assert_int_equal(kit->finds, 1);
}

static void another_domain_and_impossible_names_find_nobody_unasked(void **state)
{
    (void)state;
    begin("");
    find("OTHER", "ada");
    find("", "a\nb");
    find("", "");
    ad_find_uri(ad, STR("tel:+1"), on_found, NULL);
    assert_int_equal(seen.nobody, 4);
    assert_int_equal(kit->finds, 0);
}

static unsigned wanted;

static bool all_answered(void)
{
    return seen.count == wanted;
}

static void the_same_question_under_way_is_asked_once(void **state)
{
    (void)state;
    begin("");
    wanted = 50;
    for (unsigned i = 0; i < wanted; i++)
        find("", "ada");
    assert_int_equal(seen.count, 0);
    kit_until(all_answered);
    assert_int_equal(seen.found, wanted);
    assert_int_equal(kit->finds, 1);
}

static void a_failure_says_nothing_and_is_not_remembered(void **state)
{
    (void)state;
    begin("");
    find_now("fail");
    assert_int_equal(seen.faults[FAULT_DIRECTORY_LDAP], 1);
    find_now("fail");
    assert_int_equal(seen.faults[FAULT_DIRECTORY_LDAP], 1);
    assert_int_equal(kit->finds, 2);
}

static void what_changed_is_asked_for_again(void **state)
{
    (void)state;
    begin("ad_poll = 1s\n");
    kit_until(names_are_known_and_polled);
    find_now("ada");
    find_now("other");
    strcpy(kit->changed, "ADA");
    after_a_poll();
    kit->changed[0] = '\0';
    find_now("ada");
    find_now("other");
    assert_int_equal(kit->finds, 3);
}

static void another_controller_means_to_forget_everything(void **state)
{
    (void)state;
    begin("ad_poll = 1s\n");
    kit_until(names_are_known_and_polled);
    find_now("ada");
    find_now("other");
    kit->controller = 1;
    after_a_poll();
    find_now("ada");
    find_now("other");
    assert_int_equal(kit->finds, 4);
    struct ad_counts c;
    ad_counts(ad, &c);
    assert_string_equal(c.server, "dc1");
}

static void the_cache_is_bounded(void **state)
{
    struct ad_counts c;
    char name[16];

    (void)state;
    begin("ad_cache = 16\n");
    for (unsigned i = 0; i < 40; i++) {
        snprintf(name, sizeof(name), "user%u", i);
        find_now(name);
    }
    ad_counts(ad, &c);
    assert_int_equal(c.cache_entries, 4); /* a quarter is for names that nobody has */
    assert_int_equal(c.searches, 40);
}

static void prove(const char *user)
{
    struct ad_logon l = { .user = str_from_c(user), .nt_response = STR("response") };

    memset(&seen, 0, sizeof(seen));
    ad_prove(ad, &l, on_proved, NULL);
    kit_until(one_answered);
}

static void a_proof_is_told_with_its_key_or_its_fault(void **state)
{
    (void)state;
    begin("");
    prove("ada");
    assert_int_equal(seen.proof.fault, FAULT_NONE);
    assert_int_equal(seen.proof.session_key[15], 0x5A);
    assert_string_equal(seen.proof.account, "ada");
    prove("wrong");
    assert_int_equal(seen.proof.fault, FAULT_USER_WRONG_PASSWORD);
    assert_int_equal(seen.proof.ntstatus, 0xC000006A);
    prove("ada"); /* never from a cache */
    assert_int_equal(kit->logons, 3);
}

static void a_frozen_source_does_not_hold_up_what_is_remembered(void **state)
{
    struct ad_counts c;

    (void)state;
    begin("ad_timeout = 1s\n");
    find_now("ada");
    kit->frozen = true;
    prove("ada");
    assert_int_equal(seen.proof.fault, FAULT_DIRECTORY_SLOW);
    assert_int_equal(seen.proof.ntstatus, 0);
    memset(&seen, 0, sizeof(seen));
    find("", "ada");
    assert_int_equal(seen.found, 1);
    find_now("grace");
    assert_int_equal(seen.faults[FAULT_DIRECTORY_SLOW], 1);
    ad_counts(ad, &c);
    assert_true(c.deadlines + c.children > 0);
}

static void the_names_of_this_machine_come_from_winbind(void **state)
{
    (void)state;
    begin("");
    kit_until(has_names);
    assert_int_equal(named, 1);
    assert_string_equal(names.nb_computer, "FE");
    assert_string_equal(names.nb_domain, "EXAMPLE");
    ad_on_names(ad, on_names, NULL); /* whoever comes later is told too */
    assert_int_equal(named, 2);
}

static void the_end_of_the_keeper_is_told(void **state)
{
    (void)state;
    begin("");
    kit_until(has_names);
    assert_true(kit->keeper > 1);
    kill(kit->keeper, SIGKILL);
    kit_until(has_ended);
    assert_int_equal(ended, 1);
    prove("ada");
    assert_int_not_equal(seen.proof.fault, FAULT_NONE);
}

static void the_end_answers_who_waits(void **state)
{
    struct ad_logon l = { .user = STR("hang") };

    (void)state;
    begin("");
    ad_prove(ad, &l, on_proved, NULL);
    find("", "hang");
    find("", "hang");
    ad_free(ad);
    ad = NULL;
    assert_int_equal(seen.count, 3);
    assert_int_equal(seen.faults[FAULT_DIRECTORY_UNREACHABLE], 3);
}

#define WITH_END(test) cmocka_unit_test_teardown(test, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_END(a_second_look_up_asks_nobody),
        WITH_END(nobody_is_remembered_too),
        WITH_END(another_domain_and_impossible_names_find_nobody_unasked),
        WITH_END(the_same_question_under_way_is_asked_once),
        WITH_END(a_failure_says_nothing_and_is_not_remembered),
        WITH_END(what_changed_is_asked_for_again),
        WITH_END(another_controller_means_to_forget_everything),
        WITH_END(the_cache_is_bounded),
        WITH_END(a_proof_is_told_with_its_key_or_its_fault),
        WITH_END(a_frozen_source_does_not_hold_up_what_is_remembered),
        WITH_END(the_names_of_this_machine_come_from_winbind),
        WITH_END(the_end_of_the_keeper_is_told),
        WITH_END(the_end_answers_who_waits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
