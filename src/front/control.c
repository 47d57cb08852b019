/* SPDX-License-Identifier: MIT */
#include "front/control.h"

#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "conf/ctl_answers.h"
#include "diag/trace.h"
#include "front/front_internal.h"
#include "front/mail.h"

/* A request that waits for all workers (or for one). */
struct pending {
    struct ctl_request *request;
    unsigned waiting;
    struct ntlm_policy_set *policy; /* becomes the front's when all have it */
    json_t *sessions;
};

static struct pending *pending_new(struct ctl_request *r, unsigned waiting)
{
    struct pending *p = calloc(1, sizeof(*p));
    assert(p && waiting > 0);
    p->request = r;
    p->waiting = waiting;
    return p;
}

static json_t *text(struct str s)
{
    return json_stringn_nocheck(s.ptr, s.len);
}

static uint64_t sum(const struct front *f, size_t offset)
{
    uint64_t total = 0;
    for (unsigned i = 0; i < f->worker_count; i++) {
        const char *stats = (const char *)&f->workers[i]->stats;
        total += atomic_load_explicit((const atomic_uint_fast64_t *)(const void *)(stats + offset),
                                      memory_order_relaxed);
    }
    return total;
}

static const struct {
    const char *name;
    size_t offset;
} counters[] = {
    { "connections", offsetof(struct worker_stats, connections) },
    { "security_associations", offsetof(struct worker_stats, established) },
    { "half_open", offsetof(struct worker_stats, half_open) },
    { "half_open_evicted", offsetof(struct worker_stats, half_open_evicted) },
    { "endpoints", offsetof(struct worker_stats, endpoints) },
    { "users", offsetof(struct worker_stats, users) },
    { "requests", offsetof(struct worker_stats, requests) },
    { "signed_in", offsetof(struct worker_stats, signed_in) },
    { "refreshed", offsetof(struct worker_stats, refreshed) },
    { "refused", offsetof(struct worker_stats, refused) },
    { "bad_messages", offsetof(struct worker_stats, bad_messages) },
};

static void do_status(struct front *f, struct ctl_request *r)
{
    json_t *out = json_pack("{s:b, s:s, s:s, s:i, s:I}", "ok", 1, "role", "front", "version",
                            POSTERN_VERSION, "workers", (int)f->worker_count, "uptime_ms",
                            (json_int_t)(clock_mono_ms() - f->started_ms));
    for (size_t i = 0; i < ARRAY_LEN(counters); i++)
        json_object_set_new(out, counters[i].name,
                            json_integer((json_int_t)sum(f, counters[i].offset)));
    json_t *listen = json_array();
    for (const struct net_listener *l = NULL; (l = doors_next(&f->doors, l));)
        json_array_append_new(listen,
                              json_pack("{s:s, s:s, s:b, s:b}", "address", l->name, "transport",
                                        l->use_tls ? "TLS" : "TCP", "legacy_lane",
                                        l->tls_legacy != NULL, "for_edges", l->edge_link));
    json_object_set_new(out, "listeners", listen);
    json_object_set_new(out, "policy", json_string(f->conf->policy->preset));
    json_object_set_new(out, "trace_dropped", json_integer((json_int_t)trace_dropped()));
    json_object_set_new(out, "sandbox", ctl_sandbox_json());
    ctl_reply(r, out);
}

void control_spread_policy(struct front *f, const struct ntlm_policy_set *set, void *request)
{
    struct pending *p = pending_new(request, f->worker_count);
    p->policy = ntlm_policy_set_copy(set);
    for (unsigned i = 0; i < f->worker_count; i++) {
        struct mail_policy *m = calloc(1, sizeof(*m));
        assert(m);
        m->mail.kind = MAIL_POLICY;
        m->set = ntlm_policy_set_copy(set);
        m->request = p;
        mailbox_post(f->workers[i]->mailbox, &m->mail);
    }
}

static void do_policy_set(struct front *f, struct ctl_request *r, json_t *in)
{
    struct buf why = { 0 };
    struct ntlm_policy_set *set = ctl_policy_apply(f->conf->policy, in, &why);
    if (set) {
        control_spread_policy(f, set, r);
        ntlm_policy_set_free(set);
    } else {
        ctl_refuse(r, "%.*s", STR_ARG(buf_str(&why)));
    }
    buf_fini(&why);
}

static void do_sessions(struct front *f, struct ctl_request *r)
{
    struct pending *p = pending_new(r, f->worker_count);
    p->sessions = json_array();
    for (unsigned i = 0; i < f->worker_count; i++) {
        struct mail_control *m = calloc(1, sizeof(*m));
        assert(m);
        m->mail.kind = MAIL_LIST;
        m->request = p;
        mailbox_post(f->workers[i]->mailbox, &m->mail);
    }
}

