/* SPDX-License-Identifier: MIT */
#include <getopt.h>
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/supervise.h"

static const char serve_help[] =
    "usage: postern serve [-c FILE] [--check]\n"
    "       postern serve --explain-config\n\n"
    "Runs the roles of a deployment, each as a process of its own, until SIGTERM.\n"
    "SIGHUP makes them read the policy and the trace settings again.\n\n"
    "  -c, --config FILE    the configuration (default " CMD_DEFAULT_CONF ")\n"
    "      --check          read the configuration, say what is wrong with it, and end\n"
    "      --explain-config every key with its type, default, range and meaning\n";

enum { OPT_CHECK = 256, OPT_EXPLAIN };

static int explain(void)
{
    struct buf out = { 0 };
    conf_explain(&out, false);
    fwrite(out.ptr, 1, out.len, stdout);
    buf_fini(&out);
    return CMD_DONE;
}

int cmd_serve(int argc, char **argv)
{
    static const struct option options[] = { { "config", required_argument, NULL, 'c' },
                                             { "check", no_argument, NULL, OPT_CHECK },
                                             { "explain-config", no_argument, NULL, OPT_EXPLAIN },
                                             { "help", no_argument, NULL, 'h' },
                                             { 0 } };
    const char *path = CMD_DEFAULT_CONF;
    bool check = false;
    for (int o; (o = getopt_long(argc, argv, ":c:h", options, NULL)) != -1;) {
        switch (o) {
        case 'c':
            path = optarg;
            break;
        case OPT_CHECK:
            check = true;
            break;
        case OPT_EXPLAIN:
            return explain();
        case 'h':
            fputs(serve_help, stdout);
            return CMD_DONE;
        default:
            return cmd_wrong_option(argv, o);
        }
    }
    if (optind < argc)
        return cmd_usage("serve takes no argument '%s': see 'postern serve --help'", argv[optind]);
    struct conf *c = cmd_conf(path);
    if (!c)
        return CMD_USAGE;
    int code = CMD_DONE;
    if (!conf_has_front(c) && !conf_has_edge(c))
        code = cmd_usage("%s: [front] tls_listen: missing: say where clients connect, such as "
                         "0.0.0.0:5061 (or [edge] listen, for people outside)",
                         path);
    else if (check)
        printf("%s: good\n", path);
    else
        code = supervise(c);
    conf_free(c);
    return code;
}
