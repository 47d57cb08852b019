/* SPDX-License-Identifier: MIT */
#include "front/worker.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/table.h"
#include "diag/trace.h"
#include "front/behind.h"
#include "front/client_conn.h"
#include "front/dispatch.h"
#include "front/front_internal.h"
#include "front/mail.h"
#include "front/register.h"

enum { LINK_SEND_MAX = 16 << 20, TICK_MS = 100, SWEEP_TICKS = 10, ARENA_FIRST = 16384 };

unsigned worker_of_user(const struct front *f, struct str user_key)
{
    return f->worker_count == 1 ? 0 : (unsigned)(table_hash(user_key) % f->worker_count);
}

/* Which Edge it is that came. */
static void trace_link(struct conn *c)
{
    if (!trace_on(TRACE_SIPSTACK, TF_CONNECTION, TL_INFO))
        return;
    char local[NET_ADDR_TEXT], peer[NET_ADDR_TEXT];
    struct buf data = { 0 };
    net_addr_print(conn_local(c), local);
    net_addr_print(conn_peer(c), peer);
    buf_add_c(&data, "edge=\"");
    tls_peer_name(conn_tls(c), &data);
    buf_add_char(&data, '"');
    struct trace_connection r = { .level = TL_INFO,
                                  .text = "An Edge connected",
                                  .local_ip = str_from_c(local),
                                  .peer_ip = str_from_c(peer),
                                  .connection_id = conn_cid(c),
                                  .transport = conn_transport(c),
                                  .data = buf_str(&data) };
    trace_connection(TRACE_SIPSTACK, &r);
    buf_fini(&data);
}

static bool is_edge_link(const struct conn *c)
{
    return conn_listener(c)->edge_link;
}

static void on_open(void *arg, struct conn *c)
{
    struct worker *w = arg;
    if (is_edge_link(c)) {
        conn_set_user(c, edge_link_new(w, c));
        conn_set_send_max(c, LINK_SEND_MAX);
        trace_link(c);
    } else {
        conn_set_user(c, client_conn_new(w, conn_id(c), net_addr_bytes(conn_peer(c))));
    }
}

static void on_message(void *arg, struct conn *c, struct str whole, size_t head_len)
{
    dispatch_message(arg, c, whole, head_len);
}

static void on_broken(void *arg, struct conn *c, enum fault fault, struct str seen)
{
    dispatch_broken(arg, c, fault, seen);
}

/* Ends that are somebody's trouble are warnings; a client that hangs up is news at most. */
static enum trace_level level_of_end(enum fault why)
{
    switch (why) {
    case FAULT_NONE:
    case FAULT_ROUTE_PEER_CLOSED:
    case FAULT_ROUTE_PEER_RESET:
    case FAULT_ROUTE_IDLE:
    case FAULT_ROUTE_SHUTDOWN:
        return TL_INFO;
    default:
        return TL_WARN;
    }
}

static void trace_end(struct conn *c, enum fault why)
{
    enum trace_level level = level_of_end(why);
    if (!trace_on(TRACE_SIPSTACK, TF_CONNECTION, level))
        return;
    char local[NET_ADDR_TEXT], peer[NET_ADDR_TEXT];
    net_addr_print(conn_local(c), local);
    net_addr_print(conn_peer(c), peer);
    struct buf data = { 0 };
    if (conn_tls(c) && tls_fault(conn_tls(c)) != FAULT_NONE) {
        buf_printf(&data, "reason=\"%s\"; offer=\"", tls_reason(conn_tls(c)));
        tls_describe_offer(conn_tls(c), &data);
        buf_add_char(&data, '"');
    }
    struct trace_connection r = { .level = level,
                                  .fault = why,
                                  .text = why == FAULT_NONE ? "Connection closed"
                                                            : fault_row(why)->text,
                                  .local_ip = str_from_c(local),
                                  .peer_ip = str_from_c(peer),
                                  .connection_id = conn_cid(c),
                                  .transport = conn_transport(c),
                                  .data = buf_str(&data) };
    trace_connection(TRACE_SIPSTACK, &r);
    buf_fini(&data);
}

