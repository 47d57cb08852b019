/* SPDX-License-Identifier: MIT */
/* Authorization from a stranger: every value lies inside the field, no name comes twice. */
#include <stdlib.h>

#include "sip/authparam.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds)
{
    if (!holds)
        abort();
}

static void inside(struct str part, struct str whole)
{
    demand(part.len == 0 ||
           (part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sip_auth a;
    struct str in = str_of(data, size);

    if (sip_auth_parse(in, &a) != FAULT_NONE)
        return 0;
    demand(a.count <= SIP_AUTHPARAM_MAX && a.scheme.len > 0);
    for (unsigned i = 0; i < a.count; i++) {
        inside(a.params[i].name, in);
        inside(a.params[i].value, in);
        demand(str_find_char(a.params[i].value, '"') == SIZE_MAX);
        demand(str_eq(sip_auth_get(&a, a.params[i].name), a.params[i].value));
    }
    return 0;
}
