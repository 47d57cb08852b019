/* SPDX-License-Identifier: MIT */
/* TF_PROTOCOL: a SIP message as on the wire. */
#include "diag/trace_record.h"

#define PROTOCOL_ORIGIN "SIPAdminLog::TraceProtocolRecord:SIPAdminLog.cpp(122)"

/* Octets of the head without the empty line that ends it; `body` gets what follows.  A bare LF
 * ends a line too here: what a lenient reader would take for the body must not be shown. */
static size_t split_message(struct str message, struct str *body)
{
    size_t at = 0;

    for (;;) {
        size_t lf = str_find_char(str_skip(message, at), '\n');
        if (lf == SIZE_MAX) {
            *body = STR_NONE;
            return message.len;
        }
        at += lf + 1;
        struct str rest = str_skip(message, at);
        size_t empty = str_starts(rest, STR("\r\n")) ? 2 : str_starts(rest, STR("\n")) ? 1 : 0;
        if (empty) {
            *body = str_skip(rest, empty);
            return at;
        }
    }
}

/* A line ends at CRLF; a lone CR or LF stays in it, and is escaped. */
static struct str take_line(struct str *rest)
{
    struct str in = *rest;
    size_t from = 0;

    for (;;) {
        size_t lf = str_find_char(str_skip(in, from), '\n');
        if (lf == SIZE_MAX) {
            *rest = STR_NONE;
            return in;
        }
        lf += from;
        if (lf > 0 && in.ptr[lf - 1] == '\r') {
            *rest = str_skip(in, lf + 1);
            return str_first(in, lf - 1);
        }
        from = lf + 1;
    }
}

static void add_body(struct trace_out *o, struct str body, bool secrets)
{
    trace_out_add(o, STR("Message-Body: "));
    if (body.len == 0) {
        trace_out_add(o, STR("-\n"));
    } else if (secrets) {
        trace_out_lines(o, body);
    } else {
        trace_out_add(o, STR("("));
        trace_out_decimal(o, body.len);
        trace_out_add(o, STR(" octets not shown)\n"));
    }
}

static void add_direction(struct trace_out *o, bool outgoing, struct str source,
                          struct str destination)
{
    trace_out_add(o, outgoing ? STR("Direction: outgoing") : STR("Direction: incoming"));
    if (source.len > 0) {
        trace_out_add(o, STR(";source="));
        trace_out_quoted(o, source);
    }
    if (destination.len > 0) {
        trace_out_add(o, STR(";destination="));
        trace_out_quoted(o, destination);
    }
    trace_out_add(o, STR("\n"));
}

static void add_headers(struct trace_out *o, struct str head)
{
    struct str start_line = take_line(&head);
    bool response = str_starts_nocase(start_line, STR("SIP/"));

    trace_out_add(o, response ? STR("Message-Type: response\nStart-Line: ")
                              : STR("Message-Type: request\nStart-Line: "));
    trace_out_text(o, start_line);
    trace_out_add(o, STR("\n"));
    while (head.len > 0) {
        trace_out_text(o, take_line(&head));
        trace_out_add(o, STR("\n"));
    }
}

static _Atomic uint32_t instances;

void trace_protocol(enum trace_component c, bool outgoing, struct str source,
                    struct str destination, struct str peer, struct str message)
{
    struct trace_record r;
    struct str body;

    bool secrets = trace_secrets_on(); /* before we begin: it may make a record of its own */
    if (!trace_on(c, TF_PROTOCOL, TL_INFO) ||
        !trace_record_begin(&r, c, TF_PROTOCOL, TL_INFO, STR(PROTOCOL_ORIGIN)))
        return;
    size_t head_len = split_message(message, &body);
    bool too_long = head_len > TRACE_HEAD_MAX;
    if (too_long)
        head_len = TRACE_HEAD_MAX;
    if (head_len > 0)
        memcpy(r.thread->head, message.ptr, head_len);
    if (!secrets)
        trace_redact_head(r.thread->head, head_len, trace_redact_callback());

    trace_out_add(&r.out, STR("Instance-Id: "));
    trace_out_hex(&r.out, atomic_fetch_add_explicit(&instances, 1, memory_order_relaxed) + 1, 8,
                  true);
    trace_out_add(&r.out, STR("\n"));
    add_direction(&r.out, outgoing, source, destination);
    trace_record_field(&r.out, STR("Peer: "), peer);
    add_headers(&r.out, str_of(r.thread->head, head_len));
    add_body(&r.out, body, secrets);
    r.out.cut = r.out.cut || too_long;
    trace_record_end(&r);
}
