/* SPDX-License-Identifier: MIT */
#include "ad/reader.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/time.h>

#include "ad/filter.h"
#include "ad/ldap_connect.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "users/name.h"

enum {
    PAGE = 500,
    MATCHES_MAX = 10,
    SECOND_MS = 1000,
    REFUSED_MS = 600000, /* trying a wrong password every second would lock the account */
};

static const char SHOW_DELETED[] = "1.2.840.113556.1.4.417"; /* [MS-ADTS] 3.1.1.3.4.1.14 */

struct ad_reader {
    const struct conf *conf;
    LDAP *ld;
    char server[AD_SERVER_MAX + 1];
    char *naming_context; /* of the domain */
    char *enabled_group, *remote_group;
    uint64_t usn, lockout_duration;
    const char *attributes[AD_ATTRIBUTES_MAX];
    unsigned count, at; /* servers when they were last looked for; which of them we took */
    /* our password or key was wrong: until when, unless its file changes, it is not tried again */
    uint64_t refused_until_ms;
    struct timespec refused_file;
    struct buf refused_why;
};

static void *checked(void *ptr)
{
    if (!ptr)
        abort();
    return ptr;
}

/* --- entries as slices --- */

/* An LDAPMessage's attributes; the slices live until loaded_fini. */
struct loaded {
    char *dn;
    struct ad_value_list lists[AD_ATTRIBUTES_MAX];
    struct str *slices[AD_ATTRIBUTES_MAX];
    struct berval **values[AD_ATTRIBUTES_MAX];
    char *names[AD_ATTRIBUTES_MAX];
    struct ad_entry entry;
};

static void load_attribute(LDAP *ld, LDAPMessage *m, char *name, struct loaded *out)
{
    struct berval **values = ldap_get_values_len(ld, m, name);
    unsigned at = out->entry.count, count = (unsigned)ldap_count_values_len(values);
    struct str *slices = checked(calloc(count + 1, sizeof(*slices)));

    for (unsigned i = 0; i < count; i++)
        slices[i] = str_of(values[i]->bv_val, values[i]->bv_len);
    out->names[at] = name;
    out->values[at] = values;
    out->slices[at] = slices;
    out->lists[at] = (struct ad_value_list){ str_from_c(name), slices, count };
    out->entry.count++;
}

static void load_entry(LDAP *ld, LDAPMessage *m, struct loaded *out)
{
    BerElement *ber = NULL;

    memset(out, 0, sizeof(*out));
    out->entry.attributes = out->lists;
    out->dn = ldap_get_dn(ld, m);
    for (char *a = ldap_first_attribute(ld, m, &ber); a; a = ldap_next_attribute(ld, m, ber)) {
        if (out->entry.count < AD_ATTRIBUTES_MAX)
            load_attribute(ld, m, a, out);
        else
            ldap_memfree(a);
    }
    ber_free(ber, 0);
}

static void loaded_fini(struct loaded *l)
{
    for (unsigned i = 0; i < l->entry.count; i++) {
        ldap_memfree(l->names[i]);
        ldap_value_free_len(l->values[i]);
        free(l->slices[i]);
    }
    ldap_memfree(l->dn);
}

/* --- asking --- */

struct search {
    const char *base;
    int scope;
    const char *filter;
    const char *const *attributes;
    int limit;              /* entries; 0: the server's */
    LDAPControl **controls; /* may be NULL */
};

/* Of ad_timeout: with several servers so little that one that hangs leaves time for the next. */
static uint32_t limit_ms(const struct ad_reader *r)
{
    return r->conf->ad.timeout_ms / 10 * (r->count > 1 ? 4 : 9);
}

static bool is_lost(int code)
{
    return code == LDAP_SERVER_DOWN || code == LDAP_CONNECT_ERROR || code == LDAP_TIMEOUT ||
           code == LDAP_UNAVAILABLE || code == LDAP_BUSY || code == LDAP_DECODING_ERROR ||
           code == LDAP_LOCAL_ERROR;
}

