/* SPDX-License-Identifier: MIT */
/* The process that holds the NT hashes.  It is asked once per sign-in and answers with a verdict
 * and the exported session key; it never sees SIP, and nobody else sees a hash. */
#ifndef POSTERN_AUTHD_AUTHD_H
#define POSTERN_AUTHD_AUTHD_H

#include "conf/conf.h"

/* Runs until SIGTERM or SIGINT; SIGHUP reads the configuration again.  The listening socket is
 * inherited (environment POSTERN_AUTHD_FD, as a supervisor gives it) or made in [general] run.
 * Takes the configuration over.  Returns only when it cannot start: with the exit code, and the
 * reason told on stderr. */
int authd_run(struct conf *conf);

#endif
