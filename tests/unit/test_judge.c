/* SPDX-License-Identifier: MIT */
/* Every verdict, asked with messages that a client of the named kind would send. */
#include "authd/judge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/utf16.h"
#include "ntlm/accept.h"
#include "ntlm/crypt.h"
#include "ntlm/initiate.h"

static const uint32_t XP_FLAGS = 0x42008255, SEVEN_FLAGS = 0xE2988255;
static const int64_t NOW = 1800000000;

static struct judge judge;
static struct ntlm_policy_set *policy;
static struct judge_answer answer;

/* A sign-in about to be tried; what is not set is right. */
struct
try {
    const char *name, *domain, *password, *from;
    unsigned level; /* LmCompatibilityLevel of the client */
    bool remote, lm_only, anonymous, truncated;
    bool again; /* the same random numbers as before, so perhaps the same octets */
    const char *epid, *source;
    uint64_t resumed, ticket;
    int64_t late_s;       /* the client's clock against ours */
    uint8_t exported[16]; /* what the client thinks the key is */
};

static void add_user(const char *name, unsigned flags, int64_t expires)
{
    struct user u = { .flags = flags, .expires = expires };
    struct buf wide = { 0 };
    uint8_t hash[16];

    snprintf(u.name, sizeof(u.name), "%s", name);
    snprintf(u.uri, sizeof(u.uri), "sip:%s@example.com", name);
    snprintf(u.upn, sizeof(u.upn), "%s.upn@corp.example.net", name);
    snprintf(u.display, sizeof(u.display), "The %s", name);
    assert_true(utf16_from_utf8(STR("Passw0rd!"), &wide));
    ntlm_ntowfv1(buf_str(&wide), hash);
    buf_fini(&wide);
    assert_int_equal(judge.store->ops->add(judge.store, &u, hash), STORE_OK);
}

static void use_preset(const char *name)
{
    assert_true(ntlm_policy_preset(str_from_c(name), &policy->base));
}

