/* SPDX-License-Identifier: MIT */
/* What the files of this area share.  Only tls*.c include the TLS library's headers. */
#ifndef POSTERN_TLS_TLS_INTERNAL_H
#define POSTERN_TLS_TLS_INTERNAL_H

#include <gnutls/gnutls.h>

#include "tls/hello.h"
#include "tls/tls.h"

struct tls_context {
    unsigned refs; /* atomic: sessions of all workers share one context */
    bool server;
    bool verify; /* a client: check the server's certificate */
    enum tls_client_kind kind;
    const gnutls_datum_t *ticket_key; /* servers that resume; belongs to the process */
    gnutls_priority_t priorities;
    gnutls_certificate_credentials_t credentials;
    gnutls_certificate_request_t client_certificate; /* a server: whether it asks for one */
    bool has_certificate;                            /* a client that can show one */
    char **peer_names;                               /* the peer's certificate carries one */
    unsigned peer_name_count;                        /* 0: any, or the name of the session */
    enum fault name_fault;
    bool know_devices;
};

/* --- tls_peer.c --- */

/* What is wrong with a peer's certificate: what we say, and what the peer is told. */
struct tls_verdict {
    enum fault fault;
    gnutls_alert_description_t alert;
    const char *text; /* goes on from "the certificate names 'a'" */
};

/* The chain, the times, the purpose and the name; 0 when all is good.  `host` when the context has
 * no names of its own; NULL: any. */
unsigned tls_peer_verify(gnutls_session_t session, const struct tls_context *c, const char *host);
/* The first thing wrong in a status that is not 0. */
struct tls_verdict tls_peer_verdict(unsigned status, const struct tls_context *c);
/* What the peer's refusal of our certificate means; FAULT_NONE: the alert is of another kind. */
enum fault tls_peer_refusal(gnutls_alert_description_t alert, const struct tls_context *c);
/* At most `max` names, as 'a', 'b'; how many there were.  Clean: see tls_peer_name. */
unsigned tls_peer_names(gnutls_session_t session, unsigned max, bool quoted, struct buf *out);

/* --- tls_ticket.c --- */

enum { TLS_TICKETS_KEPT = TLS_HELLO_PSKS_MAX };

/* Until the server's hello, what the client offers: `resumed` is the ticket of TLS 1.2 and `hashes`
 * are those of TLS 1.3.  From then on the one it was resumed with, if it was, and those it was
 * given; 0 ends. */
struct tls_tickets {
    uint64_t resumed;
    uint64_t hashes[TLS_TICKETS_KEPT];
};

void tls_tickets_init(void);
/* A handshake message without its header, of the server's side of a session.  `*t` is made when
 * there is anything to keep; the caller frees it. */
void tls_tickets_see(struct tls_tickets **t, unsigned type, bool tls13, struct str body);

#endif
