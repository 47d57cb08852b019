/* SPDX-License-Identifier: MIT */
/* A client's connection: blocking, TCP or TLS, every step with a deadline (monotonic ms). */
#ifndef POSTERN_CLIENT_LINK_H
#define POSTERN_CLIENT_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "diag/fault.h"
#include "net/addr.h"
#include "tls/tls.h"

struct client_link {
    int fd;
    struct tls *tls;
    struct net_addr local, peer;
    struct buf in;     /* SIP, as it arrives */
    struct buf cipher; /* TLS records not looked at yet */
    struct buf out;    /* bytes for the socket */
    size_t taken;      /* of `in`: the message handed out last */
    bool closed;       /* the peer said goodbye; what came before is still read */
    char why[200];     /* of the last failure */
};

void client_link_init(struct client_link *l);
void client_link_fini(struct client_link *l); /* closes; the link may be dialled again */

/* All addresses of the host in turn. */
enum fault client_link_dial(struct client_link *l, const char *host, uint16_t port,
                            uint64_t deadline);
enum fault client_link_secure(struct client_link *l, struct tls_context *context, const char *host,
                              uint64_t deadline);
enum fault client_link_send(struct client_link *l, struct str text, uint64_t deadline);
/* The next message; the slice lives until the next call. */
enum fault client_link_receive(struct client_link *l, struct str *whole, size_t *head_len,
                               uint64_t deadline);

#endif
