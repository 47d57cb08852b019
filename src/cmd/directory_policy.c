/* SPDX-License-Identifier: MIT */
/* By which policy somebody is measured. */
#include <arpa/inet.h>

#include "cmd/directory_report.h"

const struct ntlm_policy *directory_policy(const struct directory_report *r, struct str address,
                                           struct str *name)
{
    struct str uri = str_from_c(r->count ? r->people[0].user.uri : "");

    return ntlm_policy_select(r->conf->policy, uri, address, r->day, name);
}

static void network_text(const struct ntlm_network *n, struct buf *out)
{
    char text[INET6_ADDRSTRLEN] = "";

    inet_ntop(n->len == 4 ? AF_INET : AF_INET6, n->addr, text, sizeof(text));
    buf_printf(out, "%s/%u", text, n->bits);
}

void directory_other_policies(const struct directory_report *r,
                              void (*each)(void *arg, struct str network, struct str name),
                              void *arg)
{
    const struct ntlm_policy_set *set = r->conf->policy;
    struct str base, name;

    directory_policy(r, STR_NONE, &base);
    for (unsigned i = 0; i < set->exception_count; i++) {
        const struct ntlm_policy_exception *e = &set->exceptions[i];
        for (unsigned k = 0; k < e->network_count; k++) {
            struct buf text = { 0 };
            directory_policy(r, str_of(e->networks[k].addr, e->networks[k].len), &name);
            network_text(&e->networks[k], &text);
            if (str_eq(name, str_from_c(e->name)) && !str_eq(name, base))
                each(arg, buf_str(&text), name);
            buf_fini(&text);
        }
    }
}
