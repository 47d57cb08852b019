/* SPDX-License-Identifier: MIT */
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/matrix.h"
#include "cmd/remote.h"

static const char policy_help[] =
    "usage: postern policy show   [-c FILE] [--json]\n"
    "       postern policy set    [-c FILE] PRESET | KEY=VALUE...\n"
    "       postern policy matrix [-c FILE] [--legacy] [--json]\n\n"
    "show    what the running server asks of a sign-in (or, when none runs, the file)\n"
    "set     changes it at once, for everybody not yet signed in; survives a restart\n"
    "matrix  client by client and preset by preset: signs in, or the first thing that blocks it\n\n"
    "Presets: windows-2003, windows-2008, windows-2008r2, strict (the default).\n"
    "Keys: ntlm_min_server_sec, ntlm_min_client_sec, ntlm_offer, lm_compatibility,\n"
    "      min_sipae_version, mode.  Example: postern policy set lm_compatibility=3\n\n"
    "  -c, --config FILE  the configuration (default " CMD_DEFAULT_CONF ")\n"
    "      --legacy       matrix: as if the client's network had the legacy TLS lane\n"
    "      --json         for programs\n";

struct options {
    const char *config;
    bool config_given, json, legacy;
};

static void print_exceptions(const struct ntlm_policy_set *set)
{
    for (unsigned i = 0; i < set->exception_count; i++) {
        const struct ntlm_policy_exception *e = &set->exceptions[i];
        struct buf text = { 0 };
        ntlm_policy_print(&e->policy, &text);
        printf("\nexception \"%s\"", e->name);
        if (e->until)
            printf(" until %04u-%02u-%02u", e->until / 10000, e->until / 100 % 100, e->until % 100);
        printf("\n%.*s", STR_ARG(buf_str(&text)));
        buf_fini(&text);
    }
}

static int show(const struct options *o)
{
    struct conf *c = cmd_conf(o->config);
    if (!c)
        return CMD_USAGE;
    json_t *request = json_pack("{s:s}", "do", "policy-show");
    struct buf why = { 0 }, text = { 0 };
    json_t *answer = remote_call(c, "front", request, &why);
    const char *preset = answer ? json_string_value(json_object_get(answer, "preset")) : NULL;
    const char *running = answer ? json_string_value(json_object_get(answer, "policy")) : NULL;
    ntlm_policy_print(&c->policy->base, &text);
    if (!preset)
        preset = c->policy->preset;
    if (o->json) {
        json_t *out = json_pack("{s:b, s:s, s:s, s:i}", "running", running != NULL, "preset",
                                preset, "policy", running ? running : text.ptr, "exceptions",
                                (int)c->policy->exception_count);
        json_dumpf(out, stdout, JSON_COMPACT);
        puts("");
        json_decref(out);
    } else {
        printf("%s (%s)\n%s", preset,
               running ? "of the running server" : "of the file; no server runs",
               running ? running : text.ptr);
        print_exceptions(c->policy);
    }
    json_decref(answer);
    json_decref(request);
    buf_fini(&why);
    buf_fini(&text);
    conf_free(c);
    return CMD_DONE;
}

static int set(const struct options *o, char **words, int count)
{
    if (count <= 0)
        return cmd_usage("nothing to set: name a preset or KEY=VALUE; see 'postern policy --help'");
    struct conf *c = cmd_conf(o->config);
    if (!c)
        return CMD_USAGE;
    struct buf why = { 0 };
    int code = remote_policy_set(c, (const char *const *)words, (unsigned)count, &why);
    if (code == CMD_DONE && isatty(STDOUT_FILENO))
        puts("set: it holds for every sign-in from now on; who is signed in stays so");
    else if (code != CMD_DONE)
        fprintf(stderr, "postern: the policy was not set: %.*s\n", STR_ARG(buf_str(&why)));
    buf_fini(&why);
    conf_free(c);
    return code;
}

