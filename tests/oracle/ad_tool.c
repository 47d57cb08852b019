/* SPDX-License-Identifier: MIT */
/* What src/ad says about a real domain, for people and scripts: commands on standard input, one a
 * line, and what came back with the time it took.
 *
 *   ad_tool CONF < commands
 *
 *   find [DOMAIN\]NAME          uri sip:ADDRESS          names          status
 *   prove [DOMAIN\]USER PASSWORD [v2|ntlm2|v1] [COMPUTER]
 *   load  [DOMAIN\]USER PASSWORD COUNT AT-A-TIME       raw [DOMAIN\]USER PASSWORD COUNT AT-A-TIME
 *   compare [DOMAIN\]USER PASSWORD ROUNDS AT-A-TIME     the two in turn, medians of their rates
 *   again sip:ADDRESS COUNT     from the cache, how long each took
 *   match name|upn|uri VALUE    everybody, with the attributes that were seen
 *   list                        all who have an address: how many
 *   sleep MILLISECONDS
 *
 * It becomes [general] user_authd first, as authd does. */
#include <stdbool.h>
#include <stdint.h>

#include <wbclient.h>

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ad/directory.h"
#include "ad/keeper.h"
#include "ad/reader.h"
#include "base/clock.h"
#include "base/secret.h"
#include "base/utf16.h"
#include "conf/sandbox.h"
#include "ntlm/crypt.h"

static struct loop *loop;
static struct ad *ad;

static double now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static struct str word(struct str *rest)
{
    *rest = str_trim(*rest);
    return str_take_until(rest, ' ');
}

/* DOMAIN\NAME, or NAME of no domain. */
static struct str name_of(struct str account, struct str *domain)
{
    size_t slash = str_find_char(account, '\\');

    *domain = slash == SIZE_MAX ? STR_NONE : str_first(account, slash);
    return slash == SIZE_MAX ? account : str_skip(account, slash + 1);
}

/* --- responses, as a client makes them --- */

struct response {
    uint8_t challenge[8], octets[1024], key[16];
    size_t len;
};

static size_t add_pair(uint8_t *at, uint8_t id, struct str text)
{
    struct buf wide = { 0 };

    if (!utf16_from_utf8(text, &wide) || wide.len > 64)
        abort();
    memcpy(at, (uint8_t[]){ id, 0, (uint8_t)wide.len, 0 }, 4);
    memcpy(at + 4, wide.ptr, wide.len);
    size_t len = wide.len + 4;
    buf_fini(&wide);
    return len;
}

static void respond_v2(const uint8_t hash[16], struct str domain, struct str user,
                       struct str computer, struct response *r)
{
    struct buf d = { 0 }, u = { 0 };
    uint8_t v2[16], *p = r->octets + 16;
    uint64_t t = clock_filetime();

    if (!utf16_from_utf8(domain, &d) || !utf16_from_utf8(user, &u))
        abort();
    ntlm_ntowfv2(hash, buf_str(&u), buf_str(&d), 0, v2);
    memset(p, 0, 64);
    p[0] = p[1] = 1;
    for (unsigned i = 0; i < 8; i++)
        p[8 + i] = (uint8_t)(t >> (8 * i));
    random_bytes(p + 16, 8);
    size_t len = 28;
    if (computer.len)
        len += add_pair(p + len, 1, computer);
    memset(p + len, 0, 8);
    len += 8;
    ntlm_hmac_md5(str_of(v2, 16), str_of(r->challenge, 8), str_of(p, len), r->octets);
    ntlm_hmac_md5(str_of(v2, 16), str_of(r->octets, 16), STR_NONE, r->key);
    r->len = len + 16;
    buf_fini(&d);
    buf_fini(&u);
}

/* `kind` v2, or v1, or ntlm2: then the challenge is the one the controller must be given. */
static void respond(struct str account, struct str password, struct str kind, struct str computer,
                    struct response *r)
{
    struct str domain, user = name_of(account, &domain);
    struct buf wide = { 0 };
    uint8_t hash[16], client[8], mixed[16];

    random_bytes(r->challenge, 8);
    if (!utf16_from_utf8(password, &wide))
        abort();
    ntlm_ntowfv1(buf_str(&wide), hash);
    buf_fini(&wide);
    if (kind.len == 0 || str_eq(kind, STR("v2"))) {
        respond_v2(hash, domain, user, computer, r);
        return;
    }
    if (str_eq(kind, STR("ntlm2"))) {
        random_bytes(client, 8);
        ntlm_md5(str_of(r->challenge, 8), str_of(client, 8), mixed);
        memcpy(r->challenge, mixed, 8);
    }
    ntlm_desl(hash, r->challenge, r->octets);
    r->len = 24;
    ntlm_md4(str_of(hash, 16), r->key);
}

