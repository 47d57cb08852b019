/* SPDX-License-Identifier: MIT */
#include "edge/outside.h"

#include <assert.h>
#include <stdlib.h>
#include <time.h>

#include "edge/answer.h"
#include "edge/handshake.h"
#include "edge/links.h"
#include "edge/report.h"
#include "edge/rewrite.h"
#include "edge/waiting.h"
#include "sip/addr.h"
#include "sip/uri.h"

enum {
    ROOM = 4096,       /* what the Edge adds must still fit into the Front End's message_max */
    HEADERS_ROOM = 8,  /* the same for its headers_max */
    ANSWER_MS = 40000, /* a Front End answers earlier, or its link ends */
    SLOW_MS = 100,
    TURN_MS = 20,
};

struct outside *outside_new(struct edge_worker *w, struct conn *c)
{
    struct outside *o = calloc(1, sizeof(*o));

    assert(o);
    o->w = w;
    o->conn = c;
    o->trusted = sources_trusted(w->edge->sources, net_addr_bytes(conn_peer(c)));
    return o;
}

void outside_arrived(struct outside *o)
{
    if (o->under_way)
        sources_arrive(o->w->edge->sources, net_addr_bytes(conn_peer(o->conn)));
    o->under_way = false;
}

void outside_free(struct outside *o)
{
    outside_arrived(o);
    wait_end(o);
    link_tell_gone(o->w, o->link_id, o->conn);
    handshakes_free(o);
    rewrite_route_fini(&o->routes[0]);
    rewrite_route_fini(&o->routes[1]);
    free(o);
}

/* --- who says that they send it --- */

static bool is_our_domain(const struct conf *c, struct str host)
{
    for (unsigned i = 0; i < c->domain_count; i++)
        if (str_eq_nocase(host, str_from_c(c->domains[i])))
            return true;
    return false;
}

static enum fault read_user(struct edge_turn *t, enum sip_field id, struct str *key)
{
    struct arena *arena = &t->w->arena;
    struct sip_addr a;
    struct sip_uri uri;
    enum fault fault = sip_addr_parse(sip_unfold(sip_msg_value(&t->msg, id), arena), &a, NULL);

    if (fault == FAULT_NONE)
        fault = sip_uri_parse(a.uri, &uri);
    if (fault != FAULT_NONE)
        return fault;
    if (!is_our_domain(t->w->edge->conf, uri.host))
        return FAULT_SIP_DOMAIN;
    *key = sip_uri_user_key(&uri, arena);
    return key->len > 0 || uri.user.len == 0 ? FAULT_NONE : FAULT_SIP_URI;
}

static enum fault check_users(struct edge_turn *t)
{
    struct str to;
    enum fault fault = read_user(t, SIP_FROM, &t->user_key);

    if (fault == FAULT_NONE && t->user_key.len == 0)
        fault = FAULT_SIP_URI;
    return fault == FAULT_NONE ? read_user(t, SIP_TO, &to) : fault;
}

static enum fault check_hops(const struct edge_turn *t)
{
    const struct sip_header *h = sip_msg_first(&t->msg, SIP_MAX_FORWARDS);
    uint32_t hops;

    return h && str_to_u32(h->value, &hops) && hops == 0 ? FAULT_SIP_MAX_FORWARDS : FAULT_NONE;
}

static bool has_dialog(const struct sip_msg *m)
{
    return str_find(sip_msg_value(m, SIP_TO), STR(";tag=")) != SIZE_MAX;
}

/* A Route must be one that we gave this user on this connection. */
static enum fault check_route(const struct edge_turn *t)
{
    struct str value = sip_unfold(sip_msg_value(&t->msg, SIP_ROUTE), &t->w->arena), rest, text;
    struct sip_addr a;
    struct sip_uri uri;
    uint64_t id = 0;

