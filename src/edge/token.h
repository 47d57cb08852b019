/* SPDX-License-Identifier: MIT */
/* Routing tokens: what the Edge puts into its Record-Route, so that a later Route leads to the
 * right connection and nobody can make one up.  A token holds key id, boot, connection, direction
 * and expiry, and an HMAC-SHA256 over these and the user's address.  Keys are derived from one
 * secret and the week; those of this week and the last are good. */
#ifndef POSTERN_EDGE_TOKEN_H
#define POSTERN_EDGE_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

enum { TOKEN_SECRET_LEN = 32, TOKEN_TEXT_LEN = 47, TOKEN_LIFE_S = 7 * 24 * 60 * 60 };

struct token_maker {
    uint8_t secret[TOKEN_SECRET_LEN];
    uint32_t boot; /* drawn at each start: connections do not outlive it */
};

/* Reads the secret's file; a missing one is made (0600).  False with a reason. */
bool token_maker_open(struct token_maker *t, const char *file, struct buf *why);
void token_maker_fini(struct token_maker *t); /* wipes */

enum token_way { TOKEN_TO_CLIENT = 1, TOKEN_FROM_CLIENT = 2 };

/* Appends TOKEN_TEXT_LEN characters (base64url).  `now_s` counts from 1970. */
void token_print(const struct token_maker *t, uint64_t conn_id, enum token_way way,
                 struct str user_key, uint64_t now_s, struct buf *out);

enum token_status {
    TOKEN_GOOD,
    TOKEN_BAD, /* not ours, of another user or direction, or too old */
    TOKEN_GONE /* ours, but of an earlier start: its connection ended with it */
};
enum token_status token_check(const struct token_maker *t, struct str text, enum token_way way,
                              struct str user_key, uint64_t now_s, uint64_t *conn_id);

#endif
