/* SPDX-License-Identifier: MIT */
#include "edge/links.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/table.h"
#include "diag/trace.h"
#include "edge/report.h"
#include "sip/trust.h"

enum {
    PING_MS = 4000,
    SILENT_MS = 12000, /* asked so long ago and not answered: nobody is there */
    RETRY_FIRST_MS = 200,
    RETRY_MAX_MS = 5000,
    MARKS = 64, /* open requests are counted by the second in which they left */
    FORGOTTEN_S = MARKS - 2,
    TOGETHER_MAX = 64 * 1024, /* what a write takes */
    GONE_MAX = 1000,          /* octets in one message: every message_max is larger */
    UNSENT_MAX = 8 << 20,
    UNSENT_FULL = 4 << 20,
};

struct link {
    struct edge_worker *w;
    struct hop *hop;
    uint64_t conn_id;
    bool open, up; /* connected; and the Front End has answered */
    uint64_t retry_ms;
    unsigned backoff_ms;
    uint64_t ping_at_ms, asked_ms; /* asked_ms 0: no question is open */
    unsigned cseq;
    struct buf out;  /* of this turn */
    struct buf gone; /* to be told to the Front End */
    unsigned requests[MARKS], total;
    uint64_t second;
    enum fault told; /* the last failure that was traced: once until it is up again */
};

struct hop {
    struct net_addr addr;
    const char *text;
    char *offer;
    struct link *links;
    unsigned count;
};

/* --- up and down --- */

static void dial(struct link *l, uint64_t now_ms)
{
    struct conn *c = net_connect(l->w->net, &l->hop->addr, l->w->edge->link_tls, NULL);

    conn_set_user(c, l);
    conn_set_send_max(c, UNSENT_MAX);
    l->conn_id = conn_id(c);
    l->retry_ms = now_ms;
}

void links_start(struct edge_worker *w)
{
    const struct conf_edge *e = &w->edge->conf->edge;

    w->hop_count = e->next_hop_count;
    w->hops = calloc(w->hop_count, sizeof(*w->hops));
    assert(w->hops);
    for (unsigned i = 0; i < w->hop_count; i++) {
        struct hop *h = &w->hops[i];
        h->text = e->next_hops[i];
        bool good = net_addr_parse(str_from_c(h->text), &h->addr);
        assert(good); /* the configuration was checked */
        (void)good;
        h->count = e->links;
        h->links = calloc(h->count, sizeof(*h->links));
        assert(h->links);
        for (unsigned k = 0; k < h->count; k++) {
            h->links[k] = (struct link){ .w = w, .hop = h, .backoff_ms = RETRY_FIRST_MS };
            dial(&h->links[k], loop_now_ms(w->loop));
        }
    }
}

static void link_fini(struct link *l)
{
    buf_fini(&l->gone);
    buf_fini(&l->out);
}

void links_free(struct edge_worker *w)
{
    for (unsigned i = 0; i < w->hop_count; i++) {
        for (unsigned k = 0; k < w->hops[i].count; k++)
            link_fini(&w->hops[i].links[k]);
        free(w->hops[i].links);
        free(w->hops[i].offer);
    }
    free(w->hops);
}

/* --- the question whether somebody is there --- */

static struct str domain_of(const struct edge_worker *w)
{
    return str_from_c(w->edge->conf->domain);
}

/* An ordinary request without credentials: a Front End that lives answers with its challenge, and
 * what it offers is learned by the way. */
static void ping(struct link *l, uint64_t now_ms)
{
    struct conn *c = link_conn(l);
    const struct conf *conf = l->w->edge->conf;
    struct str domain = domain_of(l->w);
    char local[NET_ADDR_TEXT];
    struct sip_trust trust = { .edge = str_from_c(l->w->edge->name) };
    if (conf->edge.hide_names)
        trust.target = str_from_c(conf->edge.public_name);

    net_addr_print(conn_local(c), local);
    struct buf *out = &l->out;
    buf_printf(out, "OPTIONS sip:edge-link@%.*s SIP/2.0\r\n", STR_ARG(domain));
    buf_printf(out, "Via: SIP/2.0/TLS %s;branch=z9hG4bK%08X.%016X;branched=FALSE\r\n", local,
               ++l->cseq, 0);
    buf_printf(out, "Max-Forwards: 1\r\nFrom: <sip:edge-link@%.*s>;tag=%08X;epid=%08X\r\n",
               STR_ARG(domain), (unsigned)l->conn_id, (unsigned)l->conn_id);
    buf_printf(out, "To: <sip:edge-link@%.*s>\r\nCall-ID: link-%016llX\r\nCSeq: %u OPTIONS\r\n",
               STR_ARG(domain), (unsigned long long)l->conn_id, l->cseq);
    buf_add(out, STR("ms-edge-proxy-message-trust: "));
    sip_trust_print(&trust, out);
    buf_add(out, STR("\r\nContent-Length: 0\r\n\r\n"));
    if (!l->asked_ms)
        l->asked_ms = now_ms;
    l->ping_at_ms = now_ms + PING_MS;
}

