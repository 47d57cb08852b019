/* SPDX-License-Identifier: MIT */
/* A worker of the Edge without a network: one connection from outside, one link to a Front End, and
 * what was sent over each.  The loop never runs. */
#ifndef POSTERN_TESTS_EDGE_KIT_H
#define POSTERN_TESTS_EDGE_KIT_H

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "edge/edge_internal.h"
#include "edge/handshake.h"
#include "edge/inside.h"
#include "edge/links.h"
#include "edge/outside.h"
#include "edge/rewrite.h"
#include "net/net_internal.h"

#define EDGE_KIT_CONF                                                                              \
    "[general]\ndomain = example.com\nfqdn = edge01.inner.example.com\nworkers = 1\n"

struct edge_kit {
    struct edge edge;
    struct edge_worker *w;
    struct net_listener door;
    struct conn *client, *link;
    struct edge_turn turn;
    struct buf out;
    int front; /* listens, so that the link can be dialled */
};

static inline struct conn *edge_kit_client(struct edge_kit *k, const char *peer)
{
    struct net_addr addr;

    if (!net_addr_parse(str_from_c(peer), &addr))
        abort();
    struct conn *c = net_conn_new(k->w->net, -1, &addr);
    c->listener = &k->door;
    c->state = CONN_OPEN;
    conn_set_user(c, outside_new(k->w, c));
    return c;
}

/* As if the Front End had answered the first question. */
static inline void edge_kit_link_up(struct edge_kit *k, struct conn *c)
{
    static const char answer[] = "SIP/2.0 401 Unauthorized\r\nVia: SIP/2.0/TLS a\r\n"
                                 "From: <sip:a@b>\r\nTo: <sip:a@b>\r\nCall-ID: c\r\n"
                                 "CSeq: 1 OPTIONS\r\nWWW-Authenticate: NTLM realm=\"r\", "
                                 "targetname=\"fe01.example.com\", version=4\r\n\r\n";
    struct sip_msg m;

    c->state = CONN_OPEN;
    arena_reset(&k->w->arena);
    if (sip_msg_parse(STR(answer), sizeof(answer) - 1, 128, &k->w->arena, &m) != FAULT_NONE)
        abort();
    link_alive(conn_user(c), &m, &k->w->arena);
}

/* `edge`: further lines of [edge], may be "". */
static inline void edge_kit_init(struct edge_kit *k, const char *edge)
{
    struct buf text = { 0 }, why = { 0 };
    struct net_addr addr;
    socklen_t len = sizeof(addr.v6);

    *k = (struct edge_kit){ .door = { .name = "203.0.113.1:443", .use_tls = true } };
    if (!net_addr_parse(STR("127.0.0.1:0"), &addr) || (k->front = net_listen(&addr)) < 0 ||
        getsockname(k->front, &addr.sa, &len) != 0)
        abort();
    buf_add_c(&text, EDGE_KIT_CONF);
    buf_printf(&text,
               "[edge]\npublic_name = sip.example.com\nlinks = 1\nremote_access = yes\n"
               "next_hops = 127.0.0.1:%u\n%s",
               net_addr_port(&addr), edge);
    k->edge.conf = conf_parse(buf_str(&text), "kit.conf", &why);
    if (!k->edge.conf) {
        fprintf(stderr, "%.*s\n", STR_ARG(buf_str(&why)));
        abort();
    }
    buf_fini(&text);
    buf_fini(&why);
    k->edge.sources = sources_new(k->edge.conf, NULL);
    k->edge.name = "edge01.inner.example.com";
    k->edge.record_route = str_own(STR("<sip:sip.example.com:443;transport=tls;opaque=state:Ci.R"));
    k->edge.remote_access = true;
    memset(k->edge.tokens.secret, 0x5A, sizeof(k->edge.tokens.secret));
    k->edge.tokens.boot = 7;
    k->w = edge_worker_new(&k->edge, 0);
    links_start(k->w);
    k->link = net_next(k->w->net, NULL);
    edge_kit_link_up(k, k->link);
    k->client = edge_kit_client(k, "192.0.2.7:50123");
}

static inline void edge_kit_fini(struct edge_kit *k)
{
    edge_worker_free(k->w);
    sources_free(k->edge.sources);
    conf_free(k->edge.conf);
    free(k->edge.record_route);
    buf_fini(&k->out);
    close(k->front);
}

/* What was sent last, when it went over this connection; forgotten with the next call. */
static inline struct str edge_kit_sent(struct edge_kit *k, const struct conn *c)
{
    struct net *n = k->w->net;
    struct buf *turn = link_out(conn_user(k->link));

    buf_clear(&k->out);
    if (c == k->link)
        buf_add(&k->out, buf_str(turn));
    if (n->tx_owner == c)
        buf_add(&k->out, buf_str(&n->tx));
    buf_clear(turn);
    buf_clear(&n->tx);
    n->tx_owner = NULL;
    return buf_str(&k->out);
}

/* Nothing was sent, neither inward nor back. */
static inline bool edge_kit_is_silent(struct edge_kit *k)
{
    return !k->w->net->tx_owner && link_out(conn_user(k->link))->len == 0;
}

static inline size_t edge_kit_head_len(struct str whole)
{
    size_t end = str_find(whole, STR("\r\n\r\n"));

    return end == SIZE_MAX ? whole.len : end + 4;
}

/* A message arrives, and the turn is as it is when it is rewritten. */
static inline enum fault edge_kit_turn(struct edge_kit *k, struct conn *from, struct str whole)
{
    arena_reset(&k->w->arena);
    k->turn = (struct edge_turn){ .w = k->w,
                                  .conn = from,
                                  .outside = conn_user(k->client),
                                  .user_key = STR("sip:ada@example.com") };
    return sip_msg_parse(whole, edge_kit_head_len(whole), SIP_HEADERS_MAX_DEFAULT, &k->w->arena,
                         &k->turn.msg);
}

/* The whole way: from outside and from inside. */
static inline void edge_kit_from_client(struct edge_kit *k, struct str whole)
{
    outside_message(k->w, k->client, whole, edge_kit_head_len(whole));
}

static inline void edge_kit_from_front(struct edge_kit *k, struct str whole)
{
    inside_message(k->w, k->link, whole, edge_kit_head_len(whole));
}

#endif
