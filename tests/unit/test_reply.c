/* SPDX-License-Identifier: MIT */
#include "sip/reply.h"

#include "unit/sip_case.h"

#define LINE "REGISTER sip:example.com SIP/2.0\r\n"

static const struct sip_received from_afar = { .ip = { "192.0.2.7", 9 },
                                               .port = 50123,
                                               .cid = 0x1A00 };

/* The whole answer to a request, as text in the arena. */
static struct str answer(struct sip_case *c, struct str request,
                         const struct sip_received *received)
{
    struct buf out = { 0 };
    struct sip_reply r;

    (void)sip_case_parse(c, request);
    sip_reply_begin(&r, &out, &c->msg, 200, STR("OK"), STR("TAG"), received);
    sip_reply_end(&r, STR_NONE, STR_NONE);
    struct str text = arena_dup(&c->arena, buf_str(&out));
    buf_fini(&out);
    return text;
}

static struct str via_of(struct sip_case *c, const char *via, const struct sip_received *received)
{
    struct str request = arena_printf(&c->arena,
                                      LINE "Via: %s\r\nFrom: <sip:a@b>;tag=1\r\n"
                                           "To: <sip:a@b>\r\nCall-ID: x\r\n"
                                           "CSeq: 1 REGISTER\r\n\r\n",
                                      via);
    struct str text = answer(c, request, received);
    (void)str_take_until(&text, '\n');
    struct str line = str_take_until(&text, '\r');
    assert_true(str_starts(line, STR("Via: ")));
    return str_skip(line, 5);
}

static void an_answer_repeats_what_it_must_in_order(void **state)
{
    struct sip_case *c = *state;
    struct str text = answer(c,
                             STR(LINE "v: SIP/2.0/TLS 10.0.0.5:4242\r\nMax-Forwards: 70\r\n"
                                      "f: <sip:a@b>;tag=1\r\nt:<sip:a@b>\r\n"
                                      "CSeq:  007 REGISTER\r\ni: x\r\n"
                                      "v: SIP/2.0/TCP two, SIP/2.0/TCP three\r\n\r\n"),
                             NULL);
    assert_str(text, STR("SIP/2.0 200 OK\r\nv: SIP/2.0/TLS 10.0.0.5:4242\r\n"
                         "v: SIP/2.0/TCP two, SIP/2.0/TCP three\r\nf: <sip:a@b>;tag=1\r\n"
                         "t:<sip:a@b>;tag=TAG\r\ni: x\r\nCSeq:  007 REGISTER\r\n"
                         "Content-Length: 0\r\n\r\n"));
}

static void the_top_via_says_where_the_request_came_from(void **state)
{
    struct sip_case *c = *state;
    assert_str(via_of(c, "SIP/2.0/TLS 10.0.0.5:4242", &from_afar),
               STR("SIP/2.0/TLS 10.0.0.5:4242;received=192.0.2.7;ms-received-port=50123;"
                   "ms-received-cid=1A00"));
    assert_str(via_of(c, "SIP/2.0/TLS h;branch=z9hG4bK1, SIP/2.0/TCP i", &from_afar),
               STR("SIP/2.0/TLS h;branch=z9hG4bK1;received=192.0.2.7;ms-received-port=50123;"
                   "ms-received-cid=1A00, SIP/2.0/TCP i"));
}

static void received_is_left_out_when_the_sender_told_the_truth(void **state)
{
    struct sip_case *c = *state;
    assert_str(via_of(c, "SIP/2.0/TLS 192.0.2.7:4242", &from_afar),
               STR("SIP/2.0/TLS 192.0.2.7:4242;ms-received-port=50123;ms-received-cid=1A00"));
    struct sip_received six = { .ip = STR("2001:db8::7"), .port = 1, .cid = 2 };
    assert_str(via_of(c, "SIP/2.0/TLS [2001:DB8::7]:4242", &six),
               STR("SIP/2.0/TLS [2001:DB8::7]:4242;ms-received-port=1;ms-received-cid=2"));
}

static void what_a_client_claims_about_itself_is_dropped(void **state)
{
    struct sip_case *c = *state;
    assert_str(via_of(c,
                      "SIP/2.0/TLS h;received=1.1.1.1;branch=b;MS-Received-Port=1;"
                      "ms-received-cid=FF;x",
                      &from_afar),
               STR("SIP/2.0/TLS h;branch=b;x;received=192.0.2.7;ms-received-port=50123;"
                   "ms-received-cid=1A00"));
}

/* It would be a blank, which belongs to no name, once the line is passed on. */
static void a_control_character_hides_no_claim(void **state)
{
    struct sip_case *c = *state;
    assert_str(via_of(c,
                      "SIP/2.0/TLS h;ms-received-cid\x07=DEAD;received\x7f=6.6.6.6;"
                      "ms-received-port \x01 =1;receivedx=2",
                      &from_afar),
               STR("SIP/2.0/TLS h;receivedx=2;received=192.0.2.7;ms-received-port=50123;"
                   "ms-received-cid=1A00"));
}

static void a_via_that_cannot_be_read_goes_back_as_it_came(void **state)
{
    struct sip_case *c = *state;
    assert_str(via_of(c, "SIP/2.0/TLS ???", &from_afar), STR("SIP/2.0/TLS ???"));
}

