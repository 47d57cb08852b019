/* SPDX-License-Identifier: MIT */
/* TF_SECURITY, TF_CONNECTION, TF_DIAG and TF_COMPONENT. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/compiler.h"
#include "diag/trace_record.h"

#define SECURITY_ORIGIN   "SIPAdminLog::WriteSecurityEvent:SIPAdminLog.cpp(413)"
#define CONNECTION_ORIGIN "SIPAdminLog::WriteConnectionEvent:SIPAdminLog.cpp(389)"
#define WARNING_ORIGIN    "SIPAdminLog::WriteDiagnosticEvent:SIPAdminLog.cpp(830)"
#define ERROR_ORIGIN      "SIPAdminLog::WriteDiagnosticEvent:SIPAdminLog.cpp(833)"

enum { TOKEN_MAX = 8192 };

/* --- TF_SECURITY --- */

static void add_result(struct trace_out *o, uint32_t code, bool with_symbol)
{
    const char *symbol = with_symbol ? fault_result_symbol(code) : NULL;

    trace_out_add(o, STR("Result-Code: 0x"));
    trace_out_hex(o, code, 8, !with_symbol);
    if (symbol) {
        trace_out_add(o, STR(" "));
        trace_out_add(o, str_from_c(symbol));
    }
    trace_out_add(o, STR("\n"));
}

static void add_token(struct trace_out *o, struct str token, bool secrets)
{
    uint8_t copy[TOKEN_MAX];

    if (token.len == 0)
        return;
    token = str_first(token, sizeof(copy));
    memcpy(copy, token.ptr, token.len);
    if (!secrets)
        trace_redact_token(copy, token.len, trace_redact_callback());
    trace_out_add(o, STR("Data: gssapi-data=\""));
    trace_out_dump(o, str_of(copy, token.len));
    trace_out_add(o, STR("\"\n"));
}

/* Names of the bits of NtlmMinServerSec. */
static const struct {
    uint32_t bit;
    const char *name;
} demands[] = {
    { 0x10, "integrity" },
    { 0x20, "confidentiality" },
    { 0x80000, "ntlmv2-session" },
    { 0x20000000, "128-bit" },
};

static void add_mask(struct trace_out *o, struct str name, uint32_t mask)
{
    trace_out_add(o, name);
    trace_out_add(o, STR("0x"));
    trace_out_hex(o, mask, 8, false);
}

static void add_unmet(struct trace_out *o, uint32_t unmet)
{
    bool named = false;

    add_mask(o, STR("; unmet="), unmet);
    for (size_t i = 0; i < ARRAY_LEN(demands); i++) {
        if (!(unmet & demands[i].bit))
            continue;
        trace_out_add(o, named ? STR(", ") : STR("("));
        trace_out_add(o, str_from_c(demands[i].name));
        named = true;
    }
    if (named)
        trace_out_add(o, STR(")"));
}

static void add_said(struct trace_out *o, enum fault fault)
{
    trace_out_add(o, STR("; said="));
    trace_out_quoted(o, str_from_c(fault_row(fault)->text));
    trace_out_add(o, STR("\n"));
}

/* The line the original has not: the cause by its name in our catalogue, and the numbers. */
static void add_postern(struct trace_out *o, const struct trace_security *s)
{
    trace_out_add(o, STR("Postern: fault="));
    trace_out_add(o, str_from_c(fault_name(s->fault)));
    if (s->unmet)
        add_unmet(o, s->unmet);
    if (s->minimum)
        add_mask(o, STR("; minimum="), s->minimum);
    if (s->flags)
        add_mask(o, STR("; negotiated="), s->flags);
    if (s->user.len > 0) {
        trace_out_add(o, STR("; user="));
        trace_out_quoted(o, s->user);
    }
    if (s->policy.len > 0) {
        trace_out_add(o, STR("; policy="));
        trace_out_quoted(o, s->policy);
    }
    if (s->detail.len > 0) {
        trace_out_add(o, STR("; detail="));
        trace_out_quoted(o, s->detail);
    }
    if (s->audited)
        trace_out_add(o, STR("; mode=audit"));
    add_said(o, s->fault);
}

void trace_security(enum trace_component c, const struct trace_security *s)
{
    enum trace_level level = s->fault == FAULT_NONE ? TL_INFO : s->audited ? TL_WARN : TL_ERROR;
    bool secrets = trace_secrets_on(); /* before we begin: it may make a record of its own */
    struct trace_record r;

    if (!trace_on(c, TF_SECURITY, level) ||
        !trace_record_begin(&r, c, TF_SECURITY, level, STR(SECURITY_ORIGIN)))
        return;
    trace_out_add(&r.out, STR("LogType: security\n"));
    trace_record_field(&r.out, STR("Text: "),
                       s->text.len > 0 ? s->text : STR("Failed to validate user credentials"));
    add_result(&r.out, fault_row(s->fault)->result_code, false);
    trace_record_field(&r.out, STR("SIP-Start-Line: "), s->start_line);
    trace_record_field(&r.out, STR("SIP-Call-ID: "), s->call_id);
    trace_record_field(&r.out, STR("SIP-CSeq: "), s->cseq);
    trace_record_field(&r.out, STR("Peer: "), s->peer);
    add_token(&r.out, s->gssapi_token, secrets);
    add_postern(&r.out, s);
    trace_record_end(&r);
}

