/* SPDX-License-Identifier: MIT */
/* Socket addresses as the rest sees them. */
#ifndef POSTERN_NET_ADDR_H
#define POSTERN_NET_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/str.h"

struct net_addr {
    union {
        struct sockaddr sa;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    };
    socklen_t len;
};

/* "127.0.0.1:5061", "[::1]:5061"; "*:5061" is every IPv4 and IPv6 address. */
bool net_addr_parse(struct str text, struct net_addr *out);
/* NUL-terminated, at most NET_ADDR_TEXT octets. */
enum { NET_ADDR_TEXT = 64 };
void net_addr_print(const struct net_addr *a, char out[NET_ADDR_TEXT]); /* ip:port */
void net_addr_print_ip(const struct net_addr *a,
                       char out[NET_ADDR_TEXT]); /* ip, IPv4-mapped as IPv4 */
uint16_t net_addr_port(const struct net_addr *a);
/* The 4 or 16 address octets (IPv4-mapped IPv6 as 4); the slice points into `a`. */
struct str net_addr_bytes(const struct net_addr *a);

#endif
