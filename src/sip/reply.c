/* SPDX-License-Identifier: MIT */
#include "sip/reply.h"

#include <stdarg.h>
#include <stdio.h>

#include "sip/addr.h"
#include "sip/chars.h"
#include "sip/via.h"

/* Nothing that is put into a reply can begin a line of its own. */
static void add_clean(struct buf *out, struct str s)
{
    size_t start = out->len;

    buf_add(out, s);
    if (s.len > 0)
        sip_make_line(out->ptr + start, s.len);
}

/* Folds become one blank; everything else is as the sender wrote it. */
static void add_unfolded(struct buf *out, struct str s)
{
    size_t cr;

    while ((cr = str_find_char(s, '\r')) != SIZE_MAX) {
        struct str line = str_first(s, cr);
        while (line.len > 0 && is_lws(line.ptr[line.len - 1]))
            line.len--;
        buf_add(out, line);
        buf_add_char(out, ' ');
        s = str_skip(s, cr);
        sip_skip_space(&s);
    }
    buf_add(out, s);
}

/* "Name: value" as the sender wrote it, without the line's end. */
static void add_as_sent(struct buf *out, const struct sip_header *h)
{
    const char *end = h->value.ptr + h->value.len;
    add_unfolded(out, str_of(h->line.ptr, (size_t)(end - h->line.ptr)));
}

static void add_headers(struct buf *out, const struct sip_msg *m, enum sip_field id)
{
    for (const struct sip_header *h = sip_msg_first(m, id); h; h = sip_msg_next(m, h)) {
        add_as_sent(out, h);
        buf_add(out, STR("\r\n"));
    }
}

/* Only we say where a request came from.  A name ends where its token does: a control character
 * behind it may be a blank to whoever reads the line next. */
static bool is_ours(struct str name)
{
    name = sip_take(&name, SIP_CHAR_TOKEN);
    return str_eq_nocase(name, STR("received")) || str_eq_nocase(name, STR("ms-received-port")) ||
           str_eq_nocase(name, STR("ms-received-cid"));
}

static bool claims_ours(struct str params)
{
    struct sip_param p;

    while (sip_param_next(&params, &p)) {
        if (is_ours(p.name))
            return true;
    }
    return false;
}

/* Up to the parameters, then those that are the sender's to give. */
static void add_without_ours(struct buf *out, struct str upto, struct str params)
{
    struct sip_param p;

    add_unfolded(out, upto);
    while (sip_param_next(&params, &p)) {
        if (is_ours(p.name))
            continue;
        buf_add_char(out, ';');
        add_unfolded(out, p.whole);
    }
}

static bool same_host(struct str host, struct str ip)
{
    if (host.len >= 2 && host.ptr[0] == '[')
        host = str_of(host.ptr + 1, host.len - 2);
    return str_eq_nocase(host, ip);
}

static void add_received(struct buf *out, const struct sip_via *via,
                         const struct sip_received *received)
{
    if (received->ip.len > 0 && !same_host(via->host, received->ip)) {
        buf_add(out, STR(";received="));
        add_clean(out, received->ip);
    }
    if (received->port)
        buf_printf(out, ";ms-received-port=%u", received->port);
    if (received->cid)
        buf_printf(out, ";ms-received-cid=%X", received->cid);
}

/* Where the sent-by of the first element ends, its port included. */
static const char *sent_by_end(const struct sip_via *via, struct str value, struct str rest)
{
    const char *end = value.ptr + value.len;

    if (via->params.len > 0)
        end = memrchr(value.ptr, ';', (size_t)(via->params.ptr - value.ptr));
    else if (rest.len > 0)
        end = memrchr(value.ptr, ',', (size_t)(rest.ptr - value.ptr));
    return end;
}

/* Only the first element of the topmost Via is the previous hop's.  One that cannot be read goes
 * back as it came. */
