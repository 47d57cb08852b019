/* SPDX-License-Identifier: MIT */
/* Whatever is read from the socket between front and authd; what can be read must be written back
 * octet for octet. */
#include <stdlib.h>

#include "users/proto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same(bool written, struct buf *out, struct str in)
{
    if (!written || !str_eq(buf_str(out), in))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf copy = { 0 }, out = { 0 };

    /* the catalogue grows; the corpus shall not rot with it */
    buf_add(&copy, str_of(data, size));
    if (size >= 4)
        memcpy(copy.ptr,
               (const uint8_t[]){ PROTO_VERSION, data[1], FAULT_COUNT & 0xFF, FAULT_COUNT >> 8 },
               4);
    struct str in = buf_str(&copy);
    struct proto_question q;
    struct proto_verdict v;
    struct proto_lookup l;
    struct proto_flags f;
    struct proto_names n;

    if (proto_question_read(in, &q))
        same(proto_question_write(&q, &out), &out, in);
    else if (proto_verdict_read(in, &v))
        same(proto_verdict_write(&v, &out), &out, in);
    else if (proto_lookup_read(in, &l))
        same(proto_lookup_write(&l, &out), &out, in);
    else if (proto_flags_read(in, &f)) {
        proto_flags_write(&f, &out);
        same(true, &out, in);
    } else if (proto_names_read(in, &n))
        same(proto_names_write(&n, &out), &out, in);
    buf_fini(&out);
    buf_fini(&copy);
    return 0;
}
