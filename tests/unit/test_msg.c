/* SPDX-License-Identifier: MIT */
#include "sip/msg.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "unit/sip_case.h"

#define START "REGISTER sip:example.test SIP/2.0\r\n"
#define VIA   "Via: SIP/2.0/TLS 192.0.2.7:2616\r\n"
#define FROM  "From: <sip:alice@example.test>;tag=3e49177a52;epid=c8ca638a15\r\n"
#define TO    "To: <sip:alice@example.test>\r\n"
#define CALL  "Call-ID: 4037df9284354df39065195bd57a4b14\r\n"
#define CSEQ  "CSeq: 3 REGISTER\r\n"
#define ALL   VIA FROM TO CALL CSEQ

static void expect(struct sip_case *c, struct str raw, enum fault expected, bool can_reply)
{
    enum fault fault = sip_case_parse(c, raw);
    if (fault != expected || sip_msg_can_reply(&c->msg) != can_reply)
        fail_msg("%.*s%s, reply possible: %d", STR_ARG(raw), fault_name(fault),
                 sip_msg_can_reply(&c->msg));
}

static void a_request_gives_its_parts(void **state)
{
    struct sip_case *c = *state;
    struct str raw = STR(START ALL "Content-Length: 4\r\n\r\nbody");
    expect(c, raw, FAULT_NONE, true);
    const struct sip_msg *m = &c->msg;
    assert_true(m->is_request);
    assert_str(m->method, STR("REGISTER"));
    assert_str(m->uri, STR("sip:example.test"));
    assert_str(m->start_line, STR("REGISTER sip:example.test SIP/2.0"));
    assert_str(m->body, STR("body"));
    assert_int_equal(m->head.len + 4, raw.len);
    assert_int_equal(m->header_count, 6);
    assert_str(m->call_id, STR("4037df9284354df39065195bd57a4b14"));
    assert_int_equal(m->cseq, 3);
    assert_str(m->cseq_method, STR("REGISTER"));
}

static void a_response_gives_its_parts(void **state)
{
    struct sip_case *c = *state;
    expect(c, STR("SIP/2.0 401 Not you, \xc3\x84nne\r\n" ALL "\r\n"), FAULT_NONE, false);
    assert_false(c->msg.is_request);
    assert_int_equal(c->msg.status, 401);
    assert_str(c->msg.reason, STR("Not you, \xc3\x84nne"));
    assert_str(c->msg.method, STR("REGISTER"));
    expect(c, STR("sip/2.0 200 \r\n" ALL "\r\n"), FAULT_NONE, false);
    expect(c, STR("SIP/2.0 200\r\n" ALL "\r\n"), FAULT_NONE, false);
}

static void headers_are_slices_of_what_came_in_its_order(void **state)
{
    struct sip_case *c = *state;
    struct str raw = STR(START ALL "X-a:  1 \t\r\nl:0\r\nx-B :\r\n 2\r\n\t3 \r\n\r\n");
    expect(c, raw, FAULT_NONE, true);
    struct str lines = str_first(raw, sizeof(START) - 1);
    for (unsigned i = 0; i < c->msg.header_count; i++) {
        const struct sip_header *h = &c->msg.headers[i];
        assert_ptr_equal(h->line.ptr, lines.ptr + lines.len);
        assert_ptr_equal(h->name.ptr, h->line.ptr);
        assert_true(str_ends_nocase(h->line, STR("\r\n")));
        assert_true(h->value.ptr >= h->line.ptr &&
                    h->value.ptr + h->value.len <= h->line.ptr + h->line.len);
        lines.len += h->line.len;
    }
    assert_int_equal(lines.len + 2, raw.len);
    assert_str(c->msg.headers[5].value, STR("1"));
    assert_str(c->msg.headers[7].value, STR("2\r\n\t3"));
}

