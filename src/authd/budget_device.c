/* SPDX-License-Identifier: MIT */
#include "authd/budget_device.h"

#include <assert.h>
#include <stdlib.h>

unsigned budget_lane_count(struct budget_lane *l, int64_t now, int64_t window)
{
    if (l->since > now)
        l->since = now;
    if (l->failures && now - l->since >= window)
        *l = (struct budget_lane){ 0 };
    return l->failures;
}

void budget_lane_add(struct budget_lane *l, int64_t now, int64_t window)
{
    if (budget_lane_count(l, now, window) == 0)
        l->since = now;
    l->failures++;
}

static bool is_mapped_ipv4(struct str source)
{
    static const uint8_t prefix[12] = { [10] = 0xFF, [11] = 0xFF };

    return source.len == 16 && memcmp(source.ptr, prefix, sizeof(prefix)) == 0;
}

struct budget_network budget_network_of(struct str source)
{
    struct budget_network n = { 0 };

    if (is_mapped_ipv4(source))
        source = str_skip(source, 12);
    n.len = source.len == 4 ? 3 : source.len == 16 ? 8 : 0;
    memcpy(n.octets, source.ptr, n.len);
    return n;
}

static bool has_ticket(const struct budget_device *d, uint64_t ticket)
{
    for (unsigned i = 0; ticket && i < PROTO_TICKETS_MAX; i++) {
        if (d->tickets[i] == ticket)
            return true;
    }
    return false;
}

static struct budget_device *at_place(const struct budget_devices *all, bool inside,
                                      struct str epid, const struct budget_network *network)
{
    for (unsigned i = 0; i < all->count; i++) {
        struct budget_device *d = &all->list[i];

        if (d->inside == inside && str_eq(budget_device_epid(d), epid) &&
            str_eq(budget_network_str(&d->network), budget_network_str(network)))
            return d;
    }
    return NULL;
}

struct budget_device *budget_device_match(const struct budget_devices *all,
                                          const struct proto_question *q, int64_t since,
                                          bool *by_session)
{
    struct budget_network network = budget_network_of(q->source);

    *by_session = true;
    for (unsigned i = 0; i < all->count; i++) {
        struct budget_device *d = &all->list[i];

        if (d->inside == !q->remote && d->seen > since && has_ticket(d, q->resumed))
            return d;
    }
    *by_session = false;
    if (q->epid.len == 0 || network.len == 0)
        return NULL;
    struct budget_device *d = at_place(all, !q->remote, q->epid, &network);
    return d && d->seen > since ? d : NULL;
}

static struct budget_device *longest_unused(const struct budget_devices *all)
{
    struct budget_device *oldest = &all->list[0];

    for (unsigned i = 1; i < all->count; i++) {
        if (all->list[i].seen < oldest->seen)
            oldest = &all->list[i];
    }
    return oldest;
}

struct budget_device *budget_device_place(struct budget_devices *all, bool inside, struct str epid,
                                          const struct budget_network *network)
{
    struct budget_device *d = at_place(all, inside, epid, network);

    if (d)
        return d;
    if (all->count < BUDGET_DEVICES_MAX) {
        all->list = realloc(all->list, (all->count + 1) * sizeof(*all->list));
        assert(all->list);
        d = &all->list[all->count++];
    } else {
        d = longest_unused(all);
    }
    *d = (struct budget_device){ .inside = inside, .network = *network };
    epid = str_first(epid, sizeof(d->epid));
    memcpy(d->epid, epid.ptr, epid.len);
    d->epid_len = (uint8_t)epid.len;
    return d;
}

static void forget_ticket(struct budget_devices *all, uint64_t ticket)
{
    for (unsigned i = 0; i < all->count; i++) {
        for (unsigned n = 0; n < PROTO_TICKETS_MAX; n++) {
            if (all->list[i].tickets[n] == ticket)
                all->list[i].tickets[n] = 0;
        }
    }
}

/* The newest first; what is resumed now may be resumed again, so it comes after what is new. */
static void learn_tickets(struct budget_devices *all, struct budget_device *d,
                          const struct proto_question *q)
{
    uint64_t kept[2 * PROTO_TICKETS_MAX + 1], old[PROTO_TICKETS_MAX];
    unsigned count = 0, at = 0;

    memcpy(old, d->tickets, sizeof(old));
    for (unsigned i = 0; i < PROTO_TICKETS_MAX; i++)
        kept[count++] = q->tickets[i];
    kept[count++] = q->resumed;
    for (unsigned i = 0; i < PROTO_TICKETS_MAX; i++)
        kept[count++] = old[i];
    for (unsigned i = 0; i < count; i++) {
        if (kept[i])
            forget_ticket(all, kept[i]);
    }
    memset(d->tickets, 0, sizeof(d->tickets));
    for (unsigned i = 0; i < count && at < PROTO_TICKETS_MAX; i++) {
        if (kept[i] && !has_ticket(d, kept[i]))
            d->tickets[at++] = kept[i];
    }
}

static bool can_be_known_again(const struct proto_question *q)
{
    uint64_t any = q->resumed;

    for (unsigned i = 0; i < PROTO_TICKETS_MAX; i++)
        any |= q->tickets[i];
    return any || (q->epid.len && q->source.len);
}

void budget_device_learn(struct budget_devices *all, const struct proto_question *q, int64_t now)
{
    struct budget_network network = budget_network_of(q->source);

    if (!can_be_known_again(q))
        return;
    struct budget_device *d = budget_device_place(all, !q->remote, q->epid, &network);
    d->seen = now;
    learn_tickets(all, d, q);
}

void budget_devices_fini(struct budget_devices *all)
{
    free(all->list);
    *all = (struct budget_devices){ 0 };
}
