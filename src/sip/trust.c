/* SPDX-License-Identifier: MIT */
#include "sip/trust.h"

#include "sip/uri.h"

static void print_number(uint64_t n, struct buf *out)
{
    for (unsigned shift = 64; shift > 0; shift -= 4)
        buf_add_char(out, "0123456789ABCDEF"[n >> (shift - 4) & 15]);
}

void sip_trust_print(const struct sip_trust *t, struct buf *out)
{
    const char *before = ";ms-edge-tickets=";

    buf_add(out, STR("ms-source-type=InternetUser;ms-ep-fqdn="));
    buf_add(out, t->edge);
    buf_add(out, STR(";ms-source-verified-user=unverified"));
    if (t->cid.len > 0) {
        buf_add(out, STR(";ms-received-cid="));
        buf_add(out, t->cid);
    }
    if (t->target.len > 0) {
        buf_add(out, STR(";ms-edge-target="));
        buf_add(out, t->target);
    }
    if (t->resumed) {
        buf_add(out, STR(";ms-edge-resumed="));
        print_number(t->resumed, out);
    }
    for (unsigned i = 0; i < SIP_TRUST_TICKETS_MAX; i++) {
        if (!t->tickets[i])
            continue;
        buf_add_c(out, before);
        print_number(t->tickets[i], out);
        before = ".";
    }
    if (t->over)
        buf_add(out, STR(";ms-edge-over"));
    if (t->guess)
        buf_add(out, STR(";ms-edge-guess"));
}

static struct str param(struct str value, struct str name)
{
    struct str found;

    return sip_param_find(value, name, &found) ? found : STR_NONE;
}

void sip_trust_parse(struct str value, struct sip_trust *out)
{
    struct str found, tickets = param(value, STR("ms-edge-tickets"));

    *out = (struct sip_trust){ .edge = param(value, STR("ms-ep-fqdn")),
                               .cid = param(value, STR("ms-received-cid")),
                               .target = param(value, STR("ms-edge-target")) };
    if (!str_hex_to_u64(param(value, STR("ms-edge-resumed")), &out->resumed))
        out->resumed = 0;
    for (unsigned i = 0; i < SIP_TRUST_TICKETS_MAX && tickets.len > 0; i++)
        if (!str_hex_to_u64(str_take_until(&tickets, '.'), &out->tickets[i]))
            out->tickets[i] = 0;
    out->over = sip_param_find(value, STR("ms-edge-over"), &found);
    out->guess = sip_param_find(value, STR("ms-edge-guess"), &found);
}
