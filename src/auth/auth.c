/* SPDX-License-Identifier: MIT */
#include "auth/auth.h"

#include "auth/challenge.h"
#include "auth/credentials.h"
#include "auth/scheme.h"
#include "base/encode.h"

enum { VERSION_ABSENT = 2, VERSION_OURS = 4 };

static const int64_t epoch_ms = INT64_C(11644473600000); /* 1970 after 1601 */

/* ACK and CANCEL without valid credentials are discarded, never challenged; so are responses. */
static bool may_be_challenged(const struct sip_msg *m)
{
    return m->is_request && !str_eq(m->method, STR("ACK")) && !str_eq(m->method, STR("CANCEL"));
}

/* Through an Edge NTLM only: a client outside reaches no KDC. */
static void offer(const struct auth *a, const struct auth_request *r, struct auth_result *out)
{
    out->outcome = AUTH_CHALLENGE;
    out->challenge_count = 0;
    for (const struct auth_scheme *const *s = auth_schemes; *s; s++) {
        struct str target = (*s)->targetname(a, r->owner);
        if (target.len > 0 && !(r->remote && *s == &auth_kerberos))
            out->challenges[out->challenge_count++] =
                challenge_first(*s, a->realm, target, r->arena);
    }
}

void auth_offer(struct auth *a, const struct auth_request *r, struct auth_result *out)
{
    *out = (struct auth_result){ 0 };
    offer(a, r, out);
}

static void refuse(const struct auth *a, const struct auth_request *r, enum fault fault,
                   struct auth_result *out)
{
    out->fault = fault;
    out->sa = NULL;
    out->question = (struct proto_question){ 0 };
    if (may_be_challenged(r->msg))
        offer(a, r, out);
    else
        out->outcome = AUTH_DROP;
}

static void refuse_handshake(struct auth *a, const struct auth_request *r, struct sa *sa,
                             enum fault fault, struct auth_result *out)
{
    if (sa)
        sa_drop(a->sas, sa);
    refuse(a, r, fault, out);
}

/* A newer client than we are speaks what we offered. */
static bool version_of(const struct credentials *c, unsigned *out)
{
    uint32_t number = VERSION_ABSENT;
    if (c->version.len > 0 && !str_to_u32(c->version, &number))
        return false;
    *out = number < VERSION_OURS ? number : VERSION_OURS;
    return true;
}

/* Version 4 signs the request that carries the AUTHENTICATE.  Below it that request is not bound
 * to the keys: whoever relays the exchange could register a binding without knowing them. */
static enum fault check_version(const struct credentials *c, const struct ntlm_policy *policy,
                                struct sa *sa, struct auth_result *out)
{
    if (!version_of(c, &sa->version))
        return FAULT_SIP_AUTHORIZATION;
    if (sa->version < policy->min_sipae_version) {
        if (policy->mode == NTLM_POLICY_ENFORCE || sa->version < VERSION_ABSENT)
            return FAULT_POLICY_SIPAE_VERSION;
        if (out->audited == FAULT_NONE)
            out->audited = FAULT_POLICY_SIPAE_VERSION;
    }
    bool is_signed = c->crand.len > 0 && c->cnum.len > 0 && c->response.len > 0;
    return sa->version == VERSION_OURS && !is_signed ? FAULT_SA_UNSIGNED : FAULT_NONE;
}

static void begin_asking(struct auth *a, const struct auth_request *r, struct sa *sa)
{
    sa->user_key = str_own(r->user_key);
    sa->remote = r->remote;
    sa_asking(a->sas, sa, r->now_ms);
}