/* --- TF_CONNECTION and TF_DIAG --- */

static struct str severity(enum trace_level level)
{
    if (level == TL_FATAL || level == TL_ERROR)
        return STR("Severity: error\n");
    return level == TL_WARN ? STR("Severity: warning\n") : STR("Severity: information\n");
}

static void add_fault(struct trace_out *o, enum fault fault)
{
    if (fault == FAULT_NONE)
        return;
    trace_out_add(o, STR("Postern: fault="));
    trace_out_add(o, str_from_c(fault_name(fault)));
    add_said(o, fault);
}

static void add_fault_result(struct trace_out *o, enum fault fault)
{
    if (fault_row(fault)->result_code != 0)
        add_result(o, fault_row(fault)->result_code, true);
}

void trace_connection(enum trace_component c, const struct trace_connection *s)
{
    struct trace_record r;

    if (!trace_on(c, TF_CONNECTION, s->level) ||
        !trace_record_begin(&r, c, TF_CONNECTION, s->level, STR(CONNECTION_ORIGIN)))
        return;
    trace_out_add(&r.out, STR("LogType: connection\n"));
    trace_out_add(&r.out, severity(s->level));
    trace_record_field(&r.out, STR("Text: "), str_from_c(s->text));
    trace_record_field(&r.out, STR("Local-IP: "), s->local_ip);
    trace_record_field(&r.out, STR("Peer-IP: "), s->peer_ip);
    trace_out_add(&r.out, STR("Connection-ID: 0x"));
    trace_out_hex(&r.out, s->connection_id, 1, true);
    trace_out_add(&r.out, STR("\n"));
    trace_record_field(&r.out, STR("Transport: "), str_from_c(s->transport));
    add_fault_result(&r.out, s->fault);
    trace_record_field(&r.out, STR("Data: "), s->data);
    add_fault(&r.out, s->fault);
    trace_record_end(&r);
}

static void add_diag(struct trace_out *o, const struct trace_diag *s)
{
    trace_out_add(o, STR("LogType: diagnostic\n"));
    trace_out_add(o, severity(s->level));
    trace_record_field(o, STR("Text: "), str_from_c(s->text));
    add_fault_result(o, s->fault);
    trace_record_field(o, STR("SIP-Start-Line: "), s->start_line);
    trace_record_field(o, STR("SIP-Call-ID: "), s->call_id);
    trace_record_field(o, STR("SIP-CSeq: "), s->cseq);
    trace_record_field(o, STR("Peer: "), s->peer);
    trace_record_field(o, STR("Data: "), s->data);
    add_fault(o, s->fault);
}

void trace_diag(enum trace_component c, const struct trace_diag *s)
{
    struct trace_record r;
    bool error = s->level == TL_FATAL || s->level == TL_ERROR;

    if (!trace_on(c, TF_DIAG, s->level) ||
        !trace_record_begin(&r, c, TF_DIAG, s->level,
                            error ? STR(ERROR_ORIGIN) : STR(WARNING_ORIGIN)))
        return;
    add_diag(&r.out, s);
    trace_record_end(&r);
}

void trace_compose_note(struct trace_out *o, const char *text)
{
    struct trace_thread self = { .tid = (uint32_t)gettid() };
    struct trace_record r = { .thread = &self, .out = *o };

    trace_record_prefix(&r, STR("SIPStack"), TF_DIAG, TL_WARN);
    trace_out_add(&r.out, STR(WARNING_ORIGIN ")$$begin_record\n"));
    add_diag(&r.out, &(struct trace_diag){ .level = TL_WARN, .text = text });
    trace_record_close(&r.out);
    *o = r.out;
}

/* --- TF_COMPONENT --- */

void trace_text(enum trace_component c, enum trace_level level, const char *function,
                const char *fmt, ...)
{
    char text[1024];
    struct trace_record r = { .thread = NULL };
    va_list args;

    if (!trace_on(c, TF_COMPONENT, level))
        return;
    r.thread = trace_thread_self();
    if (!r.thread) {
        trace_count_dropped(1);
        return;
    }
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    r.out = (struct trace_out){ .ptr = r.thread->record, .cap = TRACE_RECORD_MAX };
    trace_record_prefix(&r, str_from_c(trace_component_name(c)), TF_COMPONENT, level);
    trace_out_add(&r.out, str_from_c(function));
    trace_out_add(&r.out, STR(":Postern.cpp(1))"));
    trace_out_text(&r.out, str_from_c(text));
    trace_out_add(&r.out, STR("\n"));
    trace_write_push(r.thread, r.seq, str_of(r.out.ptr, r.out.len));
}
