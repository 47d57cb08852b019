/* SPDX-License-Identifier: MIT */
#include "cmd/user_import.h"

#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "ad/import.h"
#include "base/secret.h"
#include "cmd/cmd.h"
#include "cmd/password.h"
#include "users/import.h"
#include "users/ldif.h"

enum { NAMES_SHOWN = 10, PROBLEMS_MAX = 50 };

struct import {
    const struct user_import_options *options;
    struct conf *conf;
    struct store *store;
    bool begun; /* a transaction: at the first account, so that nobody waits for a controller */
    json_t *without; /* names of accounts that got no password */
};

static int store_failed(const struct import *m)
{
    return cmd_fail(CMD_USAGE, "the user database fails (%s): see that the disk is not full",
                    m->store->error);
}

/* --- one account --- */

static bool hash_of(const struct user_password *password, uint8_t hash[16])
{
    if (password->kind == USER_PASSWORD_CLEAR)
        return password_hash(password->clear, hash);
    if (password->kind == USER_PASSWORD_NT_HASH)
        memcpy(hash, password->nt_hash, 16);
    else
        random_bytes(hash, 16); /* of no password that anybody knows */
    return true;
}

/* What stands against an account that cannot be added, and what would be right.  An account that
 * was imported before has its own address. */
static const char *add_problem(struct store *store, const struct user *u, enum store_status status)
{
    uint8_t hash[16];
    struct user same;
    const char *of_another =
        strcmp(store->error, "uri") == 0
            ? "another account has this SIP address: every account needs its own"
        : strcmp(store->error, "upn") == 0
            ? "another account has this UPN: every account needs its own"
            : NULL;

    if (status != STORE_EXISTS)
        return store->error;
    bool known = store->ops->find(store, STR_NONE, str_from_c(u->name), &same, hash) == STORE_OK;
    secret_wipe(hash, sizeof(hash));
    return of_another && !known ? of_another
                                : "the account exists already: change it with 'postern user set'";
}

/* user_import's `take` and `complain`. */
static const char *take(void *arg, const struct user *u, const struct user_password *password)
{
    struct import *m = arg;
    uint8_t hash[16];

    if (!m->begun && m->store->ops->begin(m->store) != STORE_OK)
        return m->store->error;
    m->begun = true;
    if (!hash_of(password, hash))
        return "the password must be UTF-8";
    enum store_status status = m->store->ops->add(m->store, u, hash);
    secret_wipe(hash, sizeof(hash));
    if (status != STORE_OK)
        return add_problem(m->store, u, status);
    if (password->kind == USER_PASSWORD_NONE)
        json_array_append_new(m->without, json_string_nocheck(u->name));
    return NULL;
}

static void complain(void *arg, unsigned line, struct str entry, const char *what,
                     const char *right)
{
    const struct import *m = arg;

    if (line > 0)
        fprintf(stderr, "%s:%u: %s: %s\n", m->options->source, line, what, right);
    else
        fprintf(stderr, "%.*s: %s: %s\n", STR_ARG(entry), what, right);
}

/* --- what came of it --- */

static const char *plural(unsigned n, const char *one, const char *many)
{
    return n == 1 ? one : many;
}

/* "; 3 entries left out: 2 are no users, 1 has no SIP address" */
static void print_skipped(const struct user_import_counts *n)
{
    unsigned all = n->no_users + n->no_address + n->not_enabled;
    const char *between = ": ";

    if (all == 0)
        return;
    printf("%u %s left out", all, plural(all, "entry", "entries"));
    if (n->no_users)
        printf("%s%u %s", between, n->no_users, plural(n->no_users, "is no user", "are no users"));
    between = n->no_users ? ", " : between;
    if (n->no_address)
        printf("%s%u %s no SIP address", between, n->no_address,
               plural(n->no_address, "has", "have"));
    between = n->no_address ? ", " : between;
    if (n->not_enabled)
        printf("%s%u %s not enabled for SIP", between, n->not_enabled,
               plural(n->not_enabled, "is", "are"));
    puts("");
}

