/* SPDX-License-Identifier: MIT */
/* Who may still be judged, with a directory that counts how often it is asked. */
#include "authd/budget.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "authd/budget_record.h"
#include "base/compiler.h"

static const int64_t START = 1800000000;
static const char PASSWORD[] = "right";

static struct budget budget;
static int64_t now;
static unsigned asked, wrong_seen; /* by the directory */

/* A sign-in; what is not set is that of an unknown device outside. */
struct attempt {
    const char *name, *domain, *password;
    const char *epid;
    const char *source; /* "1.2.3.4" */
    uint64_t resumed, ticket;
    bool inside, source_over;
    enum fault refused; /* by policy, after the password was found right */
    unsigned token;     /* 0: a new one each time */
};

static int setup(void **state)
{
    (void)state;
    budget_init(&budget);
    budget.netbios = "EXAMPLE";
    budget.rules = (struct budget_rules){ .account_failures = 4,
                                          .device_failures = 3,
                                          .ceiling = 0,
                                          .window_s = 1800,
                                          .device_life_s = 30 * 86400,
                                          .reserve = 3,
                                          .lockout_window_s = 1800 };
    now = START;
    asked = wrong_seen = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    budget_fini(&budget);
    return 0;
}

/* Accounts are called ada, bob, or user-NUMBER; ada has a UPN. */
static bool directory_find(struct str domain, struct str name, struct user *u)
{
    static const char *const upn = "a.lovelace@corp.example.net";

    asked++;
    *u = (struct user){ .domain = "EXAMPLE" };
    if (domain.len && !str_eq_nocase(domain, STR("EXAMPLE")))
        return false;
    if (str_eq_nocase(name, str_from_c(upn)) || str_eq_nocase(name, STR("ada@example.com")))
        name = STR("ada");
    bool there = str_eq_nocase(name, STR("ada")) || str_eq_nocase(name, STR("bob")) ||
                 str_starts_nocase(name, STR("user-"));
    return there && user_field_set(u->name, sizeof(u->name), name);
}

static void address(const char *text, uint8_t out[4])
{
    unsigned a, b, c, d;

    assert_int_equal(sscanf(text, "%u.%u.%u.%u", &a, &b, &c, &d), 4);
    memcpy(out, (uint8_t[]){ (uint8_t)a, (uint8_t)b, (uint8_t)c, (uint8_t)d }, 4);
}

static enum fault judged(struct budget_try *t, const struct attempt *at, struct user *u)
{
    bool found = directory_find(str_from_c(at->domain), str_from_c(at->name), u);
    enum fault fault = budget_found(&budget, t, found ? u : NULL);
    const char *password = at->password ? at->password : PASSWORD;

    if (fault != FAULT_NONE)
        return fault;
    if (!found)
        return FAULT_USER_UNKNOWN;
    bool right = strcmp(password, PASSWORD) == 0;
    wrong_seen += !right;
    return right ? at->refused : FAULT_USER_WRONG_PASSWORD;
}

static enum fault try(struct attempt at)
{
    static unsigned tokens = 1000;
    unsigned token = at.token ? at.token : ++tokens;
    uint8_t source[4];
    struct budget_try t;
    struct user u;

    address(at.source ? at.source : "198.51.100.7", source);
    struct proto_question q = { .authenticate = str_of(&token, sizeof(token)),
                                .source = str_of(source, 4),
                                .remote = !at.inside,
                                .epid = str_from_c(at.epid),
                                .source_over = at.source_over,
                                .resumed = at.resumed,
                                .tickets = { at.ticket } };
    enum fault fault =
        budget_take(&budget, &q, str_from_c(at.domain), str_from_c(at.name), now, &t);
    if (fault == FAULT_NONE)
        fault = judged(&t, &at, &u);
    else
        return fault;
    if (fault == FAULT_NONE)
        budget_settle(&budget, &t, BUDGET_PROVED);
    else if (fault == FAULT_USER_WRONG_PASSWORD || fault == FAULT_USER_UNKNOWN)
        budget_settle(&budget, &t, BUDGET_FAILED);
    else
        budget_settle(&budget, &t, BUDGET_REFUNDED);
    return fault;
}

#define TRY(...)            try((struct attempt){ __VA_ARGS__ })
#define WRONG(...)          try((struct attempt){ .password = "wrong", __VA_ARGS__ })
#define expect(call, fault) assert_string_equal(fault_name(call), fault_name(fault))

