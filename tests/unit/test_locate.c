/* SPDX-License-Identifier: MIT */
#include "client/locate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* A little zone: what is asked is noted, in order. */
static struct buf asked;
static bool with_srv, with_addresses;

static unsigned zone_srv(const char *name, struct dns_srv *out, unsigned cap)
{
    (void)cap;
    buf_printf(&asked, "%s ", name);
    if (!with_srv || strcmp(name, "_sip._tls.example.com") != 0)
        return 0;
    out[0] = (struct dns_srv){ .port = 443, .target = "access.Example.com" };
    out[1] = (struct dns_srv){ .port = 443, .target = "access.evil-example.com" };
    return 2;
}

static bool zone_address(const char *host)
{
    buf_printf(&asked, "%s ", host);
    return with_addresses;
}

static const struct client_names zone = { .srv = zone_srv, .address = zone_address };

static unsigned locate(enum client_transport transport, struct client_place *places,
                       struct buf *told)
{
    buf_clear(&asked);
    return client_locate(&zone, "example.com", transport, places, told);
}

static void names_are_asked_in_the_order_of_communicator(void **state)
{
    (void)state;
    struct client_place places[CLIENT_PLACES_MAX];
    struct buf told = { 0 };

    with_srv = false;
    with_addresses = true;
    assert_int_equal(locate(CLIENT_TLS, places, &told), 4);
    assert_true(
        str_eq(buf_str(&asked), STR("_sipinternaltls._tcp.example.com _sip._tls.example.com "
                                    "sipinternal.example.com sip.example.com sip.example.com "
                                    "sipexternal.example.com ")));
    assert_string_equal(places[0].host, "sipinternal.example.com");
    assert_int_equal(places[0].port, 5061);
    assert_int_equal(places[1].port, 443);
    assert_int_equal(places[2].port, 5061);

    assert_int_equal(locate(CLIENT_TCP, places, &told), 2);
    assert_true(str_eq(buf_str(&asked), STR("_sipinternal._tcp.example.com _sip._tcp.example.com "
                                            "sipinternal.example.com sip.example.com ")));
    assert_int_equal(places[0].port, 5060);
    buf_fini(&told);
}

static void a_record_that_leads_out_of_the_domain_is_not_followed(void **state)
{
    (void)state;
    struct client_place places[CLIENT_PLACES_MAX];
    struct buf told = { 0 };

    with_srv = true;
    with_addresses = false;
    assert_int_equal(locate(CLIENT_TLS, places, &told), 1);
    assert_string_equal(places[0].host, "access.Example.com");
    assert_true(str_find(buf_str(&told), STR("left out")) != SIZE_MAX);
    buf_fini(&told);
}

static void nothing_in_dns_is_said(void **state)
{
    (void)state;
    struct client_place places[CLIENT_PLACES_MAX];
    struct buf told = { 0 };

    with_srv = with_addresses = false;
    assert_int_equal(locate(CLIENT_TLS, places, &told), 0);
    assert_true(told.len > 0);
    buf_fini(&told);
}

static void a_server_is_given_with_or_without_port(void **state)
{
    (void)state;
    struct client_place place;

    assert_true(client_place_parse("fe.example.com", CLIENT_TLS, &place));
    assert_int_equal(place.port, 5061);
    assert_true(client_place_parse("fe.example.com", CLIENT_TCP, &place));
    assert_int_equal(place.port, 5060);
    assert_true(client_place_parse("fe.example.com:443", CLIENT_TLS, &place));
    assert_string_equal(place.host, "fe.example.com");
    assert_int_equal(place.port, 443);
    assert_true(client_place_parse("[::1]:5061", CLIENT_TLS, &place));
    assert_string_equal(place.host, "::1");
    assert_true(client_place_parse("[::1]", CLIENT_TLS, &place));
    assert_int_equal(place.port, 5061);
}

static void a_server_that_cannot_be_one_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",         ":5061",  "host:", "host:0", "host:65536", "host:x",  "[::1",
        "[::1]443", "[]:443", "[",     "a:1:2",  "host:-1",    "host: 1", "host:1 ",
    };
    struct client_place place;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(client_place_parse(bad[i], CLIENT_TLS, &place));
    char big[400];
    memset(big, 'a', sizeof(big));
    big[sizeof(big) - 1] = '\0';
    assert_false(client_place_parse(big, CLIENT_TLS, &place));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_asked_in_the_order_of_communicator),
        cmocka_unit_test(a_record_that_leads_out_of_the_domain_is_not_followed),
        cmocka_unit_test(nothing_in_dns_is_said),
        cmocka_unit_test(a_server_is_given_with_or_without_port),
        cmocka_unit_test(a_server_that_cannot_be_one_is_refused),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    buf_fini(&asked);
    return failed;
}
