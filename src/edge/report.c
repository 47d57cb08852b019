/* SPDX-License-Identifier: MIT */
#include "edge/report.h"

static void addresses(struct conn *c, char local[NET_ADDR_TEXT], char peer[NET_ADDR_TEXT])
{
    net_addr_print(conn_local(c), local);
    net_addr_print(conn_peer(c), peer);
}

static void report_connection(struct conn *c, enum trace_level level, enum fault fault,
                              const char *text, struct str data)
{
    char local[NET_ADDR_TEXT], peer[NET_ADDR_TEXT];

    addresses(c, local, peer);
    struct trace_connection r = { .level = level,
                                  .fault = fault,
                                  .text = text,
                                  .local_ip = str_from_c(local),
                                  .peer_ip = str_from_c(peer),
                                  .connection_id = conn_cid(c),
                                  .transport = conn_transport(c),
                                  .data = data };
    trace_connection(TRACE_SIPSTACK, &r);
}

void report_link(struct conn *c, enum trace_level level, enum fault fault, const char *text)
{
    struct buf data = { 0 };
    const struct tls *tls = conn_tls(c);

    if (!trace_on(TRACE_SIPSTACK, TF_CONNECTION, level))
        return;
    buf_add_c(&data, "link=\"front-end\"");
    if (tls) {
        buf_add_c(&data, "; certificate=\"");
        tls_peer_name(tls, &data);
        buf_printf(&data, "\"; reason=\"%s\"", tls_reason(tls));
    }
    report_connection(c, level, fault, text, buf_str(&data));
    buf_fini(&data);
}

/* Ends that are somebody's trouble are warnings; a client that hangs up is news at most. */
static enum trace_level level_of_end(enum fault why)
{
    switch (why) {
    case FAULT_NONE:
    case FAULT_ROUTE_PEER_CLOSED:
    case FAULT_ROUTE_PEER_RESET:
    case FAULT_ROUTE_IDLE:
    case FAULT_ROUTE_SHUTDOWN:
    case FAULT_EDGE_FRONT_LOST:
        return TL_INFO;
    default:
        return TL_WARN;
    }
}

void report_end(struct conn *c, enum fault why)
{
    enum trace_level level = level_of_end(why);
    struct buf data = { 0 };

    if (!trace_on(TRACE_SIPSTACK, TF_CONNECTION, level))
        return;
    if (conn_tls(c) && tls_fault(conn_tls(c)) != FAULT_NONE) {
        buf_printf(&data, "reason=\"%s\"; offer=\"", tls_reason(conn_tls(c)));
        tls_describe_offer(conn_tls(c), &data);
        buf_add_char(&data, '"');
    }
    report_connection(c, level, why, why == FAULT_NONE ? "Connection closed" : fault_row(why)->text,
                      buf_str(&data));
    buf_fini(&data);
}

void report_refusal(const struct edge_turn *t, enum fault fault, struct str data)
{
    char peer[NET_ADDR_TEXT];

    if (!trace_on(TRACE_SIPSTACK, TF_DIAG, TL_WARN))
        return;
    net_addr_print(conn_peer(t->conn), peer);
    struct trace_diag r = { .level = TL_WARN,
                            .fault = fault,
                            .text = fault_row(fault)->text,
                            .start_line = t->msg.start_line,
                            .call_id = t->msg.call_id,
                            .cseq = sip_msg_value(&t->msg, SIP_CSEQ),
                            .peer = str_from_c(peer),
                            .data = data };
    trace_diag(TRACE_SIPSTACK, &r);
}

void report_security(const struct edge_turn *t, enum fault fault, struct str token, bool audited,
                     struct str data)
{
    char peer[NET_ADDR_TEXT];

    if (!trace_on(TRACE_SIPSTACK, TF_SECURITY, audited ? TL_WARN : TL_ERROR))
        return;
    net_addr_print(conn_peer(t->conn), peer);
    struct trace_security r = { .fault = fault,
                                .text = audited ? STR_NONE : STR("Refused by the Edge"),
                                .start_line = t->msg.start_line,
                                .call_id = t->msg.call_id,
                                .cseq = sip_msg_value(&t->msg, SIP_CSEQ),
                                .peer = str_from_c(peer),
                                .gssapi_token = token,
                                .user = data,
                                .policy = STR_NONE,
                                .audited = audited };
    trace_security(TRACE_SIPSTACK, &r);
}

void report_message(struct conn *c, bool outgoing, struct str whole)
{
    char peer[NET_ADDR_TEXT];
    struct str side = is_link(c) ? STR("internal edge") : STR("external edge");

    if (!trace_on(TRACE_SIPSTACK, TF_PROTOCOL, TL_INFO))
        return;
    net_addr_print(conn_peer(c), peer);
    trace_protocol(TRACE_SIPSTACK, outgoing, outgoing ? STR("local") : side,
                   outgoing ? side : STR("local"), str_from_c(peer), whole);
}
