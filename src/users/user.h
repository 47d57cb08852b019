/* SPDX-License-Identifier: MIT */
/* A user as the servers see one; attributes as Active Directory names them. */
#ifndef POSTERN_USERS_USER_H
#define POSTERN_USERS_USER_H

#include <stdbool.h>
#include <stdint.h>

enum { USER_NAME_MAX = 256, USER_URI_MAX = 320, USER_DISPLAY_MAX = 256 };

enum user_flag {
    USER_SIP_ENABLED = 1,   /* msRTCSIP-UserEnabled */
    USER_REMOTE_ACCESS = 2, /* msRTCSIP-InternetAccessEnabled */
    USER_FEDERATION = 4,    /* msRTCSIP-FederationEnabled */
    USER_DISABLED = 8,      /* the account itself */
    USER_LOCKED = 16,
    USER_MUST_CHANGE = 32,
};

/* What the lockout threshold knows of an account; kept by authd while it runs, stored behind. */
struct user_lockout {
    unsigned bad_count;
    int64_t bad_since;    /* first wrong password of the window */
    int64_t locked_until; /* 0: not locked by the threshold */
    uint32_t unlocks;     /* times an administrator unlocked it: newer than authd's own memory */
};

struct user {
    char name[USER_NAME_MAX + 1];   /* sAMAccountName, UTF-8 */
    char domain[USER_NAME_MAX + 1]; /* NetBIOS domain */
    char upn[USER_URI_MAX + 1];     /* userPrincipalName, may be empty */
    char uri[USER_URI_MAX + 1];     /* msRTCSIP-PrimaryUserAddress: sip:user@domain */
    char display[USER_DISPLAY_MAX + 1];
    unsigned flags;
    int64_t expires; /* seconds since 1970; 0: never */
    struct user_lockout lockout;
};

static inline bool user_is_locked(const struct user *u, int64_t now)
{
    return (u->flags & USER_LOCKED) || u->lockout.locked_until > now;
}

#endif
