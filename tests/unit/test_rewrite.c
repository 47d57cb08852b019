/* SPDX-License-Identifier: MIT */
#include "edge/rewrite.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "sip/addr.h"
#include "sip/trust.h"
#include "sip/uri.h"
#include "sip/via.h"
#include "unit/edge_kit.h"

struct passing {
    struct edge_kit kit;
    struct arena arena; /* of the second parsing */
    struct buf out, text;
    struct sip_msg after;
    struct rewrite_mark mark;
};

static int begin_with(void **state, const char *edge)
{
    static struct passing p;
    p = (struct passing){ .mark = { .asked = 5 } };
    edge_kit_init(&p.kit, edge);
    p.mark.conn_id = conn_id(p.kit.client);
    arena_init(&p.arena, 4096, 1 << 20);
    *state = &p;
    return 0;
}

static int begin(void **state)
{
    return begin_with(state, "hide_names = no\n");
}

static int begin_hidden(void **state)
{
    return begin_with(state, "hide_names = yes\n");
}

static int end(void **state)
{
    struct passing *p = *state;
    edge_kit_fini(&p->kit);
    arena_fini(&p->arena);
    buf_fini(&p->out);
    buf_fini(&p->text);
    return 0;
}

/* --- what is asked of a message --- */

static bool holds(const struct passing *p, const char *text)
{
    return str_find(buf_str(&p->out), str_from_c(text)) != SIZE_MAX;
}

static unsigned count_of(const struct sip_msg *m, const char *name)
{
    unsigned n = 0;
    for (unsigned i = 0; i < m->header_count; i++)
        n += str_eq_nocase(m->headers[i].name, str_from_c(name));
    return n;
}

static struct str value_of(const struct sip_msg *m, const char *name)
{
    const struct sip_header *h = sip_msg_find(m, str_from_c(name));
    return h ? h->value : STR_NONE;
}

static unsigned vias(const struct sip_msg *m, struct sip_via *out, unsigned max)
{
    unsigned n = 0;
    for (const struct sip_header *h = sip_msg_first(m, SIP_VIA); h; h = sip_msg_next(m, h))
        for (struct str rest = h->value; rest.len > 0;) {
            assert_true(n < max);
            assert_int_equal(sip_via_parse(rest, &out[n++], &rest), FAULT_NONE);
        }
    return n;
}

static struct str param(const struct sip_via *via, const char *name)
{
    struct str value = STR_NONE;
    sip_param_find(via->params, str_from_c(name), &value);
    return value;
}

static void assert_text(struct str is, const char *expected)
{
    if (!str_eq(is, str_from_c(expected)))
        fail_msg("'%.*s' where '%s' was expected", STR_ARG(is), expected);
}

/* What left must be a message itself. */
static void look_at(struct passing *p)
{
    struct str out = buf_str(&p->out);
    arena_reset(&p->arena);
    assert_int_equal(sip_msg_parse(out, edge_kit_head_len(out), 128, &p->arena, &p->after),
                     FAULT_NONE);
}

static void say(struct passing *p, const char *start, const char *headers, const char *body)
{
    buf_clear(&p->text);
    buf_printf(&p->text, "%s SIP/2.0\r\n%sContent-Length: %zu\r\n\r\n%s", start, headers,
               strlen(body), body);
}

static void inward(struct passing *p)
{
    buf_clear(&p->out);
    assert_int_equal(edge_kit_turn(&p->kit, p->kit.client, buf_str(&p->text)), FAULT_NONE);
    assert_true(rewrite_request_inward(&p->kit.turn, p->kit.link, &p->mark, &p->out));
    look_at(p);
}

#define IDS                                                                                        \
    "From: <sip:ada@example.com>;tag=a1;epid=0123456789\r\nTo: <sip:ada@example.com>\r\n"          \
    "Call-ID: c4ll@10.0.0.5\r\n"
#define VIA "Via: SIP/2.0/TLS 10.0.0.5:4242\r\n"

static void register_with(struct passing *p, const char *headers)
{
    struct buf all = { 0 };
    buf_printf(&all, VIA IDS "CSeq: 1 REGISTER\r\n%s", headers);
    buf_add_char(&all, '\0');
    say(p, "REGISTER sip:example.com", all.ptr, "");
    buf_fini(&all);
    inward(p);
}

/* --- requests inward: Via --- */

static void our_via_stands_above_the_clients(void **state)
{
    struct passing *p = *state;
    struct sip_via via[4];
    register_with(p, "");
    assert_int_equal(vias(&p->after, via, 4), 2);
    assert_true(p->after.headers[0].id == SIP_VIA && p->after.headers[1].id == SIP_VIA);
    assert_text(param(&via[0], "branched"), "FALSE");
    assert_true(str_starts(via[0].branch, STR("z9hG4bK")));
    assert_text(via[1].host, "10.0.0.5");
    assert_int_equal(via[1].port, 4242);
    assert_text(param(&via[1], "received"), "192.0.2.7");
    assert_text(param(&via[1], "ms-received-port"), "50123");
    uint64_t cid;
    assert_true(str_hex_to_u64(param(&via[1], "ms-received-cid"), &cid));
    assert_int_equal(cid, conn_cid(p->kit.client));
}

