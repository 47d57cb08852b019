/* SPDX-License-Identifier: MIT */
#include "conf/conf.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/conf_file.h"
#include "conf/conf_policy.h"
#include "conf/conf_schema.h"

enum { KEYS_MAX = 192 };

struct reading {
    struct conf *conf;
    const char *file;
    struct buf *why;
    unsigned seen_in[KEYS_MAX]; /* line of each key, by its index in the schema */
    bool second;                /* the pass for keys that go over more general ones */
};

static void set_default(char **slot, const char *folder, const char *name)
{
    if ((*slot)[0] != '\0')
        return;
    struct buf b = { 0 };
    buf_printf(&b, "%s/%s", folder, name);
    free(*slot);
    *slot = str_own(buf_str(&b));
    buf_fini(&b);
}

static void set_default_fqdn(struct conf *c)
{
    char name[256] = "";

    if (c->fqdn[0] != '\0' || gethostname(name, sizeof(name) - 1) != 0)
        return;
    free(c->fqdn);
    c->fqdn = str_own(str_from_c(name));
}

static void to_upper(char *text)
{
    for (char *p = text; *p; p++)
        *p = *p >= 'a' && *p <= 'z' ? (char)(*p - 0x20) : *p;
}

/* The first label of the domain, as administrators mostly named theirs. */
static void set_default_netbios(struct conf *c)
{
    struct str rest = str_from_c(c->domain);
    struct str label = str_first(str_take_until(&rest, '.'), 15);

    if (c->netbios_domain[0] != '\0' || label.len == 0)
        return;
    free(c->netbios_domain);
    c->netbios_domain = str_own(label);
    to_upper(c->netbios_domain);
}

/* The realm of a Windows domain is its DNS name in capitals. */
static void set_default_kerberos(struct conf *c)
{
    struct conf_kerberos *k = &c->kerberos;

    if (k->realm[0] == '\0') {
        free(k->realm);
        k->realm = str_own(str_from_c(c->ad.domain[0] ? c->ad.domain : c->domain));
        to_upper(k->realm);
    }
    if (k->service[0] == '\0') {
        struct buf b = { 0 };

        buf_printf(&b, "sip/%s", c->fqdn);
        free(k->service);
        k->service = str_own(buf_str(&b));
        buf_fini(&b);
    }
}

/* Defaults that follow from other keys. */
static void derive(struct conf *c)
{
    assert(c->fqdn && c->netbios_domain && c->database && c->key_path && c->trace_path);
    free(c->domain);
    c->domain = str_own(str_from_c(c->domain_count ? c->domains[0] : ""));
    set_default_fqdn(c);
    set_default_netbios(c);
    set_default_kerberos(c);
    if (c->edge.public_name[0] == '\0') {
        free(c->edge.public_name);
        c->edge.public_name = str_own(str_from_c(c->fqdn));
    }
    set_default(&c->database, c->state, "users.db");
    set_default(&c->key_path, c->state, "users.key");
    c->trace.path = c->trace_path[0] != '\0' ? c->trace_path : NULL;
}

void conf_edge_trace_dir(const struct conf *c, char *out, size_t size)
{
    const char *slash = c->trace.path ? strrchr(c->trace.path, '/') : NULL;
    bool apart = conf_has_front(c) && geteuid() == 0 && c->user_edge[0] != '\0';

    if (!c->trace.path)
        snprintf(out, size, "%s", "");
    else
        snprintf(out, size, "%.*s%s", slash ? (int)(slash - c->trace.path) : 1,
                 slash ? c->trace.path : ".", apart ? "/edge" : "");
}

static struct conf *conf_with_defaults(const char *file)
{
    struct conf *c = calloc(1, sizeof(*c));
    struct buf why = { 0 };
    const struct conf_key *k;

