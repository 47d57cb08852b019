/* SPDX-License-Identifier: MIT */
#include "client/profile.h"

#include "base/compiler.h"

/* What every client of the family concludes: UNICODE, REQUEST_TARGET, SIGN, DATAGRAM, NTLM,
 * ALWAYS_SIGN, VERSION, KEY_EXCH.  Windows XP out of the box agrees to nothing more, whatever is
 * offered: no extended session security at LmCompatibilityLevel 0, neither 128 nor 56. */
#define FLAGS_XP 0x42008255u
/* ... with extended session security, IDENTIFY and TARGET_INFO, as NTLMv2 needs them. */
#define FLAGS_NTLMV2 0x42988255u

#define COMMUNICATOR "UCCAPI/3.5.6907.0 OC/3.5.6907.0 (Microsoft Office Communicator 2007 R2)"

static const struct client_profile profiles[] = {
    {
        .name = "windows-xp",
        .what = "Windows XP as it was shipped: NTLMv1, no 128-bit, TLS 1.0 with RC4 or 3DES",
        .tls = TLS_CLIENT_XP,
        .flags_wanted = FLAGS_XP,
        .lm_compatibility = 0,
        .version = { 5, 1, 2600, 15 },
        .user_agent = COMMUNICATOR,
        .family = CLIENT_COMMUNICATOR,
    },
    {
        .name = "windows-xp-128",
        .what = "Windows XP hardened by policy: NTLMv2, 128-bit; still TLS 1.0 with RC4 or 3DES",
        .tls = TLS_CLIENT_XP,
        .flags_wanted = FLAGS_NTLMV2 | NTLM_NEGOTIATE_128,
        .lm_compatibility = 3,
        .version = { 5, 1, 2600, 15 },
        .send_lmv2 = true,
        .user_agent = COMMUNICATOR,
        .family = CLIENT_COMMUNICATOR,
    },
    {
        .name = "windows-vista",
        .what = "Windows Vista: NTLMv2 with LMv2, 128-bit, TLS 1.0",
        .tls = TLS_CLIENT_TLS10,
        .flags_wanted = FLAGS_NTLMV2 | NTLM_NEGOTIATE_128 | NTLM_NEGOTIATE_56,
        .lm_compatibility = 3,
        .version = { 6, 0, 6002, 15 },
        .send_lmv2 = true,
        .user_agent = COMMUNICATOR,
        .family = CLIENT_COMMUNICATOR,
    },
    {
        .name = "windows-7",
        .what = "Windows 7: NTLMv2 with MIC, demands 128-bit of the server, TLS 1.2",
        .tls = TLS_CLIENT_TLS12,
        .flags_wanted = FLAGS_NTLMV2 | NTLM_NEGOTIATE_128 | NTLM_NEGOTIATE_56,
        .lm_compatibility = 3,
        .min_client_sec = NTLM_NEGOTIATE_128,
        .version = { 6, 1, 7601, 15 },
        .send_mic = true,
        .user_agent = COMMUNICATOR,
        .family = CLIENT_COMMUNICATOR,
    },
    {
        .name = "windows-7-no128",
        .what = "Windows 7 with its minimum lowered and 128-bit taken away: NTLMv2, 56-bit",
        .tls = TLS_CLIENT_TLS12,
        .flags_wanted = FLAGS_NTLMV2 | NTLM_NEGOTIATE_56,
        .lm_compatibility = 3,
        .version = { 6, 1, 7601, 15 },
        .send_mic = true,
        .user_agent = COMMUNICATOR,
        .family = CLIENT_COMMUNICATOR,
    },
    {
        .name = "sipe",
        .what = "Pidgin with SIPE: NTLMv2 with LMv2, 128-bit if offered, calls itself XP",
        .tls = TLS_CLIENT_MODERN,
        .flags_wanted = FLAGS_NTLMV2 | NTLM_NEGOTIATE_128 | NTLM_NEGOTIATE_56,
        .lm_compatibility = 3,
        .version = { 5, 1, 2600, 15 },
        .send_lmv2 = true,
        .user_agent = "Purple/2.14.12 Sipe/1.25.0 (linux-x86_64)",
        .via_branch = true,
        .family = CLIENT_SIPE,
    },
};

const struct client_profile *client_profile_find(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(profiles); i++)
        if (str_eq(str_from_c(profiles[i].name), name))
            return &profiles[i];
    return NULL;
}

const struct client_profile *client_profile_at(unsigned index)
{
    return index < ARRAY_LEN(profiles) ? &profiles[index] : NULL;
}

void client_profile_ntlm(const struct client_profile *p, struct ntlm_initiate *out)
{
    out->flags_wanted = p->flags_wanted;
    out->lm_compatibility = p->lm_compatibility;
    out->min_client_sec = p->min_client_sec;
    out->version = p->version;
    out->send_lmv2 = p->send_lmv2;
    out->send_mic = p->send_mic;
}
