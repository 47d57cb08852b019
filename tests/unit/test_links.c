/* SPDX-License-Identifier: MIT */
/* A worker's links, as far as they need no network. */
#include "edge/links.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "sip/frame.h"
#include "unit/edge_kit.h"

static int begin(void **state)
{
    static struct edge_kit k;
    edge_kit_init(&k, "[limits]\nlink_queue = 20\n");
    *state = &k;
    return 0;
}

static int end(void **state)
{
    edge_kit_fini(*state);
    return 0;
}

static struct link *link_of(struct edge_kit *k)
{
    return conn_user(k->link);
}

/* --- which one --- */

static void a_link_is_picked_while_its_front_end_answers(void **state)
{
    struct edge_kit *k = *state;
    assert_ptr_equal(links_pick(k->w, STR("sip:ada@example.com")), link_of(k));
    assert_ptr_equal(link_find(k->w, conn_id(k->link)), link_of(k));
    conn_close(k->link, FAULT_ROUTE_SHUTDOWN);
    assert_null(link_find(k->w, conn_id(k->link)));
}

static void a_connection_from_outside_is_no_link(void **state)
{
    struct edge_kit *k = *state;
    assert_null(link_find(k->w, conn_id(k->client)));
    assert_null(link_find(k->w, 0));
    assert_null(link_find(k->w, UINT64_MAX));
}

static void what_the_front_end_offers_is_kept(void **state)
{
    struct edge_kit *k = *state;
    assert_true(str_eq(link_offer(link_of(k)),
                       STR("NTLM realm=\"r\", targetname=\"fe01.example.com\", version=4")));
}

/* --- open requests --- */

static void an_answer_makes_room(void **state)
{
    struct edge_kit *k = *state;
    struct link *l = link_of(k);
    unsigned mark = 0;
    for (unsigned i = 0; i < 20; i++) {
        assert_false(link_is_full(l));
        mark = link_asked(l, 1000000);
    }
    assert_true(link_is_full(l));
    link_answered(l, mark);
    assert_false(link_is_full(l));
}

static void what_is_never_answered_is_forgotten_after_a_minute(void **state)
{
    struct edge_kit *k = *state;
    struct link *l = link_of(k);
    for (unsigned i = 0; i < 20; i++)
        link_asked(l, 1000000);
    link_answered(l, link_asked(l, 1060000));
    assert_true(link_is_full(l));
    link_answered(l, link_asked(l, 1065000));
    assert_false(link_is_full(l));
}

static void marks_that_were_not_given_take_nothing_away(void **state)
{
    struct edge_kit *k = *state;
    struct link *l = link_of(k);
    unsigned mark = 0;
    for (unsigned i = 0; i < 20; i++)
        mark = link_asked(l, 1000000);
    link_answered(l, mark + 1);
    link_answered(l, 64);
    link_answered(l, LINK_NOT_ASKED);
    link_answered(l, UINT32_MAX);
    assert_true(link_is_full(l));
}

/* --- what ended outside --- */

/* Their bodies have so many lines; each message must be one that any Front End takes. */
static unsigned told(struct str out)
{
    unsigned lines = 0;
    while (out.len > 0) {
        struct sip_frame f = { 0 };
        sip_frame_next(out, 2048, &f);
        assert_int_equal(f.status, SIP_FRAME_MESSAGE);
        assert_true(str_starts(out, STR("BENOTIFY ")));
        struct str body = str_skip(str_first(out, f.total), f.head_len);
        for (; body.len > 0; lines++)
            assert_true(str_take_until(&body, '\n').len > 1);
        out = str_skip(out, f.total);
    }
    return lines;
}

static void ends_are_told_before_anything_else_leaves(void **state)
{
    struct edge_kit *k = *state;
    char line[20];
    link_tell_gone(k->w, conn_id(k->link), k->client);
    link_tell_gone(k->w, conn_id(k->client), k->client); /* it used no link */
    struct str out = edge_kit_sent(k, k->link);
    assert_int_equal(told(out), 1);
    snprintf(line, sizeof(line), "\r\n\r\n%X\r\n", conn_cid(k->client));
    assert_true(str_find(out, str_from_c(line)) != SIZE_MAX);
    assert_int_equal(edge_kit_sent(k, k->link).len, 0);
}

static void any_number_of_ends_is_told_in_messages_that_fit(void **state)
{
    struct edge_kit *k = *state;
    for (unsigned i = 0; i < 20000; i++)
        link_tell_gone(k->w, conn_id(k->link), k->client);
    assert_int_equal(told(edge_kit_sent(k, k->link)), 20000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_link_is_picked_while_its_front_end_answers),
        TEST(a_connection_from_outside_is_no_link),
        TEST(what_the_front_end_offers_is_kept),
        TEST(an_answer_makes_room),
        TEST(what_is_never_answered_is_forgotten_after_a_minute),
        TEST(marks_that_were_not_given_take_nothing_away),
        TEST(ends_are_told_before_anything_else_leaves),
        TEST(any_number_of_ends_is_told_in_messages_that_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
