/* SPDX-License-Identifier: MIT */
/* New passwords, as people type them and programs hand them over. */
#ifndef POSTERN_CMD_PASSWORD_H
#define POSTERN_CMD_PASSWORD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* The NT hash; false when it is empty or not UTF-8. */
bool password_hash(struct str password, uint8_t out[16]);
/* Typed twice, or the first line of stdin.  An exit code; what is wrong is told. */
int password_new(bool from_stdin, uint8_t hash[16]);

#endif
