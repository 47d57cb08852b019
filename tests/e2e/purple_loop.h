/* SPDX-License-Identifier: MIT */
/* libpurple's event loop on that of GLib. */
#ifndef POSTERN_E2E_PURPLE_LOOP_H
#define POSTERN_E2E_PURPLE_LOOP_H

#include <purple.h>

PurpleEventLoopUiOps *purple_loop_ops(void);

#endif
