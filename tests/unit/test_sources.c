/* SPDX-License-Identifier: MIT */
#include "edge/sources.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

/* 192.0.2.H, of one network, and 198.51.100.H, of another */
static const uint8_t here[4] = { 192, 0, 2, 1 }, beside[4] = { 192, 0, 2, 2 },
                     there[4] = { 198, 51, 100, 1 }, office[4] = { 10, 1, 2, 3 };
#define HERE   str_of(here, 4)
#define BESIDE str_of(beside, 4)
#define THERE  str_of(there, 4)
#define OFFICE str_of(office, 4)

static struct conf *conf;
static struct sources *s;

static int begin(void **state)
{
    struct buf why = { 0 };

    (void)state;
    conf =
        conf_parse(STR("[edge]\ntrusted_networks = 10.0.0.0/8\n"
                       "[budget]\nsource_failures = 6\nnetwork_failures = 10\nsource_window = 60s\n"
                       "[limits]\nnetwork_connections = 3\nnetwork_handshakes = 5\n"),
                   "test", &why);
    if (!conf)
        return -1;
    s = sources_new(conf, NULL);
    return 0;
}

static int end(void **state)
{
    (void)state;
    sources_free(s);
    conf_free(conf);
    return 0;
}

static void miss(struct str address, int times, uint64_t at)
{
    while (times-- > 0)
        sources_failed(s, address, at);
}

static void delays_grow_with_failures_and_are_forgotten(void **state)
{
    static const unsigned expected[] = { 0, 2000, 4000, 8000, 15000, 15000 };

    (void)state;
    for (unsigned i = 0; i < 6; i++) {
        assert_int_equal(sources_delay_ms(s, HERE, 1000), expected[i]);
        miss(HERE, 1, 1000);
    }
    assert_int_equal(sources_delay_ms(s, BESIDE, 1000), 0);
    assert_int_equal(sources_delay_ms(s, HERE, 62000), 0);
}

static void an_address_and_its_network_have_budgets(void **state)
{
    (void)state;
    miss(HERE, 5, 1000);
    assert_false(sources_over(s, HERE, 1000));
    miss(HERE, 1, 1000);
    assert_true(sources_over(s, HERE, 1000));
    assert_false(sources_over(s, BESIDE, 1000));
    miss(BESIDE, 4, 1000);
    assert_true(sources_over(s, BESIDE, 1000)); /* ten in the network */
    assert_false(sources_over(s, THERE, 1000));
    assert_false(sources_over(s, HERE, 62000));
}

static void trusted_networks_are_not_counted(void **state)
{
    (void)state;
    miss(OFFICE, 100, 1000);
    assert_false(sources_over(s, OFFICE, 1000));
    assert_int_equal(sources_delay_ms(s, OFFICE, 1000), 0);
    for (int i = 0; i < 100; i++)
        assert_int_equal(sources_admit(s, OFFICE, 1000), FAULT_NONE);
    assert_int_equal(sources_depart(s, OFFICE, 1000), SOURCES_GO);
}

static void no_more_are_under_way_than_may_still_fail(void **state)
{
    (void)state;
    miss(HERE, 4, 1000);
    assert_int_equal(sources_depart(s, HERE, 1000), SOURCES_COUNTED);
    assert_int_equal(sources_depart(s, HERE, 1000), SOURCES_COUNTED);
    assert_int_equal(sources_depart(s, HERE, 1000), SOURCES_WAIT);
    sources_arrive(s, HERE);
    assert_int_equal(sources_depart(s, HERE, 1000), SOURCES_COUNTED);
    sources_arrive(s, HERE);
    sources_arrive(s, HERE);
    miss(HERE, 2, 1000);
    /* over: goes on marked, for authd to refuse or to know the device */
    assert_int_equal(sources_depart(s, HERE, 1000), SOURCES_GO);
}

static void connections_of_a_network_are_limited_and_come_free_again(void **state)
{
    (void)state;
    assert_int_equal(sources_admit(s, HERE, 1000), FAULT_NONE);
    assert_int_equal(sources_admit(s, BESIDE, 1000), FAULT_NONE);
    assert_int_equal(sources_admit(s, HERE, 1000), FAULT_NONE);
    assert_int_equal(sources_admit(s, BESIDE, 1000), FAULT_ROUTE_NETWORK_FULL);
    assert_int_equal(sources_admit(s, THERE, 1000), FAULT_NONE);
    sources_leave(s, HERE);
    assert_int_equal(sources_admit(s, BESIDE, 2000), FAULT_NONE);
    assert_int_equal(sources_admit(s, BESIDE, 2000), FAULT_ROUTE_NETWORK_FULL);
}

static void new_connections_a_second_are_limited(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        assert_int_equal(sources_admit(s, HERE, 1999), FAULT_NONE);
        sources_leave(s, HERE);
    }
    assert_int_equal(sources_admit(s, BESIDE, 1999), FAULT_ROUTE_HANDSHAKE_RATE);
    assert_int_equal(sources_admit(s, BESIDE, 2000), FAULT_NONE);
}

static void messages_have_a_share_of_each_tenth_of_a_second(void **state)
{
    int let = 0;

    (void)state;
    for (int i = 0; i < 100; i++)
        let += sources_may_speak(s, HERE, 1000);
    assert_int_equal(let, 20);
    assert_true(sources_may_speak(s, BESIDE, 1000));
    assert_true(sources_may_speak(s, HERE, 1100));
}