    if (!c)
        abort();
    c->file = str_own(str_from_c(file));
    c->policy = ntlm_policy_set_new();
    for (unsigned i = 0; (k = conf_key_at(i)) != NULL; i++) {
        if (k->type == CONF_HOST || k->type == CONF_NETBIOS || k->type == CONF_PATH ||
            k->type == CONF_TEXT)
            *(char **)((char *)c + k->at) = str_own(STR_NONE);
        if (!k->preset || k->type == CONF_POLICY)
            continue;
        bool valid = conf_value_set(c, k, str_from_c(k->preset), &why);
        assert(valid); /* a default in the schema */
        (void)valid;
    }
    buf_fini(&why);
    return c;
}

struct conf *conf_new(void)
{
    struct conf *c = conf_with_defaults("(defaults)");
    derive(c);
    return c;
}

void conf_free(struct conf *c)
{
    const struct conf_key *k;

    if (!c)
        return;
    for (unsigned i = 0; (k = conf_key_at(i)) != NULL; i++)
        conf_value_free(c, k);
    ntlm_policy_set_free(c->policy);
    conf_policy_source_free(c->policy_source);
    free(c->domain);
    free(c->file);
    free(c);
}

static void unknown_section(struct reading *r, const struct conf_entry *e)
{
    const char *near = conf_section_near(str_from_c(e->section));

    if (near)
        conf_problem(r->why, r->file, e, "no such section: did you mean [%s]?", near);
    else
        conf_problem(r->why, r->file, e,
                     "no such section: 'postern serve --explain-config' lists all");
}

static void unknown_key(struct reading *r, const struct conf_entry *e)
{
    const char *near = conf_key_near(str_from_c(e->section), str_from_c(e->key), e->name != NULL);

    if (near)
        conf_problem(r->why, r->file, e, "no such key: did you mean %s?", near);
    else
        conf_problem(r->why, r->file, e, "no such key: 'postern serve --explain-config' lists all");
}

static bool heading_ok(struct reading *r, const struct conf_entry *e)
{
    if (!conf_section_known(str_from_c(e->section))) {
        unknown_section(r, e);
        return false;
    }
    if (e->name && strcmp(e->section, "policy") != 0) {
        conf_problem(r->why, r->file, e, "this section takes no name: write [%s]", e->section);
        return false;
    }
    return true;
}

static unsigned index_of(const struct conf_key *k)
{
    unsigned i = 0;

    while (conf_key_at(i) != k)
        i++;
    assert(i < KEYS_MAX);
    return i;
}

/* sipstack_level goes over level, in whatever order they stand. */
static bool is_second(const struct conf_key *k)
{
    return (k->type == CONF_LEVEL || k->type == CONF_FLAGS) && k->at != CONF_ALL;
}

static void apply(struct reading *r, const struct conf_entry *e)
{
    const struct conf_key *k =
        conf_key_find(str_from_c(e->section), str_from_c(e->key), e->name != NULL);

    if (!k && !r->second)
        unknown_key(r, e);
    if (!k || is_second(k) != r->second)
        return;
    if (k->type == CONF_POLICY || k->type == CONF_EXCEPTION)
        return; /* conf_policy_build takes them together */
    unsigned *seen = &r->seen_in[index_of(k)];
    if (*seen) {
        conf_problem(r->why, r->file, e, "already set in line %u: keep one of the two", *seen);
        return;
    }
    *seen = e->line;
    struct buf reason = { 0 };
    if (!conf_value_set(r->conf, k, str_from_c(e->value), &reason))
        conf_problem(r->why, r->file, e, "%.*s", STR_ARG(buf_str(&reason)));
    buf_fini(&reason);
}

static void apply_all(struct reading *r, const struct conf_entries *e)
{
    bool known = false;

    for (size_t i = 0; i < e->count; i++) {
        if (!e->list[i].key)
            known = r->second ? conf_section_known(str_from_c(e->list[i].section))
                              : heading_ok(r, &e->list[i]);
        else if (known)
            apply(r, &e->list[i]);
    }
}

static void missing(struct reading *r, const char *section, const char *key, const char *what)
{
    buf_printf(r->why, "%s: [%s] %s: %s\n", r->file, section, key, what);
}

