/* SPDX-License-Identifier: MIT */
/* One session: the library's records in, plaintext out, and why it failed. */
#include "tls/tls.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/uio.h>

#include "tls/hello.h"
#include "tls/tls_internal.h"

enum { REASON_MAX = 320, NAMES_TOLD = 3 };

struct tls {
    gnutls_session_t session;
    struct tls_context *context;
    char *server_name; /* the library keeps the pointer it is given */
    struct str in;
    struct buf *out;
    struct buf seen; /* a server's first input, until the handshake is done */
    char *reason;    /* allocated when it fails */
    enum fault fault;
    unsigned certificate_status; /* of the peer's, once it was looked at */
    bool established;
    struct tls_tickets *tickets; /* with know_devices, when there are any */
};

static struct tls *self(gnutls_transport_ptr_t ptr)
{
    return ptr;
}

static void remember(struct tls *t, size_t n)
{
    size_t room = TLS_HELLO_SEEN_MAX - t->seen.len;

    buf_add(&t->seen, str_first(str_first(t->in, n), room));
}

static ssize_t pull(gnutls_transport_ptr_t ptr, void *into, size_t cap)
{
    struct tls *t = self(ptr);
    size_t n = cap < t->in.len ? cap : t->in.len;

    if (n == 0) {
        gnutls_transport_set_errno(t->session, EAGAIN);
        return -1;
    }
    if (t->context->server && !t->established)
        remember(t, n);
    memcpy(into, t->in.ptr, n);
    t->in = str_skip(t->in, n);
    return (ssize_t)n;
}

static int pull_ready(gnutls_transport_ptr_t ptr, unsigned int ms)
{
    (void)ms;
    return self(ptr)->in.len > 0;
}

static ssize_t push(gnutls_transport_ptr_t ptr, const giovec_t *parts, int count)
{
    struct tls *t = self(ptr);
    size_t total = 0;

    assert(t->out);
    for (int i = 0; i < count; i++) {
        buf_add(t->out, str_of(parts[i].iov_base, parts[i].iov_len));
        total += parts[i].iov_len;
    }
    return (ssize_t)total;
}

static bool is_ip_address(const char *name)
{
    struct in6_addr ignored;

    return inet_pton(AF_INET, name, &ignored) == 1 || inet_pton(AF_INET6, name, &ignored) == 1;
}

static unsigned session_flags(const struct tls_context *c)
{
    unsigned flags = GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL;

    if (c->server)
        return flags | GNUTLS_SERVER | (c->ticket_key ? 0 : GNUTLS_NO_TICKETS);
    flags |= GNUTLS_CLIENT;
    if (c->has_certificate) /* one of a foreign issuer is shown too: the refusal then names it */
        flags |= GNUTLS_FORCE_CLIENT_CERT;
    return c->kind == TLS_CLIENT_XP ? flags | GNUTLS_NO_EXTENSIONS | GNUTLS_NO_TICKETS : flags;
}

/* Without a certificate there is nothing to look at: whether a client may come so is the library's
 * question (GNUTLS_CERT_REQUIRE), and no server may. */
static int check_peer(gnutls_session_t session)
{
    struct tls *t = gnutls_session_get_ptr(session);
    unsigned count = 0;

    if (t->context->server && (!gnutls_certificate_get_peers(session, &count) || count == 0))
        return t->context->client_certificate == GNUTLS_CERT_REQUIRE ? GNUTLS_E_CERTIFICATE_REQUIRED
                                                                     : 0;
    t->certificate_status = tls_peer_verify(session, t->context, t->server_name);
    return t->certificate_status != 0 ? -1 : 0;
}

static int see_message(gnutls_session_t session, unsigned type, unsigned when, unsigned incoming,
                       const gnutls_datum_t *message)
{
    struct tls *t = gnutls_session_get_ptr(session);
    bool tls13 = gnutls_protocol_get_version(session) >= GNUTLS_TLS1_3;

    (void)when;
    (void)incoming;
    tls_tickets_see(&t->tickets, type, tls13, str_of(message->data, message->size));
    return 0;
}

