/* SPDX-License-Identifier: MIT */
/* Base64 (RFC 4648, standard alphabet; url-safe for GRUUs) and hexadecimal. */
#ifndef POSTERN_BASE_ENCODE_H
#define POSTERN_BASE_ENCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

void base64_encode(struct str in, struct buf *out);
void base64url_encode(struct str in, struct buf *out); /* no padding */
/* Strict: canonical padding, no blanks.  Result in the arena; false when malformed or the
 * arena's budget is spent. */
bool base64_decode(struct str in, struct arena *arena, struct str *out);
/* Exactly 2*len hex digits of either case into `out`. */
bool hex_decode(struct str in, void *out, size_t len);

#endif
