/* SPDX-License-Identifier: MIT */
/* Takes the secrets out of what goes into a trace; lengths and positions stay. */
#ifndef POSTERN_DIAG_TRACE_REDACT_H
#define POSTERN_DIAG_TRACE_REDACT_H

#include <stddef.h>
#include <stdint.h>

/* Overwrites the secrets of one NTLM message; NULL: everything behind signature and type goes. */
typedef void (*trace_redact_ntlm)(uint8_t *msg, size_t len);

/* One token.  NTLM CHALLENGEs stay as they are (they hold no secret), other NTLM messages go to
 * `ntlm`; of a Kerberos token the 17 octets of GSS framing stay; anything else goes entirely. */
void trace_redact_token(uint8_t *token, size_t len, trace_redact_ntlm ntlm);
/* Every gssapi-data in the head of a SIP message, in place, whatever field it stands in: still
 * base64, of the same length.  What is no clean base64 goes entirely.  Basic credentials go too. */
void trace_redact_head(char *head, size_t len, trace_redact_ntlm ntlm);

#endif
