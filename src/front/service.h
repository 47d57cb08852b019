/* SPDX-License-Identifier: MIT */
/* What clients of this family ask after sign-in.  Presence, contact lists and messages are not
 * served yet; every request gets a signed, well-formed answer that leaves the client signed in. */
#ifndef POSTERN_FRONT_SERVICE_H
#define POSTERN_FRONT_SERVICE_H

#include "front/worker.h"

void service_request(struct turn *t);

#endif
