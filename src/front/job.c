/* SPDX-License-Identifier: MIT */
#include "front/job.h"

#include <assert.h>
#include <stdlib.h>

struct job *job_new(uint64_t client_id, struct str opaque, struct str raw, size_t head_len)
{
    struct job *j = malloc(sizeof(*j) + raw.len);
    assert(j);
    j->client_id = client_id;
    size_t n = opaque.len < sizeof(j->opaque) ? opaque.len : sizeof(j->opaque) - 1;
    memcpy(j->opaque, opaque.ptr, n);
    j->opaque[n] = '\0';
    j->head_len = head_len;
    j->len = raw.len;
    memcpy(j->bytes, raw.ptr, raw.len);
    return j;
}

void job_free(struct job *j)
{
    free(j);
}