static void learn_offer(struct hop *h, const struct sip_msg *m, struct arena *arena)
{
    struct str offer = sip_unfold(sip_msg_value(m, SIP_WWW_AUTHENTICATE), arena);

    if (offer.len == 0 || str_eq(offer, str_from_c(h->offer)))
        return;
    free(h->offer);
    h->offer = str_own(offer);
}

void link_alive(struct link *l, const struct sip_msg *m, struct arena *arena)
{
    l->asked_ms = 0;
    l->backoff_ms = RETRY_FIRST_MS;
    learn_offer(l->hop, m, arena);
    if (l->up)
        return;
    l->up = true;
    l->told = FAULT_NONE;
    report_link(link_conn(l), TL_INFO, FAULT_NONE, "The link to a Front End is up");
}

struct str link_offer(const struct link *l)
{
    return str_from_c(l->hop->offer);
}

void link_opened(struct edge_worker *w, struct conn *c)
{
    struct link *l = conn_user(c);

    l->open = true;
    /* a door for clients would take our word for theirs */
    if (!tls_client_was_asked(conn_tls(c)))
        conn_close(c, FAULT_EDGE_NOT_MUTUAL);
    else
        ping(l, loop_now_ms(w->loop));
}

/* Clients cannot go on: their associations ended with the link.  Closed, they sign in again at once
 * instead of finding out at their next refresh. */
static void close_users(struct edge_worker *w, uint64_t link_id)
{
    for (struct conn *c = NULL; (c = net_next(w->net, c));) {
        const struct outside *o = is_link(c) ? NULL : conn_user(c);
        if (o && o->link_id == link_id)
            conn_close(c, FAULT_EDGE_FRONT_LOST);
    }
}

/* A Front End that does not want us says so by an alert, or just hangs up after the handshake. */
static enum fault cause_of_end(const struct link *l, enum fault why)
{
    bool hung_up = why == FAULT_ROUTE_PEER_CLOSED || why == FAULT_ROUTE_PEER_RESET;

    return l->open && !l->up && hung_up ? FAULT_EDGE_REFUSED : why;
}

void link_closed(struct edge_worker *w, struct conn *c, enum fault why)
{
    struct link *l = conn_user(c);
    enum fault cause = cause_of_end(l, why);

    if (l->up)
        report_link(c, TL_WARN, FAULT_EDGE_FRONT_LOST, fault_row(cause)->text);
    else if (cause != l->told && cause != FAULT_ROUTE_SHUTDOWN)
        report_link(c, TL_ERROR, cause, fault_row(cause)->text);
    l->told = cause;
    close_users(w, l->conn_id);
    l->conn_id = 0;
    l->open = l->up = false;
    l->asked_ms = 0;
    l->total = 0;
    memset(l->requests, 0, sizeof(l->requests));
    buf_clear(&l->gone);
    buf_clear(&l->out);
    l->retry_ms = loop_now_ms(w->loop) + l->backoff_ms;
    l->backoff_ms = l->backoff_ms * 2 < RETRY_MAX_MS ? l->backoff_ms * 2 : RETRY_MAX_MS;
}

/* --- open requests --- */

static void forget_lost(struct link *l, uint64_t second)
{
    if (second - l->second > MARKS)
        l->second = second - MARKS;
    while (l->second < second) {
        unsigned *oldest = &l->requests[++l->second % MARKS];
        l->total -= *oldest;
        *oldest = 0;
    }
}

unsigned link_asked(struct link *l, uint64_t now_ms)
{
    forget_lost(l, now_ms / 1000);
    unsigned mark = (unsigned)(l->second % MARKS);
    l->requests[mark]++;
    l->total++;
    return mark;
}

void link_answered(struct link *l, unsigned mark)
{
    if (mark >= MARKS || l->requests[mark] == 0)
        return;
    l->requests[mark]--;
    l->total--;
}

bool link_is_full(const struct link *l)
{
    return l->total >= l->w->edge->conf->link_queue || conn_unsent(link_conn(l)) > UNSENT_FULL;
}

/* --- which one --- */

struct conn *link_conn(const struct link *l)
{
    return net_find(l->w->net, l->conn_id);
}

uint64_t link_conn_id(const struct link *l)
{
    return l->conn_id;
}

