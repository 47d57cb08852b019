/* SPDX-License-Identifier: MIT */
/* The answer of a name server. */
#include <assert.h>

#include "base/compiler.h"
#include "client/dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dns_srv srv[8];
    unsigned count;

    if (!dns_srv_read(str_of(data, size), srv, ARRAY_LEN(srv), &count))
        assert(count == 0);
    for (unsigned i = 0; i < count; i++) {
        assert(srv[i].target[0] != '\0' && strlen(srv[i].target) < DNS_NAME_MAX);
        assert(i == 0 || srv[i - 1].priority <= srv[i].priority);
    }
    return 0;
}
