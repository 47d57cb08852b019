/* SPDX-License-Identifier: MIT */
/* Which ticket a client came back with, and which it was given: the library resumes sessions but
 * tells neither.  Tickets are kept as keyed hashes, so that what we keep opens nothing. */
#include <stdlib.h>

#include "base/secret.h"
#include "base/table.h"
#include "tls/be.h"
#include "tls/hello.h"
#include "tls/tls_internal.h"

enum { EXT_PRE_SHARED_KEY = 41 };

static uint64_t hash_key[2];

void tls_tickets_init(void)
{
    random_bytes(hash_key, sizeof(hash_key));
}

/* Never 0, which means none. */
static uint64_t hash(struct str ticket)
{
    uint64_t h = table_siphash(hash_key[0], hash_key[1], ticket, false);
    return h ? h : 1;
}

static struct tls_tickets *make(struct tls_tickets **t)
{
    if (!*t && !(*t = calloc(1, sizeof(**t))))
        abort();
    return *t;
}

/* After a HelloRetryRequest there is a second one; that counts. */
static void see_client_hello(struct tls_tickets **tickets, struct str body)
{
    struct tls_hello hello;

    free(*tickets);
    *tickets = NULL;
    tls_hello_read_body(body, &hello);
    if (hello.cut) /* the library will not take it either */
        return;
    if (hello.session_ticket.len > 0)
        make(tickets)->resumed = hash(hello.session_ticket);
    for (unsigned i = 0; i < hello.psk_count; i++)
        make(tickets)->hashes[i] = hash(hello.psks[i]);
}

/* RFC 8446 4.1.3, 4.2.11: which of the identities the server took; -1: none. */
static int selected_psk(struct str server_hello)
{
    struct wire w = { .all = server_hello };

    wire_bytes(&w, 2 + 32);
    wire_bytes(&w, wire_u8(&w));
    wire_bytes(&w, 2 + 1);
    struct wire extensions = { .all = be_opaque16(&w) };
    while (wire_left(&extensions) > 0) {
        uint16_t type = be16(&extensions);
        struct wire body = { .all = be_opaque16(&extensions) };
        if (type == EXT_PRE_SHARED_KEY && wire_left(&body) == 2)
            return be16(&body);
    }
    return -1;
}

/* A client may offer tickets that are not its own before one that is: only the one the server took
 * is proven by the handshake. */
static void see_server_hello(struct tls_tickets *t, struct str body)
{
    int selected = selected_psk(body);

    if (!t)
        return;
    if (selected >= 0)
        t->resumed = selected < TLS_TICKETS_KEPT ? t->hashes[selected] : 0;
    memset(t->hashes, 0, sizeof(t->hashes));
}

/* RFC 8446 4.6.1: lifetime, age_add, nonce, ticket; RFC 5077 3.3: lifetime, ticket. */
static struct str ticket_of(struct str new_session_ticket, bool tls13)
{
    struct wire w = { .all = new_session_ticket };

    wire_u32(&w);
    if (tls13) {
        wire_u32(&w);
        wire_bytes(&w, wire_u8(&w));
    }
    return be_opaque16(&w);
}

/* Of more than are kept the newest ones. */
static void see_new_ticket(struct tls_tickets **tickets, struct str ticket)
{
    if (ticket.len == 0)
        return;
    struct tls_tickets *t = make(tickets);
    unsigned n = 0;
    while (n < TLS_TICKETS_KEPT && t->hashes[n] != 0)
        n++;
    if (n == TLS_TICKETS_KEPT)
        memmove(t->hashes, t->hashes + 1, --n * sizeof(t->hashes[0]));
    t->hashes[n] = hash(ticket);
}

void tls_tickets_see(struct tls_tickets **t, unsigned type, bool tls13, struct str body)
{
    if (type == GNUTLS_HANDSHAKE_CLIENT_HELLO)
        see_client_hello(t, body);
    else if (type == GNUTLS_HANDSHAKE_SERVER_HELLO)
        see_server_hello(*t, body);
    else if (type == GNUTLS_HANDSHAKE_NEW_SESSION_TICKET)
        see_new_ticket(t, ticket_of(body, tls13));
}
