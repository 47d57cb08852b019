/* SPDX-License-Identifier: MIT */
/* What a Front End sends: whom it reaches outside. */
#include "edge/inside.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <time.h>

#include "unit/edge_kit.h"

static int begin(void **state)
{
    static struct edge_kit k;
    edge_kit_init(&k, "");
    *state = &k;
    return 0;
}

static int end(void **state)
{
    edge_kit_fini(*state);
    return 0;
}

static bool holds(struct str text, const char *what)
{
    return str_find(text, str_from_c(what)) != SIZE_MAX;
}

/* For ada, with `headers`; "" or a To tag. */
static void ask(struct edge_kit *k, const char *uri, const char *tag, const char *headers)
{
    struct buf text = { 0 };
    buf_printf(&text,
               "MESSAGE %s SIP/2.0\r\nVia: SIP/2.0/TLS 10.9.9.1:5061;branch=z9hG4bKA1B2.C3\r\n"
               "%sFrom: <sip:ben@example.com>;tag=b1\r\nTo: <sip:ada@example.com>%s\r\n"
               "Call-ID: c\r\nCSeq: 7 MESSAGE\r\nContent-Length: 0\r\n\r\n",
               uri, headers, tag);
    edge_kit_from_front(k, buf_str(&text));
    buf_fini(&text);
}

static void ask_by_route(struct edge_kit *k, const struct token_maker *t, uint64_t id,
                         enum token_way way, const char *user, const char *tag)
{
    struct buf route = { 0 };
    buf_add_c(&route, "Route: <sip:sip.example.com:443;transport=tls;lr;ms-route-sig=");
    token_print(t, id, way, str_from_c(user), (uint64_t)time(NULL), &route);
    buf_add(&route, STR(">\r\n\0"));
    ask(k, "sip:10.0.0.5:4242;transport=tls", tag, route.ptr);
    buf_fini(&route);
}

static void a_request_finds_its_client_by_route(void **state)
{
    struct edge_kit *k = *state;
    ask_by_route(k, &k->edge.tokens, conn_id(k->client), TOKEN_TO_CLIENT, "sip:ada@example.com",
                 "");
    struct str sent = edge_kit_sent(k, k->client);
    assert_true(str_starts(sent, STR("MESSAGE sip:10.0.0.5:4242;transport=tls SIP/2.0\r\n")));
    assert_false(holds(sent, "10.9.9.1"));
}

static void a_request_finds_its_client_by_the_number_of_its_connection(void **state)
{
    struct edge_kit *k = *state;
    char uri[80];
    snprintf(uri, sizeof(uri), "sip:10.0.0.5:4242;ms-received-cid=%X", conn_cid(k->client));
    ask(k, uri, "", "");
    assert_true(str_starts(edge_kit_sent(k, k->client), STR("MESSAGE ")));
}

static void a_number_of_no_client_is_refused(void **state)
{
    struct edge_kit *k = *state;
    static const char *const uris[] = {
        "sip:10.0.0.5;ms-received-cid=0",
        "sip:10.0.0.5;ms-received-cid=FFFFFFFF",
        "sip:10.0.0.5;ms-received-cid=x",
        "sip:10.0.0.5",
        "tel:1",
    };
    char link[80];
    for (size_t i = 0; i < ARRAY_LEN(uris); i++) {
        ask(k, uris[i], "", "");
        assert_true(str_starts(edge_kit_sent(k, k->link), STR("SIP/2.0 480 ")));
    }
    /* a link is nobody outside */
    snprintf(link, sizeof(link), "sip:10.0.0.5;ms-received-cid=%X", conn_cid(k->link));
    ask(k, link, "", "");
    assert_true(str_starts(edge_kit_sent(k, k->link), STR("SIP/2.0 480 ")));
}

static void a_token_of_another_user_or_direction_is_refused(void **state)
{
    struct edge_kit *k = *state;
    struct token_maker other = k->edge.tokens;
    uint64_t id = conn_id(k->client);
    ask_by_route(k, &k->edge.tokens, id, TOKEN_TO_CLIENT, "sip:ben@example.com", "");
    assert_true(str_starts(edge_kit_sent(k, k->link), STR("SIP/2.0 403 ")));
    ask_by_route(k, &k->edge.tokens, id, TOKEN_FROM_CLIENT, "sip:ada@example.com", "");
    assert_true(str_starts(edge_kit_sent(k, k->link), STR("SIP/2.0 403 ")));
    other.secret[0] ^= 1;
    ask_by_route(k, &other, id, TOKEN_TO_CLIENT, "sip:ada@example.com", "");
    assert_true(str_starts(edge_kit_sent(k, k->link), STR("SIP/2.0 403 ")));
}

static void a_connection_that_has_ended_is_480_or_481(void **state)
{
    struct edge_kit *k = *state;
    uint64_t id = conn_id(k->client) + (1 << 20);
    ask_by_route(k, &k->edge.tokens, id, TOKEN_TO_CLIENT, "sip:ada@example.com", "");
    assert_true(str_starts(edge_kit_sent(k, k->link), STR("SIP/2.0 480 ")));
    ask_by_route(k, &k->edge.tokens, id, TOKEN_TO_CLIENT, "sip:ada@example.com", ";tag=a1");
    assert_true(str_starts(edge_kit_sent(k, k->link), STR("SIP/2.0 481 ")));
}

/* Connections are counted from the start of the process: the number of an earlier start's is that
 * of somebody else now. */
