/* SPDX-License-Identifier: MIT */
/* A process that does nothing but make child processes and kill them.  authd forks it before it
 * locks itself in (afterwards it may neither fork nor signal), and asks it over a socket. */
#ifndef POSTERN_AD_KEEPER_H
#define POSTERN_AD_KEEPER_H

#include <stdbool.h>

#include "base/buf.h"
#include "conf/conf.h"

struct ad_keeper;

enum ad_child { AD_CHILD_WINBIND, AD_CHILD_LDAP };

/* Forks; call it while the process has one thread and holds no secret.  NULL with a reason. */
struct ad_keeper *ad_keeper_start(const struct conf *c, struct buf *why);
/* Closing our end ends the keeper, and it takes its children along. */
void ad_keeper_free(struct ad_keeper *k);

#endif
