/* SPDX-License-Identifier: MIT */
#include "auth/sigtext.h"

#include "sip/addr.h"

enum { LONG_FORM = 3, FIELDS_MAX = 16, STATUS_DIGITS = 10 };

/* The values in order.  A request ends with Expires: it has no status, not even an empty one. */
static unsigned fields_of(const struct sigtext *t, unsigned version, struct str status,
                          struct str out[FIELDS_MAX])
{
    bool is_long = version >= LONG_FORM;
    unsigned n = 0;
    out[n++] = t->scheme;
    out[n++] = t->rand;
    out[n++] = t->num;
    out[n++] = t->realm;
    out[n++] = t->target;
    out[n++] = t->call_id;
    out[n++] = t->cseq;
    out[n++] = t->method;
    out[n++] = t->from_uri;
    out[n++] = t->from_tag;
    if (is_long)
        out[n++] = t->to_uri;
    out[n++] = t->to_tag;
    if (is_long) {
        out[n++] = t->pai_sip;
        out[n++] = t->pai_tel;
    }
    out[n++] = t->expires;
    if (status.len > 0)
        out[n++] = status;
    return n;
}

static struct str status_text(const struct sigtext *t, char room[STATUS_DIGITS])
{
    struct buf text = { .ptr = room, .cap = STATUS_DIGITS };
    if (t->status != 0)
        buf_add_u64(&text, t->status);
    return buf_str(&text);
}

static size_t total_len(const struct str *fields, unsigned count)
{
    size_t len = 0;
    for (unsigned i = 0; i < count; i++)
        len += fields[i].len + 2;
    return len;
}

size_t sigtext_len(const struct sigtext *t, unsigned version)
{
    char room[STATUS_DIGITS];
    struct str fields[FIELDS_MAX];
    return total_len(fields, fields_of(t, version, status_text(t, room), fields));
}

void sigtext_write(const struct sigtext *t, unsigned version, struct buf *out)
{
    char room[STATUS_DIGITS];
    struct str fields[FIELDS_MAX];
    unsigned count = fields_of(t, version, status_text(t, room), fields);
    buf_reserve(out, total_len(fields, count));
    char *at = out->ptr + out->len;
    for (unsigned i = 0; i < count; i++) {
        *at++ = '<';
        if (fields[i].len > 0)
            memcpy(at, fields[i].ptr, fields[i].len);
        at += fields[i].len;
        *at++ = '>';
    }
    out->len = (size_t)(at - out->ptr);
}

static enum fault read_party(const struct sip_msg *m, enum sip_field id, struct arena *arena,
                             struct str *uri, struct str *tag)
{
    struct sip_addr addr;
    enum fault fault = sip_addr_parse(sip_unfold(sip_msg_value(m, id), arena), &addr, NULL);
    if (fault != FAULT_NONE)
        return fault;
    *uri = addr.uri;
    *tag = sip_addr_tag(&addr);
    return FAULT_NONE;
}

/* One header may hold several entries; what cannot be read ends the search, and the signature
 * tells whether that mattered. */
static void read_identities(struct str value, struct sigtext *out)
{
    struct sip_addr addr;
    while (value.len > 0 && sip_addr_parse(value, &addr, &value) == FAULT_NONE) {
        if (out->pai_sip.len == 0 && str_starts_nocase(addr.uri, STR("sip:")))
            out->pai_sip = addr.uri;
        if (out->pai_tel.len == 0 && str_starts_nocase(addr.uri, STR("tel:")))
            out->pai_tel = addr.uri;
    }
}

static void find_identities(const struct sip_msg *m, struct arena *arena, struct sigtext *out)
{
    const struct sip_header *h = sip_msg_first(m, SIP_P_ASSERTED_IDENTITY);
    if (!h)
        h = sip_msg_first(m, SIP_P_PREFERRED_IDENTITY);
    for (; h; h = sip_msg_next(m, h))
        read_identities(sip_unfold(h->value, arena), out);
}

enum fault sigtext_from_msg(const struct sip_msg *m, struct arena *arena, struct sigtext *out)
{
    *out = (struct sigtext){ .call_id = sip_unfold(m->call_id, arena),
                             .cseq = m->cseq_digits,
                             .method = m->cseq_method,
                             .expires = sip_unfold(sip_msg_value(m, SIP_EXPIRES), arena),
                             .status = m->is_request ? 0 : m->status };
    enum fault fault = read_party(m, SIP_FROM, arena, &out->from_uri, &out->from_tag);
    if (fault == FAULT_NONE)
        fault = read_party(m, SIP_TO, arena, &out->to_uri, &out->to_tag);
    find_identities(m, arena, out);
    return fault;
}
