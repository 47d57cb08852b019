/* SPDX-License-Identifier: MIT */
/* What a stranger sends first, read for the trace of a refusal. */
#include <stdlib.h>

#include "tls/hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf text = { 0 };

    tls_hello_describe(str_of(data, size), &text);
    /* It goes into one line of a trace. */
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < ' ' || text.ptr[i] > '~')
            abort();
    buf_fini(&text);
    return 0;
}
