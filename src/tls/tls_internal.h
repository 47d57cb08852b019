/* SPDX-License-Identifier: MIT */
/* What the files of this area share.  Only tls*.c include the TLS library's headers. */
#ifndef POSTERN_TLS_TLS_INTERNAL_H
#define POSTERN_TLS_TLS_INTERNAL_H

#include <gnutls/gnutls.h>

#include "tls/tls.h"

struct tls_context {
    unsigned refs; /* atomic: sessions of all workers share one context */
    bool server;
    bool verify; /* a client: check the server's certificate */
    enum tls_client_kind kind;
    const gnutls_datum_t *ticket_key; /* servers; belongs to the process */
    gnutls_priority_t priorities;
    gnutls_certificate_credentials_t credentials;
    bool ask_client_certificate;
};

#endif
