/* SPDX-License-Identifier: MIT */
/* NTLM messages in datagram mode ([MS-NLMP] 2.2): read and write.  Readers return slices into
 * the message; nothing is copied. */
#ifndef POSTERN_NTLM_MSG_H
#define POSTERN_NTLM_MSG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "diag/fault.h"

enum ntlm_message_type { NTLM_NEGOTIATE = 1, NTLM_CHALLENGE = 2, NTLM_AUTHENTICATE = 3 };

/* Negotiate flags, [MS-NLMP] 2.2.2.5. */
enum {
    NTLM_NEGOTIATE_UNICODE = 0x00000001,
    NTLM_NEGOTIATE_OEM = 0x00000002,
    NTLM_REQUEST_TARGET = 0x00000004,
    NTLM_NEGOTIATE_SIGN = 0x00000010,
    NTLM_NEGOTIATE_SEAL = 0x00000020,
    NTLM_NEGOTIATE_DATAGRAM = 0x00000040,
    NTLM_NEGOTIATE_LM_KEY = 0x00000080,
    NTLM_NEGOTIATE_NTLM = 0x00000200,
    NTLM_ANONYMOUS = 0x00000800,
    NTLM_OEM_DOMAIN_SUPPLIED = 0x00001000,
    NTLM_OEM_WORKSTATION_SUPPLIED = 0x00002000,
    NTLM_NEGOTIATE_ALWAYS_SIGN = 0x00008000,
    NTLM_TARGET_TYPE_DOMAIN = 0x00010000,
    NTLM_TARGET_TYPE_SERVER = 0x00020000,
    NTLM_EXTENDED_SESSIONSECURITY = 0x00080000,
    NTLM_NEGOTIATE_IDENTIFY = 0x00100000,
    NTLM_REQUEST_NON_NT_SESSION_KEY = 0x00400000,
    NTLM_NEGOTIATE_TARGET_INFO = 0x00800000,
    NTLM_NEGOTIATE_VERSION = 0x02000000,
    NTLM_NEGOTIATE_128 = 0x20000000,
    NTLM_NEGOTIATE_KEY_EXCH = 0x40000000,
};
#define NTLM_NEGOTIATE_56  0x80000000u
#define NTLM_DEFAULT_OFFER 0xE2988251u
/* Keys made with these need the LM hash, which is not stored. */
#define NTLM_NEVER_OFFERED ((uint32_t)(NTLM_NEGOTIATE_LM_KEY | NTLM_REQUEST_NON_NT_SESSION_KEY))

enum ntlm_response_kind {
    NTLM_RESPONSE_ANONYMOUS,
    NTLM_RESPONSE_LM, /* LM (or LMv2) only */
    NTLM_RESPONSE_NTLMV1,
    NTLM_RESPONSE_NTLM2_SESSION, /* ESS with a v1 response */
    NTLM_RESPONSE_NTLMV2,
};

enum ntlm_av_id {
    NTLM_AV_EOL,
    NTLM_AV_NB_COMPUTER,
    NTLM_AV_NB_DOMAIN,
    NTLM_AV_DNS_COMPUTER,
    NTLM_AV_DNS_DOMAIN,
    NTLM_AV_DNS_TREE,
    NTLM_AV_FLAGS,
    NTLM_AV_TIMESTAMP,
    NTLM_AV_SINGLE_HOST,
    NTLM_AV_TARGET_NAME,
    NTLM_AV_CHANNEL_BINDINGS,
};
enum { NTLM_AV_FLAG_CONSTRAINED = 1, NTLM_AV_FLAG_MIC = 2, NTLM_AV_FLAG_UNTRUSTED_SPN = 4 };

struct ntlm_version {
    uint8_t major, minor;
    uint16_t build;
    uint8_t revision; /* 15 */
};

struct ntlm_challenge {
    uint32_t flags;
    uint8_t server_challenge[8];
    struct str target_name; /* UTF-16LE */
    struct str target_info; /* AV pairs */
    struct ntlm_version version;
};

struct ntlm_authenticate {
    struct str raw;
    struct str lm_response, nt_response;
    struct str domain, user, workstation; /* UTF-16LE (OEM when not UNICODE), as received */
    struct str session_key;               /* encrypted; 16 octets with KEY_EXCH */
    uint32_t flags;
    bool has_version;
    struct ntlm_version version;
    bool mic_claimed;  /* AvFlags bit 2 in the NTLMv2 blob */
    bool has_mic_room; /* no payload begins before octet 88 */
    struct str mic;    /* 16 octets at 72, when both of the above */
};

/* FAULT_NTLM_MALFORMED for anything out of bounds, of the wrong type, UTF-16 of odd size or at an
 * odd offset, a field that points into the header, or an NT response of a length none can have. */
enum fault ntlm_challenge_read(struct str msg, struct ntlm_challenge *out);
enum fault ntlm_authenticate_read(struct str msg, struct ntlm_authenticate *out);
void ntlm_challenge_write(const struct ntlm_challenge *c, struct buf *out);
/* `mic`: leave 16 zero octets at 72 for it.  The version is written when flags have VERSION. */
void ntlm_authenticate_write(const struct ntlm_authenticate *a, bool mic_room, struct buf *out);

/* AV pairs ([MS-NLMP] 2.2.2.1).  Reading: start with *rest = list; false at EOL or when damaged
 * (then *bad is set). */
bool ntlm_av_next(struct str *rest, uint16_t *id, struct str *value, bool *bad);
bool ntlm_av_find(struct str list, uint16_t id, struct str *value);
void ntlm_av_add(struct buf *out, uint16_t id, struct str value);
void ntlm_av_end(struct buf *out);

/* Whom an NTLMv2 response was made for: MsvAvTargetName, a service principal name in UTF-16LE
 * ([MS-NLMP] 2.2.2.1).  Empty when it does not say. */
struct str ntlm_target_name(const struct ntlm_authenticate *a);

/* Told by lengths and the LM field ([MS-NLMP] 3.3):
 * NT > 24 NTLMv2; 24 with LM[8..23] zero and ESS: NTLM2 session; 24: NTLMv1; 0: LM or anonymous. */
enum ntlm_response_kind ntlm_response_kind(const struct ntlm_authenticate *a);
const char *
ntlm_response_kind_name(enum ntlm_response_kind k); /* lm ntlmv1 ntlm2-session ntlmv2 anonymous */
/* Name of a single flag bit ("128-bit", "ntlmv2-session", "key-exchange" ...), NULL when reserved.
 */
const char *ntlm_flag_name(uint32_t bit);
bool ntlm_flag_from_name(struct str name, uint32_t *bit);

/* Overwrites in place what must not stay in a log: LM and NT responses, session key, MIC.  Names,
 * flags, lengths stay.  A CHALLENGE holds no secret and stays as it is; anything else that is not a
 * readable AUTHENTICATE is overwritten after its signature and type. */
void ntlm_redact(uint8_t *msg, size_t len);

#endif