static void where_a_client_says_it_comes_from_is_not_believed(void **state)
{
    struct passing *p = *state;
    static const char *const claims[] = {
        ";received=6.6.6.6;ms-received-port=666;ms-received-cid=DEAD",
        ";ms-received-cid=DEAD;branch=z9hG4bKx",
        ";MS-Received-CID=DEAD",
        " ; ms-received-cid = DEAD",
        ";ms-received-cid=\"DEAD\"",
        ";ms-received-cid;received",
        ";\r\n ms-received-cid=DEAD\r\n ;received=6.6.6.6",
        ", SIP/2.0/TLS 10.0.0.6;ms-received-cid=DEAD;received=6.6.6.6",
        ";a=\";ms-received-cid=DEAD\";ms-received-cid=DEAD",
        /* a control character leaves as a blank, which belongs to no name */
        ";ms-received-cid\x07=DEAD;received\x0b=6.6.6.6;ms-received-port\x7f=666",
        ";ms-received-cid \x01 =DEAD;received\t\x01=6.6.6.6",
    };
    for (size_t i = 0; i < ARRAY_LEN(claims); i++) {
        struct sip_via via[4];
        struct buf all = { 0 };
        uint64_t cid;
        buf_printf(&all, "v:SIP/2.0/TLS 10.0.0.5:4242%s\r\n" IDS "CSeq: 1 REGISTER", claims[i]);
        buf_add_c(&all, "\r\n");
        buf_add_char(&all, '\0');
        say(p, "REGISTER sip:example.com", all.ptr, "");
        buf_fini(&all);
        inward(p);
        vias(&p->after, via, 4);
        assert_text(param(&via[1], "received"), "192.0.2.7");
        assert_text(param(&via[1], "ms-received-port"), "50123");
        assert_true(str_hex_to_u64(param(&via[1], "ms-received-cid"), &cid));
        assert_int_equal(cid, conn_cid(p->kit.client));
        struct str rest = via[1].params;
        unsigned times = 0; /* twice would leave the choice to the reader */
        for (size_t at; (at = str_find(rest, STR("received-cid="))) != SIZE_MAX; times++)
            rest = str_skip(rest, at + 1);
        assert_int_equal(times, 1 + (str_find(via[1].params, STR("\";")) != SIZE_MAX));
    }
}

static void several_vias_of_a_client_stay_below(void **state)
{
    struct passing *p = *state;
    struct sip_via via[8];
    say(p, "OPTIONS sip:ben@example.com",
        IDS "Via: SIP/2.0/TLS 10.0.0.5;branch=1, SIP/2.0/TCP 10.0.0.4;branch=2\r\n"
            "X: y\r\nVia: SIP/2.0/TCP 10.0.0.3;branch=3\r\nCSeq: 1 OPTIONS\r\n",
        "");
    inward(p);
    assert_int_equal(vias(&p->after, via, 8), 4);
    assert_text(via[1].branch, "1");
    assert_text(via[2].branch, "2");
    assert_text(via[3].branch, "3");
    assert_int_equal(param(&via[2], "received").len, 0);
}

static void a_sent_by_that_is_the_address_itself_gets_no_received(void **state)
{
    struct passing *p = *state;
    struct sip_via via[4];
    say(p, "OPTIONS sip:ben@example.com",
        "Via: SIP/2.0/TLS 192.0.2.7:50123;received=6.6.6.6\r\n" IDS "CSeq: 1 OPTIONS\r\n", "");
    inward(p);
    vias(&p->after, via, 4);
    assert_int_equal(param(&via[1], "received").len, 0);
}

static struct str branch_of(struct passing *p, const char *method, const char *call,
                            const char *cseq)
{
    static char branches[8][64];
    static unsigned turn;
    char *kept = branches[turn++ % 8];
    struct sip_via via[4];
    struct buf start = { 0 }, all = { 0 };
    buf_printf(&start, "%s sip:ben@example.com%c", method, '\0');
    buf_printf(&all,
               VIA "From: <sip:ada@example.com>;tag=a1\r\nTo: <sip:ben@example.com>\r\n"
                   "Call-ID: %s\r\nCSeq: %s %s\r\n%c",
               call, cseq, method, '\0');
    say(p, start.ptr, all.ptr, "");
    buf_fini(&start);
    buf_fini(&all);
    inward(p);
    vias(&p->after, via, 4);
    assert_in_range(via[0].branch.len, 8, 63);
    memcpy(kept, via[0].branch.ptr, via[0].branch.len);
    return str_of(kept, via[0].branch.len);
}

