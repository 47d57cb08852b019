/* SPDX-License-Identifier: MIT */
/* The story on one screen: the same server, the same password, and one client that is refused. */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/client.h"
#include "cmd/cmd.h"
#include "cmd/deployment.h"
#include "cmd/remote.h"

static const char demo_help[] =
    "usage: postern demo [--once] [--json] [--no-kerberos] [--dir DIR] [--port-base N]\n\n"
    "Makes a complete throw-away deployment on 127.0.0.1 (Front End, account service, Access "
    "Edge,\n"
    "Kerberos KDC, sample users), signs Windows XP and Windows 7 in from inside and from outside\n"
    "under two policies, prints what happened and why, and stays up for a client of your own "
    "until\n"
    "Ctrl-C.  Nothing is left behind.\n\n"
    "      --once        end after the table; exit code 0 only if it is as expected\n"
    "      --no-kerberos no KDC: NTLM inside too\n"
    "      --json        one object per row, then one with addresses and users\n"
    "      --dir DIR     make this folder for its files instead of one in /tmp\n"
    "      --port-base N inside: TLS on port N, TCP on N + 1; outside: TLS on N + 2; between the\n"
    "                    two N + 3; KDC N + 4 (free ports are chosen without it)\n";

struct options {
    bool once, json;
    struct deployment_settings make;
};

/* The story: what has to come out with NTLM.  NULL: signed in, as with Kerberos in any case. */
static const struct {
    const char *client, *where, *policy, *cause;
} story[] = {
    { "windows-xp", "inside", "windows-2008r2", "policy-128bit" },
    { "windows-xp", "outside", "windows-2008r2", "policy-128bit" },
    { "windows-7", "inside", "windows-2008r2", NULL },
    { "windows-7", "outside", "windows-2008r2", NULL },
    { "windows-xp", "inside", "windows-2008", NULL },
    { "windows-xp", "outside", "windows-2008", NULL },
    { "windows-7", "inside", "windows-2008", NULL },
    { "windows-7", "outside", "windows-2008", NULL },
};

struct row {
    const char *client, *where, *policy;
    enum client_scheme scheme;
    char cause[64]; /* "" when signed in */
    unsigned status;
    bool signed_in, expected;
};

/* Reads what the trace gained since `from`; the caller frees. */
static char *new_trace(const struct deployment *d, long *from)
{
    struct buf why = { 0 };
    json_t *request = json_pack("{s:s}", "do", "flush");
    json_decref(remote_call(d->conf, "front", request, &why));
    json_decref(request);
    buf_fini(&why);
    struct buf text = { 0 };
    FILE *f = fopen(d->trace, "re");
    char chunk[4096];
    if (f && fseek(f, *from, SEEK_SET) == 0)
        for (size_t n; (n = fread(chunk, 1, sizeof(chunk), f)) > 0;)
            buf_add(&text, str_of(chunk, n));
    if (f)
        fclose(f);
    *from += (long)text.len;
    buf_add_char(&text, '\0');
    return text.ptr;
}

/* The server's own word on the refusal: the fault of the last security record. */
static void cause_of(const char *trace, char *out, size_t len)
{
    static const char mark[] = "Postern: fault=";
    const char *last = NULL, *at = trace;
    while ((at = strstr(at, "LogType: security")) != NULL)
        last = at++;
    last = last ? strstr(last, mark) : NULL;
    snprintf(out, len, "%.*s", last ? (int)strcspn(last + sizeof(mark) - 1, ";\r\n") : 0,
             last ? last + sizeof(mark) - 1 : "");
}

/* The security record itself, for the screen; the caller frees. */
static char *record_of(const char *trace)
{
    const char *begin = strstr(trace, "TL_ERROR(TF_SECURITY)");
    const char *end = begin ? strstr(begin, "$$end_record") : NULL;
    return begin && end ? strndup(begin, (size_t)(end - begin) + strlen("$$end_record")) : NULL;
}

static bool is_outside(unsigned which)
{
    return strcmp(story[which].where, "outside") == 0;
}

/* Inside a real client has a ticket; outside no KDC can be reached, and the server offers none. */
static enum client_scheme scheme_of(const struct deployment *d, unsigned which)
{
    return deployment_has_kerberos(d) && !is_outside(which) ? CLIENT_KERBEROS : CLIENT_NTLM;
}

