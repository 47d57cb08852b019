/* SPDX-License-Identifier: MIT */
#include "front/behind.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/compiler.h"
#include "front/client_conn.h"
#include "front/dispatch.h"
#include "front/front_internal.h"
#include "net/net_internal.h"

/* A worker without a network: one link of an Edge and one connection of a client's own. */
struct fronting {
    struct front front;
    struct worker *w;
    struct net_listener edge_door, door;
    struct conn *link, *direct;
    struct edge_link *l;
    struct arena arena;
    struct buf out, text;
};

static struct conn *connected(struct fronting *f, struct net_listener *door, const char *peer)
{
    struct net_addr addr;
    assert_true(net_addr_parse(str_from_c(peer), &addr));
    struct conn *c = net_conn_new(f->w->net, -1, &addr);
    c->listener = door;
    c->state = CONN_OPEN;
    return c;
}

static int begin(void **state)
{
    static struct fronting f;
    struct buf why = { 0 };
    f = (struct fronting){ .edge_door = { .name = "edge", .use_tls = true, .edge_link = true },
                           .door = { .name = "door", .use_tls = true } };
    f.front.conf = conf_parse(STR("[general]\ndomain = example.com\nfqdn = fe01.example.com\n"
                                  "[directory]\nnetbios_domain = EXAMPLE\n"),
                              "test.conf", &why);
    assert_non_null(f.front.conf);
    f.front.authd_path = "/nonexistent/postern/authd";
    f.front.worker_count = 1;
    f.front.workers = &f.w;
    f.w = worker_new(&f.front, 0);
    f.link = connected(&f, &f.edge_door, "10.9.9.9:40000");
    f.l = edge_link_new(f.w, f.link);
    conn_set_user(f.link, f.l);
    f.direct = connected(&f, &f.door, "10.0.0.5:4242");
    conn_set_user(f.direct,
                  client_conn_new(f.w, conn_id(f.direct), net_addr_bytes(conn_peer(f.direct))));
    arena_init(&f.arena, 4096, 1 << 20);
    *state = &f;
    return 0;
}

static int end(void **state)
{
    struct fronting *f = *state;
    worker_free(f->w);
    conf_free(f->front.conf);
    arena_fini(&f->arena);
    buf_fini(&f->out);
    buf_fini(&f->text);
    return 0;
}

/* --- messages --- */

#define EDGE_VIA "Via: SIP/2.0/TLS 10.9.9.9;branch=z9hG4bK1.2\r\n"
#define IDS                                                                                        \
    "From: <sip:ada@example.com>;tag=a1;epid=0123456789\r\nTo: <sip:ada@example.com>\r\n"          \
    "Call-ID: c\r\n"

static struct str request_of(struct fronting *f, const char *method, const char *headers,
                             const char *body)
{
    buf_clear(&f->text);
    buf_printf(&f->text,
               "%s sip:example.com SIP/2.0\r\n%s" IDS "CSeq: 1 %s\r\nContent-Length: %zu\r\n\r\n%s",
               method, headers, method, strlen(body), body);
    return buf_str(&f->text);
}

static void parse(struct fronting *f, struct str whole, struct sip_msg *m)
{
    arena_reset(&f->arena);
    assert_int_equal(sip_msg_parse(whole, str_find(whole, STR("\r\n\r\n")) + 4, 128, &f->arena, m),
                     FAULT_NONE);
}

static struct client_conn *client_of(struct fronting *f, const char *headers,
                                     struct sip_trust *trust)
{
    struct sip_msg m;
    struct sip_trust ignored;
    parse(f, request_of(f, "REGISTER", headers, ""), &m);
    return edge_link_client(f->l, &m, &f->arena, trust ? trust : &ignored);
}

/* As the Edge says it. */
static struct client_conn *client_by_cid(struct fronting *f, const char *cid)
{
    char headers[256];
    snprintf(headers, sizeof(headers),
             EDGE_VIA "Via: SIP/2.0/TLS 10.0.0.7:5;received=192.0.2.7;ms-received-port=50123"
                      ";ms-received-cid=%s\r\n"
                      "ms-edge-proxy-message-trust: ms-ep-fqdn=e;ms-received-cid=%s\r\n",
             cid, cid);
    return client_of(f, headers, NULL);
}

