/* SPDX-License-Identifier: MIT */
#include "edge/sources.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/table.h"
#include "ntlm/policy.h"

/* One IPv6 host roams a /64 freely.  The network of an address: what one provider hands out. */
enum {
    SOURCE_V4 = 32,
    SOURCE_V6 = 64,
    NETWORK_V4 = 24,
    NETWORK_V6 = 48,
    ADMIT_V6 = 64,
    MESSAGES_PER_TENTH = 20,
    LIVE_SLOTS = 16384,
};

struct sources {
    const struct conf *conf;
    struct tally *failures;    /* by address and by network, in seconds */
    struct tally *under_way;   /* sign-ins without an answer, by address and by network */
    struct tally *connections; /* by network */
    struct tally *accepts;     /* by network, within a second */
    struct tally *devices;     /* TLS sessions with whom they signed in; as names, not counts */
    struct tally *messages;    /* by address, within a tenth of a second */
};

size_t sources_memory_size(void)
{
    return tally_size(TALLY_SLOTS);
}

struct sources *sources_new(const struct conf *c, void *memory)
{
    struct sources *s = calloc(1, sizeof(*s));

    assert(s);
    s->conf = c;
    s->failures = tally_new(memory, TALLY_SLOTS);
    s->under_way = tally_new(NULL, LIVE_SLOTS);
    s->connections = tally_new(NULL, LIVE_SLOTS);
    s->accepts = tally_new(NULL, LIVE_SLOTS);
    s->devices = tally_new(NULL, TALLY_SLOTS);
    s->messages = tally_new(NULL, LIVE_SLOTS);
    return s;
}

void sources_free(struct sources *s)
{
    tally_free(s->failures);
    tally_free(s->under_way);
    tally_free(s->connections);
    tally_free(s->accepts);
    tally_free(s->devices);
    tally_free(s->messages);
    free(s);
}

bool sources_trusted(const struct sources *s, struct str address)
{
    const struct conf_edge *e = &s->conf->edge;

    for (unsigned i = 0; i < e->trusted_network_count; i++)
        if (ntlm_network_contains(&e->trusted_networks[i], address))
            return true;
    return false;
}

/* --- admission --- */

enum fault sources_admit(struct sources *s, struct str address, uint64_t now_ms)
{
    const struct conf *c = s->conf;
    struct tally_name net = tally_name_of(address, NETWORK_V4, ADMIT_V6);

    if (net.len == 0 || sources_trusted(s, address))
        return FAULT_NONE;
    if (c->network_handshakes &&
        tally_add(s->accepts, &net, (uint32_t)(now_ms / 1000), 1) > c->network_handshakes)
        return FAULT_ROUTE_HANDSHAKE_RATE;
    if (!c->network_connections)
        return FAULT_NONE;
    if (tally_add(s->connections, &net, 0, 0) <= c->network_connections)
        return FAULT_NONE;
    tally_subtract(s->connections, &net);
    return FAULT_ROUTE_NETWORK_FULL;
}

void sources_leave(struct sources *s, struct str address)
{
    struct tally_name net = tally_name_of(address, NETWORK_V4, ADMIT_V6);

    if (net.len > 0 && s->conf->network_connections && !sources_trusted(s, address))
        tally_subtract(s->connections, &net);
}

bool sources_may_speak(struct sources *s, struct str address, uint64_t now_ms)
{
    struct tally_name name = tally_name_of(address, SOURCE_V4, SOURCE_V6);

    return name.len == 0 ||
           tally_add(s->messages, &name, (uint32_t)(now_ms / 100), 1) <= MESSAGES_PER_TENTH;
}

/* --- failures --- */

struct names {
    struct tally_name source, network;
};

static struct names names_of(struct str address)
{
    return (struct names){ tally_name_of(address, SOURCE_V4, SOURCE_V6),
                           tally_name_of(address, NETWORK_V4, NETWORK_V6) };
}

static bool counts(const struct sources *s, struct str address)
{
    return address.len > 0 && !sources_trusted(s, address);
}

void sources_failed(struct sources *s, struct str address, uint64_t now_ms)
{
    const struct conf_budget *b = &s->conf->budget;
    struct names n = names_of(address);
    uint32_t now = (uint32_t)(now_ms / 1000);

    if (!counts(s, address))
        return;
    tally_add(s->failures, &n.source, now, b->source_window_s);
    tally_add(s->failures, &n.network, now, b->source_window_s);
}

