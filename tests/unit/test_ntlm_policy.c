/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "ntlm/policy.h"

enum {
    BIT_128 = NTLM_NEGOTIATE_128,
    SESSION = NTLM_EXTENDED_SESSIONSECURITY,
    SEAL = NTLM_NEGOTIATE_SEAL,
    SIGN = NTLM_NEGOTIATE_SIGN,
};

static void presets_are_what_the_windows_versions_come_with(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t min_sec;
        unsigned lm_compatibility;
    } rows[] = {
        { "windows-2003", 0, 2 },
        { "windows-2008", 0, 3 },
        { "windows-2008r2", BIT_128, 3 },
        { "strict", BIT_128 | SESSION, 5 },
    };
    struct ntlm_policy p;

    for (unsigned i = 0; i < 4; i++) {
        assert_string_equal(ntlm_policy_preset_name(i), rows[i].name);
        assert_true(ntlm_policy_preset(str_from_c(rows[i].name), &p));
        assert_int_equal(p.min_server_sec, rows[i].min_sec);
        assert_int_equal(p.min_client_sec, rows[i].min_sec);
        assert_int_equal(p.lm_compatibility, rows[i].lm_compatibility);
        assert_int_equal(p.offer, 0xE2988251);
        assert_int_equal(p.min_sipae_version, 4);
        assert_int_equal(p.mode, NTLM_POLICY_ENFORCE);
    }
    assert_null(ntlm_policy_preset_name(4));
    assert_false(ntlm_policy_preset(STR("windows-95"), &p));
    assert_false(ntlm_policy_preset(STR_NONE, &p));
}

static void the_first_unmet_demand_is_told_and_all_are_counted(void **state)
{
    (void)state;
    static const struct {
        uint32_t demanded, negotiated, unmet;
        enum fault fault;
    } rows[] = {
        { 0, 0, 0, FAULT_NONE },
        { BIT_128, BIT_128, 0, FAULT_NONE },
        { BIT_128 | SESSION | SEAL | SIGN, 0, BIT_128 | SESSION | SEAL | SIGN,
          FAULT_POLICY_128BIT },
        { BIT_128 | SESSION | SEAL | SIGN, BIT_128, SESSION | SEAL | SIGN,
          FAULT_POLICY_NTLMV2_SESSION },
        { SESSION | SEAL | SIGN, SESSION, SEAL | SIGN, FAULT_POLICY_CONFIDENTIALITY },
        { SEAL | SIGN, SEAL, SIGN, FAULT_POLICY_INTEGRITY },
        { 0x00000100, 0xfffffeff, 0x00000100, FAULT_POLICY_MINIMUM },
        { 0x00000100 | SIGN, 0, 0x00000100 | SIGN, FAULT_POLICY_INTEGRITY },
    };
    uint32_t unmet;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct ntlm_policy p = { .min_server_sec = rows[i].demanded };
        assert_int_equal(ntlm_policy_check(&p, rows[i].negotiated, &unmet), rows[i].fault);
        assert_int_equal(unmet, rows[i].unmet);
        assert_int_equal(ntlm_policy_check(&p, rows[i].negotiated, NULL), rows[i].fault);
    }
}

static void server_and_client_minimum_do_not_mix(void **state)
{
    (void)state;
    const struct ntlm_policy server = { .min_server_sec = BIT_128 | SESSION };
    const struct ntlm_policy client = { .min_client_sec = BIT_128 | SESSION };

    assert_int_equal(ntlm_policy_check(&client, 0, NULL), FAULT_NONE);
    assert_int_equal(ntlm_policy_check_challenge(&server, 0), FAULT_NONE);
    assert_int_equal(ntlm_policy_check_challenge(&client, 0), FAULT_POLICY_CLIENT_128BIT);
    assert_int_equal(ntlm_policy_check_challenge(&client, BIT_128), FAULT_POLICY_CLIENT_MINIMUM);
    assert_int_equal(ntlm_policy_check_challenge(&client, BIT_128 | SESSION), FAULT_NONE);
}

