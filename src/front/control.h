/* SPDX-License-Identifier: MIT */
/* The control socket of a front: status, sessions, kick, policy, trace. */
#ifndef POSTERN_FRONT_CONTROL_H
#define POSTERN_FRONT_CONTROL_H

#include <jansson.h>

#include "base/mailbox.h"
#include "conf/ctl.h"
#include "ntlm/policy.h"

struct front;

/* ctl_handle of the control socket; `arg` is the front. */
void control_handle(void *arg, struct ctl_request *r, json_t *in);
/* What workers post to the control thread. */
void control_mail(void *arg, struct mail *m);
/* Takes the policy of a changed configuration to every worker (reload). */
void control_spread_policy(struct front *f, const struct ntlm_policy_set *set, void *request);

#endif
