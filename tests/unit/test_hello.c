/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "tls/hello.h"

/* --- building a hello --- */

static void put16(struct buf *b, unsigned v)
{
    buf_add_char(b, (char)(v >> 8));
    buf_add_char(b, (char)v);
}

/* version, random, no session id, suites, null compression, `extensions` with their length */
static void make_message(struct buf *b, unsigned version, const uint16_t *suites, unsigned count,
                         struct str extensions)
{
    struct buf body = { 0 };

    put16(&body, version);
    for (int i = 0; i < 32; i++)
        buf_add_char(&body, (char)i);
    buf_add_char(&body, 0);
    put16(&body, count * 2);
    for (unsigned i = 0; i < count; i++)
        put16(&body, suites[i]);
    buf_add_char(&body, 1);
    buf_add_char(&body, 0);
    if (extensions.len > 0) {
        put16(&body, (unsigned)extensions.len);
        buf_add(&body, extensions);
    }
    buf_add_char(b, 1);
    buf_add_char(b, 0);
    put16(b, (unsigned)body.len);
    buf_add(b, buf_str(&body));
    buf_fini(&body);
}

static void wrap(struct buf *out, struct str message, size_t fragment)
{
    while (message.len > 0) {
        struct str piece = str_first(message, fragment);

        buf_add(out, STR("\x16\x03\x01"));
        put16(out, (unsigned)piece.len);
        buf_add(out, piece);
        message = str_skip(message, piece.len);
    }
}

static void make_hello(struct buf *out, unsigned version, const uint16_t *suites, unsigned count,
                       struct str extensions, size_t fragment)
{
    struct buf message = { 0 };

    make_message(&message, version, suites, count, extensions);
    wrap(out, buf_str(&message), fragment);
    buf_fini(&message);
}

static void assert_described(struct str stream, const char *expected)
{
    struct buf text = { 0 };

    tls_hello_describe(stream, &text);
    buf_add_char(&text, '\0');
    assert_string_equal(text.ptr, expected);
    buf_fini(&text);
}

static const uint16_t xp_suites[] = { 0x0004, 0x0005, 0x000A };
static const char xp_offer[] = "client offered TLS 1.0; RC4-128-MD5, RC4-128-SHA, 3DES-SHA; no SNI";

/* server_name fe.example.test, supported_versions GREASE, 1.3, 1.2 */
static const char extensions[] = "\x00\x00\x00\x14\x00\x12\x00\x00\x0f"
                                 "fe.example.test"
                                 "\x00\x2b\x00\x07\x06\x0a\x0a\x03\x04\x03\x03";

/* --- what is offered --- */

static void xp_offers_tls_1_0_with_rc4_and_3des(void **state)
{
    struct buf hello = { 0 };

    (void)state;
    make_hello(&hello, 0x0301, xp_suites, 3, STR_NONE, SIZE_MAX);
    assert_described(buf_str(&hello), xp_offer);
    buf_fini(&hello);
}

static void a_modern_offer_shows_its_versions_and_name(void **state)
{
    const uint16_t suites[] = { 0x2A2A, 0x1301, 0x1302, 0xC02F, 0x00FF };
    struct buf hello = { 0 };

    (void)state;
    make_hello(&hello, 0x0303, suites, 5, str_of(extensions, sizeof(extensions) - 1), SIZE_MAX);
    assert_described(buf_str(&hello), "client offered TLS 1.3, TLS 1.2; TLS13-AES128-GCM, "
                                      "TLS13-AES256-GCM, ECDHE-RSA-AES128-GCM; "
                                      "SNI fe.example.test");
    buf_fini(&hello);
}

static void a_hello_spread_over_records_is_read(void **state)
{
    (void)state;
    for (size_t fragment = 1; fragment < 60; fragment++) {
        struct buf hello = { 0 };

        make_hello(&hello, 0x0301, xp_suites, 3, STR_NONE, fragment);
        assert_described(buf_str(&hello), xp_offer);
        buf_fini(&hello);
    }
}

static void a_hello_in_ssl2_form_is_recognised(void **state)
{
    /* SSL 2.0's own RC4 (01 00 80) is no suite of later versions */
    static const unsigned char hello[] = { 0x80, 0x22, 1, 3,    1, 0, 9, 0, 0, 0,
                                           16,   1,    0, 0x80, 0, 0, 4, 0, 0, 10 };

    (void)state;
    assert_described(str_of(hello, sizeof(hello)),
                     "client offered TLS 1.0 in SSL 2.0 form; RC4-128-MD5, 3DES-SHA; no SNI");
}

