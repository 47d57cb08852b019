/* SPDX-License-Identifier: MIT */
/* The accounts of the embedded directory, opened directly: for root and the owner of the state
 * directory. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "base/secret.h"
#include "base/utf16.h"
#include "cmd/cmd.h"
#include "cmd/owner.h"
#include "ntlm/crypt.h"
#include "users/import.h"
#include "users/name.h"
#include "users/store.h"

static const char user_help[] =
    "usage: postern user add NAME --uri sip:ADDRESS [OPTION...]\n"
    "       postern user set NAME OPTION...\n"
    "       postern user show NAME\n"
    "       postern user list\n"
    "       postern user remove NAME...\n"
    "       postern user import FILE\n\n"
    "The accounts of the embedded directory ([directory] source = sqlite).  Passwords are typed,\n"
    "or read from stdin; they are stored as NT hashes, encrypted.\n\n"
    "  --uri sip:ADDRESS         the SIP address\n"
    "  --display NAME            the name shown to others\n"
    "  --upn NAME                user principal name: another name to sign in with\n"
    "  --remote-access, --no-remote-access   may sign in from outside (default: no)\n"
    "  --sip-enabled, --no-sip   may use SIP at all (default: yes)\n"
    "  --enabled, --disabled     the account itself\n"
    "  --must-change, --no-must-change       the password must be changed first\n"
    "  --expires DATE|never      last day of the account: 2027-06-30\n"
    "  --unlock                  end a lockout (set)\n"
    "  --password-stdin          the password is the first line of stdin\n"
    "  -c, --config FILE         the configuration (default " CMD_DEFAULT_CONF ")\n"
    "      --json                show and list: one JSON object per user\n\n"
    "import reads CSV whose first line names the columns: name, uri, display, upn,\n"
    "remote_access (yes or no), password.  All lines are taken, or none.\n\n"
    "Exit code: 0 done; 1 no such account, or it exists already; 2 wrong usage or input.\n";

enum {
    OPT_URI = 256,
    OPT_DISPLAY,
    OPT_UPN,
    OPT_EXPIRES,
    OPT_UNLOCK,
    OPT_PASSWORD_STDIN,
    OPT_JSON,
    OPT_FLAG = 512, /* + flag: set; + flag + OPT_CLEAR: cleared */
    OPT_CLEAR = 1024,
};

static const struct option options[] = {
    { "uri", required_argument, NULL, OPT_URI },
    { "display", required_argument, NULL, OPT_DISPLAY },
    { "upn", required_argument, NULL, OPT_UPN },
    { "expires", required_argument, NULL, OPT_EXPIRES },
    { "unlock", no_argument, NULL, OPT_UNLOCK },
    { "password-stdin", no_argument, NULL, OPT_PASSWORD_STDIN },
    { "remote-access", no_argument, NULL, OPT_FLAG + USER_REMOTE_ACCESS },
    { "no-remote-access", no_argument, NULL, OPT_FLAG + USER_REMOTE_ACCESS + OPT_CLEAR },
    { "sip-enabled", no_argument, NULL, OPT_FLAG + USER_SIP_ENABLED },
    { "no-sip", no_argument, NULL, OPT_FLAG + USER_SIP_ENABLED + OPT_CLEAR },
    { "disabled", no_argument, NULL, OPT_FLAG + USER_DISABLED },
    { "enabled", no_argument, NULL, OPT_FLAG + USER_DISABLED + OPT_CLEAR },
    { "must-change", no_argument, NULL, OPT_FLAG + USER_MUST_CHANGE },
    { "no-must-change", no_argument, NULL, OPT_FLAG + USER_MUST_CHANGE + OPT_CLEAR },
    { "config", required_argument, NULL, 'c' },
    { "json", no_argument, NULL, OPT_JSON },
    { "help", no_argument, NULL, 'h' },
    { 0 },
};

/* What the command line asks for. */
struct wish {
    const char *conf_path;
    const char *uri, *display, *upn, *expires; /* NULL: not named */
    unsigned set, clear;                       /* enum user_flag */
    bool unlock, password_stdin, json, help;
    char **names;
    int name_count;
};

