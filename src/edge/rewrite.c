/* SPDX-License-Identifier: MIT */
#include "edge/rewrite.h"

#include <stdlib.h>
#include <time.h>

#include "base/encode.h"
#include "base/table.h"
#include "sip/addr.h"
#include "sip/edit.h"
#include "sip/reply.h"
#include "sip/trust.h"
#include "sip/uri.h"
#include "sip/via.h"

enum { MAX_FORWARDS = 70, ROUTE_KEPT_MS = 3600 * 1000 };

static struct arena *arena_of(const struct edge_turn *t)
{
    return &t->w->arena;
}

static const struct conf *conf_of(const struct edge_turn *t)
{
    return t->w->edge->conf;
}

static void remove_all(struct sip_edits *e, enum sip_field id)
{
    for (const struct sip_header *h = sip_msg_first(e->msg, id); h; h = sip_msg_next(e->msg, h))
        sip_edit_remove(e, h);
}

static void remove_named(struct sip_edits *e, struct str name)
{
    const struct sip_msg *m = e->msg;

    for (unsigned i = 0; i < m->header_count; i++)
        if (str_eq_nocase(m->headers[i].name, name))
            sip_edit_remove(e, &m->headers[i]);
}

/* What speaks of one hop, or of trust that no client can give. */
static void remove_hop_headers(struct sip_edits *e)
{
    remove_all(e, SIP_MS_EDGE_TRUST);
    remove_all(e, SIP_RECORD_ROUTE);
    remove_all(e, SIP_ROUTE);
    remove_named(e, STR("Path"));
}

static struct str copy(struct buf *text, struct arena *arena)
{
    struct str s = arena_dup(arena, buf_str(text));

    buf_fini(text);
    return s;
}

/* --- Max-Forwards --- */

static void edit_max_forwards(struct sip_edits *e)
{
    const struct sip_header *h = sip_msg_first(e->msg, SIP_MAX_FORWARDS);
    uint32_t hops;

    if (!h)
        sip_edit_add_last(e, STR("Max-Forwards: 69"));
    else if (str_to_u32(h->value, &hops) && hops > 0 && hops <= 255)
        sip_edit_value(e, h, arena_printf(e->arena, "%u", hops - 1));
    else
        sip_edit_value(e, h, arena_printf(e->arena, "%d", MAX_FORWARDS - 1));
}

/* --- Record-Route --- */

static struct str user_key_of(const struct sip_msg *m, enum sip_field id, struct arena *arena)
{
    struct sip_addr a;
    struct sip_uri uri;

    if (sip_addr_parse(sip_unfold(sip_msg_value(m, id), arena), &a, NULL) != FAULT_NONE ||
        sip_uri_parse(a.uri, &uri) != FAULT_NONE)
        return STR_NONE;
    return sip_uri_user_key(&uri, arena);
}

/* Made once for a user on a connection, and anew every hour: a token lives for a week, and making
 * one is dearer than all the rest of a message. */
static struct str record_route(const struct edge_turn *t, struct outside *o, enum token_way way,
                               struct str user_key)
{
    struct edge *e = t->w->edge;
    struct route *r = &o->routes[way == TOKEN_FROM_CLIENT];
    struct buf text = { 0 };

    if (r->text && t->now_ms < r->until_ms && str_eq(str_from_c(r->user_key), user_key))
        return str_from_c(r->text);
    buf_add_c(&text, "Record-Route: ");
    buf_add_c(&text, e->record_route);
    buf_printf(&text, "%X;lr;ms-route-sig=", conn_cid(o->conn));
    token_print(&e->tokens, conn_id(o->conn), way, user_key, (uint64_t)time(NULL), &text);
    buf_add_char(&text, '>');
    rewrite_route_fini(r);
    *r = (struct route){ .text = str_own(buf_str(&text)),
                         .user_key = str_own(user_key),
                         .until_ms = t->now_ms + ROUTE_KEPT_MS };
    buf_fini(&text);
    return str_from_c(r->text);
}

void rewrite_route_fini(struct route *r)
{
    free(r->text);
    free(r->user_key);
    *r = (struct route){ 0 };
}

/* REGISTER too: so the Front End learns the way back. */
static bool wants_route(const struct sip_msg *m)
{
    static const char *const methods[] = { "REGISTER", "INVITE", "SUBSCRIBE", "REFER" };

    for (size_t i = 0; i < ARRAY_LEN(methods); i++)
        if (str_eq(m->method, str_from_c(methods[i])))
            return true;
    return false;
}

/* --- Via --- */

