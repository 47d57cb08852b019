/* SPDX-License-Identifier: MIT */
/* The Front End as a process: listeners, workers, and the control thread that owns them. */
#ifndef POSTERN_FRONT_FRONT_H
#define POSTERN_FRONT_FRONT_H

#include "conf/conf.h"

/* Runs until SIGTERM or SIGINT.  Takes the configuration over.  Returns the exit code: 0 after a
 * clean stop, 2 when a listener, a certificate or the sandbox failed (told on stderr). */
int front_run(struct conf *conf);

#endif