static enum fault failed(struct ad_reader *r, const char *what, int code, struct buf *why)
{
    buf_printf(why, "%s: %s: ", r->server, what);
    ad_ldap_reason(r->ld, code, why);
    if (!is_lost(code))
        return FAULT_DIRECTORY_FAILED;
    ad_reader_close(r);
    return code == LDAP_TIMEOUT ? FAULT_DIRECTORY_SLOW : FAULT_DIRECTORY_LDAP;
}

/* The entries up to the limit are a success. */
static int ask(struct ad_reader *r, const struct search *s, LDAPMessage **out)
{
    struct timeval limit = { .tv_sec = limit_ms(r) / SECOND_MS,
                             .tv_usec = (limit_ms(r) % SECOND_MS) * 1000 };

    *out = NULL;
    int code = ldap_search_ext_s(r->ld, s->base, s->scope, s->filter, (char **)s->attributes, 0,
                                 s->controls, NULL, &limit, s->limit, out);
    return code == LDAP_SIZELIMIT_EXCEEDED && s->limit ? LDAP_SUCCESS : code;
}

/* One entry by its DN; `out` is to be freed when true. */
static bool read_one(struct ad_reader *r, const char *dn, const char *const *attributes,
                     struct loaded *out)
{
    struct search s = { dn, LDAP_SCOPE_BASE, "(objectClass=*)", attributes, 1, NULL };
    LDAPMessage *found;
    bool good = ask(r, &s, &found) == LDAP_SUCCESS && ldap_count_entries(r->ld, found) == 1;

    if (good)
        load_entry(r->ld, ldap_first_entry(r->ld, found), out);
    ldap_msgfree(found);
    return good;
}

/* --- the connection --- */

static void keep(char **slot, struct str value)
{
    free(*slot);
    *slot = value.len ? str_own(value) : NULL;
}

static bool read_root(struct ad_reader *r, bool whole)
{
    static const char *const attributes[] = { "defaultNamingContext", "dnsHostName",
                                              "highestCommittedUSN", NULL };
    struct loaded l;

    if (!read_one(r, "", attributes, &l))
        return false;
    if (!str_to_u64(ad_entry_first(&l.entry, "highestCommittedUSN"), &r->usn))
        r->usn = 0;
    if (whole) {
        keep(&r->naming_context, ad_entry_first(&l.entry, "defaultNamingContext"));
        struct str host = ad_entry_first(&l.entry, "dnsHostName");
        if (host.len)
            user_field_set(r->server, sizeof(r->server), host);
    }
    loaded_fini(&l);
    return true;
}

/* A duration is stored as its negative ([MS-ADA1] lockoutDuration). */
static void read_lockout(struct ad_reader *r)
{
    static const char *const attributes[] = { "lockoutDuration", NULL };
    struct loaded l;

    r->lockout_duration = 0;
    if (!r->naming_context || !read_one(r, r->naming_context, attributes, &l))
        return;
    struct str v = ad_entry_first(&l.entry, "lockoutDuration");
    if (!str_starts(v, STR("-")) || !str_to_u64(str_skip(v, 1), &r->lockout_duration) ||
        r->lockout_duration >= INT64_MAX)
        r->lockout_duration = 0;
    loaded_fini(&l);
}

/* As the server spells it, which is how it stands in memberOf. */
static void read_group(struct ad_reader *r, const char *dn, char **slot)
{
    static const char *const attributes[] = { "distinguishedName", NULL };
    struct loaded l;

    keep(slot, str_from_c(dn));
    if (!dn[0] || !read_one(r, dn, attributes, &l))
        return;
    keep(slot, ad_entry_first(&l.entry, "distinguishedName"));
    loaded_fini(&l);
}