static uint32_t failures_of(const struct sources *s, const struct tally_name *n, uint64_t now_ms)
{
    return tally_count(s->failures, n, (uint32_t)(now_ms / 1000), s->conf->budget.source_window_s);
}

bool sources_over(const struct sources *s, struct str address, uint64_t now_ms)
{
    const struct conf_budget *b = &s->conf->budget;
    struct names n = names_of(address);

    if (!counts(s, address))
        return false;
    return (b->source_failures && failures_of(s, &n.source, now_ms) >= b->source_failures) ||
           (b->network_failures && failures_of(s, &n.network, now_ms) >= b->network_failures);
}

/* Failures and those that may become some. */
static bool is_full(const struct sources *s, const struct tally_name *n, uint32_t most,
                    uint64_t now_ms)
{
    return most && failures_of(s, n, now_ms) + tally_count(s->under_way, n, 0, 0) >= most;
}

enum sources_turn sources_depart(struct sources *s, struct str address, uint64_t now_ms)
{
    const struct conf_budget *b = &s->conf->budget;
    struct names n = names_of(address);

    if (!counts(s, address) || sources_over(s, address, now_ms))
        return SOURCES_GO;
    if (is_full(s, &n.source, b->source_failures, now_ms) ||
        is_full(s, &n.network, b->network_failures, now_ms))
        return SOURCES_WAIT;
    tally_add(s->under_way, &n.source, 0, 0);
    tally_add(s->under_way, &n.network, 0, 0);
    return SOURCES_COUNTED;
}

void sources_arrive(struct sources *s, struct str address)
{
    struct names n = names_of(address);

    tally_subtract(s->under_way, &n.source);
    tally_subtract(s->under_way, &n.network);
}

unsigned sources_delay_ms(const struct sources *s, struct str address, uint64_t now_ms)
{
    static const unsigned seconds[] = { 0, 2, 4, 8, 15 };
    struct names n = names_of(address);

    if (!counts(s, address) || !s->conf->budget.source_failures)
        return 0;
    uint32_t failures = failures_of(s, &n.source, now_ms);
    unsigned last = sizeof(seconds) / sizeof(seconds[0]) - 1;
    return seconds[failures < last ? failures : last] * 1000;
}

/* --- devices --- */

static struct tally_name device_of(uint64_t ticket, struct str user_key)
{
    struct tally_name n = { .len = 16, .bits = 128 };
    uint64_t hash[2] = { table_siphash(ticket, 0, user_key, false),
                         table_siphash(ticket, 1, user_key, false) };

    memcpy(n.octets, hash, sizeof(hash));
    return n;
}

void sources_learn(struct sources *s, uint64_t ticket, struct str user_key)
{
    struct tally_name n = device_of(ticket, user_key);

    tally_add(s->devices, &n, 0, 0);
}

bool sources_knows(const struct sources *s, uint64_t ticket, struct str user_key)
{
    struct tally_name n = device_of(ticket, user_key);

    return tally_count(s->devices, &n, 0, 0) > 0;
}

struct listing {
    const struct conf_budget *budget;
    uint32_t now;
    void (*each)(void *arg, const struct tally_row *row, uint32_t limit, unsigned left_s);
    void *arg;
};

static bool is_network(const struct tally_name *n)
{
    return n->bits == (n->len == 4 ? NETWORK_V4 : NETWORK_V6);
}

static void list_row(void *arg, const struct tally_row *row)
{
    const struct listing *l = arg;
    uint32_t most =
        is_network(&row->name) ? l->budget->network_failures : l->budget->source_failures;

    l->each(l->arg, row, most, l->budget->source_window_s - (l->now - row->since));
}

void sources_list(const struct sources *s, uint64_t now_ms,
                  void (*each)(void *arg, const struct tally_row *row, uint32_t limit,
                               unsigned left_s),
                  void *arg)
{
    struct listing l = {
        .budget = &s->conf->budget, .now = (uint32_t)(now_ms / 1000), .each = each, .arg = arg
    };

    tally_list(s->failures, l.now, l.budget->source_window_s, list_row, &l);
}

bool sources_clear(struct sources *s, const char *what)
{
    struct ntlm_network net;

    if (!what) {
        tally_clear_all(s->failures);
        return true;
    }
    if (!ntlm_network_parse(str_from_c(what), &net))
        return false;
    struct str address = str_of(net.addr, net.len);
    struct names n = names_of(address);
    bool source = net.bits >= n.source.bits && tally_clear(s->failures, &n.source);
    bool network = (net.bits >= n.source.bits || net.bits == n.network.bits) &&
                   tally_clear(s->failures, &n.network);
    return source || network;
}
