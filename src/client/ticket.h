/* SPDX-License-Identifier: MIT */
/* krb_initiate with a deadline: the library waits for a KDC as long as it likes, and nothing can
 * call it back. */
#ifndef POSTERN_CLIENT_TICKET_H
#define POSTERN_CLIENT_TICKET_H

#include <stdint.h>

#include "kerberos/initiate.h"

/* As krb_initiate, in a process of its own that is ended at the deadline (monotonic ms):
 * FAULT_KERBEROS_KDC_UNREACHABLE then. */
enum fault client_ticket_use(const struct krb_initiate *in, uint64_t deadline, struct buf *token,
                             struct krb_keys *keys, struct buf *detail);

#endif