static void only_ssl_2_and_ssl_3_are_named(void **state)
{
    static const unsigned char two[] = { 0x80, 0x1C, 1, 0, 2, 0, 3, 0, 0, 0, 16, 1, 0, 0x80 };
    struct buf hello = { 0 };

    (void)state;
    assert_described(str_of(two, sizeof(two)),
                     "client offered SSL 2.0 in SSL 2.0 form; no suite; no SNI");
    make_hello(&hello, 0x0300, xp_suites, 1, STR_NONE, SIZE_MAX);
    assert_described(buf_str(&hello), "client offered SSL 3.0; RC4-128-MD5; no SNI");
    buf_fini(&hello);
}

static void many_suites_are_counted_not_listed(void **state)
{
    uint16_t suites[200];
    struct buf hello = { 0 };
    struct buf text = { 0 };

    (void)state;
    for (unsigned i = 0; i < 200; i++)
        suites[i] = (uint16_t)(0xD000 + i);
    make_hello(&hello, 0x0303, suites, 200, STR_NONE, SIZE_MAX);
    tls_hello_describe(buf_str(&hello), &text);
    assert_true(str_find(buf_str(&text), STR("0xD000, 0xD001")) != SIZE_MAX);
    assert_true(str_find(buf_str(&text), STR(" and 192 more;")) != SIZE_MAX);
    buf_fini(&hello);
    buf_fini(&text);
}

static void a_hostile_name_cannot_break_a_trace_line(void **state)
{
    static const char hostile[] = "\x00\x00\x00\x0b\x00\x09\x00\x00\x06"
                                  "a\r\n$$b";
    struct buf hello = { 0 };

    (void)state;
    make_hello(&hello, 0x0301, xp_suites, 1, str_of(hostile, sizeof(hostile) - 1), SIZE_MAX);
    assert_described(buf_str(&hello), "client offered TLS 1.0; RC4-128-MD5; SNI a????b");
    buf_fini(&hello);
}

/* --- tickets --- */

static void put_extension(struct buf *b, unsigned type, struct str body)
{
    put16(b, type);
    put16(b, (unsigned)body.len);
    buf_add(b, body);
}

/* Two identities with their ages, then binders. */
static const char psks[] = "\x00\x12\x00\x04same\x61\x67\x65\x64\x00\x02me\x61\x67\x65\x64"
                           "\x00\x05\x04"
                           "bind";

static struct str psks_body(void)
{
    return str_of(psks, sizeof(psks) - 1);
}

/* The slices stay good as long as `stream` and `message`. */
static struct tls_hello read_with(struct buf *stream, struct buf *message, struct str extension)
{
    struct tls_hello h;

    make_hello(stream, 0x0303, xp_suites, 3, extension, 40);
    tls_hello_read(buf_str(stream), message, &h);
    return h;
}

static void assert_slice(struct str is, const char *expected)
{
    assert_int_equal(is.len, strlen(expected));
    assert_memory_equal(is.ptr, expected, is.len);
}

static void tickets_of_both_forms_are_read(void **state)
{
    struct buf stream = { 0 }, message = { 0 }, both = { 0 };

    (void)state;
    put_extension(&both, 35, STR("older"));
    put_extension(&both, 41, psks_body());
    struct tls_hello h = read_with(&stream, &message, buf_str(&both));
    assert_false(h.cut);
    assert_slice(h.session_ticket, "older");
    assert_int_equal(h.psk_count, 2);
    assert_slice(h.psks[0], "same");
    assert_slice(h.psks[1], "me");
    tls_hello_read_body(str_skip(buf_str(&message), 4), &h);
    assert_slice(h.session_ticket, "older");
    assert_int_equal(h.psk_count, 2);
    buf_fini(&stream);
    buf_fini(&message);
    buf_fini(&both);
}

static void a_hello_without_tickets_has_none(void **state)
{
    struct buf stream = { 0 }, message = { 0 }, empty = { 0 };

    (void)state;
    put_extension(&empty, 35, STR_NONE); /* "I would take one" */
    struct tls_hello h = read_with(&stream, &message, buf_str(&empty));
    assert_int_equal(h.session_ticket.len, 0);
    assert_int_equal(h.psk_count, 0);
    buf_fini(&stream);
    buf_fini(&message);
    buf_fini(&empty);
}

