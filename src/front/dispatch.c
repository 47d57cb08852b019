/* SPDX-License-Identifier: MIT */
#include "front/dispatch.h"

#include "base/clock.h"
#include "diag/trace.h"
#include "front/answer.h"
#include "front/behind.h"
#include "front/client_conn.h"
#include "front/front_internal.h"
#include "front/register.h"
#include "front/service.h"
#include "sip/addr.h"
#include "sip/uri.h"

/* A client of this family answers a 401 to anything but REGISTER by sending the request again at
 * once, and relies on that to bridge a re-authentication.  A few dozen are normal while a
 * handshake is under way; without one it would go on for ever. */
enum { UNAUTHORIZED_FREE = 4, UNAUTHORIZED_MAX = 60, UNAUTHORIZED_DELAY_MS = 100 };

static void begin(struct turn *t, struct worker *w, struct conn *c)
{
    arena_reset(&w->arena);
    *t = (struct turn){ .w = w, .conn = c };
    if (!conn_listener(c)->edge_link)
        t->cc = conn_user(c);
}

/* Behind an Edge it is the message that says whose it is. */
static void find_client(struct turn *t)
{
    if (!t->cc)
        t->cc = edge_link_client(conn_user(t->conn), &t->msg, &t->w->arena, &t->trust);
}

/* Who says that they send this: From, epid, and what a decision about credentials needs. */
static enum fault identify(struct turn *t)
{
    find_client(t);
    struct arena *arena = &t->w->arena;
    struct sip_addr from;
    struct sip_uri uri;
    enum fault fault =
        sip_addr_parse(sip_unfold(sip_msg_value(&t->msg, SIP_FROM), arena), &from, NULL);
    if (fault == FAULT_NONE)
        fault = sip_uri_parse(from.uri, &uri);
    if (fault != FAULT_NONE)
        return fault;
    t->from_uri = from.uri;
    t->auth = (struct auth_request){ .msg = &t->msg,
                                     .owner = &t->cc->sas,
                                     .cid = str_from_c(t->cc->cid),
                                     .source = str_of(t->cc->sas.source, t->cc->sas.source_len),
                                     .remote = t->cc->link != NULL,
                                     .source_over = t->trust.over,
                                     .resumed = t->trust.resumed,
                                     .user_key = sip_uri_user_key(&uri, arena),
                                     .epid = sip_addr_epid(&from),
                                     .arena = arena,
                                     .now_ms = loop_now_ms(t->w->loop),
                                     .filetime = clock_filetime(),
                                     .day = t->w->day };
    memcpy(t->auth.tickets, t->trust.tickets, sizeof(t->auth.tickets));
    return t->auth.user_key.len > 0 ? FAULT_NONE : FAULT_SIP_URI;
}

/* Whom a record is about: behind an Edge the client, not the Edge. */
static void print_peer(const struct turn *t, char out[NET_ADDR_TEXT])
{
    if (t->cc && t->cc->peer[0])
        memcpy(out, t->cc->peer, NET_ADDR_TEXT);
    else
        net_addr_print(conn_peer(t->conn), out);
}

static void trace_refusal(const struct turn *t, const struct auth_result *r)
{
    enum fault fault = r->fault != FAULT_NONE ? r->fault : r->audited;
    bool audited = r->fault == FAULT_NONE;
    if (fault == FAULT_NONE || !trace_on(TRACE_SIPSTACK, TF_SECURITY, audited ? TL_WARN : TL_ERROR))
        return;
    char peer[NET_ADDR_TEXT];
    print_peer(t, peer);
    struct trace_security record = { .fault = fault,
                                     .text = STR_NONE,
                                     .start_line = t->msg.start_line,
                                     .call_id = t->msg.call_id,
                                     .cseq = sip_msg_value(&t->msg, SIP_CSEQ),
                                     .peer = str_from_c(peer),
                                     .gssapi_token = r->token,
                                     .unmet = r->unmet,
                                     .flags = r->flags,
                                     .minimum = r->minimum,
                                     .user = r->account_text,
                                     .policy = r->policy_name,
                                     .detail = r->detail,
                                     .audited = audited };
    trace_security(TRACE_SIPSTACK, &record);
}

