/* SPDX-License-Identifier: MIT */
/* UTF-16LE, as NTLM writes names, and the upper-casing that NTOWFv2 needs. */
#ifndef POSTERN_BASE_UTF16_H
#define POSTERN_BASE_UTF16_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

/* UTF-8 to UTF-16LE; false for malformed UTF-8 (nothing appended then). */
bool utf16_from_utf8(struct str in, struct buf *out);
/* UTF-16LE to UTF-8; unpaired surrogates and odd lengths are an error. */
bool utf16_to_utf8(struct str in, struct buf *out);
/* The same into an arena; malformed input yields U+FFFD in place of each bad unit (for display
 * and look-up of hostile names). */
struct str utf16_to_utf8_lossy(struct str in, struct arena *arena);
/* Upper-cases as Windows does for NTOWFv2: simple one-to-one mappings of the Unicode upper-case
 * table (BMP); `ascii_only` leaves everything past z as it is (some clients do). */
void utf16_upper(struct str in, bool ascii_only, struct buf *out);

#endif
