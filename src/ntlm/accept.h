/* SPDX-License-Identifier: MIT */
/* The front's part of NTLM: make the CHALLENGE, judge the AUTHENTICATE without any secret. */
#ifndef POSTERN_NTLM_ACCEPT_H
#define POSTERN_NTLM_ACCEPT_H

#include "base/buf.h"
#include "ntlm/msg.h"
#include "ntlm/policy.h"

/* What the CHALLENGE says of us; UTF-8, any may be empty except nb_*. */
struct ntlm_names {
    struct str nb_computer, nb_domain, dns_computer, dns_domain, dns_tree;
    bool unnamed; /* the NetBIOS names are left out, not empty */
};

/* `filetime` 0: no timestamp pair. */
void ntlm_accept_challenge(const struct ntlm_names *names, uint32_t offer,
                           const uint8_t server_challenge[8], uint64_t filetime, struct buf *out);

/* What can be told of an AUTHENTICATE without any secret and any policy: malformed, flags, session
 * key, anonymous, LM-only. */
enum fault ntlm_accept_structure(struct str token, uint32_t offered, struct ntlm_authenticate *out);

/* Structure and flags against the offer, then the policy.  In this order: malformed, flags,
 * session key, anonymous, LM-only, policy.  In audit mode an unmet minimum is returned through
 * *unmet with FAULT_NONE.  `policy` is the selected one. */
enum fault ntlm_accept_authenticate(struct str token, uint32_t offered,
                                    const struct ntlm_policy *policy, struct ntlm_authenticate *out,
                                    uint32_t *unmet, enum fault *audited);

#endif
