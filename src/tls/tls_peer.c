/* SPDX-License-Identifier: MIT */
/* The other side's certificate: whether it will do, whose it is, and which alert says why not. */
#include <stdlib.h>

#include <gnutls/x509.h>

#include "tls/tls_internal.h"

enum {
    NAME_MAX_LEN = 253, /* of a DNS name (RFC 1035 2.3.4); longer ones are none */
    NAME_SHOWN = 64,
    NAMES_LOOKED_AT = 16, /* a certificate may hold thousands */
};

/* --- what is wrong --- */

/* The first thing wrong is the one told: who signed it, then when, then what for, then whose.  The
 * alerts are those of RFC 8446 6.2, so that the other side's trace can tell which it was. */
static const struct {
    unsigned status;
    struct tls_verdict verdict;
} verdicts[] = {
    { GNUTLS_CERT_SIGNER_NOT_FOUND,
      { FAULT_TLS_CERTIFICATE, GNUTLS_A_UNKNOWN_CA, "its issuer is unknown here" } },
    { GNUTLS_CERT_SIGNER_NOT_CA,
      { FAULT_TLS_CERTIFICATE, GNUTLS_A_UNKNOWN_CA, "its issuer is no certification authority" } },
    { GNUTLS_CERT_REVOKED,
      { FAULT_TLS_CERTIFICATE, GNUTLS_A_CERTIFICATE_REVOKED, "it is revoked" } },
    { GNUTLS_CERT_SIGNATURE_FAILURE,
      { FAULT_TLS_CERTIFICATE, GNUTLS_A_BAD_CERTIFICATE, "its signature is wrong" } },
    { GNUTLS_CERT_INSECURE_ALGORITHM,
      { FAULT_TLS_CERTIFICATE, GNUTLS_A_BAD_CERTIFICATE,
        "it is signed with too weak an algorithm" } },
    { GNUTLS_CERT_EXPIRED, { FAULT_TLS_EXPIRED, GNUTLS_A_CERTIFICATE_EXPIRED, "it has expired" } },
    { GNUTLS_CERT_NOT_ACTIVATED,
      { FAULT_TLS_EXPIRED, GNUTLS_A_CERTIFICATE_EXPIRED, "it is not valid yet" } },
    { GNUTLS_CERT_PURPOSE_MISMATCH,
      { FAULT_TLS_USAGE, GNUTLS_A_UNSUPPORTED_CERTIFICATE,
        "its extended key usage lacks server authentication" } },
    { GNUTLS_CERT_UNEXPECTED_OWNER,
      { FAULT_TLS_NAME, GNUTLS_A_BAD_CERTIFICATE, "that is not the name asked for" } },
};

struct tls_verdict tls_peer_verdict(unsigned status, const struct tls_context *c)
{
    struct tls_verdict v = { FAULT_TLS_CERTIFICATE, GNUTLS_A_BAD_CERTIFICATE, "it is not valid" };

    for (size_t i = 0; i < ARRAY_LEN(verdicts); i++) {
        if (status & verdicts[i].status) {
            v = verdicts[i].verdict;
            break;
        }
    }
    if (v.fault == FAULT_TLS_USAGE && c->server)
        v.text = "its extended key usage lacks client authentication";
    if (v.fault == FAULT_TLS_NAME && c->peer_name_count > 0) {
        v.fault = c->name_fault ? c->name_fault : FAULT_TLS_NAME;
        v.alert = GNUTLS_A_ACCESS_DENIED;
        v.text = "that is none of the names accepted here";
    }
    return v;
}

/* access_denied means a good certificate that may not come in (RFC 8446 6.2); only a link between
 * Edge and Front End shows one. */
enum fault tls_peer_refusal(gnutls_alert_description_t alert, const struct tls_context *c)
{
    switch (alert) {
    case GNUTLS_A_BAD_CERTIFICATE:
    case GNUTLS_A_CERTIFICATE_REVOKED:
    case GNUTLS_A_CERTIFICATE_UNKNOWN:
    case GNUTLS_A_UNKNOWN_CA:
    case GNUTLS_A_CERTIFICATE_REQUIRED:
        return FAULT_TLS_CERTIFICATE;
    case GNUTLS_A_UNSUPPORTED_CERTIFICATE:
        return FAULT_TLS_USAGE;
    case GNUTLS_A_CERTIFICATE_EXPIRED:
        return FAULT_TLS_EXPIRED;
    case GNUTLS_A_ACCESS_DENIED:
        return c->has_certificate || c->peer_name_count > 0 ? FAULT_EDGE_REFUSED
                                                            : FAULT_TLS_HANDSHAKE;
    default:
        return FAULT_NONE;
    }
}

