/* SPDX-License-Identifier: MIT */
#include "authd/control.h"

#include <unistd.h>

#include "authd/authd_internal.h"
#include "authd/budget_control.h"
#include "base/clock.h"
#include "conf/ctl_answers.h"

static void add_count(json_t *o, const char *name, uint64_t value)
{
    json_object_set_new(o, name, json_integer((json_int_t)value));
}

static json_t *refusals(const struct authd *a)
{
    json_t *o = json_object();

    for (unsigned f = 1; f < FAULT_COUNT; f++) {
        if (a->verdicts[f])
            add_count(o, fault_name((enum fault)f), a->verdicts[f]);
    }
    return o;
}

static json_t *embedded_directory(const struct authd *a)
{
    return json_pack("{s:s, s:s, s:s, s:i, s:I, s:I}", "source", a->conf->source, "database",
                     a->conf->database, "domain", a->conf->netbios_domain, "lockout_threshold",
                     (int)a->judge.lockout.rules.threshold, "lockouts_not_written",
                     (json_int_t)writer_dropped(a->writer), "writes_failed",
                     (json_int_t)writer_failed(a->writer));
}

static json_t *active_directory(const struct authd *a)
{
    struct ad_counts n;

    ad_counts(a->ad, &n);
    json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:b, s:b}", "source", a->conf->source, "domain",
                          a->conf->netbios_domain, "dns_domain", a->conf->ad.domain, "server",
                          n.server, "ldap_down", n.ldap_down, "winbind_down", n.winbind_down);
    add_count(o, "down_since", (uint64_t)n.down_since);
    add_count(o, "asked", n.asked);
    add_count(o, "from_cache", n.cached);
    add_count(o, "searches", n.searches);
    add_count(o, "logons", n.logons);
    add_count(o, "deadlines", n.deadlines);
    add_count(o, "respawned", n.respawned);
    add_count(o, "refused_busy", n.refused_busy);
    add_count(o, "cache_entries", n.cache_entries);
    add_count(o, "waiting", n.waiting);
    add_count(o, "children", n.children);
    return o;
}

static void do_status(struct authd *a, struct ctl_request *r)
{
    struct link_counts k = link_counts(a->link);
    json_t *o =
        json_pack("{s:b, s:s, s:s, s:i, s:I}", "ok", 1, "role", "authd", "version", POSTERN_VERSION,
                  "pid", (int)getpid(), "uptime_ms", (json_int_t)(clock_mono_ms() - a->started_ms));

    add_count(o, "peers", k.peers);
    add_count(o, "peers_refused", k.refused_peers);
    add_count(o, "messages", k.received);
    add_count(o, "messages_cut", k.cut);
    add_count(o, "messages_unreadable", a->unreadable);
    add_count(o, "questions_late", a->late_questions);
    add_count(o, "answers_late", k.late);
    add_count(o, "signed_in", a->verdicts[FAULT_NONE]);
    add_count(o, "audited", a->audited);
    add_count(o, "lookups", a->lookups);
    add_count(o, "directory_lookups", a->judge.directory_lookups);
    add_count(o, "budget_refused", a->judge.budget.refused);
    json_object_set_new(o, "budget", budget_control_status(a));
    json_object_set_new(o, "refused", refusals(a));
    json_object_set_new(o, "policy", json_string(a->conf->policy->preset));
    json_object_set_new(o, "directory", a->ad ? active_directory(a) : embedded_directory(a));
    json_object_set_new(o, "kerberos", json_boolean(a->acceptor != NULL));
    json_object_set_new(o, "trace_dropped", json_integer((json_int_t)trace_dropped()));
    json_object_set_new(o, "sandbox", ctl_sandbox_json());
    ctl_reply(r, o);
}

static void refuse(struct ctl_request *r, struct buf *why)
{
    ctl_refuse(r, "%.*s", STR_ARG(str_trim(buf_str(why))));
    buf_fini(why);
}

/* Kept first, then in force: what was acknowledged survives a restart. */
static void do_policy_set(struct authd *a, struct ctl_request *r, const json_t *in)
{
    struct buf why = { 0 };
    struct ntlm_policy_set *set = ctl_policy_apply(a->conf->policy, in, &why);

    if (!set || !conf_policy_override_save(a->conf, set, &why)) {
        if (set)
            ntlm_policy_set_free(set);
        refuse(r, &why);
        return;
    }
    authd_set_policy(a, set);
    ctl_reply(r, ctl_policy_json(a->conf->policy));
}

static void do_reload(struct authd *a, struct ctl_request *r)
{
    struct buf why = { 0 };

    if (authd_reload(a, &why))
        ctl_reply(r, json_pack("{s:b}", "ok", 1));
    else
        refuse(r, &why);
}

void authd_control(void *arg, struct ctl_request *r, json_t *in)
{
    struct authd *a = arg;
    struct str what = str_from_c(json_string_value(json_object_get(in, "do")));

    if (str_eq(what, STR("status"))) {
        do_status(a, r);
    } else if (str_eq(what, STR("policy-show"))) {
        ctl_reply(r, ctl_policy_json(a->conf->policy));
    } else if (str_eq(what, STR("policy-set"))) {
        do_policy_set(a, r, in);
    } else if (str_eq(what, STR("budget-list"))) {
        budget_control_list(a, r);
    } else if (str_eq(what, STR("budget-clear"))) {
        budget_control_clear(a, r, in);
    } else if (str_eq(what, STR("reload"))) {
        do_reload(a, r);
    } else if (str_eq(what, STR("trace"))) {
        ctl_trace(r, in);
    } else if (str_eq(what, STR("flush"))) {
        trace_flush();
        ctl_reply(r, json_pack("{s:b}", "ok", 1));
    } else {
        ctl_refuse(r, "unknown request '%.*s'", STR_ARG(what));
    }
}
