/* SPDX-License-Identifier: MIT */
/* From a message of a front to its answer: at once from the embedded directory, later from Active
 * Directory.  A question that waits is a copy of its own; the link knows whom it is for. */
#ifndef POSTERN_AUTHD_ASKED_H
#define POSTERN_AUTHD_ASKED_H

#include "authd/authd_internal.h"

/* As link_answer. */
void asked_message(void *arg, struct link_ticket from, struct str message, uint64_t waited_ms,
                   struct buf *out, uint64_t *keep_ms);

#endif