static void warn_without_password(const struct import *m)
{
    unsigned count = (unsigned)json_array_size(m->without);
    struct buf names = { 0 };

    if (count == 0)
        return;
    for (unsigned i = 0; i < count && i < NAMES_SHOWN; i++)
        buf_printf(&names, "%s%s", i ? ", " : "", json_string_value(json_array_get(m->without, i)));
    if (count > NAMES_SHOWN)
        buf_printf(&names, " and %u more", count - NAMES_SHOWN);
    fprintf(stderr,
            "postern: %u %s no password that NTLM could use, only Kerberos lets them in (%.*s): "
            "'postern user set NAME --password-stdin' gives one\n",
            count, plural(count, "account has", "accounts have"), STR_ARG(buf_str(&names)));
    buf_fini(&names);
}

static void print_json(const struct import *m, const struct user_import_counts *n)
{
    json_t *o = json_pack("{s:i, s:b, s:i, s:{s:i, s:i, s:i}, s:O}", "imported", (int)n->taken,
                          "dry_run", m->options->dry_run, "problems", (int)n->problems, "left_out",
                          "no_users", (int)n->no_users, "no_address", (int)n->no_address,
                          "not_enabled", (int)n->not_enabled, "without_password", m->without);

    json_dumpf(o, stdout, JSON_COMPACT);
    puts("");
    json_decref(o);
}

static void warn_no_address(const struct import *m)
{
    fprintf(stderr,
            "postern: nobody has a SIP address in %s: --address-attribute names another "
            "attribute, such as mail\n",
            m->options->address_attribute ? m->options->address_attribute
                                          : m->conf->ad.address_attribute);
}

/* The exit code. */
static int print_summary(const struct import *m, const struct user_import_counts *n)
{
    if (m->options->json) {
        print_json(m, n);
    } else {
        printf("%u %s %s\n", n->taken, plural(n->taken, "account", "accounts"),
               m->options->dry_run ? "would be imported; nothing was changed" : "imported");
        print_skipped(n);
        warn_without_password(m);
    }
    if (n->taken == 0 && n->no_address)
        warn_no_address(m);
    return n->problems ? CMD_NO : CMD_DONE;
}

/* --- all or nothing --- */

/* What fills the counts; FAULT_NONE unless the source went away, then `why` says more. */
typedef enum fault (*reading)(const struct ad_import *i, struct str text,
                              struct user_import_counts *out, struct buf *why);

static enum fault read_csv(const struct ad_import *i, struct str text,
                           struct user_import_counts *out, struct buf *why)
{
    (void)why;
    *out = user_import_csv(i->how, text);
    return FAULT_NONE;
}

static enum fault read_ldif(const struct ad_import *i, struct str text,
                            struct user_import_counts *out, struct buf *why)
{
    (void)why;
    *out = ad_import_ldif(i, text);
    return FAULT_NONE;
}

static enum fault read_directory(const struct ad_import *i, struct str text,
                                 struct user_import_counts *out, struct buf *why)
{
    (void)text;
    return ad_import_directory(i, out, why);
}

static int unreachable(enum fault fault, const struct buf *why)
{
    const struct fault_row *row = fault_row(fault);

    cmd_fail(CMD_UNREACHABLE, "nothing was imported, as %s: %s", row->text, row->advice);
    fprintf(stderr, "%.*s\n", STR_ARG(str_trim(buf_str(why))));
    return CMD_UNREACHABLE;
}

static int import(struct import *m, reading read, struct str text)
{
    const struct store_ops *ops = m->store->ops;
    const struct user_import how = { .domains = (const char *const *)m->conf->domains,
                                     .domain_count = m->conf->domain_count,
                                     .take = take,
                                     .complain = complain,
                                     .arg = m,
                                     .problems_max =
                                         m->options->partial ? UINT_MAX : PROBLEMS_MAX };
    const struct ad_import i = { .conf = m->conf,
                                 .address_attribute = m->options->address_attribute,
                                 .how = &how };
    struct user_import_counts counts = { 0 };
    struct buf why = { 0 };
    int code = CMD_DONE;

    enum fault fault = read(&i, text, &counts, &why);
    bool good = fault == FAULT_NONE && (counts.problems == 0 || m->options->partial);
    if (m->begun && ops->end(m->store, good && !m->options->dry_run) != STORE_OK)
        code = store_failed(m);
    else if (fault != FAULT_NONE)
        code = unreachable(fault, &why);
    else if (!good)
        code = cmd_fail(CMD_USAGE, "nothing was imported: mend what these lines say, or leave "
                                   "these accounts out with --partial");
    else
        code = print_summary(m, &counts);
    buf_fini(&why);
    return code;
}

