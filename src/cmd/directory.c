/* SPDX-License-Identifier: MIT */
/* Why somebody could or could not sign in, asked before they try. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cmd/cmd.h"
#include "cmd/directory_report.h"
#include "conf/sandbox.h"

static const char directory_help[] =
    "usage: postern directory test sip:ADDRESS|NAME [-c FILE] [--json]\n\n"
    "What the directory says of somebody, and whether they could sign in, inside and outside, and\n"
    "why not: account, policy, and with Active Directory also winbind and the keytab.  NAME is an\n"
    "account, DOMAIN\\name or a UPN.  Root does it as authd's account, and so sees what authd "
    "sees.\n\n"
    "  -c, --config FILE  the configuration (default " CMD_DEFAULT_CONF ")\n"
    "      --json         one JSON object\n\n"
    "Exit code: 0 could sign in inside and outside; 1 could not; 2 wrong usage; 3 the directory\n"
    "could not be reached.\n";

struct options {
    const char *config, *asked;
    bool json, help;
};

static int unreachable(const struct directory_report *r)
{
    struct buf advice = { 0 };
    struct str tried = str_trim(buf_str(&r->tried));

    directory_advice(r->conf, r->fault, &advice);
    cmd_fail(CMD_UNREACHABLE, "%s: %.*s", directory_text(r->fault), STR_ARG(buf_str(&advice)));
    if (tried.len)
        fprintf(stderr, "%.*s\n", STR_ARG(tried));
    buf_fini(&advice);
    return CMD_UNREACHABLE;
}

static int tell(const struct directory_report *r, bool json)
{
    if (json)
        directory_print_json(r);
    else if (r->fault == FAULT_NONE)
        directory_print_text(r);
    if (r->fault != FAULT_NONE)
        return json ? CMD_UNREACHABLE : unreachable(r);
    return directory_judge(r, false).possible && directory_judge(r, true).possible ? CMD_DONE
                                                                                   : CMD_NO;
}

static uint32_t day_of(time_t now)
{
    struct tm tm;

    localtime_r(&now, &tm);
    return (uint32_t)((tm.tm_year + 1900) * 10000 + (tm.tm_mon + 1) * 100 + tm.tm_mday);
}

static int test(const struct options *o)
{
    time_t now = time(NULL);
    struct conf *c = cmd_conf(o->config);
    struct directory_report r = { .conf = c, .now = now, .day = day_of(now) };
    struct buf why = { 0 };
    int code;

    if (!c)
        return CMD_USAGE;
    if (!sandbox_drop(c->user_authd, &why)) {
        code = cmd_fail(CMD_USAGE, "%.*s", STR_ARG(buf_str(&why)));
    } else {
        directory_look(&r, o->asked);
        code = tell(&r, o->json);
        directory_report_fini(&r);
    }
    buf_fini(&why);
    conf_free(c);
    return code;
}

enum { OPT_JSON = 256 };

static int parse(int argc, char **argv, struct options *o)
{
    static const struct option options[] = { { "config", required_argument, NULL, 'c' },
                                             { "json", no_argument, NULL, OPT_JSON },
                                             { "help", no_argument, NULL, 'h' },
                                             { 0 } };

    for (int c; (c = getopt_long(argc, argv, ":c:h", options, NULL)) != -1;) {
        if (c == 'c')
            o->config = optarg;
        else if (c == OPT_JSON)
            o->json = true;
        else if (c != 'h')
            return cmd_wrong_option(argv, c);
        o->help = o->help || c == 'h';
    }
    return CMD_DONE;
}

int cmd_directory(int argc, char **argv)
{
    struct options o = { .config = CMD_DEFAULT_CONF };
    int code = parse(argc, argv, &o);

    if (code != CMD_DONE)
        return code;
    if (o.help) {
        fputs(directory_help, stdout);
        return CMD_DONE;
    }
    if (optind >= argc || strcmp(argv[optind], "test") != 0)
        return cmd_usage("directory wants 'test': see 'postern directory --help'");
    if (argc - optind != 2)
        return cmd_usage("directory test wants one SIP address or name: see 'postern directory "
                         "--help'");
    o.asked = argv[optind + 1];
    if (!o.asked[0])
        return cmd_usage("the name is empty: give one such as sip:ada@example.com");
    return test(&o);
}
