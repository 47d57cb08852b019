/* SPDX-License-Identifier: MIT */
/* The report as text for people and as one JSON object for programs. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "cmd/directory_report.h"

static const char *yes_no(bool yes)
{
    return yes ? "yes" : "no";
}

static const char *time_text(int64_t when, char out[32])
{
    time_t t = (time_t)when;
    struct tm tm;

    localtime_r(&t, &tm);
    strftime(out, 32, "%Y-%m-%d %H:%M", &tm);
    return out;
}

/* --- which policy they are measured by --- */

static const struct ntlm_policy *policy_of(const struct directory_report *r, struct str address,
                                           struct str *name)
{
    struct str uri = str_from_c(r->count ? r->people[0].user.uri : "");

    return ntlm_policy_select(r->conf->policy, uri, address, r->day, name);
}

static void network_text(const struct ntlm_network *n, struct buf *out)
{
    char text[INET6_ADDRSTRLEN] = "";

    inet_ntop(n->len == 4 ? AF_INET : AF_INET6, n->addr, text, sizeof(text));
    buf_printf(out, "%s/%u", text, n->bits);
}

/* Networks from where another policy holds, each told to `each`. */
static void other_policies(const struct directory_report *r,
                           void (*each)(void *arg, struct str network, struct str name), void *arg)
{
    const struct ntlm_policy_set *set = r->conf->policy;
    struct str base, name;

    policy_of(r, STR_NONE, &base);
    for (unsigned i = 0; i < set->exception_count; i++) {
        const struct ntlm_policy_exception *e = &set->exceptions[i];
        for (unsigned k = 0; k < e->network_count; k++) {
            struct buf text = { 0 };
            policy_of(r, str_of(e->networks[k].addr, e->networks[k].len), &name);
            network_text(&e->networks[k], &text);
            if (str_eq(name, str_from_c(e->name)) && !str_eq(name, base))
                each(arg, buf_str(&text), name);
            buf_fini(&text);
        }
    }
}

/* --- text --- */

