/* SPDX-License-Identifier: MIT */
/* The subcommands.  argv[0] is the subcommand's own name.  Exit codes: 0 done or signed in; 1 the
 * answer is no; 2 wrong usage or unreadable input; 3 could not reach. */
#ifndef POSTERN_CMD_CMD_H
#define POSTERN_CMD_CMD_H

#include <stdbool.h>

#include "base/compiler.h"
#include "conf/conf.h"

enum cmd_exit { CMD_DONE = 0, CMD_NO = 1, CMD_USAGE = 2, CMD_UNREACHABLE = 3 };

int cmd_serve(int argc, char **argv);
int cmd_front(int argc, char **argv);
int cmd_edge(int argc, char **argv);
int cmd_authd(int argc, char **argv);
int cmd_demo(int argc, char **argv);
int cmd_directory(int argc, char **argv);
int cmd_user(int argc, char **argv);
int cmd_signin(int argc, char **argv);
int cmd_policy(int argc, char **argv);
int cmd_ctl(int argc, char **argv);

#define CMD_DEFAULT_CONF "/etc/postern/postern.conf"

/* "postern: ..." on stderr; returns CMD_USAGE. */
int cmd_usage(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* The same; returns `code`. */
int cmd_fail(int code, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* After getopt_long, called with ":" before its letters so that it keeps silent, answered '?' or
 * ':': says which option it was. */
int cmd_wrong_option(char **argv, int answer);
/* Loads the configuration with the policy of the state directory; tells every problem on stderr
 * and returns NULL. */
struct conf *cmd_conf(const char *path);

#endif
