/* SPDX-License-Identifier: MIT */
/* From an LDIF file to accounts. */
#include "ad/import.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *take(void *arg, const struct user *u, const struct user_password *password)
{
    (void)arg;
    if (u->name[0] == '\0' || u->uri[0] == '\0')
        abort();
    return password->kind == USER_PASSWORD_CLEAR && password->clear.len == 0 ? "never" : NULL;
}

static void complain(void *arg, unsigned line, struct str entry, const char *what,
                     const char *right)
{
    (void)arg;
    (void)entry;
    if (line == 0 || !what || !right)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const domains[] = { "example.com" };
    static struct conf *c;
    const struct user_import how = { .domains = domains,
                                     .domain_count = 1,
                                     .take = take,
                                     .complain = complain,
                                     .problems_max = 50 };

    if (!c)
        c = conf_new();
    const struct ad_import i = { .conf = c, .how = &how };
    struct user_import_counts n = ad_import_ldif(&i, str_of(data, size));
    return n.problems > 50 ? -1 : 0;
}