static void print_cell(const struct options *o, const struct client_profile *client,
                       const char *preset, enum fault fault)
{
    if (!o->json) {
        printf("  %-26s", fault == FAULT_NONE ? "signs in" : fault_name(fault));
        return;
    }
    json_t *cause = fault == FAULT_NONE ? json_null() : json_string(fault_name(fault));
    json_t *row = json_pack("{s:s, s:s, s:b, s:s, s:o}", "client", client->name, "policy", preset,
                            "legacy_lane", o->legacy, "outcome",
                            fault == FAULT_NONE ? "signed-in" : "refused", "cause", cause);
    json_dumpf(row, stdout, JSON_COMPACT);
    puts("");
    json_decref(row);
}

static void print_rows(const struct options *o, const struct matrix_tls *tls)
{
    const char *preset;
    const struct client_profile *client;
    if (!o->json) {
        printf("%-16s", "client");
        for (unsigned i = 0; (preset = ntlm_policy_preset_name(i)) != NULL; i++)
            printf("  %-26s", preset);
        puts("");
    }
    for (unsigned row = 0; (client = client_profile_at(row)) != NULL; row++) {
        if (!o->json)
            printf("%-16s", client->name);
        for (unsigned i = 0; (preset = ntlm_policy_preset_name(i)) != NULL; i++) {
            struct ntlm_policy policy;
            ntlm_policy_preset(str_from_c(preset), &policy);
            print_cell(o, client, preset, matrix_cell(client, &policy, tls, o->legacy));
        }
        if (!o->json)
            puts("");
    }
    if (!o->json)
        printf("\nOver a TLS listener %s.  'postern policy set PRESET' changes what is asked.\n",
               o->legacy ? "with the legacy lane for the client's network"
                         : "without a legacy lane (--legacy shows the other case)");
}

static int matrix(struct options *o)
{
    if (o->config_given) {
        struct conf *c = cmd_conf(o->config);
        if (!c)
            return CMD_USAGE;
        o->legacy = o->legacy || c->legacy_network_count > 0;
        conf_free(c);
    }
    struct matrix_tls tls;
    struct buf why = { 0 };
    tls_process_init();
    int code = CMD_DONE;
    if (matrix_tls_init(&tls, &why))
        print_rows(o, &tls);
    else
        code = cmd_usage("cannot make the listeners to try: %.*s", STR_ARG(buf_str(&why)));
    matrix_tls_fini(&tls);
    buf_fini(&why);
    return code;
}

enum { OPT_JSON = 256, OPT_LEGACY };

int cmd_policy(int argc, char **argv)
{
    static const struct option options[] = { { "config", required_argument, NULL, 'c' },
                                             { "json", no_argument, NULL, OPT_JSON },
                                             { "legacy", no_argument, NULL, OPT_LEGACY },
                                             { "help", no_argument, NULL, 'h' },
                                             { 0 } };
    struct options o = { .config = CMD_DEFAULT_CONF };
    for (int c; (c = getopt_long(argc, argv, ":c:h", options, NULL)) != -1;) {
        switch (c) {
        case 'c':
            o.config = optarg;
            o.config_given = true;
            break;
        case OPT_JSON:
            o.json = true;
            break;
        case OPT_LEGACY:
            o.legacy = true;
            break;
        case 'h':
            fputs(policy_help, stdout);
            return CMD_DONE;
        default:
            return cmd_wrong_option(argv, c);
        }
    }
    const char *what = optind < argc ? argv[optind++] : "";
    if (strcmp(what, "set") == 0)
        return set(&o, argv + optind, argc - optind);
    if (optind < argc)
        return cmd_usage("policy %s takes no argument '%s': see 'postern policy --help'", what,
                         argv[optind]);
    if (strcmp(what, "show") == 0)
        return show(&o);
    if (strcmp(what, "matrix") == 0)
        return matrix(&o);
    return cmd_usage("policy wants show, set or matrix: see 'postern policy --help'");
}
