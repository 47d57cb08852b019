/* SPDX-License-Identifier: MIT */
#include "authd/authd.h"

#include "cmd/cmd.h"
#include "cmd/role.h"

static const char authd_help[] =
    "usage: postern authd [-c FILE]\n\n"
    "Runs the account service alone: it holds the directory, and answers the Front End whether a\n"
    "sign-in is right.  'postern serve' runs them all.\n\n"
    "  -c, --config FILE    the configuration (default " CMD_DEFAULT_CONF ")\n\n"
    "SIGHUP reads the configuration again, SIGTERM ends it.  POSTERN_AUTHD_FD names an inherited\n"
    "listening socket; POSTERN_NO_SANDBOX=1 runs without the sandbox.\n";

int cmd_authd(int argc, char **argv)
{
    static const struct role_command role = { .help = authd_help, .run = authd_run };

    return role_command(argc, argv, &role);
}
