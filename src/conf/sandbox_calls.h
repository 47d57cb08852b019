/* SPDX-License-Identifier: MIT */
/* The system calls a server process keeps. */
#ifndef POSTERN_CONF_SANDBOX_CALLS_H
#define POSTERN_CONF_SANDBOX_CALLS_H

#include "conf/sandbox.h"

/* Loads the filter into all threads.  *loaded stays false, without error, on a kernel without
 * seccomp filters. */
bool sandbox_calls(const struct sandbox_rules *rules, bool *loaded, struct buf *why);

#endif
