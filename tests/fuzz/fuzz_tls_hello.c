/* SPDX-License-Identifier: MIT */
/* What a stranger sends first, read for the trace of a refusal and for the tickets in it. */
#include <stdlib.h>

#include "tls/hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool lies_in(struct str part, struct str whole)
{
    return part.len == 0 || (part.ptr >= whole.ptr && part.len <= whole.len &&
                             part.ptr + part.len <= whole.ptr + whole.len);
}

static void check_tickets(const struct tls_hello *h, struct str message)
{
    if (h->psk_count > TLS_HELLO_PSKS_MAX || !lies_in(h->session_ticket, message))
        abort();
    for (unsigned i = 0; i < h->psk_count; i++)
        if (!lies_in(h->psks[i], message))
            abort();
}

/* The same bytes as a stream and as the body of one message. */
static void read_tickets(struct str in)
{
    struct buf message = { 0 };
    struct tls_hello hello;

    tls_hello_read(in, &message, &hello);
    check_tickets(&hello, buf_str(&message));
    buf_fini(&message);
    tls_hello_read_body(in, &hello);
    check_tickets(&hello, in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf text = { 0 };

    read_tickets(str_of(data, size));
    tls_hello_describe(str_of(data, size), &text);
    /* It goes into one line of a trace. */
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < ' ' || text.ptr[i] > '~')
            abort();
    buf_fini(&text);
    return 0;
}
