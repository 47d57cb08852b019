/* SPDX-License-Identifier: MIT */
/* postern signin: what a real client does, leg by leg, each with its verdict. */
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/secret.h"
#include "client/client.h"
#include "client/locate.h"
#include "cmd/cmd.h"
#include "sip/uri.h"

static const char signin_help[] =
    "usage: postern signin URI [OPTION...]\n\n"
    "Signs in as a client of the Communicator family would, says how each leg went, and signs\n"
    "out again.  Exit code: 0 signed in, 1 refused, 2 wrong usage, 3 could not reach the "
    "server.\n\n"
    "      --server H[:P]     this server; without it DNS is asked as clients ask it\n"
    "      --transport tls|tcp\n"
    "      --login NAME       'DOMAIN\\user', user@realm or user; default: as in the URI\n"
    "      --password-stdin   the password is the first line of the standard input; else it is\n"
    "                         asked for when no Kerberos ticket makes it needless\n"
    "      --profile NAME     the client to be (default windows-7); 'list' names them\n"
    "      --scheme auto|ntlm|kerberos\n"
    "                         default auto: Kerberos if the server offers it and there is a\n"
    "                         ticket (kinit), or --password-stdin with --login user@REALM;\n"
    "                         else NTLM\n"
    "      --ca FILE          trust the certificates that this CA issued\n"
    "      --no-verify        accept any certificate (to look at a broken one)\n"
    "      --timeout SECONDS  for each leg (default 5)\n"
    "      --json             one object per leg, then one with the result\n";

enum { OPT_HELP = 'h', OPT_FIRST = 256, PASSWORD_MAX = 256, CTRL_C = 3 };
enum option_id {
    OPT_SERVER = OPT_FIRST,
    OPT_TRANSPORT,
    OPT_LOGIN,
    OPT_PASSWORD_STDIN,
    OPT_PROFILE,
    OPT_SCHEME,
    OPT_CA,
    OPT_NO_VERIFY,
    OPT_TIMEOUT,
    OPT_JSON,
};

static const struct option long_options[] = {
    { "help", no_argument, NULL, OPT_HELP },
    { "server", required_argument, NULL, OPT_SERVER },
    { "transport", required_argument, NULL, OPT_TRANSPORT },
    { "login", required_argument, NULL, OPT_LOGIN },
    { "password-stdin", no_argument, NULL, OPT_PASSWORD_STDIN },
    { "profile", required_argument, NULL, OPT_PROFILE },
    { "scheme", required_argument, NULL, OPT_SCHEME },
    { "ca", required_argument, NULL, OPT_CA },
    { "no-verify", no_argument, NULL, OPT_NO_VERIFY },
    { "timeout", required_argument, NULL, OPT_TIMEOUT },
    { "json", no_argument, NULL, OPT_JSON },
    { 0 },
};

enum next { GO_ON, HELP, LIST, WRONG };

struct signin {
    struct client_settings settings;
    const char *profile;
    bool password_stdin, json;
    char uri[512];
    char password[PASSWORD_MAX];
};

/* --- the command line --- */

static enum next wrong(const char *option, const char *value, const char *right)
{
    cmd_usage("--%s %s: not understood: it takes %s", option, value, right);
    return WRONG;
}

static enum next transport_set(struct client_settings *s, const char *value)
{
    if (strcmp(value, "tls") == 0)
        s->transport = CLIENT_TLS;
    else if (strcmp(value, "tcp") == 0)
        s->transport = CLIENT_TCP;
    else
        return wrong("transport", value, "tls or tcp");
    return GO_ON;
}

static enum next scheme_set(struct client_settings *s, const char *value)
{
    if (strcmp(value, "auto") == 0)
        s->scheme = CLIENT_AUTO;
    else if (strcmp(value, "ntlm") == 0)
        s->scheme = CLIENT_NTLM;
    else if (strcmp(value, "kerberos") == 0)
        s->scheme = CLIENT_KERBEROS;
    else
        return wrong("scheme", value, "auto, ntlm or kerberos");
    return GO_ON;
}

static enum next timeout_set(struct client_settings *s, const char *value)
{
    uint32_t seconds;
    if (!str_to_u32(str_from_c(value), &seconds) || seconds == 0 || seconds > 600)
        return wrong("timeout", value, "1 to 600 seconds");
    s->timeout_ms = seconds * 1000;
    return GO_ON;
}

