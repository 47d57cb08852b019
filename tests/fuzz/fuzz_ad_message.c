/* SPDX-License-Identifier: MIT */
/* Questions and answers between authd and its Active Directory children: what can be read must,
 * written again, read as the same. */
#include <stdlib.h>

#include "ad/cache.h"
#include "ad/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void questions(struct str in)
{
    struct ad_question q, again;
    struct buf once = { 0 }, twice = { 0 };
    struct ad_key key;

    if (!ad_question_read(in, &q))
        return;
    if (q.ask == AD_ASK_FIND)
        ad_key_of(q.by, q.value, &key);
    if (!ad_question_write(&q, &once) || !ad_question_read(buf_str(&once), &again) ||
        !ad_question_write(&again, &twice) || !str_eq(buf_str(&once), buf_str(&twice)))
        abort();
    buf_fini(&once);
    buf_fini(&twice);
}

static void answers(struct str in)
{
    static struct ad_answer a, again;
    struct buf once = { 0 }, twice = { 0 };

    if (!ad_answer_read(in, &a))
        return;
    struct ad_cache *cache = ad_cache_new(4);
    struct ad_key key;
    if (a.found && ad_key_of(AD_BY_NAME, str_from_c(a.account.user.name), &key))
        ad_cache_put(cache, &key, &a.account, 1);
    for (unsigned i = 0; i < a.change_count; i++)
        ad_cache_drop(cache, &a.changes[i]);
    ad_cache_free(cache);
    ad_answer_write(&a, &once);
    if (!ad_answer_read(buf_str(&once), &again))
        abort();
    ad_answer_write(&again, &twice);
    if (!str_eq(buf_str(&once), buf_str(&twice)))
        abort();
    buf_fini(&once);
    buf_fini(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    questions(str_of(data, size));
    answers(str_of(data, size));
    return 0;
}
