/* SPDX-License-Identifier: MIT */
/* Cache in front, pools of children behind; the polls that keep the cache true. */
#include "ad/directory.h"

#include <stdlib.h>

#include "ad/cache.h"
#include "ad/keeper.h"
#include "ad/pool.h"
#include "base/table.h"
#include "diag/trace.h"

enum {
    LDAP_CHILDREN = 2,
    UNWATCHED_MS = 30000, /* how long an account is remembered when nobody asks what changed */
    NAMES_SOON_MS = 2000,
    NAMES_LATER_MS = 60000,
    TELL_MS = 1000,
};

struct waiter {
    struct waiter *next;
    ad_found done;
    void *arg;
};

/* A question under way; whoever asks the same meanwhile waits for the same answer. */
struct lookup {
    struct ad *ad;
    struct ad_key key;
    struct waiter *first, **last;
    bool stale;     /* something changed since it was asked */
    bool unwatched; /* the polls follow another controller since */
};

struct proof {
    struct ad *ad;
    ad_proved done;
    void *arg;
};

struct ad {
    struct loop *loop;
    /* copies: the configuration may be replaced meanwhile */
    char *netbios_domain, *dns_domain;
    uint32_t cache_s, negative_s, poll_s, timeout_ms;
    unsigned first_children; /* as many as there are when none was lost */
    struct ad_keeper *keeper;
    struct loop_fd *watch;
    struct ad_pool *winbind, *ldap;
    struct ad_cache *cache;
    struct table lookups; /* by key */
    struct loop_timer *poll, *names_timer;

    bool polling;
    bool watched;                   /* the last poll was answered */
    char server[AD_SERVER_MAX + 1]; /* whose changes we follow */
    uint64_t usn;
    unsigned first; /* the server to begin with; the next one after each silence */
    enum fault told;
    uint64_t told_ms;

    struct ad_names names;
    void (*names_changed)(void *arg, const struct ad_names *n);
    void *names_arg;
    void (*ended)(void *arg);
    void *ended_arg;
    struct ad_counts counts;
};

static void *checked(void *ptr)
{
    if (!ptr)
        abort();
    return ptr;
}

/* --- look-ups --- */

/* What time alone can change (a lock that runs out), what another account's change can (a shared
 * address), and what nobody watches, is not remembered for long. */
static uint64_t life_ms(const struct ad *a, const struct lookup *l, const struct ad_answer *answer)
{
    uint64_t ms = (uint64_t)a->cache_s * 1000;
    bool watched = a->watched && !l->unwatched && strcmp(answer->server, a->server) == 0;
    bool settled = !(answer->account.user.flags & USER_LOCKED) && !answer->account.shared;

    if (!answer->found)
        return (uint64_t)a->negative_s * 1000;
    return (watched && settled) || ms < UNWATCHED_MS ? ms : UNWATCHED_MS;
}

static void remember(struct ad *a, const struct lookup *l, const struct ad_answer *answer)
{
    uint64_t ms = life_ms(a, l, answer);

    if (!l->stale && ms > 0)
        ad_cache_put(a->cache, &l->key, answer->found ? &answer->account : NULL,
                     loop_now_ms(a->loop) + ms);
}

/* What the library said; refusals of an account are told by whoever asked, and a failure that goes
 * on is told once a second. */
static void trace_failure(struct ad *a, const char *what, enum fault fault,
                          const struct ad_answer *answer)
{
    uint64_t now = loop_now_ms(a->loop);

    if (!answer || !answer->detail[0] ||
        !str_starts(str_from_c(fault_name(fault)), STR("directory-")))
        return;
    if (a->told == fault && now - a->told_ms < TELL_MS)
        return;
    a->told = fault;
    a->told_ms = now;
    trace_text(TRACE_AUTHD, TL_WARN, "directory", "%s: %s: %s", what, fault_name(fault),
               answer->detail);
}

/* A child that had to be killed cannot have tried the next server. */
static void choose_server(struct ad *a, enum fault fault)
{
    if (fault == FAULT_NONE)
        a->first = 0;
    else if (fault == FAULT_DIRECTORY_SLOW)
        a->first = (a->first + 1) % CONF_NEXT_HOPS_MAX;
}

