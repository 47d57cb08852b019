/* SPDX-License-Identifier: MIT */
#include "authd/judge.h"

#include <stdio.h>

#include "base/secret.h"
#include "base/utf16.h"
#include "ntlm/verify.h"
#include "users/name.h"

enum { NAMES_BUDGET = 16384 };

/* Whom the client says it is: UTF-8, whatever way it was written. */
struct claimed {
    struct str domain, name;
};

void judge_init(struct judge *j)
{
    *j = (struct judge){ 0 };
    budget_init(&j->budget);
    arena_init(&j->names, 4096, NAMES_BUDGET);
}

void judge_fini(struct judge *j)
{
    lockout_fini(&j->lockout);
    budget_fini(&j->budget);
    arena_fini(&j->names);
}

/* Names are UTF-16LE, or OEM when UNICODE was not agreed; of OEM only ASCII can be known. */
static struct str text_of(const struct ntlm_authenticate *a, struct str raw, struct arena *arena)
{
    return a->flags & NTLM_NEGOTIATE_UNICODE ? utf16_to_utf8_lossy(raw, arena) : raw;
}

static bool is_our_dns_domain(const struct judge *j, struct str domain)
{
    for (unsigned i = 0; i < j->domain_count; i++) {
        if (str_eq_nocase(domain, str_from_c(j->domains[i])))
            return true;
    }
    return false;
}

/* DOMAIN\name in one field, as some clients send it, is split.  Our DNS domain is our domain. */
static struct claimed normalised(const struct judge *j, struct claimed c)
{
    size_t slash = str_find_char(c.name, '\\');

    if (c.domain.len == 0 && slash != SIZE_MAX) {
        c.domain = str_first(c.name, slash);
        c.name = str_skip(c.name, slash + 1);
    }
    if (is_our_dns_domain(j, c.domain))
        c.domain = STR_NONE;
    return c;
}

static struct claimed claimed_of(struct judge *j, const struct ntlm_authenticate *a)
{
    arena_reset(&j->names);
    struct claimed c = { text_of(a, a->domain, &j->names), text_of(a, a->user, &j->names) };
    return normalised(j, c);
}

static enum store_status find(struct judge *j, struct str domain, struct str name, struct user *u,
                              uint8_t nt_hash[16])
{
    j->directory_lookups++;
    return j->store->ops->find(j->store, domain, name, u, nt_hash);
}

/* name@domain is a UPN that was given to somebody, or else the account's name in our domain. */
static enum store_status resolve(struct judge *j, struct claimed c, struct user *u,
                                 uint8_t nt_hash[16])
{
    enum store_status status = find(j, c.domain, c.name, u, nt_hash);
    size_t at = str_find_char(c.name, '@');

    if (status != STORE_NONE || c.domain.len || at == SIZE_MAX ||
        !is_our_dns_domain(j, str_skip(c.name, at + 1)))
        return status;
    return find(j, STR_NONE, str_first(c.name, at), u, nt_hash);
}

/* What the response itself forbids, whoever sent it. */
static enum fault check_response(const struct judge *j, const struct proto_question *q,
                                 const struct ntlm_authenticate *a, uint32_t day,
                                 enum fault *audited)
{
    struct str name;
    enum ntlm_response_kind kind = ntlm_response_kind(a);

    if (kind == NTLM_RESPONSE_ANONYMOUS || a->user.len == 0)
        return FAULT_NTLM_ANONYMOUS;
    if (kind == NTLM_RESPONSE_LM)
        return FAULT_NTLM_LM_ONLY;
    const struct ntlm_policy *policy =
        ntlm_policy_select(j->policy, q->from_uri, q->source, day, &name);
    enum fault fault = ntlm_policy_check_response(policy, kind);
    if (fault == FAULT_NONE || policy->mode == NTLM_POLICY_ENFORCE)
        return fault;
    *audited = fault;
    return FAULT_NONE;
}

