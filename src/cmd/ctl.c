/* SPDX-License-Identifier: MIT */
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/ctl_budget.h"
#include "cmd/remote.h"
#include "diag/trace.h"

static const char ctl_help[] =
    "usage: postern ctl [-c FILE] [--json] status\n"
    "       postern ctl [-c FILE] [--json] sessions\n"
    "       postern ctl [-c FILE] kick URI [EPID]\n"
    "       postern ctl [-c FILE] [--json] trace [COMPONENT|all LEVEL [FLAGS]]\n"
    "       postern ctl [-c FILE] trace secrets on|off\n"
    "       postern ctl [-c FILE] [--json] budget list\n"
    "       postern ctl [-c FILE] [--json] budget clear ACCOUNT|ADDRESS|all\n"
    "       postern ctl [-c FILE] reload\n\n"
    "status    the roles: up or not, connections, sign-ins, sandbox\n"
    "sessions  who is signed in, from which device\n"
    "kick      throws a user's endpoints out (all, or the one with this epid)\n"
    "trace     shows or switches what is recorded.  Components: SIPStack, UserServices, Authd.\n"
    "          Levels: off, fatal, error, warn, info, verbose, noise.  Flags, comma separated:\n"
    "          TF_COMPONENT, TF_PROTOCOL, TF_CONNECTION, TF_SECURITY, TF_DIAG\n"
    "budget    whose sign-ins failed how often, which devices are known, and who is refused "
    "unasked;\n"
    "          clear forgets the failures of one, or of all\n"
    "reload    takes policy and traces from the file again; nobody is signed out (SIGHUP to\n"
    "          'postern serve' does the same; other keys need a restart)\n\n"
    "  -c, --config FILE  the configuration (default " CMD_DEFAULT_CONF ")\n"
    "      --json         the answer as it came\n";

struct call {
    const struct conf *conf;
    bool json;
};

/* Asks a role and hands the answer out when it is a good one. */
static int ask(const struct call *call, const char *role, json_t *request, json_t **answer)
{
    struct buf why = { 0 };
    int code = CMD_DONE;
    *answer = remote_call(call->conf, role, request, &why);
    if (!*answer) {
        fprintf(stderr, "postern: %s cannot be asked: %.*s\n", role, STR_ARG(buf_str(&why)));
        code = CMD_UNREACHABLE;
    } else if (!remote_ok(*answer)) {
        fprintf(stderr, "postern: %s refuses: %s\n", role, remote_error(*answer));
        code = CMD_USAGE;
    } else if (call->json) {
        json_dumpf(*answer, stdout, JSON_COMPACT);
        puts("");
    }
    json_decref(request);
    buf_fini(&why);
    return code;
}

static void print_scalars(const json_t *o, const char *indent)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)o, key, value)
    {
        if (strcmp(key, "ok") == 0)
            continue;
        if (json_is_string(value))
            printf("%s%-22s %s\n", indent, key, json_string_value(value));
        else if (json_is_integer(value))
            printf("%s%-22s %lld\n", indent, key, (long long)json_integer_value(value));
        else if (json_is_boolean(value))
            printf("%s%-22s %s\n", indent, key, json_is_true(value) ? "yes" : "no");
        else if (json_is_object(value) && json_object_size(value) > 0) {
            printf("%s%s\n", indent, key);
            print_scalars(value, "    ");
        }
    }
}

static int status(const struct call *call)
{
    const char *roles[REMOTE_ROLES_MAX];
    int worst = CMD_DONE;
    remote_roles(call->conf, roles);
    for (size_t i = 0; roles[i]; i++) {
        json_t *answer;
        int code = ask(call, roles[i], json_pack("{s:s}", "do", "status"), &answer);
        if (code == CMD_DONE && !call->json) {
            printf("%s: up\n", roles[i]);
            print_scalars(answer, "  ");
        }
        worst = code > worst ? code : worst;
        json_decref(answer);
    }
    return worst;
}