static struct str sent_over(struct fronting *f, const struct conn *c)
{
    struct net *n = f->w->net;
    buf_clear(&f->out);
    if (n->tx_owner == c)
        buf_add(&f->out, buf_str(&n->tx));
    buf_clear(&n->tx);
    n->tx_owner = NULL;
    return buf_str(&f->out);
}

static void arrives(struct fronting *f, struct conn *c, struct str whole)
{
    dispatch_message(f->w, c, whole, str_find(whole, STR("\r\n\r\n")) + 4);
}

/* --- who it is --- */

static void a_client_is_known_by_the_number_of_its_connection(void **state)
{
    struct fronting *f = *state;
    struct client_conn *first = client_by_cid(f, "1F00"), *second = client_by_cid(f, "2F00");
    assert_ptr_not_equal(first, second);
    assert_ptr_equal(client_by_cid(f, "1F00"), first);
    assert_ptr_equal(client_by_cid(f, "2F00"), second);
    assert_int_equal(first->cid_number, 0x1F00);
    assert_string_equal(first->cid, "1F00");
    assert_true(first->conn_id == conn_id(f->link));
    assert_true(first->id != second->id && first->id != first->conn_id);
}

static void its_address_is_what_the_edge_noted(void **state)
{
    struct fronting *f = *state;
    struct client_conn *cc = client_by_cid(f, "1F00");
    assert_string_equal(cc->peer, "192.0.2.7:50123");
    assert_int_equal(cc->sas.source_len, 4);
    assert_memory_equal(cc->sas.source, "\xc0\x00\x02\x07", 4);
    cc = client_of(f,
                   EDGE_VIA "Via: SIP/2.0/TLS [2001:db8::7]:443;ms-received-port=443"
                            ";ms-received-cid=3F00\r\n",
                   NULL);
    assert_string_equal(cc->peer, "[2001:db8::7]:443");
    assert_int_equal(cc->sas.source_len, 16);
}

static void an_address_that_is_none_is_no_source(void **state)
{
    struct fronting *f = *state;
    struct client_conn *cc =
        client_of(f, EDGE_VIA "Via: SIP/2.0/TLS somewhere.example;ms-received-cid=1F00\r\n", NULL);
    assert_int_equal(cc->sas.source_len, 0);
    assert_string_equal(cc->peer, "");
}

static void both_vias_in_one_line_are_read_too(void **state)
{
    struct fronting *f = *state;
    struct client_conn *cc = client_by_cid(f, "1F00");
    assert_ptr_equal(client_of(f,
                               "Via: SIP/2.0/TLS 10.9.9.9;ms-received-cid=9999,\r\n"
                               " SIP/2.0/TLS 10.0.0.7;ms-received-cid=1F00\r\n",
                               NULL),
                     cc);
}

static void an_answer_says_whose_it_is_in_the_word_of_trust(void **state)
{
    struct fronting *f = *state;
    struct client_conn *cc = client_by_cid(f, "1F00");
    struct sip_msg m;
    struct sip_trust trust;
    struct str answer = STR("SIP/2.0 200 OK\r\nVia: SIP/2.0/TLS 10.9.9.1\r\n"
                            "Via: SIP/2.0/TLS x;ms-received-cid=2F00\r\n" IDS "CSeq: 1 NOTIFY\r\n"
                            "ms-edge-proxy-message-trust: ms-ep-fqdn=e;ms-received-cid=1F00\r\n"
                            "\r\n");
    parse(f, answer, &m);
    assert_ptr_equal(edge_link_client(f->l, &m, &f->arena, &trust), cc);
}

static void a_number_that_is_too_long_is_cut_and_found_again(void **state)
{
    struct fronting *f = *state;
    struct client_conn *cc = client_by_cid(f, "123456789012345678901234567890");
    assert_ptr_equal(client_by_cid(f, "123456789012345678901234567890"), cc);
    assert_int_equal(strlen(cc->cid), sizeof(cc->cid) - 1);
}

static void the_name_it_is_shown_changes_with_the_edges_word(void **state)
{
    struct fronting *f = *state;
    struct sip_trust trust;
    struct client_conn *cc =
        client_of(f,
                  EDGE_VIA "ms-edge-proxy-message-trust: ms-ep-fqdn=e;ms-received-cid=1F00"
                           ";ms-edge-target=sip.example.com;ms-edge-resumed=5;ms-edge-over\r\n",
                  &trust);
    assert_string_equal(cc->target, "sip.example.com");
    assert_ptr_equal(cc->sas.targetname, cc->target);
    assert_true(trust.resumed == 5 && trust.over);
    assert_ptr_equal(client_by_cid(f, "1F00"), cc);
    assert_null(cc->target);
    assert_null(cc->sas.targetname);
}