static void looked_up(void *arg, enum fault fault, const struct ad_answer *answer)
{
    struct lookup *l = arg;
    struct ad *a = l->ad;
    const struct ad_account *account =
        fault == FAULT_NONE && answer->found ? &answer->account : NULL;

    table_remove(&a->lookups, ad_key_str(&l->key));
    if (fault == FAULT_NONE)
        remember(a, l, answer);
    else
        trace_failure(a, "look-up", fault, answer);
    choose_server(a, fault);
    while (l->first) {
        struct waiter *w = l->first;
        l->first = w->next;
        w->done(w->arg, fault, account);
        free(w);
    }
    free(l);
}

static void wait_for(struct lookup *l, ad_found done, void *arg)
{
    struct waiter *w = checked(calloc(1, sizeof(*w)));

    w->done = done;
    w->arg = arg;
    *l->last = w;
    l->last = &w->next;
}

static void look_up(struct ad *a, enum ad_by by, struct str value, const struct ad_key *key,
                    ad_found done, void *arg)
{
    struct lookup *l = table_get(&a->lookups, ad_key_str(key));

    if (l) {
        wait_for(l, done, arg);
        return;
    }
    struct ad_question q = { .ask = AD_ASK_FIND, .by = by, .value = value, .first = a->first };
    l = checked(calloc(1, sizeof(*l)));
    l->ad = a;
    l->key = *key;
    l->last = &l->first;
    wait_for(l, done, arg);
    table_put(&a->lookups, ad_key_str(&l->key), l);
    a->counts.searches++;
    ad_pool_ask(a->ldap, &q, AD_REPEAT, looked_up, l);
}

static void find(struct ad *a, enum ad_by by, struct str value, ad_found done, void *arg)
{
    struct ad_account account;
    struct ad_key key;

    a->counts.asked++;
    if (!ad_key_of(by, value, &key)) {
        done(arg, FAULT_NONE, NULL);
        return;
    }
    enum ad_cached cached =
        ad_cache_get(a->cache, &key, a->netbios_domain, loop_now_ms(a->loop), &account);
    if (cached == AD_CACHE_UNKNOWN) {
        look_up(a, by, value, &key, done, arg);
        return;
    }
    a->counts.cached++;
    done(arg, FAULT_NONE, cached == AD_CACHE_FOUND ? &account : NULL);
}

static bool is_our_domain(const struct ad *a, struct str domain)
{
    return domain.len == 0 || user_name_same(domain, str_from_c(a->netbios_domain)) ||
           user_name_same(domain, str_from_c(a->names.nb_domain)) ||
           user_name_same(domain, str_from_c(a->dns_domain));
}

void ad_find(struct ad *a, struct str domain, struct str name, ad_found done, void *arg)
{
    if (str_find_char(name, '@') != SIZE_MAX)
        find(a, AD_BY_UPN, name, done, arg);
    else if (is_our_domain(a, domain))
        find(a, AD_BY_NAME, name, done, arg);
    else
        done(arg, FAULT_NONE, NULL);
}

void ad_find_uri(struct ad *a, struct str uri, ad_found done, void *arg)
{
    struct str bare = str_first(uri, str_find_char(uri, ';'));

    find(a, AD_BY_ADDRESS, str_first(bare, str_find_char(bare, '?')), done, arg);
}

void ad_find_sid(struct ad *a, const uint8_t *sid, size_t len, ad_found done, void *arg)
{
    find(a, AD_BY_SID, str_of(sid, len), done, arg);
}

/* --- proofs --- */

static void proved(void *arg, enum fault fault, const struct ad_answer *answer)
{
    struct proof *p = arg;
    struct ad_proof none = { .fault = fault };

    if (fault != FAULT_NONE || answer->proof.fault != FAULT_NONE)
        trace_failure(p->ad, "proof", fault != FAULT_NONE ? fault : answer->proof.fault, answer);
    p->done(p->arg, fault == FAULT_NONE ? &answer->proof : &none);
    free(p);
}

