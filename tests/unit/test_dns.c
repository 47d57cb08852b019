/* SPDX-License-Identifier: MIT */
#include "client/dns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/compiler.h"

/* One question for _sip._tls.example.com and its pointer, as every answer refers to it. */
#define QUESTION                                                                                   \
    "\x04_sip\x04_tls\x07"                                                                         \
    "example\x03"                                                                                  \
    "com\0"                                                                                        \
    "\0\x21\0\x01"
#define HEAD(answers) "\x12\x34\x81\x80\0\x01\0" answers "\0\0\0\0" QUESTION
#define OWNER         "\xC0\x0C\0\x21\0\x01\0\0\x0E\x10"

static void records_come_lowest_priority_first_and_heaviest_first(void **state)
{
    (void)state;
    static const char packet[] = HEAD("\x03") /* then: priority, weight, port, name */
        OWNER "\0\x0B\0\x0A\0\0\x01\xBB\x02"
              "b1\xC0\x16" /* 10 0 443 b1.example.com */
        OWNER "\0\x0B\0\x05\0\x01\x13\xC5\x02"
              "a1\xC0\x16" /* 5 1 5061 a1.example.com */
        OWNER "\0\x0B\0\x05\0\x09\x13\xC5\x02"
              "a9\xC0\x16"; /* 5 9 5061 a9.example.com */
    struct dns_srv srv[4];
    unsigned count;

    assert_true(dns_srv_read(str_of(packet, sizeof(packet) - 1), srv, 4, &count));
    assert_int_equal(count, 3);
    assert_string_equal(srv[0].target, "a9.example.com");
    assert_int_equal(srv[0].port, 5061);
    assert_string_equal(srv[1].target, "a1.example.com");
    assert_string_equal(srv[2].target, "b1.example.com");
    assert_int_equal(srv[2].port, 443);
}

static void a_dot_means_that_there_is_no_such_service(void **state)
{
    (void)state;
    static const char packet[] = HEAD("\x01") OWNER "\0\x07\0\0\0\0\0\0\0";
    struct dns_srv srv[4];
    unsigned count;

    assert_true(dns_srv_read(str_of(packet, sizeof(packet) - 1), srv, 4, &count));
    assert_int_equal(count, 0);
}

static void a_name_that_no_host_can_have_is_left_out(void **state)
{
    (void)state;
    static const char packet[] = HEAD("\x01") OWNER "\0\x0B\0\x0A\0\0\x01\xBB\x02"
                                                    "\x1B[\xC0\x16";
    struct dns_srv srv[4];
    unsigned count;

    assert_true(dns_srv_read(str_of(packet, sizeof(packet) - 1), srv, 4, &count));
    assert_int_equal(count, 0);
}

static void a_name_that_points_at_itself_ends(void **state)
{
    (void)state;
    static const char packet[] = HEAD("\x01") OWNER "\0\x08\0\x0A\0\0\x01\xBB\xC0\x39";
    struct dns_srv srv[4];
    unsigned count = 9;

    assert_false(dns_srv_read(str_of(packet, sizeof(packet) - 1), srv, 4, &count));
    assert_int_equal(count, 0);
}

static void more_records_than_room_are_dropped(void **state)
{
    (void)state;
    static const char packet[] =
        HEAD("\x02") OWNER "\0\x0B\0\x0A\0\0\x01\xBB\x02"
                           "b1\xC0\x16" OWNER "\0\x0B\0\x05\0\x01\x13\xC5\x02"
                           "a1\xC0\x16";
    struct dns_srv srv[1];
    unsigned count;

    assert_true(dns_srv_read(str_of(packet, sizeof(packet) - 1), srv, 1, &count));
    assert_int_equal(count, 1);
}

static void a_packet_cut_anywhere_is_refused(void **state)
{
    (void)state;
    static const char packet[] = HEAD("\x01") OWNER "\0\x0B\0\x0A\0\0\x01\xBB\x02"
                                                    "b1\xC0\x16";
    struct dns_srv srv[4];
    unsigned count;

    for (size_t len = 0; len < sizeof(packet) - 1; len++) {
        char *exact = test_malloc(len + 1); /* so that a sanitizer sees the end */
        memcpy(exact, packet, len);
        assert_false(dns_srv_read(str_of(exact, len), srv, 4, &count));
        test_free(exact);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_come_lowest_priority_first_and_heaviest_first),
        cmocka_unit_test(a_dot_means_that_there_is_no_such_service),
        cmocka_unit_test(a_name_that_no_host_can_have_is_left_out),
        cmocka_unit_test(a_name_that_points_at_itself_ends),
        cmocka_unit_test(more_records_than_room_are_dropped),
        cmocka_unit_test(a_packet_cut_anywhere_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