static struct ad_logon logon_of(struct str account, struct str kind, const struct response *r)
{
    struct ad_logon l = { .workstation = STR("TESTPC"),
                          .nt_response = str_of(r->octets, r->len),
                          .ntlmv2 = kind.len == 0 || str_eq(kind, STR("v2")) };

    l.user = name_of(account, &l.domain);
    memcpy(l.challenge, r->challenge, 8);
    return l;
}

/* --- what came back --- */

static double asked_at;

static void found(void *arg, enum fault fault, const struct ad_account *a)
{
    (void)arg;
    printf("  %.2f ms: %s", now_ms() - asked_at, fault_name(fault));
    if (fault == FAULT_NONE && !a)
        printf(" nobody");
    if (a)
        printf(" %s\\%s upn=%s uri=%s display=\"%s\" flags=%u expires=%lld sid=%u octets%s",
               a->user.domain, a->user.name, a->user.upn, a->user.uri, a->user.display,
               a->user.flags, (long long)a->user.expires, a->sid_len, a->shared ? " SHARED" : "");
    printf("\n");
    loop_stop(loop);
}

static void proved(void *arg, const struct ad_proof *p)
{
    const struct response *r = arg;

    printf("  %.2f ms: %s ntstatus=0x%08x", now_ms() - asked_at, fault_name(p->fault), p->ntstatus);
    if (p->fault == FAULT_NONE)
        printf(" %s\\%s sid=%u octets, session key %s", p->domain, p->account, p->sid_len,
               memcmp(p->session_key, r->key, 16) == 0 ? "right" : "WRONG");
    printf("\n");
    loop_stop(loop);
}

static void print_names(void *arg, const struct ad_names *n)
{
    (void)arg;
    printf("  names: computer=%s domain=%s dns=%s forest=%s\n", n->nb_computer, n->nb_domain,
           n->dns_domain, n->dns_forest);
}

static void print_status(void)
{
    struct ad_counts c;

    ad_counts(ad, &c);
    printf("  asked=%llu cached=%llu searches=%llu logons=%llu deadlines=%llu respawned=%llu "
           "busy=%llu entries=%u waiting=%u children=%u%s%s server=%s\n",
           (unsigned long long)c.asked, (unsigned long long)c.cached,
           (unsigned long long)c.searches, (unsigned long long)c.logons,
           (unsigned long long)c.deadlines, (unsigned long long)c.respawned,
           (unsigned long long)c.refused_busy, c.cache_entries, c.waiting, c.children,
           c.winbind_down ? " WINBIND-DOWN" : "", c.ldap_down ? " LDAP-DOWN" : "", c.server);
}

static void stop(void *arg)
{
    (void)arg;
    loop_stop(loop);
}

static void run_for(unsigned ms)
{
    struct loop_timer *t = loop_timer_new(loop, stop, NULL);

    loop_timer_set(t, ms, 0);
    loop_run(loop);
    loop_timer_free(t);
}

/* --- load --- */

static struct load {
    struct str account, password;
    unsigned left, open, good, faults[FAULT_COUNT];
    double worst;
} load;

struct one {
    struct response r;
    double began;
};

static void load_more(void);

static void load_done(void *arg, const struct ad_proof *p)
{
    struct one *o = arg;
    double took = now_ms() - o->began;

    load.faults[p->fault]++;
    load.good += p->fault == FAULT_NONE && memcmp(p->session_key, o->r.key, 16) == 0;
    load.worst = took > load.worst ? took : load.worst;
    load.open--;
    free(o);
    if (load.left > 0)
        load_more();
    else if (load.open == 0)
        loop_stop(loop);
}

static void load_more(void)
{
    struct one *o = calloc(1, sizeof(*o));

    if (!o)
        abort();
    respond(load.account, load.password, STR_NONE, STR_NONE, &o->r);
    struct ad_logon l = logon_of(load.account, STR_NONE, &o->r);
    o->began = now_ms();
    load.left--;
    load.open++;
    ad_prove(ad, &l, load_done, o);
}

/* Proofs a second. */
static double load_rate(struct str account, struct str password, unsigned count, unsigned at_a_time)
{
    memset(&load, 0, sizeof(load));
    load.account = account;
    load.password = password;
    load.left = count;
    double began = now_ms();
    for (unsigned i = 0; i < at_a_time && load.left; i++)
        load_more();
    loop_run(loop);
    return count / (now_ms() - began) * 1000;
}