static int setup(void **state)
{
    static const char *const domains[] = { "example.com", "corp.example.com" };

    (void)state;
    judge_init(&judge);
    policy = ntlm_policy_set_new();
    use_preset("windows-2003");
    judge.store = store_memory_new("EXAMPLE");
    judge.policy = policy;
    judge.domains = domains;
    judge.domain_count = 2;
    add_user("ada", USER_SIP_ENABLED | USER_REMOTE_ACCESS, 0);
    add_user("bob", USER_SIP_ENABLED, 0);
    add_user("off", USER_SIP_ENABLED | USER_DISABLED, 0);
    add_user("gone", USER_SIP_ENABLED, NOW);
    add_user("stale", USER_SIP_ENABLED | USER_MUST_CHANGE, 0);
    add_user("shut", USER_SIP_ENABLED | USER_LOCKED, 0);
    add_user("plain", 0, 0);
    add_user("J\xC3\xB6rg", USER_SIP_ENABLED, 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    judge.store->ops->free(judge.store);
    judge_fini(&judge);
    ntlm_policy_set_free(policy);
    return 0;
}

static void make_challenge(const uint8_t server_challenge[8], struct buf *out)
{
    const struct ntlm_names names = { .nb_computer = STR("FE01"),
                                      .nb_domain = STR("EXAMPLE"),
                                      .dns_computer = STR("fe01.example.com"),
                                      .dns_domain = STR("example.com") };

    ntlm_accept_challenge(&names, NTLM_DEFAULT_OFFER, server_challenge, 0, out);
}

static void make_authenticate(struct try *t, struct str challenge, struct buf *out)
{
    static uint8_t fresh = 0;
    uint32_t flags;
    struct ntlm_initiate in = {
        .flags_wanted = t->level >= 1 ? SEVEN_FLAGS : XP_FLAGS,
        .lm_compatibility = t->level,
        .version = { 5, 1, 2600, 15 },
        .domain = str_from_c(t->domain),
        .user = str_from_c(t->name),
        .workstation = STR("D620-SPARE1"),
        .password = str_from_c(t->password ? t->password : "Passw0rd!"),
        .client_challenge = "\x11\x22\x33\x44\x55\x66\x77",
        .random_session_key = "0123456789abcde",
        .filetime = filetime_from_unix(NOW + t->late_s),
    };

    fresh = (uint8_t)(fresh + !t->again);
    in.client_challenge[7] = fresh;
    in.random_session_key[15] = fresh;
    assert_int_equal(ntlm_initiate(&in, challenge, out, &flags, t->exported), FAULT_NONE);
}

/* Sets the length of one of the payload fields ([MS-NLMP] 2.2.1.3: LM at 12, NT at 20). */
static void field_empty(struct buf *message, size_t at)
{
    memset(message->ptr + at, 0, 4);
}

/* The slices of an answer point into itself. */
static void keep(const struct judge_case *k)
{
    answer = k->answer;
    if (answer.verdict.account.ptr == k->answer.account)
        answer.verdict.account.ptr = answer.account;
    if (answer.user.name[0]) {
        answer.verdict.uri = str_from_c(answer.user.uri);
        answer.verdict.display = str_from_c(answer.user.display);
    }
}

/* What one question is made of, until it is answered. */
struct asked {
    struct buf challenge, message;
    char from[300];
    struct judge_case k;
};

static void compose(struct try *t, struct asked *q)
{
    static const uint8_t server_challenge[8] = { 8, 7, 6, 5, 4, 3, 2, 1 };

    *q = (struct asked){
        .k = { .q = { .id = 42, .deadline_ms = 1000, .remote = t->remote },
               .time = { .now = NOW, .filetime = filetime_from_unix(NOW), .day = 20270115 },
               .names = &judge.names }
    };
    snprintf(q->from, sizeof(q->from), "sip:%s@example.com", t->name);
    make_challenge(server_challenge, &q->challenge);
    make_authenticate(t, buf_str(&q->challenge), &q->message);
    if (t->lm_only || t->anonymous)
        field_empty(&q->message, 20);
    if (t->anonymous)
        field_empty(&q->message, 12);
    struct proto_question *p = &q->k.q;
    memcpy(p->server_challenge, server_challenge, 8);
    p->challenge = buf_str(&q->challenge);
    p->authenticate = str_first(buf_str(&q->message), t->truncated ? 60 : q->message.len);
    p->from_uri = str_from_c(t->from ? t->from : q->from);
    p->source = t->source ? str_of(t->source, 4) : STR("\x0A\0\0\1");
    p->epid = str_from_c(t->epid);
    p->resumed = t->resumed;
    p->tickets[0] = t->ticket;
}

static enum fault answered(struct asked *q)
{
    keep(&q->k);
    buf_fini(&q->challenge);
    buf_fini(&q->message);
    assert_true(answer.verdict.id == 42);
    return answer.verdict.fault;
}

static enum fault ask(struct try *t)
{
    struct asked q;

    compose(t, &q);
    arena_reset(&judge.names);
    judge_question(&judge, &q.k);
    return answered(&q);
}

static bool no_key(void)
{
    static const uint8_t none[16];

    return memcmp(answer.verdict.keys, none, 16) == 0;
}

static void refused(struct try t, enum fault fault)
{
    assert_string_equal(fault_name(ask(&t)), fault_name(fault));
    assert_false(answer.verdict.password_proved);
    assert_true(no_key());
}

static void proved_but_refused(struct try t, enum fault fault)
{
    assert_string_equal(fault_name(ask(&t)), fault_name(fault));
    assert_true(answer.verdict.password_proved);
    assert_memory_equal(answer.verdict.keys, t.exported, 16);
}

static void signed_in(struct try t)
{
    assert_string_equal(fault_name(ask(&t)), "none");
    assert_true(answer.verdict.password_proved);
    assert_memory_equal(answer.verdict.keys, t.exported, 16);
}

#define TRY(...) ((struct try){ __VA_ARGS__ })

static void the_right_password_signs_in_with_every_kind_of_response(void **state)
{
    (void)state;
    for (unsigned level = 0; level <= 5; level++)
        signed_in(TRY(.name = "ada", .domain = "EXAMPLE", .level = level));
}

static void the_verdict_tells_who_it_is(void **state)
{
    (void)state;
    signed_in(TRY(.name = "ADA", .domain = "example", .level = 3, .from = "SIP:Ada@Example.com"));
    assert_true(str_eq(answer.verdict.account, STR("EXAMPLE\\ada")));
    assert_true(str_eq(answer.verdict.uri, STR("sip:ada@example.com")));
    assert_true(str_eq(answer.verdict.display, STR("The ada")));
    assert_int_equal(answer.verdict.user_flags, USER_SIP_ENABLED | USER_REMOTE_ACCESS);
}

static void the_account_may_be_named_in_every_way_windows_allows(void **state)
{
    (void)state;
    static const char *const from = "sip:ada@example.com";

    signed_in(TRY(.name = "ada", .domain = "", .level = 3));
    signed_in(TRY(.name = "ada", .domain = "EXAMPLE.com", .level = 3));
    signed_in(TRY(.name = "ada", .domain = "corp.example.com", .level = 3));
    signed_in(TRY(.name = "ada.upn@corp.example.net", .domain = "", .level = 3, .from = from));
    signed_in(TRY(.name = "ADA@corp.example.com", .domain = "", .level = 3, .from = from));
    signed_in(TRY(.name = "Example\\ada", .domain = "", .level = 3, .from = from));
    signed_in(TRY(.name = "j\xC3\xB6RG", .domain = "EXAMPLE", .level = 3,
                  .from = "sip:J\xC3\xB6rg@example.com"));
}

static void an_unknown_account_is_unknown(void **state)
{
    (void)state;
    refused(TRY(.name = "eve", .domain = "EXAMPLE", .level = 3), FAULT_USER_UNKNOWN);
    refused(TRY(.name = "ada", .domain = "OTHER", .level = 3), FAULT_USER_UNKNOWN);
    refused(TRY(.name = "ada@other.org", .domain = "", .level = 3), FAULT_USER_UNKNOWN);
    refused(TRY(.name = "OTHER\\ada", .domain = "", .level = 3), FAULT_USER_UNKNOWN);
    assert_int_equal(answer.verdict.account.len, 0);
}

static void a_wrong_password_is_refused_with_every_kind_of_response(void **state)
{
    (void)state;
    for (unsigned level = 0; level <= 5; level++)
        refused(TRY(.name = "ada", .domain = "EXAMPLE", .password = "passw0rd!", .level = level),
                FAULT_USER_WRONG_PASSWORD);
}

static void a_response_older_than_the_directory_accepts_is_refused_before_the_password(void **state)
{
    (void)state;
    use_preset("strict"); /* lm_compatibility 5 */
    refused(TRY(.name = "ada", .level = 0), FAULT_POLICY_LM_COMPATIBILITY);
    refused(TRY(.name = "ada", .level = 1), FAULT_POLICY_LM_COMPATIBILITY);
    refused(TRY(.name = "ada", .level = 1, .password = "wrong"), FAULT_POLICY_LM_COMPATIBILITY);
    refused(TRY(.name = "eve", .level = 2), FAULT_POLICY_LM_COMPATIBILITY);
    signed_in(TRY(.name = "ada", .level = 3));
}

static void audit_mode_lets_an_older_response_in_and_says_so(void **state)
{
    (void)state;
    use_preset("strict");
    policy->base.mode = NTLM_POLICY_AUDIT;
    signed_in(TRY(.name = "ada", .level = 1));
    assert_int_equal(answer.verdict.audited, FAULT_POLICY_LM_COMPATIBILITY);
    refused(TRY(.name = "ada", .level = 1, .password = "wrong"), FAULT_USER_WRONG_PASSWORD);
    signed_in(TRY(.name = "ada", .level = 3));
    assert_int_equal(answer.verdict.audited, FAULT_NONE);
}

static void an_exception_is_chosen_by_the_address_claimed(void **state)
{
    (void)state;
    static char *users[] = { (char *)"sip:b*@example.com" };
    struct ntlm_policy_exception e = { .name = (char *)"old phones",
                                       .users = users,
                                       .user_count = 1 };

    use_preset("strict");
    e.policy = policy->base;
    e.policy.lm_compatibility = 2;
    struct ntlm_policy_set with = *policy;
    with.exceptions = &e;
    with.exception_count = 1;
    judge.policy = &with;
    signed_in(TRY(.name = "bob", .level = 1));
    refused(TRY(.name = "ada", .level = 1), FAULT_POLICY_LM_COMPATIBILITY);
    /* claiming somebody else's exception gets nobody in */
    proved_but_refused(TRY(.name = "ada", .level = 1, .from = "sip:bob@example.com"),
                       FAULT_USER_URI_NOT_THEIRS);
}

static void lm_only_and_anonymous_answers_are_always_refused(void **state)
{
    (void)state;
    refused(TRY(.name = "ada", .level = 0, .lm_only = true), FAULT_NTLM_LM_ONLY);
    policy->base.mode = NTLM_POLICY_AUDIT;
    refused(TRY(.name = "ada", .level = 0, .lm_only = true), FAULT_NTLM_LM_ONLY);
    refused(TRY(.name = "ada", .level = 3, .anonymous = true), FAULT_NTLM_ANONYMOUS);
    refused(TRY(.name = "", .level = 3, .anonymous = true), FAULT_NTLM_ANONYMOUS);
    refused(TRY(.name = "", .level = 3), FAULT_NTLM_ANONYMOUS);
}

static void a_damaged_message_is_malformed(void **state)
{
    (void)state;
    refused(TRY(.name = "ada", .level = 3, .truncated = true), FAULT_NTLM_MALFORMED);
}

static void a_clock_too_far_off_is_told_from_a_wrong_password(void **state)
{
    (void)state;
    refused(TRY(.name = "ada", .level = 3, .late_s = 37 * 3600), FAULT_NTLM_TIME);
    signed_in(TRY(.name = "ada", .level = 3, .late_s = -35 * 3600));
}

static void a_locked_account_is_locked_whatever_the_password(void **state)
{
    (void)state;
    refused(TRY(.name = "shut", .level = 3), FAULT_USER_LOCKED);
    refused(TRY(.name = "shut", .level = 3, .password = "wrong"), FAULT_USER_LOCKED);
}

static void the_state_of_an_account_shows_only_with_the_right_password(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum fault fault;
    } cases[] = { { "off", FAULT_USER_DISABLED },
                  { "gone", FAULT_USER_EXPIRED },
                  { "stale", FAULT_USER_MUST_CHANGE } };

    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        refused(TRY(.name = cases[i].name, .level = 3), cases[i].fault);
        refused(TRY(.name = cases[i].name, .level = 3, .password = "wrong"),
                FAULT_USER_WRONG_PASSWORD);
    }
}