static void on_closed(void *arg, struct conn *c, enum fault why)
{
    (void)arg;
    trace_end(c, why);
    if (!conn_user(c))
        return; /* it ended before its handshake did */
    if (is_edge_link(c))
        edge_link_free(conn_user(c));
    else
        client_conn_free(conn_user(c));
    conn_set_user(c, NULL);
}

static void on_verdict(void *arg, struct job *job, const struct proto_verdict *v)
{
    dispatch_verdict(arg, job, v);
}

static void on_flags(void *arg, struct str user_key, const struct proto_flags *f)
{
    register_flags(arg, user_key, f);
}

static void keep_name(char **kept, struct str *name, struct str value)
{
    if (value.len == 0)
        return;
    free(*kept);
    *kept = str_own(value);
    *name = str_from_c(*kept);
}

/* The domain controller checks the names in an NTLMv2 response against those of the machine that
 * asks it: they are the joined machine's, not what our configuration made up. */
static void on_names(void *arg, const struct proto_names *n)
{
    struct worker *w = arg;
    struct ntlm_names *names = &w->auth.names;

    keep_name(&w->nb_computer, &names->nb_computer, n->nb_computer);
    keep_name(&w->nb_domain, &names->nb_domain, n->nb_domain);
    keep_name(&w->dns_domain, &names->dns_domain, n->dns_domain);
    keep_name(&w->dns_tree, &names->dns_tree, n->dns_tree);
    w->auth.is_joined = true;
}

static void take_policy(struct worker *w, struct mail_policy *m)
{
    ntlm_policy_set_free(w->policy);
    w->policy = m->set;
    w->auth.policy = m->set;
    m->set = NULL;
    mailbox_post(w->front->mailbox, &m->mail);
}

static void list_one(void *arg, const struct registrar_view *v)
{
    struct buf *out = arg;
    buf_printf(out, "%.*s\t%.*s\t%.*s\t%.*s\t%s\t%llu\n", STR_ARG(v->user_key), STR_ARG(v->epid),
               STR_ARG(v->instance), STR_ARG(v->contact_uri), v->remote ? "outside" : "inside",
               (unsigned long long)v->expires_ms);
}

static struct net_limits limits_of(const struct front *f)
{
    const struct conf *c = f->conf;
    return (struct net_limits){ .message_max = c->message_max,
                                .send_max = c->send_max,
                                .idle_s = c->idle_s,
                                .handshake_s = c->handshake_s,
                                .connections_max = c->connections_max };
}

static struct sa_limits sa_limits_of(const struct front *f)
{
    const struct conf *c = f->conf;
    return (struct sa_limits){ .half_open_max =
                                   (c->half_open_max + f->worker_count - 1) / f->worker_count,
                               .half_open_ms = (uint64_t)c->half_open_s * 1000,
                               .life_ms = (uint64_t)c->sa_life * 1000 };
}

static void on_mail(void *arg, struct mail *m)
{
    struct worker *w = arg;
    if (w->front->stopping && m->kind != MAIL_STOP) {
        mail_discard(m);
        return;
    }
    switch ((enum mail_kind)m->kind) {
    case MAIL_STOP:
        free(m);
        loop_stop(w->loop);
        break;
    case MAIL_POLICY:
        take_policy(w, (struct mail_policy *)m);
        break;
    case MAIL_REGISTER:
        register_at_owner(w, (struct mail_register *)m);
        break;
    case MAIL_REGISTER_DONE:
        register_done(w, (struct mail_register *)m);
        break;
    case MAIL_GONE:
        register_gone(w, (struct mail_gone *)m);
        break;
    case MAIL_OUT:
        register_out(w, (struct mail_out *)m);
        break;
    case MAIL_REMOVE:
        register_remove(w, (struct mail_remove *)m);
        break;
    case MAIL_LIST:
        registrar_list(w->registrar, list_one, &((struct mail_control *)m)->text);
        mailbox_post(w->front->mailbox, m);
        break;
    }
}