static void set_up_server(struct tls *t)
{
    if (t->context->know_devices)
        gnutls_handshake_set_hook_function(t->session, GNUTLS_HANDSHAKE_ANY, GNUTLS_HOOK_PRE,
                                           see_message);
    if (t->context->ticket_key)
        gnutls_session_ticket_enable_server(t->session, t->context->ticket_key);
    if (t->context->client_certificate == GNUTLS_CERT_IGNORE)
        return;
    gnutls_certificate_server_set_request(t->session, t->context->client_certificate);
    gnutls_session_set_verify_function(t->session, check_peer);
}

static void set_up_client(struct tls *t)
{
    const char *name = t->server_name;

    if (name && t->context->kind != TLS_CLIENT_XP && !is_ip_address(name))
        gnutls_server_name_set(t->session, GNUTLS_NAME_DNS, name, strlen(name));
    if (t->context->verify)
        gnutls_session_set_verify_function(t->session, check_peer);
}

struct tls *tls_new(struct tls_context *c, const char *server_name)
{
    struct tls *t = calloc(1, sizeof(*t));

    if (!t || gnutls_init(&t->session, session_flags(c)) < 0)
        abort();
    tls_context_ref(c);
    t->context = c;
    t->in = STR_NONE;
    t->server_name = server_name ? str_own(str_from_c(server_name)) : NULL;
    gnutls_priority_set(t->session, c->priorities);
    gnutls_credentials_set(t->session, GNUTLS_CRD_CERTIFICATE, c->credentials);
    gnutls_session_set_ptr(t->session, t);
    gnutls_transport_set_ptr(t->session, t);
    gnutls_transport_set_pull_function(t->session, pull);
    gnutls_transport_set_pull_timeout_function(t->session, pull_ready);
    gnutls_transport_set_vec_push_function(t->session, push);
    if (c->server)
        set_up_server(t);
    else
        set_up_client(t);
    return t;
}

void tls_free(struct tls *t)
{
    if (!t)
        return;
    gnutls_deinit(t->session);
    tls_context_free(t->context);
    buf_fini(&t->seen);
    free(t->tickets);
    free(t->server_name);
    free(t->reason);
    free(t);
}

void tls_set_io(struct tls *t, struct str in, struct buf *out)
{
    t->in = in;
    t->out = out;
}

size_t tls_input_left(const struct tls *t)
{
    return t->in.len;
}

static enum fault fault_of_alert(const struct tls *t)
{
    gnutls_alert_description_t alert = gnutls_alert_get(t->session);
    enum fault refusal = tls_peer_refusal(alert, t->context);

    /* under TLS 1.3 a client is done before the server has seen its certificate (RFC 8446 2) */
    if (refusal || t->established)
        return refusal ? refusal : FAULT_TLS_RECORD;
    switch (alert) {
    case GNUTLS_A_PROTOCOL_VERSION:
        return FAULT_TLS_VERSION;
    case GNUTLS_A_HANDSHAKE_FAILURE:
    case GNUTLS_A_INSUFFICIENT_SECURITY:
        return FAULT_TLS_SUITE;
    case GNUTLS_A_UNRECOGNIZED_NAME:
        return FAULT_TLS_NAME;
    default:
        return FAULT_TLS_HANDSHAKE;
    }
}

static enum fault fault_of_error(const struct tls *t, int error)
{
    switch (error) {
    case GNUTLS_E_UNSUPPORTED_VERSION_PACKET:
        return FAULT_TLS_VERSION;
    case GNUTLS_E_NO_CIPHER_SUITES:
    case GNUTLS_E_UNKNOWN_CIPHER_SUITE:
    case GNUTLS_E_NO_COMMON_KEY_SHARE:
    case GNUTLS_E_INSUFFICIENT_CREDENTIALS:
    case GNUTLS_E_UNSUPPORTED_SIGNATURE_ALGORITHM:
        return FAULT_TLS_SUITE;
    case GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR:
    case GNUTLS_E_CERTIFICATE_ERROR:
    case GNUTLS_E_NO_CERTIFICATE_FOUND:
        return FAULT_TLS_CERTIFICATE;
    case GNUTLS_E_FATAL_ALERT_RECEIVED:
        return fault_of_alert(t);
    default:
        return t->established ? FAULT_TLS_RECORD : FAULT_TLS_HANDSHAKE;
    }
}

