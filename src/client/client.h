/* SPDX-License-Identifier: MIT */
/* The client's half of a sign-in, with profiles of real clients: used by signin, demo, the policy
 * matrix and the tests.  Blocking, one connection, one user. */
#ifndef POSTERN_CLIENT_CLIENT_H
#define POSTERN_CLIENT_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "client/profile.h"
#include "diag/fault.h"

enum client_transport { CLIENT_TLS, CLIENT_TCP };
enum client_scheme { CLIENT_AUTO, CLIENT_NTLM, CLIENT_KERBEROS };

/* The strings are used until client_free. */
struct client_settings {
    const char *uri;    /* sip:ada@example.com */
    const char *server; /* host:port; NULL: look it up in DNS */
    enum client_transport transport;
    enum client_scheme scheme;
    const char *login; /* DOM\user, user@realm, user; NULL: user part of the URI */
    /* NULL: Kerberos takes the tickets of the credential cache; when only a password will do it is
     * asked for, and kept until client_free */
    const char *password;
    const char *(*password_ask)(void *arg); /* NULL, or answers NULL: there is none */
    void *password_arg;
    const struct client_profile *profile;
    const char *ca_file; /* NULL: system trust */
    bool no_verify;
    unsigned timeout_ms; /* per leg; 0: 5000 */
    const char *epid;    /* names the device; NULL: drawn anew */
};

/* One leg of the sign-in, reported as it ends. */
struct client_leg {
    /* "dns", "tcp", "tls", "challenge", then "ticket" (Kerberos) or "negotiate" (NTLM),
     * "authenticate", and later "refresh", "leave" */
    const char *leg;
    bool ok;
    bool goes_on;             /* failed, and CLIENT_AUTO tries the next scheme */
    unsigned status;          /* SIP status, 0 when none */
    char reason[256];         /* phrase, or what happened */
    char ms_diagnostics[512]; /* whole header value, or "" */
    char scheme[16];          /* in use, or "" */
    char offered[64];         /* by the challenge: "Kerberos, NTLM" */
    int rspauth_ok;           /* 1 good, 0 bad, -1 none to check */
    uint32_t flags;           /* NTLM flags agreed, 0 unknown */
    enum fault fault;
    double ms;
};

struct client_result {
    bool signed_in;
    enum fault cause;   /* FAULT_NONE when signed in */
    unsigned status;    /* last SIP status */
    bool reached;       /* false: could not reach the server (exit code 3) */
    const char *scheme; /* "Kerberos", "NTLM": tried last; "" when it did not come to that */
};

struct client;
struct client *client_new(const struct client_settings *s);
void client_free(struct client *c); /* closes without a word */
/* Registers.  `report` is called per leg (may be NULL). */
struct client_result client_sign_in(struct client *c,
                                    void (*report)(void *arg, const struct client_leg *leg),
                                    void *arg);
/* Signed refresh, signed un-REGISTER, on the same connection. */
bool client_refresh(struct client *c, struct client_leg *leg);
bool client_leave(struct client *c, struct client_leg *leg);

#endif
