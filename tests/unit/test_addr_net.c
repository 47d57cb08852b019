/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>

#include "net/addr.h"

static void assert_round_trip(const char *text, int family, const char *ip, unsigned port)
{
    struct net_addr a;
    char out[NET_ADDR_TEXT];

    assert_true(net_addr_parse(str_from_c(text), &a));
    assert_int_equal(a.sa.sa_family, family);
    assert_int_equal(net_addr_port(&a), port);
    net_addr_print_ip(&a, out);
    assert_string_equal(out, ip);
}

static void addresses_of_both_families_are_read(void **state)
{
    (void)state;
    assert_round_trip("127.0.0.1:5061", AF_INET, "127.0.0.1", 5061);
    assert_round_trip("[::1]:5061", AF_INET6, "::1", 5061);
    assert_round_trip("0.0.0.0:0", AF_INET, "0.0.0.0", 0);
    assert_round_trip("[2001:db8::a:1]:65535", AF_INET6, "2001:db8::a:1", 65535);
}

static void a_star_is_every_address_of_both_families(void **state)
{
    (void)state;
    assert_round_trip("*:443", AF_INET6, "::", 443);
}

static void what_is_no_address_is_refused(void **state)
{
    const char *const bad[] = {
        "",
        ":",
        "5061",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:65536",
        ":5061",
        "::1:5061",
        "[::1]",
        "[::1]5061",
        "[::1",
        "127.0.0.1:5061 ",
        "[]:1",
        "[*]:1",
        "fe:5061",
        "127.0.0.256:1",
        "1.2.3.4:-1",
        "1.2.3.4:000001",
        "[1.2.3.4]:1",
        "**:1",
        "[::g]:1",
        "1.2.3.4:0x10",
    };
    struct net_addr a;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(net_addr_parse(str_from_c(bad[i]), &a));
    assert_false(net_addr_parse(str_of("127.0.0.1\0:1", 12), &a));
    assert_false(net_addr_parse(str_of("127.0.0.1:5\0", 12), &a));
    char longest[300];
    memset(longest, '1', sizeof(longest));
    memcpy(longest + 290, ":1", 3);
    assert_false(net_addr_parse(str_from_c(longest), &a));
}

static void addresses_are_printed_with_their_port(void **state)
{
    const char *const texts[] = { "127.0.0.1:5061", "[::1]:5061",
                                  "[1111:2222:3333:4444:5555:6666:7777:8888]:65535" };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct net_addr a;
        char out[NET_ADDR_TEXT];

        assert_true(net_addr_parse(str_from_c(texts[i]), &a));
        net_addr_print(&a, out);
        assert_string_equal(out, texts[i]);
    }
}

/* A listener for both families sees IPv4 peers in mapped form; nobody else should. */
static void a_mapped_address_is_shown_as_the_ipv4_one_it_is(void **state)
{
    struct net_addr a;
    char out[NET_ADDR_TEXT];

    (void)state;
    assert_true(net_addr_parse(STR("[::ffff:10.1.2.3]:1234"), &a));
    net_addr_print(&a, out);
    assert_string_equal(out, "10.1.2.3:1234");
    net_addr_print_ip(&a, out);
    assert_string_equal(out, "10.1.2.3");
    assert_true(str_eq(net_addr_bytes(&a), STR("\x0a\x01\x02\x03")));
}

static void an_unset_address_is_empty(void **state)
{
    struct net_addr a = { .len = 0 };
    char out[NET_ADDR_TEXT];

    (void)state;
    assert_int_equal(net_addr_bytes(&a).len, 0);
    assert_int_equal(net_addr_port(&a), 0);
    net_addr_print_ip(&a, out);
    assert_string_equal(out, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_of_both_families_are_read),
        cmocka_unit_test(a_star_is_every_address_of_both_families),
        cmocka_unit_test(what_is_no_address_is_refused),
        cmocka_unit_test(addresses_are_printed_with_their_port),
        cmocka_unit_test(a_mapped_address_is_shown_as_the_ipv4_one_it_is),
        cmocka_unit_test(an_unset_address_is_empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