static void compact_names_are_the_same_fields(void **state)
{
    struct sip_case *c = *state;
    expect(c,
           STR(START "v: SIP/2.0/TCP a\r\nF: <sip:a@b>;tag=1\r\nt: <sip:a@b>\r\ni: x\r\n" CSEQ
                     "m: <sip:c>\r\nk: gruu-10\r\no: registration\r\nL: 0\r\nc: text/plain\r\n"
                     "u: presence\r\n\r\n"),
           FAULT_NONE, true);
    static const enum sip_field ids[] = { SIP_VIA,          SIP_FROM,        SIP_TO,
                                          SIP_CALL_ID,      SIP_CSEQ,        SIP_CONTACT,
                                          SIP_SUPPORTED,    SIP_EVENT,       SIP_CONTENT_LENGTH,
                                          SIP_CONTENT_TYPE, SIP_ALLOW_EVENTS };
    for (unsigned i = 0; i < ARRAY_LEN(ids); i++)
        assert_int_equal(c->msg.headers[i].id, ids[i]);
    assert_str(sip_msg_find(&c->msg, STR("supported"))->value, STR("gruu-10"));
}

static void every_field_is_known_by_its_names(void **state)
{
    (void)state;
    char text[64];
#define FIELD(id, name, compact, once)                                                             \
    assert_int_equal(sip_field_from_name(STR(name)), SIP_##id);                                    \
    assert_string_equal(sip_field_name(SIP_##id), name);                                           \
    for (size_t i = 0; i <= sizeof(name) - 1; i++)                                                 \
        text[i] = (char)((name)[i] >= 'a' && (name)[i] <= 'z' ? (name)[i] - 32 : (name)[i]);       \
    assert_int_equal(sip_field_from_name(str_of(text, sizeof(name) - 1)), SIP_##id);               \
    text[0] = (compact);                                                                           \
    if (text[0])                                                                                   \
        assert_int_equal(sip_field_from_name(str_of(text, 1)), SIP_##id);
#include "sip/fields.def"
#undef FIELD
    static const char *const others[] = { "", "x", "X", "Vias", "Vi", "Subject", "Cseqs", "\xff" };
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        assert_int_equal(sip_field_from_name(str_from_c(others[i])), SIP_OTHER);
}

static void repeated_fields_are_chained(void **state)
{
    struct sip_case *c = *state;
    expect(c, STR(START ALL "Supported: a, b\r\nVia: SIP/2.0/TCP x\r\nk: c\r\n\r\n"), FAULT_NONE,
           true);
    const struct sip_header *h = sip_msg_first(&c->msg, SIP_SUPPORTED);
    assert_str(h->value, STR("a, b"));
    h = sip_msg_next(&c->msg, h);
    assert_str(h->value, STR("c"));
    assert_null(sip_msg_next(&c->msg, h));
    assert_null(sip_msg_first(&c->msg, SIP_ROUTE));
    assert_int_equal(sip_msg_value(&c->msg, SIP_ROUTE).len, 0);
}

static void option_tags_are_found_in_all_lists(void **state)
{
    struct sip_case *c = *state;
    expect(c,
           STR(START ALL "Supported: gruu-10, adhoclist ,\r\n x\r\nSupported: ms-forking\r\n\r\n"),
           FAULT_NONE, true);
    assert_true(sip_msg_has_token(&c->msg, SIP_SUPPORTED, STR("gruu-10")));
    assert_true(sip_msg_has_token(&c->msg, SIP_SUPPORTED, STR("AdhocList")));
    assert_true(sip_msg_has_token(&c->msg, SIP_SUPPORTED, STR("x")));
    assert_true(sip_msg_has_token(&c->msg, SIP_SUPPORTED, STR("ms-forking")));
    assert_false(sip_msg_has_token(&c->msg, SIP_SUPPORTED, STR("gruu")));
    assert_false(sip_msg_has_token(&c->msg, SIP_REQUIRE, STR("gruu-10")));
}

static void unknown_headers_are_found_by_name(void **state)
{
    struct sip_case *c = *state;
    expect(c, STR(START ALL "Subject: hello\r\n\r\n"), FAULT_NONE, true);
    assert_str(sip_msg_find(&c->msg, STR("SUBJECT"))->value, STR("hello"));
    assert_null(sip_msg_find(&c->msg, STR("Organization")));
}

static void folds_become_one_blank_when_asked(void **state)
{
    struct sip_case *c = *state;
    struct str plain = STR("a  b");
    assert_ptr_equal(sip_unfold(plain, &c->arena).ptr, plain.ptr);
    assert_str(sip_unfold(STR("a \t\r\n  b  c\r\n\td"), &c->arena), STR("a b  c d"));
}

static void fields_that_may_stand_once_are_refused_twice(void **state)
{
    struct sip_case *c = *state;
    expect(c, STR(START ALL "From: <sip:eve@example.test>;tag=2\r\n\r\n"),
           FAULT_SIP_DUPLICATE_HEADER, true);
    assert_true(str_starts(sip_msg_value(&c->msg, SIP_FROM), STR("<sip:alice")));
    expect(c, STR(START ALL "t: <sip:x@y>\r\n\r\n"), FAULT_SIP_DUPLICATE_HEADER, true);
    expect(c, STR(START ALL CSEQ "\r\n"), FAULT_SIP_DUPLICATE_HEADER, true);
    expect(c, STR(START ALL "i: y\r\n\r\n"), FAULT_SIP_DUPLICATE_HEADER, true);
    expect(c, STR(START ALL "l: 0\r\nContent-Length: 0\r\n\r\n"), FAULT_SIP_DUPLICATE_HEADER, true);
}

static void what_every_message_must_have_is_demanded(void **state)
{
    struct sip_case *c = *state;
    expect(c, STR(START FROM TO CALL CSEQ "\r\n"), FAULT_SIP_MISSING_HEADER, false);
    expect(c, STR(START VIA TO CALL CSEQ "\r\n"), FAULT_SIP_MISSING_HEADER, false);
    expect(c, STR(START VIA FROM CALL CSEQ "\r\n"), FAULT_SIP_MISSING_HEADER, false);
    expect(c, STR(START VIA FROM TO CSEQ "\r\n"), FAULT_SIP_MISSING_HEADER, false);
    expect(c, STR(START VIA FROM TO CALL "\r\n"), FAULT_SIP_MISSING_HEADER, false);
    expect(c, STR(START VIA FROM TO CSEQ "Call-ID:\r\n\r\n"), FAULT_SIP_MISSING_HEADER, false);
}

static void the_method_of_cseq_is_that_of_the_request(void **state)
{
    struct sip_case *c = *state;
    expect(c, STR("register sip:a SIP/2.0\r\n" ALL "\r\n"), FAULT_SIP_CSEQ, true);
    expect(c, STR("INVITE sip:a SIP/2.0\r\n" ALL "\r\n"), FAULT_SIP_CSEQ, true);
    expect(c, STR(START VIA FROM TO CALL "CSeq: 3\r\n\r\n"), FAULT_SIP_CSEQ, true);
}

static void the_start_line_is_exact(void **state)
{
    struct sip_case *c = *state;
    expect(c, STR("REGISTER  sip:a SIP/2.0\r\n" ALL "\r\n"), FAULT_SIP_START_LINE, true);
    expect(c, STR("REGISTER sip:a  SIP/2.0\r\n" ALL "\r\n"), FAULT_SIP_START_LINE, true);
    expect(c, STR("REGISTER sip:a SIP/2.0 \r\n" ALL "\r\n"), FAULT_SIP_START_LINE, true);
    expect(c, STR("REGISTER sip:a\tSIP/2.0\r\n" ALL "\r\n"), FAULT_SIP_START_LINE, true);
    expect(c, STR("REGISTER sip:a\r\n" ALL "\r\n"), FAULT_SIP_START_LINE, true);
    expect(c, STR("REGISTER sip:a HTTP/1.1\r\n" ALL "\r\n"), FAULT_SIP_START_LINE, true);
    expect(c, STR("REGISTER sip:a SIP/3.0\r\n" ALL "\r\n"), FAULT_SIP_VERSION, true);
    expect(c, STR("REGISTER sip:a sip/2.0\r\n" ALL "\r\n"), FAULT_NONE, true);
    static const char *const responses[] = { "SIP/2.0 20 OK",  "SIP/2.0 2000 OK", "SIP/2.0 099 No",
                                             "SIP/2.0 700 No", "SIP/2.0  200 OK", "SIP/2.0 2x0 OK",
                                             "SIP/2.0 ",       "SIP/2.0" };
    for (size_t i = 0; i < ARRAY_LEN(responses); i++)
        expect(c, arena_printf(&c->arena, "%s\r\n" ALL "\r\n", responses[i]), FAULT_SIP_START_LINE,
               false);
}

static void broken_lines_are_a_fault_and_left_out(void **state)
{
    struct sip_case *c = *state;
    static const struct str lines[] = {
        { "X: a\0b\r\n", 8 },    { "X: a\rb\r\n", 8 },       { "no colon\r\n", 10 },
        { ": no name\r\n", 11 }, { "two words: x\r\n", 14 }, { "X\0: y\r\n", 8 },
        { "X\r\n: y\r\n", 8 },   { "<X>: y\r\n", 8 },
    };
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        struct buf text = { 0 };
        buf_add(&text, STR(START ALL));
        buf_add(&text, lines[i]);
        buf_add(&text, STR("\r\n"));
        expect(c, buf_str(&text), FAULT_SIP_HEADER, true);
        assert_int_equal(c->msg.header_count, 5);
        buf_fini(&text);
    }
}

/* "a lone LF is a fault", yet the fields around it are seen, so that the sender hears of it. */
static void a_lone_line_feed_is_a_fault_with_a_reply(void **state)
{
    struct sip_case *c = *state;
    expect(c, STR(START VIA FROM "X: 1\n" TO CALL CSEQ "\r\n"), FAULT_SIP_HEADER, true);
    assert_str(sip_msg_find(&c->msg, STR("X"))->value, STR("1"));
    expect(c, STR(START ALL "\n"), FAULT_SIP_HEADER, true);
    expect(c, STR(START VIA TO CALL CSEQ "From: <sip:a@b>\n ;tag=1\r\n\r\n"), FAULT_SIP_HEADER,
           false);
}

static void the_head_ends_at_the_first_empty_line(void **state)
{
    struct sip_case *c = *state;
    struct str raw = STR(START VIA FROM TO CALL CSEQ "\r\nRoute: <sip:smuggled>\r\n\r\n");
    assert_int_equal(sip_msg_parse(raw, raw.len, SIP_HEADERS_MAX_DEFAULT, &c->arena, &c->msg),
                     FAULT_NONE);
    assert_null(sip_msg_first(&c->msg, SIP_ROUTE));
    assert_str(c->msg.body, STR("Route: <sip:smuggled>\r\n\r\n"));
}

static void a_head_without_end_is_a_fault(void **state)
{
    struct sip_case *c = *state;
    expect(c, STR(START ALL), FAULT_SIP_HEADER, true);
    expect(c, STR(START ALL "X: y"), FAULT_SIP_HEADER, true);
    expect(c, STR(""), FAULT_SIP_HEADER, false);
    expect(c, STR("\r\n\r\n"), FAULT_SIP_START_LINE, false);
}

static void content_length_must_be_that_of_the_body(void **state)
{
    struct sip_case *c = *state;
    expect(c, STR(START ALL "l: 3\r\n\r\nabcd"), FAULT_SIP_CONTENT_LENGTH, true);
    expect(c, STR(START ALL "l: -4\r\n\r\nabcd"), FAULT_SIP_CONTENT_LENGTH, true);
    expect(c, STR(START ALL "l: 4294967300\r\n\r\nabcd"), FAULT_SIP_CONTENT_LENGTH, true);
    expect(c, STR(START ALL "l: \r\n\r\n"), FAULT_SIP_CONTENT_LENGTH, true);
    expect(c, STR(START ALL "l: 004\r\n\r\nabcd"), FAULT_NONE, true);
}

static struct str flood(struct buf *text, unsigned headers)
{
    buf_add(text, STR(START ALL));
    for (unsigned i = 5; i < headers; i++)
        buf_printf(text, "X-%u: %u\r\n", i, i);
    buf_add(text, STR("\r\n"));
    return buf_str(text);
}

static void more_headers_than_allowed_are_a_fault(void **state)
{
    struct sip_case *c = *state;
    struct buf most = { 0 }, more = { 0 };
    struct str raw = flood(&most, 128);
    assert_int_equal(sip_msg_parse(raw, raw.len, 128, &c->arena, &c->msg), FAULT_NONE);
    assert_int_equal(c->msg.header_count, 128);
    assert_str(sip_msg_find(&c->msg, STR("X-127"))->value, STR("127"));
    raw = flood(&more, 5000);
    assert_int_equal(sip_msg_parse(raw, raw.len, 128, &c->arena, &c->msg),
                     FAULT_SIP_TOO_MANY_HEADERS);
    assert_int_equal(c->msg.header_count, 128);
    assert_true(sip_msg_can_reply(&c->msg));
    assert_int_equal(sip_msg_parse(raw, raw.len, 0, &c->arena, &c->msg),
                     FAULT_SIP_TOO_MANY_HEADERS);
    buf_fini(&most);
    buf_fini(&more);
}

static void a_spent_arena_is_a_fault(void **state)
{
    struct sip_case *c = *state;
    struct arena small;
    struct str raw = STR(START ALL "\r\n");
    arena_init(&small, 64, 64);
    assert_int_equal(sip_msg_parse(raw, raw.len, 128, &small, &c->msg), FAULT_SIP_MEMORY);
    assert_false(sip_msg_can_reply(&c->msg));
    arena_fini(&small);
}

static void random_changes_never_make_it_read_outside(void **state)
{
    struct sip_case *c = *state;
    static const char text[] = START ALL "Supported: a,\r\n b\r\nl: 0\r\n\r\n";
    static const char alphabet[] = "\r\n :\0;,<>\"S\t";
    unsigned seed = 1;
    for (unsigned round = 0; round < 20000; round++) {
        size_t len = sizeof(text) - 1 - (seed >> 16) % 8;
        char *copy = malloc(len);
        assert_non_null(copy);
        memcpy(copy, text, len);
        for (unsigned i = 0; i < 1 + round % 4; i++) {
            seed = seed * 1103515245 + 12345;
            copy[(seed >> 8) % len] = alphabet[(seed >> 24) % (sizeof(alphabet) - 1)];
        }
        (void)sip_case_parse(c, str_of(copy, len));
        for (unsigned i = 0; i < c->msg.header_count; i++) {
            struct str value = c->msg.headers[i].value;
            assert_true(str_find_char(value, '\0') == SIZE_MAX);
            assert_true(value.ptr >= copy && value.ptr + value.len <= copy + len);
        }
        arena_reset(&c->arena);
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SIP_CASE_TEST(a_request_gives_its_parts),
        SIP_CASE_TEST(a_response_gives_its_parts),
        SIP_CASE_TEST(headers_are_slices_of_what_came_in_its_order),
        SIP_CASE_TEST(compact_names_are_the_same_fields),
        cmocka_unit_test(every_field_is_known_by_its_names),
        SIP_CASE_TEST(repeated_fields_are_chained),
        SIP_CASE_TEST(option_tags_are_found_in_all_lists),
        SIP_CASE_TEST(unknown_headers_are_found_by_name),
        SIP_CASE_TEST(folds_become_one_blank_when_asked),
        SIP_CASE_TEST(fields_that_may_stand_once_are_refused_twice),
        SIP_CASE_TEST(what_every_message_must_have_is_demanded),
        SIP_CASE_TEST(the_method_of_cseq_is_that_of_the_request),
        SIP_CASE_TEST(the_start_line_is_exact),
        SIP_CASE_TEST(broken_lines_are_a_fault_and_left_out),
        SIP_CASE_TEST(a_lone_line_feed_is_a_fault_with_a_reply),
        SIP_CASE_TEST(the_head_ends_at_the_first_empty_line),
        SIP_CASE_TEST(a_head_without_end_is_a_fault),
        SIP_CASE_TEST(content_length_must_be_that_of_the_body),
        SIP_CASE_TEST(more_headers_than_allowed_are_a_fault),
        SIP_CASE_TEST(a_spent_arena_is_a_fault),
        SIP_CASE_TEST(random_changes_never_make_it_read_outside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