    if (value.len == 0)
        return FAULT_NONE;
    if (sip_addr_parse(value, &a, &rest) != FAULT_NONE ||
        sip_uri_parse(a.uri, &uri) != FAULT_NONE ||
        !sip_param_find(uri.params, STR("ms-route-sig"), &text))
        return FAULT_ROUTE_TOKEN;
    switch (token_check(&t->w->edge->tokens, text, TOKEN_FROM_CLIENT, t->user_key,
                        (uint64_t)time(NULL), &id)) {
    case TOKEN_BAD:
        return FAULT_ROUTE_TOKEN;
    case TOKEN_GOOD:
        if (id == conn_id(t->conn))
            return FAULT_NONE;
        break;
    case TOKEN_GONE:
        break;
    }
    /* a REGISTER begins anew whatever was before, and is never told 480 */
    if (str_eq(t->msg.method, STR("REGISTER")))
        return FAULT_NONE;
    return has_dialog(&t->msg) ? FAULT_ROUTE_DIALOG_GONE : FAULT_ROUTE_GONE;
}

/* --- forwarding --- */

static struct link *choose_link(struct edge_turn *t)
{
    struct outside *o = t->outside;
    struct link *l = link_find(t->w, o->link_id);

    if (!l && (l = links_pick(t->w, t->user_key)))
        o->link_id = link_conn_id(l);
    return l;
}

static uint64_t endpoint_of(const struct edge_turn *t)
{
    const struct sip_msg *m = &t->msg;

    return str_eq(m->method, STR("REGISTER"))
               ? rewrite_endpoint(sip_unfold(sip_msg_value(m, SIP_CONTACT), &t->w->arena))
               : 0;
}

static void note_keep_alive(struct outside *o, const struct sip_msg *m)
{
    if (str_eq(m->method, STR("REGISTER")))
        o->keep_alive_asked =
            str_find(sip_msg_value(m, SIP_MS_KEEP_ALIVE), STR("hop-hop=yes")) != SIZE_MAX;
}

static struct str address_of(const struct edge_turn *t)
{
    return net_addr_bytes(conn_peer(t->conn));
}

/* An ACK or BENOTIFY has no answer, and a CANCEL without credentials gets none: counted as open,
 * they would keep everybody else out. */
static bool is_answered(const struct sip_msg *m)
{
    return !str_eq(m->method, STR("ACK")) && !str_eq(m->method, STR("CANCEL")) &&
           !str_eq(m->method, STR("BENOTIFY"));
}

static void forward(struct edge_turn *t, struct link *l, bool sign_in)
{
    struct conn *c = link_conn(l);
    struct rewrite_mark mark = {
        .conn_id = conn_id(t->conn),
        .asked = is_answered(&t->msg) ? link_asked(l, t->now_ms) : LINK_NOT_ASKED,
        .endpoint = endpoint_of(t),
        .sign_in = sign_in,
        .over = sign_in && sources_over(t->w->edge->sources, address_of(t), t->now_ms)
    };

    note_keep_alive(t->outside, &t->msg);
    struct buf *out = link_out(l);
    size_t start = out->len;
    if (!rewrite_request_inward(t, c, &mark, out)) {
        link_answered(l, mark.asked);
        outside_arrived(t->outside);
        answer_refuse(t, FAULT_SIP_MEMORY);
        return;
    }
    count(&t->w->stats.requests);
    report_message(c, true, str_skip(buf_str(out), start));
    link_written(l);
    if (sign_in)
        wait_begin(t->outside, WAIT_ANSWER, t->now_ms + ANSWER_MS, STR_NONE);
}

static bool refuses_foreign(const struct edge_turn *t, const struct handshake_seen *seen)
{
    const char *how = t->w->edge->conf->edge.foreign_target;
    bool refuse = str_eq(str_from_c(how), STR("refuse"));

    if (seen->foreign_target.len == 0 || str_eq(str_from_c(how), STR("off")))
        return false;
    report_security(t, FAULT_NTLM_FOREIGN_TARGET, seen->token, !refuse, seen->foreign_target);
    return refuse;
}

/* The device that signed this user in before, back over a resumed session: it does not wait for
 * what others at its address did. */
