/* SPDX-License-Identifier: MIT */
#include "sip/frame.h"

#include <stdio.h>
#include <stdlib.h>

#include "unit/sip_case.h"

enum { MAX = 4096 };

#define assert_fault(is, expected) assert_string_equal(fault_name(is), fault_name(expected))

/* As Communicator sends it: no branch in Via. */
#define REGISTER_HEAD                                                                              \
    "REGISTER sip:example.test SIP/2.0\r\n"                                                        \
    "Via: SIP/2.0/TLS 192.0.2.7:2616\r\n"                                                          \
    "Max-Forwards: 70\r\n"                                                                         \
    "From: <sip:alice@example.test>;tag=3e49177a52;epid=c8ca638a15\r\n"                            \
    "To: <sip:alice@example.test>\r\n"                                                             \
    "Call-ID: 4037df9284354df39065195bd57a4b14\r\n"                                                \
    "CSeq: 3 REGISTER\r\n"

#define REGISTER REGISTER_HEAD "Content-Length: 0\r\n\r\n"

static struct sip_frame look(struct str in)
{
    struct sip_frame f = { 0 };
    sip_frame_next(in, MAX, &f);
    return f;
}

static void assert_broken(const char *text, enum fault fault)
{
    struct sip_frame f = look(str_from_c(text));
    assert_int_equal(f.status, SIP_FRAME_BROKEN);
    assert_fault(f.fault, fault);
}

static void assert_more(const char *text)
{
    assert_int_equal(look(str_from_c(text)).status, SIP_FRAME_MORE);
}

static void a_message_without_body_ends_at_the_empty_line(void **state)
{
    (void)state;
    struct sip_frame f = look(STR(REGISTER "NEXT"));
    assert_int_equal(f.status, SIP_FRAME_MESSAGE);
    assert_int_equal(f.head_len, sizeof(REGISTER) - 1);
    assert_int_equal(f.total, sizeof(REGISTER) - 1);
}

static void a_head_without_content_length_has_no_body(void **state)
{
    (void)state;
    struct sip_frame f = look(STR(REGISTER_HEAD "\r\nbody?"));
    assert_int_equal(f.status, SIP_FRAME_MESSAGE);
    assert_int_equal(f.total, sizeof(REGISTER_HEAD "\r\n") - 1);
}

static void the_body_counts_and_what_is_missing_is_told(void **state)
{
    (void)state;
    struct sip_frame f = look(STR(REGISTER_HEAD "Content-Length: 10\r\n\r\n123"));
    assert_int_equal(f.status, SIP_FRAME_MORE);
    assert_int_equal(f.need, 7);
    f = look(STR(REGISTER_HEAD "Content-Length: 10\r\n\r\n1234567890REGISTER"));
    assert_int_equal(f.status, SIP_FRAME_MESSAGE);
    assert_int_equal(f.total - f.head_len, 10);
}

static void content_length_may_be_short_folded_and_spelt_anyhow(void **state)
{
    (void)state;
    static const char *const lines[] = { "l: 3\r\n",
                                         "L:3\r\n",
                                         "content-length : 3\r\n",
                                         "CONTENT-LENGTH:\r\n  3\r\n",
                                         "Content-Length:\t003  \r\n",
                                         "l: 3\r\nX: 1\r\n l: 9\r\n" };
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        char text[512];
        int n = snprintf(text, sizeof(text), REGISTER_HEAD "%s\r\nabcdef", lines[i]);
        struct sip_frame f = look(str_of(text, (size_t)n));
        assert_int_equal(f.status, SIP_FRAME_MESSAGE);
        assert_int_equal(f.total, f.head_len + 3);
    }
}

static void content_length_that_is_no_number_breaks_the_stream(void **state)
{
    (void)state;
    assert_broken(REGISTER_HEAD "Content-Length: -1\r\n\r\n", FAULT_SIP_CONTENT_LENGTH);
    assert_broken(REGISTER_HEAD "Content-Length: +1\r\n\r\n", FAULT_SIP_CONTENT_LENGTH);
    assert_broken(REGISTER_HEAD "Content-Length:\r\n\r\n", FAULT_SIP_CONTENT_LENGTH);
    assert_broken(REGISTER_HEAD "Content-Length: 1 2\r\n\r\n", FAULT_SIP_CONTENT_LENGTH);
    assert_broken(REGISTER_HEAD "Content-Length: 1\r\n 2\r\n\r\n", FAULT_SIP_CONTENT_LENGTH);
    assert_broken(REGISTER_HEAD "Content-Length: 0x10\r\n\r\n", FAULT_SIP_CONTENT_LENGTH);
    assert_broken(REGISTER_HEAD "l: 99999999999999999999999999\r\n\r\n", FAULT_SIP_CONTENT_LENGTH);
}