struct session {
    const struct wish *wish;
    struct conf *conf;
    struct store *store;
};

static int fail(int code, const char *fmt, ...) PRINTF_LIKE(2, 3);

static int fail(int code, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    fputs("postern: ", stderr);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
    return code;
}

static int store_failed(const struct session *s)
{
    return fail(CMD_USAGE, "the user database fails (%s): see that the disk is not full",
                s->store->error);
}

/* The name as stored; DOMAIN\name is taken too when it is our domain. */
static struct str own_name(const struct session *s, const char *name)
{
    struct str all = str_from_c(name), domain = all;
    size_t slash = str_find_char(all, '\\');

    if (slash == SIZE_MAX)
        return all;
    domain.len = slash;
    return user_name_same(domain, str_from_c(s->conf->netbios_domain)) ? str_skip(all, slash + 1)
                                                                       : all;
}

/* --- passwords --- */

struct secret_line {
    char text[1024];
    size_t len;
};

/* Without the end of line; false when there is none or it is too long. */
static bool read_line(struct secret_line *line, FILE *from)
{
    setvbuf(from, NULL, _IONBF, 0); /* no copy left in a buffer */
    if (!fgets(line->text, sizeof(line->text), from))
        return false;
    line->len = strcspn(line->text, "\r\n");
    bool whole = line->text[line->len] != '\0' || feof(from);
    return whole && line->len > 0;
}

/* Signals are off as well, so that nobody is left with a terminal that shows nothing; Ctrl-C
 * arrives as a character and gives up. */
static bool ask_hidden(const char *prompt, struct secret_line *line)
{
    struct termios before, hidden;

    if (tcgetattr(STDIN_FILENO, &before) != 0)
        return false;
    hidden = before;
    hidden.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
    fputs(prompt, stderr);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    bool good = read_line(line, stdin);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    fputc('\n', stderr);
    return good && !memchr(line->text, '\x03', line->len);
}

static bool hash_of(struct str password, uint8_t out[16])
{
    struct buf wide = { 0 };

    buf_reserve(&wide, password.len * 2 + 4); /* so that it never moves and leaves a copy behind */
    bool good = password.len > 0 && utf16_from_utf8(password, &wide);
    if (good)
        ntlm_ntowfv1(buf_str(&wide), out);
    if (wide.ptr)
        secret_wipe(wide.ptr, wide.len);
    buf_fini(&wide);
    return good;
}

static int typed_password(struct secret_line *line)
{
    struct secret_line again;

    if (!isatty(STDIN_FILENO))
        return fail(CMD_USAGE, "there is no terminal to type a password on: use --password-stdin");
    bool good = ask_hidden("New password: ", line) && ask_hidden("Once more: ", &again);
    bool same = good && line->len == again.len && memcmp(line->text, again.text, line->len) == 0;
    secret_wipe(&again, sizeof(again));
    if (!good)
        return fail(CMD_USAGE, "no password was given: nothing was changed");
    return same ? CMD_DONE : fail(CMD_USAGE, "the two are not the same: nothing was changed");
}

static int new_password(const struct wish *w, uint8_t hash[16])
{
    struct secret_line line = { .len = 0 };
    int code = CMD_DONE;

    if (!w->password_stdin)
        code = typed_password(&line);
    else if (!read_line(&line, stdin))
        code = fail(CMD_USAGE, "stdin has no password: give one line of at most 1000 octets");
    if (code == CMD_DONE && !hash_of(str_of(line.text, line.len), hash))
        code = fail(CMD_USAGE, "the password is not UTF-8: nothing was changed");
    secret_wipe(&line, sizeof(line));
    return code;
}

/* --- dates: the last day of an account, here --- */

