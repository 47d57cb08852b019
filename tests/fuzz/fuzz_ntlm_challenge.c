/* SPDX-License-Identifier: MIT */
/* A server's CHALLENGE in the hands of our client, at every LmCompatibilityLevel: what it answers
 * must be something our own server can read. */
#include <stdlib.h>

#include "ntlm/initiate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void answer(struct str challenge, unsigned level)
{
    struct ntlm_initiate in = { .flags_wanted = 0xE2988257,
                                .lm_compatibility = level,
                                .version = { 6, 1, 7601, 15 },
                                .send_lmv2 = challenge.len & 1,
                                .send_mic = true,
                                .domain = STR("EXAMPLE"),
                                .user = STR("j\xc3\xbcrgen"),
                                .workstation = STR("PC17"),
                                .password = STR("Pa$$word1") };
    struct buf out = { 0 };
    struct ntlm_authenticate a;
    uint32_t flags;
    uint8_t exported[16];

    enum fault fault = ntlm_initiate(&in, challenge, &out, &flags, exported);
    if ((fault == FAULT_NONE) != (out.len > 0))
        abort();
    if (fault == FAULT_NONE && ntlm_authenticate_read(buf_str(&out), &a) != FAULT_NONE)
        abort();
    buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str challenge = str_of(data, size);
    struct ntlm_challenge c, again;
    struct buf out = { 0 };

    if (ntlm_challenge_read(challenge, &c) == FAULT_NONE) {
        ntlm_challenge_write(&c, &out);
        if (ntlm_challenge_read(buf_str(&out), &again) != FAULT_NONE ||
            !str_eq(again.target_info, c.target_info) || again.flags != c.flags)
            abort();
        buf_fini(&out);
    }
    for (unsigned level = 0; level <= 3; level++)
        answer(challenge, level);
    return 0;
}