/* --- how it ends --- */

static void a_client_is_found_by_its_id_until_it_is_gone(void **state)
{
    struct fronting *f = *state;
    struct client_conn *cc = client_by_cid(f, "1F00"), *other = client_by_cid(f, "2F00");
    uint64_t id = cc->id;
    struct conn *c;
    assert_ptr_equal(client_conn_find(f->w, id, &c), cc);
    assert_ptr_equal(c, f->link);
    edge_link_gone(f->l, STR("1F00\r\n"));
    assert_null(client_conn_find(f->w, id, &c));
    assert_ptr_equal(client_conn_find(f->w, other->id, &c), other);
    assert_true(client_by_cid(f, "1F00")->id != id); /* the number came again */
}

static void several_may_end_at_once_and_nonsense_ends_nobody(void **state)
{
    struct fronting *f = *state;
    client_by_cid(f, "1F00");
    client_by_cid(f, "2F00");
    struct client_conn *third = client_by_cid(f, "3F00");
    struct conn *c;
    edge_link_gone(f->l, STR("\r\n\n  \r\nnobody\r\n3F0\r\n3F000\r\n"));
    assert_int_equal(f->w->behind.count, 3);
    edge_link_gone(f->l, STR("2F00\r\n1F00\n1F00"));
    assert_int_equal(f->w->behind.count, 1);
    assert_ptr_equal(client_conn_find(f->w, third->id, &c), third);
}

static void the_end_of_the_link_is_the_end_of_all_behind_it(void **state)
{
    struct fronting *f = *state;
    uint64_t id = client_by_cid(f, "1F00")->id;
    struct conn *c;
    client_by_cid(f, "2F00");
    edge_link_free(f->l);
    conn_set_user(f->link, NULL);
    assert_int_equal(f->w->behind.count, 0);
    assert_null(client_conn_find(f->w, id, &c));
}

static void who_was_not_heard_of_for_long_is_forgotten(void **state)
{
    struct fronting *f = *state;
    struct client_conn *signed_in = client_by_cid(f, "1F00");
    uint64_t now = loop_now_ms(f->w->loop);
    for (unsigned i = 0; i < 100; i++) {
        char cid[12];
        snprintf(cid, sizeof(cid), "A%X", i);
        client_by_cid(f, cid);
    }
    assert_non_null(sa_new(f->w->auth.sas, &signed_in->sas, STR("1F00"), STR("e"), now, NULL));
    edge_link_sweep(f->l, now + 300000);
    assert_int_equal(f->w->behind.count, 101);
    for (unsigned i = 0; i < 3; i++)
        edge_link_sweep(f->l, now + 300001);
    assert_int_equal(f->w->behind.count, 1);
    assert_ptr_equal(client_by_cid(f, "1F00"), signed_in);
}

/* --- two clients on one link --- */

static void one_users_two_clients_share_no_association(void **state)
{
    struct fronting *f = *state;
    struct client_conn *a = client_by_cid(f, "1F00"), *b = client_by_cid(f, "2F00");
    struct sa_table *sas = f->w->auth.sas;
    struct sa *sa = sa_new(sas, &a->sas, STR("1F00"), STR("0123456789"), 1000, NULL);
    struct sa *sb = sa_new(sas, &b->sas, STR("2F00"), STR("0123456789"), 1000, NULL);
    assert_ptr_not_equal(sa, sb);
    struct str opaque = str_from_c(sa->opaque_text);
    assert_ptr_equal(sa_find(sas, &a->sas, STR("1F00"), opaque, 1000), sa);
    assert_null(sa_find(sas, &b->sas, STR("1F00"), opaque, 1000));
    assert_null(sa_find(sas, &b->sas, STR("2F00"), opaque, 1000));
    edge_link_gone(f->l, STR("1F00"));
    assert_ptr_equal(sa_find(sas, &b->sas, STR("2F00"), str_from_c(sb->opaque_text), 1000), sb);
}

/* --- what arrives --- */