/* The same for an INVITE, its ACK and its CANCEL: what names the transaction goes in, and nothing
 * else.  Clients of this family send no branch. */
static uint32_t branch_hash(const struct sip_msg *m, const struct sip_via *top)
{
    uint64_t parts[4] = { table_hash(m->call_id), table_hash(top->branch), m->cseq,
                          table_hash(sip_msg_value(m, SIP_FROM)) };

    return (uint32_t)table_hash(str_of(parts, sizeof(parts)));
}

static struct sip_via top_via(const struct sip_msg *m, struct arena *arena, struct str *rest)
{
    struct sip_via via;

    *rest = STR_NONE;
    if (sip_via_parse(sip_unfold(sip_msg_value(m, SIP_VIA), arena), &via, rest) != FAULT_NONE)
        via = (struct sip_via){ .host = STR_NONE, .params = STR_NONE, .branch = STR_NONE };
    return via;
}

static void add_hex(struct buf *out, uint64_t n, unsigned digits)
{
    static const char hex[] = "0123456789ABCDEF";

    while (digits-- > 0)
        buf_add_char(out, hex[n >> (4 * digits) & 15]);
}

static struct str inward_via(const struct edge_turn *t, struct conn *link,
                             const struct rewrite_mark *mark)
{
    struct str rest;
    struct sip_via top = top_via(&t->msg, arena_of(t), &rest);
    char local[NET_ADDR_TEXT];

    struct buf text = { 0 };
    net_addr_print(conn_local(link), local);
    buf_add(&text, STR("Via: SIP/2.0/TLS "));
    buf_add_c(&text, local);
    buf_add(&text, STR(";branch=z9hG4bK"));
    add_hex(&text, branch_hash(&t->msg, &top), 8);
    buf_add_char(&text, '.');
    add_hex(&text, mark->conn_id, 16);
    buf_add(&text, STR(";branched=FALSE;ms-edge-mark="));
    add_hex(&text, mark->asked, 2);
    buf_add_char(&text, mark->sign_in ? 'a' : '-');
    add_hex(&text, mark->endpoint, 16);
    return copy(&text, arena_of(t));
}

bool rewrite_read_mark(const struct sip_msg *m, struct arena *arena, struct rewrite_mark *out)
{
    struct str rest, text = STR_NONE;
    struct sip_via top = top_via(m, arena, &rest);
    uint64_t asked = 0;

    *out = (struct rewrite_mark){ 0 };
    if (!str_starts(top.branch, STR("z9hG4bK")) || top.branch.len != 7 + 8 + 1 + 16 ||
        !str_hex_to_u64(str_skip(top.branch, 16), &out->conn_id))
        return false;
    sip_param_find(top.params, STR("ms-edge-mark"), &text);
    out->sign_in = text.len > 2 && text.ptr[2] == 'a';
    str_hex_to_u64(str_first(text, 2), &asked);
    str_hex_to_u64(str_skip(text, 3), &out->endpoint);
    out->asked = (unsigned)asked;
    return true;
}

/* Our element goes, what stands behind it in the same line stays. */
static void remove_top_via(struct sip_edits *e)
{
    const struct sip_header *h = sip_msg_first(e->msg, SIP_VIA);
    struct str rest;

    if (!h)
        return;
    top_via(e->msg, e->arena, &rest);
    if (rest.len > 0)
        sip_edit_value(e, h, rest);
    else
        sip_edit_remove(e, h);
}

/* The client's Via, with what we know of where it came from. */
static struct str noted_via(const struct edge_turn *t)
{
    char ip[NET_ADDR_TEXT];
    struct buf text = { 0 };

    net_addr_print_ip(conn_peer(t->conn), ip);
    struct sip_received received = { .ip = str_from_c(ip),
                                     .port = net_addr_port(conn_peer(t->conn)),
                                     .cid = conn_cid(t->conn) };
    sip_reply_via(&text, sip_msg_first(&t->msg, SIP_VIA), &received);
    return copy(&text, arena_of(t));
}

/* --- inward: requests --- */

static struct str trust_line(const struct edge_turn *t, const struct conn *outside,
                             const struct rewrite_mark *mark)
{
    const struct conf *conf = conf_of(t);
    struct buf text = { 0 };
    struct sip_trust trust = { .edge = str_from_c(t->w->edge->name) };
    const struct tls *tls = conn_tls(outside);

    if (conf->edge.hide_names)
        trust.target = str_from_c(conf->edge.public_name);
    trust.cid = arena_printf(arena_of(t), "%X", conn_cid(outside));
    if (mark && mark->sign_in && tls) {
        trust.over = mark->over;
        trust.resumed = tls_resumed_ticket(tls);
        tls_issued_tickets(tls, trust.tickets, SIP_TRUST_TICKETS_MAX);
    }
    buf_add_c(&text, "ms-edge-proxy-message-trust: ");
    sip_trust_print(&trust, &text);
    return copy(&text, arena_of(t));
}

