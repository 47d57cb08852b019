/* SPDX-License-Identifier: MIT */
/* The report for people. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
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

static void row(const char *name, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* What stands in a directory may be anything: nothing of it steers the terminal. */
static void row(const char *name, const char *fmt, ...)
{
    va_list args;
    char *text;

    va_start(args, fmt);
    if (vasprintf(&text, fmt, args) < 0)
        abort();
    va_end(args);
    for (char *c = text; *c; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7F)
            *c = '?';
    }
    printf("%-18s%s\n", name, text);
    free(text);
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
    const struct ntlm_policy *p = directory_policy(r, STR_NONE, &name);
    struct buf bits = { 0 };

    ntlm_policy_bits_print(p->min_server_sec, &bits);
    row("policy", "%.*s: of NTLM %.*s, LmCompatibilityLevel %u, signatures from version %u on%s",
        STR_ARG(name), STR_ARG(buf_str(&bits)), p->lm_compatibility, p->min_sipae_version,
        p->mode == NTLM_POLICY_AUDIT ? "; audited only" : "");
    directory_other_policies(r, print_other_policy, NULL);
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
