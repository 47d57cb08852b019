/* SPDX-License-Identifier: MIT */
#include "front/behind.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "front/client_conn.h"
#include "sip/uri.h"
#include "sip/via.h"

enum { FORGET_MS = 300000 };

struct edge_link {
    struct worker *w;
    uint64_t conn_id;
    struct table by_cid;
};

/* What the Edge noted on the Via of its client: the second one, for the first is its own. */
struct noted {
    struct str cid, ip, port;
};

static struct str without_brackets(struct str host)
{
    return host.len >= 2 && host.ptr[0] == '[' ? str_of(host.ptr + 1, host.len - 2) : host;
}

static struct noted noted_of(const struct sip_msg *m, struct arena *arena)
{
    unsigned at = 0;
    struct sip_via via;

    for (const struct sip_header *h = sip_msg_first(m, SIP_VIA); h; h = sip_msg_next(m, h))
        for (struct str rest = sip_unfold(h->value, arena); rest.len > 0; at++) {
            struct noted n = { STR_NONE, STR_NONE, STR_NONE };
            struct str more;

            if (sip_via_parse(rest, &via, &more) != FAULT_NONE)
                return n;
            rest = more;
            if (at == 0)
                continue;
            sip_param_find(via.params, STR("ms-received-cid"), &n.cid);
            if (!sip_param_find(via.params, STR("received"), &n.ip))
                n.ip = without_brackets(via.host);
            sip_param_find(via.params, STR("ms-received-port"), &n.port);
            return n;
        }
    return (struct noted){ STR_NONE, STR_NONE, STR_NONE };
}

/* 4 or 16 octets, or none. */
static size_t address_of(struct str ip, uint8_t out[16])
{
    char text[INET6_ADDRSTRLEN];

    if (ip.len == 0 || ip.len >= sizeof(text))
        return 0;
    memcpy(text, ip.ptr, ip.len);
    text[ip.len] = '\0';
    if (inet_pton(AF_INET, text, out) == 1)
        return 4;
    return inet_pton(AF_INET6, text, out) == 1 ? 16 : 0;
}

static struct client_conn *client_new(struct edge_link *l, const struct noted *n)
{
    uint8_t address[16];
    size_t len = address_of(n->ip, address);
    struct client_conn *cc = client_conn_new(l->w, l->conn_id, str_of(address, len));
    uint64_t number = 0;

    client_conn_move_behind(cc, l);
    if (len > 0)
        snprintf(cc->peer, sizeof(cc->peer), len == 16 ? "[%.*s]:%.*s" : "%.*s:%.*s",
                 STR_ARG(str_first(n->ip, INET6_ADDRSTRLEN)), STR_ARG(str_first(n->port, 5)));
    size_t cut = n->cid.len < sizeof(cc->cid) ? n->cid.len : sizeof(cc->cid) - 1;
    memcpy(cc->cid, n->cid.ptr, cut);
    str_hex_to_u64(str_from_c(cc->cid), &number);
    cc->cid_number = (uint32_t)number;
    table_put(&l->by_cid, str_from_c(cc->cid), cc);
    return cc;
}

static void set_text(char **to, struct str text)
{
    if (str_eq(str_from_c(*to), text))
        return;
    free(*to);
    *to = text.len > 0 ? str_own(text) : NULL;
}

struct client_conn *edge_link_client(struct edge_link *l, const struct sip_msg *m,
                                     struct arena *arena, struct sip_trust *trust)
{
    struct noted n = { STR_NONE, STR_NONE, STR_NONE };

    sip_trust_parse(sip_unfold(sip_msg_value(m, SIP_MS_EDGE_TRUST), arena), trust);
    if (m->is_request)
        n = noted_of(m, arena);
    if (n.cid.len == 0)
        n.cid = trust->cid;
    struct client_conn *cc =
        table_get(&l->by_cid, str_first(n.cid, sizeof(((struct client_conn *)0)->cid) - 1));
    if (!cc)
        cc = client_new(l, &n);
    cc->used_ms = loop_now_ms(l->w->loop);
    if (m->is_request) {
        set_text(&cc->target, trust->target);
        cc->sas.targetname = cc->target;
    }
    return cc;
}

void edge_link_gone(struct edge_link *l, struct str cids)
{
    while (cids.len > 0) {
        struct str cid = str_trim(str_take_until(&cids, '\n'));
        struct client_conn *cc = cid.len > 0 ? table_remove(&l->by_cid, cid) : NULL;
        if (cc)
            client_conn_free(cc);
    }
}

void edge_link_sweep(struct edge_link *l, uint64_t now_ms)
{
    struct client_conn *cc, *found[64];
    size_t pos = 0, count = 0;

    while (count < ARRAY_LEN(found) && (cc = table_next(&l->by_cid, &pos)))
        if (!cc->sas.list && now_ms - cc->used_ms > FORGET_MS)
            found[count++] = cc;
    while (count > 0) {
        cc = found[--count];
        table_remove(&l->by_cid, str_from_c(cc->cid));
        client_conn_free(cc);
    }
}

struct edge_link *edge_link_new(struct worker *w, struct conn *c)
{
    struct edge_link *l = calloc(1, sizeof(*l));

    assert(l);
    l->w = w;
    l->conn_id = conn_id(c);
    return l;
}

void edge_link_free(struct edge_link *l)
{
    struct client_conn *cc;
    size_t pos = 0;

    while ((cc = table_next(&l->by_cid, &pos)))
        client_conn_free(cc);
    table_fini(&l->by_cid);
    free(l);
}