static enum fault check_account(const struct user *u, int64_t now)
{
    if (u->flags & USER_DISABLED)
        return FAULT_USER_DISABLED;
    if (u->expires && u->expires <= now)
        return FAULT_USER_EXPIRED;
    return u->flags & USER_MUST_CHANGE ? FAULT_USER_MUST_CHANGE : FAULT_NONE;
}

static enum fault check_sip(const struct user *u, const struct proto_question *q)
{
    struct user_key own, from;

    if (!(u->flags & USER_SIP_ENABLED))
        return FAULT_USER_NOT_SIP_ENABLED;
    if (!user_uri_key(str_from_c(u->uri), &own) || !user_uri_key(q->from_uri, &from) ||
        !str_eq(user_key_str(&own), user_key_str(&from)))
        return FAULT_USER_URI_NOT_THEIRS;
    if (q->remote && !(u->flags & USER_REMOTE_ACCESS))
        return FAULT_REMOTE_ACCESS_NOT_ENABLED;
    return FAULT_NONE;
}

/* The same arithmetic for accounts that do not exist or are locked: their absence must not show
 * in the time an answer takes. */
static void verify_in_vain(const struct ntlm_verify_in *in)
{
    static const uint8_t nobody[16] = { 0x31, 0xD6, 0xCF, 0xE0, 0xD1, 0x6A, 0xE9, 0x31 };
    uint8_t exported[16];

    (void)!ntlm_verify_response(in, nobody, exported);
    secret_wipe(exported, sizeof(exported));
}

static enum fault check_password(struct judge *j, const struct ntlm_verify_in *in,
                                 const struct judge_time *t, const uint8_t nt_hash[16],
                                 struct judge_answer *out)
{
    struct user_lockout lockout = lockout_state(&j->lockout, &out->user);

    if ((out->user.flags & USER_LOCKED) || lockout.locked_until > t->now) {
        verify_in_vain(in);
        return FAULT_USER_LOCKED;
    }
    enum fault fault = ntlm_verify_response(in, nt_hash, out->verdict.exported);
    if (fault == FAULT_USER_WRONG_PASSWORD)
        out->lockout_changed = lockout_wrong(&j->lockout, &out->user, t->now, &out->lockout);
    else if (fault == FAULT_NONE)
        out->lockout_changed = lockout_right(&j->lockout, &out->user, &out->lockout);
    return fault;
}

/* Who it is.  Nobody's name costs the time of an account's, and goes the way of one. */
static enum fault find_user(struct judge *j, struct budget_try *t, const struct ntlm_verify_in *in,
                            struct claimed c, uint8_t nt_hash[16], struct judge_answer *out)
{
    enum store_status status = resolve(j, c, &out->user, nt_hash);

    if (status == STORE_OK) {
        snprintf(out->account, sizeof(out->account), "%s\\%s", out->user.domain, out->user.name);
        return budget_found(&j->budget, t, &out->user);
    }
    out->user.name[0] = '\0';
    verify_in_vain(in);
    if (status != STORE_NONE)
        return FAULT_DIRECTORY_FAILED;
    enum fault fault = budget_found(&j->budget, t, NULL);
    return fault == FAULT_NONE ? FAULT_USER_UNKNOWN : fault;
}

static enum fault check_user(struct judge *j, struct budget_try *t, const struct judge_time *time,
                             const struct ntlm_verify_in *in, struct claimed c,
                             struct judge_answer *out)
{
    uint8_t nt_hash[16] = { 0 };
    enum fault fault = find_user(j, t, in, c, nt_hash, out);

    if (fault == FAULT_NONE)
        fault = check_password(j, in, time, nt_hash, out);
    secret_wipe(nt_hash, sizeof(nt_hash));
    if (fault == FAULT_NONE)
        fault = check_account(&out->user, time->now);
    if (fault != FAULT_NONE)
        return fault;
    out->verdict.password_proved = true;
    return check_sip(&out->user, t->q);
}

/* Whatever the directory was asked for and did not end in a proof costs the same: a locked account,
 * or a right password for a disabled one, must not show by a budget that stays. */
