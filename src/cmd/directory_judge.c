/* SPDX-License-Identifier: MIT */
/* What a sign-in would come to, and what to do about it. */
#include "ad/status.h"
#include "cmd/directory_report.h"
#include "users/rules.h"

/* --- the two ways to prove who one is --- */

static enum fault ntlm_proof(const struct directory_report *r, const struct directory_person *p)
{
    const struct ad_status_of of = { .ntlmv2 = true, .authoritative = true };

    if (directory_is_ad(r->conf))
        return r->winbind.fault != FAULT_NONE ? r->winbind.fault
                                              : ad_status_fault(ad_facts_ntstatus(&p->facts), of);
    if (user_is_locked(&p->user, r->now))
        return FAULT_USER_LOCKED;
    return user_check_account(&p->user, r->now);
}

/* From the embedded directory the KDC is nobody we know. */
static enum fault kerberos_proof(const struct directory_report *r, const struct directory_person *p)
{
    enum fault fault = r->keytab.fault;

    if (fault == FAULT_NONE && directory_is_ad(r->conf))
        fault = ad_facts_ticket(&p->facts);
    return fault != FAULT_NONE ? fault : user_check_ticket(&p->user, r->now);
}

/* Who asks by an address is asked whether somebody may use it; else it is their own. */
static struct str from_of(const struct directory_report *r, const struct directory_person *p)
{
    struct str asked = str_from_c(r->asked);

    return str_starts_nocase(asked, STR("sip:")) ? asked : str_from_c(p->user.uri);
}

static enum fault with(enum fault proof, const struct directory_report *r, bool remote)
{
    const struct directory_person *p = &r->people[0];

    return proof != FAULT_NONE ? proof : user_check_sip(&p->user, p->shared, from_of(r, p), remote);
}

static bool is_closed(const struct conf *c, bool remote)
{
    return remote && conf_has_edge(c) && !c->edge.remote_access;
}

struct directory_verdict directory_judge(const struct directory_report *r, bool remote)
{
    struct directory_verdict v = { .kerberos_offered = !remote && directory_has_kerberos(r->conf) };

    if (r->fault != FAULT_NONE) {
        v.kerberos = v.ntlm = r->fault;
    } else if (is_closed(r->conf, remote)) {
        v.kerberos = v.ntlm = FAULT_REMOTE_ACCESS_OFF;
    } else if (r->count == 0) {
        v.kerberos = v.ntlm = FAULT_USER_UNKNOWN;
    } else {
        v.kerberos = with(kerberos_proof(r, &r->people[0]), r, remote);
        v.ntlm = with(ntlm_proof(r, &r->people[0]), r, remote);
    }
    if (!v.kerberos_offered)
        v.kerberos = FAULT_KERBEROS_FROM_OUTSIDE;
    v.possible = v.ntlm == FAULT_NONE || (v.kerberos_offered && v.kerberos == FAULT_NONE);
    v.fault = v.possible ? FAULT_NONE : v.ntlm;
    return v;
}

/* --- in words --- */

/* Nobody typed a password here. */
const char *directory_text(enum fault f)
{
    static const struct str known = { "the password is right, but ", 27 };
    const char *text = fault_row(f)->text;

    return str_starts(str_from_c(text), known) ? text + known.len : text;
}

static void advice_enabled(const struct conf_ad *a, struct buf *out)
{
    if (a->enabled_attribute[0])
        buf_printf(out, "set %s to TRUE", a->enabled_attribute);
    if (a->enabled_group[0])
        buf_printf(out, "%smake it a member of %s", out->len ? ", or " : "", a->enabled_group);
    if (out->len == 0)
        buf_printf(out, "give it an address in %s", a->address_attribute);
}

static void advice_remote(const struct conf_ad *a, struct buf *out)
{
    if (a->remote_attribute[0])
        buf_printf(out, "set %s to TRUE", a->remote_attribute);
    if (a->remote_group[0])
        buf_printf(out, "%smake it a member of %s", out->len ? ", or " : "", a->remote_group);
    if (out->len == 0)
        buf_add_c(out, "name a remote_attribute or remote_group in [directory]");
}

/* What an administrator of Active Directory does, where the catalogue tells that of the embedded
 * directory. */
static const char *ad_advice(enum fault f)
{
    switch (f) {
    case FAULT_USER_UNKNOWN:
        return "see that [directory] address_attribute and ad_base fit, and that ad_user may read "
               "the account";
    case FAULT_USER_DISABLED:
        return "enable the account in Active Directory";
    case FAULT_USER_LOCKED:
        return "wait for the lockout to pass, or unlock the account in Active Directory";
    case FAULT_USER_EXPIRED:
        return "extend the account in Active Directory (accountExpires)";
    case FAULT_USER_MUST_CHANGE:
        return "let the user change it: inside, at a Windows sign-in";
    case FAULT_USER_URI_NOT_THEIRS:
        return "sign in with the account's own SIP address";
    default:
        return NULL;
    }
}

void directory_advice(const struct conf *c, enum fault f, struct buf *out)
{
    bool ad = directory_is_ad(c);

    if (f == FAULT_DIRECTORY_LDAP)
        buf_add_c(out, "see that a domain controller runs, that this machine reaches its port 389 "
                       "or 636, and that ad_bind, ad_user and its keytab or password are right");
    else if (f == FAULT_USER_URI_SHARED)
        buf_add_c(out, "give all but one of them another address");
    else if (ad && f == FAULT_USER_NOT_SIP_ENABLED)
        advice_enabled(&c->ad, out);
    else if (ad && f == FAULT_REMOTE_ACCESS_NOT_ENABLED)
        advice_remote(&c->ad, out);
    else
        buf_add_c(out, ad && ad_advice(f) ? ad_advice(f) : fault_row(f)->advice);
}
