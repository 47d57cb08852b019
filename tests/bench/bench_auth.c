/* SPDX-License-Identifier: MIT */
/* What the sign-in arithmetic costs at library level, in microseconds of this thread's CPU time,
 * median of several rounds; and the allocations of an ordinary signed message, which must be 0. */
#include <time.h>

#include "unit/auth_kit.h"

enum { MESSAGES = 20000, TOKENS = 5000, ROUNDS = 7 };

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif

static unsigned long allocations;

#ifndef __SANITIZE_ADDRESS__ /* which brings a malloc of its own */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t nmemb, size_t size);
void *__libc_realloc(void *ptr, size_t size);

void *malloc(size_t size)
{
    allocations++;
    return __libc_malloc(size);
}

void *calloc(size_t nmemb, size_t size)
{
    allocations++;
    return __libc_calloc(nmemb, size);
}

void *realloc(void *ptr, size_t size)
{
    allocations++;
    return __libc_realloc(ptr, size);
}
#endif

static double cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void print(const char *what, double rounds[ROUNDS], unsigned per_round)
{
    qsort(rounds, ROUNDS, sizeof(*rounds), by_size);
    printf("%-44s %6.2f us\n", what, rounds[ROUNDS / 2] / per_round);
}

/* Signed requests, every one with a number of its own, as they would arrive. */
static struct buf *signed_requests(struct kit_client *c)
{
    struct buf *all = calloc(MESSAGES, sizeof(*all));
    assert(all);
    for (unsigned i = 0; i < MESSAGES; i++) {
        kit_compose(c, "REGISTER");
        kit_authorize(c, NULL, true);
        all[i] = c->sent;
        c->sent = (struct buf){ 0 };
    }
    return all;
}

static void verify_one(struct kit *k, struct kit_client *c, struct auth_result *out)
{
    kit_check(k, c, out);
    assert(out->outcome == AUTH_PASS);
}

static void sign_one(struct kit *k, const struct auth_result *out, struct buf *b)
{
    static const struct sigtext form = { .call_id = { "4037df9284354df39065195bd57a4b14", 32 },
                                         .cseq = { "3", 1 },
                                         .method = { "REGISTER", 8 },
                                         .from_uri = { "sip:ada@example.test", 20 },
                                         .from_tag = { "3e49177a52", 10 },
                                         .to_uri = { "sip:ada@example.test", 20 },
                                         .to_tag = { "5E61CCD925D17E043D9A74835A88F664", 32 },
                                         .expires = { "7200", 4 },
                                         .status = 200 };
    struct sigtext t = form;
    buf_clear(b);
    auth_sign(&k->auth, out->sa, &t, b);
}

/* Parsing, as the front does it, is measured alone and then with the rest. */
static bool bench_messages(struct kit *k, struct kit_client *c)
{
    struct auth_result out;
    struct auth_request r;
    struct buf b = { 0 };
    double parse[ROUNDS], whole[ROUNDS], difference[ROUNDS];
    kit_sign_in(k, c, &out);
    assert(out.outcome == AUTH_PASS);
    sign_one(k, &out, &b);
    unsigned long allocated = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct buf *all = signed_requests(c);
        double start = cpu_us();
        for (unsigned i = 0; i < MESSAGES; i++) {
            c->sent = all[i];
            kit_request(k, c, &r);
        }
        parse[round] = cpu_us() - start;
        unsigned long before = allocations;
        start = cpu_us();
        for (unsigned i = 0; i < MESSAGES; i++) {
            c->sent = all[i];
            verify_one(k, c, &out);
            sign_one(k, &out, &b);
        }
        whole[round] = cpu_us() - start;
        allocated += allocations - before;
        difference[round] = whole[round] - parse[round];
        c->sent = (struct buf){ 0 };
        for (unsigned i = 0; i < MESSAGES; i++)
            buf_fini(&all[i]);
        free(all);
    }
    print("parse one signed REGISTER", parse, MESSAGES);
    print("verify and sign one message (bound 3)", difference, MESSAGES);
    printf("%-44s %6lu\n", "allocations of these (bound 0)", allocated);
    buf_fini(&b);
    return allocated == 0;
}

/* The front's structure, flags and policy, and authd's proof with the exported key. */
static void bench_authenticate(struct kit *k, struct kit_client *c)
{
    double front[ROUNDS], authd[ROUNDS], both[ROUNDS];
    uint8_t nt_hash[16], exported[16];
    struct buf password = { 0 };
    struct str token;
    kit_begin(k, c);
    const struct sa *sa = k->home.list;
    utf16_from_utf8(STR("Passw0rd!"), &password);
    ntlm_ntowfv1(buf_str(&password), nt_hash);
    struct str text = str_of(c->token.ptr, c->token.len - 1);
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct ntlm_authenticate m;
        struct ntlm_verify_in in = { .challenge = str_of(sa->challenge, sa->challenge_len),
                                     .auth = &m,
                                     .filetime = k->filetime };
        uint32_t unmet;
        enum fault audited, fault;
        memcpy(in.server_challenge, sa->server_challenge, 8);
        double start = cpu_us();
        for (unsigned i = 0; i < TOKENS; i++) {
            arena_reset(&k->arena);
            assert(base64_decode(text, &k->arena, &token));
            fault = ntlm_accept_authenticate(token, sa->offered, &k->policy->base, &m, &unmet,
                                             &audited);
            assert(fault == FAULT_NONE);
        }
        front[round] = cpu_us() - start;
        start = cpu_us();
        for (unsigned i = 0; i < TOKENS; i++) {
            fault = ntlm_verify_response(&in, nt_hash, exported);
            assert(fault == FAULT_NONE);
        }
        authd[round] = cpu_us() - start;
        both[round] = front[round] + authd[round];
    }
    print("AUTHENTICATE: structure, flags, policy", front, TOKENS);
    print("AUTHENTICATE: proof and exported key", authd, TOKENS);
    print("check one AUTHENTICATE (bound 6)", both, TOKENS);
    buf_fini(&password);
}

int main(void)
{
    struct kit *k = kit_new("windows-2008r2");
    struct kit_client c;
    kit_client_init(&c, k, "ada");
    bool lean = bench_messages(k, &c);
    bench_authenticate(k, &c);
    kit_client_fini(&c);
    kit_free(k);
    return lean ? 0 : 1;
}
