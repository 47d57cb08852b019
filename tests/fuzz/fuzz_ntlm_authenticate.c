/* SPDX-License-Identifier: MIT */
/* A client's AUTHENTICATE through all who touch it: reader, acceptance, the response check against
 * a known password, and the eraser that makes it fit for a log. */
#include <stdlib.h>

#include "ntlm/accept.h"
#include "ntlm/verify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same_when_written(const struct ntlm_authenticate *a)
{
    struct ntlm_authenticate again;
    struct buf out = { 0 };

    ntlm_authenticate_write(a, a->has_mic_room, &out);
    if (ntlm_authenticate_read(buf_str(&out), &again) != FAULT_NONE ||
        !str_eq(again.user, a->user) || !str_eq(again.nt_response, a->nt_response) ||
        !str_eq(again.session_key, a->session_key) || again.mic_claimed != a->mic_claimed)
        abort();
    buf_fini(&out);
}

static bool blank(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] != 0)
            return false;
    }
    return true;
}

static void nothing_secret_stays(const uint8_t *data, size_t size)
{
    struct ntlm_authenticate before, after;
    uint8_t *copy = malloc(size ? size : 1);

    if (!copy)
        abort();
    if (size)
        memcpy(copy, data, size);
    bool readable = ntlm_authenticate_read(str_of(data, size), &before) == FAULT_NONE;
    ntlm_redact(copy, size);
    if (readable) {
        if (ntlm_authenticate_read(str_of(copy, size), &after) != FAULT_NONE ||
            after.flags != before.flags || !blank(after.nt_response) || !blank(after.lm_response) ||
            !blank(after.session_key))
            abort();
    }
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* MD4 of "Pa$$word1", which the corpus was made with */
    static const uint8_t nt_hash[16] = { 0xf0, 0x11, 0xb3, 0xf3, 0x4c, 0x5b, 0x6c, 0x95,
                                         0x80, 0xe2, 0xaf, 0xd2, 0x1f, 0x2e, 0x73, 0x67 };
    static const struct ntlm_policy policy = { .offer = 0xE2988257, .lm_compatibility = 3 };
    struct ntlm_authenticate a;
    enum fault audited;
    uint32_t unmet;
    uint8_t exported[16];

    nothing_secret_stays(data, size);
    if (ntlm_accept_authenticate(str_of(data, size), policy.offer, &policy, &a, &unmet, &audited) !=
        FAULT_NONE)
        return 0;
    same_when_written(&a);
    const struct ntlm_verify_in in = {
        .server_challenge = { 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef },
        .challenge = STR("stands for one"),
        .auth = &a,
        .filetime = UINT64_C(129000000000000000),
    };
    if (ntlm_verify_response(&in, nt_hash, exported) != FAULT_NONE &&
        !blank(str_of(exported, sizeof(exported))))
        abort();
    return 0;
}
