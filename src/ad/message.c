/* SPDX-License-Identifier: MIT */
#include "ad/message.h"

#include <assert.h>

#include "base/wire.h"
#include "users/name.h"

/* --- questions --- */

static void put_logon(struct wire_out *w, const struct ad_logon *l)
{
    wire_put_u8(w, l->ntlmv2);
    wire_put_bytes(w, str_of(l->challenge, sizeof(l->challenge)));
    wire_put_text(w, l->domain, AD_TEXT_MAX);
    wire_put_text(w, l->user, AD_TEXT_MAX);
    wire_put_text(w, l->workstation, AD_TEXT_MAX);
    wire_put_text(w, l->nt_response, AD_RESPONSE_MAX);
}

static void get_logon(struct wire *w, struct ad_logon *l)
{
    l->ntlmv2 = wire_u8(w) != 0;
    struct str challenge = wire_bytes(w, sizeof(l->challenge));
    if (challenge.len == sizeof(l->challenge))
        memcpy(l->challenge, challenge.ptr, challenge.len);
    l->domain = wire_text(w, AD_TEXT_MAX);
    l->user = wire_text(w, AD_TEXT_MAX);
    l->workstation = wire_text(w, AD_TEXT_MAX);
    l->nt_response = wire_text(w, AD_RESPONSE_MAX);
}

static struct wire_out writer(struct buf *out)
{
    buf_reserve(out, AD_MESSAGE_MAX);
    return (struct wire_out){ .ptr = (uint8_t *)out->ptr + out->len, .cap = AD_MESSAGE_MAX };
}

bool ad_question_write(const struct ad_question *q, struct buf *out)
{
    struct wire_out w = writer(out);

    wire_put_u8(&w, (uint8_t)q->ask);
    wire_put_u8(&w, (uint8_t)q->first);
    if (q->ask == AD_ASK_LOGON)
        put_logon(&w, &q->logon);
    if (q->ask == AD_ASK_FIND) {
        wire_put_u8(&w, (uint8_t)q->by);
        wire_put_text(&w, q->value, AD_TEXT_MAX);
    }
    if (q->ask == AD_ASK_CHANGES) {
        wire_put_u64(&w, q->since);
        wire_put_text(&w, q->server, AD_SERVER_MAX);
    }
    if (!w.bad)
        out->len += w.len;
    return !w.bad;
}

bool ad_question_read(struct str in, struct ad_question *out)
{
    struct wire w = { .all = in };

    memset(out, 0, sizeof(*out));
    out->ask = wire_u8(&w);
    out->first = wire_u8(&w);
    if (out->ask < AD_ASK_LOGON || out->ask > AD_ASK_CHANGES)
        return false;
    if (out->ask == AD_ASK_LOGON)
        get_logon(&w, &out->logon);
    if (out->ask == AD_ASK_FIND) {
        out->by = wire_u8(&w);
        out->value = wire_text(&w, AD_TEXT_MAX);
        if (out->by < AD_BY_NAME || out->by > AD_BY_SID)
            return false;
    }
    if (out->ask == AD_ASK_CHANGES) {
        out->since = wire_u64(&w);
        out->server = wire_text(&w, AD_SERVER_MAX);
    }
    return !w.bad && wire_left(&w) == 0;
}

/* --- answers --- */

static void put_c(struct wire_out *w, const char *text, size_t max)
{
    wire_put_text(w, str_first(str_from_c(text), max), max);
}

/* Into a field of `size`, which has room for the longest; a NUL inside would hide the rest. */
static void get_c(struct wire *w, char *field, size_t size)
{
    if (!user_field_set(field, size, wire_text(w, size - 1)))
        w->bad = true;
}

static void put_sid(struct wire_out *w, const uint8_t *sid, uint8_t len)
{
    wire_put_text(w, str_of(sid, len), AD_SID_MAX);
}

static void get_sid(struct wire *w, uint8_t sid[AD_SID_MAX], uint8_t *len)
{
    struct str octets = wire_text(w, AD_SID_MAX);

    memcpy(sid, octets.ptr, octets.len);
    *len = (uint8_t)octets.len;
}

static void put_account(struct wire_out *w, const struct ad_account *a)
{
    put_c(w, a->user.name, USER_NAME_MAX);
    put_c(w, a->user.domain, USER_NAME_MAX);
    put_c(w, a->user.upn, USER_URI_MAX);
    put_c(w, a->user.uri, USER_URI_MAX);
    put_c(w, a->user.display, USER_DISPLAY_MAX);
    wire_put_u32(w, a->user.flags);
    wire_put_u64(w, (uint64_t)a->user.expires);
    put_sid(w, a->sid, a->sid_len);
    wire_put_u8(w, a->shared);
}

static void get_account(struct wire *w, struct ad_account *a)
{
    get_c(w, a->user.name, sizeof(a->user.name));
    get_c(w, a->user.domain, sizeof(a->user.domain));
    get_c(w, a->user.upn, sizeof(a->user.upn));
    get_c(w, a->user.uri, sizeof(a->user.uri));
    get_c(w, a->user.display, sizeof(a->user.display));
    a->user.flags = wire_u32(w);
    a->user.expires = (int64_t)wire_u64(w);
    get_sid(w, a->sid, &a->sid_len);
    a->shared = wire_u8(w) != 0;
}

static void put_proof(struct wire_out *w, const struct ad_proof *p)
{
    wire_put_u16(w, (uint16_t)p->fault);
    wire_put_u32(w, p->ntstatus);
    wire_put_bytes(w, str_of(p->session_key, sizeof(p->session_key)));
    put_sid(w, p->sid, p->sid_len);
    put_c(w, p->account, USER_NAME_MAX);
    put_c(w, p->domain, USER_NAME_MAX);
}