struct later {
    struct worker *w;
    struct loop_timer *timer;
    struct mail *mail;
    struct later *next;
};

static void deliver_later(void *arg)
{
    struct later *l = arg;
    struct worker *w = l->w;
    struct mail *m = l->mail;
    for (struct later **at = &w->later; *at; at = &(*at)->next)
        if (*at == l) {
            *at = l->next;
            break;
        }
    loop_timer_free(l->timer);
    free(l);
    on_mail(w, m);
}

void worker_later(struct worker *w, uint64_t after_ms, struct mail *m)
{
    struct later *l = calloc(1, sizeof(*l));
    assert(l);
    *l = (struct later){ .w = w, .mail = m, .next = w->later };
    w->later = l;
    l->timer = loop_timer_new(w->loop, deliver_later, l);
    loop_timer_set(l->timer, after_ms, 0);
}

/* Sign-ins given up at the limit: their clients are not the ones being answered just then, so it
 * is told once a tick, with the number. */
static void tell_evictions(struct worker *w)
{
    struct worker_stats *s = &w->stats;
    uint64_t total = sa_table_evicted(w->auth.sas);
    uint64_t told = atomic_load_explicit(&s->half_open_evicted, memory_order_relaxed);
    if (total == told)
        return;
    atomic_store_explicit(&s->half_open_evicted, total, memory_order_relaxed);
    struct buf data = { 0 };
    buf_printf(&data, "given-up=\"%llu\"", (unsigned long long)(total - told));
    struct trace_diag r = { .level = TL_WARN,
                            .fault = FAULT_SA_LIMIT,
                            .text = fault_row(FAULT_SA_LIMIT)->text,
                            .start_line = STR_NONE,
                            .call_id = STR_NONE,
                            .cseq = STR_NONE,
                            .peer = STR_NONE,
                            .data = buf_str(&data) };
    trace_diag(TRACE_SIPSTACK, &r);
    buf_fini(&data);
}

static void publish_stats(struct worker *w)
{
    struct worker_stats *s = &w->stats;
    tell_evictions(w);
    atomic_store_explicit(&s->connections, net_count(w->net), memory_order_relaxed);
    atomic_store_explicit(&s->established, sa_table_established(w->auth.sas), memory_order_relaxed);
    atomic_store_explicit(&s->half_open, sa_table_half_open(w->auth.sas), memory_order_relaxed);
    atomic_store_explicit(&s->endpoints, registrar_endpoints(w->registrar), memory_order_relaxed);
    atomic_store_explicit(&s->users, registrar_users(w->registrar), memory_order_relaxed);
}

/* By the clock on the wall here, as the day at which an exception ends is meant. */
static uint32_t today(void)
{
    time_t now = time(NULL);
    struct tm tm;
    localtime_r(&now, &tm);
    return (uint32_t)((tm.tm_year + 1900) * 10000 + (tm.tm_mon + 1) * 100 + tm.tm_mday);
}

/* Whoever is signed in is looked at again without doing anything: an account that is disabled, or
 * that may no longer come from outside, is out within a minute. */
static void look_again(void *arg, struct str user_key)
{
    ask_flags(((struct worker *)arg)->ask, user_key);
}

static void on_tick(void *arg)
{
    struct worker *w = arg;
    uint64_t now_ms = loop_now_ms(w->loop);
    ask_tick(w->ask, now_ms);
    registrar_some(w->registrar, w->front->conf->recheck * 1000 / TICK_MS, look_again, w);
    publish_stats(w);
    if (++w->ticks % SWEEP_TICKS != 0)
        return;
    w->day = today();
    sa_table_sweep(w->auth.sas, now_ms);
    registrar_sweep(w->registrar, now_ms);
    for (struct conn *c = NULL; w->behind.count > 0 && (c = net_next(w->net, c));)
        if (conn_user(c) && is_edge_link(c))
            edge_link_sweep(conn_user(c), now_ms);
}