static void check_pair(struct reading *r, const char *section, const char *cert, const char *key,
                       const char *cert_name, const char *key_name)
{
    if (cert[0] != '\0' && key[0] == '\0')
        missing(r, section, key_name, "missing: name the private key of the certificate");
    if (key[0] != '\0' && cert[0] == '\0')
        missing(r, section, cert_name, "missing: name the certificate of the private key");
}

/* The front's half of a link between Edge and Front End. */
static void check_edge_doors(struct reading *r)
{
    const struct conf *c = r->conf;

    if (c->edge_listen_count == 0)
        return;
    if (c->cert_file[0] == '\0' && c->rsa_cert_file[0] == '\0')
        missing(r, "front", "cert_file", "missing: edge_listen needs a certificate and key_file");
    if (c->edge_server_count == 0)
        missing(r, "front", "edge_servers", "missing: name the Edges that may connect");
    if (c->edge_ca_file[0] == '\0')
        missing(r, "front", "edge_ca_file",
                "missing: name the authority that issued the Edges' "
                "certificates");
}

static void check_edge(struct reading *r)
{
    const struct conf_edge *e = &r->conf->edge;

    check_pair(r, "edge", e->cert_file, e->key_file, "cert_file", "key_file");
    check_pair(r, "edge", e->rsa_cert_file, e->rsa_key_file, "rsa_cert_file", "rsa_key_file");
    check_pair(r, "edge", e->link_cert_file, e->link_key_file, "link_cert_file", "link_key_file");
    if (e->listen_count == 0)
        return;
    if (r->conf->domain_count == 0)
        missing(r, "general", "domain", "missing: name the SIP domain served, such as example.com");
    if (e->cert_file[0] == '\0' && e->rsa_cert_file[0] == '\0')
        missing(r, "edge", "cert_file", "missing: listen needs a certificate and key_file");
    if (e->next_hop_count == 0)
        missing(r, "edge", "next_hops", "missing: say where the Front Ends listen for Edges");
    if (e->next_hop_count > CONF_NEXT_HOPS_MAX)
        missing(r, "edge", "next_hops", "too many: name at most 16");
    if (e->front_server_count == 0)
        missing(r, "edge", "front_servers", "missing: name the Front Ends that are ours");
    if (e->link_cert_file[0] == '\0')
        missing(r, "edge", "link_cert_file", "missing: Front Ends ask the Edge for a certificate");
    if (e->link_ca_file[0] == '\0')
        missing(r, "edge", "link_ca_file",
                "missing: name the authority that issued the Front "
                "Ends' certificates");
}

static bool is_set(const struct reading *r, const char *section, const char *key)
{
    return r->seen_in[index_of(conf_key_find(str_from_c(section), str_from_c(key), false))] != 0;
}

/* A reserve nobody chose gives way, down to 1, so that outside keeps two tries. */
static void derive_reserve(struct reading *r)
{
    unsigned threshold = r->conf->lockout_threshold;
    unsigned most = threshold > 3 ? threshold - 2 : 1;

    if (threshold && !is_set(r, "budget", "reserve") && r->conf->budget.reserve > most)
        r->conf->budget.reserve = most;
}

static void check_budget(struct reading *r)
{
    const struct conf *c = r->conf;

    derive_reserve(r);
    if (c->lockout_threshold && is_set(r, "budget", "reserve") &&
        c->budget.reserve >= c->lockout_threshold)
        buf_printf(
            r->why,
            "%s: [budget] reserve: %u leaves nothing of [directory] lockout_threshold = %u to "
            "outside: give less than that\n",
            r->file, c->budget.reserve, c->lockout_threshold);
}

static unsigned line_of(const struct reading *r, const char *section, const char *key)
{
    return r->seen_in[index_of(conf_key_find(str_from_c(section), str_from_c(key), false))];
}

/* With the line of the key, or of the one that makes us need it. */
static void ad_problem(struct reading *r, const char *key, const char *because, const char *what)
{
    unsigned line = line_of(r, "directory", key);

    if (!line)
        line = line_of(r, "directory", because);
    if (!line)
        line = line_of(r, "directory", "source");
    buf_printf(r->why, "%s:%u: [directory] %s: %s\n", r->file, line, key, what);
}