static void step(struct auth *a, const struct auth_request *r, const struct credentials *c,
                 struct sa *sa, struct str token, struct auth_result *out)
{
    const struct ntlm_policy *policy =
        ntlm_policy_select(a->policy, r->user_key, r->source, r->day, &out->policy_name);
    out->minimum = policy->min_server_sec;
    enum fault fault = c->scheme->step(a, r, policy, sa, token, out);
    struct sa *complete = out->sa; /* nothing more is needed of the client */
    if (fault == FAULT_NONE && complete)
        fault = check_version(c, policy, complete, out);
    if (fault != FAULT_NONE)
        refuse_handshake(a, r, sa, fault, out);
    else if (complete)
        begin_asking(a, r, complete);
}

/* A token for a handshake that is not here: after a restart, from another connection, or somebody
 * repeats what was captured. */
static void refuse_stray(struct auth *a, const struct auth_request *r, const struct credentials *c,
                         struct str token, struct auth_result *out)
{
    bool is_last = c->scheme->describe(token, r->arena, out);
    refuse(a, r, is_last ? FAULT_NTLM_REPLAY : FAULT_SA_UNKNOWN, out);
}

static void handshake(struct auth *a, const struct auth_request *r, const struct credentials *c,
                      struct auth_result *out)
{
    struct sa *sa = sa_find(a->sas, r->owner, r->cid, c->opaque, r->now_ms);
    bool is_first = c->opaque.len == 0 && (c->token.len > 0) == c->scheme->begins_with_token;
    if (sa && (sa->state == SA_ESTABLISHED || sa->scheme != c->scheme))
        sa = NULL;
    if (!may_be_challenged(r->msg) || (sa && sa->state == SA_ASKING)) {
        out->outcome = AUTH_DROP; /* the second: a repetition, the directory is asked already */
        return;
    }
    if (!base64_decode(c->token, r->arena, &out->token) && c->token.len > 0) {
        refuse_handshake(a, r, sa, r->arena->exhausted ? FAULT_SIP_MEMORY : c->scheme->damaged,
                         out);
        return;
    }
    if (!sa && !is_first)
        refuse_stray(a, r, c, out->token, out);
    else
        step(a, r, c, sa, out->token, out);
}

static void pass(const struct auth_request *r, struct sa *sa, struct auth_result *out)
{
    out->outcome = AUTH_PASS;
    out->sa = sa;
    if (str_eq(r->user_key, str_from_c(sa->user_key)))
        return;
    out->fault = FAULT_SA_FROM_MISMATCH;
    if (!may_be_challenged(r->msg)) /* nor answered */
        out->outcome = AUTH_DROP;
}

static void signed_request(struct auth *a, const struct auth_request *r,
                           const struct credentials *c, struct auth_result *out)
{
    struct sa *sa = sa_find_any(a->sas, r->owner, r->cid, c->opaque);
    if (!sa || sa->state != SA_ESTABLISHED || sa->scheme != c->scheme) {
        refuse(a, r, FAULT_SA_UNKNOWN, out);
        return;
    }
    if (r->now_ms >= sa->expires_ms) {
        sa_drop(a->sas, sa);
        refuse(a, r, FAULT_SA_EXPIRED, out);
        return;
    }
    enum fault fault = credentials_verify(c, r->msg, r->arena, sa);
    if (fault != FAULT_NONE)
        refuse(a, r, fault, out);
    else
        pass(r, sa, out);
}

void auth_check(struct auth *a, const struct auth_request *r, struct auth_result *out)
{
    struct credentials c;
    *out = (struct auth_result){ 0 };
    enum fault fault = credentials_find(a, r, &c);
    if (!c.scheme)
        refuse(a, r, fault, out);
    else if (c.has_token)
        handshake(a, r, &c, out);
    else
        signed_request(a, r, &c, out);
}

/* What the record needs; the token is the same that was judged before the directory was asked. */
static void describe_again(struct auth *a, const struct auth_request *r,
                           const struct credentials *c, struct auth_result *out)
{
    const struct ntlm_policy *policy =
        ntlm_policy_select(a->policy, r->user_key, r->source, r->day, &out->policy_name);
    out->minimum = policy->min_server_sec;
    if (base64_decode(c->token, r->arena, &out->token))
        c->scheme->describe(out->token, r->arena, out);
}

