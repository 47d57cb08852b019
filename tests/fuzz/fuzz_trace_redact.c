/* SPDX-License-Identifier: MIT */
/* A hostile message head: redaction keeps its length and has nothing to do the second time; what
 * is printed of it cannot be taken for a record. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "diag/trace_redact.h"
#include "diag/trace_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_redaction(const uint8_t *data, size_t size)
{
    char *once = malloc(size + 1), *twice = malloc(size + 1);

    memcpy(once, data, size);
    trace_redact_head(once, size, NULL);
    memcpy(twice, once, size);
    trace_redact_head(twice, size, NULL);
    assert(memcmp(once, twice, size) == 0);
    free(once);
    free(twice);
}

static void check_text(const uint8_t *data, size_t size)
{
    struct trace_out o = { .cap = size * 4 + 16 };

    o.ptr = malloc(o.cap + 1);
    trace_out_text(&o, str_of(data, size));
    assert(!o.cut);
    o.ptr[o.len] = '\0';
    for (size_t i = 0; i < o.len; i++)
        assert((unsigned char)o.ptr[i] >= 0x20 || o.ptr[i] == '\t');
    assert(!strcasestr(o.ptr, "$$begin_record") && !strcasestr(o.ptr, "$$end_record"));
    for (const char *p = o.ptr; (p = strcasestr(p, "TL_")) != NULL; p++) {
        const char *end = p + 3;
        while (is_alpha(*end))
            end++;
        assert(end == p + 3 || *end != '(');
    }
    o.len = 0;
    trace_out_dump(&o, str_of(data, size));
    assert(o.len == size);
    free(o.ptr);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_redaction(data, size);
    check_text(data, size);
    return 0;
}