/* RFC 3261 9.1 and 17.1.1.3: the Front End finds by it what an ACK or a CANCEL is for. */
static void an_invite_its_ack_and_its_cancel_have_one_branch(void **state)
{
    struct passing *p = *state;
    struct str invite = branch_of(p, "INVITE", "call1", "7");
    assert_true(str_eq(invite, branch_of(p, "ACK", "call1", "7")));
    assert_true(str_eq(invite, branch_of(p, "CANCEL", "call1", "7")));
    assert_false(str_eq(invite, branch_of(p, "INVITE", "call1", "8")));
    assert_false(str_eq(invite, branch_of(p, "INVITE", "call2", "7")));
}

static void the_mark_comes_back_in_the_answer(void **state)
{
    struct passing *p = *state;
    struct rewrite_mark mark;
    p->mark = (struct rewrite_mark){ .conn_id = UINT64_C(0x1234567890ABCDEF),
                                     .asked = 63,
                                     .endpoint = UINT64_MAX,
                                     .sign_in = true };
    register_with(p, "");
    assert_true(rewrite_read_mark(&p->after, &p->arena, &mark));
    assert_true(mark.conn_id == p->mark.conn_id && mark.endpoint == p->mark.endpoint);
    assert_int_equal(mark.asked, 63);
    assert_true(mark.sign_in);
    p->mark = (struct rewrite_mark){ .conn_id = 1 };
    register_with(p, "");
    assert_true(rewrite_read_mark(&p->after, &p->arena, &mark));
    assert_true(mark.conn_id == 1 && mark.endpoint == 0 && mark.asked == 0 && !mark.sign_in);
}

static void a_via_that_is_not_ours_has_no_mark(void **state)
{
    struct passing *p = *state;
    static const char *const others[] = {
        "a",
        "a;branch=z9hG4bK",
        "a;branch=z9hG4bK12345678.123456789012345G",
        "a;branch=z9hG4bK12345678.12345678901234567",
        "a;branch=1234567123456781234567890123456",
    };
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        struct rewrite_mark mark;
        buf_clear(&p->text);
        buf_printf(&p->text, "SIP/2.0 200 OK\r\nVia: SIP/2.0/TLS %s\r\n" IDS "CSeq: 1 A\r\n\r\n",
                   others[i]);
        assert_int_equal(edge_kit_turn(&p->kit, p->kit.link, buf_str(&p->text)), FAULT_NONE);
        assert_false(rewrite_read_mark(&p->kit.turn.msg, &p->arena, &mark));
        assert_true(mark.conn_id == 0 && !mark.sign_in);
    }
}

/* --- requests inward: the other lines --- */

static void only_our_own_word_of_trust_goes_inward(void **state)
{
    struct passing *p = *state;
    struct sip_trust trust;
    uint64_t cid;
    register_with(p, "ms-edge-proxy-message-trust: ms-received-cid=DEAD;ms-edge-guess\r\n"
                     "MS-EDGE-PROXY-MESSAGE-TRUST :\r\n ms-received-cid=DEAD\r\n"
                     "ms-user-logon-data: RemoteUser\r\nMs-User-Logon-Data: x\r\n");
    assert_int_equal(count_of(&p->after, "ms-edge-proxy-message-trust"), 1);
    assert_int_equal(count_of(&p->after, "ms-user-logon-data"), 0);
    assert_false(holds(p, "DEAD"));
    sip_trust_parse(value_of(&p->after, "ms-edge-proxy-message-trust"), &trust);
    assert_text(trust.edge, "edge01.inner.example.com");
    assert_true(str_hex_to_u64(trust.cid, &cid));
    assert_int_equal(cid, conn_cid(p->kit.client));
    assert_int_equal(trust.target.len, 0);
    assert_false(trust.guess || trust.over || trust.resumed);
}

static void with_hidden_names_the_front_end_is_told_the_name_outside(void **state)
{
    struct passing *p = *state;
    struct sip_trust trust;
    register_with(p, "");
    sip_trust_parse(value_of(&p->after, "ms-edge-proxy-message-trust"), &trust);
    assert_text(trust.target, "sip.example.com");
}

static void what_speaks_of_one_hop_stays_behind(void **state)
{
    struct passing *p = *state;
    register_with(p, "Route: <sip:a;lr>\r\nroute:<sip:b;lr>\r\nRecord-Route: <sip:evil;lr>\r\n"
                     "PATH: <sip:evil>\r\nms-keep-alive: UAC;hop-hop=yes\r\n");
    assert_int_equal(count_of(&p->after, "Route"), 0);
    assert_int_equal(count_of(&p->after, "Path"), 0);
    assert_int_equal(count_of(&p->after, "ms-keep-alive"), 0);
    assert_int_equal(count_of(&p->after, "Record-Route"), 1);
    assert_false(holds(p, "evil"));
}

