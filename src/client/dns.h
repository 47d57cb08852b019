/* SPDX-License-Identifier: MIT */
/* DNS SRV records (RFC 2782): asking, and reading the answer. */
#ifndef POSTERN_CLIENT_DNS_H
#define POSTERN_CLIENT_DNS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum { DNS_NAME_MAX = 256 };

struct dns_srv {
    uint16_t priority, weight, port;
    char target[DNS_NAME_MAX]; /* without the last dot */
};

/* The SRV records of an answer packet, lowest priority first, heaviest first within one.  A
 * target of "." (no such service) is left out.  False for a damaged packet. */
bool dns_srv_read(struct str packet, struct dns_srv *out, unsigned cap, unsigned *count);
/* Asks the resolver of this machine; none found and no answer look the same. */
unsigned dns_srv_ask(const char *name, struct dns_srv *out, unsigned cap);

#endif