#define CLIENT_VIA "Via: SIP/2.0/TLS 10.0.0.7:5;received=192.0.2.7;ms-received-cid=1F00\r\n"
#define TRUST      "ms-edge-proxy-message-trust: ms-ep-fqdn=e;ms-received-cid=1F00;ms-edge-over\r\n"

static void a_client_behind_the_edge_is_challenged_over_the_link(void **state)
{
    struct fronting *f = *state;
    arrives(f, f->link, request_of(f, "REGISTER", EDGE_VIA CLIENT_VIA TRUST, ""));
    struct str answer = sent_over(f, f->link);
    assert_true(str_starts(answer, STR("SIP/2.0 401 ")));
    assert_int_equal(f->w->behind.count, 1);
}

/* Everybody can write these headers; only on a link do they mean anything. */
static void on_a_connection_of_its_own_a_client_is_who_it_is(void **state)
{
    struct fronting *f = *state;
    struct client_conn *own = conn_user(f->direct), *victim = client_by_cid(f, "1F00");
    arrives(f, f->direct,
            request_of(f, "REGISTER",
                       EDGE_VIA CLIENT_VIA TRUST "ms-user-logon-data: RemoteUser\r\n", ""));
    struct str answer = sent_over(f, f->direct);
    assert_true(str_starts(answer, STR("SIP/2.0 401 ")));
    assert_true(str_find(answer, STR("ms-edge-proxy-message-trust")) == SIZE_MAX);
    assert_true(own->told_forgery);
    assert_null(own->link);
    assert_null(own->target);
    assert_memory_equal(own->sas.source, "\x0a\x00\x00\x05", 4);
    assert_int_equal(f->w->behind.count, 1);
    assert_ptr_equal(client_by_cid(f, "1F00"), victim);
}

static void the_edge_may_say_that_a_connection_has_ended(void **state)
{
    struct fronting *f = *state;
    client_by_cid(f, "1F00");
    client_by_cid(f, "2F00");
    arrives(f, f->link,
            request_of(f, "BENOTIFY", EDGE_VIA "Event: ms-edge-connection-ended\r\n", "1F00\r\n"));
    assert_int_equal(f->w->behind.count, 1);
    assert_null(f->w->net->tx_owner);
}

/* Somebody outside sends what the Edge passes on, and marks as a client's. */
static void a_client_behind_the_edge_ends_nobodys_connection(void **state)
{
    struct fronting *f = *state;
    struct client_conn *victim = client_by_cid(f, "2F00");
    struct conn *c;
    uint64_t id = victim->id;
    arrives(f, f->link,
            request_of(f, "BENOTIFY",
                       EDGE_VIA CLIENT_VIA TRUST "Event: ms-edge-connection-ended\r\n",
                       "2F00\r\n"));
    assert_ptr_equal(client_conn_find(f->w, id, &c), victim);
}

static void nor_does_one_with_a_connection_of_its_own(void **state)
{
    struct fronting *f = *state;
    client_by_cid(f, "2F00");
    arrives(f, f->direct,
            request_of(f, "BENOTIFY", EDGE_VIA "Event: ms-edge-connection-ended\r\n", "2F00\r\n"));
    assert_int_equal(f->w->behind.count, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_client_is_known_by_the_number_of_its_connection),
        TEST(its_address_is_what_the_edge_noted),
        TEST(an_address_that_is_none_is_no_source),
        TEST(both_vias_in_one_line_are_read_too),
        TEST(an_answer_says_whose_it_is_in_the_word_of_trust),
        TEST(a_number_that_is_too_long_is_cut_and_found_again),
        TEST(the_name_it_is_shown_changes_with_the_edges_word),
        TEST(a_client_is_found_by_its_id_until_it_is_gone),
        TEST(several_may_end_at_once_and_nonsense_ends_nobody),
        TEST(the_end_of_the_link_is_the_end_of_all_behind_it),
        TEST(who_was_not_heard_of_for_long_is_forgotten),
        TEST(one_users_two_clients_share_no_association),
        TEST(a_client_behind_the_edge_is_challenged_over_the_link),
        TEST(on_a_connection_of_its_own_a_client_is_who_it_is),
        TEST(the_edge_may_say_that_a_connection_has_ended),
        TEST(a_client_behind_the_edge_ends_nobodys_connection),
        TEST(nor_does_one_with_a_connection_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