static void one_ipv6_host_cannot_roam_out_of_its_budget(void **state)
{
    uint8_t v6[16] = { 0x20, 1, 0xd, 0xb8, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1 };

    (void)state;
    for (uint8_t i = 0; i < 6; i++) {
        v6[15] = i;
        miss(str_of(v6, 16), 1, 1000);
    }
    v6[12] = 77;
    assert_true(sources_over(s, str_of(v6, 16), 1000)); /* the same /64 */
    v6[7] = 2;
    assert_false(sources_over(s, str_of(v6, 16), 1000)); /* the same /48 */
    miss(str_of(v6, 16), 4, 1000);
    v6[7] = 3;
    assert_true(sources_over(s, str_of(v6, 16), 1000));
}

static void an_administrator_clears_one_or_all(void **state)
{
    (void)state;
    miss(HERE, 6, 1000);
    miss(THERE, 6, 1000);
    assert_false(sources_clear(s, "192.0.2.99x"));
    assert_false(sources_clear(s, "192.0.2.0/16")); /* nothing is counted by such */
    assert_true(sources_over(s, HERE, 1000));
    assert_true(sources_clear(s, "192.0.2.1"));
    assert_false(sources_over(s, HERE, 1000));
    assert_true(sources_over(s, THERE, 1000));
    assert_true(sources_clear(s, NULL));
    assert_false(sources_over(s, THERE, 1000));
}

static void a_session_is_known_with_its_user_only(void **state)
{
    (void)state;
    sources_learn(s, 77, STR("sip:ada@example.com"));
    assert_true(sources_knows(s, 77, STR("sip:ada@example.com")));
    assert_false(sources_knows(s, 77, STR("sip:ben@example.com")));
    assert_false(sources_knows(s, 78, STR("sip:ada@example.com")));
}

static void a_network_waits_for_its_turn_together(void **state)
{
    uint8_t address[4] = { 192, 0, 2, 0 };

    (void)state;
    for (address[3] = 0; address[3] < 10; address[3]++)
        assert_int_equal(sources_depart(s, str_of(address, 4), 1000), SOURCES_COUNTED);
    assert_int_equal(sources_depart(s, str_of(address, 4), 1000), SOURCES_WAIT);
    address[3] = 3;
    sources_arrive(s, str_of(address, 4));
    address[3] = 10;
    assert_int_equal(sources_depart(s, str_of(address, 4), 1000), SOURCES_COUNTED);
}

static void ipv4_within_ipv6_shares_its_budget(void **state)
{
    static const uint8_t mapped[16] = { [10] = 0xff, [11] = 0xff, 192, 0, 2, 1 };

    (void)state;
    miss(str_of(mapped, 16), 3, 1000);
    miss(HERE, 3, 1000);
    assert_true(sources_over(s, HERE, 1000));
    assert_true(sources_over(s, str_of(mapped, 16), 1000));
}

static void limits_of_zero_are_off(void **state)
{
    (void)state;
    conf->network_connections = conf->network_handshakes = 0;
    conf->budget.source_failures = conf->budget.network_failures = 0;
    miss(HERE, 100, 1000);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(sources_admit(s, HERE, 1000), FAULT_NONE);
        assert_true(sources_depart(s, HERE, 1000) != SOURCES_WAIT);
    }
    sources_leave(s, HERE);
    assert_false(sources_over(s, HERE, 1000));
    assert_int_equal(sources_delay_ms(s, HERE, 1000), 0);
}

static void what_has_no_address_has_no_budget(void **state)
{
    (void)state;
    miss(STR_NONE, 100, 1000);
    assert_false(sources_over(s, STR_NONE, 1000));
    assert_int_equal(sources_admit(s, STR_NONE, 1000), FAULT_NONE);
    sources_leave(s, STR_NONE);
    assert_true(sources_may_speak(s, STR_NONE, 1000));
}

static void failures_outlive_the_process_and_connections_do_not(void **state)
{
    void *memory = calloc(1, sources_memory_size());

    (void)state;
    assert_non_null(memory);
    sources_free(s);
    s = sources_new(conf, memory);
    miss(HERE, 6, 1000);
    for (int i = 0; i < 3; i++)
        assert_int_equal(sources_admit(s, HERE, 1000), FAULT_NONE);
    sources_free(s);
    s = sources_new(conf, memory);
    assert_true(sources_over(s, HERE, 1000));
    assert_int_equal(sources_admit(s, HERE, 1000), FAULT_NONE);
    sources_free(s);
    s = sources_new(conf, NULL);
    free(memory);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(delays_grow_with_failures_and_are_forgotten),
        TEST(an_address_and_its_network_have_budgets),
        TEST(trusted_networks_are_not_counted),
        TEST(no_more_are_under_way_than_may_still_fail),
        TEST(connections_of_a_network_are_limited_and_come_free_again),
        TEST(new_connections_a_second_are_limited),
        TEST(messages_have_a_share_of_each_tenth_of_a_second),
        TEST(one_ipv6_host_cannot_roam_out_of_its_budget),
        TEST(an_administrator_clears_one_or_all),
        TEST(a_session_is_known_with_its_user_only),
        TEST(a_network_waits_for_its_turn_together),
        TEST(ipv4_within_ipv6_shares_its_budget),
        TEST(limits_of_zero_are_off),
        TEST(what_has_no_address_has_no_budget),
        TEST(failures_outlive_the_process_and_connections_do_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
