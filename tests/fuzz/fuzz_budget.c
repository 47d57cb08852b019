/* SPDX-License-Identifier: MIT */
/* A record from the file of failure budgets, which somebody may have damaged: what can be read must
 * be written back so that it can be read again. */
#include <stdlib.h>

#include "authd/budget.h"
#include "authd/budget_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct budget_account *restored(struct budget *b, struct str record)
{
    budget_init(b);
    b->rules = (struct budget_rules){ .window_s = 60, .device_life_s = 3600 };
    return budget_restore(b, STR("ADA"), record, 1000) ? budget_account_keyed(&b->table, STR("ADA"))
                                                       : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct budget first, second;
    struct buf once = { 0 }, twice = { 0 };
    struct budget_account *a = restored(&first, str_of(data, size));

    if (a) {
        budget_record_write(a, &once);
        struct budget_account *again = restored(&second, buf_str(&once));
        if (!again)
            abort();
        budget_record_write(again, &twice);
        if (!str_eq(buf_str(&once), buf_str(&twice)))
            abort();
        budget_fini(&second);
    }
    budget_fini(&first);
    buf_fini(&once);
    buf_fini(&twice);
    return 0;
}
