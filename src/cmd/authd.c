/* SPDX-License-Identifier: MIT */
#include "authd/authd.h"

#include <getopt.h>
#include <stdio.h>

#include "cmd/cmd.h"

static const char authd_help[] =
    "usage: postern authd [-c FILE]\n\n"
    "Runs the account service alone: it holds the directory, and answers the Front End whether a\n"
    "sign-in is right.  'postern serve' runs both.\n\n"
    "  -c, --config FILE    the configuration (default " CMD_DEFAULT_CONF ")\n\n"
    "SIGHUP reads the configuration again, SIGTERM ends it.  POSTERN_AUTHD_FD names an inherited\n"
    "listening socket; POSTERN_NO_SANDBOX=1 runs without the sandbox.\n";

int cmd_authd(int argc, char **argv)
{
    static const struct option options[] = { { "config", required_argument, NULL, 'c' },
                                             { "help", no_argument, NULL, 'h' },
                                             { 0 } };
    const char *path = CMD_DEFAULT_CONF;

    for (int o; (o = getopt_long(argc, argv, ":c:h", options, NULL)) != -1;) {
        if (o == 'c') {
            path = optarg;
        } else if (o == 'h') {
            fputs(authd_help, stdout);
            return CMD_DONE;
        } else {
            return cmd_wrong_option(argv, o);
        }
    }
    if (optind < argc)
        return cmd_usage("authd takes no argument '%s': see 'postern authd --help'", argv[optind]);
    struct conf *c = cmd_conf(path);
    return c ? authd_run(c) : CMD_USAGE;
}