static void exhaust(const char *name, enum fault while_judged)
{
    for (unsigned i = 0; i < budget.rules.account_failures; i++)
        expect(WRONG(.name = name), while_judged);
    expect(WRONG(.name = name), FAULT_BUDGET_ACCOUNT);
}

static void strangers_are_refused_unasked_once_they_failed_too_often(void **state)
{
    (void)state;
    exhaust("ada", FAULT_USER_WRONG_PASSWORD);
    unsigned before = asked;
    expect(TRY(.name = "ada"), FAULT_BUDGET_ACCOUNT); /* right or not */
    expect(TRY(.name = "ada", .source = "203.0.113.1", .epid = "new"), FAULT_BUDGET_ACCOUNT);
    assert_int_equal(asked, before);
    assert_true(budget.refused == 3);
    expect(TRY(.name = "bob"), FAULT_NONE);
}

static void all_spellings_of_an_account_share_a_budget(void **state)
{
    (void)state;
    expect(WRONG(.name = "ada"), FAULT_USER_WRONG_PASSWORD);
    expect(WRONG(.name = "ADA", .domain = "example"), FAULT_USER_WRONG_PASSWORD);
    expect(WRONG(.name = "a.lovelace@corp.example.net"), FAULT_USER_WRONG_PASSWORD);
    expect(WRONG(.name = "Ada@Example.com"), FAULT_USER_WRONG_PASSWORD);
    unsigned before = asked;
    expect(TRY(.name = "Ada"), FAULT_BUDGET_ACCOUNT);
    expect(TRY(.name = "aDa", .domain = "EXAMPLE"), FAULT_BUDGET_ACCOUNT);
    expect(TRY(.name = "A.LOVELACE@corp.example.net"), FAULT_BUDGET_ACCOUNT);
    expect(TRY(.name = "ada@example.COM"), FAULT_BUDGET_ACCOUNT);
    assert_int_equal(asked, before);
    assert_int_equal(budget.table.accounts.count, 1);
}

static void a_name_not_seen_before_costs_one_look_up_and_is_then_known(void **state)
{
    (void)state;
    exhaust("ada", FAULT_USER_WRONG_PASSWORD);
    unsigned before = asked;
    for (int i = 0; i < 5; i++)
        expect(TRY(.name = "ada@example.com"), FAULT_BUDGET_ACCOUNT);
    assert_int_equal(asked, before + 1);
    assert_int_equal(wrong_seen, 4);
}

static void unknown_names_behave_like_known_ones(void **state)
{
    (void)state;
    exhaust("nobody", FAULT_USER_UNKNOWN);
    expect(WRONG(.name = "NoBody", .domain = "EXAMPLE"), FAULT_BUDGET_ACCOUNT);
    expect(WRONG(.name = "nobody", .domain = "OTHER"), FAULT_USER_UNKNOWN);
    now += 1800;
    exhaust("nobody", FAULT_USER_UNKNOWN);
}

static void an_account_made_after_its_name_was_tried_keeps_the_count(void **state)
{
    (void)state;
    struct budget_network n = { .octets = { 1 }, .len = 3 };

    budget_account_add(&budget.table, STR("BOB"), NULL, &n, now, now - 1800);
    expect(WRONG(.name = "bob"), FAULT_USER_WRONG_PASSWORD);
    struct budget_account *a = budget_find(&budget, STR_NONE, STR("bob"));
    assert_true(a->known && a->strangers[0].failures == 1);
    assert_string_equal(a->label, "EXAMPLE\\bob");
    assert_int_equal(budget.table.origins.count, 0);
}

static void what_can_be_no_name_shares_one_budget(void **state)
{
    (void)state;
    expect(WRONG(.name = "\x01"), FAULT_USER_UNKNOWN);
    expect(WRONG(.name = "\xFF\xFE"), FAULT_USER_UNKNOWN);
    expect(WRONG(.name = "ada", .domain = "\x02"), FAULT_USER_UNKNOWN);
    expect(WRONG(.name = ""), FAULT_USER_UNKNOWN);
    expect(WRONG(.name = "\x03"), FAULT_BUDGET_ACCOUNT);
}

