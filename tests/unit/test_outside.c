/* SPDX-License-Identifier: MIT */
/* What clients send: what of it goes inward. */
#include "edge/outside.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/encode.h"
#include "unit/edge_kit.h"
#include "unit/ntlm_exchange.h"

enum { QUEUE = 20 };

static int begin(void **state)
{
    static struct edge_kit k;
    edge_kit_init(&k, "[limits]\nlink_queue = 20\nmessage_max = 64K\n");
    ((struct outside *)conn_user(k.client))->trusted = true; /* may say as much as it likes */
    *state = &k;
    return 0;
}

static int end(void **state)
{
    edge_kit_fini(*state);
    return 0;
}

static void ask_as(struct edge_kit *k, const char *method, const char *from, const char *to,
                   const char *headers)
{
    struct buf text = { 0 };
    buf_printf(&text,
               "%s sip:example.com SIP/2.0\r\nVia: SIP/2.0/TLS 10.0.0.5:4242\r\n"
               "From: <%s>;tag=a1;epid=0123\r\nTo: <%s>\r\nCall-ID: c\r\nCSeq: 1 %s\r\n"
               "%sContent-Length: 0\r\n\r\n",
               method, from, to, method, headers);
    edge_kit_from_client(k, buf_str(&text));
    buf_fini(&text);
}

static void ask(struct edge_kit *k, const char *method, const char *headers)
{
    ask_as(k, method, "sip:ada@example.com", "sip:ada@example.com", headers);
}

static struct link *link_of(struct edge_kit *k)
{
    return conn_user(k->link);
}

static bool refused(struct edge_kit *k, const char *status)
{
    struct str sent = edge_kit_sent(k, k->client);
    return str_starts(sent, STR("SIP/2.0 ")) && str_starts(str_skip(sent, 8), str_from_c(status));
}

static bool went_inward(struct edge_kit *k)
{
    return edge_kit_sent(k, k->link).len > 0;
}

static void a_request_of_one_of_our_users_goes_inward(void **state)
{
    struct edge_kit *k = *state;
    ask(k, "REGISTER", "");
    assert_true(str_starts(edge_kit_sent(k, k->link),
                           STR("REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/TLS 127.0.0.1:")));
}

static void users_of_other_domains_go_nowhere(void **state)
{
    struct edge_kit *k = *state;
    static const char *const strangers[] = { "sip:ada@example.org", "sip:ada@inner.example.com",
                                             "sip:ada@example.com.org", "tel:+1" };
    for (size_t i = 0; i < ARRAY_LEN(strangers); i++) {
        ask_as(k, "REGISTER", strangers[i], "sip:ada@example.com", "");
        assert_true(refused(k, "404"));
        ask_as(k, "MESSAGE", "sip:ada@example.com", strangers[i], "");
        assert_true(refused(k, "404"));
    }
    ask_as(k, "REGISTER", "sip:example.com", "sip:example.com", "");
    assert_true(refused(k, "400"));
}

static void nobody_gets_in_while_remote_access_is_off(void **state)
{
    struct edge_kit *k = *state;
    atomic_store(&k->edge.remote_access, false);
    ask(k, "REGISTER", "");
    assert_true(refused(k, "403"));
}

static void compression_is_declined_here(void **state)
{
    struct edge_kit *k = *state;
    ask(k, "NEGOTIATE", "");
    assert_true(refused(k, "488"));
}

static void a_route_that_somebody_made_up_is_refused(void **state)
{
    struct edge_kit *k = *state;
    ask(k, "MESSAGE", "Route: <sip:fe01.inner.example.com;lr>\r\n");
    assert_true(refused(k, "403"));
    ask(k, "MESSAGE", "Route: <sip:sip.example.com;lr;ms-route-sig=AAAA>\r\n");
    assert_true(refused(k, "403"));
}

/* --- open requests --- */

static void requests_without_an_answer_fill_the_link(void **state)
{
    struct edge_kit *k = *state;
    for (unsigned i = 0; i < QUEUE; i++) {
        ask(k, "OPTIONS", "");
        assert_true(went_inward(k));
    }
    assert_true(link_is_full(link_of(k)));
    ask(k, "OPTIONS", "");
    assert_true(refused(k, "503"));
}

/* Anybody can send them, without a password: they must not keep everybody else out. */
static void what_gets_no_answer_does_not_fill_the_link(void **state)
{
    struct edge_kit *k = *state;
    static const char *const methods[] = { "ACK", "CANCEL", "BENOTIFY" };
    for (unsigned i = 0; i < 3 * QUEUE; i++) {
        ask(k, methods[i % 3], "");
        assert_true(went_inward(k));
    }
    assert_false(link_is_full(link_of(k)));
}

