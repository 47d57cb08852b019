/* SPDX-License-Identifier: MIT */
#include "front/answer.h"

#include <stdio.h>

#include "base/encode.h"
#include "base/secret.h"
#include "base/table.h"
#include "diag/trace.h"
#include "front/client_conn.h"
#include "front/front_internal.h"

/* 32 upper-case hex digits as the original's tags: a keyed hash of a counter, so that nobody can
 * foretell another's and none costs a system call. */
static struct str new_tag(struct worker *w, struct arena *arena)
{
    struct {
        uint64_t counter;
        uint32_t worker, half;
    } in = { ++w->tag_counter, w->index, 0 };
    uint64_t hash[2];
    hash[0] = table_hash(str_of(&in, sizeof(in)));
    in.half = 1;
    hash[1] = table_hash(str_of(&in, sizeof(in)));
    static const char digits[] = "0123456789ABCDEF";
    char text[32];
    for (unsigned i = 0; i < sizeof(text); i++)
        text[i] = digits[hash[i / 16] >> (4 * (i % 16)) & 15];
    return arena_dup(arena, str_of(text, sizeof(text)));
}

static void add_date(struct answer *a)
{
    time_t now = time(NULL);
    struct tm tm;
    gmtime_r(&now, &tm);
    char text[40];
    size_t n = strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm);
    sip_reply_header(&a->reply, "Date", str_of(text, n));
}

/* The way that requests within a dialog will take (RFC 3261 12.1.1). */
static void copy_record_route(struct answer *a)
{
    const struct sip_msg *m = &a->turn->msg;
    for (const struct sip_header *h = sip_msg_first(m, SIP_RECORD_ROUTE); h; h = sip_msg_next(m, h))
        sip_reply_header(&a->reply, "Record-Route", sip_unfold(h->value, &a->turn->w->arena));
}

void answer_begin(struct answer *a, struct turn *t, unsigned status, const char *reason)
{
    char ip[NET_ADDR_TEXT];
    net_addr_print_ip(conn_peer(t->conn), ip);
    struct sip_received received = { .ip = str_from_c(ip),
                                     .port = net_addr_port(conn_peer(t->conn)),
                                     .cid = conn_cid(t->conn) };
    *a = (struct answer){ .turn = t };
    struct str phrase = str_from_c(reason ? reason : sip_reason(status));
    sip_reply_begin(&a->reply, conn_compose(t->conn), &t->msg, status, phrase,
                    new_tag(t->w, &t->w->arena), &received);
    if (status / 100 == 2)
        copy_record_route(a);
}

void answer_header(struct answer *a, const char *name, struct str value)
{
    sip_reply_header(&a->reply, name, value);
}

void answer_expires(struct answer *a, uint32_t seconds)
{
    char digits[10];
    size_t at = sizeof(digits);
    do
        digits[--at] = (char)('0' + seconds % 10);
    while ((seconds /= 10) > 0);
    a->expires = arena_dup(&a->turn->w->arena, str_of(digits + at, sizeof(digits) - at));
    sip_reply_header(&a->reply, "Expires", a->expires);
}

void answer_lines(struct answer *a, struct str lines)
{
    buf_add(a->reply.out, lines);
}

void answer_diagnostics(struct answer *a, enum fault fault)
{
    const struct fault_row *row = fault_row(fault);
    if (row->diag_id == 0 || row->header == FAULT_HEADER_NONE)
        return;
    if (row->header == FAULT_HEADER_PUBLIC) {
        sip_reply_headerf(&a->reply, "ms-diagnostics-public", "%u;reason=\"%s\"", row->diag_id,
                          row->reason);
        return;
    }
    struct buf value = { 0 };
    const struct client_conn *cc = a->turn->cc;
    buf_printf(&value, "%u;reason=\"%s\";source=\"%s\"", row->diag_id, row->reason,
               cc && cc->target ? cc->target : a->turn->w->front->conf->fqdn);
    if (row->diag_id == 1000)
        buf_add_c(&value, ";HRESULT=\"0xC3E93EC3(SIP_E_AUTH_UNAUTHORIZED)\"");
    sip_reply_header(&a->reply, "ms-diagnostics", buf_str(&value));
    buf_fini(&value);
}

static void trace_message(struct conn *c, bool outgoing, struct str whole)
{
    if (!trace_on(TRACE_SIPSTACK, TF_PROTOCOL, TL_INFO))
        return;
    char peer[NET_ADDR_TEXT];
    net_addr_print(conn_peer(c), peer);
    trace_protocol(TRACE_SIPSTACK, outgoing, outgoing ? STR("local") : STR_NONE, STR_NONE,
                   str_from_c(peer), whole);
}

