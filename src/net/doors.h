/* SPDX-License-Identifier: MIT */
/* Doors: what a configuration says of a listening address, opened for every worker of a role. */
#ifndef POSTERN_NET_DOORS_H
#define POSTERN_NET_DOORS_H

#include <stdbool.h>

#include "base/buf.h"
#include "net/conn.h"

struct door_kind {
    bool use_tls;
    /* ECDSA first; "" or NULL: none */
    const char *cert_file, *key_file, *rsa_cert_file, *rsa_key_file;
    struct ntlm_network *legacy_networks;
    unsigned legacy_network_count;
    bool know_devices; /* number the tickets of TLS sessions */
    /* For Edges: a certificate of this authority with one of these names is demanded. */
    bool edge_link;
    const char *edge_ca_file;
    const char *const *edge_names;
    unsigned edge_name_count;
};

struct door; /* a listener with what it owns */

struct doors {
    struct door *first;
    unsigned count;
};

/* Binds `address` ("127.0.0.1:5061", "*:5061") once for each of the `count` nets.  False with a
 * reason: "cannot ... WHAT: why: what to do". */
bool doors_open(struct doors *d, const char *address, const struct door_kind *kind,
                struct net *const *nets, unsigned count, struct buf *why);
/* In the order they were opened; start with NULL. */
const struct net_listener *doors_next(const struct doors *d, const struct net_listener *l);
void doors_free(struct doors *d); /* after the nets */

#endif
