/* SPDX-License-Identifier: MIT */
/* A certification authority of one's own, for the demo and the tests.  It signs with RSA: the
 * clients of the legacy lane know nothing else. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <gnutls/abstract.h>
#include <gnutls/x509.h>

#include "base/secret.h"
#include "tls/tls_internal.h"

enum { DAY_S = 24 * 60 * 60, VALID_DAYS = 365, RSA_BITS = 2048, SERIAL_LEN = 16 };

/* Everything that making one certificate holds; freed together. */
struct making {
    gnutls_x509_crt_t cert, ca_cert;
    gnutls_x509_privkey_t key, ca_key;
    struct buf *why;
};

static bool check(struct making *m, int rc, const char *what)
{
    if (rc >= 0)
        return true;
    buf_printf(m->why, "%s: %s", what, gnutls_strerror(rc));
    return false;
}

static bool begin(struct making *m, struct buf *why)
{
    *m = (struct making){ .why = why };
    return check(m, gnutls_x509_crt_init(&m->cert), "certificate") &&
           check(m, gnutls_x509_privkey_init(&m->key), "key");
}

static void end(struct making *m)
{
    gnutls_x509_crt_deinit(m->cert);
    gnutls_x509_crt_deinit(m->ca_cert);
    gnutls_x509_privkey_deinit(m->key);
    gnutls_x509_privkey_deinit(m->ca_key);
}

static bool generate_key(struct making *m, bool rsa)
{
    unsigned bits = rsa ? RSA_BITS : GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1);

    return check(
        m, gnutls_x509_privkey_generate(m->key, rsa ? GNUTLS_PK_RSA : GNUTLS_PK_ECDSA, bits, 0),
        "making a key");
}

/* Backdated a day: the clocks of demo clients differ. */
static bool set_times(struct making *m, int from_days, int to_days)
{
    time_t now = time(NULL);
    bool usual = from_days == 0 && to_days == 0;
    time_t from = now + (usual ? -1 : from_days) * (time_t)DAY_S;
    time_t to = now + (usual ? VALID_DAYS : to_days) * (time_t)DAY_S;

    return check(m, gnutls_x509_crt_set_activation_time(m->cert, from), "time") &&
           check(m, gnutls_x509_crt_set_expiration_time(m->cert, to), "time");
}

static bool fill_common(struct making *m, const char *common_name)
{
    unsigned char serial[SERIAL_LEN];

    random_bytes(serial, sizeof(serial));
    serial[0] = (serial[0] & 0x3F) | 0x40; /* positive and of full length (RFC 5280 4.1.2.2) */
    return check(m, gnutls_x509_crt_set_version(m->cert, 3), "version") &&
           check(m, gnutls_x509_crt_set_serial(m->cert, serial, sizeof(serial)), "serial") &&
           check(m,
                 gnutls_x509_crt_set_dn_by_oid(m->cert, GNUTLS_OID_X520_COMMON_NAME, 0, common_name,
                                               (unsigned)strlen(common_name)),
                 "name") &&
           check(m, gnutls_x509_crt_set_key(m->cert, m->key), "key");
}

static int key_id(gnutls_x509_crt_t cert, unsigned char id[64], size_t *len)
{
    *len = 64;
    return gnutls_x509_crt_get_key_id(cert, GNUTLS_KEYID_USE_SHA1, id, len);
}

static bool set_key_ids(struct making *m)
{
    unsigned char id[64];
    size_t len;

    if (!check(m, key_id(m->cert, id, &len), "key id") ||
        !check(m, gnutls_x509_crt_set_subject_key_id(m->cert, id, len), "key id"))
        return false;
    return !m->ca_cert ||
           (check(m, key_id(m->ca_cert, id, &len), "key id") &&
            check(m, gnutls_x509_crt_set_authority_key_id(m->cert, id, len), "key id"));
}

static bool write_file(struct making *m, const char *path, const gnutls_datum_t *pem, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, mode);
    bool ok =
        fd >= 0 && fchmod(fd, mode) == 0 && write(fd, pem->data, pem->size) == (ssize_t)pem->size;

    if (!ok)
        buf_printf(m->why, "%s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return ok;
}

static bool save(struct making *m, const char *cert_file, const char *key_file)
{
    gnutls_datum_t pem;

    if (!check(m, gnutls_x509_privkey_export2(m->key, GNUTLS_X509_FMT_PEM, &pem), "key"))
        return false;
    bool ok = write_file(m, key_file, &pem, 0600);
    gnutls_memset(pem.data, 0, pem.size);
    gnutls_free(pem.data);
    if (!ok || !check(m, gnutls_x509_crt_export2(m->cert, GNUTLS_X509_FMT_PEM, &pem), "export"))
        return false;
    ok = write_file(m, cert_file, &pem, 0644);
    gnutls_free(pem.data);
    return ok;
}

