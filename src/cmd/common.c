/* SPDX-License-Identifier: MIT */
/* What all commands say in the same words. */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>

#include "cmd/cmd.h"

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

int cmd_fail(int code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fputs("postern: ", stderr);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
    return code;
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