static void trace_broken(const struct turn *t, enum fault fault, struct str seen)
{
    if (!trace_on(TRACE_SIPSTACK, TF_DIAG, TL_WARN))
        return;
    char peer[NET_ADDR_TEXT];
    net_addr_print(conn_peer(t->conn), peer);
    struct trace_diag record = { .level = TL_WARN,
                                 .fault = fault,
                                 .text = fault_row(fault)->text,
                                 .start_line = t->msg.start_line.len > 0 ? t->msg.start_line
                                                                         : str_first(seen, 80),
                                 .call_id = t->msg.call_id,
                                 .cseq = sip_msg_value(&t->msg, SIP_CSEQ),
                                 .peer = str_from_c(peer),
                                 .data = STR_NONE };
    trace_diag(TRACE_SIPSTACK, &record);
}

static void stop_delay(void *arg)
{
    struct client_conn *cc = arg;
    struct conn *c = net_find(cc->worker->net, cc->conn_id);
    if (c && !cc->job_open)
        conn_resume(c);
}

static void slow_down(struct turn *t)
{
    if (!t->cc->slow)
        t->cc->slow = loop_timer_new(t->w->loop, stop_delay, t->cc);
    conn_pause(t->conn);
    loop_timer_set(t->cc->slow, UNAUTHORIZED_DELAY_MS, 0);
}

static bool handshake_under_way(const struct turn *t)
{
    for (const struct sa *sa = t->cc->sas.list; sa; sa = sa->next_owned)
        if (sa->state != SA_ESTABLISHED)
            return true;
    return false;
}

static void challenge(struct turn *t, const struct auth_result *r)
{
    if (r->fault != FAULT_NONE) {
        atomic_fetch_add_explicit(&t->w->stats.refused, 1, memory_order_relaxed);
        trace_refusal(t, r);
    }
    answer_challenge(t, r);
    if (str_eq(t->msg.method, STR("REGISTER")) || t->cc->link)
        return; /* behind an Edge it is the Edge that slows down */
    t->cc->unauthorized++;
    if (t->cc->unauthorized > UNAUTHORIZED_MAX && !handshake_under_way(t))
        conn_close(t->conn, FAULT_SA_UNKNOWN);
    else if (t->cc->unauthorized > UNAUTHORIZED_FREE)
        slow_down(t);
}

/* A client with a connection of its own is not read meanwhile; on a link there are others. */
void turn_wait(struct turn *t)
{
    t->cc->job_open = true;
    if (!t->cc->link)
        conn_pause(t->conn);
}

static void ask_directory(struct turn *t, struct auth_result *r)
{
    struct job *job =
        job_new(t->cc->id, str_from_c(r->sa->opaque_text), t->msg.raw, t->msg.head.len);
    enum fault fault = ask_question(t->w->ask, &r->question, job);
    if (fault != FAULT_NONE) {
        sa_drop(t->w->auth.sas, r->sa);
        job_free(job);
        answer_fault(t, fault);
        return;
    }
    trace_refusal(t, r); /* audit mode: let on, but recorded */
    turn_wait(t);
}

static void act(struct turn *t)
{
    t->cc->unauthorized = 0;
    if (str_eq(t->msg.method, STR("REGISTER")))
        register_request(t);
    else
        service_request(t);
}

/* The password was proved, but the account may not sign in, or a signed request names another
 * user: refused with a signature, so that the client may believe the reason. */
static void refuse_signed(struct turn *t, const struct auth_result *r)
{
    atomic_fetch_add_explicit(&t->w->stats.refused, 1, memory_order_relaxed);
    trace_refusal(t, r);
    t->sa = r->sa;
    answer_fault(t, r->fault);
}

static void request(struct turn *t)
{
    struct auth_result r;
    auth_check(&t->w->auth, &t->auth, &r);
    switch (r.outcome) {
    case AUTH_PASS:
        t->sa = r.sa;
        if (r.fault != FAULT_NONE)
            refuse_signed(t, &r);
        else
            act(t);
        break;
    case AUTH_CHALLENGE:
        challenge(t, &r);
        break;
    case AUTH_ASK:
        ask_directory(t, &r);
        break;
    case AUTH_DROP:
        trace_refusal(t, &r);
        break;
    }
}

/* Compression is declined: 488 without a Compression header.  The request is hop by hop and is
 * never challenged. */
static void negotiate(struct turn *t)
{
    struct answer a;
    answer_begin(&a, t, 488, "Compression algorithm refused");
    answer_end(&a, STR_NONE, STR_NONE);
}

/* What a client answers to our NOTIFY: nothing follows from it, but a forged one is traced. */
static void response(struct turn *t)
{
    struct sa *sa = NULL;
    enum fault fault = auth_check_response(&t->w->auth, &t->auth, &sa);
    if (fault != FAULT_NONE)
        trace_broken(t, fault, t->msg.raw);
}

