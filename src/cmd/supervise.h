/* SPDX-License-Identifier: MIT */
/* Runs the roles of a configuration as processes of their own and keeps them running. */
#ifndef POSTERN_CMD_SUPERVISE_H
#define POSTERN_CMD_SUPERVISE_H

#include "conf/conf.h"

/* Until SIGTERM or SIGINT.  Binds authd's socket first, so that a restarted authd finds its
 * callers waiting in the backlog.  SIGHUP goes to the roles.  Returns the exit code. */
int supervise(const struct conf *conf);

#endif
