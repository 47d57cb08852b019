/* SPDX-License-Identifier: MIT */
#include "sip/edit.h"

#include "unit/sip_case.h"

#define LINE    "REGISTER sip:example.com SIP/2.0\r\n"
#define MESSAGE LINE MANDATORY "Content-Length: 4\r\n\r\nbody"

static void begin(struct sip_case *c, struct sip_edits *e, struct str raw)
{
    (void)sip_case_parse(c, raw);
    sip_edits_init(e, &c->msg, &c->arena);
}

static void assert_edited(const struct sip_edits *e, struct str expected)
{
    struct buf out = { 0 };

    assert_true(sip_edits_apply(e, &out));
    assert_str(buf_str(&out), expected);
    buf_fini(&out);
}

static void a_message_without_edits_leaves_as_it_came(void **state)
{
    struct sip_edits e;
    begin(*state, &e, STR(MESSAGE));
    assert_edited(&e, STR(MESSAGE));
}

static void a_header_is_removed_with_its_folds(void **state)
{
    struct sip_case *c = *state;
    struct sip_edits e;
    begin(c, &e, STR(LINE "Route: <sip:a>,\r\n <sip:b>\r\n" MANDATORY "\r\n"));
    sip_edit_remove(&e, sip_msg_first(&c->msg, SIP_ROUTE));
    assert_edited(&e, STR(LINE MANDATORY "\r\n"));
}

static void a_new_value_keeps_the_name_as_spelt(void **state)
{
    struct sip_case *c = *state;
    struct sip_edits e;
    begin(c, &e, STR(LINE "MAX-forwards :70\r\n" MANDATORY "\r\n"));
    sip_edit_value(&e, sip_msg_first(&c->msg, SIP_MAX_FORWARDS), STR("69"));
    assert_edited(&e, STR(LINE "MAX-forwards :69\r\n" MANDATORY "\r\n"));
}

static void an_empty_value_is_filled_on_its_own_line(void **state)
{
    struct sip_case *c = *state;
    struct sip_edits e;
    begin(c, &e, STR(LINE "Server:\r\nSupported:  \r\n" MANDATORY "\r\n"));
    sip_edit_value(&e, sip_msg_first(&c->msg, SIP_SERVER), STR("x"));
    sip_edit_append(&e, sip_msg_first(&c->msg, SIP_SUPPORTED), STR("y"));
    struct buf out = { 0 };
    assert_true(sip_edits_apply(&e, &out));
    assert_true(str_starts(buf_str(&out), STR(LINE "Server:x\r\nSupported:")));
    assert_int_equal(sip_case_parse(c, buf_str(&out)), FAULT_NONE);
    assert_str(sip_msg_value(&c->msg, SIP_SUPPORTED), STR("y"));
    buf_fini(&out);
}

static void text_goes_behind_the_value(void **state)
{
    struct sip_case *c = *state;
    struct sip_edits e;
    begin(c, &e, STR(LINE "Contact: <sip:a>  \r\n" MANDATORY "\r\n"));
    const struct sip_header *h = sip_msg_first(&c->msg, SIP_CONTACT);
    sip_edit_append(&e, h, STR(";expires=1"));
    sip_edit_append(&e, h, STR(";q=1"));
    assert_edited(&e, STR(LINE "Contact: <sip:a>;expires=1;q=1  \r\n" MANDATORY "\r\n"));
}

static void a_new_value_can_still_be_appended_to(void **state)
{
    struct sip_case *c = *state;
    struct sip_edits e;
    begin(c, &e, STR(LINE "Event: a\r\n" MANDATORY "\r\n"));
    const struct sip_header *h = sip_msg_first(&c->msg, SIP_EVENT);
    sip_edit_value(&e, h, STR("b"));
    sip_edit_append(&e, h, STR(";id=1"));
    assert_edited(&e, STR(LINE "Event: b;id=1\r\n" MANDATORY "\r\n"));
}

static void the_outer_edit_wins(void **state)
{
    struct sip_case *c = *state;
    struct sip_edits e;
    begin(c, &e, STR(LINE "Event: a\r\n" MANDATORY "\r\n"));
    const struct sip_header *h = sip_msg_first(&c->msg, SIP_EVENT);
    sip_edit_value(&e, h, STR("b"));
    sip_edit_append(&e, h, STR(";id=1"));
    sip_edit_remove(&e, h);
    assert_edited(&e, STR(LINE MANDATORY "\r\n"));
}

