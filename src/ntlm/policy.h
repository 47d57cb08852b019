/* SPDX-License-Identifier: MIT */
/* Minimum session security for NTLM SSP, and what goes with it: a question about values.  No
 * connection, no log, no clock ([MS-NLMP] 3.1.5.1.2, 3.2.5.2.2; the Windows values
 * NtlmMinServerSec, NtlmMinClientSec, LmCompatibilityLevel). */
#ifndef POSTERN_NTLM_POLICY_H
#define POSTERN_NTLM_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "diag/fault.h"
#include "ntlm/msg.h"

enum ntlm_policy_mode { NTLM_POLICY_ENFORCE, NTLM_POLICY_AUDIT };

/* Everything one sign-in is measured by. */
struct ntlm_policy {
    uint32_t min_server_sec; /* bits 0x10, 0x20, 0x80000, 0x20000000 */
    uint32_t min_client_sec;
    uint32_t offer;             /* flags of our CHALLENGE */
    unsigned lm_compatibility;  /* 0..5 */
    unsigned min_sipae_version; /* 2, 3, 4 */
    enum ntlm_policy_mode mode;
};

/* A network: address family by length (4 or 16 octets), prefix bits. */
struct ntlm_network {
    uint8_t addr[16];
    uint8_t len; /* 4 or 16 */
    uint8_t bits;
};

struct ntlm_policy_exception {
    char *name;
    char **users; /* glob patterns on the SIP URI */
    unsigned user_count;
    struct ntlm_network *networks;
    unsigned network_count;
    uint32_t until; /* yyyymmdd, last valid day; 0: no end */
    struct ntlm_policy policy;
};

/* The whole policy: defaults and exceptions, first match wins.  Immutable once shared. */
struct ntlm_policy_set {
    char preset[32]; /* name the base came from; "custom" when keys were changed */
    struct ntlm_policy base;
    struct ntlm_policy_exception *exceptions;
    unsigned exception_count;
};

/* Presets by name: windows-2003, windows-2008, windows-2008r2, strict.  False when unknown. */
bool ntlm_policy_preset(struct str name, struct ntlm_policy *out);
const char *ntlm_policy_preset_name(unsigned index); /* NULL past the last */

/* The policy that applies to this user (SIP URI, may be empty), source address (4 or 16 octets;
 * IPv4-mapped is taken as IPv4) on this day (yyyymmdd).  `name` gets the exception's name or the
 * preset's; points into the set. */
const struct ntlm_policy *ntlm_policy_select(const struct ntlm_policy_set *set, struct str user_uri,
                                             struct str address, uint32_t day, struct str *name);

/* First unmet demand as a fault, the whole unmet mask through `unmet` (may be NULL). */
enum fault ntlm_policy_check(const struct ntlm_policy *policy, uint32_t negotiated,
                             uint32_t *unmet);
/* What our own client demands of a CHALLENGE; FAULT_POLICY_CLIENT_... when unmet. */
enum fault ntlm_policy_check_challenge(const struct ntlm_policy *policy, uint32_t offered);
/* LmCompatibilityLevel as the directory's acceptance rule. */
enum fault ntlm_policy_check_response(const struct ntlm_policy *policy,
                                      enum ntlm_response_kind kind);

/* Text: "128-bit, ntlmv2-session", "none" or a hexadecimal number; also "integrity",
 * "confidentiality". */
bool ntlm_policy_bits_parse(struct str text, uint32_t *out);
void ntlm_policy_bits_print(uint32_t bits, struct buf *out);
/* Offer: "default", "default -128-bit -56-bit", or a hexadecimal number; names as in
 * ntlm_flag_name. */
bool ntlm_policy_offer_parse(struct str text, uint32_t *out);
bool ntlm_network_parse(struct str text, struct ntlm_network *out); /* 10.0.0.0/8, ::1, 127.0.0.1 */
bool ntlm_network_contains(const struct ntlm_network *n, struct str address);

struct ntlm_policy_set *ntlm_policy_set_new(void); /* strict, no exceptions */
struct ntlm_policy_set *ntlm_policy_set_copy(const struct ntlm_policy_set *s);
void ntlm_policy_set_free(struct ntlm_policy_set *s);
/* Sets one key of a policy as the configuration spells it (ntlm_min_server_sec,
 * ntlm_min_client_sec, ntlm_offer, lm_compatibility, min_sipae_version, mode, preset).  False with
 * a reason in `why`. */
bool ntlm_policy_key_set(struct ntlm_policy *p, struct str key, struct str value, struct buf *why);

/* The base policy of `set` as configuration text (key = value lines), readable by the above. */
void ntlm_policy_print(const struct ntlm_policy *p, struct buf *out);

#endif
