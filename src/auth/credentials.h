/* SPDX-License-Identifier: MIT */
/* The credentials of a message that are meant for us, and their signature ([MS-SIPAE] 2.2). */
#ifndef POSTERN_AUTH_CREDENTIALS_H
#define POSTERN_AUTH_CREDENTIALS_H

#include <stdbool.h>

#include "auth/auth.h"
#include "auth/scheme.h"

/* Values as they stand, without quotes. */
struct credentials {
    const struct auth_scheme *scheme; /* NULL: none of ours */
    struct str realm, targetname, opaque;
    bool has_token; /* gssapi-data is there, maybe empty: this marks a handshake request */
    struct str token;
    struct str version;
    struct str crand, cnum, response;
};

/* Schemes on offer, in this order; ends with NULL. */
extern const struct auth_scheme *const auth_schemes[];

/* Authorization or Proxy-Authorization, whichever names a scheme on offer, our realm and our
 * targetname.  FAULT_SIP_AUTHORIZATION when there is none of ours, but one that cannot be read. */
enum fault credentials_find(const struct auth *a, const struct auth_request *r,
                            struct credentials *out);
/* The name this client knows us by. */
struct str auth_targetname(const struct auth *a, const struct sa_owner *o);

/* The number's place in the window and the signature; counts the number when both are right. */
enum fault credentials_verify(const struct credentials *c, const struct sip_msg *m,
                              struct arena *arena, struct sa *sa);

#endif