static enum budget_result result_of(const struct proto_verdict *v)
{
    if (v->password_proved)
        return BUDGET_PROVED;
    return v->fault == FAULT_DIRECTORY_FAILED ? BUDGET_REFUNDED : BUDGET_FAILED;
}

/* What looks like guessing, to whoever counts it against its source; the same again. */
static bool is_guess(const struct proto_verdict *v)
{
    return v->fault != FAULT_NONE && !v->password_proved && v->fault != FAULT_DIRECTORY_FAILED &&
           v->fault != FAULT_BUDGET_SOURCE;
}

/* The directory is asked between the two halves of the budget, or not at all. */
static enum fault judge_within_budget(struct judge *j, const struct proto_question *q,
                                      const struct judge_time *time,
                                      const struct ntlm_authenticate *a, struct judge_answer *out)
{
    struct ntlm_verify_in in = { .challenge = q->challenge, .auth = a, .filetime = time->filetime };
    struct claimed c = claimed_of(j, a);
    struct proto_verdict *v = &out->verdict;
    struct budget_try t;

    memcpy(in.server_challenge, q->server_challenge, sizeof(in.server_challenge));
    v->fault = budget_take(&j->budget, q, c.domain, c.name, time->now, &t);
    if (v->fault == FAULT_NONE) {
        v->fault = check_user(j, &t, time, &in, c, out);
        if (!t.repeated)
            budget_settle(&j->budget, &t, result_of(v));
    } else if (t.account && t.account->known) {
        snprintf(out->account, sizeof(out->account), "%s", t.account->label);
        v->account = str_from_c(out->account);
    }
    v->counts = is_guess(v) && !t.repeated;
    return v->fault;
}

void judge_question(struct judge *j, const struct proto_question *q, const struct judge_time *t,
                    struct judge_answer *out)
{
    struct proto_verdict *v = &out->verdict;
    struct ntlm_authenticate a;

    out->user.name[0] = '\0';
    out->account[0] = '\0';
    out->lockout_changed = false;
    *v = (struct proto_verdict){ .id = q->id };
    v->fault = ntlm_authenticate_read(q->authenticate, &a);
    if (v->fault == FAULT_NONE)
        v->fault = check_response(j, q, &a, t->day, &v->audited);
    if (v->fault == FAULT_NONE)
        v->fault = judge_within_budget(j, q, t, &a, out);
    if (!v->password_proved)
        secret_wipe(v->exported, sizeof(v->exported));
    if (out->user.name[0] != '\0') {
        v->account = str_from_c(out->account);
        v->uri = str_from_c(out->user.uri);
        v->display = str_from_c(out->user.display);
        v->user_flags = out->user.flags;
    }
}

void judge_answer_fini(struct judge_answer *a)
{
    secret_wipe(a->verdict.exported, sizeof(a->verdict.exported));
}

void judge_lookup(struct judge *j, const struct proto_lookup *q, int64_t now,
                  struct proto_flags *out)
{
    struct user u;

    *out = (struct proto_flags){ .id = q->id };
    if (j->store->ops->find_uri(j->store, q->uri, &u) != STORE_OK)
        return;
    out->known = true;
    out->user_flags = u.flags;
    if (u.expires && u.expires <= now)
        out->user_flags |= USER_DISABLED;
}

struct budget_account *judge_budget_find(struct judge *j, struct str account)
{
    struct claimed c = normalised(j, (struct claimed){ STR_NONE, account });
    struct budget_account *a = budget_find(&j->budget, c.domain, c.name);
    uint8_t nt_hash[16];
    struct user u;

    if (a)
        return a;
    enum store_status status = str_starts_nocase(account, STR("sip:"))
                                   ? j->store->ops->find_uri(j->store, account, &u)
                                   : resolve(j, c, &u, nt_hash);
    secret_wipe(nt_hash, sizeof(nt_hash));
    return status == STORE_OK ? budget_find(&j->budget, STR_NONE, str_from_c(u.name)) : NULL;
}