static bool make_ca(struct making *m)
{
    return generate_key(m, true) && fill_common(m, "Postern demo CA") && set_times(m, 0, 0) &&
           check(m, gnutls_x509_crt_set_basic_constraints(m->cert, 1, 0), "constraints") &&
           check(m,
                 gnutls_x509_crt_set_key_usage(m->cert,
                                               GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN),
                 "usage") &&
           set_key_ids(m) &&
           check(m, gnutls_x509_crt_sign2(m->cert, m->cert, m->key, GNUTLS_DIG_SHA256, 0),
                 "signing");
}

bool tls_make_ca(const char *ca_cert_file, const char *ca_key_file, struct buf *why)
{
    struct making m;
    bool ok = begin(&m, why) && make_ca(&m) && save(&m, ca_cert_file, ca_key_file);

    end(&m);
    return ok;
}

static bool load_ca(struct making *m, const char *cert_file, const char *key_file)
{
    gnutls_datum_t pem;

    if (!check(m, gnutls_x509_crt_init(&m->ca_cert), "CA") ||
        !check(m, gnutls_x509_privkey_init(&m->ca_key), "CA") ||
        !check(m, gnutls_load_file(cert_file, &pem), cert_file))
        return false;
    int rc = gnutls_x509_crt_import(m->ca_cert, &pem, GNUTLS_X509_FMT_PEM);
    gnutls_free(pem.data);
    if (!check(m, rc, cert_file) || !check(m, gnutls_load_file(key_file, &pem), key_file))
        return false;
    rc = gnutls_x509_privkey_import(m->ca_key, &pem, GNUTLS_X509_FMT_PEM);
    gnutls_memset(pem.data, 0, pem.size);
    gnutls_free(pem.data);
    return check(m, rc, key_file);
}

static int add_name(struct making *m, const char *name)
{
    struct in6_addr ip;

    if (inet_pton(AF_INET, name, &ip) == 1)
        return gnutls_x509_crt_set_subject_alt_name(m->cert, GNUTLS_SAN_IPADDRESS, &ip, 4,
                                                    GNUTLS_FSAN_APPEND);
    if (inet_pton(AF_INET6, name, &ip) == 1)
        return gnutls_x509_crt_set_subject_alt_name(m->cert, GNUTLS_SAN_IPADDRESS, &ip, 16,
                                                    GNUTLS_FSAN_APPEND);
    return gnutls_x509_crt_set_subject_alt_name(m->cert, GNUTLS_SAN_DNSNAME, name,
                                                (unsigned)strlen(name), GNUTLS_FSAN_APPEND);
}

static bool add_purpose(struct making *m, const char *oid, bool left_out)
{
    return left_out || check(m, gnutls_x509_crt_set_key_purpose_oid(m->cert, oid, 0), "purpose");
}

/* Both purposes unless told otherwise: between servers the one that calls presents its certificate
 * too (MTLS). */
static bool set_purpose(struct making *m, const struct tls_cert_wish *w)
{
    unsigned usage = GNUTLS_KEY_DIGITAL_SIGNATURE | (w->rsa ? GNUTLS_KEY_KEY_ENCIPHERMENT : 0);

    return check(m, gnutls_x509_crt_set_basic_constraints(m->cert, 0, -1), "constraints") &&
           check(m, gnutls_x509_crt_set_key_usage(m->cert, usage), "usage") &&
           add_purpose(m, GNUTLS_KP_TLS_WWW_SERVER, w->no_server_purpose) &&
           add_purpose(m, GNUTLS_KP_TLS_WWW_CLIENT, w->no_client_purpose);
}

static bool make_cert(struct making *m, const struct tls_cert_wish *w)
{
    if (!generate_key(m, w->rsa) ||
        !fill_common(m, w->common_name ? w->common_name : w->names[0]) ||
        !set_times(m, w->valid_from_days, w->valid_to_days))
        return false;
    for (const char *const *name = w->names; *name; name++)
        if (!check(m, add_name(m, *name), *name))
            return false;
    return set_purpose(m, w) && set_key_ids(m) &&
           check(m, gnutls_x509_crt_sign2(m->cert, m->ca_cert, m->ca_key, GNUTLS_DIG_SHA256, 0),
                 "signing");
}

bool tls_make_cert_with(const struct tls_cert_wish *w, struct buf *why)
{
    struct making m;
    bool ok = begin(&m, why) && load_ca(&m, w->ca_cert_file, w->ca_key_file) && make_cert(&m, w) &&
              save(&m, w->cert_file, w->key_file);

    end(&m);
    return ok;
}

bool tls_make_cert(const char *ca_cert_file, const char *ca_key_file, const char *const *names,
                   bool rsa, const char *cert_file, const char *key_file, struct buf *why)
{
    const struct tls_cert_wish w = {
        .names = names,
        .rsa = rsa,
        .ca_cert_file = ca_cert_file,
        .ca_key_file = ca_key_file,
        .cert_file = cert_file,
        .key_file = key_file,
    };

    return tls_make_cert_with(&w, why);
}
