/* SPDX-License-Identifier: MIT */
#include "sip/msg.h"

#include "base/compiler.h"
#include "sip/chars.h"
#include "sip/cseq.h"
#include "sip/field.h"
#include "sip/via.h"

enum { HEADERS_AT_FIRST = 32 };

struct parse {
    struct str rest; /* of the head */
    struct sip_msg *m;
    struct arena *arena;
    unsigned max, room; /* headers */
    bool has_nul;
    enum fault fault; /* the first one */
    uint16_t last[SIP_FIELD_COUNT];
};

static void remember(struct parse *p, enum fault fault)
{
    if (p->fault == FAULT_NONE)
        p->fault = fault;
}

/* Cuts the next line off.  *text is it without its end.  A lone LF ends a line too, as a fault: the
 * fields around it can still be told apart, and the sender can be told.  False when the line holds
 * what must not get into a reply: a lone CR or NUL, or no end. */
static bool take_line(struct parse *p, struct str *line, struct str *text)
{
    const char *lf = p->rest.len ? memchr(p->rest.ptr, '\n', p->rest.len) : NULL;
    size_t len = lf ? (size_t)(lf - p->rest.ptr) : p->rest.len;

    *text = str_first(p->rest, len);
    *line = str_first(p->rest, len + 1);
    p->rest = str_skip(p->rest, len + 1);
    bool ends_well = lf && len > 0 && lf[-1] == '\r';
    if (ends_well)
        text->len--;
    bool clean = lf && !memchr(text->ptr, '\r', text->len) &&
                 !(p->has_nul && memchr(text->ptr, '\0', text->len));
    if (!clean || !ends_well)
        remember(p, FAULT_SIP_HEADER);
    return clean;
}

/* With all continuation lines (RFC 3261 7.3.1). */
static bool take_header_line(struct parse *p, struct str *line, struct str *text)
{
    bool clean = take_line(p, line, text);

    while (p->rest.len > 0 && is_lws(p->rest.ptr[0])) {
        struct str more, more_text;
        bool folds_well = line->len >= 2 && line->ptr[line->len - 2] == '\r';
        clean = take_line(p, &more, &more_text) && folds_well && clean;
        line->len += more.len;
        text->len = (size_t)(more_text.ptr - text->ptr) + more_text.len;
    }
    return clean;
}

static bool split_header(struct str text, struct sip_header *h)
{
    h->name = sip_take(&text, SIP_CHAR_TOKEN);
    (void)str_take_while(&text, is_lws);
    if (h->name.len == 0 || !sip_take_char(&text, ':'))
        return false;
    h->value = str_trim(text);
    if (h->value.len == 0)
        h->value = str_first(text, 0); /* stays on its line: edits and replies go by its place */
    h->id = sip_field_from_name(h->name);
    return true;
}

static bool grow(struct parse *p)
{
    unsigned room = p->room ? p->room * 2 : HEADERS_AT_FIRST;
    if (room > p->max)
        room = p->max;
    struct sip_header *bigger = arena_alloc(p->arena, room * sizeof(*bigger));

    if (!bigger) {
        remember(p, FAULT_SIP_MEMORY);
        return false;
    }
    if (p->m->header_count)
        memcpy(bigger, p->m->headers, p->m->header_count * sizeof(*bigger));
    p->m->headers = bigger;
    p->room = room;
    return true;
}

/* Into the chain of its kind. */
static void link_header(struct parse *p, enum sip_field id)
{
    struct sip_msg *m = p->m;
    uint16_t place = (uint16_t)m->header_count;

    if (id == SIP_OTHER)
        return;
    if (m->first[id] == 0) {
        m->first[id] = place;
    } else {
        m->headers[p->last[id] - 1].next = place;
        if (sip_field_once[id])
            remember(p, FAULT_SIP_DUPLICATE_HEADER);
    }
    p->last[id] = place;
}

/* False: no more headers can be taken. */
static bool add_header(struct parse *p, const struct sip_header *h)
{
    struct sip_msg *m = p->m;

    if (m->header_count >= p->max) {
        remember(p, FAULT_SIP_TOO_MANY_HEADERS);
        return false;
    }
    if (m->header_count == p->room && !grow(p))
        return false;
    m->headers[m->header_count++] = *h;
    link_header(p, h->id);
    return true;
}