void answer_trace_incoming(struct conn *c, struct str whole)
{
    trace_message(c, false, whole);
}

/* The answer is signed over what it says itself: the request's fields with our To tag, our Expires
 * and the status; a P-Asserted-Identity of the request is not repeated in it. */
static void sign(struct answer *a)
{
    struct turn *t = a->turn;
    struct sigtext text;
    if (sigtext_from_msg(&t->msg, &t->w->arena, &text) != FAULT_NONE)
        return;
    text.to_tag = a->reply.to_tag;
    text.expires = a->expires;
    text.pai_sip = text.pai_tel = STR_NONE;
    text.status = a->reply.status;
    auth_sign(&t->w->auth, t->sa, &text, a->reply.out);
}

/* The Edge counts guesses at passwords against the address they come from. */
static void tell_edge(struct answer *a)
{
    struct buf value = { 0 };
    sip_trust_print(&(struct sip_trust){ .guess = true }, &value);
    sip_reply_header(&a->reply, "ms-edge-proxy-message-trust", buf_str(&value));
    buf_fini(&value);
}

void answer_end(struct answer *a, struct str content_type, struct str body)
{
    if (a->turn->guess && a->turn->cc->link)
        tell_edge(a);
    if (a->turn->sa)
        sign(a);
    sip_reply_end(&a->reply, content_type, body);
    trace_message(a->turn->conn, true, buf_str(a->reply.out));
    conn_send_done(a->turn->conn);
}

void answer_status(struct turn *t, unsigned status)
{
    struct answer a;
    answer_begin(&a, t, status, NULL);
    answer_end(&a, STR_NONE, STR_NONE);
}

void answer_fault(struct turn *t, enum fault fault)
{
    struct answer a;
    answer_begin(&a, t, fault_row(fault)->status, NULL);
    answer_diagnostics(&a, fault);
    answer_end(&a, STR_NONE, STR_NONE);
}

void answer_challenge(struct turn *t, const struct auth_result *r)
{
    struct answer a;
    t->sa = NULL; /* a 401 is never signed */
    answer_begin(&a, t, 401, NULL);
    add_date(&a);
    for (unsigned i = 0; i < r->challenge_count; i++)
        answer_header(&a, "WWW-Authenticate", r->challenges[i]);
    if (r->fault != FAULT_NONE)
        answer_diagnostics(&a, r->fault);
    answer_end(&a, STR_NONE, STR_NONE);
}

void answer_server_request(const struct server_request *r)
{
    struct arena *arena = &r->w->arena;
    struct str tag = new_tag(r->w, arena), call_id = new_tag(r->w, arena);
    char local[NET_ADDR_TEXT];
    net_addr_print(conn_local(r->conn), local);
    struct buf *out = conn_compose(r->conn);
    struct str epid = str_from_c(r->sa->epid);
    const struct client_conn *cc = r->client;
    buf_printf(out, "%.*s %.*s%s%s SIP/2.0\r\n", STR_ARG(r->method), STR_ARG(r->user_key),
               cc->link ? ";ms-received-cid=" : "", cc->cid);
    buf_printf(out, "Via: SIP/2.0/%s %s;branch=z9hG4bK%.*s;branched=FALSE\r\n",
               conn_transport(r->conn), local, STR_ARG(str_first(call_id, 16)));
    if (cc->path)
        buf_printf(out, "Route: %s\r\n", cc->path);
    buf_printf(out, "Max-Forwards: 70\r\nFrom: <%.*s>;tag=%.*s\r\n", STR_ARG(r->user_key),
               STR_ARG(tag));
    buf_printf(out, "To: <%.*s>;epid=%.*s\r\n", STR_ARG(r->user_key), STR_ARG(epid));
    buf_printf(out, "Call-ID: %.*s\r\nCSeq: 1 %.*s\r\n", STR_ARG(call_id), STR_ARG(r->method));
    buf_printf(out, "Event: %.*s\r\nsubscription-state: terminated;expires=0\r\n",
               STR_ARG(r->event));
    if (r->diagnostics.len > 0)
        buf_printf(out, "ms-diagnostics-public: %.*s\r\n", STR_ARG(r->diagnostics));
    struct sigtext text = { .call_id = call_id,
                            .cseq = STR("1"),
                            .method = r->method,
                            .from_uri = r->user_key,
                            .from_tag = tag,
                            .to_uri = r->user_key };
    auth_sign(&r->w->auth, r->sa, &text, out);
    buf_printf(out, "Content-Type: %.*s\r\nContent-Length: %zu\r\n\r\n", STR_ARG(r->content_type),
               r->body.len);
    buf_add(out, r->body);
    trace_message(r->conn, true, buf_str(out));
    conn_send_done(r->conn);
}
