/* SPDX-License-Identifier: MIT */
/* The accounts of the embedded directory, opened directly: for root and the owner of the state
 * directory. */
#include <getopt.h>
#include <stdio.h>
#include <time.h>

#include "base/secret.h"
#include "cmd/cmd.h"
#include "cmd/owner.h"
#include "cmd/password.h"
#include "cmd/user_import.h"
#include "cmd/user_show.h"
#include "users/name.h"
#include "users/store.h"

static const char user_help[] =
    "usage: postern user add NAME --uri sip:ADDRESS [OPTION...]\n"
    "       postern user set NAME OPTION...\n"
    "       postern user show NAME\n"
    "       postern user list\n"
    "       postern user remove NAME...\n"
    "       postern user import FILE | ldap://HOST | ldaps://HOST\n\n"
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
    "      --json                show and list: one JSON object per user; import: a summary\n\n"
    "import reads CSV whose first line names the columns: name, uri, display, upn,\n"
    "remote_access (yes or no), password; or LDIF, as Active Directory and OpenLDAP export it; or\n"
    "asks a domain controller, with the [directory] ad_... settings.  All are taken, or none.\n\n"
    "  --dry-run                 say what would be imported, and change nothing\n"
    "  --partial                 import the others when some cannot be taken\n"
    "  --format csv|ldif         do not look at the file to find out\n"
    "  --address-attribute NAME  the attribute with the SIP address, such as mail\n\n"
    "Exit code: 0 done; 1 no such account, or it exists already (import --partial: some could\n"
    "not be taken); 2 wrong usage or input; 3 the domain controller could not be reached.\n";

enum {
    OPT_URI = 256,
    OPT_DISPLAY,
    OPT_UPN,
    OPT_EXPIRES,
    OPT_UNLOCK,
    OPT_PASSWORD_STDIN,
    OPT_JSON,
    OPT_DRY_RUN,
    OPT_PARTIAL,
    OPT_FORMAT,
    OPT_ADDRESS_ATTRIBUTE,
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
    { "dry-run", no_argument, NULL, OPT_DRY_RUN },
    { "partial", no_argument, NULL, OPT_PARTIAL },
    { "format", required_argument, NULL, OPT_FORMAT },
    { "address-attribute", required_argument, NULL, OPT_ADDRESS_ATTRIBUTE },
    { "help", no_argument, NULL, 'h' },
    { 0 },
};

/* What the command line asks for. */
struct wish {
    const char *conf_path;
    const char *uri, *display, *upn, *expires; /* NULL: not named */
    unsigned set, clear;                       /* enum user_flag */
    bool unlock, password_stdin, json, help;
    struct user_import_options import;
    char **names;
    int name_count;
};

struct session {
    const struct wish *wish;
    struct conf *conf;
    struct store *store;
};

static int store_failed(const struct session *s)
{
    return cmd_fail(CMD_USAGE, "the user database fails (%s): see that the disk is not full",
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

/* --- the commands --- */

static bool list_one(void *arg, const struct user *u)
{
    const struct session *s = arg;
    if (s->wish->json)
        user_print_json(u);
    else
        user_print_line(u);
    return true;
}

/* Lays the wish over `u`; says what is not right. */
static int apply(const struct session *s, struct user *u)
{
    const struct wish *w = s->wish;
    const char *problem = NULL;

    if (w->uri && w->uri[0])
        problem = user_uri_problem(str_from_c(w->uri), (const char *const *)s->conf->domains,
                                   s->conf->domain_count);
    if (problem)
        return cmd_fail(CMD_USAGE, "--uri %s: %s", w->uri, problem);
    if (w->expires && !expires_from_text(w->expires, &u->expires))
        return cmd_fail(CMD_USAGE, "--expires %s: give a day like 2027-06-30, or never",
                        w->expires);
    if ((w->uri && !user_field_set(u->uri, sizeof(u->uri), str_from_c(w->uri))) ||
        (w->upn && !user_field_set(u->upn, sizeof(u->upn), str_from_c(w->upn))) ||
        (w->display && !user_field_set(u->display, sizeof(u->display), str_from_c(w->display))))
        return cmd_fail(CMD_USAGE, "a name is too long: at most 256 octets, addresses and UPN 320");
    u->flags = (u->flags & ~w->clear) | w->set;
    if ((u->flags & USER_SIP_ENABLED) && !u->uri[0])
        return cmd_fail(CMD_USAGE, "%s has no SIP address: give --uri sip:%s@%s, or --no-sip",
                        u->name, u->name, s->conf->domain);
    return CMD_DONE;
}

static int stored(const struct session *s, enum store_status status, const char *name)
{
    if (status == STORE_OK)
        return CMD_DONE;
    if (status == STORE_NONE)
        return cmd_fail(CMD_NO, "there is no account %s: 'postern user list' shows who exists",
                        name);
    if (status == STORE_EXISTS && strcmp(s->store->error, "name") == 0)
        return cmd_fail(CMD_NO, "the account %s exists already: change it with 'postern user set'",
                        name);
    if (status == STORE_EXISTS)
        return cmd_fail(CMD_NO,
                        "%s: this %s belongs to another account: 'postern user list' shows whose",
                        name, s->store->error);
    return store_failed(s);
}

static int do_add(const struct session *s)
{
    struct user u = { .flags = USER_SIP_ENABLED };
    struct str name = own_name(s, s->wish->names[0]);
    const char *problem = user_name_problem(name);
    uint8_t hash[16];

    if (problem || !user_field_set(u.name, sizeof(u.name), name))
        return cmd_fail(CMD_USAGE, "NAME: %s", problem ? problem : "too long");
    int code = apply(s, &u);
    if (code == CMD_DONE)
        code = password_new(s->wish->password_stdin, hash);
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
        code = password_new(w->password_stdin, hash);
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
        user_print_json(&u);
    else if (code == CMD_DONE)
        user_print(&u);
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

static int do_import(const struct session *s)
{
    struct user_import_options o = s->wish->import;

    o.source = s->wish->names[0];
    o.json = s->wish->json;
    return user_import_run(s->conf, s->store, &o);
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
        case OPT_DRY_RUN:
            w->import.dry_run = true;
            break;
        case OPT_PARTIAL:
            w->import.partial = true;
            break;
        case OPT_FORMAT:
            w->import.format = optarg;
            break;
        case OPT_ADDRESS_ATTRIBUTE:
            w->import.address_attribute = optarg;
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

static bool wants_import(const struct wish *w)
{
    return w->import.dry_run || w->import.partial || w->import.format ||
           w->import.address_attribute;
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
    if (c->run != do_import && wants_import(w))
        return cmd_usage("user %s imports nothing: leave --dry-run, --partial, --format and "
                         "--address-attribute out",
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
    int code = s.store ? c->run(&s) : cmd_fail(CMD_USAGE, "%.*s", STR_ARG(buf_str(&why)));
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
