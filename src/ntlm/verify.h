/* SPDX-License-Identifier: MIT */
/* authd's part: the response against the stored NT hash, giving the exported session key. */
#ifndef POSTERN_NTLM_VERIFY_H
#define POSTERN_NTLM_VERIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "diag/fault.h"
#include "ntlm/msg.h"

struct ntlm_verify_in {
    uint8_t server_challenge[8];
    struct str challenge; /* whole CHALLENGE, for the MIC; may be empty */
    const struct ntlm_authenticate *auth;
    uint64_t filetime; /* now */
};

/* FAULT_USER_WRONG_PASSWORD, FAULT_NTLM_TIME, FAULT_NTLM_MIC, FAULT_NTLM_MALFORMED,
 * FAULT_NTLM_LM_ONLY ... NTLMv2: temp from the message itself; then an empty domain, then
 * ASCII-only upper-casing are tried. The session base key never leaves this function. */
enum fault ntlm_verify_response(const struct ntlm_verify_in *in, const uint8_t nt_hash[16],
                                uint8_t exported[16]);

/* What the response itself must have, before anybody is asked about it: FAULT_NTLM_FLAGS,
 * FAULT_NTLM_SESSION_KEY, FAULT_NTLM_MALFORMED. */
enum fault ntlm_verify_shape(const struct ntlm_authenticate *a);
/* The challenge that a domain controller checks the response against: ours, or for an NTLM2 session
 * response the first half of MD5 over both ([MS-NLMP] 3.3.1). */
void ntlm_verify_challenge(const struct ntlm_verify_in *in, uint8_t challenge[8]);
/* A domain controller took the response and gave the user session key: the rest of the check (time,
 * MIC) and the exported session key.  Faults as above. */
enum fault ntlm_verify_session_key(const struct ntlm_verify_in *in, const uint8_t session_key[16],
                                   uint8_t exported[16]);

#endif
