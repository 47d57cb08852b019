/* SPDX-License-Identifier: MIT */
/* One function per operation of [MS-NLMP] 3.3 and 6, named as there.  nettle has the primitives. */
#ifndef POSTERN_NTLM_CRYPT_H
#define POSTERN_NTLM_CRYPT_H

#include <stdint.h>

#include "base/str.h"

void ntlm_md4(struct str in, uint8_t out[16]);
void ntlm_md5(struct str a, struct str b, uint8_t out[16]); /* of the concatenation */
void ntlm_hmac_md5(struct str key, struct str a, struct str b, uint8_t out[16]);
void ntlm_des(const uint8_t key7[7], const uint8_t in[8], uint8_t out[8]);
void ntlm_desl(const uint8_t key16[16], const uint8_t in[8], uint8_t out[24]);
void ntlm_rc4k(const uint8_t key[16], const uint8_t in[16], uint8_t out[16]);
/* The first `len` octets of RC4 under `key`. */
void ntlm_rc4_keystream(struct str key, uint8_t *out, size_t len);
uint32_t ntlm_crc32(struct str in);

void ntlm_ntowfv1(struct str password_utf16, uint8_t out[16]);
/* ASCII passwords of at most 14 characters; only for the LM response of client profiles. */
void ntlm_lmowfv1(struct str password_ascii, uint8_t out[16]);
/* `domain` exactly as in the message, case kept; the user is upper-cased here. */
void ntlm_ntowfv2(const uint8_t nt_hash[16], struct str user_utf16, struct str domain_utf16,
                  int ascii_only, uint8_t out[16]);
/* KXKEY for responses of version 1; `sbk` = MD4(NT hash). */
void ntlm_kxkey_v1(uint32_t flags, const uint8_t sbk[16], const uint8_t lm_hash[16],
                   struct str lm_response, const uint8_t server_challenge[8], uint8_t out[16]);

/* SIGNKEY and SEALKEY ([MS-NLMP] 3.4.5.2, 3.4.5.3).  `seal` is written with its length (16 or 8).
 */
void ntlm_signkey(const uint8_t exported[16], int client, uint8_t out[16]);
unsigned ntlm_sealkey(uint32_t flags, unsigned revision, const uint8_t exported[16], int client,
                      uint8_t out[16]);
/* The 8-octet key without extended session security: 56 bits, or 40 when 56 was not agreed. */
unsigned ntlm_sealkey_weakened(uint32_t flags, const uint8_t exported[16], uint8_t out[16]);
/* HMAC-MD5(exported, CHALLENGE | AUTHENTICATE with octets 72..87 zero). */
void ntlm_mic(const uint8_t exported[16], struct str challenge, struct str authenticate,
              uint8_t out[16]);

#endif
