/* SPDX-License-Identifier: MIT */
/* Where a domain's server may be: the names a client of the family looks up, in its order. */
#ifndef POSTERN_CLIENT_LOCATE_H
#define POSTERN_CLIENT_LOCATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "client/client.h"
#include "client/dns.h"

enum { CLIENT_PLACES_MAX = 16 };

struct client_place {
    char host[DNS_NAME_MAX];
    uint16_t port;
};

/* How questions are asked; tests bring their own. */
struct client_names {
    unsigned (*srv)(const char *name, struct dns_srv *out, unsigned cap);
    bool (*address)(const char *host); /* has it one at all? */
};
extern const struct client_names client_names_dns;

/* The places to try, best first; `told` gets what was found, and what was left out and why. */
unsigned client_locate(const struct client_names *names, const char *domain,
                       enum client_transport transport, struct client_place out[CLIENT_PLACES_MAX],
                       struct buf *told);

/* "host", "host:port", "[v6]:port"; the port defaults to that of the transport. */
bool client_place_parse(const char *text, enum client_transport transport,
                        struct client_place *out);

#endif
