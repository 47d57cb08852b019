/* SPDX-License-Identifier: MIT */
#include "ad/import.h"

#include <stdlib.h>

#include "ad/reader.h"
#include "base/arena.h"
#include "base/compiler.h"
#include "base/encode.h"
#include "base/secret.h"
#include "ntlm/crypt.h"
#include "users/ldif.h"

enum { RECORD_MAX = 16 << 20, LISTS_MAX = AD_ATTRIBUTES_MAX + 16 };

static const char NAME[] = "sAMAccountName", DISPLAY[] = "displayName", PROXY[] = "proxyAddresses";

/* One import on its way. */
struct run {
    const struct ad_import *i;
    struct conf_ad conf; /* with the address attribute that was asked for */
    struct user_import_counts counts;
    unsigned line; /* of the entry; 0: of no file */
    bool enabled_only;
};

static void run_init(struct run *r, const struct ad_import *i)
{
    *r = (struct run){ .i = i, .conf = i->conf->ad };
    if (i->address_attribute)
        r->conf.address_attribute = (char *)i->address_attribute;
}

static void complain(struct run *r, struct str entry, const char *what, const char *right)
{
    const struct user_import *how = r->i->how;

    how->complain(how->arg, r->line, entry, what, right);
    r->counts.problems++;
}

/* --- passwords --- */

/* A password as a Windows domain is given one: in quotes, UTF-16 ([MS-ADTS] 3.1.1.3.1.5). */
static bool from_unicode_pwd(struct str value, uint8_t hash[16])
{
    static const char quote[2] = { '"', '\0' };
    struct str mark = str_of(quote, sizeof(quote));

    if (value.len <= 4 || value.len % 2 != 0 || !str_starts(value, mark) ||
        !str_eq(str_skip(value, value.len - 2), mark))
        return false;
    ntlm_ntowfv1(str_of(value.ptr + 2, value.len - 4), hash);
    return true;
}

/* Hashes of other kinds ("{SSHA}...") are of no use for NTLM. */
static bool from_user_password(struct str value, struct str *clear)
{
    static const struct str prefixes[] = { { "{CLEARTEXT}", 11 }, { "{CLEAR}", 7 } };

    *clear = value;
    for (unsigned i = 0; i < ARRAY_LEN(prefixes); i++) {
        if (str_starts_nocase(value, prefixes[i]))
            *clear = str_skip(value, prefixes[i].len);
    }
    return clear->len > 0 && (clear->ptr != value.ptr || !str_starts(value, STR("{")));
}

/* NULL, or what would be right. */
static const char *password_of(const struct ad_entry *e, struct user_password *out)
{
    struct str hash = ad_entry_first(e, "ntHash"), unicode = ad_entry_first(e, "unicodePwd");

    *out = (struct user_password){ .kind = USER_PASSWORD_NONE };
    if (hash.len == 0)
        hash = ad_entry_first(e, "sambaNTPassword");
    /* Samba fills the hash of who has none with words */
    if (hash.len && !str_starts(hash, STR("NO PASSWORD"))) {
        if (hash.len != 2 * sizeof(out->nt_hash) ||
            !hex_decode(hash, out->nt_hash, sizeof(out->nt_hash)))
            return "an NT hash is 32 hexadecimal digits";
        out->kind = USER_PASSWORD_NT_HASH;
    } else if (unicode.len) {
        if (!from_unicode_pwd(unicode, out->nt_hash))
            return "unicodePwd is the password in quotes, in UTF-16LE";
        out->kind = USER_PASSWORD_NT_HASH;
    } else if (from_user_password(ad_entry_first(e, "userPassword"), &out->clear)) {
        out->kind = USER_PASSWORD_CLEAR;
    }
    return NULL;
}

/* --- people --- */

static bool is_one_of(struct str value, const char *const *names)
{
    for (; *names; names++) {
        if (str_eq_nocase(value, str_from_c(*names)))
            return true;
    }
    return false;
}

/* Computers are users to Active Directory, and contacts are persons. */
static bool has_class_of_user(const struct ad_entry *e)
{
    static const char *const users[] = {
        "user", "person", "organizationalPerson", "posixAccount", "account", "inetOrgPerson", NULL
    };
    static const char *const others[] = { "computer", "group", "contact", NULL };
    const struct ad_value_list *l = ad_entry_find(e, "objectClass");
    bool user = l == NULL;

    for (unsigned i = 0; l && i < l->count; i++) {
        if (is_one_of(l->values[i], others))
            return false;
        user = user || is_one_of(l->values[i], users);
    }
    return user;
}

