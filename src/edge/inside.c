/* SPDX-License-Identifier: MIT */
#include "edge/inside.h"

#include <time.h>

#include "edge/answer.h"
#include "edge/handshake.h"
#include "edge/links.h"
#include "edge/outside.h"
#include "edge/report.h"
#include "edge/rewrite.h"
#include "edge/waiting.h"
#include "sip/addr.h"
#include "sip/trust.h"
#include "sip/uri.h"

/* A client of this family answers a 401 to anything but REGISTER by sending the request again at
 * once: a few dozen are normal during a handshake, more would go on for ever. */
enum { UNAUTHORIZED_FREE = 4, UNAUTHORIZED_MAX = 60, UNAUTHORIZED_DELAY_MS = 100 };

/* The address in From or To; empty when it is none. */
static struct str user_of(const struct edge_turn *t, enum sip_field id)
{
    struct sip_addr a;
    struct sip_uri uri;
    struct arena *arena = &t->w->arena;

    if (sip_addr_parse(sip_unfold(sip_msg_value(&t->msg, id), arena), &a, NULL) != FAULT_NONE ||
        sip_uri_parse(a.uri, &uri) != FAULT_NONE)
        return STR_NONE;
    return sip_uri_user_key(&uri, arena);
}

/* --- answers --- */

static void slow_down(struct edge_turn *t)
{
    struct outside *o = t->outside;

    if (t->msg.status != 401 || str_eq(t->msg.method, STR("REGISTER"))) {
        if (t->msg.status >= 200)
            o->unauthorized = 0;
        return;
    }
    o->unauthorized++;
    if (o->unauthorized > UNAUTHORIZED_MAX && !o->handshakes)
        conn_close(o->conn, FAULT_SA_UNKNOWN);
    else if (o->unauthorized > UNAUTHORIZED_FREE && o->wait == WAIT_NONE)
        wait_begin(o, WAIT_SLOW, t->now_ms + UNAUTHORIZED_DELAY_MS, STR_NONE);
}

static void count_guess(struct edge_turn *t)
{
    struct sip_trust trust;

    sip_trust_parse(sip_unfold(sip_msg_value(&t->msg, SIP_MS_EDGE_TRUST), &t->w->arena), &trust);
    if (!trust.guess)
        return;
    count(&t->w->stats.failures);
    sources_failed(t->w->edge->sources, net_addr_bytes(conn_peer(t->outside->conn)), t->now_ms);
}

/* What is not signed was not proved: it leaves on the clock, whatever it says. */
static bool is_failure(const struct edge_turn *t)
{
    return t->msg.status >= 300 && !sip_msg_first(&t->msg, SIP_AUTHENTICATION_INFO);
}

/* The sessions that this connection may come back with belong to a device of the user now. */
static void learn_device(struct edge_turn *t)
{
    const struct tls *tls = conn_tls(t->outside->conn);
    struct sources *sources = t->w->edge->sources;
    struct str user = user_of(t, SIP_FROM);
    uint64_t tickets[SIP_TRUST_TICKETS_MAX], resumed = tls_resumed_ticket(tls);
    unsigned n = tls_issued_tickets(tls, tickets, SIP_TRUST_TICKETS_MAX);

    if (resumed)
        sources_learn(sources, resumed, user);
    while (n > 0)
        sources_learn(sources, tickets[--n], user);
}

/* `message` is composed, and kept or sent. */
static void answer_to_sign_in(struct edge_turn *t, struct str message)
{
    struct outside *o = t->outside;

    if (is_failure(t)) {
        count(&t->w->stats.held);
        wait_begin(o, WAIT_TO_CLIENT, wait_clock(t->w, o->received_ms, t->now_ms), message);
        return;
    }
    if (t->msg.status / 100 == 2)
        learn_device(t);
    wait_end(o);
    report_message(o->conn, true, message);
    conn_send_done(o->conn);
}

static void to_client(struct edge_turn *t, const struct rewrite_mark *mark)
{
    struct conn *c = t->outside->conn;
    struct buf *out = conn_compose(c);
    bool ends_sign_in = mark->sign_in && t->msg.status >= 200;

    if (ends_sign_in) { /* and counts, whether or not it can be passed on */
        count_guess(t);
        outside_arrived(t->outside);
    }
    if (t->msg.status == 401)
        handshake_note(t->outside, &t->msg, &t->w->arena);
    if (!rewrite_response_outward(t, mark, out)) {
        wait_end(t->outside);
        return;
    }
    count(&t->w->stats.responses);
    if (ends_sign_in) {
        answer_to_sign_in(t, buf_str(out));
    } else {
        report_message(c, true, buf_str(out));
        conn_send_done(c);
        slow_down(t);
    }
}

static struct outside *outside_of(struct edge_worker *w, uint64_t id)
{
    struct conn *c = net_find(w->net, id);

