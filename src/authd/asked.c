/* SPDX-License-Identifier: MIT */
#include "authd/asked.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/secret.h"

enum { NAMES_FIRST = 2048, NAMES_MAX = 16384 };

/* A question that waits for Active Directory. */
struct asked {
    struct authd *authd;
    struct link_ticket from;
    uint64_t until_ms; /* when nobody waits for the answer any more */
    struct buf message;
    struct arena names;
    struct judge_case k;
    struct krb_accepted accepted;
    struct buf keys;
    struct ad_account account; /* whom the name meant */
    bool found;
    struct ad_proof proof;
    struct proto_lookup lookup;
};

/* yyyymmdd here and now, as an administrator reads `until`; asked of the C library once per hour
 * at most. */
static uint32_t today(struct authd *a, int64_t now)
{
    struct tm tm;
    time_t t = (time_t)now;

    if (now >= a->day_from && now < a->day_until)
        return a->day;
    localtime_r(&t, &tm);
    a->day = (uint32_t)((tm.tm_year + 1900) * 10000 + (tm.tm_mon + 1) * 100 + tm.tm_mday);
    a->day_from = now;
    a->day_until = now + 3600 - (tm.tm_min * 60 + tm.tm_sec);
    return a->day;
}

static int64_t now_s(void)
{
    return (int64_t)(clock_wall_us() / 1000000);
}

static void set_time(struct authd *a, struct judge_case *k)
{
    k->time.now = now_s();
    k->time.filetime = clock_filetime();
    k->time.day = today(a, k->time.now);
}

static void trace_verdict(const struct authd *a, const struct judge_case *k, const char *detail)
{
    const struct proto_verdict *v = &k->answer.verdict;
    enum trace_level level = v->fault == FAULT_NONE && v->audited == FAULT_NONE ? TL_INFO : TL_WARN;

    if (v->fault == FAULT_DIRECTORY_FAILED && a->judge.store)
        detail = a->judge.store->error;
    if (fault_is_of_directory(v->fault))
        level = TL_ERROR;
    if (!trace_on(TRACE_AUTHD, TF_COMPONENT, level))
        return;
    trace_text(TRACE_AUTHD, level, "judge", "%s%s%s account=\"%.*s\" from=\"%.*s\" scheme=%s%s%s%s",
               v->fault == FAULT_NONE ? "signed-in" : fault_name(v->fault),
               v->audited == FAULT_NONE ? "" : " audited=",
               v->audited == FAULT_NONE ? "" : fault_name(v->audited), STR_ARG(v->account),
               STR_ARG(k->q.from_uri), k->q.scheme == PROTO_KERBEROS ? "kerberos" : "ntlm",
               k->q.remote ? " remote" : "", detail && *detail ? ": " : "", detail ? detail : "");
}

/* The answer is ready: counts, record, octets. */
static void conclude(struct authd *a, struct judge_case *k, const char *detail, struct buf *out)
{
    struct judge_answer *answer = &k->answer;

    if (detail && answer->verdict.fault != FAULT_NONE)
        answer->verdict.detail = str_from_c(detail);
    a->verdicts[answer->verdict.fault]++;
    a->audited += answer->verdict.audited != FAULT_NONE;
    if (answer->lockout_changed)
        writer_lockout(a->writer, answer->user.name, &answer->lockout);
    proto_verdict_write(&answer->verdict, out);
    trace_verdict(a, k, detail);
    judge_answer_fini(answer);
}

/* --- Kerberos: the token is looked at here and now --- */

static void accept_ticket(struct authd *a, struct str token, struct krb_accepted *accepted,
                          struct buf *keys, struct judge_ticket *ticket, struct buf *detail)
{
    struct buf reply = { 0 };