void ad_prove(struct ad *a, const struct ad_logon *in, ad_proved done, void *arg)
{
    struct ad_question q = { .ask = AD_ASK_LOGON, .logon = *in };
    struct proof *p = checked(calloc(1, sizeof(*p)));

    p->ad = a;
    p->done = done;
    p->arg = arg;
    a->counts.logons++;
    ad_pool_ask(a->winbind, &q, AD_ONCE, proved, p);
}

/* --- what changed --- */

static void follow(struct ad *a, const struct ad_answer *answer)
{
    bool other = strcmp(a->server, answer->server) != 0;
    struct lookup *l;
    size_t at = 0;

    if (other)
        trace_text(TRACE_AUTHD, TL_INFO, "directory", "changes are followed at %s", answer->server);
    /* what was read before the first poll is remembered for UNWATCHED_MS only */
    if ((other && a->server[0]) || answer->all)
        ad_cache_clear(a->cache);
    for (unsigned i = 0; i < answer->change_count; i++)
        ad_cache_drop(a->cache, &answer->changes[i]);
    while ((l = table_next(&a->lookups, &at)) != NULL) {
        l->unwatched = l->unwatched || other;
        l->stale = l->stale || answer->all || answer->change_count > 0;
    }
    memcpy(a->server, answer->server, sizeof(a->server));
    a->usn = answer->usn;
}

static void polled(void *arg, enum fault fault, const struct ad_answer *answer)
{
    struct ad *a = arg;

    a->polling = false;
    a->watched = fault == FAULT_NONE;
    if (fault == FAULT_NONE)
        follow(a, answer);
    else
        trace_failure(a, "changes", fault, answer);
    choose_server(a, fault);
}

static void poll_now(void *arg)
{
    struct ad *a = arg;
    struct ad_question q = {
        .ask = AD_ASK_CHANGES, .since = a->usn, .server = str_from_c(a->server), .first = a->first
    };

    if (a->polling)
        return;
    a->polling = true;
    ad_pool_ask(a->ldap, &q, AD_PINNED, polled, a);
}

/* --- names of this machine --- */

static void named(void *arg, enum fault fault, const struct ad_answer *answer)
{
    struct ad *a = arg;
    bool known = a->names.nb_computer[0] != '\0' || fault == FAULT_NONE;

    if (fault == FAULT_NONE && memcmp(&a->names, &answer->names, sizeof(a->names)) != 0) {
        a->names = answer->names;
        if (a->names_changed)
            a->names_changed(a->names_arg, &a->names);
    }
    if (fault != FAULT_NONE)
        trace_failure(a, "names", fault, answer);
    loop_timer_set(a->names_timer, known ? NAMES_LATER_MS : NAMES_SOON_MS, 0);
}

static void ask_names(void *arg)
{
    static const struct ad_question q = { .ask = AD_ASK_NAMES };
    struct ad *a = arg;

    ad_pool_ask(a->winbind, &q, AD_REPEAT, named, a);
}

void ad_on_names(struct ad *a, void (*changed)(void *arg, const struct ad_names *n), void *arg)
{
    a->names_changed = changed;
    a->names_arg = arg;
    if (a->names.nb_computer[0])
        changed(arg, &a->names);
}

/* --- children --- */

void ad_on_end(struct ad *a, void (*ended)(void *arg), void *arg)
{
    a->ended = ended;
    a->ended_arg = arg;
}

static void keeper_ready(void *arg, int events)
{
    struct ad *a = arg;
    struct ad_keeper_news news;
    enum ad_keeper_said said;

    (void)events;
    while ((said = ad_keeper_read(a->keeper, &news)) == AD_KEEPER_CHILD)
        ad_pool_child(news.kind == AD_CHILD_WINBIND ? a->winbind : a->ldap, news.slot, news.fd);
    if (said != AD_KEEPER_LOST)
        return;
    loop_fd_watch(a->watch, 0);
    trace_text(TRACE_AUTHD, TL_ERROR, "directory", "the keeper of the children has ended");
    if (a->ended)
        a->ended(a->ended_arg);
}