/* Windows XP knows no AES: its tickets and signatures are RC4. */
static const char *krb5_conf_of(const struct deployment *d, const struct client_profile *p)
{
    return strcmp(p->name, "windows-xp") == 0 ? d->kdc.krb5_xp_conf : d->kdc.krb5_conf;
}

static void sign_in(const struct deployment *d, unsigned which, struct row *row, long *trace_at,
                    char **record)
{
    char login[64];
    enum client_scheme scheme = scheme_of(d, which);
    if (scheme == CLIENT_KERBEROS)
        snprintf(login, sizeof(login), "%s@%s", deployment_users[0].name, d->realm);
    else
        snprintf(login, sizeof(login), "%s\\%s", d->netbios, deployment_users[0].name);
    struct client_settings s = { .uri = "sip:ada@example.com",
                                 .server = is_outside(which) ? d->outside : d->tls,
                                 .transport = CLIENT_TLS,
                                 .scheme = scheme,
                                 .login = login,
                                 .password = d->password,
                                 .profile = client_profile_find(str_from_c(story[which].client)),
                                 .ca_file = d->ca };
    if (scheme == CLIENT_KERBEROS)
        setenv("KRB5_CONFIG", krb5_conf_of(d, s.profile), 1);
    struct client *c = client_new(&s);
    struct client_result r = client_sign_in(c, NULL, NULL);
    struct client_leg leg;
    if (r.signed_in)
        client_leave(c, &leg);
    client_free(c);
    *row = (struct row){ .client = story[which].client,
                         .where = story[which].where,
                         .policy = story[which].policy,
                         .scheme = scheme,
                         .status = r.status,
                         .signed_in = r.signed_in };
    char *trace = new_trace(d, trace_at);
    if (!r.signed_in)
        cause_of(trace, row->cause, sizeof(row->cause));
    if (!r.signed_in && !row->cause[0])
        snprintf(row->cause, sizeof(row->cause), "%s", fault_name(r.cause));
    if (!r.signed_in && !*record)
        *record = record_of(trace);
    free(trace);
    const char *cause = scheme == CLIENT_NTLM ? story[which].cause : NULL;
    row->expected = cause ? strcmp(row->cause, cause) == 0 : r.signed_in;
}

static void print_json(json_t *o)
{
    json_dumpf(o, stdout, JSON_COMPACT);
    putchar('\n');
    fflush(stdout);
    json_decref(o);
}

static void print_row(const struct options *o, const struct row *r)
{
    if (o->json) {
        json_t *cause = r->cause[0] ? json_string(r->cause) : json_null();
        print_json(json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:o, s:b}", "client", r->client,
                             "where", r->where, "scheme",
                             r->scheme == CLIENT_KERBEROS ? "kerberos" : "ntlm", "policy",
                             r->policy, "outcome", r->signed_in ? "signed-in" : "refused", "status",
                             (int)r->status, "cause", cause, "expected", r->expected));
        return;
    }
    printf("  %-11s %-8s %-9s %-15s %s", r->client, r->where,
           r->scheme == CLIENT_KERBEROS ? "Kerberos" : "NTLM", r->policy,
           r->signed_in ? "signed in" : "REFUSED  ");
    if (!r->signed_in)
        printf(" %u  %s", r->status, r->cause);
    printf("%s\n", r->expected ? "" : "   (not as expected)");
}

static void print_why(const struct row *r, const char *record)
{
    const struct fault_row *row = fault_row(fault_from_name(str_from_c(r->cause)));
    printf("\nWhy %s was refused (%s):\n  %s.\n  To do: %s.\n", r->client, r->cause, row->text,
           row->advice);
    if (record)
        printf("\nWhat the server recorded (its words are those of an OCS 2007 R2 Front End; the "
               "last\n"
               "line is ours):\n\n%s\n",
               record);
}

/* The story's third fact. */
static void print_inside(const struct deployment *d)
{
    if (deployment_has_kerberos(d))
        printf("\nInside, Windows XP signs in whatever the minimum is: there it uses Kerberos, and "
               "the\nminimum is one for NTLM.  Outside no KDC can be reached, so everybody comes "
               "with NTLM.\n");
}

