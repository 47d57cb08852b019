/* SPDX-License-Identifier: MIT */
#include "base/secret.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

void secret_set(struct secret *s, struct str bytes)
{
    assert(bytes.len <= SECRET_MAX);
    secret_fini(s);
    if (bytes.len)
        memcpy(s->bytes, bytes.ptr, bytes.len);
    s->len = bytes.len;
}

void secret_fini(struct secret *s)
{
    secret_wipe(s, sizeof(*s));
}

void secret_wipe(void *ptr, size_t len)
{
    if (len)
        explicit_bzero(ptr, len);
}

bool secret_equal(const void *a, const void *b, size_t len)
{
    const volatile unsigned char *left = a, *right = b;
    unsigned char differ = 0;

    for (size_t i = 0; i < len; i++)
        differ |= (unsigned char)(left[i] ^ right[i]);
    return differ == 0;
}

void random_bytes(void *out, size_t len)
{
    unsigned char *at = out;

    while (len > 0) {
        ssize_t got = getrandom(at, len, 0);
        if (got < 0 && errno != EINTR)
            abort();
        if (got > 0) {
            at += got;
            len -= (size_t)got;
        }
    }
}

uint32_t random_u32(void)
{
    uint32_t value;

    random_bytes(&value, sizeof(value));
    return value;
}