static bool at_empty_line(struct str rest)
{
    return str_starts(rest, STR("\r\n")) || str_starts(rest, STR("\n"));
}

static void parse_headers(struct parse *p)
{
    while (p->rest.len > 0 && !at_empty_line(p->rest)) {
        struct sip_header h = { .next = 0 };
        struct str text;
        bool clean = take_header_line(p, &h.line, &text);
        if (!split_header(text, &h))
            remember(p, FAULT_SIP_HEADER);
        else if (clean && !add_header(p, &h))
            return;
    }
}

static enum fault check_version(struct str version)
{
    if (str_eq_nocase(version, STR("SIP/2.0")))
        return FAULT_NONE;
    bool is_sip =
        str_starts_nocase(version, STR("SIP/")) && str_find_char(version, ' ') == SIZE_MAX;
    return is_sip ? FAULT_SIP_VERSION : FAULT_SIP_START_LINE;
}

/* Method SP Request-URI SP SIP-Version, exactly one blank each (RFC 3261 7.1).  What can be read is
 * kept, for the reply. */
static enum fault parse_request_line(struct sip_msg *m)
{
    struct str s = m->start_line;

    m->is_request = true;
    m->method = sip_take(&s, SIP_CHAR_TOKEN);
    if (m->method.len == 0 || !sip_take_char(&s, ' '))
        return FAULT_SIP_START_LINE;
    m->uri = str_take_until(&s, ' ');
    for (size_t i = 0; i < m->uri.len; i++) {
        if (sip_char_is(m->uri.ptr[i], SIP_CHAR_SPACE | SIP_CHAR_CONTROL))
            return FAULT_SIP_START_LINE;
    }
    return m->uri.len > 0 ? check_version(s) : FAULT_SIP_START_LINE;
}

/* SIP-Version SP 3DIGIT SP reason; some senders leave out the blank of an empty reason. */
static enum fault parse_status_line(struct sip_msg *m)
{
    struct str s = m->start_line;
    uint32_t status;

    enum fault fault = check_version(str_take_until(&s, ' '));
    struct str digits = str_take_until(&s, ' ');
    if (digits.len != 3 || !str_to_u32(digits, &status) || status < 100 || status > 699)
        return FAULT_SIP_START_LINE;
    m->status = status;
    m->reason = s;
    return fault;
}

static void parse_start_line(struct parse *p)
{
    struct sip_msg *m = p->m;
    struct str line, text;

    if (!take_line(p, &line, &text)) {
        remember(p, FAULT_SIP_START_LINE);
        return;
    }
    m->start_line = text;
    bool is_status = str_starts_nocase(text, STR("SIP/"));
    remember(p, is_status ? parse_status_line(m) : parse_request_line(m));
}

static bool has_mandatory(const struct sip_msg *m)
{
    static const enum sip_field needed[] = { SIP_VIA, SIP_FROM, SIP_TO, SIP_CALL_ID, SIP_CSEQ };

    for (size_t i = 0; i < ARRAY_LEN(needed); i++) {
        if (sip_msg_value(m, needed[i]).len == 0)
            return false;
    }
    return true;
}

static void read_cseq(struct parse *p)
{
    struct sip_msg *m = p->m;
    struct sip_cseq cseq;

    enum fault fault = sip_cseq_parse(sip_msg_value(m, SIP_CSEQ), &cseq);
    if (fault != FAULT_NONE) {
        remember(p, fault);
        return;
    }
    m->cseq = cseq.number;
    m->cseq_digits = cseq.digits;
    m->cseq_method = cseq.method;
    if (!m->is_request)
        m->method = cseq.method;
    else if (!str_eq(m->method, cseq.method))
        remember(p, FAULT_SIP_CSEQ);
}

/* What stands in the fields that every message must have, and in Content-Length: framing has read
 * it, but not everybody who comes here frames. */