static void only_level_5_refuses_everything_but_ntlmv2(void **state)
{
    (void)state;
    for (unsigned level = 0; level <= 5; level++) {
        const struct ntlm_policy p = { .lm_compatibility = level };
        enum fault v1 = level < 5 ? FAULT_NONE : FAULT_POLICY_LM_COMPATIBILITY;
        assert_int_equal(ntlm_policy_check_response(&p, NTLM_RESPONSE_NTLMV2), FAULT_NONE);
        assert_int_equal(ntlm_policy_check_response(&p, NTLM_RESPONSE_NTLMV1), v1);
        assert_int_equal(ntlm_policy_check_response(&p, NTLM_RESPONSE_NTLM2_SESSION), v1);
        assert_int_equal(ntlm_policy_check_response(&p, NTLM_RESPONSE_LM), FAULT_NTLM_LM_ONLY);
        assert_int_equal(ntlm_policy_check_response(&p, NTLM_RESPONSE_ANONYMOUS),
                         FAULT_NTLM_ANONYMOUS);
    }
}

static void minimums_are_read_as_words_or_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t bits;
    } good[] = {
        { "none", 0 },
        { " None ", 0 },
        { "128-bit", BIT_128 },
        { "128-bit, ntlmv2-session", BIT_128 | SESSION },
        { "integrity,confidentiality ,128-BIT", SIGN | SEAL | BIT_128 },
        { "0x20080000", BIT_128 | SESSION },
        { "0x0", 0 },
        { "0x20080030", BIT_128 | SESSION | SIGN | SEAL },
    };
    static const char *const bad[] = {
        "",
        " ",
        ",",
        "128-bit,",
        "128-bit ntlmv2-session",
        "128",
        "20080000",
        "0x",
        "0x1FFFFFFFF",
        "none, 128-bit",
        "datagram",
        "128-bit,,integrity",
        "56-bit",
    };
    uint32_t bits;

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(ntlm_policy_bits_parse(str_from_c(good[i].text), &bits));
        assert_int_equal(bits, good[i].bits);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        bits = 77;
        assert_false(ntlm_policy_bits_parse(str_from_c(bad[i]), &bits));
        assert_int_equal(bits, 77);
    }
}

static void assert_bits_print(uint32_t bits, const char *text)
{
    struct buf out = { 0 };
    uint32_t again;

    ntlm_policy_bits_print(bits, &out);
    assert_true(str_eq(buf_str(&out), str_from_c(text)));
    assert_true(ntlm_policy_bits_parse(buf_str(&out), &again));
    assert_int_equal(again, bits);
    buf_fini(&out);
}

static void minimums_are_printed_as_they_are_read(void **state)
{
    (void)state;
    assert_bits_print(0, "none");
    assert_bits_print(BIT_128, "128-bit");
    assert_bits_print(BIT_128 | SESSION, "128-bit, ntlmv2-session");
    assert_bits_print(BIT_128 | SESSION | SEAL | SIGN,
                      "128-bit, ntlmv2-session, confidentiality, integrity");
    assert_bits_print(0x20000001, "0x20000001");
}

static void offers_are_read_as_changes_or_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t offer;
    } good[] = {
        { "default", 0xE2988251 },
        { " Default ", 0xE2988251 },
        { "default -128-bit -56-bit", 0x42988251 },
        { "default  -ntlmv2-session", 0xE2908251 },
        { "default +oem +confidentiality", 0xE2988273 },
        { "0xE2988273", 0xE2988273 },
    };
    static const char *const bad[] = {
        "",
        "none",
        "-128-bit",
        "default 128-bit",
        "default -",
        "default -129-bit",
        "E2988251",
        "0x1E2988251",
        "default -datagram",
        "default -key-exchange",
        "default -unicode",
        "default +lm-key",
        "default +non-nt-session-key",
        "0xE29882F3",
        "default,-128-bit",
        "defaults",
        "default -ntlm",
    };
    uint32_t offer;

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(ntlm_policy_offer_parse(str_from_c(good[i].text), &offer));
        assert_int_equal(offer, good[i].offer);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        offer = 77;
        assert_false(ntlm_policy_offer_parse(str_from_c(bad[i]), &offer));
        assert_int_equal(offer, 77);
    }
}