    *ticket = (struct judge_ticket){ .fault = FAULT_KERBEROS_KEYTAB };
    if (a->acceptor)
        ticket->fault = krb_accept(a->acceptor, token, accepted, &reply, detail);
    if (ticket->fault == FAULT_NONE) {
        buf_reserve(keys, KRB_KEYS_MAX);
        krb_keys_write(&accepted->keys, keys);
        ticket->principal = str_from_c(accepted->principal);
        ticket->keys = buf_str(keys);
        ticket->ends = accepted->ends;
    }
    secret_wipe(&accepted->keys, sizeof(accepted->keys));
    buf_fini(&reply);
}

static void wipe_keys(struct buf *keys)
{
    secret_wipe(keys->ptr, keys->len);
    buf_fini(keys);
}

/* --- the embedded directory --- */

static void answer_now(struct authd *a, struct judge_case *k, struct buf *out)
{
    struct krb_accepted accepted;
    struct buf keys = { 0 }, detail = { 0 };

    if (k->q.scheme == PROTO_KERBEROS) {
        accept_ticket(a, k->q.authenticate, &accepted, &keys, &k->ticket, &detail);
    }
    k->names = &a->judge.names;
    arena_reset(k->names);
    judge_question(&a->judge, k);
    buf_add_char(&detail, '\0');
    conclude(a, k, detail.ptr, out);
    wipe_keys(&keys);
    buf_fini(&detail);
}

/* --- Active Directory --- */

static void asked_free(struct asked *q)
{
    judge_answer_fini(&q->k.answer);
    wipe_keys(&q->keys);
    arena_fini(&q->names);
    buf_fini(&q->message);
    secret_wipe(&q->proof, sizeof(q->proof));
    free(q);
}

static void reply(struct asked *q, struct buf *answer)
{
    struct authd *a = q->authd;
    uint64_t now = loop_now_ms(a->loop);

    if (now < q->until_ms)
        link_reply(a->link, q->from, buf_str(answer), q->until_ms - now);
    else
        a->late_questions++;
    secret_wipe(answer->ptr, answer->len);
    buf_fini(answer);
}

static void reply_verdict(struct asked *q, const char *detail)
{
    struct buf answer = { 0 };

    conclude(q->authd, &q->k, detail, &answer);
    reply(q, &answer);
    asked_free(q);
}

static void on_sid(void *arg, enum fault fault, const struct ad_account *account)
{
    struct asked *q = arg;

    /* the proof stands, but who it is cannot be told now */
    if (fault != FAULT_NONE)
        judge_failed(&q->authd->judge, &q->k, fault);
    else
        judge_proved(&q->authd->judge, &q->k, FAULT_NONE, q->proof.session_key,
                     account ? &account->user : NULL, account && account->shared);
    reply_verdict(q, NULL);
}

static bool is_whom_the_name_meant(const struct asked *q)
{
    return q->found && q->proof.sid_len == q->account.sid_len &&
           memcmp(q->proof.sid, q->account.sid, q->proof.sid_len) == 0;
}

static void on_proved(void *arg, const struct ad_proof *proof)
{
    struct asked *q = arg;
    char detail[64] = "";

    q->proof = *proof;
    if (proof->fault == FAULT_NONE && !is_whom_the_name_meant(q)) {
        ad_find_sid(q->authd->ad, q->proof.sid, q->proof.sid_len, on_sid, q);
        return;
    }
    if (proof->ntstatus)
        snprintf(detail, sizeof(detail), "the domain controller said 0x%08X", proof->ntstatus);
    judge_proved(&q->authd->judge, &q->k, proof->fault, proof->session_key, &q->account.user,
                 q->account.shared);
    reply_verdict(q, detail);
}

static struct str text_of(struct asked *q, struct str raw)
{
    return judge_text(&q->k.message, raw, &q->names);
}

static void prove(struct asked *q)
{
    const struct ntlm_authenticate *m = &q->k.message;
    struct ad_logon logon = { .domain = text_of(q, m->domain),
                              .user = text_of(q, m->user),
                              .workstation = text_of(q, m->workstation),
                              .nt_response = m->nt_response,
                              .ntlmv2 = ntlm_response_kind(m) == NTLM_RESPONSE_NTLMV2 };

    judge_challenge(&q->k, logon.challenge);
    q->authd->judge.directory_lookups++;
    ad_prove(q->authd->ad, &logon, on_proved, q);
}