static void take_account(struct sa *sa, const struct proto_verdict *v)
{
    sa->account = v->account.len > 0 ? str_own(v->account) : NULL;
    sa->display = v->display.len > 0 ? str_own(v->display) : NULL;
    sa->user_flags = v->user_flags;
}

/* A failure here is a failed handshake as well: the client proved the password, but did not send
 * this request. */
static enum fault make_keys(const struct auth_request *r, const struct credentials *c,
                            struct sa *sa, const struct proto_verdict *v)
{
    if (!sa->scheme->establish(sa, str_of(v->keys, v->keys_len)))
        return FAULT_DIRECTORY_FAILED;
    if (sa->version < VERSION_OURS || credentials_verify(c, r->msg, r->arena, sa) == FAULT_NONE)
        return FAULT_NONE;
    return FAULT_SA_HANDSHAKE_SIGNATURE; /* looks to the client like every failed handshake */
}

/* Of a ticket that ends what is left of it: the library goes on signing afterwards. */
static uint64_t left_ms(const struct auth_request *r, const struct proto_verdict *v)
{
    int64_t now_ms = (int64_t)(r->filetime / 10000) - epoch_ms;

    return v->ends * 1000 > now_ms ? (uint64_t)(v->ends * 1000 - now_ms) : 0;
}

static uint64_t life_ms(const struct auth *a, const struct auth_request *r,
                        const struct proto_verdict *v)
{
    uint64_t most = sa_table_life_ms(a->sas), left = v->ends ? left_ms(r, v) : most;

    return left < most ? left : most;
}

void auth_verdict(struct auth *a, const struct auth_request *r, struct str opaque,
                  const struct proto_verdict *v, struct auth_result *out)
{
    struct credentials c;
    *out = (struct auth_result){ 0 };
    struct sa *sa = sa_find_any(a->sas, r->owner, r->cid, opaque);
    credentials_find(a, r, &c);
    out->account_text = v->account;
    out->detail = v->detail;
    if (!sa || sa->state != SA_ASKING || c.scheme != sa->scheme) {
        refuse(a, r, FAULT_NTLM_REPLAY, out);
        return;
    }
    describe_again(a, r, &c, out);
    out->guess = v->counts;
    bool proved = v->fault == FAULT_NONE || v->password_proved;
    enum fault fault = proved ? make_keys(r, &c, sa, v) : v->fault;
    if (fault == FAULT_NONE && v->ends && left_ms(r, v) == 0)
        fault = FAULT_KERBEROS_EXPIRED;
    if (fault != FAULT_NONE) {
        refuse_handshake(a, r, sa, fault, out);
        return;
    }
    take_account(sa, v);
    out->outcome = AUTH_PASS;
    out->fault = v->fault;
    out->audited = v->audited;
    out->sa = sa;
    if (v->fault == FAULT_NONE)
        sa_establish(a->sas, sa, r->now_ms, r->now_ms + life_ms(a, r, v));
}

enum fault auth_check_response(struct auth *a, const struct auth_request *r, struct sa **out)
{
    struct credentials c;
    *out = NULL;
    enum fault fault = credentials_find(a, r, &c);
    if (!c.scheme)
        return fault != FAULT_NONE ? fault : FAULT_SA_UNSIGNED;
    struct sa *sa = sa_find_any(a->sas, r->owner, r->cid, c.opaque);
    if (!sa || sa->state != SA_ESTABLISHED || sa->scheme != c.scheme)
        return FAULT_SA_UNKNOWN;
    if (r->now_ms >= sa->expires_ms)
        return FAULT_SA_EXPIRED;
    fault = credentials_verify(&c, r->msg, r->arena, sa);
    if (fault == FAULT_NONE)
        *out = sa;
    return fault;
}
