/* SPDX-License-Identifier: MIT */
/* Calls to a running deployment's control sockets. */
#ifndef POSTERN_CMD_REMOTE_H
#define POSTERN_CMD_REMOTE_H

#include <jansson.h>

#include "base/buf.h"
#include "conf/conf.h"

/* Asks one role ("front", "authd", "edge").  NULL with a reason in `why` when it cannot be reached;
 * an answer with "ok": false is returned as it is. */
json_t *remote_call(const struct conf *c, const char *role, const json_t *request, struct buf *why);
bool remote_ok(const json_t *answer);
/* The answer's "error", or "". */
const char *remote_error(const json_t *answer);

/* The roles that the configuration names, in the order they are started; ends with NULL. */
enum { REMOTE_ROLES_MAX = 4 };
void remote_roles(const struct conf *c, const char *out[REMOTE_ROLES_MAX]);

/* Sets the policy on every running process and waits for each to have it: authd first, which
 * keeps it over a restart.  CMD_DONE, CMD_USAGE (bad words), CMD_UNREACHABLE, reason in `why`. */
int remote_policy_set(const struct conf *c, const char *const *words, unsigned count,
                      struct buf *why);

/* Makes the running processes take policy and traces from the configuration file at `path` (and
 * from what `policy set` left).  Codes as above; CMD_USAGE: the file is not usable, nothing has
 * changed. */
int remote_reload(const char *path, struct buf *why);

#endif
