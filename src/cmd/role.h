/* SPDX-License-Identifier: MIT */
/* The command line of one role alone, as the supervisor runs it. */
#ifndef POSTERN_CMD_ROLE_H
#define POSTERN_CMD_ROLE_H

#include <stdbool.h>

#include "conf/conf.h"

struct role_command {
    const char *help;
    bool (*has)(const struct conf *c); /* whether the file names what it must; NULL: nothing */
    const char *missing;               /* what it does not name: what to write */
    int (*run)(struct conf *conf);     /* takes the configuration over */
};

int role_command(int argc, char **argv, const struct role_command *r);

#endif