struct link *links_pick(const struct edge_worker *w, struct str user_key)
{
    for (unsigned i = 0; i < w->hop_count; i++) {
        struct hop *h = &w->hops[i];
        struct link *ups[16];
        unsigned n = 0;
        for (unsigned k = 0; k < h->count && n < ARRAY_LEN(ups); k++)
            if (h->links[k].up)
                ups[n++] = &h->links[k];
        if (n > 0)
            return ups[table_hash(user_key) % n];
    }
    return NULL;
}

struct link *link_find(const struct edge_worker *w, uint64_t conn_id)
{
    struct conn *c = conn_id ? net_find(w->net, conn_id) : NULL;
    struct link *l = c && is_link(c) ? conn_user(c) : NULL;

    return l && l->up && !conn_closing(c) ? l : NULL;
}

void links_count(const struct edge_worker *w, unsigned hop, unsigned *up)
{
    for (unsigned k = 0; k < w->hops[hop].count; k++)
        *up += w->hops[hop].links[k].up;
}

/* --- what ended outside --- */

static void tell_gone(struct link *l)
{
    struct str domain = domain_of(l->w);
    struct conn *c = link_conn(l);
    char local[NET_ADDR_TEXT];

    net_addr_print(conn_local(c), local);
    struct buf *out = &l->out;
    buf_printf(out, "BENOTIFY sip:edge-link@%.*s SIP/2.0\r\n", STR_ARG(domain));
    buf_printf(out, "Via: SIP/2.0/TLS %s;branch=z9hG4bK%08X.%016X;branched=FALSE\r\n", local,
               ++l->cseq, 0);
    buf_printf(out, "Max-Forwards: 1\r\nFrom: <sip:edge-link@%.*s>;tag=%08X\r\n", STR_ARG(domain),
               (unsigned)l->conn_id);
    buf_printf(out, "To: <sip:edge-link@%.*s>\r\nCall-ID: link-%016llX\r\nCSeq: %u BENOTIFY\r\n",
               STR_ARG(domain), (unsigned long long)l->conn_id, l->cseq);
    buf_printf(out,
               "Event: ms-edge-connection-ended\r\nContent-Type: text/plain\r\n"
               "Content-Length: %zu\r\n\r\n",
               l->gone.len);
    buf_add(out, buf_str(&l->gone));
    buf_fini(&l->gone);
}

void link_tell_gone(struct edge_worker *w, uint64_t link_id, const struct conn *outside)
{
    struct link *l = link_find(w, link_id);

    if (!l)
        return;
    if (l->gone.len >= GONE_MAX)
        tell_gone(l);
    buf_printf(&l->gone, "%X\r\n", conn_cid(outside));
}

struct buf *link_out(struct link *l)
{
    if (l->gone.len > 0)
        tell_gone(l);
    return &l->out;
}

static void send_out(struct link *l)
{
    struct conn *c = link_conn(l);

    if (c && l->out.len > 0)
        conn_send(c, buf_str(&l->out));
    if (l->out.cap > 2 * TOGETHER_MAX)
        buf_fini(&l->out);
    buf_clear(&l->out);
}

void link_written(struct link *l)
{
    if (l->out.len > TOGETHER_MAX)
        send_out(l);
}

void links_send(void *arg)
{
    struct edge_worker *w = arg;
    bool sent = false;

    for (unsigned i = 0; i < w->hop_count; i++)
        for (unsigned k = 0; k < w->hops[i].count; k++) {
            struct link *l = &w->hops[i].links[k];
            sent |= l->out.len > 0;
            send_out(l);
        }
    if (sent)
        net_write_out(w->net);
}

/* --- time --- */

static void tick_one(struct link *l, uint64_t now_ms)
{
    if (!l->conn_id) {
        if (now_ms >= l->retry_ms)
            dial(l, now_ms);
        return;
    }
    struct conn *c = link_conn(l);
    if (!c || !l->open || conn_closing(c))
        return;
    forget_lost(l, now_ms / 1000);
    if (l->asked_ms && now_ms - l->asked_ms >= SILENT_MS) {
        report_link(c, TL_ERROR, FAULT_EDGE_FRONT_SILENT, fault_row(FAULT_EDGE_FRONT_SILENT)->text);
        conn_close(c, FAULT_EDGE_FRONT_SILENT);
        return;
    }
    if (now_ms >= l->ping_at_ms)
        ping(l, now_ms);
    if (l->up && l->gone.len > 0)
        tell_gone(l);
}

void links_tick(struct edge_worker *w, uint64_t now_ms)
{
    uint64_t up = 0;

    for (unsigned i = 0; i < w->hop_count; i++)
        for (unsigned k = 0; k < w->hops[i].count; k++) {
            tick_one(&w->hops[i].links[k], now_ms);
            up += w->hops[i].links[k].up;
        }
    atomic_store_explicit(&w->stats.links, up, memory_order_relaxed);
}
