/* SPDX-License-Identifier: MIT */
#include "client/locate.h"

#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>

enum { SRV_MAX = 8, PORT_TLS = 5061, PORT_TCP = 5060, PORT_HTTPS = 443 };

/* The automatic configuration of Communicator 2007 R2: SRV names first, inside before outside,
 * then plain names by convention. */
static const struct {
    enum client_transport transport;
    const char *service;
} services[] = {
    { CLIENT_TLS, "_sipinternaltls._tcp" },
    { CLIENT_TCP, "_sipinternal._tcp" },
    { CLIENT_TLS, "_sip._tls" },
    { CLIENT_TCP, "_sip._tcp" },
};

static const struct {
    const char *host;
    enum client_transport transport;
    uint16_t port;
} hosts[] = {
    { "sipinternal", CLIENT_TLS, PORT_TLS }, { "sip", CLIENT_TLS, PORT_HTTPS },
    { "sip", CLIENT_TLS, PORT_TLS },         { "sipexternal", CLIENT_TLS, PORT_HTTPS },
    { "sipinternal", CLIENT_TCP, PORT_TCP }, { "sip", CLIENT_TCP, PORT_TCP },
};

static bool has_address(const char *host)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list = NULL;
    int failed = getaddrinfo(host, NULL, &hints, &list);
    if (failed == 0)
        freeaddrinfo(list);
    return failed == 0;
}

const struct client_names client_names_dns = { .srv = dns_srv_ask, .address = has_address };

/* Strict naming: a record that leads out of the user's SIP domain is not followed, since whoever
 * can forge an answer could otherwise show a good certificate of his own domain. */
static bool is_inside(const char *host, const char *domain)
{
    struct str h = str_from_c(host), d = str_from_c(domain);
    return str_eq_nocase(h, d) ||
           (h.len > d.len && str_ends_nocase(h, d) && h.ptr[h.len - d.len - 1] == '.');
}

struct places {
    struct client_place *at;
    unsigned count;
    struct buf *told;
};

static void tell(struct places *p, const char *what, const char *host, unsigned port,
                 const char *comment)
{
    buf_printf(p->told, "%s%s is %s:%u%s", p->told->len ? "; " : "", what, host, port, comment);
}

static void add(struct places *p, const char *host, uint16_t port)
{
    if (p->count == CLIENT_PLACES_MAX)
        return;
    struct client_place *place = &p->at[p->count++];
    snprintf(place->host, sizeof(place->host), "%s", host);
    place->port = port;
}

static void by_srv(struct places *p, const struct client_names *names, const char *domain,
                   enum client_transport transport)
{
    for (size_t i = 0; i < ARRAY_LEN(services); i++) {
        char name[2 * DNS_NAME_MAX];
        struct dns_srv found[SRV_MAX];
        if (services[i].transport != transport)
            continue;
        snprintf(name, sizeof(name), "%s.%s", services[i].service, domain);
        unsigned count = names->srv(name, found, SRV_MAX);
        for (unsigned k = 0; k < count; k++) {
            bool inside = is_inside(found[k].target, domain);
            tell(p, services[i].service, found[k].target, found[k].port,
                 inside ? "" : " (left out: not in the SIP domain; --server takes it)");
            if (inside)
                add(p, found[k].target, found[k].port);
        }
    }
}

static void by_host(struct places *p, const struct client_names *names, const char *domain,
                    enum client_transport transport)
{
    for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
        char name[DNS_NAME_MAX];
        if (hosts[i].transport != transport)
            continue;
        int len = snprintf(name, sizeof(name), "%s.%s", hosts[i].host, domain);
        if (len >= (int)sizeof(name) || !names->address(name))
            continue;
        tell(p, "by convention it", name, hosts[i].port, "");
        add(p, name, hosts[i].port);
    }
}

unsigned client_locate(const struct client_names *names, const char *domain,
                       enum client_transport transport, struct client_place out[CLIENT_PLACES_MAX],
                       struct buf *told)
{
    struct places p = { .at = out, .told = told };

    by_srv(&p, names, domain, transport);
    by_host(&p, names, domain, transport);
    if (told->len == 0)
        buf_printf(told, "neither SRV records nor sip.%s or its like", domain);
    return p.count;
}

bool client_place_parse(const char *text, enum client_transport transport, struct client_place *out)
{
    struct str host = str_from_c(text), port = STR_NONE;
    uint32_t number = transport == CLIENT_TLS ? PORT_TLS : PORT_TCP;

    if (str_starts(host, STR("["))) {
        host = str_skip(host, 1);
        port = host;
        host = str_take_until(&port, ']');
        if (host.ptr + host.len == text + strlen(text))
            return false; /* no closing bracket */
    } else {
        size_t colon = str_find_char(host, ':');
        if (colon != SIZE_MAX) {
            port = str_skip(host, colon);
            host = str_first(host, colon);
        }
    }
    if (port.len > 0 && (port.ptr[0] != ':' || !str_to_u32(str_skip(port, 1), &number)))
        return false;
    if (host.len == 0 || host.len >= sizeof(out->host) || number == 0 || number > UINT16_MAX)
        return false;
    snprintf(out->host, sizeof(out->host), "%.*s", STR_ARG(host));
    out->port = (uint16_t)number;
    return true;
}
