/* SPDX-License-Identifier: MIT */
/* The report as one JSON object for programs. */
#include <jansson.h>
#include <stdio.h>

#include "cmd/directory_report.h"

static json_t *text_json(const char *text)
{
    return text && text[0] ? json_string_nocheck(text) : json_null();
}

static json_t *str_json(struct str s)
{
    return s.len ? json_stringn_nocheck(s.ptr, s.len) : json_null();
}

static json_t *time_json(int64_t when)
{
    return when ? json_integer(when) : json_null();
}

static void set_facts(json_t *o, const struct ad_facts *f)
{
    json_object_set_new(o, "password_expired", json_boolean(f->password_expired));
    json_object_set_new(o, "password_expires", time_json(f->password_expires));
    json_object_set_new(o, "logon_hours_limited", json_boolean(f->hours_limited));
    json_object_set_new(o, "outside_logon_hours", json_boolean(f->outside_hours));
    json_object_set_new(o, "workstations", text_json(f->workstations));
    json_object_set_new(o, "protected_user",
                        f->groups_known ? json_boolean(f->protected_user) : json_null());
    json_object_set_new(o, "smart_card", json_boolean(f->smart_card));
    json_object_set_new(o, "home_server", text_json(f->home_server));
    json_object_set_new(o, "option_flags", f->has_options ? json_integer(f->options) : json_null());
}

static json_t *person_json(const struct directory_report *r, const struct directory_person *p)
{
    const struct user *u = &p->user;
    json_t *o = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "name", text_json(u->name), "domain",
                          text_json(u->domain), "entry", text_json(p->dn), "uri", text_json(u->uri),
                          "display", text_json(u->display), "upn", text_json(u->upn));

    json_object_set_new(o, "address_shared", json_boolean(p->shared));
    json_object_set_new(o, "sip_enabled", json_boolean(u->flags & USER_SIP_ENABLED));
    json_object_set_new(o, "remote_access", json_boolean(u->flags & USER_REMOTE_ACCESS));
    json_object_set_new(o, "federation", json_boolean(u->flags & USER_FEDERATION));
    json_object_set_new(o, "disabled", json_boolean(u->flags & USER_DISABLED));
    json_object_set_new(o, "locked", json_boolean(user_is_locked(u, r->now)));
    json_object_set_new(o, "must_change", json_boolean(u->flags & USER_MUST_CHANGE));
    json_object_set_new(o, "expires", time_json(u->expires));
    json_object_set_new(o, "expired", json_boolean(u->expires && u->expires <= r->now));
    if (p->dn)
        set_facts(o, &p->facts);
    return o;
}

static json_t *people_json(const struct directory_report *r)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < r->count; i++)
        json_array_append_new(list, person_json(r, &r->people[i]));
    return list;
}

static json_t *tried_json(const struct directory_report *r)
{
    json_t *list = json_array();
    struct str rest = str_trim(buf_str(&r->tried));

    while (rest.len > 0)
        json_array_append_new(list, str_json(str_take_until(&rest, '\n')));
    return list;
}

static void add_other_policy(void *arg, struct str network, struct str name)
{
    json_array_append_new(
        arg, json_pack("{s:o, s:o}", "network", str_json(network), "name", str_json(name)));
}

static json_t *policy_json(const struct directory_report *r)
{
    struct str name;
    const struct ntlm_policy *p = directory_policy(r, STR_NONE, &name);
    struct buf bits = { 0 };
    json_t *others = json_array();

    ntlm_policy_bits_print(p->min_server_sec, &bits);
    directory_other_policies(r, add_other_policy, others);
    json_t *o =
        json_pack("{s:o, s:o, s:i, s:i, s:s, s:o}", "name", str_json(name), "ntlm_min_server_sec",
                  str_json(buf_str(&bits)), "lm_compatibility", (int)p->lm_compatibility,
                  "min_sipae_version", (int)p->min_sipae_version, "mode",
                  p->mode == NTLM_POLICY_AUDIT ? "audit" : "enforce", "elsewhere", others);
    buf_fini(&bits);
    return o;
}

static json_t *fault_json(enum fault f)
{
    return f == FAULT_NONE ? json_null() : json_string(fault_name(f));
}

static json_t *winbind_json(const struct directory_report *r)
{
    const struct ad_winbind_state *w = &r->winbind;

    if (!directory_is_ad(r->conf) || r->fault != FAULT_NONE)
        return json_null();
    return json_pack("{s:b, s:o, s:o, s:o, s:b, s:b, s:o, s:o}", "answers", w->answers, "computer",
                     text_json(w->names.nb_computer), "domain", text_json(w->names.nb_domain),
                     "dns_domain", text_json(w->names.dns_domain), "privileged_pipe", w->privileged,
                     "domain_controller", w->dc_answers, "fault", fault_json(w->fault), "detail",
                     text_json(w->detail));
}

static json_t *keytab_json(const struct directory_report *r)
{
    const struct directory_keytab *t = &r->keytab;
    json_t *keys = json_array();

    if (!directory_has_kerberos(r->conf)) {
        json_decref(keys);
        return json_null();
    }
    for (unsigned i = 0; i < t->count; i++)
        json_array_append_new(keys, json_pack("{s:o, s:i, s:o}", "principal",
                                              text_json(t->keys[i].principal), "version",
                                              (int)t->keys[i].kvno, "kind",
                                              text_json(t->keys[i].enctype)));
    return json_pack("{s:s, s:s, s:o, s:o, s:o}", "file", r->conf->kerberos.keytab, "service",
                     r->conf->kerberos.service, "fault", fault_json(t->fault), "detail",
                     str_json(buf_str(&t->why)), "keys", keys);
}

static json_t *verdict_json(const struct directory_report *r, bool remote)
{
    struct directory_verdict v = directory_judge(r, remote);
    struct buf advice = { 0 };

    if (!v.possible)
        directory_advice(r->conf, v.fault, &advice);
    json_t *o = json_pack("{s:b, s:o, s:o, s:o, s:{s:b, s:o}}", "possible", v.possible, "fault",
                          fault_json(v.fault), "text",
                          v.possible ? json_null() : text_json(directory_text(v.fault)), "advice",
                          str_json(buf_str(&advice)), "ntlm", "possible", v.ntlm == FAULT_NONE,
                          "fault", fault_json(v.ntlm));
    json_object_set_new(o, "kerberos",
                        v.kerberos_offered
                            ? json_pack("{s:b, s:o}", "possible", v.kerberos == FAULT_NONE, "fault",
                                        fault_json(v.kerberos))
                            : json_null());
    buf_fini(&advice);
    return o;
}

void directory_print_json(const struct directory_report *r)
{
    json_t *o = json_pack("{s:s, s:s, s:b, s:o, s:o}", "asked", r->asked, "source", r->conf->source,
                          "reachable", r->fault == FAULT_NONE, "server", text_json(r->server),
                          "tried", tried_json(r));

    json_object_set_new(o, "accounts", people_json(r));
    json_object_set_new(o, "policy", policy_json(r));
    json_object_set_new(o, "winbind", winbind_json(r));
    json_object_set_new(o, "keytab", keytab_json(r));
    json_object_set_new(o, "inside", verdict_json(r, false));
    json_object_set_new(o, "outside", verdict_json(r, true));
    json_dumpf(o, stdout, JSON_COMPACT);
    puts("");
    json_decref(o);
}