static void a_known_device_signs_in_while_its_account_is_attacked(void **state)
{
    (void)state;
    expect(TRY(.name = "ada", .epid = "e1", .source = "203.0.113.1"), FAULT_NONE);
    exhaust("ada", FAULT_USER_WRONG_PASSWORD);
    expect(TRY(.name = "ada", .epid = "e1", .source = "203.0.113.200"), FAULT_NONE);
    expect(TRY(.name = "ada", .epid = "e1", .source = "203.0.114.1"), FAULT_BUDGET_ACCOUNT);
    /* its own failures are its own */
    for (int i = 0; i < 3; i++)
        expect(WRONG(.name = "ada", .epid = "e1", .source = "203.0.113.1"),
               FAULT_USER_WRONG_PASSWORD);
    expect(TRY(.name = "ada", .epid = "e1", .source = "203.0.113.1"), FAULT_BUDGET_ACCOUNT);
}

static void a_copied_epid_from_another_network_is_a_stranger(void **state)
{
    (void)state;
    expect(TRY(.name = "ada", .epid = "e1", .source = "203.0.113.1"), FAULT_NONE);
    for (int i = 0; i < 4; i++)
        expect(WRONG(.name = "ada", .epid = "e1", .source = "192.0.2.1"),
               FAULT_USER_WRONG_PASSWORD);
    expect(TRY(.name = "ada", .epid = "e1", .source = "192.0.2.1"), FAULT_BUDGET_ACCOUNT);
    expect(TRY(.name = "ada", .epid = "e1", .source = "203.0.113.1"), FAULT_NONE);
}

static void a_copied_epid_in_the_same_network_does_not_stop_a_resumed_session(void **state)
{
    (void)state;
    expect(TRY(.name = "ada", .epid = "e1", .source = "203.0.113.1", .ticket = 77), FAULT_NONE);
    for (int i = 0; i < 3; i++)
        expect(WRONG(.name = "ada", .epid = "e1", .source = "203.0.113.9"),
               FAULT_USER_WRONG_PASSWORD);
    expect(TRY(.name = "ada", .epid = "e1", .source = "203.0.113.9"), FAULT_BUDGET_ACCOUNT);
    expect(TRY(.name = "ada", .epid = "e1", .source = "203.0.113.1", .resumed = 76),
           FAULT_BUDGET_ACCOUNT);
    expect(TRY(.name = "ada", .epid = "e1", .source = "203.0.113.1", .resumed = 77, .ticket = 78),
           FAULT_NONE);
    /* from anywhere, as often as it wants; a session is its own proof */
    expect(TRY(.name = "ada", .source = "192.0.2.5", .resumed = 78), FAULT_NONE);
    expect(TRY(.name = "bob", .source = "192.0.2.5", .resumed = 78), FAULT_NONE);
    exhaust("bob", FAULT_USER_WRONG_PASSWORD);
}

static void from_an_address_over_its_budget_only_known_devices_are_judged(void **state)
{
    (void)state;
    expect(TRY(.name = "ada", .epid = "e1", .ticket = 5), FAULT_NONE);
    unsigned before = asked;
    expect(TRY(.name = "ada", .epid = "e2", .source_over = true), FAULT_BUDGET_SOURCE);
    expect(TRY(.name = "bob", .epid = "e1", .source_over = true), FAULT_BUDGET_SOURCE);
    expect(TRY(.name = "nobody", .source_over = true), FAULT_BUDGET_SOURCE);
    assert_int_equal(asked, before);
    expect(TRY(.name = "ada", .epid = "e1", .source_over = true), FAULT_NONE);
    expect(TRY(.name = "ada", .source = "192.0.2.5", .resumed = 5, .source_over = true),
           FAULT_NONE);
}

static void a_session_of_somebody_else_is_a_stranger(void **state)
{
    (void)state;
    expect(TRY(.name = "bob", .epid = "b", .ticket = 5), FAULT_NONE);
    exhaust("ada", FAULT_USER_WRONG_PASSWORD);
    expect(TRY(.name = "ada", .resumed = 5), FAULT_BUDGET_ACCOUNT);
}

static void four_sessions_of_a_device_are_remembered(void **state)
{
    (void)state;
    for (uint64_t ticket = 1; ticket <= 5; ticket++)
        expect(TRY(.name = "ada", .epid = "e1", .source = "203.0.113.1", .ticket = ticket),
               FAULT_NONE);
    exhaust("ada", FAULT_USER_WRONG_PASSWORD);
    expect(TRY(.name = "ada", .source = "192.0.2.5", .resumed = 1), FAULT_BUDGET_ACCOUNT);
    for (uint64_t ticket = 5; ticket >= 2; ticket--)
        expect(WRONG(.name = "ada", .source = "192.0.2.5", .resumed = ticket),
               ticket > 2 ? FAULT_USER_WRONG_PASSWORD : FAULT_BUDGET_ACCOUNT);
}