/* The token in a Record-Route of ours. */
static void assert_routed(struct passing *p, enum token_way way, const char *user)
{
    struct sip_addr a;
    struct sip_uri uri;
    struct str text, rest;
    uint64_t id = 0;
    assert_int_equal(count_of(&p->after, "Record-Route"), 1);
    assert_int_equal(sip_addr_parse(value_of(&p->after, "Record-Route"), &a, &rest), FAULT_NONE);
    assert_int_equal(sip_uri_parse(a.uri, &uri), FAULT_NONE);
    assert_text(uri.host, "sip.example.com");
    assert_int_equal(uri.port, 443);
    assert_true(str_find(uri.params, STR(";lr")) != SIZE_MAX);
    assert_true(sip_param_find(uri.params, STR("ms-route-sig"), &text));
    assert_int_equal(
        token_check(&p->kit.edge.tokens, text, way, str_from_c(user), (uint64_t)time(NULL), &id),
        TOKEN_GOOD);
    assert_true(id == conn_id(p->kit.client));
}

static void what_may_begin_something_gets_a_way_back(void **state)
{
    struct passing *p = *state;
    static const struct {
        const char *method;
        bool routed;
    } all[] = {
        { "REGISTER", true }, { "INVITE", true },    { "SUBSCRIBE", true }, { "REFER", true },
        { "MESSAGE", false }, { "OPTIONS", false },  { "ACK", false },      { "BYE", false },
        { "SERVICE", false }, { "register", false },
    };
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        branch_of(p, all[i].method, "c", "1");
        if (all[i].routed)
            assert_routed(p, TOKEN_TO_CLIENT, "sip:ada@example.com");
        else
            assert_int_equal(count_of(&p->after, "Record-Route"), 0);
    }
}

static void hops_are_counted(void **state)
{
    struct passing *p = *state;
    static const char *const counted[][2] = {
        { "", "69" },
        { "Max-Forwards: 70\r\n", "69" },
        { "Max-Forwards: 1\r\n", "0" },
        { "max-forwards :  \r\n 7\r\n", "6" },
        { "Max-Forwards: 255\r\n", "254" },
        { "Max-Forwards: 256\r\n", "69" },
        { "Max-Forwards: -1\r\n", "69" },
        { "Max-Forwards: many\r\n", "69" },
        { "Max-Forwards: 99999999999\r\n", "69" },
        { "Max-Forwards:\r\n", "69" },
    };
    for (size_t i = 0; i < ARRAY_LEN(counted); i++) {
        register_with(p, counted[i][0]);
        assert_int_equal(count_of(&p->after, "Max-Forwards"), 1);
        assert_text(value_of(&p->after, "Max-Forwards"), counted[i][1]);
    }
}

/* Signatures are made over them as they stand. */
static void signed_fields_go_inward_octet_for_octet(void **state)
{
    struct passing *p = *state;
    static const char *const lines[] = {
        "f  :\t\"Ada  \\\"L\\\"\" <sip:ada@EXAMPLE.com>\r\n ;tag = a1 ;\r\n\tepid=0123456789\r\n",
        "t:<sip:%61da@example.com>  \r\n",
        "i:   C4ll  @x  \r\n",
        "cseq:   0007\r\n   REGISTER\r\n",
        "EXPIRES  : 07200  \r\n",
        "P-asserted-identity: \"Ada\" <sip:ada@example.com>,\r\n <tel:+1;x>\r\n",
        "Authorization: NTLM qop=\"auth\",  opaque=\"0123ABCD\",\r\n response=\"01\"\r\n",
        "k: gruu-10,\r\n msrtc-event-categories\r\n",
    };
    struct buf all = { 0 };
    buf_add_c(&all, VIA);
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        buf_add_c(&all, lines[i]);
    buf_add_char(&all, '\0');
    say(p, "REGISTER sip:Example.COM;x=%41", all.ptr, "");
    inward(p);
    assert_true(holds(p, "REGISTER sip:Example.COM;x=%41 SIP/2.0\r\n"));
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        assert_true(holds(p, lines[i]));
    buf_fini(&all);
}

static void the_body_goes_inward_untouched(void **state)
{
    struct passing *p = *state;
    const char *body = "Via: SIP/2.0/TLS x\r\n\r\nRoute: <sip:y>\r\n\x01\xff\n";
    say(p, "MESSAGE sip:ben@example.com", VIA IDS "CSeq: 1 MESSAGE\r\n", body);
    inward(p);
    assert_text(p->after.body, body);
}

/* What does not fit into the memory of a message leaves not at all: half of it would be taken for
 * the beginning of another. */
static void what_does_not_fit_into_memory_does_not_leave(void **state)
{
    struct passing *p = *state;
    struct arena *arena = &p->kit.w->arena;
    unsigned refused = 0;
    say(p, "REGISTER sip:example.com", VIA IDS "CSeq: 1 REGISTER\r\nRoute: <sip:\r\n a>\r\n", "");
    for (size_t left = 0; left < 4096; left += 16) {
        assert_int_equal(edge_kit_turn(&p->kit, p->kit.client, buf_str(&p->text)), FAULT_NONE);
        size_t whole = arena->budget;
        arena->budget = arena->used_total + left;
        buf_clear(&p->out);
        bool good = rewrite_request_inward(&p->kit.turn, p->kit.link, &p->mark, &p->out);
        arena->budget = whole;
        refused += !good;
        if (!good)
            continue;
        look_at(p);
        assert_int_equal(count_of(&p->after, "ms-edge-proxy-message-trust"), 1);
        assert_routed(p, TOKEN_TO_CLIENT, "sip:ada@example.com");
    }
    assert_in_range(refused, 10, 250);
}

