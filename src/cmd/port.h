/* SPDX-License-Identifier: MIT */
#ifndef POSTERN_CMD_PORT_H
#define POSTERN_CMD_PORT_H

/* A TCP port of 127.0.0.1 that was free a moment ago.  It may be taken again before a server binds
 * it: nothing better is to be had without handing sockets over. */
unsigned port_free(void);

#endif
