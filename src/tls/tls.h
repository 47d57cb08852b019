/* SPDX-License-Identifier: MIT */
/* TLS over GnuTLS: bytes in, bytes out, no sockets.  Only src/tls/tls*.c include the library's
 * headers.  A session owns no buffer of its own: ciphertext is read from a slice the
 * caller sets for the length of one event and written to a buffer the caller lends. */
#ifndef POSTERN_TLS_TLS_H
#define POSTERN_TLS_TLS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "diag/fault.h"

struct tls_context; /* certificates, priorities, ticket key: shared by sessions, read-only */
struct tls;

struct tls_server_settings {
    const char *cert_file[2], *key_file[2]; /* ECDSA P-256 first, then RSA; NULL: none */
    bool legacy;                /* TLS 1.0 with RC4/3DES beside the modern ones; needs RSA */
    bool legacy_only;           /* nothing but these */
    const char *client_ca_file; /* ask for a client certificate; NULL: no */
    bool client_required;       /* none shown: refused; such a door resumes no sessions */
    /* A certificate that is shown must carry one of these DNS names; 0: any name will do. */
    const char *const *client_names;
    unsigned client_name_count;
    enum fault name_fault; /* when it carries none of them; FAULT_NONE: TLS_NAME */
    bool know_devices;     /* tell tickets apart: tls_resumed_ticket, tls_issued_tickets */
};

/* Ticket keys are drawn once per process: tls_process_init before any worker starts (making a
 * server context does it too). */
void tls_process_init(void);
/* NULL with a reason in `why`. */
struct tls_context *tls_server_context_new(const struct tls_server_settings *s, struct buf *why);

enum tls_client_kind {
    TLS_CLIENT_MODERN,
    TLS_CLIENT_XP /* TLS 1.0, RC4/3DES, RSA, no SNI */,
    TLS_CLIENT_TLS12,
    TLS_CLIENT_TLS10
};
struct tls_client_settings {
    enum tls_client_kind kind;
    const char *ca_file; /* NULL: system trust */
    bool no_verify;      /* accept any certificate */
    /* The certificate shown to servers that ask for one, whatever issuers they would like. */
    const char *cert_file, *key_file;
    /* The server's certificate must carry one of these instead of tls_new's name. */
    const char *const *server_names;
    unsigned server_name_count;
    enum fault name_fault; /* when it carries none of them; FAULT_NONE: TLS_NAME */
};
struct tls_context *tls_client_context_new(const struct tls_client_settings *s, struct buf *why);
void tls_context_ref(struct tls_context *c);
void tls_context_free(struct tls_context *c); /* drops one reference */

/* `server_name` for clients: SNI and the name the certificate must carry (an IP is matched
 * against IP SANs); with server_names it is SNI only, and NULL sends none.  NULL for servers. */
struct tls *tls_new(struct tls_context *c, const char *server_name);
void tls_free(struct tls *t);

enum tls_status { TLS_OK, TLS_AGAIN /* wants more input */, TLS_CLOSED, TLS_FAILED };

/* The slice the next calls read from, and where they write ciphertext (appended).  What was not
 * consumed is told by tls_input_left; GnuTLS keeps incomplete records itself. */
void tls_set_io(struct tls *t, struct str in, struct buf *out);
size_t tls_input_left(const struct tls *t);

/* On TLS_FAILED an alert has been written to out, and tls_fault / tls_reason say why. */
enum tls_status tls_handshake(struct tls *t);
enum tls_status tls_read(struct tls *t, char *into, size_t cap, size_t *got);
bool tls_write(struct tls *t, struct str plain); /* whole message as records into out */
void tls_bye(struct tls *t);                     /* close_notify into out */
bool tls_pending(const struct tls *t);           /* decrypted bytes wait inside */

enum fault
tls_fault(const struct tls *t); /* TLS_VERSION, TLS_SUITE, TLS_CERTIFICATE, TLS_NAME ... */
const char *tls_reason(const struct tls *t);
/* "TLS1.0 RSA ARCFOUR-128 MD5"; nothing before the handshake is done */
void tls_describe(const struct tls *t, struct buf *out);
bool tls_is_legacy(const struct tls *t);
bool tls_resumed(const struct tls *t);
/* A server with know_devices.  A ticket is known by a hash keyed for the life of this process; who
 * resumes with one has proven to be whom it was given to.  0: not resumed. */
uint64_t tls_resumed_ticket(const struct tls *t);
/* The last ones sent on this session, at most four; returns how many. */
unsigned tls_issued_tickets(const struct tls *t, uint64_t out[], unsigned max);
/* A client: the server asked for our certificate in this handshake. */
bool tls_client_was_asked(const struct tls *t);
/* The first DNS name of the peer's certificate, else its CN, fit for a trace; false: none. */
bool tls_peer_name(const struct tls *t, struct buf *out);

/* What the ClientHello offered, for the trace of a refusal: version and suites, as far as it was
 * seen.  Empty when nothing came. */
void tls_describe_offer(const struct tls *t, struct buf *out);
/* Session data for resumption by a client (load generator, tests). */
bool tls_session_get(struct tls *t, struct buf *out);
void tls_session_set(struct tls *t, struct str data);

/* A self-made CA and certificates of it; PEM files, those of keys written with 0600.  For demo and
 * tests. */
struct tls_cert_wish {
    const char *const *names; /* DNS names and IP addresses, NULL ends */
    const char *common_name;  /* NULL: the first name */
    bool rsa;                 /* else ECDSA P-256 */
    const char *ca_cert_file, *ca_key_file;
    const char *cert_file, *key_file;          /* where they are written */
    int valid_from_days, valid_to_days;        /* from now; both 0: from yesterday for a year */
    bool no_server_purpose, no_client_purpose; /* both: no extended key usage, which allows any */
};
bool tls_make_ca(const char *ca_cert_file, const char *ca_key_file, struct buf *why);
bool tls_make_cert_with(const struct tls_cert_wish *w, struct buf *why);
bool tls_make_cert(const char *ca_cert_file, const char *ca_key_file, const char *const *names,
                   bool rsa, const char *cert_file, const char *key_file, struct buf *why);

#endif
