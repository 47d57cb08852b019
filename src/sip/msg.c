/* SPDX-License-Identifier: MIT */
#include "sip/msg.h"

#include "sip/chars.h"
#include "sip/cseq.h"
#include "sip/field.h"

enum { FIRST_HEADERS = 32 };

struct parse {
    struct sip_msg *m;
    struct arena *arena;
    unsigned max, room;
    enum fault fault; /* the first one */
    uint16_t last[SIP_FIELD_COUNT];
};

static void remember(struct parse *p, enum fault fault)
{
    if (p->fault == FAULT_NONE)
        p->fault = fault;
}

/* Cuts one line, its CR LF included, off *in.  A lone CR or LF ends nothing. */
static bool take_line(struct str *in, struct str *line)
{
    size_t at = 0;

    while (at < in->len) {
        const char *lf = memchr(in->ptr + at, '\n', in->len - at);
        if (!lf)
            return false;
        at = (size_t)(lf - in->ptr) + 1;
        if (at >= 2 && lf[-1] == '\r') {
            *line = str_first(*in, at);
            *in = str_skip(*in, at);
            return true;
        }
    }
    return false;
}

/* With all continuation lines (RFC 3261 7.3.1). */
static bool take_header(struct str *in, struct str *line)
{
    struct str more;

    if (!take_line(in, line))
        return false;
    while (line->len > 2 && in->len > 0 && is_lws(in->ptr[0]) && take_line(in, &more))
        line->len += more.len;
    return true;
}

static bool split_header(struct str line, struct sip_header *h)
{
    h->line = line;
    h->name = sip_take(&line, SIP_CHAR_TOKEN);
    (void)str_take_while(&line, is_lws);
    if (h->name.len == 0 || !sip_take_char(&line, ':'))
        return false;
    h->value = str_trim(line);
    if (h->value.len == 0)
        h->value = str_first(line, 0); /* stays on its line: edits and replies go by its place */
    h->id = sip_field_from_name(h->name);
    return true;
}

static bool is_uri_char(char c)
{
    return (unsigned char)c > 0x20 && c != 0x7F;
}

static bool is_forbidden(char c)
{
    return c == '\0' || c == '\r' || c == '\n';
}

static enum fault check_version(struct str version)
{
    if (str_eq_nocase(version, STR("SIP/2.0")))
        return FAULT_NONE;
    return str_starts_nocase(version, STR("SIP/")) ? FAULT_SIP_VERSION : FAULT_SIP_START_LINE;
}

/* Request-Line = Method SP Request-URI SP SIP-Version (RFC 3261 25.1); exactly one blank each. */
static enum fault parse_request_line(struct sip_msg *m)
{
    struct str s = m->start_line;

    m->is_request = true;
    m->method = str_take_while(&s, is_token);
    if (m->method.len == 0 || s.len == 0 || s.ptr[0] != ' ')
        return FAULT_SIP_START_LINE;
    s = str_skip(s, 1);
    m->uri = str_take_while(&s, is_uri_char);
    if (m->uri.len == 0 || s.len == 0 || s.ptr[0] != ' ')
        return FAULT_SIP_START_LINE;
    return check_version(str_skip(s, 1));
}

static enum fault parse_status_line(struct sip_msg *m)
{
    struct str s = m->start_line;
    uint32_t status;

    enum fault fault = check_version(str_take_until(&s, ' '));
    struct str digits = str_take_until(&s, ' ');
    if (digits.len != 3 || !str_to_u32(digits, &status) || status < 100 || status > 699)
        return FAULT_SIP_START_LINE;
    for (size_t i = 0; i < s.len; i++) {
        if (is_forbidden(s.ptr[i]))
            return FAULT_SIP_START_LINE;
    }
    m->status = status;
    m->reason = s;
    return fault;
}

static void parse_start_line(struct parse *p, struct str *in)
{
    struct sip_msg *m = p->m;
    struct str line;

    if (take_line(in, &line)) {
        m->start_line = str_first(line, line.len - 2);
    } else {
        m->start_line = *in;
        *in = STR_NONE;
        remember(p, FAULT_SIP_START_LINE);
    }
    bool is_status = str_starts_nocase(m->start_line, STR("SIP/"));
    remember(p, is_status ? parse_status_line(m) : parse_request_line(m));
}

