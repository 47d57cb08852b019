/* SPDX-License-Identifier: MIT */
/* An AUTHENTICATE message on its way to a verdict: nobody who does not know the password may get
 * one that lets them in. */

#include <stdlib.h>

#include "authd/judge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void prepare(struct judge *j)
{
    static const char *const domains[] = { "example.com" };
    static const uint8_t hash[16] = { 0xA4, 0xF4, 0x9C, 0x40, 0x65, 0x10, 0xBD, 0xCA };
    struct user u = { .name = "ada", .uri = "sip:ada@example.com", .flags = USER_SIP_ENABLED };

    judge_init(j);
    j->store = store_memory_new("EXAMPLE");
    j->policy = ntlm_policy_set_new();
    j->domains = domains;
    j->domain_count = 1;
    j->lockout.rules = (struct lockout_rules){ .threshold = 5, .window_s = 60, .duration_s = 60 };
    j->budget.netbios = "EXAMPLE";
    j->budget.rules = (struct budget_rules){ .account_failures = 4,
                                             .device_failures = 3,
                                             .window_s = 60,
                                             .device_life_s = 3600,
                                             .lockout_threshold = 5,
                                             .reserve = 1,
                                             .lockout_window_s = 60 };
    if (j->store->ops->add(j->store, &u, hash) != STORE_OK)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct judge judge;
    static int64_t now = 1000000;
    now += 100;
    struct judge_case k = { .q = { .authenticate = str_of(data, size),
                                   .from_uri = STR("sip:ada@example.com"),
                                   .source = STR("\xCB\0\x71\1"),
                                   .epid = STR("01010101"),
                                   .remote = size & 1 },
                            .time = { .now = now, .filetime = 0, .day = 20270115 },
                            .names = &judge.names };
    const struct proto_verdict *v = &k.answer.verdict;
    struct buf out = { 0 };

    if (!judge.store)
        prepare(&judge);
    arena_reset(&judge.names);
    judge_question(&judge, &k);
    if (v->fault == FAULT_NONE || v->password_proved)
        abort();
    if (!proto_verdict_write(v, &out))
        abort();
    judge_answer_fini(&k.answer);
    buf_fini(&out);
    return 0;
}
