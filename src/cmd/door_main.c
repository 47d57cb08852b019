/* SPDX-License-Identifier: MIT */
/* postern-door: the roles that read what strangers send.  A program of its own, so that none of the
 * libraries that open directories, keytabs and databases is even loaded there. */
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/role.h"
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

static const struct role_command front = {
    .help = front_help,
    .has = conf_has_front,
    .missing = "[front] tls_listen: missing: say where clients connect, such as 0.0.0.0:5061",
    .run = front_run
};

static const struct role_command edge = {
    .help = edge_help,
    .has = conf_has_edge,
    .missing = "[edge] listen: missing: say where people outside connect, such as 0.0.0.0:443",
    .run = edge_run
};

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "front") == 0)
        return role_command(argc - 1, argv + 1, &front);
    if (argc > 1 && strcmp(argv[1], "edge") == 0)
        return role_command(argc - 1, argv + 1, &edge);
    return cmd_usage("postern-door is a part of postern: run 'postern front' or 'postern edge'");
}