static enum next option_take(struct signin *o, int option)
{
    struct client_settings *s = &o->settings;

    switch (option) {
    case OPT_HELP:
        return HELP;
    case OPT_SERVER:
        s->server = optarg;
        return GO_ON;
    case OPT_TRANSPORT:
        return transport_set(s, optarg);
    case OPT_LOGIN:
        s->login = optarg;
        return GO_ON;
    case OPT_PASSWORD_STDIN:
        o->password_stdin = true;
        return GO_ON;
    case OPT_PROFILE:
        o->profile = optarg;
        return strcmp(optarg, "list") == 0 ? LIST : GO_ON;
    case OPT_SCHEME:
        return scheme_set(s, optarg);
    case OPT_CA:
        s->ca_file = optarg;
        return GO_ON;
    case OPT_NO_VERIFY:
        s->no_verify = true;
        return GO_ON;
    case OPT_TIMEOUT:
        return timeout_set(s, optarg);
    case OPT_JSON:
        o->json = true;
        return GO_ON;
    default:
        return WRONG;
    }
}

/* `ada@example.com` will do for sip:ada@example.com. */
static enum next uri_set(struct signin *o, const char *text)
{
    struct sip_uri uri;
    bool has_scheme = str_starts_nocase(str_from_c(text), STR("sip:"));
    int len = snprintf(o->uri, sizeof(o->uri), "%s%s", has_scheme ? "" : "sip:", text);

    if (len >= (int)sizeof(o->uri) || sip_uri_parse(str_from_c(o->uri), &uri) != FAULT_NONE ||
        uri.user.len == 0) {
        cmd_usage("%s: not a SIP address: it should look like sip:ada@example.com", text);
        return WRONG;
    }
    o->settings.uri = o->uri;
    return GO_ON;
}

static enum next settings_check(struct signin *o)
{
    struct client_place place;

    o->settings.profile = client_profile_find(str_from_c(o->profile));
    if (!o->settings.profile)
        return wrong("profile", o->profile, "a name that '--profile list' shows");
    if (o->settings.server &&
        !client_place_parse(o->settings.server, o->settings.transport, &place))
        return wrong("server", o->settings.server, "HOST or HOST:PORT");
    if (o->settings.ca_file && access(o->settings.ca_file, R_OK) != 0) {
        cmd_usage("--ca %s: cannot be read: give a PEM file", o->settings.ca_file);
        return WRONG;
    }
    return GO_ON;
}

static enum next arguments_read(struct signin *o, int argc, char **argv)
{
    enum next next = GO_ON;

    optind = 0; /* glibc: start over */
    for (int option;
         next == GO_ON && (option = getopt_long(argc, argv, ":h", long_options, NULL)) != -1;)
        if ((next = option_take(o, option)) == WRONG && (option == '?' || option == ':'))
            cmd_wrong_option(argv, option);
    if (next != GO_ON)
        return next;
    if (argc - optind != 1) {
        cmd_usage("signin: one SIP address is needed: 'postern signin sip:ada@example.com'");
        return WRONG;
    }
    next = uri_set(o, argv[optind]);
    return next == GO_ON ? settings_check(o) : next;
}

static int profiles_list(bool json)
{
    const struct client_profile *p;
    for (unsigned i = 0; (p = client_profile_at(i)) != NULL; i++) {
        if (json) {
            json_t *o = json_pack("{s:s, s:s}", "profile", p->name, "what", p->what);
            json_dumpf(o, stdout, JSON_COMPACT);
            putchar('\n');
            json_decref(o);
        } else {
            printf("%-16s %s\n", p->name, p->what);
        }
    }
    return CMD_DONE;
}

/* --- the password --- */

/* One line, without echo and without signals, so that the terminal is never left silent. */
static bool prompt(char *out, size_t size)
{
    struct termios before, silent;
    FILE *tty = fopen("/dev/tty", "r+e");
    bool got = false;

    if (tty && tcgetattr(fileno(tty), &before) == 0) {
        silent = before;
        silent.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
        tcsetattr(fileno(tty), TCSAFLUSH, &silent); /* first: it drops what was typed ahead */
        fputs("Password: ", tty);
        fflush(tty);
        got = fgets(out, (int)size, tty) && !strchr(out, CTRL_C);
        tcsetattr(fileno(tty), TCSAFLUSH, &before);
        fputc('\n', tty);
    }
    if (tty)
        fclose(tty);
    return got;
}