static bool introduce(struct ad_reader *r, struct buf *why)
{
    if (!read_root(r, true) || !r->naming_context) {
        buf_printf(why, "%s: it does not tell its naming context: is it a domain controller?",
                   r->server);
        return false;
    }
    read_lockout(r);
    read_group(r, r->conf->ad.enabled_group, &r->enabled_group);
    read_group(r, r->conf->ad.remote_group, &r->remote_group);
    return r->ld != NULL;
}

struct ad_reader *ad_reader_new(const struct conf *c)
{
    struct ad_reader *r = checked(calloc(1, sizeof(*r)));

    signal(SIGPIPE, SIG_IGN); /* the library writes to connections that may have ended */
    r->conf = c;
    ad_entry_attributes(&c->ad, r->attributes);
    return r;
}

void ad_reader_close(struct ad_reader *r)
{
    if (r->ld)
        ldap_unbind_ext_s(r->ld, NULL, NULL);
    r->ld = NULL;
    r->server[0] = '\0';
}

void ad_reader_free(struct ad_reader *r)
{
    if (!r)
        return;
    ad_reader_close(r);
    free(r->naming_context);
    free(r->enabled_group);
    free(r->remote_group);
    buf_fini(&r->refused_why);
    free(r);
}

unsigned ad_reader_next(const struct ad_reader *r)
{
    return r->at + 1;
}

const char *ad_reader_server(const struct ad_reader *r)
{
    return r->ld ? r->server : "";
}

/* When the file with our password or key was changed last. */
static struct timespec secret_changed(const struct ad_reader *r)
{
    const struct conf_ad *c = &r->conf->ad;
    struct stat st = { 0 };

    stat(strcmp(c->bind, "simple") == 0 ? c->password_file : c->keytab, &st);
    return st.st_mtim;
}

static bool is_refused(const struct ad_reader *r)
{
    struct timespec now = secret_changed(r), then = r->refused_file;

    return clock_mono_ms() < r->refused_until_ms && now.tv_sec == then.tv_sec &&
           now.tv_nsec == then.tv_nsec;
}

static bool try_server(struct ad_reader *r, const char *uri, struct buf *why)
{
    bool refused;

    r->ld = ad_ldap_connect(r->conf, uri, limit_ms(r), &refused, why);
    if (refused) {
        r->refused_until_ms = clock_mono_ms() + REFUSED_MS;
        r->refused_file = secret_changed(r);
        buf_clear(&r->refused_why);
        buf_add(&r->refused_why, buf_str(why));
    }
    if (!r->ld)
        return false;
    user_field_set(r->server, sizeof(r->server), str_first(str_from_c(uri), AD_SERVER_MAX));
    if (introduce(r, why))
        return true;
    ad_reader_close(r);
    return false;
}

bool ad_reader_open(struct ad_reader *r, unsigned first, struct buf *why)
{
    char *uri[AD_SERVERS_MAX];

    if (r->ld)
        return true;
    if (is_refused(r)) {
        buf_add(why, buf_str(&r->refused_why));
        return false;
    }
    r->count = ad_ldap_servers(r->conf, uri, why);
    for (unsigned i = 0; i < r->count && !r->ld && !is_refused(r); i++) {
        r->at = (first + i) % r->count;
        if (!try_server(r, uri[r->at], why))
            buf_add_char(why, '\n');
    }
    for (unsigned i = 0; i < r->count; i++)
        free(uri[i]);
    return r->ld != NULL;
}

/* --- people --- */

static const char *base_of(const struct ad_reader *r)
{
    return r->conf->ad.base[0] ? r->conf->ad.base : r->naming_context;
}

static struct ad_mapping mapping_of(const struct ad_reader *r)
{
    return (struct ad_mapping){
        .conf = &r->conf->ad,
        .netbios_domain = r->conf->netbios_domain,
        .enabled_group = str_from_c(r->enabled_group),
        .remote_group = str_from_c(r->remote_group),
        .lockout_duration = r->lockout_duration,
        .filetime = clock_filetime(),
    };
}

