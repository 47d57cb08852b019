/* SPDX-License-Identifier: MIT */
#include "edge/answer.h"

#include <time.h>

#include "base/table.h"
#include "edge/report.h"
#include "edge/waiting.h"
#include "sip/authparam.h"
#include "sip/reply.h"

enum { RETRY_AFTER_S = 5, RETRY_SPREAD_S = 10 };

/* 32 upper-case hex digits, as the Front End's. */
static struct str new_tag(struct edge_worker *w)
{
    static const char digits[] = "0123456789ABCDEF";
    uint64_t in[2] = { ++w->tag_counter, w->index }, hash[2];
    char text[32];

    hash[0] = table_hash(str_of(in, sizeof(in)));
    in[1] |= UINT64_C(1) << 32;
    hash[1] = table_hash(str_of(in, sizeof(in)));
    for (unsigned i = 0; i < sizeof(text); i++)
        text[i] = digits[hash[i / 16] >> (4 * (i % 16)) & 15];
    return arena_dup(&w->arena, str_of(text, sizeof(text)));
}

static void begin(struct sip_reply *r, struct edge_turn *t, struct buf *out, unsigned status,
                  const char *reason)
{
    char ip[NET_ADDR_TEXT];
    net_addr_print_ip(conn_peer(t->conn), ip);
    struct sip_received received = { .ip = str_from_c(ip),
                                     .port = net_addr_port(conn_peer(t->conn)),
                                     .cid = conn_cid(t->conn) };

    sip_reply_begin(r, out, &t->msg, status, str_from_c(reason ? reason : sip_reason(status)),
                    new_tag(t->w), &received);
}

static void add_diagnostics(struct sip_reply *r, enum fault fault, struct str source)
{
    const struct fault_row *row = fault_row(fault);

    if (row->diag_id == 0 || row->header == FAULT_HEADER_NONE)
        return;
    if (row->header == FAULT_HEADER_PUBLIC)
        sip_reply_headerf(r, "ms-diagnostics-public", "%u;reason=\"%s\"", row->diag_id,
                          row->reason);
    else
        sip_reply_headerf(r, "ms-diagnostics", "%u;reason=\"%s\";source=\"%.*s\"%s", row->diag_id,
                          row->reason, STR_ARG(source),
                          row->diag_id == 1000 ? ";HRESULT=\"0xC3E93EC3(SIP_E_AUTH_UNAUTHORIZED)\""
                                               : "");
}

static bool is_never_answered(const struct sip_msg *m)
{
    return !m->is_request || str_eq(m->method, STR("ACK")) || str_eq(m->method, STR("BENOTIFY"));
}

static void leave(struct edge_turn *t, struct sip_reply *r)
{
    sip_reply_end(r, STR_NONE, STR_NONE);
    report_message(t->conn, true, buf_str(r->out));
    conn_send_done(t->conn);
}

void answer_plain(struct edge_turn *t, unsigned status, const char *reason)
{
    struct sip_reply r;

    if (is_never_answered(&t->msg))
        return;
    begin(&r, t, conn_compose(t->conn), status, reason);
    leave(t, &r);
}

void answer_refuse(struct edge_turn *t, enum fault fault)
{
    const struct edge *e = t->w->edge;
    struct sip_reply r;

    count(&t->w->stats.refused);
    if (is_never_answered(&t->msg))
        return;
    begin(&r, t, conn_compose(t->conn), fault_row(fault)->status, NULL);
    /* not all at the same moment */
    if (fault_row(fault)->status == 503)
        sip_reply_headerf(&r, "Retry-After", "%u",
                          RETRY_AFTER_S + (unsigned)(table_hash(t->msg.call_id) % RETRY_SPREAD_S));
    add_diagnostics(&r, fault, str_from_c(e->conf->edge.public_name));
    leave(t, &r);
}

static void add_date(struct sip_reply *r)
{
    time_t now = time(NULL);
    struct tm tm;
    char text[40];

    gmtime_r(&now, &tm);
    size_t n = strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm);
    sip_reply_header(r, "Date", str_of(text, n));
}

static struct str targetname_of(struct str offer)
{
    struct sip_auth p;

    return sip_auth_parse(offer, &p) == FAULT_NONE ? sip_auth_get(&p, STR("targetname")) : STR_NONE;
}

void answer_failed(struct edge_turn *t, enum fault fault, struct str offer)
{
    struct buf text = { 0 };
    struct sip_reply r;
    unsigned status = fault_row(fault)->status;

    count(&t->w->stats.refused);
    begin(&r, t, &text, status, NULL);
    if (status == 401) {
        add_date(&r);
        sip_reply_header(&r, "WWW-Authenticate", offer);
    }
    add_diagnostics(&r, fault, targetname_of(offer));
    sip_reply_end(&r, STR_NONE, STR_NONE);
    count(&t->w->stats.held);
    wait_begin(t->outside, WAIT_TO_CLIENT,
               wait_clock(t->w, t->outside->received_ms, loop_now_ms(t->w->loop)), buf_str(&text));
    buf_fini(&text);
}