void sip_reply_via(struct buf *out, const struct sip_header *h, const struct sip_received *received)
{
    struct sip_via via;
    struct str rest;

    if (!received || sip_via_parse(h->value, &via, &rest) != FAULT_NONE) {
        add_as_sent(out, h);
        return;
    }
    const char *end = sent_by_end(&via, h->value, rest);
    struct str upto = str_of(h->line.ptr, (size_t)(end - h->line.ptr));
    if (claims_ours(via.params))
        add_without_ours(out, upto, via.params);
    else if (via.params.len > 0)
        add_unfolded(out,
                     str_of(h->line.ptr, (size_t)(via.params.ptr + via.params.len - h->line.ptr)));
    else
        add_unfolded(out, upto);
    add_received(out, &via, received);
    if (rest.len > 0) {
        buf_add(out, STR(", "));
        add_unfolded(out, rest);
    }
}

static void add_vias(struct buf *out, const struct sip_msg *m, const struct sip_received *received)
{
    const struct sip_header *h = sip_msg_first(m, SIP_VIA);

    for (bool top = true; h; h = sip_msg_next(m, h), top = false) {
        if (top)
            sip_reply_via(out, h, received);
        else
            add_as_sent(out, h);
        buf_add(out, STR("\r\n"));
    }
}

static void add_to(struct sip_reply *r, struct str to_tag)
{
    const struct sip_header *h = sip_msg_first(r->request, SIP_TO);
    struct sip_addr to;

    if (!h)
        return;
    add_as_sent(r->out, h);
    if (sip_addr_parse(h->value, &to, NULL) == FAULT_NONE) {
        r->to_tag = sip_addr_tag(&to);
        if (r->to_tag.len == 0 && to_tag.len > 0) {
            buf_add(r->out, STR(";tag="));
            add_clean(r->out, to_tag);
            r->to_tag = to_tag;
        }
    }
    buf_add(r->out, STR("\r\n"));
}

void sip_reply_begin(struct sip_reply *r, struct buf *out, const struct sip_msg *request,
                     unsigned status, struct str reason, struct str to_tag,
                     const struct sip_received *received)
{
    *r = (struct sip_reply){
        .out = out, .start = out->len, .status = status, .request = request, .to_tag = STR_NONE
    };
    buf_add(out, STR("SIP/2.0 "));
    buf_add_u64(out, status);
    buf_add_char(out, ' ');
    add_clean(out, reason);
    buf_add(out, STR("\r\n"));
    add_vias(out, request, received);
    add_headers(out, request, SIP_FROM);
    add_to(r, to_tag);
    add_headers(out, request, SIP_CALL_ID);
    add_headers(out, request, SIP_CSEQ);
}

void sip_reply_header(struct sip_reply *r, const char *name, struct str value)
{
    buf_add_c(r->out, name);
    buf_add(r->out, STR(": "));
    add_clean(r->out, value);
    buf_add(r->out, STR("\r\n"));
}

void sip_reply_headerf(struct sip_reply *r, const char *name, const char *fmt, ...)
{
    struct buf *out = r->out;
    va_list args;

    va_start(args, fmt);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    size_t len = n > 0 ? (size_t)n : 0;
    buf_add_c(out, name);
    buf_add(out, STR(": "));
    buf_reserve(out, len + 1);
    va_start(args, fmt);
    vsnprintf(out->ptr + out->len, len + 1, fmt, args);
    va_end(args);
    sip_make_line(out->ptr + out->len, len);
    out->len += len;
    buf_add(out, STR("\r\n"));
}

void sip_reply_end(struct sip_reply *r, struct str content_type, struct str body)
{
    if (body.len > 0)
        sip_reply_header(r, "Content-Type", content_type);
    buf_add(r->out, STR("Content-Length: "));
    buf_add_u64(r->out, body.len);
    buf_add(r->out, STR("\r\n\r\n"));
    buf_add(r->out, body);
}
