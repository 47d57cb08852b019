/* SPDX-License-Identifier: MIT */
/* Out of the library's context: keys, end, and words for its errors.  For both halves. */
#ifndef POSTERN_KERBEROS_LUCID_H
#define POSTERN_KERBEROS_LUCID_H

#include <gssapi/gssapi.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "kerberos/mic.h"

/* Uses the context up, whatever comes of it.  `ends`: seconds since 1970.  False when its key is of
 * a kind that krb_mic does not sign with: DES, AES with SHA-2. */
bool krb_lucid_keys(gss_ctx_id_t *context, struct krb_keys *out, int64_t *ends);
/* Appends what the library says of a minor status. */
void krb_lucid_status(OM_uint32 minor, struct buf *detail);

#endif