static bool run_story(const struct options *o, const struct deployment *d, struct buf *why)
{
    bool as_expected = true;
    long trace_at = 0;
    char *record = NULL;
    struct row refused = { 0 };
    free(new_trace(d, &trace_at));
    if (!o->json)
        printf("One server, one user (ada), the right password each time:\n\n"
               "  client      where    how       policy          outcome\n");
    for (unsigned i = 0; i < ARRAY_LEN(story); i++) {
        struct row row;
        bool same = i > 0 && strcmp(story[i].policy, story[i - 1].policy) == 0;
        if (!same && remote_policy_set(d->conf, &story[i].policy, 1, why) != CMD_DONE) {
            free(record);
            return false;
        }
        sign_in(d, i, &row, &trace_at, &record);
        print_row(o, &row);
        as_expected = as_expected && row.expected;
        if (!row.signed_in && !refused.client)
            refused = row;
    }
    if (!o->json)
        print_inside(d);
    if (refused.client && !o->json)
        print_why(&refused, record);
    free(record);
    if (!as_expected)
        buf_add_c(why, "the table is not as expected");
    return as_expected;
}

static json_t *users_json(const struct deployment *d, bool can_sign_in)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < deployment_user_count; i++) {
        const struct deployment_user *u = &deployment_users[i];
        if ((u->state == NULL) != can_sign_in)
            continue;
        json_t *o =
            json_pack("{s:o, s:o, s:s, s:b}", "uri", json_sprintf("sip:%s@%s", u->name, d->domain),
                      "login", json_sprintf("%s\\%s", d->netbios, u->name), "password", d->password,
                      "remote_access", u->remote_access);
        if (u->state)
            json_object_set_new(o, "state", json_string(u->state));
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *kerberos_json(const struct deployment *d)
{
    if (!deployment_has_kerberos(d))
        return json_null();
    return json_pack("{s:s, s:s}", "realm", d->realm, "krb5_conf", d->kdc.krb5_conf);
}

static void print_ready_json(const struct deployment *d)
{
    print_json(json_pack("{s:b, s:s, s:s, s:s, s:o, s:s, s:s, s:s, s:s, s:o, s:o}", "ready", 1,
                         "inside", d->tls, "inside_tcp", d->tcp, "outside", d->outside, "kerberos",
                         kerberos_json(d), "ca", d->ca, "config", d->config, "domain", d->domain,
                         "trace", d->trace, "users", users_json(d, true), "other_users",
                         users_json(d, false)));
}

static void print_kerberos(const struct deployment *d, const char *self, const char *port)
{
    printf("  With Kerberos, inside (kinit is in krb5-user, and asks for the password):\n"
           "    export KRB5_CONFIG=%s KRB5CCNAME=FILE:%s/tickets\n"
           "    kinit ada@%s\n"
           "    %s signin sip:ada@%s --scheme kerberos --server 127.0.0.1:%s --ca %s\n"
           "    (Pidgin too, when it is started there: Use Single Sign-On, Authentication scheme "
           "Kerberos)\n",
           d->kdc.krb5_conf, d->kdc.dir, d->realm, self, d->domain, port, d->ca);
}

static void print_ready(const struct deployment *d)
{
    const char *port = strrchr(d->tls, ':') + 1, *tcp = strrchr(d->tcp, ':') + 1;
    const char *outside = strrchr(d->outside, ':') + 1;
    printf("\nThe server is still running, with policy windows-2008r2.  Sign in yourself:\n\n"
           "  Pidgin with SIPE (apt-get install pidgin pidgin-sipe), Add Account:\n"
           "    Protocol             Office Communicator\n"
           "    Username             ada@%s\n"
           "    Login                %s\\ada\n"
           "    Password             %s\n"
           "    Advanced, from inside:  Server[:Port] 127.0.0.1:%s   Connection type SSL/TLS\n"
           "                            (or 127.0.0.1:%s with TCP)   Authentication scheme NTLM\n"
           "           or from outside, through the Access Edge: Server[:Port] 127.0.0.1:%s\n"
           "    It will ask about the certificate: accept it (its CA is %s)\n\n",
           d->domain, d->netbios, d->password, port, tcp, outside, d->ca);
    const char *self = program_invocation_name; /* as it was called: it may not be in the PATH */
    printf("  Or from another terminal%s:\n", strchr(self, '/') ? ", in this folder" : "");
    printf("    echo %s | %s signin sip:ada@%s --login '%s\\ada' \\\n"
           "        --server 127.0.0.1:%s --ca %s --profile windows-7 --password-stdin\n"
           "    (the same with --server 127.0.0.1:%s comes from outside)\n",
           d->password, self, d->domain, d->netbios, port, d->ca, outside);
    if (deployment_has_kerberos(d))
        print_kerberos(d, self, port);
    printf("  Change the policy, and look inside:\n"
           "    %s policy set windows-2008 -c %s\n",
           self, d->config);
    printf("    %s ctl status -c %s\n\n", self, d->config);
    printf("  Trace: %s (the Edge's is edge.log beside it)\n  Others with the same password:",
           d->trace);
    for (unsigned i = 1; i < deployment_user_count; i++) {
        const struct deployment_user *u = &deployment_users[i];
        const char *state = u->state ? u->state : u->remote_access ? NULL : "inside only";
        printf(" %s%s%s%s", u->name, state ? " (" : "", state ? state : "", state ? ")" : "");
    }
    printf("\n\nCtrl-C ends it and removes everything.\n");
    fflush(stdout);
}

static void wait_for_end(sigset_t *ends)
{
    int signum;
    sigwait(ends, &signum);
}

/* Without the packages the story is told with NTLM alone. */
static bool can_kerberos(void)
{
    struct buf why = { 0 };
    bool can = kdc_is_installed(&why);
    if (!can)
        fprintf(stderr, "postern: no Kerberos in this demo: %.*s: clients inside use NTLM\n",
                STR_ARG(buf_str(&why)));
    buf_fini(&why);
    return can;
}

static int run(const struct options *o)
{
    struct deployment d;
    struct buf why = { 0 };
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGHUP);
    sigprocmask(SIG_BLOCK, &ends, NULL);
    signal(SIGPIPE, SIG_IGN);
    tls_process_init();
    int code = CMD_USAGE;
    if (deployment_make(&d, &o->make, &why) && deployment_start(&d, &why)) {
        code = run_story(o, &d, &why) ? CMD_DONE : CMD_NO;
        const char *at_rest = "windows-2008r2";
        if (!o->once && remote_policy_set(d.conf, &at_rest, 1, &why) == CMD_DONE) {
            if (o->json)
                print_ready_json(&d);
            else
                print_ready(&d);
            wait_for_end(&ends);
        }
    }
    deployment_end(&d);
    if (code != CMD_DONE)
        fprintf(stderr, "postern: the demo failed: %.*s\n", STR_ARG(buf_str(&why)));
    buf_fini(&why);
    return code;
}

