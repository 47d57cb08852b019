/* SPDX-License-Identifier: MIT */
#include "authd/budget.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "authd/budget_record.h"
#include "base/compiler.h"

enum { OUTSIDE, INSIDE };

/* Who may use how much of what outside has before the directory locks. */
enum tier { TIER_STRANGER, TIER_EPID, TIER_SESSION };

void budget_init(struct budget *b)
{
    *b = (struct budget){ 0 };
    budget_table_init(&b->table);
}

void budget_fini(struct budget *b)
{
    budget_table_fini(&b->table);
}

/* --- names --- */

static bool is_own_domain(const struct budget *b, struct str domain)
{
    return domain.len == 0 || (b->netbios && user_name_same(domain, str_from_c(b->netbios)));
}

/* ADA and EXAMPLE\ada are ADA, OTHER\ada is OTHER\ADA.  With an '@' the domain stays: a UPN is
 * looked for elsewhere than an account's name.  What can be nobody's name shares one entry. */
static size_t spell(const struct budget *b, struct str domain, struct str name, char *out)
{
    static const struct str nobody = { "(no name)", 9 };
    struct user_key d = { 0 }, n;
    bool own =
        is_own_domain(b, domain) && (domain.len == 0 || str_find_char(name, '@') == SIZE_MAX);
    size_t len = 0;

    if (!user_name_key(name, &n) || (!own && !user_name_key(domain, &d))) {
        memcpy(out, nobody.ptr, nobody.len);
        return nobody.len;
    }
    if (!own) {
        memcpy(out, d.text, d.len);
        out[d.len] = '\\';
        len = d.len + 1;
    }
    memcpy(out + len, n.text, n.len);
    return len + n.len;
}

static struct str spelling(const struct budget_try *t)
{
    return str_of(t->text, t->text_len);
}

/* --- rules --- */

/* A directory forgets a lockout_window after the last wrong password, not before. */
static int64_t outside_window(const struct budget_rules *r)
{
    return (r->window_s > r->lockout_window_s ? r->window_s : r->lockout_window_s) + 1;
}

static int64_t longest_window(const struct budget_rules *r)
{
    return r->lockout_threshold ? outside_window(r) : r->window_s;
}

static unsigned outside_share(const struct budget_rules *r, enum tier tier)
{
    if (r->lockout_threshold == 0)
        return UINT32_MAX;
    unsigned s = r->lockout_threshold > r->reserve ? r->lockout_threshold - r->reserve : 0;
    if (s >= r->lockout_threshold)
        s = r->lockout_threshold - 1;
    if (s < 2)
        return 1;
    unsigned kept[] = { [TIER_STRANGER] = s >= 4 ? 2 : 1, [TIER_EPID] = s >= 4 ? 1 : 0, [2] = 0 };
    return s - kept[tier];
}

static enum tier tier_of(const struct budget_try *t)
{
    if (!t->device)
        return TIER_STRANGER;
    return t->by_session ? TIER_SESSION : TIER_EPID;
}

static struct budget_lane *lane_of(const struct budget_try *t)
{
    if (t->device)
        return t->by_session ? &t->device->by_session : &t->device->by_epid;
    return &t->account->strangers[t->q->remote ? OUTSIDE : INSIDE];
}

static bool lane_is_full(const struct budget *b, const struct budget_try *t)
{
    const struct budget_rules *r = &b->rules;
    unsigned limit = t->device ? r->device_failures : r->account_failures;

    if (limit && budget_lane_count(lane_of(t), t->now, r->window_s) >= limit)
        return true;
    return t->q->remote && budget_lane_count(&t->account->outside, t->now, outside_window(r)) >=
                               outside_share(r, tier_of(t));
}

static bool has_token(const struct budget_account *a, uint64_t token)
{
    for (unsigned i = 0; i < BUDGET_TOKENS_MAX; i++) {
        if (a->tokens[i] == token)
            return true;
    }
    return false;
}

static enum fault check(struct budget *b, struct budget_try *t)
{
    const struct budget_rules *r = &b->rules;
    struct budget_account *a = t->account;

    if (t->counted)
        t->device =
            budget_device_match(&a->devices, t->q, t->now - r->device_life_s, &t->by_session);
    enum fault fault = FAULT_NONE;
    if (t->q->source_over && !t->device)
        fault = FAULT_BUDGET_SOURCE;
    else if (r->ceiling && !t->device &&
             budget_lane_count(&a->all, t->now, r->window_s) >= r->ceiling)
        fault = FAULT_BUDGET_CEILING;
    else if (t->counted && lane_is_full(b, t))
        fault = FAULT_BUDGET_ACCOUNT;
    b->refused += fault != FAULT_NONE;
    if (fault != FAULT_NONE || !has_token(a, t->token))
        return fault;
    t->repeated = true;
    return a->known ? FAULT_USER_WRONG_PASSWORD : FAULT_USER_UNKNOWN;
}

