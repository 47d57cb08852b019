/* SPDX-License-Identifier: MIT */
/* The keys of a Kerberos context as another process sends them: what is read is what was written,
 * and both sides of such a context know each other's signatures and no others. */
#include <stdlib.h>

#include "kerberos/mic.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds)
{
    if (!holds)
        abort();
}

static void sign_and_check(const struct krb_keys *k, struct str text, bool acceptor)
{
    struct krb_mic from, to;
    uint8_t mic[KRB_MIC_MAX];

    krb_mic_init(&from, k, acceptor);
    krb_mic_init(&to, k, !acceptor);
    size_t len = krb_mic_make(&from, text, mic);
    demand(krb_mic_verify(&to, text, str_of(mic, len)));
    demand(!krb_mic_verify(&from, text, str_of(mic, len)));
    demand(!krb_mic_verify(&to, text, str_of(mic, len - 1)));
    demand(text.len == 0 || !krb_mic_verify(&to, str_skip(text, 1), str_of(mic, len)));
    mic[len - 1] ^= 1;
    demand(!krb_mic_verify(&to, text, str_of(mic, len)));
    demand(!krb_mic_verify(&to, text, text)); /* nobody signed with it */
    krb_mic_fini(&from);
    krb_mic_fini(&to);
}

/* The first octet says how many are keys; the rest is text. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct krb_keys k;
    struct buf again = { 0 };

    if (size == 0)
        return 0;
    struct str all = str_of(data + 1, size - 1), keys = str_first(all, data[0]);
    struct str text = str_skip(all, data[0]);
    if (!krb_keys_read(keys, &k)) {
        demand(k.key_len == 0 || keys.len > 0);
        return 0;
    }
    krb_keys_write(&k, &again);
    demand(str_eq(buf_str(&again), keys) && again.len <= KRB_KEYS_MAX);
    buf_fini(&again);
    sign_and_check(&k, text, true);
    sign_and_check(&k, text, false);
    return 0;
}
