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
 * 1.0 to a modern listener, nor one of a door without client certificates into one with them. */
enum ticket_kind { TICKET_MODERN, TICKET_LEGACY, TICKET_MUTUAL, TICKET_KINDS };

static gnutls_datum_t ticket_keys[TICKET_KINDS];

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

struct tls_context *tls_server_context_new(const struct tls_server_settings *s, struct buf *why)
{
    struct tls_context *c = context_new();
    const char *priorities = s->legacy_only ? legacy_only_priorities
                             : s->legacy    ? legacy_priorities
                                            : MODERN;
    enum ticket_kind tickets = s->legacy || s->legacy_only ? TICKET_LEGACY : TICKET_MODERN;

    tls_process_init();
    c->server = true;
    c->ask_client_certificate = s->client_ca_file != NULL;
    c->ticket_key = &ticket_keys[c->ask_client_certificate ? TICKET_MUTUAL : tickets];
    if (!load_server_certificates(c, s, why) || !set_priorities(c, priorities, why))
        return give_up(c);
    if (s->client_ca_file && !load_trust(c, s->client_ca_file, why))
        return give_up(c);
    return c;
}

struct tls_context *tls_client_context_new(const struct tls_client_settings *s, struct buf *why)
{
    struct tls_context *c = context_new();

    c->kind = s->kind;
    c->verify = !s->no_verify;
    assert((size_t)s->kind < ARRAY_LEN(client_priorities));
    if (!set_priorities(c, client_priorities[s->kind], why))
        return give_up(c);
    if (!c->verify)
        return c;
    if (s->ca_file)
        return load_trust(c, s->ca_file, why) ? c : give_up(c);
    int rc = gnutls_certificate_set_x509_system_trust(c->credentials);
    if (rc > 0)
        return c;
    buf_printf(why, "the system's trusted certificates cannot be read (%s): name a CA file",
               rc == 0 ? "none there" : gnutls_strerror(rc));
    return give_up(c);
}