static unsigned tell_all(struct ad_reader *r, LDAPMessage *found, ad_reader_each each, void *arg,
                         bool *go_on)
{
    struct ad_mapping mapping = mapping_of(r);
    unsigned told = 0;

    for (LDAPMessage *m = ldap_first_entry(r->ld, found); m && *go_on;
         m = ldap_next_entry(r->ld, m)) {
        struct loaded l;
        struct ad_match match;
        load_entry(r->ld, m, &l);
        match.dn = str_from_c(l.dn);
        match.entry = l.entry;
        if (ad_entry_account(&l.entry, &mapping, &match.account)) {
            told++;
            *go_on = each(arg, &match);
        }
        loaded_fini(&l);
    }
    return told;
}

static enum fault search_people(struct ad_reader *r, struct str inner, ad_reader_each each,
                                void *arg, unsigned *told, struct buf *why)
{
    struct buf filter = { 0 };
    LDAPMessage *found;
    bool go_on = true;

    ad_filter_person(inner, &filter);
    buf_add_char(&filter, '\0');
    struct search s = {
        base_of(r), LDAP_SCOPE_SUBTREE, filter.ptr, r->attributes, MATCHES_MAX, NULL
    };
    int code = ask(r, &s, &found);
    *told = code == LDAP_SUCCESS ? tell_all(r, found, each, arg, &go_on) : 0;
    ldap_msgfree(found);
    buf_fini(&filter);
    return code == LDAP_SUCCESS ? FAULT_NONE : failed(r, "searching", code, why);
}

static void filter_of(const struct ad_reader *r, enum ad_by by, struct str value, struct buf *out)
{
    if (by == AD_BY_ADDRESS)
        ad_filter_address(&r->conf->ad, value, out);
    else
        ad_filter_equal(by == AD_BY_NAME  ? "sAMAccountName"
                        : by == AD_BY_UPN ? "userPrincipalName"
                                          : "objectSid",
                        value, out);
}

/* Where the first question found nobody: every account also has the UPN name@domain, whatever its
 * attribute says ([MS-ADTS] 5.1.1.1.1), and a contact of a central forest stands for the account
 * whose SID it carries.  False: there is no second one. */
static bool second_filter(const struct ad_reader *r, enum ad_by by, struct str value,
                          struct buf *out)
{
    if (by == AD_BY_SID)
        ad_filter_equal("msRTCSIP-OriginatorSid", value, out);
    if (by != AD_BY_UPN)
        return by == AD_BY_SID;
    size_t at = str_find_char(value, '@');
    struct str domain = at == SIZE_MAX ? STR_NONE : str_skip(value, at + 1);
    if (!str_eq_nocase(domain, str_from_c(r->conf->ad.domain)) &&
        !str_eq_nocase(domain, str_from_c(r->conf->netbios_domain)))
        return false;
    ad_filter_equal("sAMAccountName", str_first(value, at), out);
    return true;
}

enum fault ad_reader_match(struct ad_reader *r, enum ad_by by, struct str value,
                           ad_reader_each each, void *arg, struct buf *why)
{
    struct buf filter = { 0 };
    unsigned told = 0;

    if (!ad_reader_open(r, 0, why))
        return FAULT_DIRECTORY_LDAP;
    filter_of(r, by, value, &filter);
    enum fault fault = search_people(r, buf_str(&filter), each, arg, &told, why);
    buf_clear(&filter);
    if (fault == FAULT_NONE && told == 0 && second_filter(r, by, value, &filter))
        fault = search_people(r, buf_str(&filter), each, arg, &told, why);
    buf_fini(&filter);
    return fault;
}

enum fault ad_reader_entry(struct ad_reader *r, const char *dn, const char *const *attributes,
                           void (*each)(void *arg, const struct ad_entry *e), void *arg,
                           struct buf *why)
{
    struct search s = { dn, LDAP_SCOPE_BASE, "(objectClass=*)", attributes, 1, NULL };
    LDAPMessage *found = NULL;

