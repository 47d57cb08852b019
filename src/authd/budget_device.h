/* SPDX-License-Identifier: MIT */
/* How a device is known again that signed in to an account before: the same epid from the same
 * network (/24, of IPv6 /64), or a TLS session that resumes one of its own.  The two have budgets
 * of their own: an epid is no secret, so whoever sits in the same network can use up the first,
 * and does not keep the device out that comes with its session. */
#ifndef POSTERN_AUTHD_BUDGET_DEVICE_H
#define POSTERN_AUTHD_BUDGET_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "users/proto.h"

enum { BUDGET_DEVICES_MAX = 16, BUDGET_NETWORK_MAX = 8 };

/* Failures since the first of them; forgotten together when the window has passed. */
struct budget_lane {
    unsigned failures;
    int64_t since;
};

/* What still counts.  A clock that was set back does not make a lane last longer than its window
 * from now. */
unsigned budget_lane_count(struct budget_lane *l, int64_t now, int64_t window);
void budget_lane_add(struct budget_lane *l, int64_t now, int64_t window);

/* 3 octets of an IPv4 address, 8 of an IPv6 one; none when the source is not known. */
struct budget_network {
    uint8_t octets[BUDGET_NETWORK_MAX];
    uint8_t len;
};

struct budget_network budget_network_of(struct str source);
static inline struct str budget_network_str(const struct budget_network *n)
{
    return str_of(n->octets, n->len);
}

struct budget_device {
    bool inside; /* learned inside, where [budget] inside counts */
    char epid[PROTO_EPID_MAX];
    uint8_t epid_len; /* 0: known by its sessions only */
    struct budget_network network;
    int64_t seen; /* last sign-in */
    uint64_t tickets[PROTO_TICKETS_MAX];
    struct budget_lane by_epid, by_session;
};

struct budget_devices {
    struct budget_device *list;
    unsigned count;
};

static inline struct str budget_device_epid(const struct budget_device *d)
{
    return str_of(d->epid, d->epid_len);
}

/* NULL for a stranger.  Who was not seen after `since` is one. */
struct budget_device *budget_device_match(const struct budget_devices *all,
                                          const struct proto_question *q, int64_t since,
                                          bool *by_session);
/* After a sign-in; beyond BUDGET_DEVICES_MAX the one longest unused goes. */
void budget_device_learn(struct budget_devices *all, const struct proto_question *q, int64_t now);
/* A device with its epid, network and side, zeroed otherwise when it is new. */
struct budget_device *budget_device_place(struct budget_devices *all, bool inside, struct str epid,
                                          const struct budget_network *network);
void budget_devices_fini(struct budget_devices *all);

#endif