/* Else we might take one for the client's, and the library the other. */
static void a_ticket_that_stands_twice_is_none(void **state)
{
    (void)state;
    for (int copies = 2; copies < 4; copies++) {
        struct buf stream = { 0 }, message = { 0 }, twice = { 0 };

        for (int i = 0; i < copies; i++) {
            put_extension(&twice, 35, STR("older"));
            put_extension(&twice, 41, psks_body());
        }
        struct tls_hello h = read_with(&stream, &message, buf_str(&twice));
        assert_int_equal(h.session_ticket.len, 0);
        assert_int_equal(h.psk_count, 0);
        buf_fini(&stream);
        buf_fini(&message);
        buf_fini(&twice);
    }
}

static void a_cut_identity_is_not_taken_for_a_whole_one(void **state)
{
    (void)state;
    for (size_t len = 0; len < 20; len++) {
        struct buf stream = { 0 }, message = { 0 }, cut = { 0 };

        put_extension(&cut, 41, str_first(psks_body(), len));
        struct tls_hello h = read_with(&stream, &message, buf_str(&cut));
        assert_int_equal(h.psk_count, 0);
        buf_fini(&stream);
        buf_fini(&message);
        buf_fini(&cut);
    }
}

/* --- what is none --- */

static void other_protocols_are_told_as_such(void **state)
{
    (void)state;
    assert_described(STR("GET / HTTP/1.0\r\n\r\n"), "client did not send a TLS ClientHello");
    assert_described(STR("REGISTER sip:example.test SIP/2.0\r\n"),
                     "client did not send a TLS ClientHello");
    assert_described(STR("\x16\x03\x01\x00\x04\x02\x00\x00\x00"),
                     "client did not send a TLS ClientHello");
}

static void nothing_is_described_as_nothing(void **state)
{
    (void)state;
    assert_described(STR_NONE, "");
    assert_described(STR("\x16\x03"), "client sent too little to tell what it offers");
}

static void every_prefix_is_survived_and_says_it_is_incomplete(void **state)
{
    struct buf hello = { 0 };

    (void)state;
    make_hello(&hello, 0x0301, xp_suites, 3, str_of(extensions, sizeof(extensions) - 1), 50);
    for (size_t len = 0; len < hello.len; len++) {
        /* a copy of its own, so that reading past the end is seen */
        char *copy = malloc(len + 1);
        struct buf message = { 0 };
        struct tls_hello h;

        assert_non_null(copy);
        memcpy(copy, hello.ptr, len);
        tls_hello_read(str_of(copy, len), &message, &h);
        assert_true(h.form == TLS_HELLO_NONE || h.cut);
        free(copy);
        buf_fini(&message);
    }
    buf_fini(&hello);
}

static void lying_lengths_are_survived(void **state)
{
    unsigned seed = 3;

    (void)state;
    for (int round = 0; round < 20000; round++) {
        struct buf hello = { 0 };
        struct buf text = { 0 };

        make_hello(&hello, 0x0303, xp_suites, 3, str_of(extensions, sizeof(extensions) - 1), 1000);
        for (int i = 0; i < 3 && hello.len > 0; i++)
            hello.ptr[(size_t)rand_r(&seed) % hello.len] = (char)rand_r(&seed);
        tls_hello_describe(buf_str(&hello), &text);
        assert_true(text.len > 0 && text.len < 1000);
        buf_fini(&hello);
        buf_fini(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(xp_offers_tls_1_0_with_rc4_and_3des),
        cmocka_unit_test(a_modern_offer_shows_its_versions_and_name),
        cmocka_unit_test(a_hello_spread_over_records_is_read),
        cmocka_unit_test(a_hello_in_ssl2_form_is_recognised),
        cmocka_unit_test(only_ssl_2_and_ssl_3_are_named),
        cmocka_unit_test(many_suites_are_counted_not_listed),
        cmocka_unit_test(a_hostile_name_cannot_break_a_trace_line),
        cmocka_unit_test(tickets_of_both_forms_are_read),
        cmocka_unit_test(a_hello_without_tickets_has_none),
        cmocka_unit_test(a_ticket_that_stands_twice_is_none),
        cmocka_unit_test(a_cut_identity_is_not_taken_for_a_whole_one),
        cmocka_unit_test(other_protocols_are_told_as_such),
        cmocka_unit_test(nothing_is_described_as_nothing),
        cmocka_unit_test(every_prefix_is_survived_and_says_it_is_incomplete),
        cmocka_unit_test(lying_lengths_are_survived),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
