/* SPDX-License-Identifier: MIT */
/* Asks the directory, winbindd and the keytab. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ad/reader.h"
#include "base/secret.h"
#include "cmd/directory_report.h"
#include "users/name.h"
#include "users/store.h"

static bool is_address(struct str asked)
{
    return str_starts_nocase(asked, STR("sip:"));
}

/* "ada@example.com" is a UPN, and if nobody has that, an address. */
static void as_address(struct str asked, struct buf *out)
{
    buf_add_c(out, "sip:");
    buf_add(out, asked);
}

/* DOMAIN\name of our domain. */
static struct str without_domain(const struct conf *c, struct str name)
{
    size_t slash = str_find_char(name, '\\');

    return slash != SIZE_MAX &&
                   (user_name_same(str_first(name, slash), str_from_c(c->netbios_domain)) ||
                    str_eq_nocase(str_first(name, slash), str_from_c(c->ad.domain)))
               ? str_skip(name, slash + 1)
               : name;
}

/* --- Active Directory --- */

static bool is_known(const struct directory_report *r, struct str dn)
{
    for (unsigned i = 0; i < r->count; i++) {
        if (str_eq_nocase(str_from_c(r->people[i].dn), dn))
            return true;
    }
    return false;
}

static bool add_person(void *arg, const struct ad_match *m)
{
    struct directory_report *r = arg;

    if (r->count == DIRECTORY_PEOPLE_MAX)
        return false;
    if (is_known(r, m->dn))
        return true;
    r->people[r->count++] = (struct directory_person){ .user = m->account.user,
                                                       .account = m->account,
                                                       .dn = str_own(m->dn) };
    return true;
}

static enum fault match(struct directory_report *r, struct ad_reader *reader, enum ad_by by,
                        struct str value)
{
    return ad_reader_match(reader, by, value, add_person, r, &r->tried);
}

static enum fault match_address(struct directory_report *r, struct ad_reader *reader,
                                struct str asked)
{
    struct buf uri = { 0 };

    as_address(asked, &uri);
    enum fault fault = match(r, reader, AD_BY_ADDRESS, buf_str(&uri));
    buf_fini(&uri);
    return fault;
}

/* Who was asked for, then whoever else has the same address. */
static enum fault find_people(struct directory_report *r, struct ad_reader *reader)
{
    struct str asked = str_from_c(r->asked);
    bool upn = str_find_char(asked, '@') != SIZE_MAX;
    enum fault fault;

    if (is_address(asked))
        return match(r, reader, AD_BY_ADDRESS, asked);
    fault = match(r, reader, upn ? AD_BY_UPN : AD_BY_NAME, without_domain(r->conf, asked));
    if (fault == FAULT_NONE && r->count == 0 && upn)
        return match_address(r, reader, asked);
    if (fault == FAULT_NONE && r->count > 0 && r->people[0].user.uri[0])
        fault = match(r, reader, AD_BY_ADDRESS, str_from_c(r->people[0].user.uri));
    return fault;
}

static void mark_shared(struct directory_report *r)
{
    struct user_key a, b;

    for (unsigned i = 0; i < r->count; i++) {
        for (unsigned k = 0; k < r->count; k++) {
            if (i != k && user_uri_key(str_from_c(r->people[i].user.uri), &a) &&
                user_uri_key(str_from_c(r->people[k].user.uri), &b) &&
                str_eq(user_key_str(&a), user_key_str(&b)))
                r->people[i].shared = true;
        }
    }
}

static enum fault read_people(struct directory_report *r, struct ad_reader *reader)
{
    enum fault fault = find_people(r, reader);

    for (unsigned i = 0; fault == FAULT_NONE && i < r->count; i++) {
        struct directory_person *p = &r->people[i];
        fault = ad_facts_read(reader, p->dn, &p->account, &p->facts, &r->tried);
    }
    mark_shared(r);
    return fault;
}