static void a_device_is_forgotten_after_its_life(void **state)
{
    (void)state;
    expect(TRY(.name = "ada", .epid = "e1", .ticket = 9), FAULT_NONE);
    now += budget.rules.device_life_s - 1;
    exhaust("ada", FAULT_USER_WRONG_PASSWORD);
    now += 1;
    expect(TRY(.name = "ada", .epid = "e1"), FAULT_BUDGET_ACCOUNT);
    expect(TRY(.name = "ada", .epid = "e1", .resumed = 9), FAULT_BUDGET_ACCOUNT);
}

static void of_many_devices_the_one_longest_unused_goes(void **state)
{
    (void)state;
    char epid[12];

    for (int i = 0; i <= BUDGET_DEVICES_MAX; i++) {
        snprintf(epid, sizeof(epid), "e%d", i);
        now++;
        expect(TRY(.name = "ada", .epid = epid), FAULT_NONE);
        if (i == BUDGET_DEVICES_MAX - 1)
            expect(TRY(.name = "ada", .epid = "e0"), FAULT_NONE);
    }
    struct budget_account *a = budget_find(&budget, STR_NONE, STR("ada"));
    assert_int_equal(a->devices.count, BUDGET_DEVICES_MAX);
    exhaust("ada", FAULT_USER_WRONG_PASSWORD);
    expect(TRY(.name = "ada", .epid = "e1"), FAULT_BUDGET_ACCOUNT);
    expect(TRY(.name = "ada", .epid = "e0"), FAULT_NONE);
}

static void an_ipv6_device_is_known_in_its_64(void **state)
{
    (void)state;
    static const char a[16] = "\x20\x01\x0D\xB8\0\0\0\1\0\0\0\0\0\0\0\1";
    static const char b[16] = "\x20\x01\x0D\xB8\0\0\0\1\xFF\0\0\0\0\0\0\1";
    static const char c[16] = "\x20\x01\x0D\xB8\0\0\0\2\0\0\0\0\0\0\0\1";
    static const char mapped[16] = "\0\0\0\0\0\0\0\0\0\0\xFF\xFF\xCB\0\x71\5";
    struct budget_network n[] = { budget_network_of(str_of(a, 16)),
                                  budget_network_of(str_of(b, 16)),
                                  budget_network_of(str_of(c, 16)),
                                  budget_network_of(str_of(mapped, 16)),
                                  budget_network_of(STR("\xCB\0\x71\6")) };

    assert_true(str_eq(budget_network_str(&n[0]), budget_network_str(&n[1])));
    assert_false(str_eq(budget_network_str(&n[0]), budget_network_str(&n[2])));
    assert_true(str_eq(budget_network_str(&n[3]), budget_network_str(&n[4])));
    assert_int_equal(budget_network_of(STR_NONE).len, 0);
}

static void without_an_epid_nobody_is_known_by_the_network(void **state)
{
    (void)state;
    expect(TRY(.name = "ada", .ticket = 3), FAULT_NONE);
    exhaust("ada", FAULT_USER_WRONG_PASSWORD);
    expect(TRY(.name = "ada"), FAULT_BUDGET_ACCOUNT);
    expect(TRY(.name = "ada", .resumed = 3), FAULT_NONE);
}

static void a_retransmitted_token_counts_once(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++)
        expect(WRONG(.name = "ada", .token = 7), FAULT_USER_WRONG_PASSWORD);
    assert_int_equal(asked, 1);
    for (int i = 0; i < 20; i++)
        expect(WRONG(.name = "nobody", .token = 7), FAULT_USER_UNKNOWN);
    assert_int_equal(asked, 2);
    for (int i = 0; i < 3; i++)
        expect(WRONG(.name = "ada"), FAULT_USER_WRONG_PASSWORD);
    expect(WRONG(.name = "ada"), FAULT_BUDGET_ACCOUNT);
}

static void policy_refusals_cost_nothing(void **state)
{
    (void)state;
    static const enum fault faults[] = { FAULT_USER_DISABLED, FAULT_USER_LOCKED, FAULT_NTLM_TIME,
                                         FAULT_DIRECTORY_FAILED };

    for (unsigned i = 0; i < 40; i++)
        expect(TRY(.name = "ada", .refused = faults[i % 4]), faults[i % 4]);
    assert_int_equal(budget.table.accounts.count, 0);
    expect(TRY(.name = "ada"), FAULT_NONE);
}