    return c && !is_link(c) && !conn_closing(c) ? conn_user(c) : NULL;
}

static void response(struct edge_turn *t, struct link *l, const struct rewrite_mark *mark)
{
    if (t->msg.status >= 200)
        link_answered(l, mark->asked);
    t->outside = outside_of(t->w, mark->conn_id);
    if (t->outside) /* else it has ended meanwhile, which is no news */
        to_client(t, mark);
}

/* --- requests --- */

/* By our token, which names the connection for all time. */
static enum fault find_by_route(struct edge_turn *t, struct str route)
{
    struct sip_addr a;
    struct sip_uri uri;
    struct str rest, text;
    uint64_t id = 0;

    if (sip_addr_parse(route, &a, &rest) != FAULT_NONE ||
        sip_uri_parse(a.uri, &uri) != FAULT_NONE ||
        !sip_param_find(uri.params, STR("ms-route-sig"), &text))
        return FAULT_ROUTE_TOKEN;
    switch (token_check(&t->w->edge->tokens, text, TOKEN_TO_CLIENT, user_of(t, SIP_TO),
                        (uint64_t)time(NULL), &id)) {
    case TOKEN_BAD:
        return FAULT_ROUTE_TOKEN;
    case TOKEN_GOOD:
        t->outside = outside_of(t->w, id);
        break;
    case TOKEN_GONE: /* each start counts its connections anew: it may be somebody else's now */
        break;
    }
    return FAULT_NONE;
}

/* Without a Route by the number that a Contact carries. */
static void find_by_cid(struct edge_turn *t)
{
    struct sip_uri uri;
    struct str text;
    uint64_t cid;

    if (sip_uri_parse(t->msg.uri, &uri) != FAULT_NONE ||
        !sip_param_find(uri.params, STR("ms-received-cid"), &text) || !str_hex_to_u64(text, &cid) ||
        cid > UINT32_MAX)
        return;
    struct conn *c = net_find_cid(t->w->net, (uint32_t)cid);
    t->outside = c && !is_link(c) && !conn_closing(c) ? conn_user(c) : NULL;
}

static enum fault find_client(struct edge_turn *t)
{
    struct str route = sip_unfold(sip_msg_value(&t->msg, SIP_ROUTE), &t->w->arena);
    enum fault fault = FAULT_NONE;

    if (route.len > 0)
        fault = find_by_route(t, route);
    else
        find_by_cid(t);
    if (fault != FAULT_NONE || t->outside)
        return fault;
    bool dialog = str_find(sip_msg_value(&t->msg, SIP_TO), STR(";tag=")) != SIZE_MAX;
    return dialog ? FAULT_ROUTE_DIALOG_GONE : FAULT_ROUTE_GONE;
}

static void request(struct edge_turn *t)
{
    enum fault fault = find_client(t);
    uint32_t hops;

    if (fault == FAULT_NONE && str_to_u32(sip_msg_value(&t->msg, SIP_MAX_FORWARDS), &hops) &&
        hops == 0)
        fault = FAULT_SIP_MAX_FORWARDS;
    if (fault != FAULT_NONE) {
        report_refusal(t, fault, STR_NONE);
        answer_refuse(t, fault);
        return;
    }
    struct conn *c = t->outside->conn;
    struct buf *out = conn_compose(c);
    if (!rewrite_request_outward(t, conn_id(t->conn), out)) {
        answer_refuse(t, FAULT_SIP_MEMORY);
        return;
    }
    report_message(c, true, buf_str(out));
    conn_send_done(c);
}

/* --- arrival --- */

void inside_message(struct edge_worker *w, struct conn *c, struct str whole, size_t head_len)
{
    struct edge_turn t = { .w = w, .conn = c, .now_ms = loop_now_ms(w->loop) };
    struct rewrite_mark mark;

    arena_reset(&w->arena);
    enum fault fault =
        sip_msg_parse(whole, head_len, w->edge->conf->headers_max, &w->arena, &t.msg);
    if (fault != FAULT_NONE) {
        report_refusal(&t, fault, STR_NONE);
        return;
    }
    bool ours = !t.msg.is_request && rewrite_read_mark(&t.msg, &w->arena, &mark);
    if (ours && mark.conn_id == 0) {
        link_alive(conn_user(c), &t.msg, &w->arena); /* asked every few seconds, and no news */
        return;
    }
    report_message(c, false, whole);
    if (t.msg.is_request)
        request(&t);
    else if (ours)
        response(&t, conn_user(c), &mark);
    else
        report_refusal(&t, FAULT_ROUTE_TOKEN, STR_NONE);
}

void inside_broken(struct edge_worker *w, struct conn *c, enum fault fault, struct str seen)
{
    struct edge_turn t = { .w = w, .conn = c };

    arena_reset(&w->arena);
    t.msg.start_line = str_first(seen, 80);
    report_refusal(&t, fault, STR_NONE);
}