static bool is_known(const struct edge_turn *t)
{
    uint64_t ticket = tls_resumed_ticket(conn_tls(t->conn));

    return ticket && sources_knows(t->w->edge->sources, ticket, t->user_key);
}

static void go_inward(struct edge_turn *t, struct link *l)
{
    outside_arrived(t->outside); /* an earlier one that was never answered */
    switch (sources_depart(t->w->edge->sources, address_of(t), t->now_ms)) {
    case SOURCES_WAIT:
        wait_begin(t->outside, WAIT_TO_FRONT, t->now_ms + TURN_MS, t->msg.raw);
        return;
    case SOURCES_COUNTED:
        t->outside->under_way = true;
        break;
    case SOURCES_GO:
        break;
    }
    forward(t, l, true);
}

/* A sign-in is answered on the clock whoever refuses it, and kept back before anybody is asked when
 * its source failed lately.  Over the budget of its source it still goes on, so marked: whether the
 * device is known to the account is for authd to say, which refuses all others unasked. */
static void sign_in(struct edge_turn *t, struct link *l, const struct handshake_seen *seen)
{
    enum fault fault = seen->fault;

    t->outside->received_ms = t->now_ms;
    if (fault != FAULT_NONE)
        report_security(t, fault, seen->token, false, STR_NONE);
    else if (refuses_foreign(t, seen))
        fault = FAULT_NTLM_FOREIGN_TARGET;
    if (fault != FAULT_NONE) {
        answer_failed(t, fault, link_offer(l));
        return;
    }
    unsigned delay_ms =
        is_known(t) ? 0 : sources_delay_ms(t->w->edge->sources, address_of(t), t->now_ms);
    if (delay_ms == 0)
        go_inward(t, l);
    else
        wait_begin(t->outside, WAIT_TO_FRONT, t->now_ms + delay_ms, t->msg.raw);
}

/* Nobody signs in with a request that gets no answer: it would be under way for ever, and others at
 * its address would wait for their turn. */
static void drop_sign_in(struct edge_turn *t, const struct handshake_seen *seen)
{
    count(&t->w->stats.refused);
    report_security(t, FAULT_NTLM_MALFORMED, seen->token, false, STR_NONE);
}

static void refuse(struct edge_turn *t, enum fault fault)
{
    if (fault == FAULT_ROUTE_TOKEN || fault == FAULT_REMOTE_ACCESS_OFF || fault == FAULT_SIP_DOMAIN)
        report_refusal(t, fault, STR_NONE);
    answer_refuse(t, fault);
}

/* An end that is forwarded has no answer; ours would be none either. */
static void request(struct edge_turn *t)
{
    struct handshake_seen seen;
    bool open = atomic_load_explicit(&t->w->edge->remote_access, memory_order_relaxed);
    enum fault fault = open ? check_users(t) : FAULT_REMOTE_ACCESS_OFF;

    if (fault == FAULT_NONE)
        fault = check_hops(t);
    if (fault == FAULT_NONE)
        fault = check_route(t);
    struct link *l = fault == FAULT_NONE ? choose_link(t) : NULL;
    if (fault == FAULT_NONE && !l)
        fault = FAULT_EDGE_NO_FRONT;
    if (fault == FAULT_NONE && link_is_full(l))
        fault = FAULT_EDGE_BUSY;
    if (fault != FAULT_NONE) {
        refuse(t, fault);
        return;
    }
    handshake_look(t->outside, &t->msg, &t->w->arena, &seen);
    if (seen.kind != HANDSHAKE_ANSWER)
        forward(t, l, false);
    else if (is_answered(&t->msg))
        sign_in(t, l, &seen);
    else
        drop_sign_in(t, &seen);
}

/* --- answers of clients --- */

