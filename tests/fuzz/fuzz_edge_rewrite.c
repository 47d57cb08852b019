/* SPDX-License-Identifier: MIT */
/* A message as it passes the Edge.  Whatever came, what leaves is one whole message with every
 * signed line as it was, and says only what the Edge itself knows of where it came from. */
#include <stdlib.h>

#include "../unit/edge_kit.h"
#include "sip/chars.h"
#include "sip/frame.h"
#include "sip/trust.h"
#include "sip/uri.h"
#include "sip/via.h"

enum { BUDGET = 256 * 1024, MESSAGE_MAX = 16384, HEADERS_ROOM = 8, LINK = 77 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct edge_kit kit;
static struct arena arena; /* of the second parsing */
static struct sip_msg after;
static struct buf out, text;

static void demand(bool holds)
{
    if (!holds)
        abort();
}

/* --- what is asked of a message --- */

struct origin {
    unsigned vias;           /* elements that can be read */
    bool damaged;            /* there are others, or ones with control characters */
    struct str cid;          /* of the second, as a Front End reads it */
    struct str top_received; /* of the first */
};

/* As one line, which is how it leaves. */
static struct str line_of(struct str value)
{
    struct str line = arena_dup(&arena, sip_unfold(value, &arena));

    sip_make_line((char *)line.ptr, line.len);
    return line;
}

static bool has_control(struct str value)
{
    for (size_t i = 0; i < value.len; i++)
        if (sip_char_is(value.ptr[i], SIP_CHAR_CONTROL) &&
            !sip_char_is(value.ptr[i], SIP_CHAR_SPACE))
            return true;
    return false;
}

static struct origin origin_of(const struct sip_msg *m)
{
    struct origin o = { .cid = STR_NONE, .top_received = STR_NONE };
    struct sip_via via;

