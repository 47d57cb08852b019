/* SPDX-License-Identifier: MIT */
/* What NTLM and Kerberos do each in their own way when a client signs in: the last token, which
 * makes the keys, and signatures by them. */
#ifndef POSTERN_CLIENT_MECHANISM_H
#define POSTERN_CLIENT_MECHANISM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "client/client.h"
#include "diag/fault.h"

enum { CLIENT_SIGNATURE_MAX = 40 };

struct client_association;

/* Who signs in, and until when the attempt may take (monotonic ms). */
struct client_proof {
    const struct client_settings *settings;
    struct str user_of_uri;
    uint64_t deadline;
};

struct client_mechanism {
    const char *scheme;       /* as headers and signed texts spell it */
    const char *leg;          /* the name of the step that makes the token */
    bool has_server_token;    /* which comes in answer to an empty one, and is answered */
    bool needs_password;      /* nothing else will do */
    enum fault damaged_token; /* when the server's is not base64 */
    /* Whether what the user gave is meant for it: an automatic choice passes over it if not. */
    bool (*suits)(const struct client_settings *s);
    /* Appends the token and makes the keys; the server's own token is empty without
     * `has_server_token`. */
    enum fault (*answer)(struct client_association *a, const struct client_proof *proof,
                         struct str token, struct buf *out, struct buf *detail);
    /* Returns the length. */
    size_t (*sign)(struct client_association *a, struct str text,
                   uint8_t out[CLIENT_SIGNATURE_MAX]);
    bool (*verify)(struct client_association *a, struct str text, struct str signature);
    void (*wipe)(struct client_association *a);
};

extern const struct client_mechanism client_mechanism_kerberos, client_mechanism_ntlm;

#endif
