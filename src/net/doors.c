/* SPDX-License-Identifier: MIT */
#include "net/doors.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct door {
    struct net_listener listener; /* first: doors_next finds the door by it */
    struct door *next;
};

static bool given(const char *path)
{
    return path && path[0] != '\0';
}

static struct tls_context *context(const struct door_kind *k, bool legacy, struct buf *why)
{
    struct tls_server_settings s = { .legacy = legacy, .know_devices = k->know_devices };
    unsigned n = 0;

    if (given(k->cert_file)) {
        s.cert_file[n] = k->cert_file;
        s.key_file[n++] = k->key_file;
    }
    if (given(k->rsa_cert_file)) {
        s.cert_file[n] = k->rsa_cert_file;
        s.key_file[n++] = k->rsa_key_file;
    }
    if (k->edge_link) {
        s.client_ca_file = k->edge_ca_file;
        s.client_required = true;
        s.client_names = k->edge_names;
        s.client_name_count = k->edge_name_count;
        s.name_fault = FAULT_EDGE_UNKNOWN;
    }
    buf_add_c(why, "cannot use the certificates: ");
    struct tls_context *t = tls_server_context_new(&s, why);
    if (t)
        buf_clear(why);
    return t;
}

static bool refuse(struct buf *why, const char *address, const char *reason)
{
    buf_printf(why, "cannot listen on %s: %s", address, reason);
    return false;
}

/* Sockets that share a port (one per worker) would also share it, unnoticed, with another server
 * of ours; a first bind without sharing finds that out. */
static bool port_is_free(const struct net_addr *addr)
{
    int fd = socket(addr->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    bool is_free = bind(fd, &addr->sa, addr->len) == 0 && listen(fd, 1) == 0;
    int error = errno;
    close(fd);
    errno = error;
    return is_free;
}

static bool make_secure(struct net_listener *l, const struct door_kind *k, struct buf *why)
{
    l->tls = context(k, false, why);
    if (!l->tls || k->legacy_network_count == 0)
        return l->tls != NULL;
    l->legacy_networks = k->legacy_networks;
    l->legacy_network_count = k->legacy_network_count;
    l->tls_legacy = context(k, true, why);
    return l->tls_legacy != NULL;
}

static struct door *door_new(struct doors *d, const char *address, const struct door_kind *k)
{
    struct door **end = &d->first, *door = calloc(1, sizeof(*door));

    assert(door);
    while (*end)
        end = &(*end)->next;
    *end = door;
    d->count++;
    snprintf(door->listener.name, sizeof(door->listener.name), "%s", address);
    door->listener.use_tls = k->use_tls;
    door->listener.edge_link = k->edge_link;
    return door;
}

bool doors_open(struct doors *d, const char *address, const struct door_kind *k,
                struct net *const *nets, unsigned count, struct buf *why)
{
    struct net_addr addr;

    if (!net_addr_parse(str_from_c(address), &addr))
        return refuse(why, address, "not an address: write 127.0.0.1:5061 or *:5061");
    if (!port_is_free(&addr))
        return refuse(why, address, strerror(errno));
    struct door *door = door_new(d, address, k);
    if (k->use_tls && !make_secure(&door->listener, k, why))
        return false;
    for (unsigned i = 0; i < count; i++) {
        int fd = net_listen(&addr);
        if (fd < 0)
            return refuse(why, address, strerror(errno));
        net_add_listener(nets[i], &door->listener, fd);
    }
    return true;
}

const struct net_listener *doors_next(const struct doors *d, const struct net_listener *l)
{
    const struct door *door = l ? ((const struct door *)l)->next : d->first;

    return door ? &door->listener : NULL;
}

void doors_free(struct doors *d)
{
    struct door *next;

    for (struct door *door = d->first; door; door = next) {
        next = door->next;
        tls_context_free(door->listener.tls);
        tls_context_free(door->listener.tls_legacy);
        free(door);
    }
    *d = (struct doors){ 0 };
}