static void a_window_begins_with_its_first_failure_and_is_forgotten_as_a_whole(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        expect(WRONG(.name = "ada"), FAULT_USER_WRONG_PASSWORD);
        now += 500;
    }
    expect(TRY(.name = "ada"), FAULT_NONE); /* 2000 s after the first */
    now = START + 10000;
    exhaust("ada", FAULT_USER_WRONG_PASSWORD);
    for (int i = 0; i < 10; i++) {
        now += 179;
        expect(WRONG(.name = "ada"), FAULT_BUDGET_ACCOUNT); /* does not lengthen it */
    }
    now = START + 11800;
    expect(WRONG(.name = "ada"), FAULT_USER_WRONG_PASSWORD);
}

static void a_clock_set_back_keeps_nobody_out_for_longer_than_a_window(void **state)
{
    (void)state;
    exhaust("ada", FAULT_USER_WRONG_PASSWORD);
    now -= 1000000;
    expect(TRY(.name = "ada"), FAULT_BUDGET_ACCOUNT);
    now += 1800;
    expect(TRY(.name = "ada"), FAULT_NONE);
}

static void the_right_password_forgives_the_strangers_typing_errors(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        expect(WRONG(.name = "ada"), FAULT_USER_WRONG_PASSWORD);
    expect(TRY(.name = "ada", .epid = "e1"), FAULT_NONE);
    exhaust("ada", FAULT_USER_WRONG_PASSWORD);
    /* a known device's does not give strangers new tries */
    expect(TRY(.name = "ada", .epid = "e1"), FAULT_NONE);
    expect(WRONG(.name = "ada"), FAULT_BUDGET_ACCOUNT);
}

static void inside_is_not_counted_unless_asked_for(void **state)
{
    (void)state;
    for (int i = 0; i < 50; i++)
        expect(WRONG(.name = "ada", .inside = true), FAULT_USER_WRONG_PASSWORD);
    assert_int_equal(budget.table.accounts.count, 0);
    budget.rules.inside = true;
    for (int i = 0; i < 4; i++)
        expect(WRONG(.name = "ada", .inside = true), FAULT_USER_WRONG_PASSWORD);
    expect(TRY(.name = "ada", .inside = true), FAULT_BUDGET_ACCOUNT);
    exhaust("ada", FAULT_USER_WRONG_PASSWORD); /* outside has its own */
}

static void the_ceiling_holds_whatever_the_front_says(void **state)
{
    (void)state;
    budget.rules.ceiling = 10;
    expect(TRY(.name = "ada", .epid = "e1"), FAULT_NONE);
    for (int i = 0; i < 2; i++)
        expect(WRONG(.name = "ada"), FAULT_USER_WRONG_PASSWORD);
    for (int i = 0; i < 8; i++)
        expect(WRONG(.name = "ada", .inside = true), FAULT_USER_WRONG_PASSWORD);
    unsigned before = asked;
    expect(TRY(.name = "ada", .inside = true), FAULT_BUDGET_CEILING);
    expect(TRY(.name = "ada"), FAULT_BUDGET_CEILING);
    assert_int_equal(asked, before);
    /* but for a known device's own small budget */
    for (int i = 0; i < 3; i++)
        expect(WRONG(.name = "ada", .epid = "e1"), FAULT_USER_WRONG_PASSWORD);
    expect(TRY(.name = "ada", .epid = "e1"), FAULT_BUDGET_ACCOUNT);
    now += 1800;
    expect(TRY(.name = "ada", .inside = true), FAULT_NONE);
}

/* Whatever the order of strangers, known devices and their sessions. */
static void outside_never_reaches_the_lockout_threshold(void **state)
{
    (void)state;
    for (unsigned threshold = 2; threshold <= 12; threshold++) {
        for (unsigned reserve = 0; reserve <= threshold; reserve++) {
            unsigned most = threshold > reserve ? threshold - reserve : 1;
            most = most < threshold ? most : threshold - 1;

            teardown(NULL);
            setup(NULL);
            budget.rules.account_failures = 0;
            budget.rules.device_failures = 999;
            budget.rules.lockout_threshold = threshold;
            budget.rules.reserve = reserve;
            expect(TRY(.name = "ada", .epid = "e1", .ticket = 7), FAULT_NONE);
            for (int i = 0; i < 20; i++) {
                WRONG(.name = "ada");
                WRONG(.name = "ada", .epid = "e1");
                WRONG(.name = "ada", .resumed = 7);
            }
            assert_int_equal(wrong_seen, most);
        }
    }
}

/* A directory's count is forgotten when the last wrong password is older than its window, so that
 * guesses with pauses add up. */