/* --- files --- */

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

static bool is_ldif(const struct import *m, struct str text)
{
    const char *format = m->options->format;

    return format ? strcmp(format, "ldif") == 0 : ldif_looks_like(text);
}

static int import_file(struct import *m)
{
    struct buf text = { 0 };
    int code;

    errno = 0;
    if (read_file(m->options->source, &text))
        code = import(m, is_ldif(m, buf_str(&text)) ? read_ldif : read_csv, buf_str(&text));
    else
        code = cmd_fail(CMD_USAGE, "%s cannot be read: %s", m->options->source,
                        errno ? strerror(errno) : "it is too large");
    if (text.ptr)
        secret_wipe(text.ptr, text.len);
    buf_fini(&text);
    return code;
}

/* --- a domain controller --- */

static bool is_uri(const char *source)
{
    struct str s = str_from_c(source);

    return str_starts_nocase(s, STR("ldap://")) || str_starts_nocase(s, STR("ldaps://"));
}

/* NULL, or what is wrong with the configuration, and what would be right. */
static const char *settings_problem(const struct conf_ad *a, const char *uri)
{
    bool simple = strcmp(a->bind, "simple") == 0;

    if (simple && (!a->user[0] || !a->password_file[0]))
        return "[directory] ad_bind = simple wants ad_user and ad_password_file";
    if (!simple && !a->keytab[0])
        return "[directory] ad_bind = gssapi wants ad_user and ad_keytab";
    if (!simple && str_starts_nocase(str_from_c(uri), STR("ldaps:")))
        return "[directory] ad_bind = gssapi goes with ldap://, as domain controllers take none "
               "inside TLS (it is signed and sealed)";
    return NULL;
}

static bool unescape(struct str in, struct buf *out)
{
    for (; in.len; in = str_skip(in, 1)) {
        uint64_t octet;
        if (in.ptr[0] != '%') {
            buf_add_char(out, in.ptr[0]);
            continue;
        }
        if (in.len < 3 || !str_hex_to_u64(str_of(in.ptr + 1, 2), &octet) || octet == 0)
            return false;
        buf_add_char(out, (char)octet);
        in = str_skip(in, 2);
    }
    return true;
}

/* ldap://HOST[:PORT][/BASE]: the only controller that is asked, and where (RFC 4516). */
static bool aim(struct conf_ad *a, const char *uri)
{
    struct str rest = str_from_c(uri);
    struct buf base = { 0 };
    size_t start = str_find(rest, STR("://")) + 3;
    size_t slash = str_find_char(str_skip(rest, start), '/');
    struct str server = slash == SIZE_MAX ? rest : str_first(rest, start + slash);
    struct str path = slash == SIZE_MAX ? STR_NONE : str_skip(rest, start + slash + 1);
    bool good = server.len > start && str_find_char(rest, '?') == SIZE_MAX && unescape(path, &base);

    if (good) {
        for (unsigned i = 0; i < a->server_count; i++)
            free(a->servers[i]);
        free(a->servers);
        a->servers = malloc(sizeof(*a->servers));
        if (!a->servers)
            abort();
        a->servers[0] = str_own(server);
        a->server_count = 1;
    }
    if (good && base.len) {
        free(a->base);
        a->base = str_own(buf_str(&base));
    }
    buf_fini(&base);
    return good;
}

static int import_uri(struct import *m)
{
    const char *uri = m->options->source, *problem = settings_problem(&m->conf->ad, uri);

    if (problem)
        return cmd_fail(CMD_USAGE, "%s cannot be asked: %s", uri, problem);
    if (!aim(&m->conf->ad, uri))
        return cmd_fail(CMD_USAGE,
                        "%s is no address of a domain controller: give one such as "
                        "ldap://dc1.ad.example.com, with '/' and a base if need be",
                        uri);
    return import(m, read_directory, STR_NONE);
}

int user_import_run(struct conf *c, struct store *store, const struct user_import_options *o)
{
    struct import m = { .options = o, .conf = c, .store = store, .without = json_array() };
    int code;

    if (o->format && strcmp(o->format, "csv") != 0 && strcmp(o->format, "ldif") != 0)
        code = cmd_usage("--format %s: the formats are csv and ldif", o->format);
    else
        code = is_uri(o->source) ? import_uri(&m) : import_file(&m);
    json_decref(m.without);
    return code;
}