/* --- answers outward --- */

/* An answer of the Front End to what went inward last. */
static void answer(struct passing *p, const char *status, const char *headers, const char *body)
{
    struct buf text = { 0 };
    buf_printf(&text, "SIP/2.0 %s\r\n", status);
    for (const struct sip_header *h = sip_msg_first(&p->after, SIP_VIA); h;
         h = sip_msg_next(&p->after, h))
        buf_add(&text, h->line);
    buf_printf(&text, IDS "CSeq: %u %.*s\r\n%sContent-Length: %zu\r\n\r\n%s", p->after.cseq,
               STR_ARG(p->after.method), headers, strlen(body), body);
    buf_clear(&p->text);
    buf_add(&p->text, buf_str(&text));
    buf_fini(&text);
    buf_clear(&p->out);
    assert_int_equal(edge_kit_turn(&p->kit, p->kit.link, buf_str(&p->text)), FAULT_NONE);
    assert_true(rewrite_response_outward(&p->kit.turn, &p->mark, &p->out));
    look_at(p);
}

static void our_via_goes_and_the_clients_comes_back(void **state)
{
    struct passing *p = *state;
    struct sip_via via[4];
    register_with(p, "");
    answer(p, "401 Unauthorized", "", "");
    assert_int_equal(vias(&p->after, via, 4), 1);
    assert_text(via[0].host, "10.0.0.5");
    assert_false(holds(p, "branched"));
    assert_false(holds(p, "ms-edge-mark"));
}

static void vias_in_one_line_come_back_in_one_line(void **state)
{
    struct passing *p = *state;
    struct sip_via via[4];
    buf_clear(&p->text);
    buf_add_c(&p->text, "SIP/2.0 200 OK\r\nVia: SIP/2.0/TLS 10.9.9.9;branch=z9hG4bK12345678."
                        "0000000000000001 ,\r\n SIP/2.0/TLS 10.0.0.5:4242;x=y\r\n" IDS
                        "CSeq: 1 OPTIONS\r\n\r\n");
    assert_int_equal(edge_kit_turn(&p->kit, p->kit.link, buf_str(&p->text)), FAULT_NONE);
    assert_true(rewrite_response_outward(&p->kit.turn, &p->mark, &p->out));
    look_at(p);
    assert_int_equal(vias(&p->after, via, 4), 1);
    assert_text(via[0].host, "10.0.0.5");
    assert_false(holds(p, "10.9.9.9"));
}

static void the_way_through_the_inside_is_not_shown(void **state)
{
    struct passing *p = *state;
    branch_of(p, "INVITE", "c", "1");
    answer(p, "200 OK",
           "Record-Route: <sip:fe01.inner.example.com;lr>, <sip:10.9.9.9;lr>\r\n"
           "Record-Route: <sip:pool.inner.example.com;lr>\r\nPath: <sip:inner>\r\n"
           "Route: <sip:inner>\r\nms-edge-proxy-message-trust: ms-edge-guess\r\n",
           "v=0");
    assert_false(holds(p, "inner"));
    assert_false(holds(p, "10.9.9.9"));
    assert_false(holds(p, "ms-edge"));
    assert_routed(p, TOKEN_FROM_CLIENT, "sip:ada@example.com");
    assert_text(p->after.body, "v=0");
}

static void an_answer_without_a_route_gets_none(void **state)
{
    struct passing *p = *state;
    branch_of(p, "INVITE", "c", "1");
    answer(p, "180 Ringing", "", "");
    assert_int_equal(count_of(&p->after, "Record-Route"), 0);
}

#define OURS                                                                                       \
    "<sip:10.0.0.5:4242;transport=tls;ms-received-cid=1F00>;expires=7200;+sip.instance="           \
    "\"<urn:uuid:11111111-2222-3333-4444-555555555555>\";gruu=\"sip:ada@example.com;opaque=x\""
#define THEIRS                                                                                     \
    "<sip:10.1.1.1:5060;transport=tls>;expires=60;+sip.instance="                                  \
    "\"<urn:uuid:99999999-2222-3333-4444-555555555555>\""

/* Which endpoint it is that registers: as the request is read. */
static void registers_as(struct passing *p, const char *contact)
{
    p->mark.endpoint = rewrite_endpoint(str_from_c(contact));
}

#define OUR_CONTACT                                                                                \
    "<sip:10.0.0.5:4242;transport=tls>;methods=\"A, B\";proxy=replace;+sip.instance="              \
    "\"<urn:uuid:11111111-2222-3333-4444-555555555555>\""