/* Those of computers and trusts end in '$'. */
static bool is_name_of_user(const char *name)
{
    size_t len = strlen(name);

    return len > 0 && name[len - 1] != '$';
}

static void take(struct run *r, struct str dn, struct user *u, const struct user_password *password)
{
    const struct user_import *how = r->i->how;
    const char *problem = user_import_problem(how, str_from_c(u->name), str_from_c(u->uri));

    /* a lockout is over before anybody signs in here */
    u->flags &= ~(unsigned)USER_LOCKED;
    if (!problem)
        problem = how->take(how->arg, u, password);
    if (problem)
        complain(r, dn, "this account cannot be taken", problem);
    else
        r->counts.taken++;
}

/* False when it is left out, which is counted. */
static bool is_wanted(struct run *r, const struct user *u)
{
    if (!is_name_of_user(u->name)) {
        r->counts.no_users++;
        return false;
    }
    if (!u->uri[0]) {
        r->counts.no_address++;
        return false;
    }
    if (r->enabled_only && !(u->flags & USER_SIP_ENABLED)) {
        r->counts.not_enabled++;
        return false;
    }
    return true;
}

/* --- LDIF --- */

/* An entry out of the attributes that matter; the rest of a record may be very long. */
struct lists {
    struct ad_value_list list[LISTS_MAX];
    unsigned count;
};

static void add_list(struct lists *l, struct str name, const struct str *values, unsigned count)
{
    if (count > 0 && l->count < LISTS_MAX)
        l->list[l->count++] = (struct ad_value_list){ name, values, count };
}

static bool is_attribute(const struct ldif_attribute *a, struct str name)
{
    return str_eq_nocase(str_first(a->name, str_find_char(a->name, ';')), name);
}

/* The values of the attribute `from`, with `prefix`, under the name `as`. */
static bool gather(struct lists *l, struct arena *a, const struct ldif_record *rec,
                   const char *from, struct str prefix, const char *as)
{
    unsigned count = 0, at = 0;
    struct str name = str_from_c(from);

    for (unsigned i = 0; i < rec->count; i++)
        count += is_attribute(&rec->attributes[i], name);
    struct str *values = arena_calloc(a, count + 1, sizeof(*values));
    if (!values)
        return false;
    for (unsigned i = 0; i < rec->count; i++) {
        const struct ldif_attribute *attribute = &rec->attributes[i];
        if (is_attribute(attribute, name) && str_starts_nocase(attribute->value, prefix))
            values[at++] = attribute->value;
    }
    add_list(l, str_from_c(as), values, at);
    return true;
}

static bool has(const struct lists *l, const char *attribute)
{
    struct ad_entry e = { l->list, l->count };

    return ad_entry_find(&e, attribute) != NULL;
}

/* What other directories call it. */
static bool gather_aliases(struct lists *l, struct arena *a, const struct ldif_record *rec,
                           const char *address)
{
    return (has(l, NAME) || gather(l, a, rec, "uid", STR_NONE, NAME)) &&
           (has(l, DISPLAY) || gather(l, a, rec, "cn", STR_NONE, DISPLAY)) &&
           (has(l, address) || gather(l, a, rec, PROXY, STR("sip:"), address));
}

static bool gather_all(struct lists *l, struct arena *a, const struct ldif_record *rec,
                       const struct conf_ad *c)
{
    static const char *const more[] = { "objectClass", "ntHash", "sambaNTPassword", "unicodePwd",
                                        "userPassword" };
    const char *names[AD_ATTRIBUTES_MAX];
    bool good = true;

    ad_entry_attributes(c, names);
    for (unsigned i = 0; good && names[i]; i++)
        good = gather(l, a, rec, names[i], STR_NONE, names[i]);
    for (unsigned i = 0; good && i < ARRAY_LEN(more); i++)
        good = gather(l, a, rec, more[i], STR_NONE, more[i]);
    return good && gather_aliases(l, a, rec, c->address_attribute);
}

