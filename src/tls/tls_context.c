/* SPDX-License-Identifier: MIT */
/* Credentials and priorities.  Every file that a session will ever need is read here, at start,
 * so that a process without file access goes on working. */
#include <assert.h>
#include <stdlib.h>

#include <gnutls/x509.h>

#include "tls/tls_internal.h"

/* "NORMAL" of Debian 12 still has TLS 1.0 and 1.1. */
#define MODERN "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

/* What Windows XP's Schannel speaks: RSA key exchange with RC4 or 3DES.  %SAFE_RENEGOTIATION
 * would shut it out (RFC 5746 is younger); renegotiation is refused by tls_read instead. */
#define XP_SUITES "+RSA:+ARCFOUR-128:+3DES-CBC:+MD5:+SHA1:+COMP-NULL"

static const char legacy_priorities[] = MODERN ":+VERS-TLS1.0:" XP_SUITES ":%COMPAT";
static const char legacy_only_priorities[] = "NONE:+VERS-TLS1.0:" XP_SUITES ":%COMPAT";

static const char *const client_priorities[] = {
    [TLS_CLIENT_MODERN] = MODERN,
    [TLS_CLIENT_XP] =
        "NONE:+VERS-TLS1.0:" XP_SUITES ":%COMPAT:%NO_EXTENSIONS:%DISABLE_SAFE_RENEGOTIATION"
        ":%VERIFY_ALLOW_SIGN_WITH_SHA1",
    [TLS_CLIENT_TLS12] = "NORMAL:-VERS-ALL:+VERS-TLS1.2",
    [TLS_CLIENT_TLS10] = "NORMAL:-VERS-ALL:+VERS-TLS1.0:%VERIFY_ALLOW_SIGN_WITH_SHA1",
};

/* A ticket opens only the kind of door it was made at: one of the legacy lane must not carry TLS
 * 1.0 to a modern listener, nor one of a door without client certificates into one with them.  A
 * door that demands them or their names makes none: who resumes is not looked at again. */
enum ticket_kind { TICKET_MODERN, TICKET_LEGACY, TICKET_MUTUAL, TICKET_KINDS };

static gnutls_datum_t ticket_keys[TICKET_KINDS];
static bool hash_key_drawn;

/* A refusal here is the end of memory or of randomness. */
static void must(int rc)
{
    if (rc < 0)
        abort();
}

void tls_process_init(void)
{
    for (int i = 0; i < TICKET_KINDS; i++)
        if (!ticket_keys[i].data)
            must(gnutls_session_ticket_key_generate(&ticket_keys[i]));
    if (!hash_key_drawn)
        tls_tickets_init();
    hash_key_drawn = true;
}

static struct tls_context *context_new(void)
{
    struct tls_context *c = calloc(1, sizeof(*c));

    if (!c)
        abort();
    c->refs = 1;
    must(gnutls_certificate_allocate_credentials(&c->credentials));
    return c;
}

void tls_context_ref(struct tls_context *c)
{
    __atomic_add_fetch(&c->refs, 1, __ATOMIC_RELAXED);
}

