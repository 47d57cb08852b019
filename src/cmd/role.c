/* SPDX-License-Identifier: MIT */
#include "cmd/role.h"

#include <getopt.h>
#include <stdio.h>

#include "cmd/cmd.h"

int role_command(int argc, char **argv, const struct role_command *r)
{
    static const struct option options[] = { { "config", required_argument, NULL, 'c' },
                                             { "help", no_argument, NULL, 'h' },
                                             { 0 } };
    const char *path = CMD_DEFAULT_CONF;
    for (int o; (o = getopt_long(argc, argv, ":c:h", options, NULL)) != -1;) {
        if (o == 'c') {
            path = optarg;
        } else if (o == 'h') {
            fputs(r->help, stdout);
            return CMD_DONE;
        } else {
            return cmd_wrong_option(argv, o);
        }
    }
    if (optind < argc)
        return cmd_usage("%s takes no argument '%s': see 'postern %s --help'", argv[0],
                         argv[optind], argv[0]);
    struct conf *c = cmd_conf(path);
    if (c && r->has && !r->has(c)) {
        conf_free(c);
        return cmd_usage("%s: %s", path, r->missing);
    }
    return c ? r->run(c) : CMD_USAGE;
}
