/* SPDX-License-Identifier: MIT */
/* One role alone, as the supervisor runs it. */
#include <getopt.h>
#include <stdio.h>

#include "authd/authd.h"
#include "cmd/cmd.h"
#include "edge/edge.h"
#include "front/front.h"

static const char front_help[] =
    "usage: postern front [-c FILE]\n\n"
    "Runs the Front End alone; 'postern serve' runs it together with authd.\n\n"
    "  -c, --config FILE    the configuration (default " CMD_DEFAULT_CONF ")\n";

static const char edge_help[] =
    "usage: postern edge [-c FILE]\n\n"
    "Runs the Access Edge alone, as on a machine in the perimeter: it takes people outside in "
    "over\n"
    "TLS and forwards to the Front Ends of [edge] next_hops over mutual TLS.\n\n"
    "  -c, --config FILE    the configuration (default " CMD_DEFAULT_CONF ")\n";

static const char authd_help[] =
    "usage: postern authd [-c FILE]\n\n"
    "Runs the account service alone: it holds the directory, and answers the Front End whether a\n"
    "sign-in is right.  'postern serve' runs them all.\n\n"
    "  -c, --config FILE    the configuration (default " CMD_DEFAULT_CONF ")\n\n"
    "SIGHUP reads the configuration again, SIGTERM ends it.  POSTERN_AUTHD_FD names an inherited\n"
    "listening socket; POSTERN_NO_SANDBOX=1 runs without the sandbox.\n";

/* What the file must name for the role. */
static bool has_any(const struct conf *c)
{
    (void)c;
    return true;
}

static int run_role(int argc, char **argv, const char *help, bool (*has)(const struct conf *c),
                    const char *missing, int (*run)(struct conf *conf))
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
    if (c && !has(c)) {
        conf_free(c);
        return cmd_usage("%s: %s", path, missing);
    }
    return c ? run(c) : CMD_USAGE;
}

int cmd_front(int argc, char **argv)
{
    return run_role(argc, argv, front_help, conf_has_front,
                    "[front] tls_listen: missing: say where clients connect, such as 0.0.0.0:5061",
                    front_run);
}

int cmd_edge(int argc, char **argv)
{
    return run_role(argc, argv, edge_help, conf_has_edge,
                    "[edge] listen: missing: say where people outside connect, such as 0.0.0.0:443",
                    edge_run);
}

int cmd_authd(int argc, char **argv)
{
    return run_role(argc, argv, authd_help, has_any, "", authd_run);
}