/* --- what is told --- */

static void send_alert(struct tls *t, gnutls_alert_description_t alert)
{
    gnutls_alert_send(t->session, GNUTLS_AL_FATAL, alert);
}

/* The library says "none found" too when the client sent an alert instead: it refuses ours. */
static int without_disguise(const struct tls *t, int error)
{
    bool alert = gnutls_alert_get(t->session) != GNUTLS_A_CLOSE_NOTIFY;

    return error == GNUTLS_E_NO_CERTIFICATE_FOUND && alert ? GNUTLS_E_FATAL_ALERT_RECEIVED : error;
}

static bool showed_none(const struct tls *t, int error)
{
    return t->context->server &&
           (error == GNUTLS_E_CERTIFICATE_REQUIRED || error == GNUTLS_E_NO_CERTIFICATE_FOUND);
}

/* TLS 1.2 has no alert of its own for this and would say handshake_failure (RFC 5246 7.4.6), which
 * reads as if no suite were common; its clients know the newer one by number at least. */
static void refuse_none(struct tls *t)
{
    t->fault = FAULT_TLS_CERTIFICATE;
    snprintf(t->reason, REASON_MAX, "the peer showed no certificate");
    send_alert(t, GNUTLS_A_CERTIFICATE_REQUIRED);
}

static void refuse_certificate(struct tls *t)
{
    struct tls_verdict verdict = tls_peer_verdict(t->certificate_status, t->context);
    struct buf names = { 0 };

    if (tls_peer_names(t->session, NAMES_TOLD, true, &names) == 0)
        buf_add_c(&names, "nobody");
    t->fault = verdict.fault;
    snprintf(t->reason, REASON_MAX, "the certificate names %.*s: %s", (int)names.len, names.ptr,
             verdict.text);
    buf_fini(&names);
    send_alert(t, verdict.alert);
}

static void give_up(struct tls *t, int error)
{
    t->fault = fault_of_error(t, error);
    if (error == GNUTLS_E_FATAL_ALERT_RECEIVED) {
        const char *name = gnutls_alert_get_name(gnutls_alert_get(t->session));
        snprintf(t->reason, REASON_MAX, "the peer sent the alert '%s'", name ? name : "unknown");
        return;
    }
    snprintf(t->reason, REASON_MAX, "%s", gnutls_strerror(error));
    gnutls_alert_send_appropriate(t->session, error);
}

static enum tls_status fail(struct tls *t, int error)
{
    t->reason = t->reason ? t->reason : calloc(1, REASON_MAX);
    if (!t->reason)
        abort();
    error = without_disguise(t, error);
    if (showed_none(t, error))
        refuse_none(t);
    else if (t->certificate_status != 0)
        refuse_certificate(t);
    else
        give_up(t, error);
    return TLS_FAILED;
}

enum tls_status tls_handshake(struct tls *t)
{
    int rc;

    if (t->fault)
        return TLS_FAILED;
    do
        rc = gnutls_handshake(t->session);
    while (rc == GNUTLS_E_INTERRUPTED || rc == GNUTLS_E_WARNING_ALERT_RECEIVED ||
           rc == GNUTLS_E_GOT_APPLICATION_DATA);
    if (rc == GNUTLS_E_AGAIN)
        return TLS_AGAIN;
    if (rc < 0)
        return fail(t, rc);
    t->established = true;
    buf_fini(&t->seen);
    return TLS_OK;
}

/* Renegotiation is declined and the session goes on: nobody here needs it, and the XP lane cannot
 * have the protection of RFC 5746. */
static void decline_renegotiation(struct tls *t)
{
    gnutls_alert_send(t->session, GNUTLS_AL_WARNING, GNUTLS_A_NO_RENEGOTIATION);
}

