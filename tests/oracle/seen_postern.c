/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "oracle/sip_fields.h"
#include "sip/addr.h"
#include "sip/frame.h"
#include "sip/msg.h"
#include "sip/uri.h"
#include "sip/via.h"

enum { BUDGET = 1024 * 1024 };

static void put_str(char out[SEEN_TEXT], struct str s)
{
    char text[SEEN_TEXT];
    snprintf(text, sizeof(text), "%.*s", STR_ARG(str_first(s, sizeof(text) - 1)));
    seen_put(out, text);
}

static void put_port(char out[SEEN_TEXT], uint16_t port)
{
    if (port)
        seen_put_number(out, port);
}

static bool put_uri(struct str in, char user[SEEN_TEXT], char host[SEEN_TEXT], char port[SEEN_TEXT])
{
    struct sip_uri uri;

    if (sip_uri_parse(in, &uri) != FAULT_NONE)
        return false;
    bool is_known = uri.host.len > 0;
    put_str(user, is_known ? uri.user : STR("?"));
    put_str(host, is_known ? uri.host : STR("?"));
    if (port && is_known)
        put_port(port, uri.port);
    else if (port)
        put_str(port, STR("?"));
    return true;
}

static bool put_party(struct str in, char user[SEEN_TEXT], char host[SEEN_TEXT],
                      char tag[SEEN_TEXT])
{
    struct sip_addr addr;

    if (sip_addr_parse(in, &addr, NULL) != FAULT_NONE)
        return false;
    put_str(tag, sip_addr_tag(&addr));
    return put_uri(addr.uri, user, host, NULL);
}

static bool put_vias(const struct sip_msg *m, struct seen *out)
{
    unsigned long count = 0;

    for (const struct sip_header *h = sip_msg_first(m, SIP_VIA); h; h = sip_msg_next(m, h)) {
        struct str rest = h->value;
        while (rest.len > 0) {
            struct sip_via via;
            if (sip_via_parse(rest, &via, &rest) != FAULT_NONE)
                return false;
            if (count++ > 0)
                continue;
            put_str(out->via_host, via.host);
            put_port(out->via_port, via.port);
            put_str(out->via_branch, via.branch);
        }
    }
    seen_put_number(out->vias, count);
    return true;
}

static bool put_contacts(const struct sip_msg *m, struct seen *out)
{
    unsigned long count = 0;
    char user[SEEN_TEXT];

    for (const struct sip_header *h = sip_msg_first(m, SIP_CONTACT); h; h = sip_msg_next(m, h)) {
        struct str rest = h->value;
        if (str_eq(rest, STR("*"))) {
            count++;
            continue;
        }
        while (rest.len > 0) {
            struct sip_addr addr;
            if (sip_addr_parse(rest, &addr, &rest) != FAULT_NONE)
                return false;
            if (count++ == 0 && !put_uri(addr.uri, user, out->contact_host, NULL))
                return false;
        }
    }
    seen_put_number(out->contacts, count);
    return true;
}

static bool put(const struct sip_msg *m, struct seen *out)
{
    uint32_t length, seconds;

    if (!m->is_request)
        seen_put_number(out->status, m->status);
    else if (!put_uri(m->uri, out->uri_user, out->uri_host, out->uri_port))
        return false;
    if (m->is_request)
        put_str(out->method, m->method);
    put_str(out->call_id, m->call_id);
    seen_put_number(out->cseq, m->cseq);
    put_str(out->cseq_method, m->cseq_method);
    if (str_to_u32(sip_msg_value(m, SIP_CONTENT_LENGTH), &length))
        seen_put_number(out->content_length, length);
    if (str_to_u32(sip_msg_value(m, SIP_EXPIRES), &seconds))
        seen_put_number(out->expires, seconds);
    return put_vias(m, out) && put_contacts(m, out) &&
           put_party(sip_msg_value(m, SIP_FROM), out->from_user, out->from_host, out->from_tag) &&
           put_party(sip_msg_value(m, SIP_TO), out->to_user, out->to_host, out->to_tag);
}

bool seen_by_postern(const char *text, size_t len, struct seen *out)
{
    struct str raw = str_of(text, len);
    struct sip_frame f = { 0 };
    struct arena arena;
    struct sip_msg m;

    sip_frame_next(raw, len, &f);
    if (f.status != SIP_FRAME_MESSAGE)
        return false;
    arena_init(&arena, 8192, BUDGET);
    bool accepted = sip_msg_parse(str_first(raw, f.total), f.head_len, SIP_HEADERS_MAX_DEFAULT,
                                  &arena, &m) == FAULT_NONE &&
                    put(&m, out);
    arena_fini(&arena);
    return accepted;
}
