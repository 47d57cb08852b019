/* SPDX-License-Identifier: MIT */
/* A process that does nothing but make child processes and kill them.  authd forks it before it
 * locks itself in (afterwards it may neither fork nor signal), and asks it over a socket. */
#ifndef POSTERN_AD_KEEPER_H
#define POSTERN_AD_KEEPER_H

#include <stdbool.h>

#include "base/buf.h"
#include "conf/conf.h"

struct ad_keeper;

enum ad_child { AD_CHILD_WINBIND, AD_CHILD_LDAP, AD_CHILD_KINDS };
enum { AD_SLOTS_MAX = 16 }; /* children of one kind */

/* Forks; call it while the process has one thread and holds no secret.  NULL with a reason.  The
 * keeper becomes [general] user_authd. */
struct ad_keeper *ad_keeper_start(const struct conf *c, struct buf *why);
/* Closing our end ends the keeper, and it takes its children along.  Nobody waits for it: a
 * locked-in process may not, and ends itself. */
void ad_keeper_free(struct ad_keeper *k);

/* What a child runs, never to return; ad_keeper_start takes the real ones. */
typedef void (*ad_child_main)(const struct conf *c, enum ad_child kind, unsigned slot, int fd);
struct ad_keeper *ad_keeper_start_with(const struct conf *c, ad_child_main run, struct buf *why);

/* Readable: call ad_keeper_read until AD_KEEPER_NOTHING. */
int ad_keeper_fd(const struct ad_keeper *k);
/* A child for the slot; one that is there is killed first.  The socket to it comes by
 * ad_keeper_read.  False: the keeper is gone. */
bool ad_keeper_make(struct ad_keeper *k, enum ad_child kind, unsigned slot);
bool ad_keeper_kill(struct ad_keeper *k, enum ad_child kind, unsigned slot);

enum ad_keeper_said { AD_KEEPER_NOTHING, AD_KEEPER_CHILD, AD_KEEPER_LOST };
struct ad_keeper_news {
    enum ad_child kind;
    unsigned slot;
    int fd; /* non-blocking; -1: the child could not be made.  The caller's. */
};
enum ad_keeper_said ad_keeper_read(struct ad_keeper *k, struct ad_keeper_news *out);

#endif