static void what_sip_forbids_comes_with_the_key_to_sign_the_refusal(void **state)
{
    (void)state;
    proved_but_refused(TRY(.name = "plain", .level = 3), FAULT_USER_NOT_SIP_ENABLED);
    proved_but_refused(TRY(.name = "ada", .level = 3, .from = "sip:bob@example.com"),
                       FAULT_USER_URI_NOT_THEIRS);
    proved_but_refused(TRY(.name = "ada", .level = 3, .from = "tel:+4930"),
                       FAULT_USER_URI_NOT_THEIRS);
    proved_but_refused(TRY(.name = "bob", .level = 3, .remote = true),
                       FAULT_REMOTE_ACCESS_NOT_ENABLED);
    signed_in(TRY(.name = "ada", .level = 3, .remote = true));
    refused(TRY(.name = "plain", .level = 3, .password = "wrong"), FAULT_USER_WRONG_PASSWORD);
}

static void nothing_locks_while_the_threshold_is_off(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) {
        refused(TRY(.name = "ada", .level = 3, .password = "wrong"), FAULT_USER_WRONG_PASSWORD);
        assert_false(answer.lockout_changed);
    }
    signed_in(TRY(.name = "ada", .level = 3));
}

static void too_many_wrong_passwords_lock_the_account_however_it_is_named(void **state)
{
    (void)state;
    judge.lockout.rules =
        (struct lockout_rules){ .threshold = 3, .window_s = 60, .duration_s = 60 };
    refused(TRY(.name = "ada", .level = 3, .password = "1"), FAULT_USER_WRONG_PASSWORD);
    assert_true(answer.lockout_changed && answer.lockout.bad_count == 1);
    refused(TRY(.name = "ADA", .domain = "EXAMPLE", .level = 0, .password = "2"),
            FAULT_USER_WRONG_PASSWORD);
    refused(TRY(.name = "ada.upn@corp.example.net", .domain = "", .level = 3, .password = "3"),
            FAULT_USER_WRONG_PASSWORD);
    assert_true(answer.lockout_changed && answer.lockout.locked_until == NOW + 60);
    refused(TRY(.name = "ada", .level = 3), FAULT_USER_LOCKED);
    assert_false(answer.lockout_changed);
    signed_in(TRY(.name = "bob", .level = 3));
}

