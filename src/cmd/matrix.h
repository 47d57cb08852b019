/* SPDX-License-Identifier: MIT */
/* Which client gets in under which policy: every cell by the functions that decide real sign-ins.
 */
#ifndef POSTERN_CMD_MATRIX_H
#define POSTERN_CMD_MATRIX_H

#include "base/buf.h"
#include "client/profile.h"
#include "ntlm/policy.h"
#include "tls/tls.h"

/* The two listeners a client may meet: certificates made for the occasion. */
struct matrix_tls {
    struct tls_context *modern, *legacy;
};
bool matrix_tls_init(struct matrix_tls *t, struct buf *why);
void matrix_tls_fini(struct matrix_tls *t);

/* The first thing that blocks this client, FAULT_NONE when it signs in.  `legacy` says whether
 * the listener has the old lane for it. */
enum fault matrix_cell(const struct client_profile *client, const struct ntlm_policy *policy,
                       const struct matrix_tls *tls, bool legacy);

#endif