static void on_found(void *arg, enum fault fault, const struct ad_account *account)
{
    struct asked *q = arg;

    if (account) {
        q->account = *account;
        q->found = true;
    }
    enum judge_step next =
        judge_found(&q->authd->judge, &q->k, fault, account ? &q->account.user : NULL,
                    account && account->shared);
    if (next == JUDGE_PROVE)
        prove(q);
    else
        reply_verdict(q, NULL);
}

static void on_flags(void *arg, enum fault fault, const struct ad_account *account)
{
    struct asked *q = arg;
    struct proto_flags f = { .id = q->lookup.id };
    struct buf answer = { 0 };

    /* when nobody can look, everything stays as it is: the front gets no answer */
    if (fault == FAULT_NONE) {
        judge_flags(account ? &account->user : NULL, account && account->shared, now_s(), &f);
        proto_flags_write(&f, &answer);
        reply(q, &answer);
    }
    asked_free(q);
}

static struct asked *asked_new(struct authd *a, struct link_ticket from, struct str message,
                               uint64_t keep_ms)
{
    struct asked *q = calloc(1, sizeof(*q));

    if (!q)
        abort();
    q->authd = a;
    q->from = from;
    q->until_ms = loop_now_ms(a->loop) + keep_ms;
    buf_add(&q->message, message);
    arena_init(&q->names, NAMES_FIRST, NAMES_MAX);
    q->k.names = &q->names;
    return q;
}

static void ask_directory(struct authd *a, struct link_ticket from, struct str message,
                          uint64_t keep_ms)
{
    struct asked *q = asked_new(a, from, message, keep_ms);
    struct buf detail = { 0 };

    (void)!proto_question_read(buf_str(&q->message), &q->k.q); /* it was readable before */
    set_time(a, &q->k);
    if (q->k.q.scheme == PROTO_KERBEROS) {
        accept_ticket(a, q->k.q.authenticate, &q->accepted, &q->keys, &q->k.ticket, &detail);
    }
    buf_add_char(&detail, '\0');
    if (judge_begin(&a->judge, &q->k) == JUDGE_FIND)
        ad_find(a->ad, q->k.claim.domain, q->k.claim.name, on_found, q);
    else
        reply_verdict(q, detail.ptr);
    buf_fini(&detail);
}

static void look_up(struct authd *a, struct link_ticket from, struct str message, uint64_t keep_ms)
{
    struct asked *q = asked_new(a, from, message, keep_ms);

    (void)!proto_lookup_read(buf_str(&q->message), &q->lookup);
    ad_find_uri(a->ad, q->lookup.uri, on_flags, q);
}

/* --- messages --- */

void asked_message(void *arg, struct link_ticket from, struct str message, uint64_t waited_ms,
                   struct buf *out, uint64_t *keep_ms)
{
    struct authd *a = arg;
    struct judge_case k = { 0 };
    struct proto_lookup l;
    struct proto_flags f;

    if (proto_question_read(message, &k.q)) {
        /* nobody waits for it any more, and a guess must not count twice */
        if (waited_ms >= k.q.deadline_ms) {
            a->late_questions++;
            return;
        }
        *keep_ms = k.q.deadline_ms - waited_ms;
        if (a->ad) {
            ask_directory(a, from, message, *keep_ms);
            return;
        }
        set_time(a, &k);
        answer_now(a, &k, out);
    } else if (proto_lookup_read(message, &l)) {
        a->lookups++;
        *keep_ms = a->conf->authd_timeout_ms;
        if (a->ad) {
            look_up(a, from, message, *keep_ms);
            return;
        }
        judge_lookup(&a->judge, &l, now_s(), &f);
        proto_flags_write(&f, out);
    } else {
        a->unreadable++;
        trace_text(TRACE_AUTHD, TL_ERROR, "link", "a message of %zu octets cannot be read",
                   message.len);
    }
}
