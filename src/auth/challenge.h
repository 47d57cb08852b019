/* SPDX-License-Identifier: MIT */
/* Values of WWW-Authenticate ([MS-SIPAE] 2.2; [MS-SIP] 3.1.5.1).  407 is never used: clients of
 * this family send its answer to a context that neither verifies nor signs later messages. */
#ifndef POSTERN_AUTH_CHALLENGE_H
#define POSTERN_AUTH_CHALLENGE_H

#include "auth/scheme.h"
#include "base/arena.h"
#include "base/str.h"

/* All empty when the arena's budget is spent. */
struct str challenge_first(const struct auth_scheme *scheme, struct str realm,
                           struct str targetname, struct arena *arena);
/* The answer within a handshake: the scheme in progress, its handle and its token. */
struct str challenge_continue(const struct auth_scheme *scheme, struct str realm,
                              struct str targetname, struct str opaque, struct str token,
                              struct arena *arena);

#endif