static void a_right_password_begins_the_count_anew(void **state)
{
    (void)state;
    judge.lockout.rules =
        (struct lockout_rules){ .threshold = 2, .window_s = 60, .duration_s = 60 };
    for (int i = 0; i < 5; i++) {
        refused(TRY(.name = "ada", .level = 3, .password = "1"), FAULT_USER_WRONG_PASSWORD);
        signed_in(TRY(.name = "ada", .level = 3));
        assert_true(answer.lockout_changed && answer.lockout.bad_count == 0);
    }
    signed_in(TRY(.name = "ada", .level = 3));
    assert_false(answer.lockout_changed);
}

static void what_policy_refuses_does_not_count_as_a_wrong_password(void **state)
{
    (void)state;
    use_preset("strict");
    judge.lockout.rules =
        (struct lockout_rules){ .threshold = 1, .window_s = 60, .duration_s = 60 };
    refused(TRY(.name = "ada", .level = 1, .password = "1"), FAULT_POLICY_LM_COMPATIBILITY);
    signed_in(TRY(.name = "ada", .level = 3));
}

static void lockouts_end_by_time_and_by_an_administrator(void **state)
{
    (void)state;
    struct lockout l = { .rules = { .threshold = 2, .window_s = 10, .duration_s = 100 } };
    struct user u = { .name = "ada" };
    struct user_lockout now;

    assert_true(lockout_wrong(&l, &u, 1000, &now));
    assert_true(lockout_wrong(&l, &u, 1011, &now)); /* the first is forgotten */
    assert_true(now.bad_count == 1 && now.locked_until == 0);
    assert_true(lockout_wrong(&l, &u, 1012, &now));
    assert_int_equal(now.locked_until, 1112);
    assert_int_equal(lockout_state(&l, &u).locked_until, 1112);
    u.lockout.unlocks = 1;
    assert_int_equal(lockout_state(&l, &u).locked_until, 0);
    l.rules.duration_s = 0;
    lockout_wrong(&l, &u, 2000, &now);
    lockout_wrong(&l, &u, 2000, &now);
    assert_true(now.locked_until == INT64_MAX && now.unlocks == 1);
    lockout_fini(&l);
}

static void a_lookup_tells_the_flags_of_today(void **state)
{
    (void)state;
    struct proto_flags f;

    judge_lookup(&judge, &(struct proto_lookup){ .id = 1, .uri = STR("SIP:ADA@example.com") }, NOW,
                 &f);
    assert_true(f.id == 1 && f.known);
    assert_int_equal(f.user_flags, USER_SIP_ENABLED | USER_REMOTE_ACCESS);
    judge_lookup(&judge, &(struct proto_lookup){ .uri = STR("sip:gone@example.com") }, NOW - 1, &f);
    assert_int_equal(f.user_flags, USER_SIP_ENABLED);
    judge_lookup(&judge, &(struct proto_lookup){ .uri = STR("sip:gone@example.com") }, NOW, &f);
    assert_int_equal(f.user_flags, USER_SIP_ENABLED | USER_DISABLED);
    judge_lookup(&judge, &(struct proto_lookup){ .uri = STR("sip:eve@example.com") }, NOW, &f);
    assert_false(f.known);
    judge_lookup(&judge, &(struct proto_lookup){ .uri = STR_NONE }, NOW, &f);
    assert_false(f.known);
}

