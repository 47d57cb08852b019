/* SPDX-License-Identifier: MIT */
#include "users/proto.h"

#include "base/wire.h"

enum { HEADER_LEN = 12, TEXT_MAX = USER_URI_MAX };

/* version, kind, size of the catalogue, id */
static void header_write(struct wire_out *w, enum proto_kind kind, uint64_t id)
{
    wire_put_u8(w, PROTO_VERSION);
    wire_put_u8(w, (uint8_t)kind);
    wire_put_u16(w, FAULT_COUNT);
    wire_put_u64(w, id);
}

static bool bool_read(struct wire *w)
{
    uint8_t v = wire_u8(w);

    if (v > 1)
        w->bad = true;
    return v == 1;
}

static enum fault fault_read(struct wire *w)
{
    uint16_t v = wire_u16(w);

    if (v >= FAULT_COUNT)
        w->bad = true;
    return w->bad ? FAULT_NONE : (enum fault)v;
}

/* A message is composed at the end of `out` and stays there only when everything fitted. */
static struct wire_out write_begin(struct buf *out, size_t room)
{
    buf_reserve(out, room);
    return (struct wire_out){ .ptr = (uint8_t *)out->ptr + out->len, .cap = room };
}

static bool write_end(const struct wire_out *w, struct buf *out)
{
    if (w->bad)
        return false;
    out->len += w->len;
    return true;
}

enum proto_kind proto_kind(struct str in)
{
    struct wire w = { .all = in };
    uint8_t version = wire_u8(&w);
    uint8_t kind = wire_u8(&w);
    uint16_t faults = wire_u16(&w);

    if (w.bad || in.len > PROTO_MESSAGE_MAX || version != PROTO_VERSION || faults != FAULT_COUNT)
        return PROTO_BAD;
    return kind <= PROTO_NAMES ? (enum proto_kind)kind : PROTO_BAD;
}

/* Positions `w` after the header of a message of this kind. */
static uint64_t read_begin(struct wire *w, enum proto_kind kind)
{
    if (proto_kind(w->all) != kind)
        w->bad = true;
    wire_bytes(w, HEADER_LEN - sizeof(uint64_t));
    return wire_u64(w);
}

static bool read_end(const struct wire *w)
{
    return !w->bad && wire_left(w) == 0;
}

bool proto_question_write(const struct proto_question *q, struct buf *out)
{
    size_t room = 160 + q->challenge.len + q->authenticate.len + q->from_uri.len + q->source.len;

    if (room > PROTO_MESSAGE_MAX)
        return false;
    struct wire_out w = write_begin(out, room);

    header_write(&w, PROTO_QUESTION, q->id);
    wire_put_u8(&w, (uint8_t)q->scheme);
    wire_put_u32(&w, q->deadline_ms);
    wire_put_bytes(&w, str_of(q->server_challenge, sizeof(q->server_challenge)));
    wire_put_text(&w, q->challenge, PROTO_MESSAGE_MAX);
    wire_put_text(&w, q->authenticate, PROTO_MESSAGE_MAX);
    wire_put_text(&w, q->from_uri, TEXT_MAX);
    wire_put_text(&w, q->source, 16);
    wire_put_u8(&w, q->remote);
    wire_put_text(&w, q->epid, PROTO_EPID_MAX);
    wire_put_u8(&w, q->source_over);
    wire_put_u64(&w, q->resumed);
    for (unsigned i = 0; i < PROTO_TICKETS_MAX; i++)
        wire_put_u64(&w, q->tickets[i]);
    return write_end(&w, out);
}

bool proto_question_read(struct str in, struct proto_question *out)
{
    struct wire w = { .all = in };

    *out = (struct proto_question){ .id = read_begin(&w, PROTO_QUESTION) };
    out->scheme = bool_read(&w) ? PROTO_KERBEROS : PROTO_NTLM;
    out->deadline_ms = wire_u32(&w);
    struct str challenge = wire_bytes(&w, sizeof(out->server_challenge));
    if (challenge.len == sizeof(out->server_challenge))
        memcpy(out->server_challenge, challenge.ptr, sizeof(out->server_challenge));
    out->challenge = wire_text(&w, PROTO_MESSAGE_MAX);
    out->authenticate = wire_text(&w, PROTO_MESSAGE_MAX);
    out->from_uri = wire_text(&w, TEXT_MAX);
    out->source = wire_text(&w, 16);
    out->remote = bool_read(&w);
    out->epid = wire_text(&w, PROTO_EPID_MAX);
    out->source_over = bool_read(&w);
    out->resumed = wire_u64(&w);
    for (unsigned i = 0; i < PROTO_TICKETS_MAX; i++)
        out->tickets[i] = wire_u64(&w);

    bool address = out->source.len == 0 || out->source.len == 4 || out->source.len == 16;
    return read_end(&w) && address;
}

