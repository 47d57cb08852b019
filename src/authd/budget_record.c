/* SPDX-License-Identifier: MIT */
#include "authd/budget_record.h"

#include "base/wire.h"
#include "users/name.h"

enum { VERSION = 1, TEXT_MAX = 2 * USER_KEY_MAX + 1, RECORD_MAX = 65536 };

/* A text that is kept as a C string. */
static struct str name_read(struct wire *w)
{
    struct str name = wire_text(w, TEXT_MAX);

    if (name.len == 0 || str_find_char(name, '\0') != SIZE_MAX)
        w->bad = true;
    return name;
}

static void lane_write(struct wire_out *w, const struct budget_lane *l)
{
    wire_put_u32(w, l->failures);
    wire_put_u64(w, (uint64_t)l->since);
}

static struct budget_lane lane_read(struct wire *w)
{
    struct budget_lane l = { .failures = wire_u32(w) };
    uint64_t since = wire_u64(w);

    if (since > INT64_MAX)
        w->bad = true;
    l.since = (int64_t)since;
    return l;
}

static struct budget_network network_read(struct wire *w)
{
    struct budget_network n = { 0 };
    struct str octets = wire_text(w, sizeof(n.octets));

    n.len = (uint8_t)octets.len;
    memcpy(n.octets, octets.ptr, octets.len);
    return n;
}

static void device_write(struct wire_out *w, const struct budget_device *d)
{
    wire_put_u8(w, d->inside);
    wire_put_text(w, budget_device_epid(d), PROTO_EPID_MAX);
    wire_put_text(w, budget_network_str(&d->network), sizeof(d->network.octets));
    wire_put_u64(w, (uint64_t)d->seen);
    for (unsigned i = 0; i < PROTO_TICKETS_MAX; i++)
        wire_put_u64(w, d->tickets[i]);
    lane_write(w, &d->by_epid);
    lane_write(w, &d->by_session);
}

static void device_read(struct wire *w, struct budget_devices *all)
{
    bool inside = wire_u8(w) == 1;
    struct str epid = wire_text(w, PROTO_EPID_MAX);
    struct budget_network network = network_read(w);
    struct budget_device *d = budget_device_place(all, inside, epid, &network);
    uint64_t seen = wire_u64(w);

    if (seen > INT64_MAX)
        w->bad = true;
    d->seen = (int64_t)seen;
    for (unsigned i = 0; i < PROTO_TICKETS_MAX; i++)
        d->tickets[i] = wire_u64(w);
    d->by_epid = lane_read(w);
    d->by_session = lane_read(w);
}

static struct budget_network origin_of(const struct budget_account *a)
{
    return a->origin ? *budget_origin_network(a->origin) : (struct budget_network){ 0 };
}

void budget_record_write(const struct budget_account *a, struct buf *out)
{
    struct budget_network network = origin_of(a);

    buf_reserve(out, RECORD_MAX);
    struct wire_out w = { .ptr = (uint8_t *)out->ptr + out->len, .cap = RECORD_MAX };
    wire_put_u8(&w, VERSION);
    wire_put_u8(&w, a->known);
    wire_put_text(&w, str_first(str_from_c(a->label), TEXT_MAX), TEXT_MAX);
    wire_put_text(&w, budget_network_str(&network), sizeof(network.octets));
    wire_put_u64(&w, (uint64_t)a->used);
    lane_write(&w, &a->strangers[0]);
    lane_write(&w, &a->strangers[1]);
    lane_write(&w, &a->all);
    lane_write(&w, &a->outside);
    wire_put_u8(&w, (uint8_t)a->devices.count);
    for (unsigned i = 0; i < a->devices.count; i++)
        device_write(&w, &a->devices.list[i]);
    wire_put_u8(&w, (uint8_t)a->alias_count);
    for (unsigned i = 0; i < a->alias_count; i++)
        wire_put_text(&w, str_from_c(a->aliases[i]), TEXT_MAX);
    out->len += w.bad ? 0 : w.len; /* RECORD_MAX is more than the longest */
}

static bool head_read(struct wire *w, struct budget_record_head *out)
{
    uint8_t version = wire_u8(w), known = wire_u8(w);

    out->known = known == 1;
    out->label = name_read(w);
    out->network = network_read(w);
    return !w->bad && version == VERSION && known <= 1;
}

bool budget_record_read_head(struct str in, struct budget_record_head *out)
{
    struct wire w = { .all = in };

    return head_read(&w, out);
}

bool budget_record_read(struct str in, struct budget_account *a, struct budget_table *t)
{
    struct wire w = { .all = in };
    struct budget_record_head head;

    if (!head_read(&w, &head))
        return false;
    uint64_t used = wire_u64(&w);
    a->used = used > INT64_MAX ? INT64_MAX : (int64_t)used;
    a->strangers[0] = lane_read(&w);
    a->strangers[1] = lane_read(&w);
    a->all = lane_read(&w);
    a->outside = lane_read(&w);
    unsigned devices = wire_u8(&w);
    for (unsigned i = 0; i < devices && !w.bad; i++)
        device_read(&w, &a->devices);
    unsigned aliases = wire_u8(&w);
    for (unsigned i = 0; i < aliases && !w.bad; i++) {
        struct str name = name_read(&w);

        if (!w.bad)
            budget_account_alias(t, a, name);
    }
    return !w.bad && wire_left(&w) == 0;
}