enum { OPT_ONCE = 256, OPT_JSON, OPT_DIR, OPT_PORT, OPT_NO_KERBEROS };

int cmd_demo(int argc, char **argv)
{
    static const struct option options[] = { { "once", no_argument, NULL, OPT_ONCE },
                                             { "json", no_argument, NULL, OPT_JSON },
                                             { "dir", required_argument, NULL, OPT_DIR },
                                             { "port-base", required_argument, NULL, OPT_PORT },
                                             { "no-kerberos", no_argument, NULL, OPT_NO_KERBEROS },
                                             { "help", no_argument, NULL, 'h' },
                                             { 0 } };
    struct options o = { .make = { .kerberos = true } };
    for (int c; (c = getopt_long(argc, argv, ":h", options, NULL)) != -1;) {
        switch (c) {
        case OPT_ONCE:
            o.once = true;
            break;
        case OPT_JSON:
            o.json = true;
            break;
        case OPT_DIR:
            o.make.dir = optarg;
            break;
        case OPT_PORT:
            if (!str_to_u32(str_from_c(optarg), &o.make.port_base) || o.make.port_base < 1 ||
                o.make.port_base > 65531)
                return cmd_usage("--port-base '%s' is no port: give 1 to 65531", optarg);
            break;
        case OPT_NO_KERBEROS:
            o.make.kerberos = false;
            break;
        case 'h':
            fputs(demo_help, stdout);
            return CMD_DONE;
        default:
            return cmd_wrong_option(argv, c);
        }
    }
    if (optind < argc)
        return cmd_usage("demo takes no argument '%s': see 'postern demo --help'", argv[optind]);
    o.make.kerberos = o.make.kerberos && can_kerberos();
    return run(&o);
}
