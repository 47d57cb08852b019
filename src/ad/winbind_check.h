/* SPDX-License-Identifier: MIT */
/* Whether winbindd would let us check a sign-in, found out by having it check one of nobody. */
#ifndef POSTERN_AD_WINBIND_CHECK_H
#define POSTERN_AD_WINBIND_CHECK_H

#include "ad/directory.h"

enum { AD_WINBIND_DETAIL_MAX = 255 };

struct ad_winbind_state {
    enum fault fault;      /* FAULT_NONE: a domain controller would look at a response */
    bool answers;          /* winbindd itself */
    struct ad_names names; /* of the joined machine, when it answers */
    bool privileged;       /* its privileged pipe lets us in */
    bool dc_answers;
    char detail[AD_WINBIND_DETAIL_MAX + 1]; /* what the library said last */
};

/* In a child process that is killed at the limit: winbindd can block for a minute.  `domain` is the
 * NetBIOS domain.  As the account we are. */
void ad_winbind_check(const char *domain, uint32_t limit_ms, struct ad_winbind_state *out);

#endif