    if (!ad_reader_open(r, 0, why))
        return FAULT_DIRECTORY_LDAP;
    int code = ask(r, &s, &found);
    LDAPMessage *first = code == LDAP_SUCCESS ? ldap_first_entry(r->ld, found) : NULL;
    if (first) {
        struct loaded l;
        load_entry(r->ld, first, &l);
        each(arg, &l.entry);
        loaded_fini(&l);
    }
    ldap_msgfree(found);
    return code == LDAP_SUCCESS || code == LDAP_NO_SUCH_OBJECT
               ? FAULT_NONE
               : failed(r, "reading an entry", code, why);
}

/* --- one account --- */

struct finding {
    struct ad_account *out;
    unsigned count;
};

static bool take_first(void *arg, const struct ad_match *m)
{
    struct finding *f = arg;

    if (f->count++ == 0)
        *f->out = m->account;
    return f->count < 2;
}

static bool count_one(void *arg, const struct ad_match *m)
{
    (void)m;
    ++*(unsigned *)arg;
    return true;
}

enum fault ad_reader_find(struct ad_reader *r, enum ad_by by, struct str value, bool *found,
                          struct ad_account *out, struct buf *why)
{
    struct finding f = { .out = out };
    unsigned owners = 0;
    enum fault fault = ad_reader_match(r, by, value, take_first, &f, why);

    *found = fault == FAULT_NONE && f.count > 0;
    if (!*found)
        return fault;
    out->shared = f.count > 1;
    if (by == AD_BY_ADDRESS || !out->user.uri[0])
        return FAULT_NONE;
    fault = ad_reader_match(r, AD_BY_ADDRESS, str_from_c(out->user.uri), count_one, &owners, why);
    out->shared = owners > 1;
    return fault;
}

enum fault ad_reader_probe(struct ad_reader *r, struct buf *why)
{
    if (!ad_reader_open(r, 0, why))
        return FAULT_DIRECTORY_LDAP;
    return read_root(r, false) ? FAULT_NONE
                               : failed(r, "asking for its state", LDAP_SERVER_DOWN, why);
}

/* --- all of them --- */

struct paging {
    struct berval cookie;
    LDAPControl *controls[2];
};

static bool next_page(LDAP *ld, LDAPMessage *found, struct paging *p)
{
    LDAPControl **returned = NULL, *page;
    ber_int_t total;

    ber_memfree(p->cookie.bv_val);
    p->cookie = (struct berval){ 0 };
    if (ldap_parse_result(ld, found, NULL, NULL, NULL, NULL, &returned, 0) == LDAP_SUCCESS &&
        (page = ldap_control_find(LDAP_CONTROL_PAGEDRESULTS, returned, NULL)) != NULL)
        ldap_parse_pageresponse_control(ld, page, &total, &p->cookie);
    ldap_controls_free(returned);
    return p->cookie.bv_len > 0;
}

static int ask_page(struct ad_reader *r, struct search *s, struct paging *p, LDAPMessage **found)
{
    *found = NULL;
    int code = ldap_create_page_control(r->ld, PAGE, &p->cookie, 1, &p->controls[0]);
    if (code != LDAP_SUCCESS)
        return code;
    s->controls = p->controls;
    code = ask(r, s, found);
    ldap_control_free(p->controls[0]);
    return code;
}

enum fault ad_reader_list(struct ad_reader *r, ad_reader_each each, void *arg, struct buf *why)
{
    struct buf filter = { 0 };
    struct paging p = { 0 };
    LDAPMessage *found;
    bool go_on = true, more = true;
    int code = LDAP_SUCCESS;