static void other_endpoints_are_not_shown_in_lines_of_their_own(void **state)
{
    struct passing *p = *state;
    registers_as(p, OUR_CONTACT);
    register_with(p, "");
    answer(p, "200 OK", "Contact: " THEIRS "\r\nContact: " OURS "\r\nm: " THEIRS "\r\n", "");
    assert_int_equal(count_of(&p->after, "Contact"), 1);
    assert_int_equal(count_of(&p->after, "m"), 0);
    assert_text(value_of(&p->after, "Contact"), OURS);
}

static void other_endpoints_are_not_shown_in_a_list(void **state)
{
    struct passing *p = *state;
    registers_as(p, OUR_CONTACT);
    static const char *const lists[] = {
        THEIRS ", " OURS,
        OURS "," THEIRS,
        THEIRS " ,\r\n " OURS "\r\n , " THEIRS,
        OURS,
    };
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        char line[1024];
        register_with(p, "");
        snprintf(line, sizeof(line), "Contact: %s\r\n", lists[i]);
        answer(p, "200 OK", line, "");
        assert_text(value_of(&p->after, "Contact"), OURS);
    }
}

static void who_shows_no_contact_is_shown_none(void **state)
{
    struct passing *p = *state;
    static const char *const contacts[] = { "", "*", "<sip:", OURS ", " THEIRS };
    for (size_t i = 0; i < ARRAY_LEN(contacts); i++) {
        registers_as(p, contacts[i]);
        register_with(p, "");
        answer(p, "200 OK", "Contact: " THEIRS ", " OURS "\r\nContact: <sip:broken\r\n", "");
        assert_int_equal(count_of(&p->after, "Contact"), 0);
    }
}

/* The Front End adds the number of the connection to what the client gave. */
static void an_endpoint_without_instance_is_shown_itself(void **state)
{
    struct passing *p = *state;
    registers_as(p, "<sip:10.0.0.5:4242;transport=tls>;methods=\"A\"");
    register_with(p, "");
    answer(p, "200 OK",
           "Contact: <sip:10.1.1.1:4242;transport=tls;ms-received-cid=1F00>;expires=5\r\n"
           "Contact: <sip:10.0.0.5:4242;transport=tls;ms-received-cid=1F00>;expires=7\r\n",
           "");
    assert_text(value_of(&p->after, "Contact"),
                "<sip:10.0.0.5:4242;transport=tls;ms-received-cid=1F00>;expires=7");
    assert_int_equal(count_of(&p->after, "Contact"), 1);
}

static void contacts_of_other_answers_stay(void **state)
{
    struct passing *p = *state;
    branch_of(p, "INVITE", "c", "1");
    answer(p, "200 OK", "Contact: " THEIRS "\r\n", "");
    assert_text(value_of(&p->after, "Contact"), THEIRS);
}

static void the_keep_alive_is_promised_to_whom_it_was_asked_by(void **state)
{
    struct passing *p = *state;
    struct outside *o = conn_user(p->kit.client);
    for (unsigned asked = 0; asked < 2; asked++) {
        o->keep_alive_asked = asked;
        register_with(p, "");
        answer(p, "200 OK", "ms-keep-alive: UAS; timeout=17\r\n", "");
        assert_int_equal(count_of(&p->after, "ms-keep-alive"), asked);
        if (asked)
            assert_text(value_of(&p->after, "ms-keep-alive"),
                        "UAS; tcp=no; hop-hop=yes; end-end=no; timeout=300");
    }
    register_with(p, "");
    answer(p, "401 Unauthorized", "", "");
    assert_int_equal(count_of(&p->after, "ms-keep-alive"), 0);
}

#define DIAGNOSTICS                                                                                \
    "ms-diagnostics: 1000;reason=\"Final handshake failed\";source=\"fe01.inner.example.com\";"    \
    "HRESULT=\"0x1\"\r\nms-diagnostics: 2;reason=\"x\"; source=\"pool.inner.example.com\"\r\n"     \
    "ms-diagnostics: 3;reason=\"no source\"\r\n"

static void with_hidden_names_the_source_is_the_name_outside(void **state)
{
    struct passing *p = *state;
    register_with(p, "");
    answer(p, "401 Unauthorized", DIAGNOSTICS, "");
    assert_false(holds(p, "inner"));
    assert_text(value_of(&p->after, "ms-diagnostics"),
                "1000;reason=\"Final handshake failed\";source=\"sip.example.com\";"
                "HRESULT=\"0x1\"");
    assert_int_equal(count_of(&p->after, "ms-diagnostics"), 3);
}

static void without_hidden_names_the_source_stays(void **state)
{
    struct passing *p = *state;
    register_with(p, "");
    answer(p, "401 Unauthorized", DIAGNOSTICS, "");
    assert_true(holds(p, DIAGNOSTICS));
}

