/* SPDX-License-Identifier: MIT */
#include "authd/budget_control.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "base/clock.h"

enum { LIST_MAX = 1000 };

static int64_t now_s(void)
{
    return (int64_t)(clock_wall_us() / 1000000);
}

json_t *budget_control_status(const struct authd *a)
{
    const struct budget_writer *w = a->budget_writer;

    return json_pack("{s:I, s:b, s:I}", "entries", (json_int_t)a->judge.budget.table.accounts.count,
                     "kept", w != NULL, "writes_failed",
                     (json_int_t)(w ? budget_writer_failed(w) : 0));
}

/* Octets from outside need not be UTF-8. */
static json_t *text(struct str s)
{
    json_t *value = json_stringn(s.ptr, s.len);

    return value ? value : json_string("?");
}

/* "203.0.113.0/24", "2001:db8:0:1::/64", "" */
static json_t *network_text(const struct budget_network *n)
{
    uint8_t octets[16] = { 0 };
    char address[INET6_ADDRSTRLEN];
    struct buf out = { 0 };

    memcpy(octets, n->octets, n->len);
    if (n->len && inet_ntop(n->len == 3 ? AF_INET : AF_INET6, octets, address, sizeof(address)))
        buf_printf(&out, "%s/%d", address, n->len * 8);
    json_t *value = text(buf_str(&out));
    buf_fini(&out);
    return value;
}

static json_t *device_json(const struct budget_device *d)
{
    return json_pack("{s:o, s:o, s:b, s:I, s:i, s:i}", "epid", text(budget_device_epid(d)),
                     "network", network_text(&d->network), "inside", d->inside, "last_seen",
                     (json_int_t)d->seen, "failures", (int)d->by_epid.failures, "session_failures",
                     (int)d->by_session.failures);
}

static unsigned failures_of(const struct budget_account *a)
{
    unsigned n = a->strangers[0].failures + a->strangers[1].failures + a->all.failures;

    for (unsigned i = 0; i < a->devices.count; i++)
        n += a->devices.list[i].by_epid.failures + a->devices.list[i].by_session.failures;
    return n;
}

/* Until strangers may try again; 0 when nothing is counted of them. */
static int64_t window_left(const struct budget *b, const struct budget_account *a, int64_t now)
{
    const struct budget_lane *l = a->strangers[0].failures ? &a->strangers[0] : &a->all;

    return l->failures ? l->since + b->rules.window_s - now : 0;
}

static json_t *account_json(const struct budget *b, const struct budget_account *a, int64_t now)
{
    json_t *devices = json_array();

    for (unsigned i = 0; i < a->devices.count; i++)
        json_array_append_new(devices, device_json(&a->devices.list[i]));
    return json_pack("{s:o, s:b, s:b, s:i, s:i, s:i, s:i, s:I, s:o}", "account",
                     text(str_from_c(a->label)), "known", a->known, "over_budget",
                     budget_is_over(b, a), "failures", (int)a->strangers[0].failures, "limit",
                     (int)b->rules.account_failures, "inside_failures",
                     (int)a->strangers[1].failures, "all_failures", (int)a->all.failures,
                     "window_left", (json_int_t)window_left(b, a, now), "devices", devices);
}

static int more_urgent_first(const void *left, const void *right, void *arg)
{
    const struct budget_account *a = *(struct budget_account *const *)left;
    const struct budget_account *b = *(struct budget_account *const *)right;
    unsigned fa = failures_of(a), fb = failures_of(b);

    if (budget_is_over(arg, a) != budget_is_over(arg, b))
        return budget_is_over(arg, a) ? -1 : 1;
    if (fa != fb)
        return fa > fb ? -1 : 1;
    return str_cmp(a->key, b->key);
}

void budget_control_list(struct authd *authd, struct ctl_request *r)
{
    struct budget *b = &authd->judge.budget;
    struct budget_account **all =
        calloc(b->table.accounts.count + 1, sizeof(struct budget_account *));
    struct budget_account *a;
    json_t *list = json_array();
    size_t pos = 0, count = 0;
    int64_t now = now_s();

    if (!all)
        abort();
    while ((a = table_next(&b->table.accounts, &pos))) {
        budget_refresh(b, a, now);
        if (failures_of(a) || a->devices.count)
            all[count++] = a;
    }
    qsort_r(all, count, sizeof(struct budget_account *), more_urgent_first, b);
    for (size_t i = 0; i < count && i < LIST_MAX; i++)
        json_array_append_new(list, account_json(b, all[i], now));
    free(all);
    ctl_reply(r,
              json_pack("{s:b, s:s, s:I, s:o}", "ok", 1, "role", "authd", "more",
                        (json_int_t)(count > LIST_MAX ? count - LIST_MAX : 0), "accounts", list));
}

static unsigned clear_all(struct budget *b, int64_t now)
{
    struct budget_account *a;
    unsigned cleared = 0;
    size_t pos = 0;

    while ((a = table_next(&b->table.accounts, &pos))) {
        budget_refresh(b, a, now);
        if (failures_of(a) == 0)
            continue;
        budget_clear(b, a, now);
        cleared++;
    }
    return cleared;
}

void budget_control_clear(struct authd *authd, struct ctl_request *r, const json_t *in)
{
    struct budget *b = &authd->judge.budget;
    const char *account = json_string_value(json_object_get(in, "account"));
    bool all = json_is_true(json_object_get(in, "all"));
    unsigned cleared = 0;

    if (all == (account != NULL)) {
        ctl_refuse(r, "budget-clear wants \"account\" or \"all\": name one of the two");
        return;
    }
    if (all) {
        cleared = clear_all(b, now_s());
    } else {
        struct budget_account *a = judge_budget_find(&authd->judge, str_from_c(account));

        if (a)
            budget_clear(b, a, now_s());
        cleared = a != NULL;
    }
    trace_text(TRACE_AUTHD, TL_INFO, "budget", "cleared by an administrator: %s (%u)",
               all ? "all" : account, cleared);
    ctl_reply(r, json_pack("{s:b, s:s, s:i}", "ok", 1, "role", "authd", "cleared", (int)cleared));
}
