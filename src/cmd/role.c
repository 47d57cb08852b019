/* SPDX-License-Identifier: MIT */
/* One role alone, as the supervisor runs it. */
#include <getopt.h>
#include <stdio.h>

#include "authd/authd.h"
#include "cmd/cmd.h"
#include "front/front.h"

static const char front_help[] =
    "usage: postern front [-c FILE]\n\n"
    "Runs the Front End alone; 'postern serve' runs it together with authd.\n\n"
    "  -c, --config FILE    the configuration (default " CMD_DEFAULT_CONF ")\n";

static const char authd_help[] =
    "usage: postern authd [-c FILE]\n\n"
    "Runs the account service alone: it holds the directory, and answers the Front End whether a\n"
    "sign-in is right.  'postern serve' runs both.\n\n"
    "  -c, --config FILE    the configuration (default " CMD_DEFAULT_CONF ")\n\n"
    "SIGHUP reads the configuration again, SIGTERM ends it.  POSTERN_AUTHD_FD names an inherited\n"
    "listening socket; POSTERN_NO_SANDBOX=1 runs without the sandbox.\n";

static int run_role(int argc, char **argv, const char *help, int (*run)(struct conf *conf))
{
    static const struct option options[] = { { "config", required_argument, NULL, 'c' },
                                             { "help", no_argument, NULL, 'h' },
                                             { 0 } };
    const char *path = CMD_DEFAULT_CONF;
    for (int o; (o = getopt_long(argc, argv, ":c:h", options, NULL)) != -1;) {
        if (o == 'c') {
            path = optarg;
        } else if (o == 'h') {
            fputs(help, stdout);
            return CMD_DONE;
        } else {
            return cmd_wrong_option(argv, o);
        }
    }
    if (optind < argc)
        return cmd_usage("%s takes no argument '%s': see 'postern %s --help'", argv[0],
                         argv[optind], argv[0]);
    struct conf *c = cmd_conf(path);
    return c ? run(c) : CMD_USAGE;
}

int cmd_front(int argc, char **argv)
{
    return run_role(argc, argv, front_help, front_run);
}

int cmd_authd(int argc, char **argv)
{
    return run_role(argc, argv, authd_help, authd_run);
}
