/* SPDX-License-Identifier: MIT */
#include "authd/judge.h"

#include <assert.h>
#include <stdio.h>

#include "base/secret.h"
#include "base/utf16.h"
#include "ntlm/verify.h"
#include "users/name.h"
#include "users/rules.h"

enum { NAMES_BUDGET = 16384, EXPORTED_LEN = 16 };

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
struct str judge_text(const struct ntlm_authenticate *a, struct str raw, struct arena *arena)
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
static struct judge_claim normalised(const struct judge *j, struct judge_claim c)
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

static struct judge_claim claim_of(const struct judge *j, const struct judge_case *k)
{
    const struct ntlm_authenticate *a = &k->message;
    struct judge_claim c = { judge_text(a, a->domain, k->names), judge_text(a, a->user, k->names) };

    return normalised(j, c);
}

static enum store_status find(struct judge *j, struct str domain, struct str name, struct user *u,
                              uint8_t nt_hash[16])
{
    j->directory_lookups++;
    return j->store->ops->find(j->store, domain, name, u, nt_hash);
}

/* name@domain is a UPN that was given to somebody, or else the account's name in our domain. */
static enum store_status resolve(struct judge *j, struct judge_claim c, struct user *u,
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
static enum fault check_response(const struct judge *j, struct judge_case *k)
{
    const struct ntlm_authenticate *a = &k->message;
    struct str name;
    enum ntlm_response_kind kind = ntlm_response_kind(a);

    if (kind == NTLM_RESPONSE_ANONYMOUS || a->user.len == 0)
        return FAULT_NTLM_ANONYMOUS;
    if (kind == NTLM_RESPONSE_LM)
        return FAULT_NTLM_LM_ONLY;
    const struct ntlm_policy *policy =
        ntlm_policy_select(j->policy, k->q.from_uri, k->q.source, k->time.day, &name);
    enum fault fault = ntlm_policy_check_response(policy, kind);
    if (fault == FAULT_NONE || policy->mode == NTLM_POLICY_ENFORCE)
        return fault;
    k->answer.verdict.audited = fault;
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

static enum fault check_password(struct judge *j, struct judge_case *k,
                                 const struct ntlm_verify_in *in, const uint8_t nt_hash[16])
{
    struct judge_answer *out = &k->answer;
    struct user_lockout lockout = lockout_state(&j->lockout, &out->user);

    if ((out->user.flags & USER_LOCKED) || lockout.locked_until > k->time.now) {
        verify_in_vain(in);
        return FAULT_USER_LOCKED;
    }
    enum fault fault = ntlm_verify_response(in, nt_hash, out->verdict.keys);
    if (fault == FAULT_USER_WRONG_PASSWORD)
        out->lockout_changed = lockout_wrong(&j->lockout, &out->user, k->time.now, &out->lockout);
    else if (fault == FAULT_NONE)
        out->lockout_changed = lockout_right(&j->lockout, &out->user, &out->lockout);
    return fault;
}

static struct ntlm_verify_in verify_in_of(const struct judge_case *k)
{
    struct ntlm_verify_in in = { .challenge = k->q.challenge,
                                 .auth = &k->message,
                                 .filetime = k->time.filetime };

    memcpy(in.server_challenge, k->q.server_challenge, sizeof(in.server_challenge));
    return in;
}

void judge_challenge(const struct judge_case *k, uint8_t challenge[8])
{
    struct ntlm_verify_in in = verify_in_of(k);

    ntlm_verify_challenge(&in, challenge);
}

/* --- the end --- */

/* Whatever the directory was asked for and did not end in a proof costs the same: a locked account,
 * or a right password for a disabled one, must not show by a budget that stays. */
static enum budget_result result_of(const struct proto_verdict *v)
{
    if (v->password_proved)
        return BUDGET_PROVED;
    return fault_is_of_directory(v->fault) ? BUDGET_REFUNDED : BUDGET_FAILED;
}

/* What looks like guessing, to whoever counts it against its source; the same again. */
static bool is_guess(const struct proto_verdict *v)
{
    return v->fault != FAULT_NONE && !v->password_proved && !fault_is_of_directory(v->fault) &&
           v->fault != FAULT_BUDGET_SOURCE;
}

static void describe_user(struct judge_answer *out)
{
    struct proto_verdict *v = &out->verdict;

    if (out->user.name[0] == '\0')
        return;
    v->account = str_from_c(out->account);
    v->uri = str_from_c(out->user.uri);
    v->display = str_from_c(out->user.display);
    v->user_flags = out->user.flags;
}

static enum judge_step finish(struct judge *j, struct judge_case *k, enum fault fault)
{
    struct proto_verdict *v = &k->answer.verdict;

    v->fault = fault;
    if (k->taken) {
        v->counts = is_guess(v) && !k->try.repeated;
        if (!k->try.repeated)
            budget_settle(&j->budget, &k->try, result_of(v));
    }
    if (!v->password_proved) {
        secret_wipe(v->keys, sizeof(v->keys));
        v->keys_len = 0;
    }
    describe_user(&k->answer);
    return JUDGE_DONE;
}

void judge_failed(struct judge *j, struct judge_case *k, enum fault fault)
{
    finish(j, k, fault);
}

static void know_user(struct judge_case *k, const struct user *u, bool shared)
{
    struct judge_answer *out = &k->answer;

    if (u != &out->user)
        out->user = *u;
    k->shared = shared;
    snprintf(out->account, sizeof(out->account), "%s\\%s", out->user.domain, out->user.name);
}

/* --- NTLM --- */

/* What can be said without a directory: the message, the policy, the budget. */
static enum judge_step begin_ntlm(struct judge *j, struct judge_case *k)
{
    struct proto_verdict *v = &k->answer.verdict;
    enum fault fault = ntlm_authenticate_read(k->q.authenticate, &k->message);

    if (fault == FAULT_NONE)
        fault = check_response(j, k);
    if (fault != FAULT_NONE)
        return finish(j, k, fault);
    k->claim = claim_of(j, k);
    fault = budget_take(&j->budget, &k->q, k->claim.domain, k->claim.name, k->time.now, &k->try);
    if (fault == FAULT_NONE)
        return JUDGE_FIND;
    if (k->try.account && k->try.account->known) {
        snprintf(k->answer.account, sizeof(k->answer.account), "%s", k->try.account->label);
        v->account = str_from_c(k->answer.account);
    }
    v->fault = fault;
    v->counts = is_guess(v) && !k->try.repeated;
    return finish(j, k, fault);
}

/* --- Kerberos --- */

/* name@REALM of our realm is our account; a realm is compared with its case (RFC 4120 6.1). */
static bool principal_is_ours(const struct judge *j, struct str principal, struct str *name)
{
    struct str left = principal;
    size_t at = SIZE_MAX;

    for (size_t i = 0; i < left.len; i++)
        if (left.ptr[i] == '@')
            at = i;
    if (!j->realm || at == SIZE_MAX || at == 0)
        return false;
    *name = str_first(principal, at);
    return str_eq(str_skip(principal, at + 1), str_from_c(j->realm));
}

static enum judge_step begin_kerberos(struct judge *j, struct judge_case *k)
{
    struct proto_verdict *v = &k->answer.verdict;
    const struct judge_ticket *t = &k->ticket;

    if (t->fault != FAULT_NONE)
        return finish(j, k, t->fault);
    if (!principal_is_ours(j, t->principal, &k->claim.name))
        return finish(j, k, FAULT_KERBEROS_REALM);
    assert(t->keys.len <= sizeof(v->keys));
    memcpy(v->keys, t->keys.ptr, t->keys.len);
    v->keys_len = (uint8_t)t->keys.len;
    v->ends = t->ends;
    return JUDGE_FIND;
}

/* The ticket proves who it is; whether they may is the directory's word of now, not of when the
 * ticket was issued.  A lockout by wrong passwords is no matter for who did not use one. */
static enum judge_step judge_ticket_of(struct judge *j, struct judge_case *k, enum fault fault,
                                       const struct user *u, bool shared)
{
    if (fault != FAULT_NONE)
        return finish(j, k, fault);
    if (!u)
        return finish(j, k, FAULT_USER_UNKNOWN);
    know_user(k, u, shared);
    fault = user_check_ticket(u, k->time.now);
    if (fault != FAULT_NONE)
        return finish(j, k, fault);
    k->answer.verdict.password_proved = true;
    return finish(j, k, user_check_sip(&k->answer.user, shared, k->q.from_uri, k->q.remote));
}

/* --- the steps --- */

enum judge_step judge_begin(struct judge *j, struct judge_case *k)
{
    struct judge_answer *out = &k->answer;

    out->user.name[0] = '\0';
    out->account[0] = '\0';
    out->lockout_changed = false;
    out->verdict = (struct proto_verdict){ .id = k->q.id };
    k->claim = (struct judge_claim){ STR_NONE, STR_NONE };
    k->taken = k->shared = false;
    return k->q.scheme == PROTO_KERBEROS ? begin_kerberos(j, k) : begin_ntlm(j, k);
}

enum judge_step judge_found(struct judge *j, struct judge_case *k, enum fault fault,
                            const struct user *u, bool shared)
{
    if (k->q.scheme == PROTO_KERBEROS)
        return judge_ticket_of(j, k, fault, u, shared);
    k->taken = true;
    if (fault != FAULT_NONE)
        return finish(j, k, fault);
    if (u)
        know_user(k, u, shared);
    fault = budget_found(&j->budget, &k->try, u ? &k->answer.user : NULL);
    if (fault == FAULT_NONE)
        fault = ntlm_verify_shape(&k->message);
    if (fault != FAULT_NONE)
        return finish(j, k, fault);
    budget_hold(&j->budget, &k->try);
    return JUDGE_PROVE;
}

void judge_proved(struct judge *j, struct judge_case *k, enum fault fault,
                  const uint8_t session_key[16], const struct user *u, bool shared)
{
    struct ntlm_verify_in in = verify_in_of(k);
    struct proto_verdict *v = &k->answer.verdict;

    if (fault == FAULT_NONE)
        fault = ntlm_verify_session_key(&in, session_key, v->keys);
    if (fault != FAULT_NONE) {
        finish(j, k, fault);
        return;
    }
    v->keys_len = EXPORTED_LEN;
    v->password_proved = true;
    if (!u) {
        finish(j, k, FAULT_USER_NO_ACCOUNT);
        return;
    }
    know_user(k, u, shared);
    finish(j, k, user_check_sip(&k->answer.user, shared, k->q.from_uri, k->q.remote));
}

/* --- all at once, with the embedded directory --- */

/* Who it is.  Nobody's name costs the time of an account's, and goes the way of one. */
static enum fault find_user(struct judge *j, struct judge_case *k, const struct ntlm_verify_in *in,
                            uint8_t nt_hash[16])
{
    struct judge_answer *out = &k->answer;
    enum store_status status = resolve(j, k->claim, &out->user, nt_hash);

    if (status == STORE_OK) {
        know_user(k, &out->user, false);
        return budget_found(&j->budget, &k->try, &out->user);
    }
    out->user.name[0] = '\0';
    verify_in_vain(in);
    if (status != STORE_NONE)
        return FAULT_DIRECTORY_FAILED;
    enum fault fault = budget_found(&j->budget, &k->try, NULL);
    return fault == FAULT_NONE ? FAULT_USER_UNKNOWN : fault;
}

static enum fault check_user(struct judge *j, struct judge_case *k)
{
    struct ntlm_verify_in in = verify_in_of(k);
    struct judge_answer *out = &k->answer;
    uint8_t nt_hash[16] = { 0 };
    enum fault fault = find_user(j, k, &in, nt_hash);

    if (fault == FAULT_NONE)
        fault = check_password(j, k, &in, nt_hash);
    secret_wipe(nt_hash, sizeof(nt_hash));
    if (fault == FAULT_NONE)
        fault = user_check_account(&out->user, k->time.now);
    if (fault != FAULT_NONE)
        return fault;
    out->verdict.keys_len = EXPORTED_LEN;
    out->verdict.password_proved = true;
    return user_check_sip(&out->user, false, k->q.from_uri, k->q.remote);
}

static void find_principal(struct judge *j, struct judge_case *k)
{
    struct user u;
    uint8_t nt_hash[16];
    enum store_status status = find(j, STR_NONE, k->claim.name, &u, nt_hash);

    secret_wipe(nt_hash, sizeof(nt_hash));
    judge_found(j, k, status == STORE_FAILED ? FAULT_DIRECTORY_FAILED : FAULT_NONE,
                status == STORE_OK ? &u : NULL, false);
}

void judge_question(struct judge *j, struct judge_case *k)
{
    if (judge_begin(j, k) == JUDGE_DONE)
        return;
    if (k->q.scheme == PROTO_KERBEROS) {
        find_principal(j, k);
        return;
    }
    k->taken = true;
    finish(j, k, check_user(j, k));
}

void judge_answer_fini(struct judge_answer *a)
{
    secret_wipe(a->verdict.keys, sizeof(a->verdict.keys));
}

void judge_flags(const struct user *u, bool shared, int64_t now, struct proto_flags *out)
{
    out->known = u != NULL && !shared;
    out->user_flags = u ? u->flags : 0;
    if (u && u->expires && u->expires <= now)
        out->user_flags |= USER_DISABLED;
}

void judge_lookup(struct judge *j, const struct proto_lookup *q, int64_t now,
                  struct proto_flags *out)
{
    struct user u;

    out->id = q->id;
    bool known = j->store->ops->find_uri(j->store, q->uri, &u) == STORE_OK;
    judge_flags(known ? &u : NULL, false, now, out);
}

struct budget_account *judge_budget_find(struct judge *j, struct str account)
{
    struct judge_claim c = normalised(j, (struct judge_claim){ STR_NONE, account });
    struct budget_account *a = budget_find(&j->budget, c.domain, c.name);
    uint8_t nt_hash[16];
    struct user u;

    if (a || !j->store)
        return a;
    enum store_status status = str_starts_nocase(account, STR("sip:"))
                                   ? j->store->ops->find_uri(j->store, account, &u)
                                   : resolve(j, c, &u, nt_hash);
    secret_wipe(nt_hash, sizeof(nt_hash));
    return status == STORE_OK ? budget_find(&j->budget, STR_NONE, str_from_c(u.name)) : NULL;
}