bool proto_verdict_write(const struct proto_verdict *v, struct buf *out)
{
    struct wire_out w = write_begin(out, 2048);

    header_write(&w, PROTO_VERDICT, v->id);
    wire_put_u16(&w, (uint16_t)v->fault);
    wire_put_u16(&w, (uint16_t)v->audited);
    wire_put_u8(&w, v->password_proved);
    wire_put_u8(&w, v->counts);
    wire_put_text(&w, str_of(v->keys, v->keys_len), PROTO_KEYS_MAX);
    wire_put_u64(&w, (uint64_t)v->ends);
    wire_put_u32(&w, v->user_flags);
    wire_put_text(&w, v->uri, USER_URI_MAX);
    wire_put_text(&w, v->display, USER_DISPLAY_MAX);
    wire_put_text(&w, v->account, 2 * USER_NAME_MAX + 1);
    wire_put_text(&w, str_first(v->detail, PROTO_DETAIL_MAX), PROTO_DETAIL_MAX);
    return write_end(&w, out);
}

bool proto_verdict_read(struct str in, struct proto_verdict *out)
{
    struct wire w = { .all = in };

    *out = (struct proto_verdict){ .id = read_begin(&w, PROTO_VERDICT) };
    out->fault = fault_read(&w);
    out->audited = fault_read(&w);
    out->password_proved = bool_read(&w);
    out->counts = bool_read(&w);
    struct str keys = wire_text(&w, PROTO_KEYS_MAX);
    if (keys.len)
        memcpy(out->keys, keys.ptr, keys.len);
    out->keys_len = (uint8_t)keys.len;
    out->ends = (int64_t)wire_u64(&w);
    out->user_flags = wire_u32(&w);
    out->uri = wire_text(&w, USER_URI_MAX);
    out->display = wire_text(&w, USER_DISPLAY_MAX);
    out->account = wire_text(&w, 2 * USER_NAME_MAX + 1);
    out->detail = wire_text(&w, PROTO_DETAIL_MAX);

    /* nobody signs in without a proved password, whatever the octets say, nor without keys */
    bool consistent = (out->fault != FAULT_NONE || out->password_proved) &&
                      (!out->password_proved || out->keys_len > 0);
    return read_end(&w) && consistent;
}

bool proto_lookup_write(const struct proto_lookup *q, struct buf *out)
{
    struct wire_out w = write_begin(out, 512);

    header_write(&w, PROTO_LOOKUP, q->id);
    wire_put_text(&w, q->uri, TEXT_MAX);
    return write_end(&w, out);
}

bool proto_lookup_read(struct str in, struct proto_lookup *out)
{
    struct wire w = { .all = in };

    *out = (struct proto_lookup){ .id = read_begin(&w, PROTO_LOOKUP) };
    out->uri = wire_text(&w, TEXT_MAX);
    return read_end(&w);
}

void proto_flags_write(const struct proto_flags *v, struct buf *out)
{
    struct wire_out w = write_begin(out, 32);

    header_write(&w, PROTO_FLAGS, v->id);
    wire_put_u8(&w, v->known);
    wire_put_u32(&w, v->user_flags);
    write_end(&w, out);
}

bool proto_flags_read(struct str in, struct proto_flags *out)
{
    struct wire w = { .all = in };

    *out = (struct proto_flags){ .id = read_begin(&w, PROTO_FLAGS) };
    out->known = bool_read(&w);
    out->user_flags = wire_u32(&w);
    return read_end(&w);
}

bool proto_names_write(const struct proto_names *n, struct buf *out)
{
    struct wire_out w = write_begin(out, 2048);

    header_write(&w, PROTO_NAMES, 0);
    wire_put_text(&w, n->nb_computer, PROTO_NAME_MAX);
    wire_put_text(&w, n->nb_domain, PROTO_NAME_MAX);
    wire_put_text(&w, n->dns_domain, PROTO_NAME_MAX);
    wire_put_text(&w, n->dns_tree, PROTO_NAME_MAX);
    return write_end(&w, out);
}

bool proto_names_read(struct str in, struct proto_names *out)
{
    struct wire w = { .all = in };

    if (read_begin(&w, PROTO_NAMES) != 0) /* nobody asked */
        w.bad = true;
    out->nb_computer = wire_text(&w, PROTO_NAME_MAX);
    out->nb_domain = wire_text(&w, PROTO_NAME_MAX);
    out->dns_domain = wire_text(&w, PROTO_NAME_MAX);
    out->dns_tree = wire_text(&w, PROTO_NAME_MAX);
    return read_end(&w) && out->nb_computer.len > 0 && out->nb_domain.len > 0;
}
