/* SPDX-License-Identifier: MIT */
/* A look-up in the cache of Active Directory accounts: 20,000 of them, asked for in an order that
 * the processor's caches cannot help.  Nanoseconds of this thread's CPU time, median of rounds. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "ad/cache.h"

enum { ACCOUNTS = 20000, ROUNDS = 9 };

static char name[ACCOUNTS][16], uri[ACCOUNTS][40];

static double cpu_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static void fill(struct ad_cache *c)
{
    for (unsigned i = 0; i < ACCOUNTS; i++) {
        struct ad_account a = { .user = { .flags = 7 }, .sid = { 1, 5 }, .sid_len = 28 };
        struct ad_key key;
        snprintf(name[i], sizeof(name[i]), "user%05u", i);
        snprintf(uri[i], sizeof(uri[i]), "sip:user%05u@example.com", i);
        memcpy(a.user.name, name[i], sizeof(name[i]));
        memcpy(a.user.uri, uri[i], sizeof(uri[i]));
        snprintf(a.user.upn, sizeof(a.user.upn), "%s", uri[i] + 4);
        snprintf(a.user.display, sizeof(a.user.display), "User Number %u", i);
        memcpy(a.sid + 8, &i, sizeof(i));
        if (!ad_key_of(AD_BY_NAME, str_from_c(name[i]), &key))
            abort();
        ad_cache_put(c, &key, &a, 1000);
    }
}

static double round_ns(struct ad_cache *c, enum ad_by by)
{
    struct ad_account a;
    struct ad_key key;
    double began = cpu_ns();

    for (unsigned n = 0, i = 0; n < ACCOUNTS; n++, i = (i + 7919) % ACCOUNTS) {
        if (!ad_key_of(by, str_from_c(by == AD_BY_NAME ? name[i] : uri[i]), &key) ||
            ad_cache_get(c, &key, "EXAMPLE", 0, &a) != AD_CACHE_FOUND)
            abort();
    }
    return (cpu_ns() - began) / ACCOUNTS;
}

static void measure(struct ad_cache *c, const char *what, enum ad_by by)
{
    double ns[ROUNDS];

    for (unsigned i = 0; i < ROUNDS; i++)
        ns[i] = round_ns(c, by);
    qsort(ns, ROUNDS, sizeof(*ns), by_size);
    printf("%-24s %8.0f ns\n", what, ns[ROUNDS / 2]);
}

int main(void)
{
    struct ad_cache *c = ad_cache_new(ACCOUNTS / 3 * 4 + 4); /* a quarter is for nobodies */

    fill(c);
    measure(c, "look-up by name", AD_BY_NAME);
    measure(c, "look-up by SIP address", AD_BY_ADDRESS);
    ad_cache_free(c);
    return 0;
}