/* The keep-alive is negotiated with the Edge, not with who stands behind it. */
bool rewrite_request_inward(const struct edge_turn *t, struct conn *link,
                            const struct rewrite_mark *mark, struct buf *out)
{
    struct sip_edits e;

    sip_edits_init(&e, &t->msg, arena_of(t));
    remove_hop_headers(&e);
    remove_all(&e, SIP_MS_USER_LOGON_DATA);
    remove_all(&e, SIP_MS_KEEP_ALIVE);
    edit_max_forwards(&e);
    if (wants_route(&t->msg))
        sip_edit_add_first(&e, record_route(t, t->outside, TOKEN_TO_CLIENT, t->user_key));
    sip_edit_remove(&e, sip_msg_first(&t->msg, SIP_VIA));
    sip_edit_add_first(&e, noted_via(t));
    sip_edit_add_first(&e, inward_via(t, link, mark));
    sip_edit_add_last(&e, trust_line(t, t->conn, mark));
    return sip_edits_apply(&e, out);
}

/* --- outward: answers --- */

/* Older clients give no instance.  The number of the connection is the Front End's addition. */
uint64_t rewrite_endpoint(struct str contact)
{
    struct sip_addr a;

    if (sip_addr_parse(contact, &a, NULL) != FAULT_NONE)
        return 0;
    struct str instance = sip_addr_param(&a, STR("+sip.instance"));
    struct str uri = str_first(a.uri, str_find(a.uri, STR(";ms-received-cid=")));
    return table_hash_nocase(instance.len > 0 ? instance : uri);
}

/* The user's other endpoints are the inside's business. */
static void hide_contacts(struct sip_edits *e, uint64_t endpoint)
{
    const struct sip_msg *m = e->msg;

    for (const struct sip_header *h = sip_msg_first(m, SIP_CONTACT); h; h = sip_msg_next(m, h)) {
        struct buf kept = { 0 };
        struct str rest = sip_unfold(h->value, e->arena), whole = rest;
        struct sip_addr a;

        while (rest.len > 0) {
            struct str from = rest, more = STR_NONE;
            if (sip_addr_parse(from, &a, &more) != FAULT_NONE)
                break;
            rest = more;
            struct str one = more.len > 0 ? str_first(from, (size_t)(more.ptr - from.ptr)) : from;
            one = str_trim(one);
            if (one.len > 0 && one.ptr[one.len - 1] == ',')
                one = str_trim(str_first(one, one.len - 1));
            if (rewrite_endpoint(one) != endpoint)
                continue;
            if (kept.len > 0)
                buf_add(&kept, STR(", "));
            buf_add(&kept, one);
        }
        if (kept.len == 0)
            sip_edit_remove(e, h);
        else if (!str_eq(buf_str(&kept), whole))
            sip_edit_value(e, h, buf_str(&kept));
        buf_fini(&kept);
    }
}

/* source="fe01.example.com" of a Front End that does not hide its name itself. */
static void hide_source(struct sip_edits *e, struct str public_name)
{
    const struct sip_msg *m = e->msg;

    for (const struct sip_header *h = sip_msg_first(m, SIP_MS_DIAGNOSTICS); h;
         h = sip_msg_next(m, h)) {
        size_t at = str_find(h->value, STR("source=\""));
        if (at == SIZE_MAX)
            continue;
        struct str before = str_first(h->value, at + 8), after = str_skip(h->value, at + 8);
        size_t end = str_find_char(after, '"');
        if (end == SIZE_MAX || str_eq(str_first(after, end), public_name))
            continue;
        sip_edit_value(e, h,
                       arena_printf(e->arena, "%.*s%.*s%.*s", STR_ARG(before), STR_ARG(public_name),
                                    STR_ARG(str_skip(after, end))));
    }
}

bool rewrite_response_outward(const struct edge_turn *t, const struct rewrite_mark *mark,
                              struct buf *out)
{
    const struct conf_edge *conf = &conf_of(t)->edge;
    const struct sip_msg *m = &t->msg;
    struct sip_edits e;
    bool routed = sip_msg_first(m, SIP_RECORD_ROUTE) != NULL;
    bool registered = str_eq(m->method, STR("REGISTER")) && m->status / 100 == 2;