static void content_length_twice_breaks_the_stream_even_when_equal(void **state)
{
    (void)state;
    assert_broken(REGISTER_HEAD "Content-Length: 5\r\nl: 0\r\n\r\n", FAULT_SIP_DUPLICATE_HEADER);
    assert_broken(REGISTER_HEAD "l: 0\r\nl: 0\r\n\r\n", FAULT_SIP_DUPLICATE_HEADER);
}

static void what_would_not_fit_is_refused_before_it_comes(void **state)
{
    (void)state;
    assert_broken(REGISTER_HEAD "Content-Length: 4096\r\n\r\n", FAULT_SIP_TOO_LARGE);
    assert_broken(REGISTER_HEAD "Content-Length: 4294967295\r\n\r\n", FAULT_SIP_TOO_LARGE);
}

static void a_message_of_exactly_the_limit_passes(void **state)
{
    (void)state;
    char text[MAX + 1];
    size_t head = sizeof(REGISTER_HEAD "Content-Length: 0000\r\n\r\n") - 1;
    memset(text, 'x', sizeof(text));
    int n = snprintf(text, sizeof(text), REGISTER_HEAD "Content-Length: %04zu\r\n\r\n", MAX - head);
    assert_int_equal(n, head);
    assert_int_equal(look(str_of(text, MAX)).status, SIP_FRAME_MESSAGE);
    n = snprintf(text, sizeof(text), REGISTER_HEAD "Content-Length: %04zu\r\n\r\n", MAX - head + 1);
    assert_int_equal(n, head);
    assert_fault(look(str_of(text, MAX + 1)).fault, FAULT_SIP_TOO_LARGE);
}

static void a_head_that_does_not_end_is_too_large(void **state)
{
    (void)state;
    char text[MAX];
    memset(text, 'a', sizeof(text));
    memcpy(text, "REGISTER sip:", 13);
    assert_int_equal(look(str_of(text, MAX - 1)).status, SIP_FRAME_MORE);
    struct sip_frame f = look(str_of(text, MAX));
    assert_int_equal(f.status, SIP_FRAME_BROKEN);
    assert_fault(f.fault, FAULT_SIP_TOO_LARGE);
}

static void blanks_between_messages_are_told_apart(void **state)
{
    (void)state;
    struct sip_frame f = look(STR("\r\n\r\n"));
    assert_int_equal(f.status, SIP_FRAME_BLANK);
    assert_int_equal(f.total, 4);
    f = look(STR("\r\n\r\n" REGISTER));
    assert_int_equal(f.status, SIP_FRAME_BLANK);
    assert_int_equal(f.total, 4);
    f = look(STR("\r"));
    assert_int_equal(f.status, SIP_FRAME_BLANK);
    assert_int_equal(f.total, 1);
}

static void nothing_is_not_a_message_yet(void **state)
{
    (void)state;
    struct sip_frame f = look(STR_NONE);
    assert_int_equal(f.status, SIP_FRAME_MORE);
    assert_int_equal(f.need, 1);
}

static void other_protocols_are_told_from_their_first_bytes(void **state)
{
    (void)state;
    assert_broken("\x16\x03\x01", FAULT_SIP_NOT_SIP);
    assert_broken("GET / HTTP/1.1\r\n", FAULT_SIP_NOT_SIP);
    assert_broken("GET /", FAULT_SIP_NOT_SIP);
    assert_broken("HTTP/1.1 200 OK\r\n", FAULT_SIP_NOT_SIP);
    assert_broken("SSH-2.0-OpenSSH_9.2\r\n", FAULT_SIP_NOT_SIP);
    assert_broken("{\"json\":", FAULT_SIP_NOT_SIP);
    assert_broken(" REGISTER sip:", FAULT_SIP_NOT_SIP);
    assert_broken("\xff\xd8\xff", FAULT_SIP_NOT_SIP);
    struct sip_frame f = look(STR("\0\0\0\0"));
    assert_fault(f.fault, FAULT_SIP_NOT_SIP);
}

static void a_first_word_without_end_is_not_sip(void **state)
{
    (void)state;
    char text[256];
    memset(text, 'A', sizeof(text));
    assert_fault(look(str_of(text, sizeof(text))).fault, FAULT_SIP_NOT_SIP);
    memcpy(text, "INVITE ", 7);
    assert_fault(look(str_of(text, sizeof(text))).fault, FAULT_SIP_NOT_SIP);
}

static void every_beginning_of_a_message_may_become_one(void **state)
{
    (void)state;
    assert_more("S");
    assert_more("SIP");
    assert_more("SIP/2.0 200");
    assert_more("REGISTER");
    assert_more("REGISTER ");
    assert_more("REGISTER s");
    assert_more("OPTIONS tel:1");
    /* malformed, but the sender shall hear so: RFC 4475 3.1.2.7 and 3.1.2.9 */
    assert_more("OPTIONS  sip:a");
    assert_more("OPTIONS <sip:a");
    for (size_t n = 1; n < sizeof(REGISTER) - 1; n++)
        assert_int_equal(look(str_of(REGISTER, n)).status, SIP_FRAME_MORE);
}