static void response(struct edge_turn *t)
{
    struct arena *arena = &t->w->arena;
    struct str vias, sealed = rewrite_sealed(&t->msg, arena);
    uint64_t link_id = 0;
    bool ours =
        sealed.len > 0 && hide_open(&t->w->hide, sealed, conn_id(t->conn), arena, &vias, &link_id);
    struct link *l = ours ? link_find(t->w, link_id) : NULL;

    if (!l) {
        report_refusal(t, ours ? FAULT_ROUTE_EXPIRED : FAULT_ROUTE_TOKEN, STR_NONE);
        return;
    }
    struct buf *out = link_out(l);
    size_t start = out->len;
    if (!rewrite_response_inward(t, vias, out))
        return;
    report_message(link_conn(l), true, str_skip(buf_str(out), start));
    link_written(l);
}

/* --- arrival --- */

static void begin(struct edge_turn *t, struct edge_worker *w, struct conn *c)
{
    arena_reset(&w->arena);
    *t = (struct edge_turn){
        .w = w, .conn = c, .outside = conn_user(c), .now_ms = loop_now_ms(w->loop)
    };
}

/* Whoever says more than their share is read more slowly; nothing of it is lost. */
static void slow_down(struct edge_turn *t)
{
    struct outside *o = t->outside;

    if (o->trusted || o->wait != WAIT_NONE || conn_closing(t->conn) ||
        sources_may_speak(t->w->edge->sources, address_of(t), t->now_ms))
        return;
    wait_begin(o, WAIT_SLOW, (t->now_ms / SLOW_MS + 1) * SLOW_MS, STR_NONE);
}

static enum fault parse(struct edge_turn *t, struct str whole, size_t head_len)
{
    const struct conf *c = t->w->edge->conf;

    if (whole.len + ROOM > c->message_max)
        return FAULT_SIP_TOO_LARGE;
    return sip_msg_parse(whole, head_len, c->headers_max - HEADERS_ROOM, &t->w->arena, &t->msg);
}

/* Compression is declined: 488 without a Compression header.  The request is hop by hop. */
static bool is_negotiate(const struct sip_msg *m)
{
    return str_eq(m->method, STR("NEGOTIATE"));
}

void outside_message(struct edge_worker *w, struct conn *c, struct str whole, size_t head_len)
{
    struct edge_turn t;

    begin(&t, w, c);
    report_message(c, false, whole);
    enum fault fault = parse(&t, whole, head_len);
    if (fault != FAULT_NONE)
        outside_broken(w, c, fault, whole);
    else if (!t.msg.is_request)
        response(&t);
    else if (is_negotiate(&t.msg))
        answer_plain(&t, 488, "Compression algorithm refused");
    else
        request(&t);
    slow_down(&t);
}

/* 400 where a reply can be made; else the connection ends, and the trace says why. */
void outside_broken(struct edge_worker *w, struct conn *c, enum fault fault, struct str seen)
{
    struct edge_turn t;
    size_t end = str_find(seen, STR("\r\n\r\n"));

    begin(&t, w, c);
    (void)sip_msg_parse(seen, end == SIZE_MAX ? seen.len : end + 4, w->edge->conf->headers_max,
                        &w->arena, &t.msg);
    report_refusal(&t, fault, STR_NONE);
    if (t.msg.is_request && sip_msg_can_reply(&t.msg) && fault_row(fault)->status != 0)
        answer_refuse(&t, fault);
    else
        conn_close(c, fault);
}

/* It was looked at before, from the same octets. */
void outside_take_up(struct outside *o)
{
    struct edge_turn t;
    struct str kept = str_of(o->kept, o->kept_len);

    begin(&t, o->w, o->conn);
    struct str whole = arena_dup(&o->w->arena, kept);
    size_t end = str_find(whole, STR("\r\n\r\n"));
    wait_end(o);
    if (whole.len == 0 || end == SIZE_MAX || parse(&t, whole, end + 4) != FAULT_NONE ||
        check_users(&t) != FAULT_NONE)
        return;
    struct link *l = choose_link(&t);
    if (l && !link_is_full(l))
        go_inward(&t, l);
    else
        answer_refuse(&t, l ? FAULT_EDGE_BUSY : FAULT_EDGE_NO_FRONT);
}
