/* SPDX-License-Identifier: MIT */
#include "auth/sigtext.h"

#include "sip/addr.h"

enum { LONG_FORM = 3, FIELDS_MAX = 16, STATUS_DIGITS = 10 };

struct fields {
    struct str value[FIELDS_MAX];
    unsigned count;
    char status[STATUS_DIGITS];
};

static void add(struct fields *f, struct str value)
{
    f->value[f->count++] = value;
}

/* The values in order.  A request ends with Expires: it has no status, not even an empty one. */
static void gather(const struct sigtext *t, unsigned version, struct fields *f)
{
    bool is_long = version >= LONG_FORM;
    f->count = 0;
    add(f, t->scheme);
    add(f, t->rand);
    add(f, t->num);
    add(f, t->realm);
    add(f, t->target);
    add(f, t->call_id);
    add(f, t->cseq);
    add(f, t->method);
    add(f, t->from_uri);
    add(f, t->from_tag);
    if (is_long)
        add(f, t->to_uri);
    add(f, t->to_tag);
    if (is_long) {
        add(f, t->pai_sip);
        add(f, t->pai_tel);
    }
    add(f, t->expires);
    if (t->status != 0) {
        struct buf digits = { .ptr = f->status, .cap = sizeof(f->status) };
        buf_add_u64(&digits, t->status);
        add(f, buf_str(&digits));
    }
}

static size_t total_len(const struct fields *f)
{
    size_t len = 0;
    for (unsigned i = 0; i < f->count; i++)
        len += f->value[i].len + 2;
    return len;
}

size_t sigtext_len(const struct sigtext *t, unsigned version)
{
    struct fields f;
    gather(t, version, &f);
    return total_len(&f);
}

void sigtext_write(const struct sigtext *t, unsigned version, struct buf *out)
{
    struct fields f;
    gather(t, version, &f);
    buf_reserve(out, total_len(&f));
    char *at = out->ptr + out->len;
    for (unsigned i = 0; i < f.count; i++) {
        *at++ = '<';
        if (f.value[i].len > 0)
            memcpy(at, f.value[i].ptr, f.value[i].len);
        at += f.value[i].len;
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