static void a_to_tag_is_kept_when_there_is_one(void **state)
{
    struct sip_case *c = *state;
    struct str text = answer(c,
                             STR(LINE "Via: SIP/2.0/TLS h\r\nFrom: <sip:a@b>;tag=1\r\n"
                                      "To: <sip:a@b>;tag=own\r\nCall-ID: x\r\n"
                                      "CSeq: 1 REGISTER\r\n\r\n"),
                             NULL);
    assert_int_not_equal(str_find(text, STR("To: <sip:a@b>;tag=own\r\n")), SIZE_MAX);
}

static void the_to_tag_in_force_is_told(void **state)
{
    struct sip_case *c = *state;
    struct buf out = { 0 };
    struct sip_reply r;

    (void)sip_case_parse(c, STR(LINE MANDATORY "\r\n"));
    sip_reply_begin(&r, &out, &c->msg, 200, STR("OK"), STR("TAG"), NULL);
    assert_str(r.to_tag, STR("TAG"));
    buf_fini(&out);
}

static void folded_fields_go_back_on_one_line(void **state)
{
    struct sip_case *c = *state;
    struct str text = answer(c,
                             STR(LINE "Via: SIP/2.0/TLS h\r\n ;branch=b\r\n"
                                      "From: \"A\"\r\n\t<sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\n"
                                      "Call-ID:\r\n x\r\nCSeq: 1\r\n REGISTER\r\n\r\n"),
                             &from_afar);
    assert_int_equal(str_find(text, STR("\r\n ")), SIZE_MAX);
    assert_int_equal(str_find(text, STR("\r\n\t")), SIZE_MAX);
    assert_int_not_equal(str_find(text, STR("CSeq: 1 REGISTER\r\n")), SIZE_MAX);
    assert_int_not_equal(str_find(text, STR("From: \"A\" <sip:a@b>;tag=1\r\n")), SIZE_MAX);
}

static void a_value_never_begins_a_line_of_its_own(void **state)
{
    struct sip_case *c = *state;
    struct buf out = { 0 };
    struct sip_reply r;

    (void)sip_case_parse(c, STR(LINE MANDATORY "\r\n"));
    sip_reply_begin(&r, &out, &c->msg, 200, STR("OK\r\nEvil: 1"), STR("T\r\nEvil: 2"), NULL);
    sip_reply_header(&r, "Date", STR("now\r\nEvil: 3\0\n"));
    sip_reply_headerf(&r, "Server", "%s", "s\r\n\r\nEvil: 4");
    sip_reply_end(&r, STR("text/plain\r\nEvil: 5"), STR("body"));
    assert_int_equal(str_find(buf_str(&out), STR("\nEvil")), SIZE_MAX);
    assert_int_equal(str_find_char(buf_str(&out), '\0'), SIZE_MAX);
    assert_true(str_ends_nocase(buf_str(&out), STR("Content-Length: 4\r\n\r\nbody")));
    buf_fini(&out);
}

static void an_empty_header_does_not_end_the_head(void **state)
{
    struct sip_case *c = *state;
    struct str text =
        answer(c, STR(LINE "Via:\r\nFrom:\r\nTo: \r\nCall-ID:\r\nCSeq:\r\n\r\n"), &from_afar);
    assert_int_equal(str_find(text, STR("\r\n\r\n")), text.len - 4);
}

static void an_answer_can_be_read_back(void **state)
{
    struct sip_case *c = *state;
    struct str text = answer(c, STR(LINE MANDATORY "\r\n"), &from_afar);
    assert_int_equal(sip_case_parse(c, text), FAULT_NONE);
    assert_int_equal(c->msg.status, 200);
    assert_str(c->msg.method, STR("REGISTER"));
}

static void every_status_has_a_phrase(void **state)
{
    (void)state;
    assert_string_equal(sip_reason(200), "OK");
    assert_string_equal(sip_reason(401), "Unauthorized");
    assert_string_equal(sip_reason(489), "Bad Event");
    for (unsigned status = 0; status < 1000; status++)
        assert_true(strlen(sip_reason(status)) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SIP_CASE_TEST(an_answer_repeats_what_it_must_in_order),
        SIP_CASE_TEST(the_top_via_says_where_the_request_came_from),
        SIP_CASE_TEST(received_is_left_out_when_the_sender_told_the_truth),
        SIP_CASE_TEST(what_a_client_claims_about_itself_is_dropped),
        SIP_CASE_TEST(a_control_character_hides_no_claim),
        SIP_CASE_TEST(a_via_that_cannot_be_read_goes_back_as_it_came),
        SIP_CASE_TEST(a_to_tag_is_kept_when_there_is_one),
        SIP_CASE_TEST(the_to_tag_in_force_is_told),
        SIP_CASE_TEST(folded_fields_go_back_on_one_line),
        SIP_CASE_TEST(a_value_never_begins_a_line_of_its_own),
        SIP_CASE_TEST(an_empty_header_does_not_end_the_head),
        SIP_CASE_TEST(an_answer_can_be_read_back),
        cmocka_unit_test(every_status_has_a_phrase),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