static void signed_fields_of_answers_leave_octet_for_octet(void **state)
{
    struct passing *p = *state;
    static const char *const lines[] = {
        "Authentication-Info:  NTLM rspauth=\"01\",\r\n srand=\"A\"\r\n",
        "WWW-Authenticate: NTLM realm=\"SIP Communications Service\",  targetname=\"t\"\r\n",
        "Expires :  7200 \r\n",
        "presence-state: register-action=\"added\"\r\n",
    };
    struct buf all = { 0 };
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        buf_add_c(&all, lines[i]);
    buf_add_char(&all, '\0');
    register_with(p, "");
    answer(p, "200 OK", all.ptr, "body");
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        assert_true(holds(p, lines[i]));
    assert_true(holds(p, "\r\n" IDS));
    buf_fini(&all);
}

/* --- requests outward, and the answers to them --- */

#define INNER_VIAS                                                                                 \
    "Via: SIP/2.0/TLS 10.9.9.1:5061;branch=z9hG4bKA1B2.C3;branched=FALSE\r\n"                      \
    "v:SIP/2.0/TLS fe01.inner.example.com;branch=1 , SIP/2.0/TCP\r\n 10.9.9.3:5062;x=\"a,b\"\r\n"

static void outward(struct passing *p, const char *method, const char *headers)
{
    struct buf start = { 0 }, all = { 0 };
    buf_printf(&start, "%s sip:10.0.0.5:4242;transport=tls%c", method, '\0');
    buf_printf(&all,
               "%sFrom: <sip:ben@example.com>;tag=b1\r\nTo: <sip:ada@example.com>;epid=0123\r\n"
               "Call-ID: inner-call\r\nCSeq: 7 %s\r\n" INNER_VIAS "%c",
               headers, method, '\0');
    say(p, start.ptr, all.ptr, "hello");
    buf_fini(&start);
    buf_fini(&all);
    buf_clear(&p->out);
    assert_int_equal(edge_kit_turn(&p->kit, p->kit.link, buf_str(&p->text)), FAULT_NONE);
    assert_true(rewrite_request_outward(&p->kit.turn, conn_id(p->kit.link), &p->out));
    look_at(p);
}

static void nothing_of_the_inside_is_seen_in_a_request(void **state)
{
    struct passing *p = *state;
    struct sip_via via[4];
    outward(p, "INVITE",
            "Record-Route: <sip:fe01.inner.example.com;lr>\r\nRoute: <sip:edge.inner;lr>\r\n"
            "Path: <sip:inner>\r\nms-edge-proxy-message-trust: inner\r\nMax-Forwards: 9\r\n");
    assert_false(holds(p, "inner."));
    assert_false(holds(p, "<sip:inner"));
    assert_false(holds(p, "10.9.9"));
    assert_int_equal(vias(&p->after, via, 4), 1);
    assert_text(via[0].host, "sip.example.com");
    assert_int_equal(via[0].port, 443);
    assert_text(value_of(&p->after, "Max-Forwards"), "8");
    assert_int_equal(count_of(&p->after, "Route"), 0);
    assert_routed(p, TOKEN_FROM_CLIENT, "sip:ada@example.com");
    assert_text(p->after.body, "hello");
}

/* The client answers what it saw; *link gets the link it is for. */
static struct str sealed_of_answer(struct passing *p, const char *extra)
{
    struct buf text = { 0 };
    buf_printf(&text, "SIP/2.0 200 OK\r\n%sVia: %.*s\r\n", extra,
               STR_ARG(value_of(&p->after, "Via")));
    for (unsigned i = 0; i < p->after.header_count; i++) {
        enum sip_field id = p->after.headers[i].id;
        if (id == SIP_FROM || id == SIP_TO || id == SIP_CALL_ID || id == SIP_CSEQ)
            buf_add(&text, p->after.headers[i].line);
    }
    buf_add_c(&text, "Content-Length: 2\r\n\r\nok");
    buf_clear(&p->text);
    buf_add(&p->text, buf_str(&text));
    buf_fini(&text);
    assert_int_equal(edge_kit_turn(&p->kit, p->kit.client, buf_str(&p->text)), FAULT_NONE);
    return rewrite_sealed(&p->kit.turn.msg, &p->kit.w->arena);
}

static void hidden_vias_come_back_as_they_were(void **state)
{
    struct passing *p = *state;
    struct str hidden;
    uint64_t link = 0;
    outward(p, "INVITE", "");
    struct str sealed = sealed_of_answer(p, "");
    assert_true(sealed.len > 0);
    assert_true(hide_open(&p->kit.w->hide, sealed, conn_id(p->kit.client), &p->kit.w->arena,
                          &hidden, &link));
    assert_true(link == conn_id(p->kit.link));
    buf_clear(&p->out);
    assert_true(rewrite_response_inward(&p->kit.turn, hidden, &p->out));
    look_at(p);
    assert_true(str_starts(buf_str(&p->out),
                           STR("SIP/2.0 200 OK\r\n"
                               "Via: SIP/2.0/TLS 10.9.9.1:5061;branch=z9hG4bKA1B2.C3"
                               ";branched=FALSE\r\n"
                               "Via: SIP/2.0/TLS fe01.inner.example.com;branch=1 , SIP/2.0/TCP "
                               "10.9.9.3:5062;x=\"a,b\"\r\n")));
    assert_false(holds(p, "ms-internal-info"));
    assert_text(p->after.body, "ok");
}

