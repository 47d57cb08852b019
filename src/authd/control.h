/* SPDX-License-Identifier: MIT */
/* The requests of authd's control socket: status, policy-show, policy-set, budget-list,
 * budget-clear, reload, trace, flush. */
#ifndef POSTERN_AUTHD_CONTROL_H
#define POSTERN_AUTHD_CONTROL_H

#include "conf/ctl.h"

/* ctl_handle; `arg` is the struct authd. */
void authd_control(void *arg, struct ctl_request *r, json_t *in);

#endif