    for (const struct sip_header *h = sip_msg_first(m, SIP_VIA); h; h = sip_msg_next(m, h))
        for (struct str rest = line_of(h->value); rest.len > 0;) {
            if (sip_via_parse(rest, &via, &rest) != FAULT_NONE) {
                o.damaged = true;
                break;
            }
            o.damaged |= has_control(h->value);
            if (o.vias == 0)
                sip_param_find(via.params, STR("ms-received-cid"), &o.top_received);
            if (++o.vias == 2)
                sip_param_find(via.params, STR("ms-received-cid"), &o.cid);
        }
    return o;
}

static unsigned count_of(const struct sip_msg *m, enum sip_field id)
{
    unsigned n = 0;

    for (const struct sip_header *h = sip_msg_first(m, id); h; h = sip_msg_next(m, h))
        n++;
    return n;
}

static bool same_lines(const struct sip_msg *a, const struct sip_msg *b, enum sip_field id)
{
    const struct sip_header *h = sip_msg_first(a, id), *k = sip_msg_first(b, id);

    for (; h && k && str_eq(h->line, k->line); h = sip_msg_next(a, h))
        k = sip_msg_next(b, k);
    return !h && !k;
}

static void signed_lines_are_the_same(const struct sip_msg *before)
{
    static const enum sip_field fields[] = { SIP_FROM,
                                             SIP_TO,
                                             SIP_CALL_ID,
                                             SIP_CSEQ,
                                             SIP_EXPIRES,
                                             SIP_P_ASSERTED_IDENTITY,
                                             SIP_P_PREFERRED_IDENTITY,
                                             SIP_AUTHORIZATION,
                                             SIP_PROXY_AUTHORIZATION,
                                             SIP_AUTHENTICATION_INFO,
                                             SIP_WWW_AUTHENTICATE,
                                             SIP_CONTENT_TYPE,
                                             SIP_CONTENT_LENGTH };

    demand(str_eq(before->start_line, after.start_line) && str_eq(before->body, after.body));
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        demand(same_lines(before, &after, fields[i]));
}

static void one_whole_message(void)
{
    struct str whole = buf_str(&out);
    struct sip_frame f = { 0 };

    sip_frame_next(whole, SIZE_MAX, &f);
    demand(f.status == SIP_FRAME_MESSAGE && f.total == whole.len);
    arena_reset(&arena);
    demand(sip_msg_parse(whole, f.head_len, SIP_HEADERS_MAX_DEFAULT + HEADERS_ROOM, &arena,
                         &after) == FAULT_NONE);
}

static void no_route_but_ours(unsigned wanted)
{
    const struct sip_header *h = sip_msg_first(&after, SIP_RECORD_ROUTE);

    demand(count_of(&after, SIP_RECORD_ROUTE) == wanted && !sip_msg_first(&after, SIP_ROUTE));
    demand(!h || str_starts(h->value, STR("<sip:sip.example.com:443;")));
}

static bool begins_something(const struct sip_msg *m)
{
    return str_eq(m->method, STR("REGISTER")) || str_eq(m->method, STR("INVITE")) ||
           str_eq(m->method, STR("SUBSCRIBE")) || str_eq(m->method, STR("REFER"));
}

/* --- the four ways --- */

static void request_inward(const struct sip_msg *m)
{
    struct rewrite_mark again, mark = { .conn_id = conn_id(kit.client), .asked = 3, .endpoint = 5 };
    struct sip_trust trust;
    struct origin before = origin_of(m);
    uint64_t cid;

    buf_clear(&out);
    if (!rewrite_request_inward(&kit.turn, kit.link, &mark, &out))
        return;
    one_whole_message();
    signed_lines_are_the_same(m);
    struct origin now = origin_of(&after);
    demand(now.vias == before.vias + 1 && now.top_received.len == 0);
    demand(str_hex_to_u64(now.cid, &cid) && cid == conn_cid(kit.client));
    demand(rewrite_read_mark(&after, &arena, &again) && again.conn_id == mark.conn_id &&
           again.asked == 3 && again.endpoint == 5 && !again.sign_in);
    no_route_but_ours(begins_something(m));
    demand(count_of(&after, SIP_MS_EDGE_TRUST) == 1 && !sip_msg_first(&after, SIP_MS_KEEP_ALIVE) &&
           !sip_msg_first(&after, SIP_MS_USER_LOGON_DATA));
    sip_trust_parse(sip_msg_value(&after, SIP_MS_EDGE_TRUST), &trust);
    demand(str_hex_to_u64(trust.cid, &cid) && cid == conn_cid(kit.client) && !trust.guess);
}

/* The answer of a client that gives back the Via it saw. */
static void answer_inward(struct str hidden)
{
    struct str vias, sealed;
    uint64_t link = 0;

    buf_clear(&text);
    buf_printf(&text,
               "SIP/2.0 200 OK\r\nVia: %.*s\r\nFrom: <sip:a@b>\r\nTo: <sip:a@b>\r\nCall-ID: c\r\n"
               "CSeq: 1 X\r\n\r\n",
               STR_ARG(sip_msg_value(&after, SIP_VIA)));
    demand(edge_kit_turn(&kit, kit.client, buf_str(&text)) == FAULT_NONE);
    sealed = rewrite_sealed(&kit.turn.msg, &kit.w->arena);
    demand(hide_open(&kit.w->hide, sealed, conn_id(kit.client), &kit.w->arena, &vias, &link));
    demand(link == LINK && str_eq(vias, hidden));
    buf_clear(&out);
    demand(rewrite_response_inward(&kit.turn, vias, &out));
    one_whole_message();
    sip_make_line((char *)vias.ptr, vias.len); /* as they leave */
    for (const struct sip_header *h = sip_msg_first(&after, SIP_VIA); h;
         h = sip_msg_next(&after, h)) {
        str_take_while(&vias, is_lws);
        demand(str_starts(vias, h->value));
        vias = str_skip(vias, h->value.len);
    }
    str_take_while(&vias, is_lws);
    demand(vias.len == 0 && count_of(&after, SIP_MS_EDGE_TRUST) == 1);
}

/* The lines of the inside, as they come back. */
static struct str lines_of(const struct sip_msg *m, struct buf *lines)
{
    for (const struct sip_header *h = sip_msg_first(m, SIP_VIA); h; h = sip_msg_next(m, h)) {
        if (lines->len > 0)
            buf_add_char(lines, '\n');
        buf_add(lines, sip_unfold(h->value, &arena));
    }
    return buf_str(lines);
}

static void request_outward(const struct sip_msg *m)
{
    struct buf lines = { 0 };
    struct str hidden = lines_of(m, &lines);

    buf_clear(&out);
    if (rewrite_request_outward(&kit.turn, LINK, &out)) {
        one_whole_message();
        signed_lines_are_the_same(m);
        demand(origin_of(&after).vias == 1 && !sip_msg_first(&after, SIP_MS_EDGE_TRUST));
        no_route_but_ours(begins_something(m));
        answer_inward(hidden);
    }
    buf_fini(&lines);
}

static void response_outward(const struct sip_msg *m)
{
    struct rewrite_mark mark = { .endpoint = rewrite_endpoint(STR("<sip:10.0.0.5:4242>")) };
    struct origin before = origin_of(m);

    buf_clear(&out);
    if (!rewrite_response_outward(&kit.turn, &mark, &out))
        return;
    if (before.vias < 2 || before.damaged)
        return; /* a Front End sends back what it got: nobody waits for another */
    one_whole_message();
    signed_lines_are_the_same(m);
    demand(origin_of(&after).vias + 1 == before.vias && !sip_msg_first(&after, SIP_MS_EDGE_TRUST));
    no_route_but_ours(sip_msg_first(m, SIP_RECORD_ROUTE) ? 1 : 0);
}

/* --- arrival --- */

static bool arrives(struct conn *from, struct str whole, struct sip_msg *m)
{
    kit.w->arena.budget = BUDGET;
    arena_reset(&arena);
    if (edge_kit_turn(&kit, from, whole) != FAULT_NONE)
        return false;
    *m = kit.turn.msg;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str whole = str_of(data, size);
    struct sip_frame f = { 0 };
    struct sip_msg m;

    if (!kit.w) {
        edge_kit_init(&kit, "hide_names = yes\n");
        arena_init(&arena, 4096, 1 << 20);
    }
    sip_frame_next(whole, MESSAGE_MAX, &f);
    if (f.status != SIP_FRAME_MESSAGE || f.total != size)
        return 0;
    if (arrives(kit.client, whole, &m) && m.is_request)
        request_inward(&m);
    if (arrives(kit.link, whole, &m) && m.is_request)
        request_outward(&m);
    else if (arrives(kit.link, whole, &m))
        response_outward(&m);
    return 0;
}
