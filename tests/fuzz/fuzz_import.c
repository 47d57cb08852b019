/* SPDX-License-Identifier: MIT */
/* The CSV file of `postern user import`. */
#include "users/import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *take(void *arg, const struct user *u, const struct user_password *password)
{
    (void)arg;
    return u->name[0] == '\0' || password->clear.len == 0 ? "never" : NULL;
}

static void complain(void *arg, unsigned line, struct str entry, const char *what,
                     const char *right)
{
    (void)arg;
    (void)line;
    (void)entry;
    (void)what;
    (void)right;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const domains[] = { "example.com" };
    const struct user_import how = { .domains = domains,
                                     .domain_count = 1,
                                     .take = take,
                                     .complain = complain,
                                     .problems_max = 50 };

    user_import_csv(&how, str_of(data, size));
    return 0;
}
