/* SPDX-License-Identifier: MIT */
/* Answers: composed into the connection's send scratch, signed last, traced, sent. */
#ifndef POSTERN_FRONT_ANSWER_H
#define POSTERN_FRONT_ANSWER_H

#include "auth/auth.h"
#include "front/worker.h"
#include "sip/reply.h"

struct answer {
    struct turn *turn;
    struct sip_reply reply;
    struct str expires; /* value of the Expires header written, for the signed text */
};

/* `reason` NULL: the standard phrase. */
void answer_begin(struct answer *a, struct turn *t, unsigned status, const char *reason);
void answer_header(struct answer *a, const char *name, struct str value);
void answer_expires(struct answer *a, uint32_t seconds);
/* ms-diagnostics of a fault, as its row says. */
void answer_diagnostics(struct answer *a, enum fault fault);
/* Whole header lines, CR LF included. */
void answer_lines(struct answer *a, struct str lines);
/* Signs when the turn has an SA, adds length and body, traces, sends. */
void answer_end(struct answer *a, struct str content_type, struct str body);

/* The usual refusal of a fault: its status, its ms-diagnostics. */
void answer_fault(struct turn *t, enum fault fault);
/* 401 with the challenges; with a fault that has one, its ms-diagnostics. */
void answer_challenge(struct turn *t, const struct auth_result *r);
/* Plain status without more. */
void answer_status(struct turn *t, unsigned status);
/* A server-initiated request in the making, signed with `sa` for the client on the connection. */
struct server_request {
    struct worker *w;
    struct conn *conn;
    const struct client_conn *client;
    struct sa *sa;
    struct str method;
    struct str event;
    struct str user_key;
    struct str diagnostics; /* value of ms-diagnostics-public, may be empty */
    struct str content_type, body;
};
/* NOTIFY or BENOTIFY outside any dialog, as a registrar sends it. */
void answer_server_request(const struct server_request *r);

/* Answers are traced here; so is what arrives. */
void answer_trace_incoming(struct conn *c, struct str whole);

#endif
