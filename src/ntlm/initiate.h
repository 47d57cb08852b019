/* SPDX-License-Identifier: MIT */
/* The client's part: CHALLENGE in, AUTHENTICATE out, as a given Windows version would. */
#ifndef POSTERN_NTLM_INITIATE_H
#define POSTERN_NTLM_INITIATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "ntlm/msg.h"
#include "ntlm/policy.h"

struct ntlm_initiate {
    uint32_t flags_wanted;     /* concluded flags = wanted & offer, plus REQUEST_TARGET, VERSION; 56
                                  goes when 128 stays */
    unsigned lm_compatibility; /* 0,1: LM + NTLMv1 (NTLM2 session when ESS is agreed and level >=
                                  1); 2: NT only; 3+: NTLMv2 */
    uint32_t min_client_sec;
    struct ntlm_version version;
    bool send_lmv2;                                 /* with NTLMv2 */
    bool send_mic;                                  /* when the CHALLENGE has a timestamp */
    struct str domain, user, workstation, password; /* UTF-8 */
    /* drawn by the caller */
    uint8_t client_challenge[8];
    uint8_t random_session_key[16];
    uint64_t filetime;
};

/* FAULT_POLICY_CLIENT_* when the CHALLENGE does not meet min_client_sec (nothing is written),
 * FAULT_NTLM_MALFORMED when it cannot be read. */
enum fault ntlm_initiate(const struct ntlm_initiate *in, struct str challenge,
                         struct buf *authenticate, uint32_t *flags, uint8_t exported[16]);

#endif
