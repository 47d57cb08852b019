/* SPDX-License-Identifier: MIT */
#include "net/addr.h"

#include <arpa/inet.h>
#include <stdio.h>

static bool parse_port(struct str text, uint16_t *out)
{
    uint32_t port;

    if (text.len > 5 || !str_to_u32(text, &port) || port > UINT16_MAX)
        return false;
    *out = (uint16_t)port;
    return true;
}

static void set_v6(struct net_addr *out, const struct in6_addr *ip, uint16_t port)
{
    out->v6.sin6_family = AF_INET6;
    out->v6.sin6_addr = *ip;
    out->v6.sin6_port = htons(port);
    out->len = sizeof(out->v6);
}

static bool parse_ip(const char *ip, bool bracketed, uint16_t port, struct net_addr *out)
{
    struct in6_addr six;

    if (bracketed) {
        if (inet_pton(AF_INET6, ip, &six) != 1)
            return false;
        set_v6(out, &six, port);
        return true;
    }
    out->v4.sin_family = AF_INET;
    out->v4.sin_port = htons(port);
    out->len = sizeof(out->v4);
    return inet_pton(AF_INET, ip, &out->v4.sin_addr) == 1;
}

bool net_addr_parse(struct str text, struct net_addr *out)
{
    bool bracketed = text.len > 0 && text.ptr[0] == '[';
    struct str rest = bracketed ? str_skip(text, 1) : text;
    size_t end = str_find_char(rest, bracketed ? ']' : ':');
    char ip[NET_ADDR_TEXT];
    uint16_t port;

    *out = (struct net_addr){ .len = 0 };
    if (end == SIZE_MAX || end == 0 || end >= sizeof(ip))
        return false;
    struct str host = str_first(rest, end);
    rest = str_skip(rest, bracketed ? end + 1 : end);
    if (rest.len < 2 || rest.ptr[0] != ':' || !parse_port(str_skip(rest, 1), &port))
        return false;
    if (!bracketed && str_eq(host, STR("*"))) {
        set_v6(out, &in6addr_any, port);
        return true;
    }
    memcpy(ip, host.ptr, host.len);
    ip[host.len] = '\0';
    return memchr(ip, '\0', host.len) == NULL && parse_ip(ip, bracketed, port, out);
}

static bool is_mapped(const struct net_addr *a)
{
    return a->sa.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&a->v6.sin6_addr);
}

struct str net_addr_bytes(const struct net_addr *a)
{
    if (a->sa.sa_family == AF_INET)
        return str_of(&a->v4.sin_addr, 4);
    if (a->sa.sa_family != AF_INET6)
        return STR_NONE;
    if (is_mapped(a))
        return str_of(&a->v6.sin6_addr.s6_addr[12], 4);
    return str_of(&a->v6.sin6_addr, 16);
}

uint16_t net_addr_port(const struct net_addr *a)
{
    if (a->sa.sa_family == AF_INET)
        return ntohs(a->v4.sin_port);
    return a->sa.sa_family == AF_INET6 ? ntohs(a->v6.sin6_port) : 0;
}

static void print_ip(struct str ip, char *out, size_t size)
{
    out[0] = '\0';
    if (ip.len > 0)
        inet_ntop(ip.len == 4 ? AF_INET : AF_INET6, ip.ptr, out, (socklen_t)size);
}

void net_addr_print_ip(const struct net_addr *a, char out[NET_ADDR_TEXT])
{
    print_ip(net_addr_bytes(a), out, NET_ADDR_TEXT);
}

void net_addr_print(const struct net_addr *a, char out[NET_ADDR_TEXT])
{
    struct str bytes = net_addr_bytes(a);
    char ip[INET6_ADDRSTRLEN];

    print_ip(bytes, ip, sizeof(ip));
    snprintf(out, NET_ADDR_TEXT, bytes.len == 16 ? "[%s]:%u" : "%s:%u", ip,
             (unsigned)net_addr_port(a));
}