static bool set_key(struct ntlm_policy *p, const char *key, const char *value)
{
    struct buf why = { 0 };
    bool ok = ntlm_policy_key_set(p, str_from_c(key), str_from_c(value), &why);

    assert_int_equal(why.len == 0, ok);
    buf_fini(&why);
    return ok;
}

static void keys_are_set_as_the_configuration_spells_them(void **state)
{
    (void)state;
    struct ntlm_policy p;

    assert_true(ntlm_policy_preset(STR("strict"), &p));
    assert_true(set_key(&p, "ntlm_min_server_sec", "128-bit"));
    assert_true(set_key(&p, "ntlm_min_client_sec", "none"));
    assert_true(set_key(&p, "ntlm_offer", "default -56-bit"));
    assert_true(set_key(&p, "lm_compatibility", "4"));
    assert_true(set_key(&p, "min_sipae_version", "3"));
    assert_true(set_key(&p, "mode", "audit"));
    assert_int_equal(p.min_server_sec, BIT_128);
    assert_int_equal(p.min_client_sec, 0);
    assert_int_equal(p.offer, 0x62988251);
    assert_int_equal(p.lm_compatibility, 4);
    assert_int_equal(p.min_sipae_version, 3);
    assert_int_equal(p.mode, NTLM_POLICY_AUDIT);
    assert_true(set_key(&p, "preset", "windows-2008"));
    assert_int_equal(p.min_server_sec, 0);
    assert_int_equal(p.lm_compatibility, 3);
    assert_int_equal(p.mode, NTLM_POLICY_ENFORCE);
}

static void a_bad_value_changes_nothing_and_says_what_would_be_right(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        { "ntlm_min_server_sec", "256-bit" },
        { "ntlm_min_client_sec", "" },
        { "ntlm_offer", "all" },
        { "lm_compatibility", "6" },
        { "lm_compatibility", "-1" },
        { "lm_compatibility", "" },
        { "min_sipae_version", "1" },
        { "min_sipae_version", "5" },
        { "mode", "off" },
        { "preset", "windows-7" },
        { "no_such_key", "1" },
    };
    struct ntlm_policy p, before;

    assert_true(ntlm_policy_preset(STR("strict"), &p));
    before = p;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_false(set_key(&p, rows[i][0], rows[i][1]));
        assert_memory_equal(&p, &before, sizeof(p));
    }
}

/* Every line that is printed is understood again. */
static void assert_printed_is_read_again(const struct ntlm_policy *p)
{
    struct ntlm_policy again;
    struct buf text = { 0 };

    assert_true(ntlm_policy_preset(STR("windows-2003"), &again));
    ntlm_policy_print(p, &text);
    struct str rest = buf_str(&text);
    while (rest.len) {
        struct str value = str_take_until(&rest, '\n');
        struct str key = str_trim(str_take_until(&value, '='));
        struct buf why = { 0 };
        assert_true(ntlm_policy_key_set(&again, key, str_trim(value), &why));
        buf_fini(&why);
    }
    assert_memory_equal(&again, p, sizeof(again));
    buf_fini(&text);
}

static void a_printed_policy_is_read_again(void **state)
{
    (void)state;
    struct ntlm_policy p = { 0 };

    for (unsigned i = 0; ntlm_policy_preset_name(i); i++) {
        assert_true(ntlm_policy_preset(str_from_c(ntlm_policy_preset_name(i)), &p));
        assert_printed_is_read_again(&p);
    }
    p.mode = NTLM_POLICY_AUDIT;
    p.offer = 0x42988273;
    p.min_server_sec = 0x20000100;
    assert_printed_is_read_again(&p);
    p.offer = 0x4298825b; /* with a reserved bit */
    assert_printed_is_read_again(&p);
}