static void a_clients_answer_has_our_word_of_trust_only(void **state)
{
    struct passing *p = *state;
    struct sip_trust trust;
    outward(p, "NOTIFY", "");
    sealed_of_answer(p, "ms-edge-proxy-message-trust: ms-received-cid=DEAD\r\n"
                        "ms-user-logon-data: RemoteUser\r\nRecord-Route: <sip:evil;lr>\r\n"
                        "Route: <sip:evil>\r\nPath: <sip:evil>\r\n");
    buf_clear(&p->out);
    assert_true(rewrite_response_inward(&p->kit.turn, STR("SIP/2.0/TLS a"), &p->out));
    look_at(p);
    assert_false(holds(p, "DEAD"));
    assert_false(holds(p, "evil"));
    assert_int_equal(count_of(&p->after, "ms-user-logon-data"), 0);
    assert_int_equal(count_of(&p->after, "ms-edge-proxy-message-trust"), 1);
    sip_trust_parse(value_of(&p->after, "ms-edge-proxy-message-trust"), &trust);
    assert_int_equal(trust.resumed, 0);
}

static void an_answer_without_our_via_has_nothing_sealed(void **state)
{
    struct passing *p = *state;
    static const char *const others[] = { "SIP/2.0/TLS a", "SIP/2.0/TLS a;ms-internal-info",
                                          "SIP/2.0/TLS a;ms-internal-info=\"\"",
                                          "SIP/2.0/TLS a;ms-internal-info=" };
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        buf_clear(&p->text);
        buf_printf(&p->text, "SIP/2.0 200 OK\r\nVia: %s\r\n" IDS "CSeq: 1 A\r\n\r\n", others[i]);
        edge_kit_turn(&p->kit, p->kit.client, buf_str(&p->text));
        assert_int_equal(rewrite_sealed(&p->kit.turn.msg, &p->kit.w->arena).len, 0);
    }
}

static void requests_of_one_transaction_have_one_branch_outside_too(void **state)
{
    struct passing *p = *state;
    static const char *const methods[] = { "INVITE", "ACK", "CANCEL" };
    struct sip_via via[4] = { 0 };
    char first[64] = "";
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        outward(p, methods[i], "");
        vias(&p->after, via, 4);
        if (i == 0)
            snprintf(first, sizeof(first), "%.*s", STR_ARG(via[0].branch));
        assert_text(via[0].branch, first);
    }
}

#define TEST(name)        cmocka_unit_test_setup_teardown(name, begin, end)
#define TEST_HIDDEN(name) cmocka_unit_test_setup_teardown(name, begin_hidden, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(our_via_stands_above_the_clients),
        TEST(where_a_client_says_it_comes_from_is_not_believed),
        TEST(several_vias_of_a_client_stay_below),
        TEST(a_sent_by_that_is_the_address_itself_gets_no_received),
        TEST(an_invite_its_ack_and_its_cancel_have_one_branch),
        TEST(the_mark_comes_back_in_the_answer),
        TEST(a_via_that_is_not_ours_has_no_mark),
        TEST(only_our_own_word_of_trust_goes_inward),
        TEST_HIDDEN(with_hidden_names_the_front_end_is_told_the_name_outside),
        TEST(what_speaks_of_one_hop_stays_behind),
        TEST(what_may_begin_something_gets_a_way_back),
        TEST(hops_are_counted),
        TEST(signed_fields_go_inward_octet_for_octet),
        TEST(the_body_goes_inward_untouched),
        TEST(what_does_not_fit_into_memory_does_not_leave),
        TEST(our_via_goes_and_the_clients_comes_back),
        TEST(vias_in_one_line_come_back_in_one_line),
        TEST(the_way_through_the_inside_is_not_shown),
        TEST(an_answer_without_a_route_gets_none),
        TEST(other_endpoints_are_not_shown_in_lines_of_their_own),
        TEST(other_endpoints_are_not_shown_in_a_list),
        TEST(who_shows_no_contact_is_shown_none),
        TEST(an_endpoint_without_instance_is_shown_itself),
        TEST(contacts_of_other_answers_stay),
        TEST(the_keep_alive_is_promised_to_whom_it_was_asked_by),
        TEST_HIDDEN(with_hidden_names_the_source_is_the_name_outside),
        TEST(without_hidden_names_the_source_stays),
        TEST(signed_fields_of_answers_leave_octet_for_octet),
        TEST(nothing_of_the_inside_is_seen_in_a_request),
        TEST(hidden_vias_come_back_as_they_were),
        TEST(a_clients_answer_has_our_word_of_trust_only),
        TEST(an_answer_without_our_via_has_nothing_sealed),
        TEST(requests_of_one_transaction_have_one_branch_outside_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