static void guesses_with_pauses_do_not_reach_the_lockout_threshold_either(void **state)
{
    (void)state;
    unsigned count = 0, total = 0;
    int64_t last = 0;

    budget.rules.lockout_threshold = 5;
    budget.rules.reserve = 1;
    budget.rules.lockout_window_s = 3600;
    budget.rules.account_failures = 0;
    for (int i = 0; i < 1000; i++) {
        if (WRONG(.name = "ada") == FAULT_USER_WRONG_PASSWORD) {
            count = now - last > 3600 ? 1 : count + 1;
            last = now;
            total++;
        }
        assert_true(count <= 4);
        now += 97 * (i % 20);
    }
    assert_true(total > 100); /* and it does not end */
}

static void known_devices_keep_a_try_when_strangers_used_up_theirs(void **state)
{
    (void)state;
    for (unsigned threshold = 5; threshold <= 9; threshold++) {
        teardown(NULL);
        setup(NULL);
        budget.rules.lockout_threshold = threshold; /* reserve 3 */
        expect(TRY(.name = "ada", .epid = "e1", .ticket = 7), FAULT_NONE);
        for (int i = 0; i < 20; i++)
            WRONG(.name = "ada");
        expect(TRY(.name = "ada"), FAULT_BUDGET_ACCOUNT);
        expect(TRY(.name = "ada", .epid = "e1"), FAULT_NONE);
        if (threshold < 7)
            continue;
        for (int i = 0; i < 20; i++)
            WRONG(.name = "ada", .epid = "e1");
        expect(TRY(.name = "ada", .epid = "e1", .resumed = 7), FAULT_NONE);
    }
}

static void two_hundred_sources_at_one_account_cause_no_more_look_ups(void **state)
{
    (void)state;
    static const char *const names[] = { "ada", "EXAMPLE\\ada", "ada@example.com" };
    char source[20];

    expect(TRY(.name = "ada", .epid = "e1", .source = "203.0.113.1"), FAULT_NONE);
    asked = 0;
    for (unsigned i = 0; i < 2000; i++) {
        unsigned way = i % 3;

        snprintf(source, sizeof(source), "10.%u.%u.1", i % 200, i / 200);
        enum fault f = way == 1 ? WRONG(.name = "ada", .domain = "EXAMPLE", .source = source)
                                : WRONG(.name = names[way], .source = source);
        expect(f, i < 4 ? FAULT_USER_WRONG_PASSWORD : FAULT_BUDGET_ACCOUNT);
    }
    assert_int_equal(asked, 4);
    expect(TRY(.name = "ada", .epid = "e1", .source = "203.0.113.1"), FAULT_NONE);
}

static void one_attacker_against_five_thousand_accounts_takes_each_its_own(void **state)
{
    (void)state;
    char name[20];

    for (unsigned round = 0; round < 6; round++) {
        for (unsigned i = 0; i < 5000; i++) {
            snprintf(name, sizeof(name), "user-%u", i);
            expect(WRONG(.name = name),
                   round < 4 ? FAULT_USER_WRONG_PASSWORD : FAULT_BUDGET_ACCOUNT);
        }
    }
    assert_int_equal(asked, 20000);
    assert_int_equal(budget.table.accounts.count, 5000);
    now += 1800;
    expect(TRY(.name = "user-17"), FAULT_NONE);
}

static void the_table_is_bounded_and_forgets_no_account_under_attack(void **state)
{
    (void)state;
    char name[20], source[20];

    budget.table.max = 100;
    exhaust("ada", FAULT_USER_WRONG_PASSWORD);
    expect(TRY(.name = "bob", .epid = "e1"), FAULT_NONE);
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(name, sizeof(name), "no-%u", i);
        snprintf(source, sizeof(source), "10.0.%u.1", i % 250);
        expect(WRONG(.name = name, .source = source), FAULT_USER_UNKNOWN);
        assert_true(budget.table.accounts.count <= 100);
    }
    expect(TRY(.name = "ada"), FAULT_BUDGET_ACCOUNT);
    assert_null(budget_find(&budget, STR_NONE, STR("no-0")));
    assert_non_null(budget_find(&budget, STR_NONE, STR("no-999")));
    assert_non_null(budget_find(&budget, STR_NONE, STR("bob")));
    /* accounts exist in number: they are all kept while they are attacked */
    for (unsigned i = 0; i < 300; i++) {
        snprintf(name, sizeof(name), "user-%u", i);
        expect(WRONG(.name = name), FAULT_USER_WRONG_PASSWORD);
    }
    expect(TRY(.name = "ada"), FAULT_BUDGET_ACCOUNT);
    assert_int_equal(budget_find(&budget, STR_NONE, STR("user-0"))->strangers[0].failures, 1);
}

