/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

#include <osipparser2/osip_parser.h>

#include "oracle/sip_fields.h"

static const char *tag_of(osip_from_t *party)
{
    osip_generic_param_t *tag = NULL;
    osip_from_get_tag(party, &tag);
    return tag ? tag->gvalue : NULL;
}

static void put_top_via(const osip_message_t *m, struct seen *out)
{
    osip_via_t *via = NULL;
    osip_generic_param_t *branch = NULL;

    if (osip_message_get_via(m, 0, &via) < 0 || !via)
        return;
    seen_put(out->via_host, via->host);
    seen_put(out->via_port, via->port);
    osip_via_param_get_byname(via, (char *)"branch", &branch);
    seen_put(out->via_branch, branch ? branch->gvalue : NULL);
}

static void put_start_line(const osip_message_t *m, struct seen *out)
{
    if (MSG_IS_RESPONSE(m)) {
        seen_put_number(out->status, (unsigned long)osip_message_get_status_code(m));
        return;
    }
    seen_put(out->method, m->sip_method);
    seen_put(out->uri_user, m->req_uri->username);
    seen_put(out->uri_host, m->req_uri->host);
    seen_put(out->uri_port, m->req_uri->port);
}

static void put_call_id(const osip_message_t *m, struct seen *out)
{
    char *text = NULL;
    if (osip_call_id_to_str(m->call_id, &text) == 0)
        seen_put(out->call_id, text);
    osip_free(text);
}

static void put_contacts(const osip_message_t *m, struct seen *out)
{
    osip_contact_t *contact = NULL;
    seen_put_number(out->contacts, (unsigned long)osip_list_size(&m->contacts));
    if (osip_message_get_contact(m, 0, &contact) >= 0 && contact && contact->url)
        seen_put(out->contact_host, contact->url->host);
}

static void put_expires(const osip_message_t *m, struct seen *out)
{
    osip_header_t *expires = NULL;
    if (osip_message_get_expires(m, 0, &expires) >= 0 && expires)
        seen_put_number(out->expires, strtoul(expires->hvalue, NULL, 10));
}

static bool has_all(const osip_message_t *m)
{
    return m->call_id && m->cseq && m->from && m->from->url && m->to && m->to->url &&
           osip_list_size(&m->vias) > 0 && (m->req_uri || MSG_IS_RESPONSE(m));
}

static void put(const osip_message_t *m, struct seen *out)
{
    put_start_line(m, out);
    put_top_via(m, out);
    put_call_id(m, out);
    put_contacts(m, out);
    put_expires(m, out);
    seen_put_number(out->vias, (unsigned long)osip_list_size(&m->vias));
    seen_put(out->from_user, m->from->url->username);
    seen_put(out->from_host, m->from->url->host);
    seen_put(out->from_tag, tag_of(m->from));
    seen_put(out->to_user, m->to->url->username);
    seen_put(out->to_host, m->to->url->host);
    seen_put(out->to_tag, tag_of(m->to));
    seen_put_number(out->cseq, strtoul(m->cseq->number, NULL, 10));
    seen_put(out->cseq_method, m->cseq->method);
    if (m->content_length)
        seen_put_number(out->content_length, strtoul(m->content_length->value, NULL, 10));
}

bool seen_by_osip(const char *text, size_t len, struct seen *out)
{
    osip_message_t *m = NULL;

    parser_init();
    osip_trace_initialize(OSIP_FATAL, stderr); /* what it refuses is told about by the caller */
    if (osip_message_init(&m) != 0)
        abort();
    bool accepted = osip_message_parse(m, text, len) == 0 && has_all(m);
    if (accepted)
        put(m, out);
    osip_message_free(m);
    return accepted;
}