static void a_token_of_an_earlier_start_reaches_nobody(void **state)
{
    struct edge_kit *k = *state;
    struct token_maker before = k->edge.tokens;
    before.boot++;
    ask_by_route(k, &before, conn_id(k->client), TOKEN_TO_CLIENT, "sip:ada@example.com", "");
    assert_true(str_starts(edge_kit_sent(k, k->link), STR("SIP/2.0 480 ")));
    ask_by_route(k, &before, conn_id(k->client), TOKEN_TO_CLIENT, "sip:ada@example.com", ";tag=a");
    assert_true(str_starts(edge_kit_sent(k, k->link), STR("SIP/2.0 481 ")));
}

static void a_request_that_has_gone_too_far_is_refused(void **state)
{
    struct edge_kit *k = *state;
    char uri[80];
    snprintf(uri, sizeof(uri), "sip:10.0.0.5:4242;ms-received-cid=%X", conn_cid(k->client));
    ask(k, uri, "", "Max-Forwards: 0\r\n");
    assert_true(str_starts(edge_kit_sent(k, k->link), STR("SIP/2.0 483 ")));
}

static void a_request_that_memory_does_not_suffice_for_is_refused(void **state)
{
    struct edge_kit *k = *state;
    unsigned refused = 0;
    char uri[80];
    snprintf(uri, sizeof(uri), "sip:10.0.0.5:4242;ms-received-cid=%X", conn_cid(k->client));
    for (size_t budget = 512;; budget += 64) {
        assert_true(budget < 64 * 1024);
        k->w->arena.budget = budget;
        ask(k, uri, "", "");
        if (edge_kit_is_silent(k))
            continue; /* not even to be read */
        if (k->w->net->tx_owner == k->client)
            break;
        assert_true(str_starts(edge_kit_sent(k, k->link), STR("SIP/2.0 503 ")));
        refused++;
    }
    assert_true(refused > 0);
}

/* --- answers --- */

static void answer(struct edge_kit *k, const char *via, const char *status)
{
    struct buf text = { 0 };
    buf_printf(&text,
               "SIP/2.0 %s\r\nVia: SIP/2.0/TLS 10.9.9.2%s\r\nVia: SIP/2.0/TLS 10.0.0.5\r\n"
               "From: <sip:ada@example.com>;tag=a\r\nTo: <sip:ada@example.com>\r\nCall-ID: c\r\n"
               "CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
               status, via);
    edge_kit_from_front(k, buf_str(&text));
    buf_fini(&text);
}

static void an_answer_finds_its_client_by_our_via(void **state)
{
    struct edge_kit *k = *state;
    char via[80];
    snprintf(via, sizeof(via), ";branch=z9hG4bK12345678.%016llX;ms-edge-mark=00-0000000000000000",
             (unsigned long long)conn_id(k->client));
    answer(k, via, "200 OK");
    struct str sent = edge_kit_sent(k, k->client);
    assert_true(str_starts(sent, STR("SIP/2.0 200 OK\r\nVia: SIP/2.0/TLS 10.0.0.5\r\n")));
    assert_false(holds(sent, "10.9.9.2"));
}

static void an_answer_for_nobody_goes_nowhere(void **state)
{
    struct edge_kit *k = *state;
    char to_link[80];
    snprintf(to_link, sizeof(to_link), ";branch=z9hG4bK12345678.%016llX",
             (unsigned long long)conn_id(k->link));
    const char *const others[] = { "", ";branch=z9hG4bK12345678.00000000FFFFFFFF",
                                   ";branch=z9hG4bK12345678.FFFFFFFFFFFFFFFF", to_link };
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        answer(k, others[i], "200 OK");
        assert_true(edge_kit_is_silent(k));
    }
}

/* A guess whose answer is more than there is memory for was a guess all the same. */
static void an_answer_that_cannot_be_passed_on_counts_all_the_same(void **state)
{
    struct edge_kit *k = *state;
    struct outside *o = conn_user(k->client);
    unsigned counted = 0, lost = 0;
    uint64_t held = 0;
    char via[160];
    snprintf(via, sizeof(via),
             ";branch=z9hG4bK12345678.%016llX;ms-edge-mark=00a0000000000000000\r\n"
             "ms-edge-proxy-message-trust: ms-edge-guess",
             (unsigned long long)conn_id(k->client));
    for (size_t budget = 1024; held == 0; budget += 64) {
        assert_true(budget < 64 * 1024);
        k->w->arena.budget = budget;
        o->under_way = true;
        answer(k, via, "401 Unauthorized");
        held = atomic_load(&k->w->stats.held);
        counted = (unsigned)atomic_load(&k->w->stats.failures);
        lost += counted > 0 && held == 0;
        assert_int_equal(o->under_way, counted == 0);
    }
    assert_true(lost > 0);
    assert_int_equal(counted, lost + 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_request_finds_its_client_by_route),
        TEST(a_request_finds_its_client_by_the_number_of_its_connection),
        TEST(a_number_of_no_client_is_refused),
        TEST(a_token_of_another_user_or_direction_is_refused),
        TEST(a_connection_that_has_ended_is_480_or_481),
        TEST(a_token_of_an_earlier_start_reaches_nobody),
        TEST(a_request_that_has_gone_too_far_is_refused),
        TEST(a_request_that_memory_does_not_suffice_for_is_refused),
        TEST(an_answer_finds_its_client_by_our_via),
        TEST(an_answer_for_nobody_goes_nowhere),
        TEST(an_answer_that_cannot_be_passed_on_counts_all_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
