/* SPDX-License-Identifier: MIT */
/* The Access Edge as a process: the door for people outside.  It authenticates nobody; it decides
 * who may knock, forwards to a Front End over mutual TLS, and shows nothing of the inside. */
#ifndef POSTERN_EDGE_EDGE_H
#define POSTERN_EDGE_EDGE_H

#include "conf/conf.h"

/* Octets that the supervisor may give (a memory file, its descriptor in POSTERN_EDGE_MEMORY), so
 * that the counts of failed sign-ins outlive an Edge that dies. */
size_t edge_memory_size(void);

/* Runs until SIGTERM or SIGINT.  Takes the configuration over.  Returns the exit code: 0 after a
 * clean stop, 2 when a listener, a certificate or the sandbox failed (told on stderr). */
int edge_run(struct conf *conf);

#endif