static void init_auth(struct worker *w)
{
    const struct conf *c = w->front->conf;
    w->policy = ntlm_policy_set_copy(c->policy);
    struct sa_limits limits = sa_limits_of(w->front);
    struct str fqdn = str_from_c(c->fqdn);
    struct str host = str_first(fqdn, str_find_char(fqdn, '.'));
    w->nb_computer = str_own(str_first(host, 15));
    for (char *p = w->nb_computer; *p; p++)
        *p = (char)(*p >= 'a' && *p <= 'z' ? *p - 32 : *p);
    w->auth = (struct auth){ .realm = str_from_c(c->realm),
                             .targetname = fqdn,
                             .kerberos_service =
                                 c->kerberos.keytab[0] ? str_from_c(c->kerberos.service) : STR_NONE,
                             .names = { .nb_computer = str_from_c(w->nb_computer),
                                        .nb_domain = str_from_c(c->netbios_domain),
                                        .dns_computer = fqdn,
                                        .dns_domain = str_from_c(c->domain),
                                        .dns_tree = str_from_c(c->domain) },
                             .policy = w->policy,
                             .sas = sa_table_new(&limits) };
}

struct worker *worker_new(struct front *f, unsigned index)
{
    static const struct net_handler net_handler = {
        .open = on_open, .message = on_message, .broken = on_broken, .closed = on_closed
    };
    static const struct ask_handler ask_handler = { on_verdict, on_flags, on_names };
    struct worker *w = calloc(1, sizeof(*w));
    assert(w);
    w->front = f;
    w->index = index;
    w->day = today();
    w->loop = loop_new();
    w->mailbox = mailbox_new(w->loop, on_mail, w);
    struct net_limits limits = limits_of(f);
    w->net = net_new(w->loop, &limits, &net_handler, w, index);
    init_auth(w);
    snprintf(w->keep_alive, sizeof(w->keep_alive),
             "UAS; tcp=no; hop-hop=yes; end-end=no; timeout=%u", f->conf->keep_alive);
    w->registrar = registrar_new(f->conf->endpoints_per_user);
    struct ask_settings ask = { .path = f->authd_path,
                                .timeout_ms = f->conf->authd_timeout_ms,
                                .queue_max = f->conf->authd_queue };
    w->ask = ask_new(w->loop, &ask, &ask_handler, w);
    arena_init(&w->arena, ARENA_FIRST, f->conf->message_memory);
    w->tick = loop_timer_new(w->loop, on_tick, w);
    loop_timer_set(w->tick, TICK_MS, TICK_MS);
    return w;
}

static void *run(void *arg)
{
    struct worker *w = arg;
    trace_thread(w->index);
    loop_run(w->loop);
    return NULL;
}

bool worker_start(struct worker *w)
{
    return pthread_create(&w->thread, NULL, run, w) == 0;
}

void worker_join(struct worker *w)
{
    pthread_join(w->thread, NULL);
}

void worker_free(struct worker *w)
{
    while (w->later) {
        struct later *l = w->later;
        w->later = l->next;
        loop_timer_free(l->timer);
        mail_discard(l->mail);
        free(l);
    }
    mailbox_free(w->mailbox);
    ask_free(w->ask);
    net_free(w->net);
    loop_timer_free(w->tick);
    loop_free(w->loop);
    registrar_free(w->registrar);
    sa_table_free(w->auth.sas);
    ntlm_policy_set_free(w->policy);
    arena_fini(&w->arena);
    table_fini(&w->behind);
    buf_fini(&w->contacts);
    free(w->nb_computer);
    free(w->nb_domain);
    free(w->dns_domain);
    free(w->dns_tree);
    free(w);
}