    sip_edits_init(&e, m, arena_of(t));
    remove_hop_headers(&e);
    remove_all(&e, SIP_MS_KEEP_ALIVE);
    remove_top_via(&e);
    if (routed)
        sip_edit_add_last(&e, record_route(t, t->outside, TOKEN_FROM_CLIENT,
                                           user_key_of(m, SIP_FROM, arena_of(t))));
    if (registered)
        hide_contacts(&e, mark->endpoint);
    if (registered && t->outside->keep_alive_asked)
        sip_edit_add_last(&e, arena_printf(arena_of(t),
                                           "ms-keep-alive: UAS; tcp=no; hop-hop=yes; end-end=no; "
                                           "timeout=%u",
                                           conf->keep_alive));
    if (conf->hide_names)
        hide_source(&e, str_from_c(conf->public_name));
    return sip_edits_apply(&e, out);
}

/* --- outward: requests --- */

static struct str all_vias(const struct sip_msg *m, struct arena *arena)
{
    struct buf text = { 0 };

    for (const struct sip_header *h = sip_msg_first(m, SIP_VIA); h; h = sip_msg_next(m, h)) {
        if (text.len > 0)
            buf_add_char(&text, '\n');
        buf_add(&text, sip_unfold(h->value, arena));
    }
    return copy(&text, arena);
}

static struct str outward_via(const struct edge_turn *t, uint64_t link_id)
{
    const struct net_listener *l = conn_listener(t->outside->conn);
    const struct conf_edge *conf = &conf_of(t)->edge;
    struct str rest, port = str_from_c(l->name);
    struct sip_via top = top_via(&t->msg, arena_of(t), &rest);
    struct buf text = { 0 };

    for (size_t at; (at = str_find_char(port, ':')) != SIZE_MAX;)
        port = str_skip(port, at + 1);
    buf_printf(&text,
               "Via: SIP/2.0/TLS %s:%.*s;branch=z9hG4bK%08X.%08X;branched=FALSE"
               ";ms-internal-info=\"",
               conf->public_name, STR_ARG(port), branch_hash(&t->msg, &top),
               conn_cid(t->outside->conn));
    hide_seal(&t->w->hide, all_vias(&t->msg, arena_of(t)), link_id, conn_id(t->outside->conn),
              &text);
    buf_add_char(&text, '"');
    return copy(&text, arena_of(t));
}

bool rewrite_request_outward(const struct edge_turn *t, uint64_t link_id, struct buf *out)
{
    struct sip_edits e;

    sip_edits_init(&e, &t->msg, arena_of(t));
    remove_hop_headers(&e);
    remove_all(&e, SIP_VIA);
    edit_max_forwards(&e);
    if (wants_route(&t->msg))
        sip_edit_add_first(&e, record_route(t, t->outside, TOKEN_FROM_CLIENT,
                                            user_key_of(&t->msg, SIP_TO, arena_of(t))));
    sip_edit_add_first(&e, outward_via(t, link_id));
    return sip_edits_apply(&e, out);
}

/* --- inward: answers --- */

struct str rewrite_sealed(const struct sip_msg *m, struct arena *arena)
{
    struct str rest, sealed = STR_NONE;
    struct sip_via top = top_via(m, arena, &rest);

    if (!sip_param_find(top.params, STR("ms-internal-info"), &sealed))
        return STR_NONE;
    if (sealed.len >= 2 && sealed.ptr[0] == '"')
        sealed = str_of(sealed.ptr + 1, sealed.len - 2);
    return sealed;
}

bool rewrite_response_inward(const struct edge_turn *t, struct str vias, struct buf *out)
{
    struct sip_edits e;

    sip_edits_init(&e, &t->msg, arena_of(t));
    remove_hop_headers(&e);
    remove_all(&e, SIP_MS_USER_LOGON_DATA);
    remove_all(&e, SIP_VIA);
    /* the last one first: each is put above what was added before */
    while (vias.len > 0) {
        size_t from = vias.len;
        while (from > 0 && vias.ptr[from - 1] != '\n')
            from--;
        sip_edit_add_first(&e,
                           arena_printf(arena_of(t), "Via: %.*s", STR_ARG(str_skip(vias, from))));
        vias = str_first(vias, from > 0 ? from - 1 : 0);
    }
    sip_edit_add_last(&e, trust_line(t, t->outside->conn, NULL));
    return sip_edits_apply(&e, out);
}