static enum store_status broken_find(struct store *s, struct str domain, struct str name,
                                     struct user *out, uint8_t nt_hash[16])
{
    (void)s;
    (void)domain;
    (void)name;
    (void)out;
    (void)nt_hash;
    return STORE_FAILED;
}

static void a_failing_directory_is_never_a_wrong_password(void **state)
{
    (void)state;
    struct store_ops ops = { .find = broken_find };
    struct store broken = { .ops = &ops };
    struct store *whole = judge.store;

    judge.store = &broken;
    refused(TRY(.name = "ada", .level = 3), FAULT_DIRECTORY_FAILED);
    judge.store = whole;
}

/* --- failure budgets --- */

static void use_budget(void)
{
    judge.budget.netbios = "EXAMPLE";
    judge.budget.rules = (struct budget_rules){ .account_failures = 4,
                                                .device_failures = 3,
                                                .ceiling = 100,
                                                .window_s = 1800,
                                                .device_life_s = 86400 };
}

static void guess(const char *name, const char *domain, enum fault fault)
{
    refused(TRY(.name = name, .domain = domain, .level = 3, .remote = true, .password = "wrong"),
            fault);
}

static void outside_an_account_may_be_guessed_at_only_so_often(void **state)
{
    (void)state;
    static const char *const from = "sip:ada@example.com";

    use_budget();
    signed_in(TRY(.name = "ada", .level = 3, .remote = true, .epid = "e1", .ticket = 9));
    guess("ada", "EXAMPLE", FAULT_USER_WRONG_PASSWORD);
    guess("Example\\ADA", "", FAULT_USER_WRONG_PASSWORD);
    guess("ada.upn@corp.example.net", "", FAULT_USER_WRONG_PASSWORD);
    guess("ada@corp.example.com", "", FAULT_USER_WRONG_PASSWORD);
    uint64_t before = judge.directory_lookups;
    guess("ada", "corp.example.com", FAULT_BUDGET_ACCOUNT);
    guess("ADA@corp.example.com", "", FAULT_BUDGET_ACCOUNT);
    refused(TRY(.name = "ada", .level = 3, .remote = true), FAULT_BUDGET_ACCOUNT);
    assert_true(str_eq(answer.verdict.account, STR("EXAMPLE\\ada")));
    assert_int_equal(judge.directory_lookups, before);
    assert_int_equal(judge.budget.refused, 3);
    /* who was here before, and who is inside, comes in */
    signed_in(TRY(.name = "ada", .level = 3, .remote = true, .epid = "e1"));
    signed_in(TRY(.name = "ada", .level = 3, .remote = true, .resumed = 9, .source = "\1\2\3\4"));
    refused(TRY(.name = "ada", .level = 3, .remote = true, .epid = "e1", .source = "\1\2\4\4"),
            FAULT_BUDGET_ACCOUNT);
    signed_in(TRY(.name = "ada", .level = 3, .from = from));
}

static void a_name_that_is_nobodys_has_the_same_budget(void **state)
{
    (void)state;
    use_budget();
    for (int i = 0; i < 4; i++)
        guess(i % 2 ? "EVE" : "eve", "EXAMPLE", FAULT_USER_UNKNOWN);
    uint64_t before = judge.directory_lookups;
    guess("eve", "", FAULT_BUDGET_ACCOUNT);
    assert_int_equal(judge.directory_lookups, before);
}

static void one_token_sent_twice_is_one_guess(void **state)
{
    (void)state;
    use_budget();
    guess("ada", "", FAULT_USER_WRONG_PASSWORD);
    assert_true(answer.verdict.counts);
    uint64_t before = judge.directory_lookups;
    for (int i = 0; i < 10; i++) {
        refused(TRY(.name = "ada", .domain = "", .level = 3, .remote = true, .password = "wrong",
                    .again = true),
                FAULT_USER_WRONG_PASSWORD);
        assert_false(answer.verdict.counts);
    }
    assert_int_equal(judge.directory_lookups, before);
    signed_in(TRY(.name = "ada", .level = 3, .remote = true));
}