static void run_load(struct str *rest)
{
    struct str account = word(rest), password = word(rest);
    uint32_t count = 0, at_a_time = 0;

    if (!str_to_u32(word(rest), &count) || !str_to_u32(word(rest), &at_a_time) || !count)
        return;
    double rate = load_rate(account, password, count, at_a_time);
    printf("  %u proofs, %u right, %.0f/s, slowest %.1f ms:", count, load.good, rate, load.worst);
    for (unsigned i = 0; i < FAULT_COUNT; i++) {
        if (load.faults[i])
            printf(" %s=%u", fault_name(i), load.faults[i]);
    }
    printf("\n");
}

/* --- the library itself, for comparison: a process each, as many calls as there are to do --- */

static void raw_calls(struct str account, struct str password, unsigned count)
{
    struct wbcContext *ctx = wbcCtxCreate();
    struct str domain, user = name_of(account, &domain);
    char *d = str_own(domain), *u = str_own(user);

    for (unsigned i = 0; i < count; i++) {
        struct wbcAuthUserInfo *info = NULL;
        struct wbcAuthErrorInfo *error = NULL;
        struct response r;
        respond(account, password, STR_NONE, STR_NONE, &r);
        struct wbcAuthUserParams p = { .account_name = u,
                                       .domain_name = d,
                                       .workstation_name = "TESTPC",
                                       .level = WBC_AUTH_USER_LEVEL_RESPONSE };
        memcpy(p.password.response.challenge, r.challenge, 8);
        p.password.response.nt_length = (uint32_t)r.len;
        p.password.response.nt_data = r.octets;
        if (wbcCtxAuthenticateUserEx(ctx, &p, &info, &error) != WBC_ERR_SUCCESS)
            _exit(1);
        wbcFreeMemory(info);
        wbcFreeMemory(error);
    }
    _exit(0);
}

static double raw_rate(struct str account, struct str password, unsigned count, unsigned at_a_time,
                       unsigned *failed)
{
    int status;

    *failed = 0;
    double began = now_ms();
    for (unsigned i = 0; i < at_a_time; i++) {
        if (fork() == 0)
            raw_calls(account, password, count / at_a_time);
    }
    for (unsigned i = 0; i < at_a_time; i++)
        *failed += wait(&status) < 0 || status != 0;
    return count / (now_ms() - began) * 1000;
}

static void run_raw(struct str *rest)
{
    struct str account = word(rest), password = word(rest);
    uint32_t count = 0, at_a_time = 1;
    unsigned failed;

    if (!str_to_u32(word(rest), &count) || !str_to_u32(word(rest), &at_a_time) || !at_a_time)
        return;
    double rate = raw_rate(account, password, count, at_a_time, &failed);
    printf("  %u calls of the library, %u processes failed, %.0f/s\n", count, failed, rate);
}

enum { ROUNDS_MAX = 101, ROUND_PROOFS = 200 };

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static double median(double *list, unsigned count)
{
    qsort(list, count, sizeof(*list), by_size);
    return list[count / 2];
}

/* Pair by pair, so that whatever else the machine does meanwhile falls on both. */
static void run_compare(struct str *rest)
{
    struct str account = word(rest), password = word(rest);
    static double raw[ROUNDS_MAX], through[ROUNDS_MAX], ratio[ROUNDS_MAX];
    uint32_t rounds = 0, at_a_time = 0;
    unsigned failed, bad = 0;

    if (!str_to_u32(word(rest), &rounds) || !str_to_u32(word(rest), &at_a_time) || !at_a_time ||
        rounds == 0 || rounds > ROUNDS_MAX)
        return;
    for (unsigned i = 0; i < rounds; i++) {
        raw[i] = raw_rate(account, password, ROUND_PROOFS, at_a_time, &failed);
        through[i] = load_rate(account, password, ROUND_PROOFS, at_a_time);
        ratio[i] = through[i] / raw[i];
        bad += failed + (ROUND_PROOFS - load.good);
    }
    printf("  the library %.0f/s, through authd's children %.0f/s, ratio %.2f, %u failed\n",
           median(raw, rounds), median(through, rounds), median(ratio, rounds), bad);
}

static void count_found(void *arg, enum fault fault, const struct ad_account *a)
{
    *(unsigned *)arg += fault == FAULT_NONE && a;
}

static void run_again(struct str *rest)
{
    struct str uri = word(rest);
    uint32_t count = 0;
    unsigned seen = 0;

    if (!str_to_u32(word(rest), &count) || !count)
        return;
    double began = now_ms();
    for (unsigned i = 0; i < count; i++)
        ad_find_uri(ad, uri, count_found, &seen);
    printf("  %u look-ups, %u found at once, %.2f us each\n", count, seen,
           (now_ms() - began) * 1000 / count);
    run_for(50);
}

static void run_prove(struct str *rest)
{
    struct str account = word(rest), password = word(rest), kind = word(rest),
               computer = word(rest);
    static struct response r;

    respond(account, password, kind, computer, &r);
    struct ad_logon l = logon_of(account, kind, &r);
    asked_at = now_ms();
    ad_prove(ad, &l, proved, &r);
    loop_run(loop);
}