static struct ad_mapping mapping_of(const struct conf_ad *c)
{
    return (struct ad_mapping){ .conf = c,
                                .netbios_domain = "",
                                .enabled_group = str_from_c(c->enabled_group),
                                .remote_group = str_from_c(c->remote_group) };
}

static void take_entry(struct run *r, const struct ad_entry *e, struct str dn)
{
    struct conf_ad conf = r->conf;
    struct ad_mapping mapping = mapping_of(&conf);
    struct ad_account account;
    struct user_password password;

    if (!has_class_of_user(e)) {
        r->counts.no_users++;
        return;
    }
    if (r->i->address_attribute && !ad_entry_find(e, conf.enabled_attribute))
        conf.enabled_attribute = conf.enabled_group = (char *)"";
    if (!ad_entry_account(e, &mapping, &account)) {
        if (ad_entry_find(e, NAME))
            complain(r, dn, "this account cannot be taken",
                     "a name is too long: at most 256 octets, UPN 320");
        else
            r->counts.no_users++;
        return;
    }
    if (!is_wanted(r, &account.user))
        return;
    const char *problem = password_of(e, &password);
    if (problem)
        complain(r, dn, "this password cannot be taken", problem);
    else
        take(r, dn, &account.user, &password);
    secret_wipe(&password, sizeof(password));
}

static void take_record(struct run *r, struct arena *a, const struct ldif_record *rec)
{
    struct lists l = { .count = 0 };

    r->line = rec->line;
    if (!gather_all(&l, a, rec, &r->conf)) {
        complain(r, rec->dn, "the record cannot be read", "it is too large");
        return;
    }
    struct ad_entry e = { l.list, l.count };
    take_entry(r, &e, rec->dn);
}

struct user_import_counts ad_import_ldif(const struct ad_import *i, struct str text)
{
    struct ldif l = { .rest = text };
    struct arena arena;
    struct ldif_record rec;
    struct run r;

    run_init(&r, i);
    arena_init(&arena, 16384, RECORD_MAX);
    while (r.counts.problems < i->how->problems_max) {
        if (ldif_next(&l, &arena, &rec)) {
            take_record(&r, &arena, &rec);
        } else if (l.problem) {
            r.line = l.line;
            complain(&r, STR_NONE, "the record cannot be read", l.problem);
        } else {
            break;
        }
        arena_reset(&arena);
    }
    arena_fini(&arena);
    return r.counts;
}

/* --- LDAP --- */

/* Kept until the controller has told all, so that nobody who stores them waits for it. */
struct kept {
    struct user user;
    char *dn;
};

struct gathering {
    struct run *run;
    struct kept *list;
    size_t count, room;
};

static bool keep_match(void *arg, const struct ad_match *m)
{
    struct gathering *g = arg;

    if (!is_wanted(g->run, &m->account.user))
        return true;
    if (g->count == g->room) {
        g->room = g->room ? 2 * g->room : 64;
        g->list = reallocarray(g->list, g->room, sizeof(*g->list));
        if (!g->list)
            abort();
    }
    g->list[g->count++] = (struct kept){ m->account.user, str_own(m->dn) };
    return true;
}

static void take_kept(struct run *r, struct gathering *g)
{
    const struct user_password none = { .kind = USER_PASSWORD_NONE };

    for (size_t i = 0; i < g->count && r->counts.problems < r->i->how->problems_max; i++)
        take(r, str_from_c(g->list[i].dn), &g->list[i].user, &none);
}

enum fault ad_import_directory(const struct ad_import *i, struct user_import_counts *out,
                               struct buf *why)
{
    struct conf conf = *i->conf;
    struct run r;
    struct gathering g = { .run = &r };

    run_init(&r, i);
    r.enabled_only = true;
    conf.ad = r.conf;
    if (i->address_attribute &&
        !str_eq_nocase(str_from_c(i->address_attribute), str_from_c(i->conf->ad.address_attribute)))
        conf.ad.enabled_attribute = (char *)"";
    struct ad_reader *reader = ad_reader_new(&conf);
    enum fault fault = ad_reader_list(reader, keep_match, &g, why);
    ad_reader_free(reader);
    if (fault == FAULT_NONE)
        take_kept(&r, &g);
    for (size_t k = 0; k < g.count; k++)
        free(g.list[k].dn);
    free(g.list);
    *out = r.counts;
    return fault;
}