static enum fault get_fault(struct wire *w)
{
    uint16_t number = wire_u16(w);

    if (number >= FAULT_COUNT)
        w->bad = true;
    return w->bad ? FAULT_DIRECTORY_FAILED : (enum fault)number;
}

static void get_proof(struct wire *w, struct ad_proof *p)
{
    p->fault = get_fault(w);
    p->ntstatus = wire_u32(w);
    struct str key = wire_bytes(w, sizeof(p->session_key));
    if (key.len == sizeof(p->session_key))
        memcpy(p->session_key, key.ptr, key.len);
    get_sid(w, p->sid, &p->sid_len);
    get_c(w, p->account, sizeof(p->account));
    get_c(w, p->domain, sizeof(p->domain));
}

static void put_names(struct wire_out *w, const struct ad_names *n)
{
    put_c(w, n->nb_computer, sizeof(n->nb_computer) - 1);
    put_c(w, n->nb_domain, sizeof(n->nb_domain) - 1);
    put_c(w, n->dns_domain, sizeof(n->dns_domain) - 1);
    put_c(w, n->dns_forest, sizeof(n->dns_forest) - 1);
}

static void get_names(struct wire *w, struct ad_names *n)
{
    get_c(w, n->nb_computer, sizeof(n->nb_computer));
    get_c(w, n->nb_domain, sizeof(n->nb_domain));
    get_c(w, n->dns_domain, sizeof(n->dns_domain));
    get_c(w, n->dns_forest, sizeof(n->dns_forest));
}

/* What is longer than this is no key of the cache, so a part of it will find nothing there. */
static struct str key_part(struct str text)
{
    return str_first(text, USER_URI_MAX);
}

static size_t size_of(const struct ad_change *c)
{
    return c->sid.len + key_part(c->name).len + key_part(c->upn).len + key_part(c->uri).len + 8;
}

static void put_changes(struct wire_out *w, const struct ad_answer *a)
{
    size_t room = w->cap - w->len - 16;
    unsigned count = 0;

    while (count < a->change_count && a->changes[count].sid.len <= AD_SID_MAX &&
           size_of(&a->changes[count]) <= room)
        room -= size_of(&a->changes[count++]);
    wire_put_u64(w, a->usn);
    wire_put_u8(w, a->all || count < a->change_count);
    wire_put_u8(w, (uint8_t)count);
    for (unsigned i = 0; i < count; i++) {
        const struct ad_change *c = &a->changes[i];
        wire_put_text(w, c->sid, AD_SID_MAX);
        wire_put_text(w, key_part(c->name), USER_URI_MAX);
        wire_put_text(w, key_part(c->upn), USER_URI_MAX);
        wire_put_text(w, key_part(c->uri), USER_URI_MAX);
    }
}

static void get_changes(struct wire *w, struct ad_answer *a)
{
    a->usn = wire_u64(w);
    a->all = wire_u8(w) != 0;
    a->change_count = wire_u8(w);
    for (unsigned i = 0; !w->bad && i < a->change_count; i++) {
        a->changes[i].sid = wire_text(w, AD_SID_MAX);
        a->changes[i].name = wire_text(w, USER_URI_MAX);
        a->changes[i].upn = wire_text(w, USER_URI_MAX);
        a->changes[i].uri = wire_text(w, USER_URI_MAX);
    }
}

void ad_answer_write(const struct ad_answer *a, struct buf *out)
{
    struct wire_out w = writer(out);

    wire_put_u8(&w, (uint8_t)a->ask);
    wire_put_u16(&w, (uint16_t)a->fault);
    put_c(&w, a->detail, AD_DETAIL_MAX);
    put_c(&w, a->server, AD_SERVER_MAX);
    if (a->fault == FAULT_NONE && a->ask == AD_ASK_NAMES)
        put_names(&w, &a->names);
    if (a->fault == FAULT_NONE && a->ask == AD_ASK_LOGON)
        put_proof(&w, &a->proof);
    if (a->fault == FAULT_NONE && a->ask == AD_ASK_FIND) {
        wire_put_u8(&w, a->found);
        if (a->found)
            put_account(&w, &a->account);
    }
    if (a->fault == FAULT_NONE && a->ask == AD_ASK_CHANGES)
        put_changes(&w, a);
    assert(!w.bad); /* the bounds above leave room */
    out->len += w.len;
}

bool ad_answer_read(struct str in, struct ad_answer *out)
{
    struct wire w = { .all = in };

    memset(out, 0, sizeof(*out));
    out->ask = wire_u8(&w);
    if (out->ask < AD_ASK_LOGON || out->ask > AD_ASK_CHANGES)
        return false;
    out->fault = get_fault(&w);
    get_c(&w, out->detail, sizeof(out->detail));
    get_c(&w, out->server, sizeof(out->server));
    if (out->fault == FAULT_NONE && out->ask == AD_ASK_NAMES)
        get_names(&w, &out->names);
    if (out->fault == FAULT_NONE && out->ask == AD_ASK_LOGON)
        get_proof(&w, &out->proof);
    if (out->fault == FAULT_NONE && out->ask == AD_ASK_FIND) {
        out->found = wire_u8(&w) != 0;
        if (out->found)
            get_account(&w, &out->account);
    }
    if (out->fault == FAULT_NONE && out->ask == AD_ASK_CHANGES)
        get_changes(&w, out);
    return !w.bad && wire_left(&w) == 0;
}