static bool grow(struct parse *p)
{
    unsigned room = p->room ? p->room * 2 : FIRST_HEADERS;
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
    if (h->id == SIP_OTHER)
        return true;
    if (m->first[h->id] == 0) {
        m->first[h->id] = (uint16_t)m->header_count;
    } else {
        m->headers[p->last[h->id] - 1].next = (uint16_t)m->header_count;
        if (sip_field_once[h->id])
            remember(p, FAULT_SIP_DUPLICATE_HEADER);
    }
    p->last[h->id] = (uint16_t)m->header_count;
    return true;
}

static bool has_nul(struct str s)
{
    return memchr(s.ptr, '\0', s.len) != NULL;
}

/* CR and LF only as folds: CR LF and a blank. */
static bool has_lone_line_end(struct str value)
{
    struct str s = value;

    for (;;) {
        const char *lf = s.len ? memchr(s.ptr, '\n', s.len) : NULL;
        size_t end = lf ? (size_t)(lf - s.ptr) : s.len;
        const char *cr = end ? memchr(s.ptr, '\r', end) : NULL;
        if (!lf)
            return cr != NULL;
        if (!cr || cr + 1 != lf || end + 1 >= s.len || !is_lws(lf[1]))
            return true;
        s = str_skip(s, end + 1);
    }
}

/* Only the line end itself may be trimmed off a value, and the folds. */
static bool is_clean(struct str line)
{
    return !has_nul(line) && !has_lone_line_end(str_first(line, line.len - 2));
}

static void parse_headers(struct parse *p, struct str in)
{
    struct str line;

    while (take_header(&in, &line)) {
        struct sip_header h = { 0 };
        if (line.len == 2) {
            if (in.len > 0)
                remember(p, FAULT_SIP_HEADER);
            return;
        }
        if (!is_clean(line) || !split_header(line, &h)) {
            remember(p, FAULT_SIP_HEADER);
            continue;
        }
        if (!add_header(p, &h))
            return;
    }
    remember(p, FAULT_SIP_HEADER);
}

static bool has_mandatory(const struct sip_msg *m)
{
    static const enum sip_field needed[] = { SIP_VIA, SIP_FROM, SIP_TO, SIP_CALL_ID, SIP_CSEQ };

    for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
        if (sip_msg_value(m, needed[i]).len == 0)
            return false;
    }
    return true;
}

static void read_mandatory(struct parse *p)
{
    struct sip_msg *m = p->m;
    struct sip_cseq cseq;

    m->call_id = sip_msg_value(m, SIP_CALL_ID);
    if (!has_mandatory(m))
        remember(p, FAULT_SIP_MISSING_HEADER);
    if (!sip_msg_first(m, SIP_CSEQ))
        return;
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

enum fault sip_msg_parse(struct str raw, size_t head_len, unsigned headers_max, struct arena *arena,
                         struct sip_msg *out)
{
    struct parse p = { .m = out, .arena = arena, .max = headers_max };

    if (p.max >= UINT16_MAX)
        p.max = UINT16_MAX - 1; /* `first` and `next` count from one in 16 bits */
    *out = (struct sip_msg){ .raw = raw, .head = str_first(raw, head_len) };
    out->start_line = out->method = out->uri = out->reason = out->call_id = STR_NONE;
    out->cseq_digits = out->cseq_method = STR_NONE;
    out->body = raw.len > head_len ? str_skip(raw, head_len) : STR_NONE;
    if (out->head.len == 0)
        return FAULT_SIP_START_LINE;
    struct str in = out->head;
    parse_start_line(&p, &in);
    parse_headers(&p, in);
    read_mandatory(&p);
    return p.fault;
}

bool sip_msg_can_reply(const struct sip_msg *m)
{
    return m->is_request && m->cseq_digits.len > 0 && has_mandatory(m);
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