/* NULL: none was given, or it is too long. */
static const char *password_read(struct signin *o, bool from_stdin)
{
    bool got = from_stdin ? fgets(o->password, sizeof(o->password), stdin) != NULL
                          : prompt(o->password, sizeof(o->password));
    size_t len = got ? strcspn(o->password, "\r\n") : 0;
    if (!got || (len + 1 == sizeof(o->password) && o->password[len] == '\0'))
        return NULL;
    o->password[len] = '\0';
    return o->password;
}

/* In the middle of a sign-in, when there is no ticket after all. */
static const char *password_ask(void *arg)
{
    return password_read(arg, false);
}

/* A ticket may do without a password; a name like DOMAIN\user is one for NTLM, which cannot. */
static bool may_use_ticket(const struct signin *o)
{
    const struct client_settings *s = &o->settings;
    return !o->password_stdin &&
           (s->scheme == CLIENT_KERBEROS ||
            (s->scheme == CLIENT_AUTO && (!s->login || !strchr(s->login, '\\'))));
}

static bool password_prepare(struct signin *o)
{
    if (may_use_ticket(o)) {
        o->settings.password_ask = password_ask;
        o->settings.password_arg = o;
        return true;
    }
    o->settings.password = password_read(o, o->password_stdin);
    return o->settings.password != NULL;
}

/* --- what is shown --- */

static json_t *text_or_null(const char *text)
{
    return text[0] ? json_string(text) : json_null();
}

