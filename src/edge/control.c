/* SPDX-License-Identifier: MIT */
/* The requests of the Edge's control socket: status, budget-list, budget-clear, trace,
 * reload, flush. */
#include <arpa/inet.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "conf/ctl_answers.h"
#include "diag/trace.h"
#include "edge/edge_internal.h"
#include "edge/links.h"

enum { LISTED_MAX = 1000 };

static uint64_t sum(const struct edge *e, size_t offset)
{
    uint64_t total = 0;

    for (unsigned i = 0; i < e->worker_count; i++) {
        const char *stats = (const char *)&e->workers[i]->stats;
        total += atomic_load_explicit((const atomic_uint_fast64_t *)(const void *)(stats + offset),
                                      memory_order_relaxed);
    }
    return total;
}

static const struct {
    const char *name;
    size_t offset;
} counters[] = {
    { "connections", offsetof(struct edge_stats, connections) },
    { "links_up", offsetof(struct edge_stats, links) },
    { "requests", offsetof(struct edge_stats, requests) },
    { "responses", offsetof(struct edge_stats, responses) },
    { "refused", offsetof(struct edge_stats, refused) },
    { "failed_sign_ins", offsetof(struct edge_stats, failures) },
    { "kept_for_the_clock", offsetof(struct edge_stats, held) },
};

static void do_status(struct edge *e, struct ctl_request *r)
{
    const struct conf_edge *c = &e->conf->edge;
    json_t *out = json_pack(
        "{s:b, s:s, s:s, s:i, s:I, s:b, s:b}", "ok", 1, "role", "edge", "version", POSTERN_VERSION,
        "workers", (int)e->worker_count, "uptime_ms", (json_int_t)(clock_mono_ms() - e->started_ms),
        "remote_access", atomic_load(&e->remote_access), "hide_names", c->hide_names);
    json_t *listen = json_array(), *hops = json_array();

    for (size_t i = 0; i < ARRAY_LEN(counters); i++)
        json_object_set_new(out, counters[i].name,
                            json_integer((json_int_t)sum(e, counters[i].offset)));
    json_object_set_new(out, "links",
                        json_integer((json_int_t)c->links * c->next_hop_count * e->worker_count));
    for (const struct net_listener *l = NULL; (l = doors_next(&e->doors, l));)
        json_array_append_new(listen, json_pack("{s:s, s:b}", "address", l->name, "legacy_lane",
                                                l->tls_legacy != NULL));
    for (unsigned i = 0; i < c->next_hop_count; i++)
        json_array_append_new(hops, json_string(c->next_hops[i]));
    json_object_set_new(out, "listeners", listen);
    json_object_set_new(out, "next_hops", hops);
    json_object_set_new(out, "trace_dropped", json_integer((json_int_t)trace_dropped()));
    json_object_set_new(out, "sandbox", ctl_sandbox_json());
    ctl_reply(r, out);
}

static void name_print(const struct tally_name *n, char out[64])
{
    char ip[INET6_ADDRSTRLEN] = "";

    inet_ntop(n->len == 4 ? AF_INET : AF_INET6, n->octets, ip, sizeof(ip));
    if (n->bits == 32)
        snprintf(out, 64, "%s", ip);
    else
        snprintf(out, 64, "%s/%u", ip, n->bits);
}

struct listing {
    json_t *rows;
    unsigned more; /* than are listed */
};

static void list_row(void *arg, const struct tally_row *row, uint32_t limit, unsigned left_s)
{
    struct listing *l = arg;
    char name[64];

    if (json_array_size(l->rows) >= LISTED_MAX) {
        l->more++;
        return;
    }
    name_print(&row->name, name);
    json_array_append_new(
        l->rows, json_pack("{s:s, s:I, s:I, s:b, s:i}", "source", name, "failures",
                           (json_int_t)row->count, "limit", (json_int_t)limit, "over_budget",
                           limit && row->count >= limit, "window_left", (int)left_s));
}

static void do_budget_list(const struct edge *e, struct ctl_request *r)
{
    struct listing l = { .rows = json_array() };

    sources_list(e->sources, clock_mono_ms(), list_row, &l);
    ctl_reply(r, json_pack("{s:b, s:o, s:i}", "ok", 1, "sources", l.rows, "more", (int)l.more));
}

/* An account's name is no address: nothing to clear here, and no mistake. */
static void do_budget_clear(struct edge *e, struct ctl_request *r, json_t *in)
{
    bool all = json_is_true(json_object_get(in, "all"));
    const char *source = json_string_value(json_object_get(in, "source"));

    if (!all && !source) {
        ctl_refuse(r, "nothing named: give an address such as 192.0.2.7, or all");
        return;
    }
    bool cleared = sources_clear(e->sources, all ? NULL : source);
    ctl_reply(r, json_pack("{s:b, s:i}", "ok", 1, "cleared", cleared ? 1 : 0));
}

/* Traces and the switch of remote access; the rest needs a restart. */
static void do_reload(struct edge *e, struct ctl_request *r, json_t *in)
{
    struct str text = str_from_c(json_string_value(json_object_get(in, "config")));
    struct buf why = { 0 };
    struct conf *c = conf_parse(text, e->conf->file, &why);

    if (c) {
        for (int i = 0; i < TRACE_COMPONENT_COUNT; i++)
            trace_set((enum trace_component)i, c->trace.level[i], c->trace.flags[i]);
        atomic_store(&e->remote_access, c->edge.remote_access);
        conf_free(c);
        ctl_reply(r, json_pack("{s:b}", "ok", 1));
    } else {
        ctl_refuse(r, "%.*s", STR_ARG(buf_str(&why)));
    }
    buf_fini(&why);
}

void edge_control(void *arg, struct ctl_request *r, json_t *in)
{
    struct edge *e = arg;
    struct str what = str_from_c(json_string_value(json_object_get(in, "do")));

    if (str_eq(what, STR("status"))) {
        do_status(e, r);
    } else if (str_eq(what, STR("budget-list"))) {
        do_budget_list(e, r);
    } else if (str_eq(what, STR("budget-clear"))) {
        do_budget_clear(e, r, in);
    } else if (str_eq(what, STR("trace"))) {
        trace_flush();
        ctl_trace(r, in);
    } else if (str_eq(what, STR("reload"))) {
        do_reload(e, r, in);
    } else if (str_eq(what, STR("flush"))) {
        trace_flush();
        ctl_reply(r, json_pack("{s:b}", "ok", 1));
    } else {
        ctl_refuse(r, "unknown request '%.*s'", STR_ARG(what));
    }
}