void tls_context_free(struct tls_context *c)
{
    if (!c || __atomic_sub_fetch(&c->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    if (c->priorities)
        gnutls_priority_deinit(c->priorities);
    gnutls_certificate_free_credentials(c->credentials);
    for (unsigned i = 0; i < c->peer_name_count; i++)
        free(c->peer_names[i]);
    free(c->peer_names);
    free(c);
}

static struct tls_context *give_up(struct tls_context *c)
{
    tls_context_free(c);
    return NULL;
}

static bool set_priorities(struct tls_context *c, const char *text, struct buf *why)
{
    int rc = gnutls_priority_init(&c->priorities, text, NULL);

    if (rc >= 0)
        return true;
    c->priorities = NULL;
    buf_printf(why,
               "the TLS library does not accept '%s' (%s): does a site-wide GnuTLS configuration "
               "forbid it?",
               text, gnutls_strerror(rc));
    return false;
}

static bool load_pair(struct tls_context *c, const char *cert, const char *key, struct buf *why)
{
    if (!key) {
        buf_printf(why, "%s: a certificate without its key file", cert);
        return false;
    }
    int rc = gnutls_certificate_set_x509_key_file(c->credentials, cert, key, GNUTLS_X509_FMT_PEM);
    if (rc >= 0)
        return true;
    buf_printf(why, "%s, %s: %s", cert, key, gnutls_strerror(rc));
    return false;
}

static bool has_rsa_key(const struct tls_context *c)
{
    gnutls_x509_privkey_t key;

    for (unsigned i = 0; gnutls_certificate_get_x509_key(c->credentials, i, &key) >= 0; i++) {
        int algorithm = gnutls_x509_privkey_get_pk_algorithm(key);

        gnutls_x509_privkey_deinit(key);
        if (algorithm == GNUTLS_PK_RSA)
            return true;
    }
    return false;
}

/* The order of loading is the order of preference under TLS 1.3. */
static bool load_server_certificates(struct tls_context *c, const struct tls_server_settings *s,
                                     struct buf *why)
{
    unsigned loaded = 0;

    for (size_t i = 0; i < ARRAY_LEN(s->cert_file); i++) {
        if (!s->cert_file[i])
            continue;
        if (!load_pair(c, s->cert_file[i], s->key_file[i], why))
            return false;
        loaded++;
    }
    if (loaded == 0) {
        buf_add_c(why, "no certificate given");
        return false;
    }
    if ((s->legacy || s->legacy_only) && !has_rsa_key(c)) {
        buf_add_c(why, "the legacy lane needs an RSA certificate: Windows XP knows no other");
        return false;
    }
    return true;
}

static bool load_trust(struct tls_context *c, const char *file, struct buf *why)
{
    int rc = gnutls_certificate_set_x509_trust_file(c->credentials, file, GNUTLS_X509_FMT_PEM);

    if (rc > 0)
        return true;
    buf_printf(why, "%s: %s", file, rc == 0 ? "no certificate in it" : gnutls_strerror(rc));
    return false;
}

static void own_names(struct tls_context *c, const char *const *names, unsigned count,
                      enum fault fault)
{
    if (count == 0)
        return;
    c->peer_names = calloc(count, sizeof(*c->peer_names));
    if (!c->peer_names)
        abort();
    for (unsigned i = 0; i < count; i++)
        c->peer_names[i] = str_own(str_from_c(names[i]));
    c->peer_name_count = count;
    c->name_fault = fault;
}

static const gnutls_datum_t *ticket_key_for(const struct tls_server_settings *s)
{
    if (s->client_required || s->client_name_count > 0)
        return NULL;
    if (s->client_ca_file)
        return &ticket_keys[TICKET_MUTUAL];
    return &ticket_keys[s->legacy || s->legacy_only ? TICKET_LEGACY : TICKET_MODERN];
}

/* Whom a server lets in. */
static bool set_clients(struct tls_context *c, const struct tls_server_settings *s, struct buf *why)
{
    own_names(c, s->client_names, s->client_name_count, s->name_fault);
    if (s->client_ca_file) {
        c->client_certificate = s->client_required ? GNUTLS_CERT_REQUIRE : GNUTLS_CERT_REQUEST;
        return load_trust(c, s->client_ca_file, why);
    }
    if (!s->client_required && s->client_name_count == 0)
        return true;
    buf_add_c(why, "client certificates are asked for, but no CA that issues them is given");
    return false;
}

struct tls_context *tls_server_context_new(const struct tls_server_settings *s, struct buf *why)
{
    struct tls_context *c = context_new();
    const char *priorities = s->legacy_only ? legacy_only_priorities
                             : s->legacy    ? legacy_priorities
                                            : MODERN;

    tls_process_init();
    c->server = true;
    c->client_certificate = GNUTLS_CERT_IGNORE;
    c->ticket_key = ticket_key_for(s);
    c->know_devices = s->know_devices && c->ticket_key;
    if (!load_server_certificates(c, s, why) || !set_priorities(c, priorities, why) ||
        !set_clients(c, s, why))
        return give_up(c);
    return c;
}

/* Whom a client trusts. */
static bool set_trust(struct tls_context *c, const struct tls_client_settings *s, struct buf *why)
{
    if (!c->verify)
        return true;
    if (s->ca_file)
        return load_trust(c, s->ca_file, why);
    int rc = gnutls_certificate_set_x509_system_trust(c->credentials);
    if (rc > 0)
        return true;
    buf_printf(why, "the system's trusted certificates cannot be read (%s): name a CA file",
               rc == 0 ? "none there" : gnutls_strerror(rc));
    return false;
}

struct tls_context *tls_client_context_new(const struct tls_client_settings *s, struct buf *why)
{
    struct tls_context *c = context_new();

    c->kind = s->kind;
    c->verify = !s->no_verify;
    c->has_certificate = s->cert_file != NULL;
    assert((size_t)s->kind < ARRAY_LEN(client_priorities));
    assert(c->verify || s->server_name_count == 0);
    own_names(c, s->server_names, s->server_name_count, s->name_fault);
    if (!set_priorities(c, client_priorities[s->kind], why) ||
        (s->cert_file && !load_pair(c, s->cert_file, s->key_file, why)) || !set_trust(c, s, why))
        return give_up(c);
    return c;
}
