/* SPDX-License-Identifier: MIT */
/* What administrators may ask and do about failure budgets of accounts.
 *
 * {"do":"budget-list"} -> {"ok":true,"role":"authd","more":N,"accounts":[...]}: those with
 * something to tell, the ones over budget first; each with account, known, over_budget, failures,
 * limit, inside_failures, all_failures, window_left (seconds) and devices: epid, network, inside,
 * last_seen (seconds since 1970), failures, session_failures.  `more` are left out.
 * {"do":"budget-clear","account":NAME} or "all":true -> {"ok":true,"role":"authd","cleared":N}:
 * their failures are forgotten, devices stay known. */
#ifndef POSTERN_AUTHD_BUDGET_CONTROL_H
#define POSTERN_AUTHD_BUDGET_CONTROL_H

#include "authd/authd_internal.h"
#include "conf/ctl.h"

json_t *budget_control_status(const struct authd *a);
void budget_control_list(struct authd *a, struct ctl_request *r);
void budget_control_clear(struct authd *a, struct ctl_request *r, const json_t *in);

#endif