static int sessions(const struct call *call)
{
    json_t *answer, *row;
    size_t i;
    int code = ask(call, "front", json_pack("{s:s}", "do", "sessions"), &answer);
    if (code == CMD_DONE && !call->json) {
        json_t *list = json_object_get(answer, "sessions");
        if (json_array_size(list) == 0)
            puts("nobody is signed in");
        json_array_foreach(list, i, row) printf(
            "%-32s epid %-14s %-7s %5llds  %s\n", json_string_value(json_object_get(row, "uri")),
            json_string_value(json_object_get(row, "epid")),
            json_string_value(json_object_get(row, "where")),
            (long long)json_integer_value(json_object_get(row, "expires")),
            json_string_value(json_object_get(row, "contact")));
    }
    json_decref(answer);
    return code;
}

static int kick(const struct call *call, int argc, char **argv)
{
    if (argc < 1)
        return cmd_usage("kick wants a SIP address: postern ctl kick sip:ada@example.com");
    json_t *answer;
    int code = ask(
        call, "front",
        json_pack("{s:s, s:s, s:s}", "do", "kick", "uri", argv[0], "epid", argc > 1 ? argv[1] : ""),
        &answer);
    long long removed = json_integer_value(json_object_get(answer, "removed"));
    json_decref(answer);
    if (code != CMD_DONE)
        return code;
    if (!call->json)
        printf("%lld endpoint%s thrown out\n", removed, removed == 1 ? "" : "s");
    return removed > 0 ? CMD_DONE : CMD_NO;
}

static bool flags_from_text(const char *list, int *out)
{
    static const struct {
        const char *name;
        int bit;
    } names[] = { { "TF_COMPONENT", TF_COMPONENT },
                  { "TF_PROTOCOL", TF_PROTOCOL },
                  { "TF_CONNECTION", TF_CONNECTION },
                  { "TF_SECURITY", TF_SECURITY },
                  { "TF_DIAG", TF_DIAG } };
    struct str rest = str_from_c(list);
    *out = 0;
    while (rest.len > 0) {
        struct str word = str_trim(str_take_until(&rest, ','));
        int bit = 0;
        for (size_t i = 0; i < ARRAY_LEN(names); i++)
            if (str_eq_nocase(word, str_from_c(names[i].name)))
                bit = names[i].bit;
        if (!bit)
            return false;
        *out |= bit;
    }
    return true;
}

static json_t *trace_request(int argc, char **argv)
{
    bool secrets = argc == 2 && strcmp(argv[0], "secrets") == 0;
    bool on = secrets && strcmp(argv[1], "on") == 0;
    int flags;
    if (argc == 0)
        return json_pack("{s:s}", "do", "trace");
    if (secrets)
        return on || strcmp(argv[1], "off") == 0
                   ? json_pack("{s:s, s:b}", "do", "trace", "secrets", on)
                   : NULL;
    if (argc < 2 || argc > 3 || (argc == 3 && !flags_from_text(argv[2], &flags)))
        return NULL;
    json_t *request =
        json_pack("{s:s, s:s, s:s}", "do", "trace", "component", argv[0], "level", argv[1]);
    if (argc == 3)
        json_object_set_new(request, "flags", json_integer(flags));
    return request;
}

static void print_trace(const struct call *call, json_t *components, long long dropped)
{
    json_t *row;
    size_t i;
    if (call->json) {
        json_t *out = json_pack("{s:b, s:O, s:I}", "ok", 1, "components", components, "dropped",
                                (json_int_t)dropped);
        json_dumpf(out, stdout, JSON_COMPACT);
        puts("");
        json_decref(out);
        return;
    }
    json_array_foreach(components, i, row)
        printf("%-24s %-8s flags 0x%02llx\n", json_string_value(json_object_get(row, "component")),
               json_string_value(json_object_get(row, "level")),
               (long long)json_integer_value(json_object_get(row, "flags")));
    printf("records dropped: %lld\n", dropped);
}