static void told(const char *what, enum fault fault, const char *detail)
{
    if (fault == FAULT_NONE)
        trace_text(TRACE_AUTHD, TL_WARN, "directory", "%s answers again", what);
    else
        trace_text(TRACE_AUTHD, TL_ERROR, "directory", "%s is down: %s: %s", what,
                   fault_name(fault), detail);
}

static void winbind_changed(void *arg, enum fault fault, const char *detail)
{
    struct ad *a = arg;

    told("winbind", fault, detail);
    if (fault == FAULT_NONE)
        loop_timer_set(a->names_timer, 0, 0);
}

static void ldap_changed(void *arg, enum fault fault, const char *detail)
{
    struct ad *a = arg;

    told("LDAP", fault, detail);
    if (fault == FAULT_NONE && a->poll_s)
        loop_timer_set(a->poll, 0, (uint64_t)a->poll_s * 1000);
}

static struct ad_pool *pool_of(struct ad *a, enum ad_child kind, unsigned slots,
                               void (*changed)(void *arg, enum fault fault, const char *detail))
{
    struct ad_pool_settings s = { .loop = a->loop,
                                  .keeper = a->keeper,
                                  .kind = kind,
                                  .slots = slots,
                                  .deadline_ms = a->timeout_ms,
                                  .changed = changed,
                                  .arg = a };

    return ad_pool_new(&s);
}

struct ad *ad_new(struct loop *l, const struct conf *c, struct ad_keeper *keeper)
{
    struct ad *a = checked(calloc(1, sizeof(*a)));

    a->loop = l;
    a->netbios_domain = str_own(str_from_c(c->netbios_domain));
    a->dns_domain = str_own(str_from_c(c->ad.domain));
    a->cache_s = c->ad.cache_s;
    a->negative_s = c->ad.negative_s;
    a->poll_s = c->ad.poll_s;
    a->timeout_ms = c->ad.timeout_ms;
    a->first_children = c->ad.children + LDAP_CHILDREN;
    a->keeper = keeper;
    a->cache = ad_cache_new(c->ad.cache);
    a->watch = loop_fd_new(l, ad_keeper_fd(keeper), keeper_ready, a);
    loop_fd_watch(a->watch, LOOP_READ);
    a->poll = loop_timer_new(l, poll_now, a);
    a->names_timer = loop_timer_new(l, ask_names, a);
    a->winbind = pool_of(a, AD_CHILD_WINBIND, c->ad.children, winbind_changed);
    a->ldap = pool_of(a, AD_CHILD_LDAP, LDAP_CHILDREN, ldap_changed);
    loop_timer_set(a->names_timer, 0, 0);
    if (c->ad.poll_s)
        loop_timer_set(a->poll, 0, (uint64_t)c->ad.poll_s * 1000);
    return a;
}

void ad_free(struct ad *a)
{
    if (!a)
        return;
    ad_pool_free(a->winbind);
    ad_pool_free(a->ldap);
    loop_fd_free(a->watch);
    loop_timer_free(a->poll);
    loop_timer_free(a->names_timer);
    table_fini(&a->lookups);
    ad_cache_free(a->cache);
    ad_keeper_free(a->keeper);
    free(a->netbios_domain);
    free(a->dns_domain);
    free(a);
}

void ad_counts(const struct ad *a, struct ad_counts *out)
{
    struct ad_pool_counts w, d;

    ad_pool_counts(a->winbind, &w);
    ad_pool_counts(a->ldap, &d);
    *out = a->counts;
    out->deadlines = w.deadlines + d.deadlines;
    out->respawned = w.made + d.made;
    out->respawned -= out->respawned < a->first_children ? out->respawned : a->first_children;
    out->refused_busy = w.refused_busy + d.refused_busy;
    out->cache_entries = ad_cache_count(a->cache);
    out->waiting = w.waiting + d.waiting;
    out->children = w.children + d.children;
    out->winbind_down = w.down;
    out->ldap_down = d.down;
    out->down_since = w.down ? w.down_since : d.down_since;
    memcpy(out->server, a->server, sizeof(out->server));
}