static void an_answer_to_what_was_not_counted_takes_nothing_away(void **state)
{
    struct edge_kit *k = *state;
    for (unsigned i = 0; i < QUEUE; i++)
        ask(k, "OPTIONS", "");
    edge_kit_sent(k, k->link);
    ask(k, "ACK", ""); /* the link is full: it is dropped */
    assert_false(went_inward(k));
    link_answered(link_of(k), 0xFF);
    assert_true(link_is_full(link_of(k)));
}

/* --- sign-ins --- */

static void note_challenge(struct edge_kit *k, struct str challenge)
{
    struct buf text = { 0 };
    buf_add_c(&text, "SIP/2.0 401 x\r\nVia: SIP/2.0/TLS a\r\nFrom: <sip:a@b>\r\nTo: <sip:a@b>\r\n"
                     "Call-ID: c\r\nCSeq: 1 REGISTER\r\n"
                     "WWW-Authenticate: NTLM opaque=\"01234567\", gssapi-data=\"");
    base64_encode(challenge, &text);
    buf_add_c(&text, "\"\r\n\r\n");
    assert_int_equal(edge_kit_turn(k, k->link, buf_str(&text)), FAULT_NONE);
    handshake_note(k->turn.outside, &k->turn.msg, &k->w->arena);
    buf_fini(&text);
}

/* Its sender would be waited for in vain, and would hold a place among those under way. */
static void what_gets_no_answer_is_no_sign_in(void **state)
{
    struct edge_kit *k = *state;
    static const char *const methods[] = { "ACK", "CANCEL", "BENOTIFY" };
    struct outside *o = conn_user(k->client);
    struct exchange x;
    exchange_init(&x);
    assert_int_equal(exchange_answer(&x), FAULT_NONE);
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        struct buf line = { 0 };
        note_challenge(k, buf_str(&x.challenge));
        buf_add_c(&line, "Authorization: NTLM opaque=\"01234567\", gssapi-data=\"");
        base64_encode(buf_str(&x.token), &line);
        buf_add(&line, STR("\"\r\n\0"));
        ask(k, methods[i], line.ptr);
        assert_true(edge_kit_is_silent(k));
        assert_int_equal(o->wait, WAIT_NONE);
        assert_false(o->under_way);
        buf_fini(&line);
    }
    exchange_fini(&x);
}

static void a_sign_in_that_is_structurally_wrong_goes_nowhere(void **state)
{
    struct edge_kit *k = *state;
    struct outside *o = conn_user(k->client);
    ask(k, "REGISTER", "Authorization: NTLM opaque=\"01234567\", gssapi-data=\"TlRMTVNTUAAD\"\r\n");
    assert_true(edge_kit_is_silent(k));
    assert_int_equal(o->wait, WAIT_TO_CLIENT); /* the refusal leaves on the clock */
    assert_true(str_starts(str_of(o->kept, o->kept_len), STR("SIP/2.0 401 ")));
    assert_true(str_find(str_of(o->kept, o->kept_len), STR("targetname=\"fe01.example.com\"")) !=
                SIZE_MAX);
}

/* --- answers --- */

static void an_answer_that_nobody_asked_for_goes_nowhere(void **state)
{
    struct edge_kit *k = *state;
    static const char *const vias[] = { "a", "a;ms-internal-info=\"AAAA\"",
                                        "a;ms-internal-info=\"\"" };
    for (size_t i = 0; i < ARRAY_LEN(vias); i++) {
        struct buf text = { 0 };
        buf_printf(&text,
                   "SIP/2.0 200 OK\r\nVia: SIP/2.0/TLS %s\r\nFrom: <sip:a@b>\r\nTo: <sip:a@b>\r\n"
                   "Call-ID: c\r\nCSeq: 1 NOTIFY\r\n\r\n",
                   vias[i]);
        edge_kit_from_client(k, buf_str(&text));
        assert_true(edge_kit_is_silent(k));
        buf_fini(&text);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_request_of_one_of_our_users_goes_inward),
        TEST(users_of_other_domains_go_nowhere),
        TEST(nobody_gets_in_while_remote_access_is_off),
        TEST(compression_is_declined_here),
        TEST(a_route_that_somebody_made_up_is_refused),
        TEST(requests_without_an_answer_fill_the_link),
        TEST(what_gets_no_answer_does_not_fill_the_link),
        TEST(an_answer_to_what_was_not_counted_takes_nothing_away),
        TEST(what_gets_no_answer_is_no_sign_in),
        TEST(a_sign_in_that_is_structurally_wrong_goes_nowhere),
        TEST(an_answer_that_nobody_asked_for_goes_nowhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
