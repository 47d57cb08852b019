/* SPDX-License-Identifier: MIT */
/* Who comes from where, and how often: failure budgets of addresses and networks, and the limits of
 * admission.  Shared by all workers. */
#ifndef POSTERN_EDGE_SOURCES_H
#define POSTERN_EDGE_SOURCES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"
#include "diag/fault.h"
#include "edge/tally.h"

struct sources;

size_t sources_memory_size(void);
/* `memory` NULL: failures are forgotten with the process.  The configuration must outlive it. */
struct sources *sources_new(const struct conf *c, void *memory);
void sources_free(struct sources *s);

/* Of a network without limits ([edge] trusted_networks). */
bool sources_trusted(const struct sources *s, struct str address);

/* At accept: counts the connection, unless it is refused. */
enum fault sources_admit(struct sources *s, struct str address, uint64_t now_ms);
void sources_leave(struct sources *s, struct str address);
/* One message more of this address: false when it has had its share of this tenth of a second. */
bool sources_may_speak(struct sources *s, struct str address, uint64_t now_ms);

/* A sign-in from there goes inward.  As many may be under way at once as may still fail, so that
 * nobody gets more guesses by making them all at the same time; the others wait their turn. */
enum sources_turn {
    SOURCES_WAIT,
    SOURCES_GO,
    SOURCES_COUNTED /* goes, and sources_arrive is called when its answer is there */
};
enum sources_turn sources_depart(struct sources *s, struct str address, uint64_t now_ms);
void sources_arrive(struct sources *s, struct str address);

/* A guess at a password from there was wrong. */
void sources_failed(struct sources *s, struct str address, uint64_t now_ms);
/* Over the budget of the address or of its network. */
bool sources_over(const struct sources *s, struct str address, uint64_t now_ms);
/* How long the next sign-in from there is kept back: 0, 2, 4, 8, then 15 seconds. */
unsigned sources_delay_ms(const struct sources *s, struct str address, uint64_t now_ms);

/* A TLS session, by the number of its ticket, over which this user signed in. */
void sources_learn(struct sources *s, uint64_t ticket, struct str user_key);
bool sources_knows(const struct sources *s, uint64_t ticket, struct str user_key);

/* For the control socket. */
void sources_list(const struct sources *s, uint64_t now_ms,
                  void (*each)(void *arg, const struct tally_row *row, uint32_t limit,
                               unsigned left_s),
                  void *arg);
/* An address, or a network as the list names it; NULL: everything.  False when nothing was there.
 */
bool sources_clear(struct sources *s, const char *what);

#endif
