/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include <sofia-sip/msg.h>
#include <sofia-sip/sip.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_protos.h>

#include "oracle/sip_fields.h"

static void put_start_line(const sip_t *m, struct seen *out)
{
    if (m->sip_status) {
        seen_put_number(out->status, (unsigned long)m->sip_status->st_status);
        return;
    }
    const url_t *url = m->sip_request->rq_url;
    seen_put(out->method, m->sip_request->rq_method_name);
    seen_put(out->uri_user, url->url_user);
    seen_put(out->uri_host, url->url_host);
    seen_put(out->uri_port, url->url_port);
}

static void put_vias(const sip_t *m, struct seen *out)
{
    unsigned long count = 0;
    for (const sip_via_t *via = m->sip_via; via; via = via->v_next)
        count++;
    seen_put_number(out->vias, count);
    seen_put(out->via_host, m->sip_via->v_host);
    seen_put(out->via_port, m->sip_via->v_port);
    seen_put(out->via_branch, m->sip_via->v_branch);
}

static void put_contacts(const sip_t *m, struct seen *out)
{
    unsigned long count = 0;
    for (const sip_contact_t *contact = m->sip_contact; contact; contact = contact->m_next)
        count++;
    seen_put_number(out->contacts, count);
    if (m->sip_contact)
        seen_put(out->contact_host, m->sip_contact->m_url->url_host);
}

static bool has_all(const sip_t *m)
{
    return (m->sip_request || m->sip_status) && m->sip_via && m->sip_from && m->sip_to &&
           m->sip_call_id && m->sip_cseq && !m->sip_error && !(m->sip_flags & MSG_FLG_ERROR);
}

static void put(const sip_t *m, struct seen *out)
{
    put_start_line(m, out);
    put_vias(m, out);
    put_contacts(m, out);
    seen_put(out->from_user, m->sip_from->a_url->url_user);
    seen_put(out->from_host, m->sip_from->a_url->url_host);
    seen_put(out->from_tag, m->sip_from->a_tag);
    seen_put(out->to_user, m->sip_to->a_url->url_user);
    seen_put(out->to_host, m->sip_to->a_url->url_host);
    seen_put(out->to_tag, m->sip_to->a_tag);
    seen_put(out->call_id, m->sip_call_id->i_id);
    seen_put_number(out->cseq, m->sip_cseq->cs_seq);
    seen_put(out->cseq_method, m->sip_cseq->cs_method_name);
    if (m->sip_content_length)
        seen_put_number(out->content_length, m->sip_content_length->l_length);
    if (m->sip_expires)
        seen_put_number(out->expires, m->sip_expires->ex_delta);
}

bool seen_by_sofia(const char *text, size_t len, struct seen *out)
{
    msg_t *msg = msg_make(sip_default_mclass(), 0, text, (ssize_t)len);
    if (!msg)
        return false;
    const sip_t *m = sip_object(msg);
    bool accepted = m && has_all(m);
    if (accepted)
        put(m, out);
    msg_destroy(msg);
    return accepted;
}