/* --- the reader, without children --- */

static struct conf *conf;

static bool print_match(void *arg, const struct ad_match *m)
{
    (void)arg;
    printf("  dn: %.*s\n", STR_ARG(m->dn));
    for (unsigned i = 0; i < m->entry.count; i++) {
        const struct ad_value_list *l = &m->entry.attributes[i];
        bool octets = str_eq_nocase(l->name, STR("objectSid"));
        for (unsigned k = 0; k < l->count; k++)
            printf("  %.*s: %.*s\n", STR_ARG(l->name), octets ? 0 : (int)l->values[k].len,
                   l->values[k].ptr);
    }
    printf("  means: %s\\%s %s flags=%u\n", m->account.user.domain, m->account.user.name,
           m->account.user.uri, m->account.user.flags);
    return true;
}

static bool count_match(void *arg, const struct ad_match *m)
{
    (void)m;
    ++*(unsigned *)arg;
    return true;
}

static void told(struct ad_reader *r, enum fault fault, const struct buf *why)
{
    printf("  %.2f ms: %s, controller %s%s%.*s\n", now_ms() - asked_at, fault_name(fault),
           ad_reader_server(r), why->len ? "\n  " : "", STR_ARG(str_trim(buf_str(why))));
}

static void run_match(struct str *rest)
{
    struct str by = word(rest);
    struct ad_reader *r = ad_reader_new(conf);
    struct buf why = { 0 };

    told(r,
         ad_reader_match(r,
                         str_eq(by, STR("uri"))   ? AD_BY_ADDRESS
                         : str_eq(by, STR("upn")) ? AD_BY_UPN
                                                  : AD_BY_NAME,
                         *rest, print_match, NULL, &why),
         &why);
    ad_reader_free(r);
    buf_fini(&why);
}

static void run_list(void)
{
    struct ad_reader *r = ad_reader_new(conf);
    struct buf why = { 0 };
    unsigned count = 0;
    enum fault fault = ad_reader_list(r, count_match, &count, &why);

    printf("  %u have an address\n", count);
    told(r, fault, &why);
    ad_reader_free(r);
    buf_fini(&why);
}

static void obey(struct str line)
{
    struct str rest = line, domain, verb = word(&rest), first;

    printf("> %.*s\n", STR_ARG(line));
    asked_at = now_ms();
    if (str_eq(verb, STR("prove"))) {
        run_prove(&rest);
    } else if (str_eq(verb, STR("find"))) {
        first = name_of(word(&rest), &domain);
        ad_find(ad, domain, first, found, NULL);
        loop_run(loop);
    } else if (str_eq(verb, STR("uri"))) {
        ad_find_uri(ad, word(&rest), found, NULL);
        loop_run(loop);
    } else if (str_eq(verb, STR("match"))) {
        run_match(&rest);
    } else if (str_eq(verb, STR("list"))) {
        run_list();
    } else if (str_eq(verb, STR("load"))) {
        run_load(&rest);
    } else if (str_eq(verb, STR("raw"))) {
        run_raw(&rest);
    } else if (str_eq(verb, STR("compare"))) {
        run_compare(&rest);
    } else if (str_eq(verb, STR("again"))) {
        run_again(&rest);
    } else if (str_eq(verb, STR("names"))) {
        ad_on_names(ad, print_names, NULL);
    } else if (str_eq(verb, STR("status"))) {
        print_status();
    } else if (str_eq(verb, STR("sleep"))) {
        uint32_t ms = 0;
        if (str_to_u32(word(&rest), &ms))
            run_for(ms);
    }
    fflush(stdout);
}

int main(int argc, char **argv)
{
    char line[1024];
    struct buf why = { 0 };

    struct conf *c = conf = argc == 2 ? conf_load(argv[1], &why) : NULL;
    if (!c) {
        fprintf(stderr, "usage: ad_tool CONF < commands\n%.*s", STR_ARG(buf_str(&why)));
        return 2;
    }
    struct ad_keeper *keeper = ad_keeper_start(c, &why);
    if (!keeper || !sandbox_drop(c->user_authd, &why)) {
        fprintf(stderr, "ad_tool: %.*s\n", STR_ARG(buf_str(&why)));
        return 1;
    }
    trace_start(&c->trace);
    loop = loop_new();
    ad = ad_new(loop, c, keeper);
    run_for(300);
    while (fgets(line, sizeof(line), stdin))
        obey(str_trim(str_from_c(line)));
    ad_free(ad);
    loop_free(loop);
    trace_stop();
    conf_free(c);
    buf_fini(&why);
    return 0;
}