static void what_policy_or_structure_refuses_costs_no_budget(void **state)
{
    (void)state;
    use_budget();
    use_preset("strict");
    for (int i = 0; i < 10; i++) {
        refused(TRY(.name = "ada", .level = 1, .remote = true, .password = "wrong"),
                FAULT_POLICY_LM_COMPATIBILITY);
        assert_false(answer.verdict.counts);
        refused(TRY(.name = "ada", .level = 3, .remote = true, .truncated = true),
                FAULT_NTLM_MALFORMED);
        assert_false(answer.verdict.counts);
        proved_but_refused(TRY(.name = "bob", .level = 3, .remote = true),
                           FAULT_REMOTE_ACCESS_NOT_ENABLED);
        assert_false(answer.verdict.counts);
    }
    signed_in(TRY(.name = "ada", .level = 3, .remote = true));
}

/* All of them look like a wrong password from outside, so they must go on looking like one: a
 * budget that is not used up would tell that the account is locked, or that the password was right.
 */
static void what_looks_like_a_wrong_password_costs_as_much(void **state)
{
    (void)state;
    static const struct {
        struct try attempt;
        enum fault fault;
    } cases[] = {
        { { .name = "shut", .level = 3, .remote = true }, FAULT_USER_LOCKED },
        { { .name = "off", .level = 3, .remote = true }, FAULT_USER_DISABLED },
        { { .name = "ada", .level = 3, .remote = true, .late_s = 37 * 3600 }, FAULT_NTLM_TIME },
    };

    use_budget();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        for (int k = 0; k < 4; k++) {
            refused(cases[i].attempt, cases[i].fault);
            assert_true(answer.verdict.counts);
        }
        refused(cases[i].attempt, FAULT_BUDGET_ACCOUNT);
        assert_true(answer.verdict.counts);
    }
}