static bool expires_from_text(const char *text, int64_t *out)
{
    struct tm tm = { .tm_isdst = -1 };

    if (strcmp(text, "never") == 0) {
        *out = 0;
        return true;
    }
    const char *end = strptime(text, "%Y-%m-%d", &tm);
    if (!end || *end)
        return false;
    int day = tm.tm_mday;
    struct tm check = tm;
    time_t start = mktime(&check);
    if (start <= 0 || check.tm_mday != day)
        return false; /* the 31st of February */
    tm.tm_mday++;
    *out = mktime(&tm);
    return true;
}

static const char *day_text(int64_t expires, char out[16])
{
    time_t last = (time_t)expires - 1;
    struct tm tm;

    if (expires == 0)
        return NULL;
    localtime_r(&last, &tm);
    strftime(out, 16, "%Y-%m-%d", &tm);
    return out;
}

/* --- what a user looks like --- */

static json_t *text_json(const char *text)
{
    return text && text[0] ? json_string_nocheck(text) : json_null();
}

static json_t *user_json(const struct user *u)
{
    char day[16];
    bool locked = user_is_locked(u, time(NULL));
    json_t *o = json_pack("{s:o, s:o, s:o, s:o, s:o}", "name", text_json(u->name), "domain",
                          text_json(u->domain), "uri", text_json(u->uri), "display",
                          text_json(u->display), "upn", text_json(u->upn));

    json_object_set_new(o, "sip_enabled", json_boolean(u->flags & USER_SIP_ENABLED));
    json_object_set_new(o, "remote_access", json_boolean(u->flags & USER_REMOTE_ACCESS));
    json_object_set_new(o, "disabled", json_boolean(u->flags & USER_DISABLED));
    json_object_set_new(o, "locked", json_boolean(locked));
    json_object_set_new(o, "must_change", json_boolean(u->flags & USER_MUST_CHANGE));
    json_object_set_new(o, "expires", text_json(day_text(u->expires, day)));
    json_object_set_new(o, "wrong_passwords", json_integer(u->lockout.bad_count));
    return o;
}