static void lines_come_first_and_last(void **state)
{
    struct sip_edits e;
    begin(*state, &e, STR(MESSAGE));
    sip_edit_add_first(&e, STR("Via: SIP/2.0/TLS one"));
    sip_edit_add_first(&e, STR("Via: SIP/2.0/TLS two"));
    sip_edit_add_last(&e, STR("Server: a"));
    sip_edit_add_last(&e, STR("Date: b"));
    assert_edited(&e, STR(LINE "Via: SIP/2.0/TLS two\r\nVia: SIP/2.0/TLS one\r\n" MANDATORY
                               "Content-Length: 4\r\nServer: a\r\nDate: b\r\n\r\nbody"));
}

static void a_line_stays_when_its_neighbour_goes(void **state)
{
    struct sip_case *c = *state;
    struct sip_edits e;
    begin(c, &e, STR(LINE MANDATORY "\r\n"));
    sip_edit_remove(&e, sip_msg_first(&c->msg, SIP_VIA));
    sip_edit_remove(&e, sip_msg_first(&c->msg, SIP_CSEQ));
    sip_edit_add_first(&e, STR("Via: new"));
    sip_edit_add_last(&e, STR("CSeq: 2 REGISTER"));
    struct buf out = { 0 };
    assert_true(sip_edits_apply(&e, &out));
    assert_true(str_starts(buf_str(&out), STR(LINE "Via: new\r\nFrom: ")));
    assert_true(str_ends_nocase(buf_str(&out), STR("10.0.0.5\r\nCSeq: 2 REGISTER\r\n\r\n")));
    buf_fini(&out);
}

static void the_request_uri_is_replaced(void **state)
{
    struct sip_edits e;
    begin(*state, &e, STR(LINE MANDATORY "\r\n"));
    sip_edit_uri(&e, STR("sip:10.0.0.9;transport=tls"));
    assert_edited(&e, STR("REGISTER sip:10.0.0.9;transport=tls SIP/2.0\r\n" MANDATORY "\r\n"));
}

static void no_text_begins_a_line_of_its_own(void **state)
{
    struct sip_case *c = *state;
    struct sip_edits e;
    struct buf out = { 0 };
    begin(c, &e, STR(LINE "Event: a\r\n" MANDATORY "\r\n"));
    const struct sip_header *h = sip_msg_first(&c->msg, SIP_EVENT);
    sip_edit_uri(&e, STR("sip:x\r\nEvil: 0"));
    sip_edit_value(&e, h, STR("b\r\nEvil: 1"));
    sip_edit_append(&e, h, STR("\nEvil: 2"));
    sip_edit_add_first(&e, STR("A: b\r\n\r\nEvil: 3"));
    sip_edit_add_last(&e, STR("C: d\rEvil: 4"));
    assert_true(sip_edits_apply(&e, &out));
    assert_int_equal(str_find(buf_str(&out), STR("\nEvil")), SIZE_MAX);
    assert_int_equal(str_find(buf_str(&out), STR("\rEvil")), SIZE_MAX);
    buf_fini(&out);
}

static void an_exhausted_arena_is_told_at_the_end(void **state)
{
    struct sip_case *c = *state;
    struct sip_edits e;
    struct buf out = { 0 };
    begin(c, &e, STR(MESSAGE));
    for (unsigned i = 0; i < 100000 && !e.failed; i++)
        sip_edit_add_last(&e, STR("X-Filler: some text to fill the memory with"));
    assert_true(e.failed);
    assert_false(sip_edits_apply(&e, &out));
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SIP_CASE_TEST(a_message_without_edits_leaves_as_it_came),
        SIP_CASE_TEST(a_header_is_removed_with_its_folds),
        SIP_CASE_TEST(a_new_value_keeps_the_name_as_spelt),
        SIP_CASE_TEST(an_empty_value_is_filled_on_its_own_line),
        SIP_CASE_TEST(text_goes_behind_the_value),
        SIP_CASE_TEST(a_new_value_can_still_be_appended_to),
        SIP_CASE_TEST(the_outer_edit_wins),
        SIP_CASE_TEST(lines_come_first_and_last),
        SIP_CASE_TEST(a_line_stays_when_its_neighbour_goes),
        SIP_CASE_TEST(the_request_uri_is_replaced),
        SIP_CASE_TEST(no_text_begins_a_line_of_its_own),
        SIP_CASE_TEST(an_exhausted_arena_is_told_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