    if (!ad_reader_open(r, 0, why))
        return FAULT_DIRECTORY_LDAP;
    ad_filter_list(&r->conf->ad, &filter);
    buf_add_char(&filter, '\0');
    struct search s = { base_of(r), LDAP_SCOPE_SUBTREE, filter.ptr, r->attributes, 0, NULL };
    while (more && go_on && (code = ask_page(r, &s, &p, &found)) == LDAP_SUCCESS) {
        tell_all(r, found, each, arg, &go_on);
        more = next_page(r->ld, found, &p);
        ldap_msgfree(found);
    }
    ber_memfree(p.cookie.bv_val);
    buf_fini(&filter);
    return code == LDAP_SUCCESS ? FAULT_NONE : failed(r, "listing", code, why);
}

/* --- what changed --- */

static struct str kept_text(struct buf *text, struct str s)
{
    /* reserved before, so that earlier slices stay where they are */
    size_t at = text->len;

    if (s.len > text->cap - text->len)
        return STR_NONE;
    buf_add(text, s);
    return str_of(text->ptr + at, s.len);
}

static bool is_group(const struct ad_reader *r, struct str dn)
{
    return str_eq_nocase(dn, str_from_c(r->enabled_group ? r->enabled_group : "-")) ||
           str_eq_nocase(dn, str_from_c(r->remote_group ? r->remote_group : "-"));
}

static void take_change(const struct ad_reader *r, const struct loaded *l, struct ad_answer *out,
                        struct buf *text)
{
    char address[USER_URI_MAX + 1];

    if (out->change_count == AD_CHANGES_MAX || is_group(r, str_from_c(l->dn))) {
        out->all = true;
        return;
    }
    ad_entry_address(&l->entry, &r->conf->ad, address);
    struct ad_change *c = &out->changes[out->change_count++];
    c->sid = kept_text(text, ad_entry_first(&l->entry, "objectSid"));
    c->name = kept_text(text, ad_entry_first(&l->entry, "sAMAccountName"));
    c->upn = kept_text(text, ad_entry_first(&l->entry, "userPrincipalName"));
    c->uri = kept_text(text, str_from_c(address));
}

static int ask_changes(struct ad_reader *r, uint64_t since, LDAPMessage **found)
{
    struct buf filter = { 0 };
    /* who may not see what was deleted is told nothing of it */
    LDAPControl deleted = { .ldctl_oid = (char *)SHOW_DELETED, .ldctl_iscritical = 0 };
    LDAPControl *controls[] = { &deleted, NULL };
    const char *attributes[] = { "objectSid", "sAMAccountName", "userPrincipalName",
                                 r->conf->ad.address_attribute, NULL };

    ad_filter_changes(&r->conf->ad, since, &filter);
    buf_add_char(&filter, '\0');
    struct search s = { r->naming_context, LDAP_SCOPE_SUBTREE, filter.ptr,
                        attributes,        AD_CHANGES_MAX + 1, controls };
    int code = ask(r, &s, found);
    buf_fini(&filter);
    return code;
}

enum fault ad_reader_changes(struct ad_reader *r, struct str server, uint64_t since,
                             struct ad_answer *out, struct buf *text, struct buf *why)
{
    LDAPMessage *found;

    if (!ad_reader_open(r, 0, why))
        return FAULT_DIRECTORY_LDAP;
    /* first the number, so that what changes meanwhile is found next time */
    if (!read_root(r, false))
        return failed(r, "asking for its state", LDAP_SERVER_DOWN, why);
    out->usn = r->usn + 1;
    /* a number that went back: the controller was restored from a backup */
    out->all = out->usn < since;
    if (since == 0 || !str_eq(server, str_from_c(r->server)))
        return FAULT_NONE;
    int code = ask_changes(r, since, &found);
    if (code == LDAP_SUCCESS) {
        buf_reserve(text, AD_MESSAGE_MAX);
        for (LDAPMessage *m = ldap_first_entry(r->ld, found); m; m = ldap_next_entry(r->ld, m)) {
            struct loaded l;
            load_entry(r->ld, m, &l);
            take_change(r, &l, out, text);
            loaded_fini(&l);
        }
    }
    ldap_msgfree(found);
    return code == LDAP_SUCCESS ? FAULT_NONE : failed(r, "asking for changes", code, why);
}