static void look_ad(struct directory_report *r)
{
    struct ad_reader *reader = ad_reader_new(r->conf);

    if (!ad_reader_open(reader, 0, &r->tried))
        r->fault = FAULT_DIRECTORY_LDAP;
    snprintf(r->server, sizeof(r->server), "%s", ad_reader_server(reader));
    if (r->fault == FAULT_NONE)
        r->fault = read_people(r, reader);
    ad_reader_free(reader);
    if (r->fault == FAULT_NONE)
        ad_winbind_check(r->conf->netbios_domain, r->conf->ad.timeout_ms, &r->winbind);
}

/* --- the embedded directory --- */

static enum store_status find_in_store(struct store *s, struct str name, struct user *out)
{
    uint8_t hash[16];
    struct buf uri = { 0 };
    enum store_status status = is_address(name) ? s->ops->find_uri(s, name, out)
                                                : s->ops->find(s, STR_NONE, name, out, hash);

    secret_wipe(hash, sizeof(hash));
    if (status == STORE_NONE && !is_address(name) && str_find_char(name, '@') != SIZE_MAX) {
        as_address(name, &uri);
        status = s->ops->find_uri(s, buf_str(&uri), out);
    }
    buf_fini(&uri);
    return status;
}

static void look_sqlite(struct directory_report *r)
{
    const struct conf *c = r->conf;
    struct store *s = NULL;

    r->fault = FAULT_DIRECTORY_FAILED;
    /* opening one that is not there would make it */
    if (access(c->database, R_OK) != 0)
        buf_printf(&r->tried, "%s cannot be read: %s", c->database, strerror(errno));
    else
        s = store_sqlite_open(c->database, c->key_path, c->netbios_domain, &r->tried);
    if (!s)
        return;
    snprintf(r->server, sizeof(r->server), "%s", c->database);
    enum store_status status =
        find_in_store(s, without_domain(c, str_from_c(r->asked)), &r->people[0].user);
    r->count = status == STORE_OK;
    if (status == STORE_FAILED)
        buf_printf(&r->tried, "%s: %s", c->database, s->error);
    else
        r->fault = FAULT_NONE;
    s->ops->free(s);
}

/* --- the keytab --- */

static void add_key(void *arg, const struct krb_key *k)
{
    struct directory_keytab *t = arg;

    t->keys = realloc(t->keys, (t->count + 1) * sizeof(*t->keys));
    if (!t->keys)
        abort();
    t->keys[t->count++] = *k;
}

/* With or without a realm; service names differ by case for nobody ([MS-KILE] 3.1.5.11). */
static bool is_of_service(const struct conf *c, const struct krb_key *k)
{
    struct str principal = str_from_c(k->principal), service = str_from_c(c->kerberos.service);

    if (str_find_char(service, '@') == SIZE_MAX)
        principal = str_first(principal, str_find_char(principal, '@'));
    return str_eq_nocase(principal, service);
}

static void look_keytab(struct directory_report *r)
{
    struct directory_keytab *t = &r->keytab;

    if (!krb_keytab_list(r->conf->kerberos.keytab, add_key, t, &t->why)) {
        t->fault = FAULT_KERBEROS_KEYTAB;
        return;
    }
    t->fault = FAULT_KERBEROS_NO_KEY;
    for (unsigned i = 0; i < t->count; i++) {
        if (is_of_service(r->conf, &t->keys[i]))
            t->fault = FAULT_NONE;
    }
}

void directory_look(struct directory_report *r, const char *asked)
{
    r->asked = asked;
    if (directory_is_ad(r->conf))
        look_ad(r);
    else
        look_sqlite(r);
    if (directory_has_kerberos(r->conf))
        look_keytab(r);
}

void directory_report_fini(struct directory_report *r)
{
    for (unsigned i = 0; i < r->count; i++)
        free(r->people[i].dn);
    free(r->keytab.keys);
    buf_fini(&r->keytab.why);
    buf_fini(&r->tried);
}