struct address {
    unsigned char octets[16];
    size_t len;
};

static struct address address_of(const char *text)
{
    struct address a = { .len = 4 };

    if (inet_pton(AF_INET, text, a.octets) != 1) {
        a.len = 16;
        assert_int_equal(inet_pton(AF_INET6, text, a.octets), 1);
    }
    return a;
}

static void networks_hold_what_they_name(void **state)
{
    (void)state;
    static const struct {
        const char *network, *address;
        bool inside;
    } rows[] = {
        { "10.0.0.0/8", "10.255.1.2", true },
        { "10.0.0.0/8", "11.0.0.1", false },
        { "192.168.4.128/25", "192.168.4.129", true },
        { "192.168.4.128/25", "192.168.4.127", false },
        { "127.0.0.1", "127.0.0.1", true },
        { "127.0.0.1", "127.0.0.2", false },
        { "0.0.0.0/0", "8.8.8.8", true },
        { "0.0.0.0/0", "::1", false },
        { "127.0.0.0/8", "::ffff:127.0.0.1", true },
        { "::/0", "::1", true },
        { "2001:db8::/33", "2001:db8:7fff::1", true },
        { "2001:db8::/33", "2001:db8:8000::1", false },
        { "::1", "::1", true },
        { "::1", "::2", false },
    };
    struct ntlm_network n;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct address a = address_of(rows[i].address);
        assert_true(ntlm_network_parse(str_from_c(rows[i].network), &n));
        assert_int_equal(ntlm_network_contains(&n, str_of(a.octets, a.len)), rows[i].inside);
    }
    assert_true(ntlm_network_parse(STR("0.0.0.0/0"), &n));
    assert_false(ntlm_network_contains(&n, STR_NONE));
}

static void networks_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",          "10.0.0",      "10.0.0.0/33",
        "10.0.0.0/", "10.0.0.0/x",  "10.0.0.0/8/8",
        "::1/129",   "localhost",   "10.0.0.256",
        "/8",        "10.0.0.0/-1", "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb"
    };
    struct ntlm_network n;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(ntlm_network_parse(str_from_c(bad[i]), &n));
    assert_false(ntlm_network_parse(str_of("10.0.0.0\0x", 10), &n));
}

static struct ntlm_policy_exception *add_exception(struct ntlm_policy_set *s, const char *name,
                                                   const char *user, const char *network,
                                                   uint32_t until)
{
    size_t size = (s->exception_count + 1) * sizeof(*s->exceptions);

    s->exceptions = realloc(s->exceptions, size);
    assert_non_null(s->exceptions);
    struct ntlm_policy_exception *e = &s->exceptions[s->exception_count++];
    *e = (struct ntlm_policy_exception){ .name = str_own(str_from_c(name)),
                                         .until = until,
                                         .policy = s->base };
    if (user) {
        e->users = malloc(sizeof(*e->users));
        assert_non_null(e->users);
        e->users[e->user_count++] = str_own(str_from_c(user));
    }
    if (network) {
        e->networks = malloc(sizeof(*e->networks));
        assert_non_null(e->networks);
        assert_true(ntlm_network_parse(str_from_c(network), &e->networks[e->network_count++]));
    }
    return e;
}

static void assert_selected(const struct ntlm_policy_set *s, const char *user, const char *address,
                            uint32_t day, const char *expected)
{
    struct address a = address_of(address);
    struct str name;

    const struct ntlm_policy *p =
        ntlm_policy_select(s, str_from_c(user), str_of(a.octets, a.len), day, &name);
    assert_true(str_eq(name, str_from_c(expected)));
    assert_int_equal(p == &s->base, strcmp(expected, "strict") == 0);
}

