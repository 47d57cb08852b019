/* SPDX-License-Identifier: MIT */
/* What real clients negotiate and speak: windows-xp, windows-xp-128, windows-vista, windows-7,
 * windows-7-no128, sipe. */
#ifndef POSTERN_CLIENT_PROFILE_H
#define POSTERN_CLIENT_PROFILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "ntlm/initiate.h"
#include "tls/tls.h"

/* Whose header spellings a REGISTER has. */
enum client_family { CLIENT_COMMUNICATOR, CLIENT_SIPE };

struct client_profile {
    const char *name;
    const char *what; /* one line for --profile list */
    enum tls_client_kind tls;
    uint32_t flags_wanted;
    unsigned lm_compatibility;
    uint32_t min_client_sec;
    struct ntlm_version version;
    bool send_lmv2, send_mic;
    const char *user_agent;
    bool via_branch; /* sipe sends one */
    enum client_family family;
};

const struct client_profile *client_profile_find(struct str name); /* NULL when unknown */
const struct client_profile *client_profile_at(unsigned index);    /* NULL past the last */
/* What the profile contributes to an AUTHENTICATE; names, password and random parts stay as they
 * are. */
void client_profile_ntlm(const struct client_profile *p, struct ntlm_initiate *out);

#endif
