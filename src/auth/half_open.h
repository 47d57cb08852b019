/* SPDX-License-Identifier: MIT */
/* Which source holds how many unfinished handshakes, so that at the limit the greediest one pays.
 * Everything is done in constant time: sources stand in lists by how many they hold. */
#ifndef POSTERN_AUTH_HALF_OPEN_H
#define POSTERN_AUTH_HALF_OPEN_H

#include <stddef.h>

#include "auth/sa.h"
#include "base/table.h"

struct half_open_level { /* the sources that hold equally many, longest there first */
    struct sa_source *first, *last;
};

struct half_open {
    struct table sources;           /* by address; IPv6 by /64, which one host can roam freely */
    struct half_open_level *levels; /* by number held */
    unsigned level_cap;
    unsigned most;              /* the highest level in use */
    unsigned count;             /* over all sources */
    struct sa *oldest, *newest; /* over all sources */
};

void half_open_fini(struct half_open *h);               /* empty by then */
void half_open_add(struct half_open *h, struct sa *sa); /* as the newest of its source */
void half_open_remove(struct half_open *h, struct sa *sa);
/* The oldest of the source that holds most; NULL when there is none. */
struct sa *half_open_victim(const struct half_open *h);

#endif
