/* SPDX-License-Identifier: MIT */
/* One binary, a table of subcommands. */
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *what;
} commands[] = {
    { "demo", cmd_demo, "a complete throw-away deployment on this machine: see it work" },
    { "serve", cmd_serve, "run the server roles that a configuration file names" },
    { "front", cmd_front, "run the Front End alone" },
    { "edge", cmd_edge, "run the Access Edge alone: the door for people outside" },
    { "authd", cmd_authd, "run the account service alone" },
    { "user", cmd_user,
      "accounts of the embedded directory: add, set, show, list, remove, import" },
    { "directory", cmd_directory,
      "what the directory says of a user, and whether they could sign in: test" },
    { "signin", cmd_signin, "sign in as a client would, leg by leg" },
    { "policy", cmd_policy, "session security: show, set, matrix (who gets in, who does not)" },
    { "ctl", cmd_ctl, "ask or steer a running server: status, sessions, kick, trace, reload" },
};

static int help(FILE *to)
{
    fprintf(to,
            "postern %s: sign-in for an organisation's own people, and why it failed\n\n"
            "usage: postern COMMAND [ARGUMENT...]\n\n",
            POSTERN_VERSION);
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        fprintf(to, "  %-9s %s\n", commands[i].name, commands[i].what);
    fprintf(to, "\n'postern COMMAND --help' says more.  First time here: postern demo\n");
    return to == stdout ? CMD_DONE : CMD_USAGE;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return help(stderr);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0)
        return help(stdout);
    if (strcmp(argv[1], "--version") == 0) {
        printf("postern %s\n", POSTERN_VERSION);
        return CMD_DONE;
    }
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    return cmd_usage("unknown command '%s': 'postern --help' lists them", argv[1]);
}