static void json_line(json_t *o)
{
    json_dumpf(o, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
    putchar('\n');
    fflush(stdout);
    json_decref(o);
}

static void leg_json(const struct client_leg *leg)
{
    char flags[16] = "";

    if (leg->flags)
        snprintf(flags, sizeof(flags), "0x%08x", leg->flags);
    json_t *o = json_pack("{s:s, s:b, s:o, s:o}", "leg", leg->leg, "ok", leg->ok, "status",
                          leg->status ? json_integer(leg->status) : json_null(), "reason",
                          text_or_null(leg->reason));
    json_object_set_new(o, "ms_diagnostics", text_or_null(leg->ms_diagnostics));
    json_object_set_new(o, "scheme", text_or_null(leg->scheme));
    json_object_set_new(o, "offered", text_or_null(leg->offered));
    json_object_set_new(o, "rspauth_ok",
                        leg->rspauth_ok < 0 ? json_null() : json_boolean(leg->rspauth_ok));
    json_object_set_new(o, "flags", text_or_null(flags));
    json_object_set_new(o, "fault", leg->ok ? json_null() : json_string(fault_name(leg->fault)));
    json_object_set_new(o, "ms", json_real(leg->ms));
    json_line(o);
}

static const char *key_length(uint32_t flags)
{
    if (flags & NTLM_NEGOTIATE_128)
        return "128-bit keys";
    return flags & NTLM_NEGOTIATE_56 ? "56-bit keys" : "40-bit keys";
}

static void leg_sentence(const struct client_leg *leg)
{
    if (leg->status == 0)
        printf("%s", leg->reason);
    else
        printf("%u %s", leg->status, leg->reason);
    if (leg->offered[0])
        printf(": the server offers %s", leg->offered);
    if (leg->ok && strcmp(leg->leg, "ticket") == 0)
        printf("there is a ticket for the server");
    if (leg->ok && strcmp(leg->leg, "negotiate") == 0)
        printf(": NTLM agreed, flags 0x%08x: %s, %s NTLMv2 session security", leg->flags,
               key_length(leg->flags),
               leg->flags & NTLM_EXTENDED_SESSIONSECURITY ? "with" : "without");
    if (leg->rspauth_ok == 1)
        printf(", and the server proved that it knows the keys");
    if (leg->rspauth_ok == 0)
        printf(", but its signature is wrong");
}

struct mark {
    const char *word, *colour;
};

static struct mark mark_of(const struct client_leg *leg)
{
    if (leg->ok)
        return (struct mark){ "ok", "\033[32m" };
    return leg->goes_on ? (struct mark){ "no", "\033[33m" } : (struct mark){ "FAILED", "\033[31m" };
}

static void leg_text(const struct client_leg *leg)
{
    bool colour = isatty(STDOUT_FILENO);
    struct mark mark = mark_of(leg);

    printf("  %s%-6s%s %-13s", colour ? mark.colour : "", mark.word, colour ? "\033[0m" : "",
           leg->leg);
    leg_sentence(leg);
    if (leg->goes_on)
        printf("; %s gives way to the next scheme", leg->scheme);
    printf(" (%.0f ms)\n", leg->ms);
    if (leg->ms_diagnostics[0])
        printf("%22s%s\n", "", leg->ms_diagnostics);
    fflush(stdout);
}

/* What is remembered of the legs, for the last words. */
struct shown {
    bool json;
    struct client_leg last;
};

static void leg_show(void *arg, const struct client_leg *leg)
{
    struct shown *shown = arg;
    shown->last = *leg;
    if (shown->json)
        leg_json(leg);
    else
        leg_text(leg);
}

/* 401 to the last request: the client cannot know more, but it can say what to try. */
static void undecided_text(const struct signin *o, const struct client_leg *leg)
{
    if (strcmp(leg->scheme, "Kerberos") == 0) {
        printf(
            "The server says the same for a ticket that its keytab does not open, another realm\n"
            "and an account that may not sign in; only its own trace tells them apart.\n");
        return;
    }
    printf("The server says the same for an unknown account, a wrong password, a locked account\n"
           "and an unmet security policy; only its own trace tells them apart.\n");
    if (!(leg->flags & NTLM_NEGOTIATE_128))
        printf(
            "This client agreed to no 128-bit encryption (flags 0x%08x), which a server with the\n"
            "defaults of Windows Server 2008 R2 demands: if '--profile windows-7' signs in with "
            "the\nsame password, that is the cause.\n",
            leg->flags);
    else if (leg->flags != 0 && o->settings.profile->lm_compatibility >= 3)
        printf(
            "This client agreed to all that servers usually demand: look at the account and the\n"
            "password first.\n");
}

static void result_show(const struct signin *o, const struct client_result *r,
                        const struct shown *shown)
{
    if (o->json) {
        json_line(json_pack("{s:b, s:o, s:o, s:b, s:o}", "signed_in", r->signed_in, "cause",
                            r->signed_in ? json_null() : json_string(fault_name(r->cause)),
                            "status", r->status ? json_integer(r->status) : json_null(), "reached",
                            r->reached, "scheme", text_or_null(r->scheme)));
        return;
    }
    if (r->signed_in) {
        printf("\nSigned in as %s with %s.\n", o->uri, r->scheme);
        return;
    }
    const struct fault_row *row = fault_row(r->cause);
    printf("\nNot signed in: %s (%s).\n", row->text, row->name);
    if (r->cause == FAULT_SIP_REFUSED && shown->last.status == 401)
        undecided_text(o, &shown->last);
    else if (strcmp(row->advice, "nothing to do") != 0)
        printf("What to do: %s.\n", row->advice);
}

static int run(const struct signin *o)
{
    struct shown shown = { .json = o->json };
    struct client_leg leg;

    if (!o->json)
        printf("%s as %s: %s\n\n", o->uri, o->settings.profile->name, o->settings.profile->what);
    struct client *c = client_new(&o->settings);
    struct client_result r = client_sign_in(c, leg_show, &shown);
    if (r.signed_in) {
        client_leave(c, &leg);
        leg_show(&shown, &leg);
    }
    client_free(c);
    result_show(o, &r, &shown);
    if (r.signed_in)
        return CMD_DONE;
    return r.reached ? CMD_NO : CMD_UNREACHABLE;
}

int cmd_signin(int argc, char **argv)
{
    struct signin o = { .profile = "windows-7" };
    int code = CMD_USAGE;

    switch (arguments_read(&o, argc, argv)) {
    case HELP:
        fputs(signin_help, stdout);
        return CMD_DONE;
    case LIST:
        return profiles_list(o.json);
    case WRONG:
        return CMD_USAGE;
    case GO_ON:
        break;
    }
    if (password_prepare(&o))
        code = run(&o);
    else
        cmd_usage("no password: type one when asked, or give it with --password-stdin");
    secret_wipe(o.password, sizeof(o.password));
    return code;
}