static void check_ad_servers(struct reading *r, bool simple)
{
    const struct conf_ad *a = &r->conf->ad;

    if (a->server_count > CONF_NEXT_HOPS_MAX)
        ad_problem(r, "ad_servers", "source", "too many: name at most 16");
    for (unsigned i = 0; i < a->server_count; i++) {
        if (!simple && str_starts_nocase(str_from_c(a->servers[i]), STR("ldaps:")))
            ad_problem(r, "ad_servers", "source",
                       "domain controllers take no gssapi inside TLS: write ldap:// (it is signed "
                       "and sealed), or set ad_bind = simple");
    }
}

static void check_ad(struct reading *r)
{
    const struct conf_ad *a = &r->conf->ad;
    bool simple = strcmp(a->bind, "simple") == 0;

    if (strcmp(r->conf->source, "ad") != 0)
        return;
    if (a->domain[0] == '\0')
        ad_problem(r, "ad_domain", "source",
                   "missing: name the Active Directory domain, such as ad.example.com");
    if (a->address_attribute[0] == '\0')
        ad_problem(r, "address_attribute", "source",
                   "empty: name the attribute that holds the SIP address");
    if (simple && a->user[0] == '\0')
        ad_problem(r, "ad_user", "ad_bind", "missing: ad_bind = simple needs an account");
    if (simple && a->password_file[0] == '\0')
        ad_problem(r, "ad_password_file", "ad_bind",
                   "missing: ad_bind = simple needs the file with the password");
    if (!simple && a->keytab[0] == '\0')
        ad_problem(r, "ad_keytab", "ad_bind",
                   "missing: ad_bind = gssapi needs the keys of ad_user");
    check_ad_servers(r, simple);
}

/* What no single key can tell. */
static void check_together(struct reading *r)
{
    const struct conf *c = r->conf;

    if (c->tls_listen_count + c->tcp_listen_count > 0 && c->domain_count == 0)
        missing(r, "general", "domain", "missing: name the SIP domain served, such as example.com");
    check_pair(r, "front", c->cert_file, c->key_file, "cert_file", "key_file");
    check_pair(r, "front", c->rsa_cert_file, c->rsa_key_file, "rsa_cert_file", "rsa_key_file");
    check_edge_doors(r);
    check_edge(r);
    check_budget(r);
    check_ad(r);
    if (c->tls_listen_count > 0 && c->cert_file[0] == '\0' && c->rsa_cert_file[0] == '\0')
        missing(r, "front", "cert_file", "missing: tls_listen needs a certificate and key_file");
    if (c->message_memory / 2 < c->message_max)
        missing(r, "limits", "message_memory", "too small: give at least twice message_max");
}

struct conf *conf_parse(struct str text, const char *name, struct buf *why)
{
    struct conf *c = conf_with_defaults(name);
    struct conf_entries entries = { 0 };
    struct buf problems = { 0 };
    struct reading r = { .conf = c, .file = name, .why = &problems };

    conf_entries_read(text, name, &entries, &problems);
    apply_all(&r, &entries);
    r.second = true;
    apply_all(&r, &entries);
    c->policy_source = conf_policy_source_new(&entries);
    conf_policy_build(c, NULL, name, &problems);
    conf_entries_free(&entries);
    derive(c);
    if (problems.len == 0)
        check_together(&r);
    if (problems.len > 0) {
        buf_add(why, buf_str(&problems));
        conf_free(c);
        c = NULL;
    }
    buf_fini(&problems);
    return c;
}

struct conf *conf_load(const char *path, struct buf *why)
{
    struct buf text = { 0 };
    struct conf *c = NULL;

    if (conf_file_read(path, &text))
        c = conf_parse(buf_str(&text), path, why);
    else
        buf_printf(why, "%s: cannot be read: %s\n", path, strerror(errno));
    buf_fini(&text);
    return c;
}