static void one_network_fills_only_its_own_share_of_the_table(void **state)
{
    (void)state;
    char name[20];

    expect(WRONG(.name = "theirs", .source = "203.0.113.1"), FAULT_USER_UNKNOWN);
    for (unsigned i = 0; i < 3 * BUDGET_ORIGIN_MAX; i++) {
        snprintf(name, sizeof(name), "no-%u", i);
        expect(WRONG(.name = name), FAULT_USER_UNKNOWN);
    }
    assert_int_equal(budget.table.accounts.count, BUDGET_ORIGIN_MAX + 1);
    assert_int_equal(budget_find(&budget, STR_NONE, STR("theirs"))->strangers[0].failures, 1);
}

static void what_is_forgotten_leaves_the_table(void **state)
{
    (void)state;
    char name[20];

    for (unsigned i = 0; i < 500; i++) {
        snprintf(name, sizeof(name), "no-%u", i);
        WRONG(.name = name);
    }
    now += 1801;
    for (unsigned i = 0; i < 500; i++) {
        snprintf(name, sizeof(name), "more-%u", i);
        WRONG(.name = name);
    }
    assert_int_equal(budget.table.accounts.count, 500);
}

static void an_administrator_clears_a_budget_and_devices_stay_known(void **state)
{
    (void)state;
    expect(TRY(.name = "ada", .epid = "e1"), FAULT_NONE);
    exhaust("ada", FAULT_USER_WRONG_PASSWORD);
    struct budget_account *a = budget_find(&budget, STR("example"), STR("ADA"));
    assert_true(budget_is_over(&budget, a));
    budget_clear(&budget, a, now);
    assert_false(budget_is_over(&budget, a));
    exhaust("ada", FAULT_USER_WRONG_PASSWORD);
    expect(TRY(.name = "ada", .epid = "e1"), FAULT_NONE);
}

/* Everything stored, in a budget of its own. */
static void restart(void)
{
    struct budget after;
    struct buf key = { 0 }, record = { 0 };
    int64_t until;

    budget_init(&after);
    after.rules = budget.rules;
    after.netbios = budget.netbios;
    while (budget_next_change(&budget, now, &key, &record, &until)) {
        if (record.len) {
            assert_true(until > now);
            assert_true(budget_restore(&after, buf_str(&key), buf_str(&record), now));
        }
    }
    buf_fini(&key);
    buf_fini(&record);
    budget_fini(&budget);
    /* the heads of its lists must not move */
    budget_init(&budget);
    budget.rules = after.rules;
    budget.netbios = after.netbios;
    size_t pos = 0;
    struct budget_account *a;
    while ((a = table_next(&after.table.accounts, &pos))) {
        budget_record_write(a, &record);
        assert_true(budget_restore(&budget, a->key, buf_str(&record), now));
        buf_clear(&record);
    }
    buf_fini(&record);
    budget_fini(&after);
}

static void budgets_and_devices_survive_a_restart(void **state)
{
    (void)state;
    expect(TRY(.name = "ada", .epid = "e1", .ticket = 7), FAULT_NONE);
    expect(WRONG(.name = "ada@example.com"), FAULT_USER_WRONG_PASSWORD);
    for (int i = 0; i < 3; i++)
        WRONG(.name = "ada");
    exhaust("nobody", FAULT_USER_UNKNOWN);
    restart();
    asked = 0;
    expect(TRY(.name = "ada"), FAULT_BUDGET_ACCOUNT);
    expect(TRY(.name = "ada@example.com"), FAULT_BUDGET_ACCOUNT);
    expect(TRY(.name = "nobody"), FAULT_BUDGET_ACCOUNT);
    assert_int_equal(asked, 0);
    expect(TRY(.name = "ada", .epid = "e1"), FAULT_NONE);
    expect(TRY(.name = "ada", .resumed = 7, .source = "192.0.2.1"), FAULT_NONE);
    now += 1800;
    expect(TRY(.name = "ada"), FAULT_NONE);
}

