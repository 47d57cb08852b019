/* SPDX-License-Identifier: MIT */
/* Whose files are whose when root starts the roles: the state belongs to authd's account, the trace
 * folder to the front's, an Edge's to its own, and what root does by hand leaves nothing that they
 * cannot open. */
#ifndef POSTERN_CMD_OWNER_H
#define POSTERN_CMD_OWNER_H

#include <stdbool.h>

#include "base/buf.h"
#include "conf/conf.h"

/* Makes the folders that are missing and gives them to their accounts.  Nothing but making them
 * happens when we are not root or no accounts are named. */
bool owner_prepare(const struct conf *c, struct buf *why);
/* The state folder alone. */
bool owner_prepare_state(const struct conf *c, struct buf *why);

#endif