/* Every role has all the switches, and uses those of its own components. */
static int trace(const struct call *call, int argc, char **argv)
{
    const char *roles[REMOTE_ROLES_MAX];
    const struct call quiet = { .conf = call->conf };
    json_t *request = trace_request(argc, argv), *components = json_array(), *row;
    long long dropped = 0;
    size_t i, servers = 0;
    int code = request ? CMD_DONE
                       : cmd_usage("trace wants COMPONENT LEVEL [FLAGS], or secrets on|off: see "
                                   "'postern ctl --help'");
    remote_roles(call->conf, roles);
    for (size_t role = 0; roles[role] && code == CMD_DONE; role++) {
        json_t *answer;
        code = ask(&quiet, roles[role], json_incref(request), &answer);
        dropped += (long long)json_integer_value(json_object_get(answer, "dropped"));
        json_array_foreach(json_object_get(answer, "components"), i, row)
        {
            const char *name = json_string_value(json_object_get(row, "component"));
            bool is_authd = strcmp(roles[role], "authd") == 0;
            if (!name || (strcmp(name, "Authd") == 0) != is_authd)
                continue;
            if (strcmp(roles[role], "edge") == 0)
                json_object_set_new(row, "component", json_sprintf("%s of the Edge", name));
            if (is_authd) /* the servers' own first */
                json_array_append(components, row);
            else
                json_array_insert(components, servers++, row);
        }
        json_decref(answer);
    }
    if (code == CMD_DONE)
        print_trace(call, components, dropped);
    json_decref(components);
    json_decref(request);
    return code;
}

static int reload(const char *path)
{
    struct buf why = { 0 };
    int code = remote_reload(path, &why);
    if (code != CMD_DONE)
        fprintf(stderr, "postern: nothing was reloaded: %.*s\n", STR_ARG(buf_str(&why)));
    buf_fini(&why);
    return code;
}

static int run(const struct call *call, int argc, char **argv)
{
    const char *what = argc > 0 ? argv[0] : "";
    bool alone = strcmp(what, "status") == 0 || strcmp(what, "sessions") == 0;
    if (alone && argc > 1)
        return cmd_usage("ctl %s takes no argument '%s': see 'postern ctl --help'", what, argv[1]);
    if (strcmp(what, "status") == 0)
        return status(call);
    if (strcmp(what, "sessions") == 0)
        return sessions(call);
    if (strcmp(what, "kick") == 0)
        return kick(call, argc - 1, argv + 1);
    if (strcmp(what, "trace") == 0)
        return trace(call, argc - 1, argv + 1);
    if (strcmp(what, "budget") == 0)
        return ctl_budget(call->conf, call->json, argc - 1, argv + 1);
    return cmd_usage(
        "ctl wants status, sessions, kick, trace, budget or reload: see 'postern ctl --help'");
}

int cmd_ctl(int argc, char **argv)
{
    static const struct option options[] = { { "config", required_argument, NULL, 'c' },
                                             { "json", no_argument, NULL, 'j' },
                                             { "help", no_argument, NULL, 'h' },
                                             { 0 } };
    const char *path = CMD_DEFAULT_CONF;
    struct call call = { 0 };
    for (int c; (c = getopt_long(argc, argv, ":c:h", options, NULL)) != -1;) {
        if (c == 'c') {
            path = optarg;
        } else if (c == 'j') {
            call.json = true;
        } else if (c == 'h') {
            fputs(ctl_help, stdout);
            return CMD_DONE;
        } else {
            return cmd_wrong_option(argv, c);
        }
    }
    if (optind >= argc)
        return run(&call, 0, NULL);
    if (strcmp(argv[optind], "reload") == 0)
        return reload(path);
    struct conf *c = cmd_conf(path);
    if (!c)
        return CMD_USAGE;
    call.conf = c;
    int code = run(&call, argc - optind, argv + optind);
    conf_free(c);
    return code;
}
