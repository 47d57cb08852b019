/* SPDX-License-Identifier: MIT */
/* One binary, a table of subcommands. */
#include <getopt.h>
#include <stdarg.h>
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
        fprintf(to, "  %-8s %s\n", commands[i].name, commands[i].what);
    fprintf(to, "\n'postern COMMAND --help' says more.  First time here: postern demo\n");
    return to == stdout ? CMD_DONE : CMD_USAGE;
}

int cmd_usage(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fputs("postern: ", stderr);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
    return CMD_USAGE;
}

int cmd_wrong_option(char **argv, int answer)
{
    const char letter[] = { '-', (char)optopt, '\0' };
    const char *option = optopt > ' ' && optopt < 127 ? letter : argv[optind - 1];
    if (answer == ':')
        return cmd_usage("%s wants a value after '%s': see 'postern %s --help'", argv[0], option,
                         argv[0]);
    return cmd_usage("%s does not understand '%s': see 'postern %s --help'", argv[0], option,
                     argv[0]);
}

struct conf *cmd_conf(const char *path)
{
    struct buf why = { 0 };
    struct conf *c = conf_load(path, &why);
    if (c && !conf_policy_override_load(c, &why)) {
        conf_free(c);
        c = NULL;
    }
    if (!c)
        fprintf(stderr,
                "postern: the configuration is not usable: mend what these lines say\n%.*s%s",
                STR_ARG(buf_str(&why)), why.len && why.ptr[why.len - 1] == '\n' ? "" : "\n");
    buf_fini(&why);
    return c;
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
