/* SPDX-License-Identifier: MIT */
/* A byte stream as it comes from a stranger: cut into messages, each parsed, answered and edited.
 * Whatever is answered or passed on must itself be one whole message. */
#include <stdlib.h>

#include "sip/edit.h"
#include "sip/frame.h"
#include "sip/reply.h"

enum { MESSAGE_MAX = 8192, BUDGET = 64 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds)
{
    if (!holds)
        abort();
}

static void one_whole_message(struct str text)
{
    struct sip_frame f = { 0 };

    sip_frame_next(text, SIZE_MAX, &f);
    demand(f.status == SIP_FRAME_MESSAGE && f.total == text.len);
}

static void check_slices(const struct sip_msg *m)
{
    const char *begin = m->raw.ptr, *end = m->raw.ptr + m->raw.len;

    for (unsigned i = 0; i < m->header_count; i++) {
        const struct sip_header *h = &m->headers[i];
        demand(h->line.ptr >= begin && h->line.ptr + h->line.len <= end);
        demand(h->value.ptr >= h->line.ptr &&
               h->value.ptr + h->value.len < h->line.ptr + h->line.len);
        demand(h->next == 0 || (h->next > i + 1 && h->next <= m->header_count));
        demand(memchr(h->value.ptr, '\0', h->value.len) == NULL);
    }
}

static void answer(const struct sip_msg *m, struct buf *out)
{
    struct sip_received received = { .ip = STR("192.0.2.7"), .port = 50000, .cid = 0xABC };
    struct sip_reply r;

    buf_clear(out);
    sip_reply_begin(&r, out, m, 400, STR("Bad Request"), STR("TAG"), &received);
    sip_reply_header(&r, "Server", m->start_line);
    sip_reply_end(&r, STR("text/plain"), m->method);
    one_whole_message(buf_str(out));
    demand(memchr(out->ptr, '\0', out->len - m->method.len) == NULL);
}

static void edit(const struct sip_msg *m, struct arena *arena, struct buf *out)
{
    struct sip_edits e;

    buf_clear(out);
    sip_edits_init(&e, m, arena);
    demand(sip_edits_apply(&e, out) && str_eq(buf_str(out), m->raw));
    buf_clear(out);
    sip_edit_add_first(&e, STR("Via: SIP/2.0/TLS here"));
    sip_edit_add_last(&e, STR("X-Last: 1"));
    sip_edit_uri(&e, STR("sip:new"));
    for (unsigned i = 0; i < m->header_count; i++) {
        const struct sip_header *h = &m->headers[i];
        if (h->id == SIP_CONTENT_LENGTH)
            continue;
        if (i % 3 == 0)
            sip_edit_remove(&e, h);
        if (i % 3 == 1)
            sip_edit_value(&e, h, m->start_line);
        sip_edit_append(&e, h, m->uri);
    }
    if (sip_edits_apply(&e, out))
        one_whole_message(buf_str(out));
}

static void look_at(struct str whole, size_t head_len, bool is_framed, struct arena *arena,
                    struct buf *out)
{
    struct sip_msg m;

    arena_reset(arena);
    enum fault fault = sip_msg_parse(whole, head_len, SIP_HEADERS_MAX_DEFAULT, arena, &m);
    check_slices(&m);
    (void)sip_msg_has_token(&m, SIP_SUPPORTED, STR("gruu-10"));
    (void)sip_unfold(sip_msg_value(&m, SIP_VIA), arena);
    if (sip_msg_can_reply(&m))
        answer(&m, out);
    if (is_framed && fault == FAULT_NONE && m.is_request)
        edit(&m, arena, out);
}

/* The same bytes, coming in pieces, must be cut in the same places. */
static void in_pieces(struct str in, const struct sip_frame *at_once)
{
    struct sip_frame f = { 0 };

    for (size_t n = 1; n <= in.len; n = n < in.len ? n + 1 + n / 7 : n + 1) {
        size_t seen = n < in.len ? n : in.len;
        size_t scanned = f.scanned;
        f = (struct sip_frame){ .scanned = scanned };
        sip_frame_next(str_first(in, seen), MESSAGE_MAX, &f);
        if (f.status == SIP_FRAME_BLANK || f.status == SIP_FRAME_BROKEN)
            return;
        demand(f.status == SIP_FRAME_MORE || f.total == at_once->total);
        if (f.status == SIP_FRAME_MESSAGE)
            return;
        demand(f.need > 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct buf out = { 0 };
    struct str in = str_of(data, size);

    arena_init(&arena, 4096, BUDGET);
    while (in.len > 0) {
        struct sip_frame f = { 0 };
        sip_frame_next(in, MESSAGE_MAX, &f);
        if (f.status == SIP_FRAME_MESSAGE)
            in_pieces(in, &f);
        if (f.status == SIP_FRAME_MORE || f.status == SIP_FRAME_BROKEN) {
            /* as the front does, to see whom to tell */
            look_at(in, in.len, false, &arena, &out);
            break;
        }
        demand(f.total > 0 && f.total <= in.len);
        if (f.status == SIP_FRAME_MESSAGE)
            look_at(str_first(in, f.total), f.head_len, true, &arena, &out);
        in = str_skip(in, f.total);
    }
    buf_fini(&out);
    arena_fini(&arena);
    return 0;
}