/* --- whose it is --- */

static gnutls_x509_crt_t peer_certificate(gnutls_session_t session)
{
    unsigned count = 0;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &count);
    gnutls_x509_crt_t cert;

    if (!chain || count == 0)
        return NULL;
    if (gnutls_x509_crt_init(&cert) < 0)
        abort();
    if (gnutls_x509_crt_import(cert, &chain[0], GNUTLS_X509_FMT_DER) >= 0)
        return cert;
    gnutls_x509_crt_deinit(cert);
    return NULL;
}

static bool carries_one_of(gnutls_x509_crt_t cert, const struct tls_context *c)
{
    for (unsigned i = 0; i < c->peer_name_count; i++)
        if (gnutls_x509_crt_check_hostname(cert, c->peer_names[i]))
            return true;
    return false;
}

static unsigned check_names(gnutls_session_t session, const struct tls_context *c)
{
    gnutls_x509_crt_t cert = peer_certificate(session);
    bool good = cert && carries_one_of(cert, c);

    if (cert)
        gnutls_x509_crt_deinit(cert);
    return good ? 0 : GNUTLS_CERT_UNEXPECTED_OWNER | GNUTLS_CERT_INVALID;
}

unsigned tls_peer_verify(gnutls_session_t session, const struct tls_context *c, const char *host)
{
    const char *purpose = c->server ? GNUTLS_KP_TLS_WWW_CLIENT : GNUTLS_KP_TLS_WWW_SERVER;
    /* the library only reads them; size 0: terminated */
    gnutls_typed_vdata_st demands[] = {
        { GNUTLS_DT_KEY_PURPOSE_OID, (unsigned char *)purpose, 0 },
        { GNUTLS_DT_DNS_HOSTNAME, (unsigned char *)host, 0 },
    };
    bool own_names = c->peer_name_count > 0;
    unsigned count = host && !own_names ? 2 : 1;
    unsigned status = 0;

    if (gnutls_certificate_verify_peers(session, demands, count, &status) < 0)
        return status | GNUTLS_CERT_INVALID;
    return status == 0 && own_names ? check_names(session, c) : status;
}

/* What a stranger signed goes into one line of a trace: only what names are made of. */
static void add_clean(struct str name, struct buf *out)
{
    for (size_t i = 0; i < name.len && i < NAME_SHOWN; i++) {
        char c = name.ptr[i];
        bool plain = is_alpha(c) || is_digit(c) || (c != '\0' && strchr(".-_*@: ", c));
        buf_add_char(out, plain ? c : '?');
    }
    if (name.len > NAME_SHOWN)
        buf_add_c(out, "...");
}

static void add_name(struct str name, unsigned before, bool quoted, struct buf *out)
{
    buf_add_c(out, before > 0 ? ", " : "");
    buf_add_c(out, quoted ? "'" : "");
    add_clean(name, out);
    buf_add_c(out, quoted ? "'" : "");
}

static unsigned dns_names(gnutls_x509_crt_t cert, unsigned max, bool quoted, struct buf *out)
{
    unsigned found = 0;

    for (unsigned i = 0; i < NAMES_LOOKED_AT && found < max; i++) {
        char name[NAME_MAX_LEN + 1];
        size_t len = sizeof(name);
        int type = gnutls_x509_crt_get_subject_alt_name(cert, i, name, &len, NULL);

        if (type == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
            break;
        if (type == GNUTLS_SAN_DNSNAME)
            add_name(str_of(name, len), found++, quoted, out);
    }
    return found;
}

static unsigned common_name(gnutls_x509_crt_t cert, bool quoted, struct buf *out)
{
    char name[NAME_MAX_LEN + 1];
    size_t len = sizeof(name);

    if (gnutls_x509_crt_get_dn_by_oid(cert, GNUTLS_OID_X520_COMMON_NAME, 0, 0, name, &len) < 0)
        return 0;
    add_name(str_of(name, len), 0, quoted, out);
    return 1;
}

unsigned tls_peer_names(gnutls_session_t session, unsigned max, bool quoted, struct buf *out)
{
    gnutls_x509_crt_t cert = peer_certificate(session);

    if (!cert)
        return 0;
    unsigned found = dns_names(cert, max, quoted, out);
    if (found == 0)
        found = common_name(cert, quoted, out);
    gnutls_x509_crt_deinit(cert);
    return found;
}