/* The Edge's word that connections of its clients have ended.  Clients can write the same; what
 * comes from them it marks with its word of trust. */
static bool is_word_of_edge(const struct turn *t)
{
    return conn_listener(t->conn)->edge_link && t->msg.is_request &&
           !sip_msg_first(&t->msg, SIP_MS_EDGE_TRUST) && str_eq(t->msg.method, STR("BENOTIFY")) &&
           str_eq_nocase(sip_msg_value(&t->msg, SIP_EVENT), STR("ms-edge-connection-ended"));
}

/* What only an Edge may say counts for nothing on another connection.  Told once for each. */
static void notice_forgery(struct turn *t)
{
    bool forged =
        !conn_listener(t->conn)->edge_link && (sip_msg_first(&t->msg, SIP_MS_EDGE_TRUST) ||
                                               sip_msg_first(&t->msg, SIP_MS_USER_LOGON_DATA));
    if (!forged || t->cc->told_forgery)
        return;
    t->cc->told_forgery = true;
    trace_broken(t, FAULT_EDGE_HEADER, t->msg.raw);
}

void dispatch_message(struct worker *w, struct conn *c, struct str whole, size_t head_len)
{
    struct turn t;
    begin(&t, w, c);
    answer_trace_incoming(c, whole);
    atomic_fetch_add_explicit(&w->stats.requests, 1, memory_order_relaxed);
    enum fault fault =
        sip_msg_parse(whole, head_len, w->front->conf->headers_max, &w->arena, &t.msg);
    if (fault == FAULT_NONE && is_word_of_edge(&t)) {
        edge_link_gone(conn_user(c), t.msg.body);
        return;
    }
    if (fault == FAULT_NONE)
        fault = identify(&t);
    if (fault != FAULT_NONE) {
        dispatch_broken(w, c, fault, whole);
        return;
    }
    notice_forgery(&t);
    if (!t.msg.is_request)
        response(&t);
    else if (str_eq(t.msg.method, STR("NEGOTIATE")))
        negotiate(&t);
    else
        request(&t);
}

/* 400 where a reply can be made; else the connection ends, and the trace says why. */
void dispatch_broken(struct worker *w, struct conn *c, enum fault fault, struct str seen)
{
    struct turn t;
    begin(&t, w, c);
    atomic_fetch_add_explicit(&w->stats.bad_messages, 1, memory_order_relaxed);
    size_t end = str_find(seen, STR("\r\n\r\n"));
    size_t head_len = end == SIZE_MAX ? seen.len : end + 4;
    (void)sip_msg_parse(seen, head_len, w->front->conf->headers_max, &w->arena, &t.msg);
    trace_broken(&t, fault, seen);
    bool is_ack = str_eq(t.msg.method, STR("ACK"));
    if (t.msg.is_request && !is_ack && sip_msg_can_reply(&t.msg) && fault_row(fault)->status != 0)
        answer_fault(&t, fault);
    else if (!t.msg.is_request || !sip_msg_can_reply(&t.msg))
        conn_close(c, fault);
}

bool turn_resume(struct turn *t, struct worker *w, const struct job *job)
{
    struct conn *c;
    struct client_conn *cc = client_conn_find(w, job->client_id, &c);
    if (!cc)
        return false;
    begin(t, w, c);
    cc->job_open = false;
    if (!cc->link)
        conn_resume(c);
    /* it was parsed and identified before, from the same bytes */
    return sip_msg_parse(job_raw(job), job->head_len, w->front->conf->headers_max, &w->arena,
                         &t->msg) == FAULT_NONE &&
           identify(t) == FAULT_NONE;
}

void dispatch_verdict(struct worker *w, struct job *job, const struct proto_verdict *v)
{
    struct turn t;
    struct auth_result r;
    if (turn_resume(&t, w, job)) {
        auth_verdict(&w->auth, &t.auth, str_from_c(job->opaque), v, &r);
        t.guess = r.guess;
        if (r.outcome == AUTH_PASS && r.fault != FAULT_NONE) {
            refuse_signed(&t, &r);
            sa_drop(w->auth.sas, r.sa);
        } else if (r.outcome == AUTH_PASS) {
            trace_refusal(&t, &r);
            t.sa = r.sa;
            act(&t);
        } else if (fault_row(r.fault)->status != 401) {
            trace_refusal(&t, &r);
            answer_fault(&t, r.fault);
        } else {
            challenge(&t, &r);
        }
    }
    job_free(job);
}