/* --- one question --- */

enum fault budget_take(struct budget *b, const struct proto_question *q, struct str domain,
                       struct str name, int64_t now, struct budget_try *t)
{
    t->q = q;
    t->now = now;
    t->text_len = spell(b, domain, name, t->text);
    t->user = NULL;
    t->account = budget_account_named(&b->table, spelling(t));
    t->device = NULL;
    t->token = table_hash(q->authenticate) | 1; /* 0 is none */
    t->by_session = false;
    t->counted = q->remote || b->rules.inside;
    t->repeated = false;
    t->held = false;
    if (t->account)
        return check(b, t);
    b->refused += q->source_over;
    return q->source_over ? FAULT_BUDGET_SOURCE : FAULT_NONE; /* nobody's known device */
}

static void print_label(const struct user *u, char *out, size_t size)
{
    snprintf(out, size, "%s\\%s", u->domain, u->name);
}

/* The name meant nobody, or somebody else, when it was last used. */
static void leave_entry(struct budget *b, struct budget_try *t)
{
    if (t->account && !t->account->known)
        budget_account_drop(&b->table, t->account);
    t->account = NULL;
    t->device = NULL;
}

enum fault budget_found(struct budget *b, struct budget_try *t, const struct user *u)
{
    char label[2 * USER_NAME_MAX + 2];
    struct user_key key;

    if (!u || !user_name_key(str_from_c(u->name), &key))
        return FAULT_NONE;
    t->user = u;
    print_label(u, label, sizeof(label));
    struct budget_account *a = budget_account_keyed(&b->table, user_key_str(&key));
    if (a)
        budget_account_know(&b->table, a, label);
    if (a == t->account)
        return FAULT_NONE;
    leave_entry(b, t);
    if (!a)
        return FAULT_NONE;
    budget_account_alias(&b->table, a, spelling(t));
    t->account = a;
    return check(b, t);
}

static int64_t busy_since(const struct budget *b, int64_t now)
{
    return now - longest_window(&b->rules);
}

/* The entry of who was asked for, made when there is none. */
static struct budget_account *account_of(struct budget *b, struct budget_try *t)
{
    struct budget_network network = budget_network_of(t->q->source);
    struct str key = spelling(t);
    char label[2 * USER_NAME_MAX + 2];
    struct user_key name;

    if (t->account)
        return t->account;
    if (t->user) {
        bool good = user_name_key(str_from_c(t->user->name), &name);
        assert(good); /* the directory found it by this name */
        key = user_key_str(&name);
        print_label(t->user, label, sizeof(label));
    }
    t->account = budget_account_add(&b->table, key, t->user ? label : NULL, &network, t->now,
                                    busy_since(b, t->now));
    if (t->user)
        budget_account_alias(&b->table, t->account, spelling(t));
    return t->account;
}

static void remember_token(struct budget_account *a, uint64_t token)
{
    a->tokens[a->token_next] = token;
    a->token_next = (a->token_next + 1) % BUDGET_TOKENS_MAX;
}

static void count_failure(struct budget *b, struct budget_try *t)
{
    struct budget_account *a = account_of(b, t);

    budget_lane_add(&a->all, t->now, b->rules.window_s);
    if (t->counted)
        budget_lane_add(lane_of(t), t->now, b->rules.window_s);
    if (t->q->remote) {
        budget_lane_add(&a->outside, t->now, outside_window(&b->rules));
        a->outside.since = t->now;
    }
    budget_account_touch(&b->table, a, t->now);
}

/* What was wrong before was a typing error: the lane it came by begins anew.  What the directory
 * counted meanwhile is not known, so `outside` stays. */
static void proved(struct budget *b, struct budget_try *t)
{
    struct budget_account *a = account_of(b, t);

    *lane_of(t) = (struct budget_lane){ 0 };
    budget_device_learn(&a->devices, t->q, t->now);
    t->device = NULL; /* devices may have moved */
    budget_account_touch(&b->table, a, t->now);
}

static bool counts_failures(const struct budget *b, const struct budget_try *t)
{
    return t->counted || b->rules.ceiling;
}

void budget_hold(struct budget *b, struct budget_try *t)
{
    t->held = counts_failures(b, t);
    if (t->held)
        count_failure(b, t);
    t->account = NULL; /* it may go before the answer comes */
    t->device = NULL;
}

static void take_one(struct budget_lane *lane)
{
    lane->failures -= lane->failures > 0;
}

