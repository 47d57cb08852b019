/* SPDX-License-Identifier: MIT */
#include "front/route.h"

#include "front/answer.h"
#include "front/front_internal.h"
#include "sip/uri.h"

static bool is_our_domain(const struct front *f, struct str host)
{
    for (unsigned i = 0; i < f->conf->domain_count; i++)
        if (str_eq_nocase(host, str_from_c(f->conf->domains[i])))
            return true;
    return str_eq_nocase(host, str_from_c(f->conf->fqdn));
}

/* Ours to answer: a Request-URI without a user at one of our names (REGISTER, OPTIONS, a search),
 * or the sender's own address (self-subscriptions, SERVICE). */
enum route route_request(const struct turn *t)
{
    struct sip_uri uri, from;
    if (sip_uri_parse(t->msg.uri, &uri) != FAULT_NONE)
        return ROUTE_NONE;
    if (uri.user.len == 0)
        return is_our_domain(t->w->front, uri.host) ? ROUTE_SELF : ROUTE_NONE;
    if (sip_uri_parse(t->from_uri, &from) != FAULT_NONE)
        return ROUTE_NONE;
    return sip_uri_same_user(&uri, &from) ? ROUTE_SELF : ROUTE_NONE;
}

void route_refuse(struct turn *t)
{
    answer_fault(t, FAULT_ROUTE_NOT_SERVED);
}
