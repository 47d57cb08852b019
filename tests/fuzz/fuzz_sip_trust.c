/* SPDX-License-Identifier: MIT */
/* The word of trust: slices of what came, and what is printed of them reads the same. */
#include <stdlib.h>

#include "sip/trust.h"

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

/* The tickets in their order, without the gaps. */
static unsigned closed_up(const struct sip_trust *t, uint64_t out[SIP_TRUST_TICKETS_MAX])
{
    unsigned n = 0;

    for (unsigned i = 0; i < SIP_TRUST_TICKETS_MAX; i++)
        if (t->tickets[i])
            out[n++] = t->tickets[i];
    return n;
}

static void same(const struct sip_trust *a, const struct sip_trust *b)
{
    uint64_t before[SIP_TRUST_TICKETS_MAX], after[SIP_TRUST_TICKETS_MAX];
    unsigned n = closed_up(a, before);

    demand(str_eq(a->edge, b->edge) && str_eq(a->cid, b->cid) && str_eq(a->target, b->target));
    demand(a->resumed == b->resumed && a->over == b->over && a->guess == b->guess);
    demand(n == closed_up(b, after) && memcmp(before, after, n * sizeof(before[0])) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str in = str_of(data, size);
    struct sip_trust t, again;
    struct buf out = { 0 };

    sip_trust_parse(in, &t);
    inside(t.edge, in);
    inside(t.cid, in);
    inside(t.target, in);
    if (t.edge.len > 0 && !memchr(in.ptr, '"', in.len)) { /* our names have no quotes */
        sip_trust_print(&t, &out);
        sip_trust_parse(buf_str(&out), &again);
        same(&t, &again);
    }
    buf_fini(&out);
    return 0;
}
