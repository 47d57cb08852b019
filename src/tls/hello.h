/* SPDX-License-Identifier: MIT */
/* What a ClientHello offers, read by ourselves: when no version or suite is common the TLS
 * library says only that, and the administrator wants to know what the client could have done.
 * Nor does it tell which ticket a client comes back with.  Pure: bytes in, slices out. */
#ifndef POSTERN_TLS_HELLO_H
#define POSTERN_TLS_HELLO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

enum {
    TLS_HELLO_SEEN_MAX = 4096, /* of a stream; more is not looked at */
    TLS_HELLO_SUITES_MAX = 64,
    TLS_HELLO_VERSIONS_MAX = 8,
    TLS_HELLO_PSKS_MAX = 4,
};

enum tls_hello_form {
    TLS_HELLO_NONE,    /* too little to tell */
    TLS_HELLO_FOREIGN, /* not TLS at all */
    TLS_HELLO_TLS,     /* SSL 3.0 and later (RFC 5246 7.4.1.2, RFC 8446 4.1.2) */
    TLS_HELLO_SSL2,    /* the SSL 2.0 framing old clients begin with (RFC 5246 E.2) */
};

struct tls_hello {
    enum tls_hello_form form;
    bool cut;                                  /* ended early; the fields are what came */
    uint16_t versions[TLS_HELLO_VERSIONS_MAX]; /* supported_versions, else the one of the hello */
    unsigned version_count;
    uint16_t suites[TLS_HELLO_SUITES_MAX]; /* without GREASE (RFC 8701) and signalling values */
    unsigned suite_count;                  /* kept */
    unsigned suites_offered;               /* all, kept or not */
    struct str server_name;                /* empty: no SNI; points into the stream's message */
    struct str session_ticket;             /* RFC 5077 3.2; empty: none */
    struct str psks[TLS_HELLO_PSKS_MAX];   /* RFC 8446 4.2.11; a ticket is the identity of one */
    unsigned psk_count;                    /* kept; in the order of the hello */
};

/* `stream` is what the client sent first, records and all; the message inside is collected in
 * `message`, which the slices of `out` point into. */
void tls_hello_read(struct str stream, struct buf *message, struct tls_hello *out);
/* The same of a message that is at hand whole, without its header of four octets. */
void tls_hello_read_body(struct str body, struct tls_hello *out);
/* "client offered TLS 1.0; RC4-128-MD5, RC4-128-SHA, 3DES-SHA; no SNI" */
void tls_hello_print(const struct tls_hello *h, struct buf *out);
/* Both; nothing for an empty stream. */
void tls_hello_describe(struct str stream, struct buf *out);

#endif
