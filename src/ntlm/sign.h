/* SPDX-License-Identifier: MIT */
/* Message signatures ([MS-NLMP] 3.4.4) with the constant sequence number 100 that SIP uses in
 * both directions, so the RC4 keystream of a direction is the same for every message and is kept.
 */
#ifndef POSTERN_NTLM_SIGN_H
#define POSTERN_NTLM_SIGN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum { NTLM_SIP_SEQUENCE = 100, NTLM_SIGNATURE_LEN = 16 };

/* The keys of one direction.  All key material: wipe with ntlm_sign_keys_fini. */
struct ntlm_sign_keys {
    uint8_t sign_key[16];
    uint8_t keystream[12];    /* ESS: 8 used; without: pad, CRC, sequence */
    uint8_t other_stream[12]; /* without ESS: the other reading of the weakened key */
    bool ess, key_exch;
    bool has_other; /* two readings still open; cleared once one matched */
};

struct ntlm_keys { /* of one SA */
    struct ntlm_sign_keys client, server;
};

/* From the exported session key; `revision` is that of the AUTHENTICATE's version, 0 without. */
void ntlm_keys_init(struct ntlm_keys *k, uint32_t flags, unsigned revision,
                    const uint8_t exported[16]);
void ntlm_keys_fini(struct ntlm_keys *k);

void ntlm_mac(const struct ntlm_sign_keys *k, struct str text, uint8_t out[NTLM_SIGNATURE_LEN]);
/* `from_client` names the direction of the message checked.  Constant time.  Without ESS, octets
 * 4..7 are ignored, and when the first reading of the key fails the other is tried once and kept
 * for both directions. */
bool ntlm_verify(struct ntlm_keys *k, bool from_client, struct str text, struct str signature);

#endif