static void a_budget_is_found_by_every_name_of_its_account(void **state)
{
    (void)state;
    static const char *const names[] = { "ADA", "EXAMPLE\\ada", "ada@example.com",
                                         "ada.upn@corp.example.net", "sip:ada@example.com" };
    use_budget();
    guess("ada", "", FAULT_USER_WRONG_PASSWORD);
    for (unsigned i = 0; i < ARRAY_LEN(names); i++)
        assert_non_null(judge_budget_find(&judge, str_from_c(names[i])));
    assert_null(judge_budget_find(&judge, STR("bob")));
    assert_null(judge_budget_find(&judge, STR("203.0.113.5")));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* --- in steps, as with Active Directory --- */

/* What a domain controller gives for the response of an account with the password "Passw0rd!". */
static void session_key_of(const struct judge_case *k, uint8_t key[16])
{
    const struct ntlm_authenticate *m = &k->message;
    struct buf password = { 0 };
    uint8_t hash[16], v2[16];

    utf16_from_utf8(STR("Passw0rd!"), &password);
    ntlm_ntowfv1(buf_str(&password), hash);
    buf_fini(&password);
    if (ntlm_response_kind(m) != NTLM_RESPONSE_NTLMV2) {
        ntlm_md4(str_of(hash, 16), key);
        return;
    }
    ntlm_ntowfv2(hash, m->user, m->domain, false, v2);
    ntlm_hmac_md5(str_of(v2, 16), str_first(m->nt_response, 16), STR_NONE, key);
}

static struct user someone(const char *name, unsigned flags)
{
    struct user u = { .flags = flags };

    snprintf(u.name, sizeof(u.name), "%s", name);
    snprintf(u.domain, sizeof(u.domain), "EXAMPLE");
    snprintf(u.uri, sizeof(u.uri), "sip:%s@example.com", name);
    return u;
}

/* The domain controller says `said`; the directory shows `u`. */
static enum fault ask_in_steps(struct try *t, enum fault said, const struct user *u, bool shared)
{
    struct asked q;
    uint8_t key[16];

    compose(t, &q);
    arena_reset(&judge.names);
    enum judge_step step = judge_begin(&judge, &q.k);
    if (step == JUDGE_FIND)
        step = judge_found(&judge, &q.k, FAULT_NONE, u, shared);
    if (step == JUDGE_PROVE) {
        session_key_of(&q.k, key);
        judge_proved(&judge, &q.k, said, key, u, shared);
    }
    return answered(&q);
}

static void in_steps(struct try t, enum fault said, const struct user *u, enum fault fault)
{
    assert_string_equal(fault_name(ask_in_steps(&t, said, u, false)), fault_name(fault));
}

static void the_keys_come_from_the_controllers_session_key(void **state)
{
    (void)state;
    struct user ada = someone("ada", USER_SIP_ENABLED);

    for (unsigned level = 0; level <= 3; level++) {
        struct try t = TRY(.name = "ada", .level = level);

        assert_int_equal(ask_in_steps(&t, FAULT_NONE, &ada, false), FAULT_NONE);
        assert_int_equal(answer.verdict.keys_len, 16);
        assert_memory_equal(answer.verdict.keys, t.exported, 16);
        assert_true(answer.verdict.password_proved);
    }
}

static void the_controllers_word_is_passed_on_and_gives_no_key(void **state)
{
    (void)state;
    static const enum fault words[] = { FAULT_USER_WRONG_PASSWORD, FAULT_NTLM_DC_POLICY,
                                        FAULT_USER_LOGON_HOURS, FAULT_DIRECTORY_SLOW };
    struct user ada = someone("ada", USER_SIP_ENABLED);

    for (unsigned i = 0; i < ARRAY_LEN(words); i++) {
        in_steps(TRY(.name = "ada", .level = 3), words[i], &ada, words[i]);
        assert_true(no_key() && !answer.verdict.password_proved);
    }
}

static void who_is_proved_is_asked_what_they_may(void **state)
{
    (void)state;
    struct user off = someone("ada", 0), other = someone("ben", USER_SIP_ENABLED);
    struct user inside = someone("ada", USER_SIP_ENABLED);
    struct try t = TRY(.name = "ada", .level = 3);

    in_steps(t, FAULT_NONE, &off, FAULT_USER_NOT_SIP_ENABLED);
    in_steps(t, FAULT_NONE, &other, FAULT_USER_URI_NOT_THEIRS);
    in_steps(TRY(.name = "ada", .level = 3, .remote = true), FAULT_NONE, &inside,
             FAULT_REMOTE_ACCESS_NOT_ENABLED);
    in_steps(t, FAULT_NONE, NULL, FAULT_USER_NO_ACCOUNT);
    assert_true(answer.verdict.password_proved && !no_key()); /* so that the refusal is signed */
    assert_int_equal(ask_in_steps(&t, FAULT_NONE, &inside, true), FAULT_USER_URI_SHARED);
}

static void guesses_side_by_side_do_not_overrun_the_budget(void **state)
{
    (void)state;
    enum { SIDE_BY_SIDE = 10 };
    static struct asked q[SIDE_BY_SIDE];
    struct user ada = someone("ada", USER_SIP_ENABLED);
    unsigned to_ask = 0;
    uint8_t key[16] = { 0 };

    use_budget();
    arena_reset(&judge.names);
    enum judge_step step[SIDE_BY_SIDE];
    for (unsigned i = 0; i < SIDE_BY_SIDE; i++) {
        struct try t = TRY(.name = "ada", .level = 3, .remote = true, .password = "wrong");

        compose(&t, &q[i]);
        step[i] = judge_begin(&judge, &q[i].k);
        if (step[i] == JUDGE_FIND)
            step[i] = judge_found(&judge, &q[i].k, FAULT_NONE, &ada, false);
        to_ask += step[i] == JUDGE_PROVE;
    }
    assert_int_equal(to_ask, 4);
    for (unsigned i = 0; i < SIDE_BY_SIDE; i++) {
        if (step[i] == JUDGE_PROVE)
            judge_proved(&judge, &q[i].k, FAULT_USER_WRONG_PASSWORD, key, &ada, false);
        assert_int_equal(answered(&q[i]),
                         step[i] == JUDGE_PROVE ? FAULT_USER_WRONG_PASSWORD : FAULT_BUDGET_ACCOUNT);
    }
    in_steps(TRY(.name = "ada", .level = 3, .remote = true), FAULT_NONE, &ada,
             FAULT_BUDGET_ACCOUNT);
}

static void what_nobody_could_look_at_is_given_back(void **state)
{
    (void)state;
    struct user ada = someone("ada", USER_SIP_ENABLED | USER_REMOTE_ACCESS);

    use_budget();
    for (int i = 0; i < 10; i++)
        in_steps(TRY(.name = "ada", .level = 3, .remote = true), FAULT_DIRECTORY_NO_DC, &ada,
                 FAULT_DIRECTORY_NO_DC);
    assert_false(answer.verdict.counts);
    for (int i = 0; i < 10; i++)
        in_steps(TRY(.name = "ada", .level = 3, .remote = true, .epid = "e1"), FAULT_NONE, &ada,
                 FAULT_NONE);
}

/* --- Kerberos --- */

static enum fault with_ticket(const char *principal, const char *from, enum fault accepted)
{
    struct judge_ticket ticket = { .fault = accepted,
                                   .principal = str_from_c(principal),
                                   .keys = STR("thirty-two octets of a ticket key"),
                                   .ends = NOW + 600 };
    struct judge_case k = { .q = { .id = 42,
                                   .scheme = PROTO_KERBEROS,
                                   .authenticate = STR("token"),
                                   .from_uri = str_from_c(from) },
                            .time = { .now = NOW },
                            .names = &judge.names,
                            .ticket = ticket };

    judge.realm = "CORP.EXAMPLE.COM";
    judge_question(&judge, &k);
    keep(&k);
    return answer.verdict.fault;
}

static void a_ticket_signs_its_principal_in(void **state)
{
    (void)state;
    assert_int_equal(with_ticket("ada@CORP.EXAMPLE.COM", "sip:ada@example.com", FAULT_NONE),
                     FAULT_NONE);
    assert_true(answer.verdict.password_proved && answer.verdict.ends == NOW + 600);
    assert_true(str_eq(str_of(answer.verdict.keys, answer.verdict.keys_len),
                       STR("thirty-two octets of a ticket key")));
    assert_true(str_eq(answer.verdict.account, STR("EXAMPLE\\ada")));
}

static void a_ticket_gives_no_more_than_its_account_may(void **state)
{
    (void)state;
    static const struct {
        const char *principal, *from;
        enum fault accepted, fault;
    } cases[] = {
        { "ada@CORP.EXAMPLE.COM", "sip:bob@example.com", 0, FAULT_USER_URI_NOT_THEIRS },
        { "ada@OTHER.COM", "sip:ada@example.com", 0, FAULT_KERBEROS_REALM },
        { "ada@corp.example.com", "sip:ada@example.com", 0, FAULT_KERBEROS_REALM },
        { "ada", "sip:ada@example.com", 0, FAULT_KERBEROS_REALM },
        { "@CORP.EXAMPLE.COM", "sip:ada@example.com", 0, FAULT_KERBEROS_REALM },
        { "ada@OTHER.COM@CORP.EXAMPLE.COM", "sip:ada@example.com", 0, FAULT_USER_UNKNOWN },
        { "eve@CORP.EXAMPLE.COM", "sip:eve@example.com", 0, FAULT_USER_UNKNOWN },
        { "off@CORP.EXAMPLE.COM", "sip:off@example.com", 0, FAULT_USER_DISABLED },
        { "gone@CORP.EXAMPLE.COM", "sip:gone@example.com", 0, FAULT_USER_EXPIRED },
        { "plain@CORP.EXAMPLE.COM", "sip:plain@example.com", 0, FAULT_USER_NOT_SIP_ENABLED },
        { "stale@CORP.EXAMPLE.COM", "sip:stale@example.com", 0, FAULT_NONE },
        { "shut@CORP.EXAMPLE.COM", "sip:shut@example.com", 0, FAULT_NONE },
        { "ada@CORP.EXAMPLE.COM", "sip:ada@example.com", FAULT_KERBEROS_CLOCK_SKEW,
          FAULT_KERBEROS_CLOCK_SKEW },
    };

    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        enum fault fault = with_ticket(cases[i].principal, cases[i].from, cases[i].accepted);

        assert_string_equal(fault_name(fault), fault_name(cases[i].fault));
    }
}

