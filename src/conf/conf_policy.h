/* SPDX-License-Identifier: MIT */
/* [policy] and [policy "NAME"] made into an ntlm_policy_set. */
#ifndef POSTERN_CONF_CONF_POLICY_H
#define POSTERN_CONF_CONF_POLICY_H

#include <stdbool.h>

#include "base/buf.h"
#include "conf/conf.h"
#include "conf/conf_file.h"

/* The policy sections as written, so that exceptions can inherit again when the base changes. */
struct conf_policy_source;

struct conf_policy_source *conf_policy_source_new(const struct conf_entries *all);
void conf_policy_source_free(struct conf_policy_source *s);
/* Makes c->policy anew from its source and, over it, the [policy] section of `override` (may be
 * NULL), read from `file`.  On problems c->policy stays as it was, and false. */
bool conf_policy_build(struct conf *c, const struct conf_entries *override, const char *file,
                       struct buf *why);

#endif
