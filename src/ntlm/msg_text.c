/* SPDX-License-Identifier: MIT */
/* What of an NTLM message people get to see: names for its parts, and a form fit for a log. */
#include "base/compiler.h"
#include "base/secret.h"
#include "ntlm/msg.h"

enum { AFTER_TYPE = 12, MIC_OFFSET = 72, MIC_LEN = 16 };

static const struct flag_name {
    uint32_t bit;
    const char *name;
} flag_names[] = {
    { NTLM_NEGOTIATE_UNICODE, "unicode" },
    { NTLM_NEGOTIATE_OEM, "oem" },
    { NTLM_REQUEST_TARGET, "request-target" },
    { NTLM_NEGOTIATE_SIGN, "integrity" },
    { NTLM_NEGOTIATE_SEAL, "confidentiality" },
    { NTLM_NEGOTIATE_DATAGRAM, "datagram" },
    { NTLM_NEGOTIATE_LM_KEY, "lm-key" },
    { NTLM_NEGOTIATE_NTLM, "ntlm" },
    { NTLM_ANONYMOUS, "anonymous" },
    { NTLM_OEM_DOMAIN_SUPPLIED, "domain-supplied" },
    { NTLM_OEM_WORKSTATION_SUPPLIED, "workstation-supplied" },
    { NTLM_NEGOTIATE_ALWAYS_SIGN, "always-sign" },
    { NTLM_TARGET_TYPE_DOMAIN, "target-domain" },
    { NTLM_TARGET_TYPE_SERVER, "target-server" },
    { NTLM_EXTENDED_SESSIONSECURITY, "ntlmv2-session" },
    { NTLM_NEGOTIATE_IDENTIFY, "identify" },
    { NTLM_REQUEST_NON_NT_SESSION_KEY, "non-nt-session-key" },
    { NTLM_NEGOTIATE_TARGET_INFO, "target-info" },
    { NTLM_NEGOTIATE_VERSION, "version" },
    { NTLM_NEGOTIATE_128, "128-bit" },
    { NTLM_NEGOTIATE_KEY_EXCH, "key-exchange" },
    { NTLM_NEGOTIATE_56, "56-bit" },
};

const char *ntlm_flag_name(uint32_t bit)
{
    for (size_t i = 0; i < ARRAY_LEN(flag_names); i++) {
        if (flag_names[i].bit == bit)
            return flag_names[i].name;
    }
    return NULL;
}

bool ntlm_flag_from_name(struct str name, uint32_t *bit)
{
    for (size_t i = 0; i < ARRAY_LEN(flag_names); i++) {
        if (str_eq_nocase(name, str_from_c(flag_names[i].name))) {
            *bit = flag_names[i].bit;
            return true;
        }
    }
    return false;
}

const char *ntlm_response_kind_name(enum ntlm_response_kind k)
{
    static const char *const names[] = {
        [NTLM_RESPONSE_ANONYMOUS] = "anonymous", [NTLM_RESPONSE_LM] = "lm",
        [NTLM_RESPONSE_NTLMV1] = "ntlmv1",       [NTLM_RESPONSE_NTLM2_SESSION] = "ntlm2-session",
        [NTLM_RESPONSE_NTLMV2] = "ntlmv2",
    };
    return names[k];
}

static void blot(uint8_t *msg, struct str whole, struct str secret)
{
    if (secret.len)
        memset(msg + (secret.ptr - whole.ptr), 0, secret.len);
}

/* A CHALLENGE holds no secret.  Where a MIC can stand is overwritten whether one is claimed or
 * not. */
void ntlm_redact(uint8_t *msg, size_t len)
{
    struct str whole = str_of(msg, len);
    struct ntlm_authenticate a;
    struct ntlm_challenge c;

    if (ntlm_challenge_read(whole, &c) == FAULT_NONE)
        return;
    if (ntlm_authenticate_read(whole, &a) != FAULT_NONE) {
        if (len > AFTER_TYPE)
            memset(msg + AFTER_TYPE, 0, len - AFTER_TYPE);
        return;
    }
    blot(msg, whole, a.lm_response);
    blot(msg, whole, a.nt_response);
    blot(msg, whole, a.session_key);
    if (a.has_mic_room)
        memset(msg + MIC_OFFSET, 0, MIC_LEN);
}
