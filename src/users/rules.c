/* SPDX-License-Identifier: MIT */
#include "users/rules.h"

#include "users/name.h"

enum fault user_check_account(const struct user *u, int64_t now)
{
    if (u->flags & USER_DISABLED)
        return FAULT_USER_DISABLED;
    if (u->expires && u->expires <= now)
        return FAULT_USER_EXPIRED;
    return u->flags & USER_MUST_CHANGE ? FAULT_USER_MUST_CHANGE : FAULT_NONE;
}

enum fault user_check_ticket(const struct user *u, int64_t now)
{
    enum fault fault = user_check_account(u, now);

    return fault == FAULT_USER_MUST_CHANGE ? FAULT_NONE : fault;
}

enum fault user_check_sip(const struct user *u, bool shared, struct str from_uri, bool remote)
{
    struct user_key own, from;

    if (!(u->flags & USER_SIP_ENABLED))
        return FAULT_USER_NOT_SIP_ENABLED;
    if (!user_uri_key(str_from_c(u->uri), &own) || !user_uri_key(from_uri, &from) ||
        !str_eq(user_key_str(&own), user_key_str(&from)))
        return FAULT_USER_URI_NOT_THEIRS;
    if (shared)
        return FAULT_USER_URI_SHARED;
    if (remote && !(u->flags & USER_REMOTE_ACCESS))
        return FAULT_REMOTE_ACCESS_NOT_ENABLED;
    return FAULT_NONE;
}
