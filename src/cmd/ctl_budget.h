/* SPDX-License-Identifier: MIT */
/* `postern ctl budget`: failure budgets of accounts (authd) and of sources (edge). */
#ifndef POSTERN_CMD_CTL_BUDGET_H
#define POSTERN_CMD_CTL_BUDGET_H

#include "conf/conf.h"

/* "list", or "clear ACCOUNT|ADDRESS|all"; an exit code. */
int ctl_budget(const struct conf *c, bool json, int argc, char **argv);

#endif
