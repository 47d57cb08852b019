/* SPDX-License-Identifier: MIT */
/* What a sign-in by ticket and a message signed with its keys cost at library level: microseconds
 * of this thread's CPU time, median of several rounds.  --table prints one line of JSON instead. */
#include <time.h>

#include "base/secret.h"
#include "kerberos/accept.h"
#include "unit/krb_kit.h"

enum { TOKENS = 2000, MESSAGES = 50000, ROUNDS = 7, TEXT_LEN = 300 };

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

static double median(double rounds[ROUNDS])
{
    qsort(rounds, ROUNDS, sizeof(*rounds), by_size);
    return rounds[ROUNDS / 2];
}

/* Every token is new: the replay cache grows as it does in life. */
static double accept_us(struct krb_kit *kit, krb5_enctype type, struct krb_keys *keys)
{
    struct krb_acceptor_settings s = { .keytab = kit->keytab,
                                       .service = "sip/fe.example.test",
                                       .replay_cache = kit->replay_cache };
    struct buf why = { 0 }, reply = { 0 }, detail = { 0 };
    struct krb_acceptor *a = krb_acceptor_new(&s, &why);
    double rounds[ROUNDS];

    assert(a && why.len == 0);
    for (unsigned r = 0; r < ROUNDS; r++) {
        struct buf *tokens = calloc(TOKENS, sizeof(*tokens));
        struct krb_accepted got;
        assert(tokens);
        for (unsigned i = 0; i < TOKENS; i++)
            krb_kit_token(kit, &(struct krb_kit_token){ .session = type }, &tokens[i]);
        double start = cpu_us();
        for (unsigned i = 0; i < TOKENS; i++) {
            enum fault fault = krb_accept(a, buf_str(&tokens[i]), &got, &reply, &detail);
            assert(fault == FAULT_NONE);
        }
        rounds[r] = (cpu_us() - start) / TOKENS;
        *keys = got.keys;
        for (unsigned i = 0; i < TOKENS; i++)
            buf_fini(&tokens[i]);
        free(tokens);
    }
    krb_acceptor_free(a);
    return median(rounds);
}

static void signature_us(const struct krb_keys *keys, double *make, double *check)
{
    char text[TEXT_LEN];
    uint8_t mic[KRB_MIC_MAX];
    struct krb_mic ours, theirs;
    double made[ROUNDS], checked[ROUNDS];

    memset(text, 't', sizeof(text));
    krb_mic_init(&ours, keys, true);
    krb_mic_init(&theirs, keys, false);
    for (unsigned r = 0; r < ROUNDS; r++) {
        size_t len = 0;
        double start = cpu_us();
        for (unsigned i = 0; i < MESSAGES; i++)
            len = krb_mic_make(&ours, str_of(text, sizeof(text)), mic);
        made[r] = (cpu_us() - start) / MESSAGES;
        start = cpu_us();
        for (unsigned i = 0; i < MESSAGES; i++) {
            bool good = krb_mic_verify(&theirs, str_of(text, sizeof(text)), str_of(mic, len));
            assert(good);
        }
        checked[r] = (cpu_us() - start) / MESSAGES;
    }
    *make = median(made);
    *check = median(checked);
    krb_mic_fini(&ours);
    krb_mic_fini(&theirs);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        krb5_enctype type;
    } kinds[] = { { "AES256", ENCTYPE_AES256_CTS_HMAC_SHA1_96 }, { "RC4", ENCTYPE_ARCFOUR_HMAC } };
    bool table = argc > 1 && strcmp(argv[1], "--table") == 0;

    for (unsigned i = 0; i < 2; i++) {
        struct krb_kit kit;
        struct krb_keys keys;
        double make, check;
        krb_kit_init(&kit, kinds[i].type, "");
        double accept = accept_us(&kit, kinds[i].type, &keys);
        signature_us(&keys, &make, &check);
        if (table)
            printf("%s\"%s\": {\"accept_us\": %.2f, \"make_us\": %.3f, \"check_us\": %.3f}%s",
                   i == 0 ? "{" : "", kinds[i].name, accept, make, check, i == 0 ? ", " : "}\n");
        else
            printf("accept a ticket, %-6s (bound 125)            %6.2f us  %6.0f/s\n"
                   "sign 300 octets, %-6s                        %6.2f us\n"
                   "check 300 octets, %-6s                       %6.2f us\n",
                   kinds[i].name, accept, 1e6 / accept, kinds[i].name, make, kinds[i].name, check);
        secret_wipe(&keys, sizeof(keys));
        krb_kit_fini(&kit);
    }
    return 0;
}