static void tickets_cost_no_budget(void **state)
{
    (void)state;
    use_budget();
    judge.budget.rules.ceiling = 3;
    for (int i = 0; i < 10; i++)
        assert_int_equal(
            with_ticket("ada@CORP.EXAMPLE.COM", "sip:ada@example.com", FAULT_KERBEROS_REPLAY),
            FAULT_KERBEROS_REPLAY);
    assert_false(answer.verdict.counts);
    signed_in(TRY(.name = "ada", .level = 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_right_password_signs_in_with_every_kind_of_response),
        TEST(the_verdict_tells_who_it_is),
        TEST(the_account_may_be_named_in_every_way_windows_allows),
        TEST(an_unknown_account_is_unknown),
        TEST(a_wrong_password_is_refused_with_every_kind_of_response),
        TEST(a_response_older_than_the_directory_accepts_is_refused_before_the_password),
        TEST(audit_mode_lets_an_older_response_in_and_says_so),
        TEST(an_exception_is_chosen_by_the_address_claimed),
        TEST(lm_only_and_anonymous_answers_are_always_refused),
        TEST(a_damaged_message_is_malformed),
        TEST(a_clock_too_far_off_is_told_from_a_wrong_password),
        TEST(a_locked_account_is_locked_whatever_the_password),
        TEST(the_state_of_an_account_shows_only_with_the_right_password),
        TEST(what_sip_forbids_comes_with_the_key_to_sign_the_refusal),
        TEST(nothing_locks_while_the_threshold_is_off),
        TEST(too_many_wrong_passwords_lock_the_account_however_it_is_named),
        TEST(a_right_password_begins_the_count_anew),
        TEST(what_policy_refuses_does_not_count_as_a_wrong_password),
        TEST(lockouts_end_by_time_and_by_an_administrator),
        TEST(a_lookup_tells_the_flags_of_today),
        TEST(a_failing_directory_is_never_a_wrong_password),
        TEST(outside_an_account_may_be_guessed_at_only_so_often),
        TEST(a_name_that_is_nobodys_has_the_same_budget),
        TEST(one_token_sent_twice_is_one_guess),
        TEST(what_policy_or_structure_refuses_costs_no_budget),
        TEST(what_looks_like_a_wrong_password_costs_as_much),
        TEST(a_budget_is_found_by_every_name_of_its_account),
        cmocka_unit_test_setup_teardown(the_keys_come_from_the_controllers_session_key, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_controllers_word_is_passed_on_and_gives_no_key, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(who_is_proved_is_asked_what_they_may, setup, teardown),
        cmocka_unit_test_setup_teardown(guesses_side_by_side_do_not_overrun_the_budget, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_nobody_could_look_at_is_given_back, setup, teardown),
        cmocka_unit_test_setup_teardown(a_ticket_signs_its_principal_in, setup, teardown),
        cmocka_unit_test_setup_teardown(a_ticket_gives_no_more_than_its_account_may, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(tickets_cost_no_budget, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
