/* SPDX-License-Identifier: MIT */
/* Header values from a stranger: addresses, URIs, Via, CSeq.  What is read stays inside the value,
 * lists come to an end, and a user's key is the same as that of the key itself. */
#include <stdlib.h>

#include "sip/addr.h"
#include "sip/cseq.h"
#include "sip/uri.h"
#include "sip/via.h"

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

static void uri(struct str in, struct arena *arena)
{
    struct sip_uri u, again;

    if (sip_uri_parse(in, &u) != FAULT_NONE)
        return;
    inside(u.user, in);
    inside(u.host, in);
    inside(u.params, in);
    inside(u.headers, in);
    (void)sip_param_find(u.params, STR("gruu"), NULL);
    struct str key = sip_uri_user_key(&u, arena);
    if (key.len == 0)
        return;
    demand(sip_uri_same_user(&u, &u));
    demand(sip_uri_parse(key, &again) == FAULT_NONE && sip_uri_same_user(&u, &again));
    demand(str_eq(sip_uri_user_key(&again, arena), key));
}

static void addresses(struct str list, struct arena *arena)
{
    struct sip_addr a;
    struct str rest = list;

    while (rest.len > 0) {
        size_t before = rest.len;
        if (sip_addr_parse(rest, &a, &rest) != FAULT_NONE)
            return;
        demand(rest.len < before && a.uri.len > 0);
        inside(a.name, list);
        inside(a.uri, list);
        inside(a.params, list);
        inside(sip_addr_tag(&a), list);
        inside(sip_addr_epid(&a), list);
        uri(a.uri, arena);
    }
}

static void vias(struct str list)
{
    struct sip_via v;
    struct str rest = list;

    while (rest.len > 0) {
        size_t before = rest.len;
        if (sip_via_parse(rest, &v, &rest) != FAULT_NONE)
            return;
        demand(rest.len < before && v.host.len > 0 && v.transport.len > 0);
        inside(v.params, list);
        inside(v.branch, list);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct sip_cseq cseq;
    struct str in = str_of(data, size);

    arena_init(&arena, 4096, 64 * 1024);
    uri(in, &arena);
    addresses(in, &arena);
    vias(in);
    if (sip_cseq_parse(in, &cseq) == FAULT_NONE)
        demand(cseq.digits.len > 0 && cseq.method.len > 0);
    arena_fini(&arena);
    return 0;
}