static void assert_selects_right(const struct ntlm_policy_set *s)
{
    assert_selected(s, "sip:line-4@example.com", "10.1.2.3", 20260101, "plant floor");
    assert_selected(s, "SIP:Line-4@Example.COM", "10.1.2.3", 20260630, "plant floor");
    assert_selected(s, "sip:line-4@example.com", "10.1.2.3", 20260701, "office");
    assert_selected(s, "sip:line-4@example.com", "11.1.2.3", 20260101, "strict");
    assert_selected(s, "sip:ada@example.com", "10.1.2.3", 20260101, "office");
    assert_selected(s, "sip:ada@example.com", "::ffff:10.1.2.3", 20260101, "office");
    assert_selected(s, "", "10.1.2.3", 20260101, "office");
    assert_selected(s, "sip:guest@example.com", "12.0.0.1", 20260101, "guests");
    assert_selected(s, "", "12.0.0.1", 20260101, "strict");
    assert_selected(s, "sip:other@example.com", "12.0.0.1", 20260101, "strict");
}

static void the_first_exception_that_matches_wins(void **state)
{
    (void)state;
    struct ntlm_policy_set *s = ntlm_policy_set_new();

    add_exception(s, "for nobody", NULL, NULL, 0);
    add_exception(s, "plant floor", "sip:line-*@example.com", "10.0.0.0/8", 20260630);
    add_exception(s, "office", NULL, "10.0.0.0/8", 0);
    add_exception(s, "guests", "sip:guest@*", NULL, 0);
    assert_selects_right(s);

    struct ntlm_policy_set *copy = ntlm_policy_set_copy(s);
    ntlm_policy_set_free(s);
    assert_selects_right(copy);
    ntlm_policy_set_free(copy);
}

static void a_user_pattern_for_all_does_not_match_no_user(void **state)
{
    (void)state;
    struct ntlm_policy_set *s = ntlm_policy_set_new();

    add_exception(s, "all", "*", NULL, 0);
    assert_selected(s, "", "10.0.0.1", 20260101, "strict");
    assert_selected(s, "sip:a@b", "10.0.0.1", 20260101, "all");
    ntlm_policy_set_free(s);
}

static void a_new_set_is_strict(void **state)
{
    (void)state;
    struct ntlm_policy_set *s = ntlm_policy_set_new();
    struct ntlm_policy strict;

    assert_true(ntlm_policy_preset(STR("strict"), &strict));
    assert_memory_equal(&s->base, &strict, sizeof(strict));
    assert_string_equal(s->preset, "strict");
    struct ntlm_policy_set *copy = ntlm_policy_set_copy(s);
    assert_string_equal(copy->preset, "strict");
    ntlm_policy_set_free(copy);
    ntlm_policy_set_free(s);
    ntlm_policy_set_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(presets_are_what_the_windows_versions_come_with),
        cmocka_unit_test(the_first_unmet_demand_is_told_and_all_are_counted),
        cmocka_unit_test(server_and_client_minimum_do_not_mix),
        cmocka_unit_test(only_level_5_refuses_everything_but_ntlmv2),
        cmocka_unit_test(minimums_are_read_as_words_or_numbers),
        cmocka_unit_test(minimums_are_printed_as_they_are_read),
        cmocka_unit_test(offers_are_read_as_changes_or_numbers),
        cmocka_unit_test(keys_are_set_as_the_configuration_spells_them),
        cmocka_unit_test(a_bad_value_changes_nothing_and_says_what_would_be_right),
        cmocka_unit_test(a_printed_policy_is_read_again),
        cmocka_unit_test(networks_hold_what_they_name),
        cmocka_unit_test(networks_that_make_no_sense_are_refused),
        cmocka_unit_test(the_first_exception_that_matches_wins),
        cmocka_unit_test(a_user_pattern_for_all_does_not_match_no_user),
        cmocka_unit_test(a_new_set_is_strict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