/* The state between the calls is `scanned` only, as a connection keeps it. */
static void bytes_one_by_one_give_the_same_frame(void **state)
{
    (void)state;
    static const char text[] = REGISTER_HEAD "Content-Length: 4\r\n\r\n1234";
    size_t len = sizeof(text) - 1, scanned = 0;
    for (size_t n = 1; n < len; n++) {
        struct sip_frame f = { .scanned = scanned };
        sip_frame_next(str_of(text, n), MAX, &f);
        assert_int_equal(f.status, SIP_FRAME_MORE);
        assert_true(f.scanned >= scanned && f.scanned <= n);
        assert_true(n + f.need <= len);
        scanned = f.scanned;
    }
    struct sip_frame f = { .scanned = scanned };
    sip_frame_next(str_of(text, len), MAX, &f);
    assert_int_equal(f.status, SIP_FRAME_MESSAGE);
    assert_int_equal(f.total, len);
}

/* What is searched anew per call stays within the last line end. */
static void bytes_one_by_one_are_not_searched_again(void **state)
{
    (void)state;
    size_t len = sizeof(REGISTER_HEAD) - 1, scanned = 0;
    for (size_t n = 1; n <= len; n++) {
        struct sip_frame f = { .scanned = scanned };
        sip_frame_next(str_of(REGISTER_HEAD, n), MAX, &f);
        assert_int_equal(f.status, SIP_FRAME_MORE);
        scanned = f.scanned;
        assert_true(n - scanned <= 2);
    }
}

static void pipelined_messages_come_one_after_another(void **state)
{
    (void)state;
    struct str in = STR(REGISTER "\r\n" REGISTER_HEAD "l: 2\r\n\r\nab" REGISTER);
    unsigned messages = 0;
    while (in.len > 0) {
        struct sip_frame f = look(in);
        assert_true(f.status == SIP_FRAME_MESSAGE || f.status == SIP_FRAME_BLANK);
        messages += f.status == SIP_FRAME_MESSAGE;
        in = str_skip(in, f.total);
    }
    assert_int_equal(messages, 3);
}

/* Refused by the parser; here it must only come to an end. */
static void a_head_of_lone_line_feeds_ends_too(void **state)
{
    (void)state;
    struct sip_frame f = look(STR("OPTIONS sip:a SIP/2.0\nl: 2\n\nabcd"));
    assert_int_equal(f.status, SIP_FRAME_MESSAGE);
    assert_int_equal(f.total, f.head_len + 2);
    f = look(STR("OPTIONS sip:a SIP/2.0\n\r\n"));
    assert_int_equal(f.status, SIP_FRAME_MESSAGE);
}

static void random_bytes_never_make_it_read_outside(void **state)
{
    (void)state;
    static const char alphabet[] = "\r\n l:0\tSIP/2.REG\0\x80";
    unsigned seed = 1;
    for (unsigned round = 0; round < 20000; round++) {
        size_t len = (seed >> 16) % 48;
        char *text = malloc(len + 1);
        assert_non_null(text);
        for (size_t i = 0; i < len; i++) {
            seed = seed * 1103515245 + 12345;
            text[i] = alphabet[(seed >> 16) % (sizeof(alphabet) - 1)];
        }
        struct sip_frame f = { .scanned = len / 2 };
        sip_frame_next(str_of(text, len), MAX, &f);
        assert_true(f.status != SIP_FRAME_MESSAGE || f.total <= len);
        assert_true(f.status != SIP_FRAME_BLANK || (f.total > 0 && f.total <= len));
        seed = seed * 1103515245 + 12345;
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_without_body_ends_at_the_empty_line),
        cmocka_unit_test(a_head_without_content_length_has_no_body),
        cmocka_unit_test(the_body_counts_and_what_is_missing_is_told),
        cmocka_unit_test(content_length_may_be_short_folded_and_spelt_anyhow),
        cmocka_unit_test(content_length_that_is_no_number_breaks_the_stream),
        cmocka_unit_test(content_length_twice_breaks_the_stream_even_when_equal),
        cmocka_unit_test(what_would_not_fit_is_refused_before_it_comes),
        cmocka_unit_test(a_message_of_exactly_the_limit_passes),
        cmocka_unit_test(a_head_that_does_not_end_is_too_large),
        cmocka_unit_test(blanks_between_messages_are_told_apart),
        cmocka_unit_test(nothing_is_not_a_message_yet),
        cmocka_unit_test(other_protocols_are_told_from_their_first_bytes),
        cmocka_unit_test(a_first_word_without_end_is_not_sip),
        cmocka_unit_test(every_beginning_of_a_message_may_become_one),
        cmocka_unit_test(bytes_one_by_one_give_the_same_frame),
        cmocka_unit_test(bytes_one_by_one_are_not_searched_again),
        cmocka_unit_test(pipelined_messages_come_one_after_another),
        cmocka_unit_test(a_head_of_lone_line_feeds_ends_too),
        cmocka_unit_test(random_bytes_never_make_it_read_outside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