/* Finds its account again; what was counted in advance is taken back unless it came true. */
static void release(struct budget *b, struct budget_try *t, enum budget_result result)
{
    t->held = false;
    t->account = budget_account_named(&b->table, spelling(t));
    if (!t->account)
        return;
    if (t->counted)
        t->device = budget_device_match(&t->account->devices, t->q, t->now - b->rules.device_life_s,
                                        &t->by_session);
    if (result == BUDGET_FAILED)
        return;
    take_one(&t->account->all);
    if (t->counted)
        take_one(lane_of(t));
    if (t->q->remote)
        take_one(&t->account->outside);
    budget_account_touch(&b->table, t->account, t->now);
}

void budget_settle(struct budget *b, struct budget_try *t, enum budget_result result)
{
    bool counted_already = t->held;

    if (t->held)
        release(b, t, result);
    if (result == BUDGET_FAILED && counts_failures(b, t)) {
        if (!counted_already)
            count_failure(b, t);
        remember_token(account_of(b, t), t->token);
    } else if (result == BUDGET_PROVED && t->counted)
        proved(b, t);
}

/* --- administrators --- */

struct budget_account *budget_find(struct budget *b, struct str domain, struct str name)
{
    char text[2 * USER_KEY_MAX + 1];
    size_t len = spell(b, domain, name, text);

    return budget_account_named(&b->table, str_of(text, len));
}

void budget_refresh(const struct budget *b, struct budget_account *a, int64_t now)
{
    int64_t window = b->rules.window_s;

    budget_lane_count(&a->strangers[OUTSIDE], now, window);
    budget_lane_count(&a->strangers[INSIDE], now, window);
    budget_lane_count(&a->all, now, window);
    budget_lane_count(&a->outside, now, outside_window(&b->rules));
    for (unsigned i = 0; i < a->devices.count; i++) {
        budget_lane_count(&a->devices.list[i].by_epid, now, window);
        budget_lane_count(&a->devices.list[i].by_session, now, window);
    }
}

bool budget_is_over(const struct budget *b, const struct budget_account *a)
{
    const struct budget_rules *r = &b->rules;

    return (r->account_failures && a->strangers[OUTSIDE].failures >= r->account_failures) ||
           (r->ceiling && a->all.failures >= r->ceiling) ||
           a->outside.failures >= outside_share(r, TIER_STRANGER);
}

void budget_clear(struct budget *b, struct budget_account *a, int64_t now)
{
    static const struct budget_lane empty;

    a->strangers[OUTSIDE] = a->strangers[INSIDE] = a->all = a->outside = empty;
    for (unsigned i = 0; i < a->devices.count; i++)
        a->devices.list[i].by_epid = a->devices.list[i].by_session = empty;
    memset(a->tokens, 0, sizeof(a->tokens));
    budget_account_touch(&b->table, a, now);
}

/* --- the store --- */

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* When nothing of it counts any more. */
static int64_t forgotten_at(const struct budget *b, const struct budget_account *a)
{
    int64_t until = 0;

    if (budget_account_busy(a, INT64_MIN))
        until = a->used + longest_window(&b->rules);
    for (unsigned i = 0; i < a->devices.count; i++)
        until = later(until, a->devices.list[i].seen + b->rules.device_life_s);
    return until;
}

bool budget_next_change(struct budget *b, int64_t now, struct buf *key, struct buf *state,
                        int64_t *until)
{
    struct budget_account *a = TAILQ_FIRST(&b->table.gone);

    *until = 0;
    buf_clear(key);
    buf_clear(state);
    if (a) {
        buf_add(key, a->key);
        budget_table_forget_gone(&b->table, a);
        return true;
    }
    a = TAILQ_FIRST(&b->table.changed);
    if (!a)
        return false;
    TAILQ_REMOVE(&b->table.changed, a, by_change);
    a->changed = false;
    buf_add(key, a->key);
    budget_refresh(b, a, now);
    *until = forgotten_at(b, a);
    if (*until > now)
        budget_record_write(a, state);
    a->stored = state->len > 0;
    return true;
}

bool budget_restore(struct budget *b, struct str key, struct str state, int64_t now)
{
    static const struct budget_network nowhere;
    struct budget_record_head head;

    if (key.len == 0 || budget_account_keyed(&b->table, key) ||
        !budget_record_read_head(state, &head))
        return false;
    char *label = str_own(head.label);
    struct budget_account *a =
        budget_account_add(&b->table, key, head.known ? label : NULL,
                           head.known ? &nowhere : &head.network, now, busy_since(b, now));
    free(label);
    a->stored = true;
    if (budget_record_read(state, a, &b->table))
        return true;
    budget_account_drop(&b->table, a);
    return false;
}