static void what_was_forgotten_is_removed_from_the_store(void **state)
{
    (void)state;
    struct buf key = { 0 }, record = { 0 };
    int64_t until;

    WRONG(.name = "nobody");
    WRONG(.name = "ada");
    assert_true(budget_next_change(&budget, now, &key, &record, &until));
    assert_true(str_eq(buf_str(&key), STR("NOBODY")) && record.len && until == now + 1800);
    assert_true(budget_next_change(&budget, now, &key, &record, &until));
    assert_false(budget_next_change(&budget, now, &key, &record, &until));
    now += 1800;
    WRONG(.name = "bob");
    assert_true(budget_next_change(&budget, now, &key, &record, &until));
    assert_true(str_eq(buf_str(&key), STR("NOBODY")) && record.len == 0);
    assert_true(budget_next_change(&budget, now, &key, &record, &until));
    assert_true(str_eq(buf_str(&key), STR("ADA")) && record.len == 0);
    struct budget_account *a = budget_find(&budget, STR_NONE, STR("bob"));
    budget_clear(&budget, a, now);
    assert_true(budget_next_change(&budget, now, &key, &record, &until));
    assert_true(str_eq(buf_str(&key), STR("BOB")) && record.len == 0);
    buf_fini(&key);
    buf_fini(&record);
}

static void a_damaged_record_is_left_out(void **state)
{
    (void)state;
    struct buf record = { 0 };

    expect(TRY(.name = "ada", .epid = "e1", .ticket = 7), FAULT_NONE);
    expect(WRONG(.name = "ada@example.com"), FAULT_USER_WRONG_PASSWORD);
    budget_record_write(budget_find(&budget, STR_NONE, STR("ada")), &record);
    for (size_t len = 0; len < record.len; len++) {
        char *copy = str_own(str_first(buf_str(&record), len));
        assert_false(budget_restore(&budget, STR("OTHER"), str_of(copy, len), now));
        assert_null(budget_find(&budget, STR_NONE, STR("other")));
        free(copy);
    }
    record.ptr[0]++;
    assert_false(budget_restore(&budget, STR("OTHER"), buf_str(&record), now));
    record.ptr[0]--;
    record.ptr[record.len - 1] = '\0'; /* in the middle of a name */
    assert_false(budget_restore(&budget, STR("OTHER"), buf_str(&record), now));
    buf_fini(&record);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(strangers_are_refused_unasked_once_they_failed_too_often),
        TEST(all_spellings_of_an_account_share_a_budget),
        TEST(a_name_not_seen_before_costs_one_look_up_and_is_then_known),
        TEST(unknown_names_behave_like_known_ones),
        TEST(an_account_made_after_its_name_was_tried_keeps_the_count),
        TEST(what_can_be_no_name_shares_one_budget),
        TEST(a_known_device_signs_in_while_its_account_is_attacked),
        TEST(a_copied_epid_from_another_network_is_a_stranger),
        TEST(a_copied_epid_in_the_same_network_does_not_stop_a_resumed_session),
        TEST(from_an_address_over_its_budget_only_known_devices_are_judged),
        TEST(a_session_of_somebody_else_is_a_stranger),
        TEST(four_sessions_of_a_device_are_remembered),
        TEST(a_device_is_forgotten_after_its_life),
        TEST(of_many_devices_the_one_longest_unused_goes),
        TEST(an_ipv6_device_is_known_in_its_64),
        TEST(without_an_epid_nobody_is_known_by_the_network),
        TEST(a_retransmitted_token_counts_once),
        TEST(policy_refusals_cost_nothing),
        TEST(a_window_begins_with_its_first_failure_and_is_forgotten_as_a_whole),
        TEST(a_clock_set_back_keeps_nobody_out_for_longer_than_a_window),
        TEST(the_right_password_forgives_the_strangers_typing_errors),
        TEST(inside_is_not_counted_unless_asked_for),
        TEST(the_ceiling_holds_whatever_the_front_says),
        TEST(outside_never_reaches_the_lockout_threshold),
        TEST(guesses_with_pauses_do_not_reach_the_lockout_threshold_either),
        TEST(known_devices_keep_a_try_when_strangers_used_up_theirs),
        TEST(two_hundred_sources_at_one_account_cause_no_more_look_ups),
        TEST(one_attacker_against_five_thousand_accounts_takes_each_its_own),
        TEST(the_table_is_bounded_and_forgets_no_account_under_attack),
        TEST(one_network_fills_only_its_own_share_of_the_table),
        TEST(what_is_forgotten_leaves_the_table),
        TEST(an_administrator_clears_a_budget_and_devices_stay_known),
        TEST(budgets_and_devices_survive_a_restart),
        TEST(what_was_forgotten_is_removed_from_the_store),
        TEST(a_damaged_record_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