static void check_fields(struct parse *p)
{
    struct sip_msg *m = p->m;
    const struct sip_header *length = sip_msg_first(m, SIP_CONTENT_LENGTH);
    struct sip_via via;
    struct str more_vias;
    uint32_t octets;

    m->call_id = sip_msg_value(m, SIP_CALL_ID);
    if (!has_mandatory(m))
        remember(p, FAULT_SIP_MISSING_HEADER);
    if (sip_msg_first(m, SIP_CSEQ))
        read_cseq(p);
    if (sip_via_parse(sip_msg_value(m, SIP_VIA), &via, &more_vias) != FAULT_NONE)
        remember(p, FAULT_SIP_VIA);
    if (length && (!str_to_u32(length->value, &octets) || octets != m->body.len))
        remember(p, FAULT_SIP_CONTENT_LENGTH);
}

enum fault sip_msg_parse(struct str raw, size_t head_len, unsigned headers_max, struct arena *arena,
                         struct sip_msg *out)
{
    struct parse p = { .rest = str_first(raw, head_len), .m = out, .arena = arena };

    /* `first` and `next` count from one in 16 bits */
    p.max = headers_max < UINT16_MAX ? headers_max : UINT16_MAX - 1;
    p.has_nul = p.rest.len > 0 && memchr(p.rest.ptr, '\0', p.rest.len);
    *out = (struct sip_msg){ .raw = raw };
    out->start_line = out->method = out->uri = out->reason = out->call_id = STR_NONE;
    out->cseq_digits = out->cseq_method = STR_NONE;
    parse_start_line(&p);
    parse_headers(&p);
    /* the empty line ends the head, wherever the caller saw its end */
    struct str line = STR_NONE, text;
    if (!at_empty_line(p.rest) || !take_line(&p, &line, &text))
        remember(&p, FAULT_SIP_HEADER);
    out->head = str_first(raw, (size_t)(p.rest.ptr - raw.ptr));
    out->body = str_skip(raw, out->head.len);
    check_fields(&p);
    return p.fault;
}

bool sip_msg_can_reply(const struct sip_msg *m)
{
    return m->is_request && has_mandatory(m);
}

const struct sip_header *sip_msg_first(const struct sip_msg *m, enum sip_field id)
{
    return m->first[id] ? &m->headers[m->first[id] - 1] : NULL;
}

const struct sip_header *sip_msg_next(const struct sip_msg *m, const struct sip_header *h)
{
    return h->next ? &m->headers[h->next - 1] : NULL;
}

struct str sip_msg_value(const struct sip_msg *m, enum sip_field id)
{
    const struct sip_header *h = sip_msg_first(m, id);
    return h ? h->value : STR_NONE;
}

const struct sip_header *sip_msg_find(const struct sip_msg *m, struct str name)
{
    enum sip_field id = sip_field_from_name(name);

    if (id != SIP_OTHER)
        return sip_msg_first(m, id);
    for (unsigned i = 0; i < m->header_count; i++) {
        if (str_eq_nocase(m->headers[i].name, name))
            return &m->headers[i];
    }
    return NULL;
}

struct str sip_unfold(struct str value, struct arena *arena)
{
    if (str_find_char(value, '\n') == SIZE_MAX && str_find_char(value, '\r') == SIZE_MAX)
        return value;
    char *text = arena_alloc(arena, value.len);
    size_t len = 0;
    if (!text)
        return STR_NONE;
    while (value.len > 0) {
        struct str space = sip_take(&value, SIP_CHAR_SPACE);
        bool folded =
            str_find_char(space, '\n') != SIZE_MAX || str_find_char(space, '\r') != SIZE_MAX;
        struct str part = folded ? STR(" ") : space;
        memcpy(text + len, part.ptr, part.len);
        len += part.len;
        for (; value.len > 0 && !sip_char_is(value.ptr[0], SIP_CHAR_SPACE);
             value = str_skip(value, 1))
            text[len++] = value.ptr[0];
    }
    return str_of(text, len);
}

bool sip_msg_has_token(const struct sip_msg *m, enum sip_field id, struct str token)
{
    for (const struct sip_header *h = sip_msg_first(m, id); h; h = sip_msg_next(m, h)) {
        struct str list = h->value;
        while (list.len > 0) {
            if (str_eq_nocase(str_trim(str_take_until(&list, ',')), token))
                return true;
        }
    }
    return false;
}