static void row(const char *name, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void row(const char *name, const char *fmt, ...)
{
    va_list args;

    printf("%-18s", name);
    va_start(args, fmt);
    vprintf(fmt, args);
    va_end(args);
    puts("");
}

static void print_source(const struct directory_report *r)
{
    const struct conf_ad *a = &r->conf->ad;
    struct str tried = str_trim(buf_str(&r->tried));

    if (!directory_is_ad(r->conf)) {
        row("directory", "embedded: %s", r->server);
        return;
    }
    row("directory", "Active Directory: %s answers; bound as %s (%s)", r->server,
        a->user[0] ? a->user : "the keytab's first account", a->bind);
    while (tried.len > 0) {
        struct str line = str_take_until(&tried, '\n');
        row("", "%.*s", STR_ARG(line));
    }
}

static unsigned count_sharing(const struct directory_report *r)
{
    unsigned n = 0;

    for (unsigned i = 0; i < r->count; i++)
        n += r->people[i].shared;
    return n;
}

static void print_address(const struct directory_report *r)
{
    unsigned sharing = count_sharing(r);
    const struct user *u = &r->people[0].user;

    if (r->count == 0) {
        row("account", "nobody is called %s", r->asked);
        return;
    }
    row("address", "%s%s", u->uri[0] ? u->uri : "none",
        !u->uri[0] ? ""
        : sharing  ? ": more than one account has it"
        : r->count ? ": one account has it"
                   : "");
    for (unsigned i = 0; sharing && i < r->count; i++)
        row("", "%s\\%s%s%s", r->people[i].user.domain, r->people[i].user.name,
            r->people[i].dn ? ", " : "", r->people[i].dn ? r->people[i].dn : "");
}

static void print_state(const struct directory_report *r, const struct directory_person *p)
{
    const struct user *u = &p->user;
    char text[32];

    row("  disabled", "%s", yes_no(u->flags & USER_DISABLED));
    row("  locked", "%s", yes_no(user_is_locked(u, r->now)));
    row("  expires", "%s%s", u->expires ? time_text(u->expires, text) : "never",
        u->expires && u->expires <= r->now ? ": it has" : "");
    if (u->flags & USER_MUST_CHANGE)
        row("  password", "must be changed");
    else if (p->facts.password_expired)
        row("  password", "has expired");
    else
        row("  password", "good%s%s", p->facts.password_expires ? " until " : "",
            p->facts.password_expires ? time_text(p->facts.password_expires, text) : "");
}

static void print_facts(const struct ad_facts *f)
{
    row("  logon hours", "%s",
        !f->hours_limited  ? "any"
        : f->outside_hours ? "limited, and not now"
                           : "limited; now is one of them");
    row("  workstations", "%s", f->workstations[0] ? f->workstations : "any");
    row("  Protected Users", "%s",
        !f->groups_known    ? "not known: ad_user may not read tokenGroups"
        : f->protected_user ? "yes: no NTLM"
                            : "no");
    row("  smart card", "%s", f->smart_card ? "required: no NTLM" : "not required");
    row("  home server", "%s", f->home_server[0] ? f->home_server : "not set");
    if (f->has_options)
        row("  option flags", "%" PRIu32 "%s", f->options,
            f->options & 256 ? "" : ": without 256, enhanced presence");
}

static void print_person(const struct directory_report *r, const struct directory_person *p)
{
    const struct user *u = &p->user;

    if (u->name[0])
        row("account", "%s\\%s", u->domain, u->name);
    else
        row("account", "a contact, for the account of another forest");
    if (p->dn)
        row("  entry", "%s", p->dn);
    row("  SIP address", "%s", u->uri[0] ? u->uri : "-");
    row("  display name", "%s", u->display[0] ? u->display : "-");
    row("  UPN", "%s", u->upn[0] ? u->upn : "-");
    row("  enabled for SIP", "%s", yes_no(u->flags & USER_SIP_ENABLED));
    row("  remote access", "%s", yes_no(u->flags & USER_REMOTE_ACCESS));
    row("  federation", "%s", yes_no(u->flags & USER_FEDERATION));
    print_state(r, p);
    if (p->dn)
        print_facts(&p->facts);
}

static void print_other_policy(void *arg, struct str network, struct str name)
{
    (void)arg;
    row("", "from %.*s: \"%.*s\"", STR_ARG(network), STR_ARG(name));
}

static void print_policy(const struct directory_report *r)
{
    struct str name;
    const struct ntlm_policy *p = policy_of(r, STR_NONE, &name);
    struct buf bits = { 0 };

    ntlm_policy_bits_print(p->min_server_sec, &bits);
    row("policy", "%.*s: of NTLM %.*s, LmCompatibilityLevel %u, signatures from version %u on%s",
        STR_ARG(name), STR_ARG(buf_str(&bits)), p->lm_compatibility, p->min_sipae_version,
        p->mode == NTLM_POLICY_AUDIT ? "; audited only" : "");
    other_policies(r, print_other_policy, NULL);
    buf_fini(&bits);
}

static void print_winbind(const struct directory_report *r)
{
    const struct ad_winbind_state *w = &r->winbind;

    if (!w->answers)
        row("winbind", "winbindd does not answer (%s)", w->detail);
    else
        row("winbind", "%s in %s (%s); privileged pipe: %s; domain controller: %s",
            w->names.nb_computer, w->names.nb_domain, w->names.dns_domain,
            w->privileged ? "usable" : "not known to be usable",
            w->dc_answers ? "answers" : "does not answer");
    if (w->answers && w->fault != FAULT_NONE)
        row("", "%s (%s)", directory_text(w->fault), w->detail);
}

static void print_keytab(const struct directory_report *r)
{
    const struct directory_keytab *t = &r->keytab;
    const char *path = r->conf->kerberos.keytab;

    if (!directory_has_kerberos(r->conf)) {
        row("keytab", "none: [kerberos] keytab is not set");
        return;
    }
    if (t->fault == FAULT_KERBEROS_KEYTAB) {
        row("keytab", "%.*s", STR_ARG(buf_str(&t->why)));
        return;
    }
    row("keytab", "%s: %s%s", path, t->fault == FAULT_NONE ? "has " : "has no ",
        r->conf->kerberos.service);
    for (unsigned i = 0; i < t->count; i++)
        row("", "%s, version %u, %s", t->keys[i].principal, t->keys[i].kvno, t->keys[i].enctype);
}

static void because(const struct directory_report *r, enum fault f, struct buf *out)
{
    buf_printf(out, "%s (%s): ", directory_text(f), fault_name(f));
    struct buf advice = { 0 };
    directory_advice(r->conf, f, &advice);
    buf_add(out, buf_str(&advice));
    buf_fini(&advice);
}

static void possible(const struct directory_report *r, const struct directory_verdict *v,
                     struct buf *out)
{
    const char *with = v->kerberos_offered && v->kerberos == FAULT_NONE
                           ? v->ntlm == FAULT_NONE ? "Kerberos and NTLM" : "Kerberos"
                           : "NTLM";
    const struct ad_facts *f = &r->people[0].facts;

    buf_printf(out, "could sign in, with %s", with);
    if (f->workstations[0])
        buf_printf(out, ", from these workstations only: %s", f->workstations);
    if (v->ntlm != FAULT_NONE)
        buf_printf(out, "; not with NTLM: %s (%s)", directory_text(v->ntlm), fault_name(v->ntlm));
    if (v->kerberos_offered && v->kerberos != FAULT_NONE)
        buf_printf(out, "; not with Kerberos: %s (%s)", directory_text(v->kerberos),
                   fault_name(v->kerberos));
}

static void print_verdict(const struct directory_report *r, const char *where, bool remote)
{
    struct directory_verdict v = directory_judge(r, remote);
    struct buf text = { 0 };

    if (v.possible) {
        possible(r, &v, &text);
    } else {
        buf_add_c(&text, "could not sign in, because ");
        because(r, v.fault, &text);
    }
    row(where, "%.*s", STR_ARG(buf_str(&text)));
    buf_fini(&text);
}

void directory_print_text(const struct directory_report *r)
{
    print_source(r);
    print_address(r);
    for (unsigned i = 0; i < r->count && (i == 0 || r->people[i].shared); i++)
        print_person(r, &r->people[i]);
    print_policy(r);
    if (directory_is_ad(r->conf))
        print_winbind(r);
    print_keytab(r);
    print_verdict(r, "inside", false);
    print_verdict(r, "outside", true);
}

/* --- JSON --- */

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
    const struct ntlm_policy *p = policy_of(r, STR_NONE, &name);
    struct buf bits = { 0 };
    json_t *others = json_array();

    ntlm_policy_bits_print(p->min_server_sec, &bits);
    other_policies(r, add_other_policy, others);
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