static void do_kick(struct front *f, struct ctl_request *r, json_t *in)
{
    struct str uri = str_from_c(json_string_value(json_object_get(in, "uri")));
    struct str epid = str_from_c(json_string_value(json_object_get(in, "epid")));
    if (!str_starts_nocase(uri, STR("sip:"))) {
        ctl_refuse(r, "no user named: give a SIP address such as sip:ada@%s", f->conf->domain);
        return;
    }
    struct mail_remove *m = calloc(1, sizeof(*m) + uri.len + epid.len);
    assert(m);
    m->mail.kind = MAIL_REMOVE;
    m->event = OUT_UNREGISTERED;
    m->request = pending_new(r, 1);
    for (size_t i = 0; i < uri.len; i++)
        m->text[i] = to_lower(uri.ptr[i]);
    memcpy(m->text + uri.len, epid.ptr, epid.len);
    m->user_key = str_of(m->text, uri.len);
    m->epid = str_of(m->text + uri.len, epid.len);
    mailbox_post(f->workers[worker_of_user(f, m->user_key)]->mailbox, &m->mail);
}

/* Who looks at the switches next looks at the file: it is up to date by then. */
static void do_trace(struct ctl_request *r, json_t *in)
{
    trace_flush();
    ctl_trace(r, in);
}

/* A process in its sandbox opens no file: whoever asks brings the text of the configuration and of
 * the policy set at run time.  Policy and traces change; the rest needs a restart. */
static void do_reload(struct front *f, struct ctl_request *r, json_t *in)
{
    struct str text = str_from_c(json_string_value(json_object_get(in, "config")));
    struct str policy = str_from_c(json_string_value(json_object_get(in, "policy")));
    struct buf why = { 0 };
    struct conf *c = conf_parse(text, f->conf->file, &why);
    bool ok = c && (policy.len == 0 || conf_policy_override_parse(c, policy, "policy.conf", &why));
    for (int i = 0; ok && i < TRACE_COMPONENT_COUNT; i++)
        trace_set((enum trace_component)i, c->trace.level[i], c->trace.flags[i]);
    if (ok)
        control_spread_policy(f, c->policy, r);
    else
        ctl_refuse(r, "%.*s", STR_ARG(buf_str(&why)));
    if (c)
        conf_free(c);
    buf_fini(&why);
}

static void do_flush(struct ctl_request *r)
{
    trace_flush();
    ctl_reply(r, json_pack("{s:b}", "ok", 1));
}

void control_handle(void *arg, struct ctl_request *r, json_t *in)
{
    struct front *f = arg;
    struct str what = str_from_c(json_string_value(json_object_get(in, "do")));
    if (str_eq(what, STR("status")))
        do_status(f, r);
    else if (str_eq(what, STR("policy-show")))
        ctl_reply(r, ctl_policy_json(f->conf->policy));
    else if (str_eq(what, STR("policy-set")))
        do_policy_set(f, r, in);
    else if (str_eq(what, STR("sessions")))
        do_sessions(f, r);
    else if (str_eq(what, STR("kick")))
        do_kick(f, r, in);
    else if (str_eq(what, STR("trace")))
        do_trace(r, in);
    else if (str_eq(what, STR("reload")))
        do_reload(f, r, in);
    else if (str_eq(what, STR("flush")))
        do_flush(r);
    else
        ctl_refuse(r, "unknown request '%.*s'", STR_ARG(what));
}

static void ack_policy(struct front *f, struct mail_policy *m)
{
    struct pending *p = m->request;
    free(m);
    if (--p->waiting > 0)
        return;
    ntlm_policy_set_free(f->conf->policy);
    f->conf->policy = p->policy;
    if (p->request)
        ctl_reply(p->request, ctl_policy_json(f->conf->policy));
    free(p);
}

static void add_sessions(json_t *list, struct str rows)
{
    while (rows.len > 0) {
        struct str row = str_take_until(&rows, '\n');
        struct str user = str_take_until(&row, '\t'), epid = str_take_until(&row, '\t');
        struct str instance = str_take_until(&row, '\t'), contact = str_take_until(&row, '\t');
        struct str where = str_take_until(&row, '\t');
        uint64_t expires_ms = 0, now = clock_mono_ms();
        str_to_u64(row, &expires_ms);
        json_array_append_new(
            list,
            json_pack("{s:o, s:o, s:o, s:o, s:o, s:I}", "uri", text(user), "epid", text(epid),
                      "instance", text(instance), "contact", text(contact), "where", text(where),
                      "expires", (json_int_t)(expires_ms > now ? (expires_ms - now) / 1000 : 0)));
    }
}

static void ack_list(struct mail_control *m)
{
    struct pending *p = m->request;
    add_sessions(p->sessions, buf_str(&m->text));
    buf_fini(&m->text);
    free(m);
    if (--p->waiting > 0)
        return;
    ctl_reply(p->request, json_pack("{s:b, s:o}", "ok", 1, "sessions", p->sessions));
    free(p);
}

static void ack_remove(struct mail_remove *m)
{
    struct pending *p = m->request;
    ctl_reply(p->request, json_pack("{s:b, s:i}", "ok", 1, "removed", (int)m->removed));
    free(p);
    free(m);
}

void control_mail(void *arg, struct mail *m)
{
    struct front *f = arg;
    switch ((enum mail_kind)m->kind) {
    case MAIL_POLICY:
        ack_policy(f, (struct mail_policy *)m);
        break;
    case MAIL_LIST:
        ack_list((struct mail_control *)m);
        break;
    case MAIL_REMOVE:
        ack_remove((struct mail_remove *)m);
        break;
    default:
        assert(false && "only acknowledgements come to the control thread");
    }
}