static void print_json(const struct user *u)
{
    json_t *o = user_json(u);

    json_dumpf(o, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(o);
}

/* "disabled, locked" and so on; "in order" when nothing stands against a sign-in. */
static void states(const struct user *u, struct buf *out)
{
    char day[16];
    time_t now = time(NULL);

    if (u->flags & USER_DISABLED)
        buf_add_c(out, "disabled, ");
    if (user_is_locked(u, now))
        buf_add_c(out, "locked, ");
    if (u->expires && u->expires <= now)
        buf_printf(out, "expired after %s, ", day_text(u->expires, day));
    if (u->flags & USER_MUST_CHANGE)
        buf_add_c(out, "password must be changed, ");
    if (!(u->flags & USER_SIP_ENABLED))
        buf_add_c(out, "not enabled for SIP, ");
    if (out->len)
        out->len -= 2;
    else
        buf_add_c(out, "in order");
}

static void print_user(const struct user *u)
{
    struct buf state = { 0 };
    char day[16];

    states(u, &state);
    printf("account         %s\\%s\n", u->domain, u->name);
    printf("SIP address     %s\n", u->uri[0] ? u->uri : "-");
    printf("display name    %s\n", u->display[0] ? u->display : "-");
    printf("UPN             %s\n", u->upn[0] ? u->upn : "-");
    printf("state           %.*s\n", STR_ARG(buf_str(&state)));
    printf("remote access   %s\n", u->flags & USER_REMOTE_ACCESS ? "yes" : "no");
    printf("expires         %s\n", u->expires ? day_text(u->expires, day) : "never");
    if (u->lockout.bad_count)
        printf("wrong passwords %u\n", u->lockout.bad_count);
    buf_fini(&state);
}

static bool list_one(void *arg, const struct user *u)
{
    const struct session *s = arg;
    struct buf state = { 0 };

    if (s->wish->json) {
        print_json(u);
        return true;
    }
    states(u, &state);
    printf("%-20s %-36s %-6s  %.*s\n", u->name, u->uri[0] ? u->uri : "-",
           u->flags & USER_REMOTE_ACCESS ? "remote" : "", STR_ARG(buf_str(&state)));
    buf_fini(&state);
    return true;
}

/* --- the commands --- */

/* Lays the wish over `u`; says what is not right. */
static int apply(const struct session *s, struct user *u)
{
    const struct wish *w = s->wish;
    const char *problem = NULL;

    if (w->uri && w->uri[0])
        problem = user_uri_problem(str_from_c(w->uri), (const char *const *)s->conf->domains,
                                   s->conf->domain_count);
    if (problem)
        return fail(CMD_USAGE, "--uri %s: %s", w->uri, problem);
    if (w->expires && !expires_from_text(w->expires, &u->expires))
        return fail(CMD_USAGE, "--expires %s: give a day like 2027-06-30, or never", w->expires);
    if ((w->uri && !user_field_set(u->uri, sizeof(u->uri), str_from_c(w->uri))) ||
        (w->upn && !user_field_set(u->upn, sizeof(u->upn), str_from_c(w->upn))) ||
        (w->display && !user_field_set(u->display, sizeof(u->display), str_from_c(w->display))))
        return fail(CMD_USAGE, "a name is too long: at most 256 octets, addresses and UPN 320");
    u->flags = (u->flags & ~w->clear) | w->set;
    if ((u->flags & USER_SIP_ENABLED) && !u->uri[0])
        return fail(CMD_USAGE, "%s has no SIP address: give --uri sip:%s@%s, or --no-sip", u->name,
                    u->name, s->conf->domain);
    return CMD_DONE;
}

static int stored(const struct session *s, enum store_status status, const char *name)
{
    if (status == STORE_OK)
        return CMD_DONE;
    if (status == STORE_NONE)
        return fail(CMD_NO, "there is no account %s: 'postern user list' shows who exists", name);
    if (status == STORE_EXISTS && strcmp(s->store->error, "name") == 0)
        return fail(CMD_NO, "the account %s exists already: change it with 'postern user set'",
                    name);
    if (status == STORE_EXISTS)
        return fail(CMD_NO,
                    "%s: this %s belongs to another account: 'postern user list' shows whose", name,
                    s->store->error);
    return store_failed(s);
}

static int do_add(const struct session *s)
{
    struct user u = { .flags = USER_SIP_ENABLED };
    struct str name = own_name(s, s->wish->names[0]);
    const char *problem = user_name_problem(name);
    uint8_t hash[16];

    if (problem || !user_field_set(u.name, sizeof(u.name), name))
        return fail(CMD_USAGE, "NAME: %s", problem ? problem : "too long");
    int code = apply(s, &u);
    if (code == CMD_DONE)
        code = new_password(s->wish, hash);
    if (code == CMD_DONE)
        code = stored(s, s->store->ops->add(s->store, &u, hash), u.name);
    secret_wipe(hash, sizeof(hash));
    return code;
}

static int find(const struct session *s, const char *name, struct user *u)
{
    uint8_t hash[16];
    enum store_status status = s->store->ops->find(s->store, STR_NONE, own_name(s, name), u, hash);

    secret_wipe(hash, sizeof(hash));
    return stored(s, status, name);
}

static int change(const struct session *s, struct user *u, const uint8_t *hash)
{
    const struct store_ops *ops = s->store->ops;
    struct str name = str_from_c(u->name);
    enum store_status status = ops->begin(s->store);

    if (status != STORE_OK)
        return store_failed(s);
    status = ops->update(s->store, u);
    if (status == STORE_OK && hash)
        status = ops->set_password(s->store, name, hash);
    if (status == STORE_OK && s->wish->unlock)
        status = ops->unlock(s->store, name);
    int code = stored(s, status, u->name);
    if (ops->end(s->store, code == CMD_DONE) != STORE_OK && code == CMD_DONE)
        code = store_failed(s);
    return code;
}

static int do_set(const struct session *s)
{
    const struct wish *w = s->wish;
    struct user u;
    uint8_t hash[16];
    int code = find(s, w->names[0], &u);

    if (code == CMD_DONE)
        code = apply(s, &u);
    if (w->unlock)
        u.flags &= ~(unsigned)USER_LOCKED;
    /* a new password is the change that was asked for */
    if (w->password_stdin && !(w->set & USER_MUST_CHANGE))
        u.flags &= ~(unsigned)USER_MUST_CHANGE;
    if (code == CMD_DONE && w->password_stdin)
        code = new_password(w, hash);
    if (code == CMD_DONE)
        code = change(s, &u, w->password_stdin ? hash : NULL);
    secret_wipe(hash, sizeof(hash));
    return code;
}

static int do_show(const struct session *s)
{
    struct user u;
    int code = find(s, s->wish->names[0], &u);

    if (code == CMD_DONE && s->wish->json)
        print_json(&u);
    else if (code == CMD_DONE)
        print_user(&u);
    return code;
}

static int do_list(const struct session *s)
{
    enum store_status status = s->store->ops->list(s->store, list_one, (void *)s);

    return status == STORE_OK ? CMD_DONE : store_failed(s);
}

static int do_remove(const struct session *s)
{
    int worst = CMD_DONE;

    for (int i = 0; i < s->wish->name_count; i++) {
        const char *name = s->wish->names[i];
        int code = stored(s, s->store->ops->remove(s->store, own_name(s, name)), name);

        worst = code > worst ? code : worst;
    }
    return worst;
}

/* --- import --- */

/* user_import's `take` and `complain`; the argument is the session. */
static const char *import_one(void *arg, const struct user *u, struct str password)
{
    struct store *store = ((const struct session *)arg)->store;
    uint8_t hash[16];

    if (!hash_of(password, hash))
        return "the password must be UTF-8";
    enum store_status status = store->ops->add(store, u, hash);
    secret_wipe(hash, sizeof(hash));
    if (status != STORE_EXISTS)
        return status == STORE_OK ? NULL : store->error;
    if (strcmp(store->error, "uri") == 0)
        return "another account has this SIP address: every account needs its own";
    return strcmp(store->error, "upn") == 0
               ? "another account has this UPN: every account needs its own"
               : "the account exists already: change it with 'postern user set'";
}

static void import_complain(void *arg, unsigned line, const char *what, const char *right)
{
    const struct session *s = arg;

    fprintf(stderr, "%s:%u: %s: %s\n", s->wish->names[0], line, what, right);
}

static bool read_file(const char *path, struct buf *out)
{
    enum { FILE_MAX = 256 << 20 };
    FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    char piece[65536];
    size_t n;

    if (!f)
        return false;
    while (out->len < FILE_MAX && (n = fread(piece, 1, sizeof(piece), f)) > 0)
        buf_add(out, str_of(piece, n));
    bool good = !ferror(f) && feof(f);
    secret_wipe(piece, sizeof(piece));
    if (f != stdin)
        fclose(f);
    return good;
}

static int import_text(const struct session *s, struct str text)
{
    const struct store_ops *ops = s->store->ops;
    const struct user_import how = { .domains = (const char *const *)s->conf->domains,
                                     .domain_count = s->conf->domain_count,
                                     .take = import_one,
                                     .complain = import_complain,
                                     .arg = (void *)s };

    if (ops->begin(s->store) != STORE_OK)
        return store_failed(s);
    struct user_import_counts counts = user_import(&how, text);
    if (ops->end(s->store, counts.problems == 0) != STORE_OK)
        return store_failed(s);
    if (counts.problems)
        return fail(CMD_USAGE, "nothing was imported: mend what these lines say");
    if (!s->wish->json)
        printf("%u account%s imported\n", counts.taken, counts.taken == 1 ? "" : "s");
    return CMD_DONE;
}

static int do_import(const struct session *s)
{
    const char *file = s->wish->names[0];
    struct buf text = { 0 };
    int code;

    errno = 0;
    if (read_file(file, &text))
        code = import_text(s, buf_str(&text));
    else
        code = fail(CMD_USAGE, "%s cannot be read: %s", file,
                    errno ? strerror(errno) : "it is too large");
    if (text.ptr)
        secret_wipe(text.ptr, text.len);
    buf_fini(&text);
    return code;
}

/* --- the command line --- */

static int parse(int argc, char **argv, struct wish *w)
{
    for (int o; (o = getopt_long(argc, argv, ":c:h", options, NULL)) != -1;) {
        switch (o) {
        case 'c':
            w->conf_path = optarg;
            break;
        case 'h':
            w->help = true;
            return CMD_DONE;
        case OPT_URI:
            w->uri = optarg;
            break;
        case OPT_DISPLAY:
            w->display = optarg;
            break;
        case OPT_UPN:
            w->upn = optarg;
            break;
        case OPT_EXPIRES:
            w->expires = optarg;
            break;
        case OPT_UNLOCK:
            w->unlock = true;
            break;
        case OPT_PASSWORD_STDIN:
            w->password_stdin = true;
            break;
        case OPT_JSON:
            w->json = true;
            break;
        default:
            if (o < OPT_FLAG)
                return cmd_wrong_option(argv, o);
            if (o & OPT_CLEAR)
                w->clear |= (unsigned)(o & ~(OPT_FLAG | OPT_CLEAR));
            else
                w->set |= (unsigned)(o & ~OPT_FLAG);
        }
    }
    w->names = argv + optind;
    w->name_count = argc - optind;
    if (w->set & w->clear)
        return cmd_usage("two options say opposite things: keep one of them");
    return CMD_DONE;
}

static bool wants_change(const struct wish *w)
{
    return w->uri || w->display || w->upn || w->expires || w->set || w->clear || w->unlock ||
           w->password_stdin;
}

static const struct command {
    const char *name;
    int (*run)(const struct session *s);
    int names_min, names_max;
    bool changes; /* takes the options that describe an account */
} commands[] = {
    { "add", do_add, 1, 1, true },           { "set", do_set, 1, 1, true },
    { "show", do_show, 1, 1, false },        { "list", do_list, 0, 0, false },
    { "remove", do_remove, 1, 1000, false }, { "import", do_import, 1, 1, false },
};

static int check(const struct command *c, const struct wish *w)
{
    if (w->name_count < c->names_min)
        return cmd_usage("user %s wants a %s: see 'postern user --help'", c->name,
                         c->run == do_import ? "file" : "name");
    if (w->name_count > c->names_max)
        return cmd_usage("user %s does not know what to do with '%s': see 'postern user --help'",
                         c->name, w->names[c->names_max]);
    if (!c->changes && wants_change(w))
        return cmd_usage("user %s changes nothing: leave the options out, or use 'user set'",
                         c->name);
    if (c->run == do_set && !wants_change(w))
        return cmd_usage("user set wants to know what to change: see 'postern user --help'");
    return CMD_DONE;
}

static int run(const struct command *c, const struct wish *w)
{
    struct session s = { .wish = w, .conf = cmd_conf(w->conf_path) };
    struct buf why = { 0 };

    if (!s.conf)
        return CMD_USAGE;
    if (owner_prepare_state(s.conf, &why))
        s.store =
            store_sqlite_open(s.conf->database, s.conf->key_path, s.conf->netbios_domain, &why);
    int code = s.store ? c->run(&s) : fail(CMD_USAGE, "%.*s", STR_ARG(buf_str(&why)));
    if (s.store)
        s.store->ops->free(s.store);
    buf_fini(&why);
    conf_free(s.conf);
    return code;
}

int cmd_user(int argc, char **argv)
{
    struct wish w = { .conf_path = CMD_DEFAULT_CONF, .names = argv };
    int code = parse(argc, argv, &w);

    if (code != CMD_DONE)
        return code;
    if (w.help) {
        fputs(user_help, stdout);
        return CMD_DONE;
    }
    const char *name = w.name_count > 0 ? w.names[0] : "";
    w.names++;
    w.name_count--;
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (strcmp(name, commands[i].name) != 0)
            continue;
        code = check(&commands[i], &w);
        return code == CMD_DONE ? run(&commands[i], &w) : code;
    }
    return cmd_usage(
        "user wants add, set, show, list, remove or import: see 'postern user --help'");
}
