/* SPDX-License-Identifier: MIT */
/* Answers that every server process gives in the same words over its control socket. */
#ifndef POSTERN_CONF_CTL_ANSWERS_H
#define POSTERN_CONF_CTL_ANSWERS_H

#include "conf/ctl.h"
#include "ntlm/policy.h"

/* {"ok":true,"preset":...,"policy":TEXT,"exceptions":N} */
json_t *ctl_policy_json(const struct ntlm_policy_set *set);
/* The words of {"do":"policy-set","words":[...]} applied to `from`; NULL with a reason. */
struct ntlm_policy_set *ctl_policy_apply(const struct ntlm_policy_set *from, const json_t *in,
                                         struct buf *why);
json_t *ctl_sandbox_json(void);
/* {"do":"trace"} shows; with "component" (a name or "all"), "level" and perhaps "flags" (number)
 * it switches; with "secrets" (boolean) that. */
void ctl_trace(struct ctl_request *r, const json_t *in);

#endif