enum tls_status tls_read(struct tls *t, char *into, size_t cap, size_t *got)
{
    *got = 0;
    if (t->fault)
        return TLS_FAILED;
    for (;;) {
        size_t left = t->in.len;
        ssize_t n = gnutls_record_recv(t->session, into, cap);

        if (n > 0) {
            *got = (size_t)n;
            return TLS_OK;
        }
        switch (n) {
        case 0:
        case GNUTLS_E_PREMATURE_TERMINATION:
            return TLS_CLOSED;
        case GNUTLS_E_AGAIN:
            /* also said after a ticket or a key update, with more records to come */
            if (t->in.len > 0 && t->in.len < left)
                continue;
            return TLS_AGAIN;
        case GNUTLS_E_REHANDSHAKE:
            decline_renegotiation(t);
            continue;
        case GNUTLS_E_INTERRUPTED:
        case GNUTLS_E_WARNING_ALERT_RECEIVED:
            continue;
        default:
            return fail(t, (int)n);
        }
    }
}

bool tls_write(struct tls *t, struct str plain)
{
    while (plain.len > 0 && !t->fault) {
        ssize_t n = gnutls_record_send(t->session, plain.ptr, plain.len);

        if (n >= 0)
            plain = str_skip(plain, (size_t)n);
        else if (n != GNUTLS_E_AGAIN && n != GNUTLS_E_INTERRUPTED)
            fail(t, (int)n);
    }
    return plain.len == 0;
}

void tls_bye(struct tls *t)
{
    if (t->established && !t->fault)
        gnutls_bye(t->session, GNUTLS_SHUT_WR);
}

bool tls_pending(const struct tls *t)
{
    return gnutls_record_check_pending(t->session) > 0;
}

enum fault tls_fault(const struct tls *t)
{
    return t->fault;
}

const char *tls_reason(const struct tls *t)
{
    return t->reason ? t->reason : "";
}

static void add_word(struct buf *out, const char *name)
{
    if (!name)
        return;
    if (out->len > 0)
        buf_add_char(out, ' ');
    buf_add_c(out, name);
}

void tls_describe(const struct tls *t, struct buf *out)
{
    if (!t->established)
        return;
    gnutls_protocol_t version = gnutls_protocol_get_version(t->session);
    struct buf text = { 0 };

    add_word(&text, gnutls_protocol_get_name(version));
    if (version < GNUTLS_TLS1_3) /* later the suite does not say how keys are exchanged */
        add_word(&text, gnutls_kx_get_name(gnutls_kx_get(t->session)));
    add_word(&text, gnutls_cipher_get_name(gnutls_cipher_get(t->session)));
    add_word(&text, gnutls_mac_get_name(gnutls_mac_get(t->session)));
    buf_add(out, buf_str(&text));
    buf_fini(&text);
}

bool tls_is_legacy(const struct tls *t)
{
    return t->established && gnutls_protocol_get_version(t->session) < GNUTLS_TLS1_2;
}

bool tls_resumed(const struct tls *t)
{
    return t->established && gnutls_session_is_resumed(t->session) != 0;
}

uint64_t tls_resumed_ticket(const struct tls *t)
{
    return t->tickets && tls_resumed(t) ? t->tickets->resumed : 0;
}

unsigned tls_issued_tickets(const struct tls *t, uint64_t out[], unsigned max)
{
    unsigned n = 0;

    if (!t->tickets || !t->established)
        return 0;
    for (; n < max && n < TLS_TICKETS_KEPT && t->tickets->hashes[n] != 0; n++)
        out[n] = t->tickets->hashes[n];
    return n;
}

bool tls_client_was_asked(const struct tls *t)
{
    return !t->context->server && gnutls_certificate_client_get_request_status(t->session) != 0;
}

bool tls_peer_name(const struct tls *t, struct buf *out)
{
    return tls_peer_names(t->session, 1, false, out) > 0;
}

void tls_describe_offer(const struct tls *t, struct buf *out)
{
    tls_hello_describe(buf_str(&t->seen), out);
}

bool tls_session_get(struct tls *t, struct buf *out)
{
    gnutls_datum_t data;

    if (!t->established || gnutls_session_get_data2(t->session, &data) < 0)
        return false;
    buf_add(out, str_of(data.data, data.size));
    gnutls_free(data.data);
    return true;
}

void tls_session_set(struct tls *t, struct str data)
{
    gnutls_session_set_data(t->session, data.ptr, data.len);
}
