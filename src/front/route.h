/* SPDX-License-Identifier: MIT */
/* Where a request goes next.  So far nowhere: requests to other users are refused here, and this
 * is the place where routing will stand. */
#ifndef POSTERN_FRONT_ROUTE_H
#define POSTERN_FRONT_ROUTE_H

#include "front/worker.h"

enum route {
    ROUTE_SELF /* to the sender's own address or to the server: ours to answer */,
    ROUTE_NONE
};

/* Decides by Request-URI and To. */
enum route route_request(const struct turn *t);
/* Refuses what has nowhere to go. */
void route_refuse(struct turn *t);

#endif
