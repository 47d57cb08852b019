/* SPDX-License-Identifier: MIT */
/* What workers and the control thread of a front say to each other. */
#ifndef POSTERN_FRONT_MAIL_H
#define POSTERN_FRONT_MAIL_H

#include <stdint.h>

#include "base/buf.h"
#include "base/mailbox.h"
#include "front/registrar.h"
#include "ntlm/policy.h"

enum mail_kind {
    MAIL_STOP,          /* struct mail: leave the loop */
    MAIL_POLICY,        /* struct mail_policy: take this policy; goes back to control */
    MAIL_REGISTER,      /* struct mail_register: to the owner of the user */
    MAIL_REGISTER_DONE, /* the same, back to the worker of the connection */
    MAIL_GONE,          /* struct mail_gone: an endpoint's connection ended */
    MAIL_OUT,           /* struct mail_out: tell an endpoint that it is out */
    MAIL_REMOVE,        /* struct mail_remove: take a user's endpoints out; may go back */
    MAIL_LIST,          /* struct mail_control: append a line per endpoint; goes back */
};

struct mail_policy {
    struct mail mail;
    struct ntlm_policy_set *set; /* owned; the worker takes it */
    void *request;               /* of control; comes back with the acknowledgement */
};

struct mail_control {
    struct mail mail;
    struct buf text;
    void *request;
};

struct mail_register {
    struct mail mail;
    struct registrar_update update; /* slices into `text` */
    struct job *job;                /* the saved request, at home with the connection's worker */
    enum registrar_action action;
    struct buf contacts;
    char text[]; /* owned copies */
};

struct mail_gone {
    struct mail mail;
    struct str user_key, epid; /* into text */
    uint64_t conn_id;
    char text[];
};

enum out_event {
    OUT_UNREGISTERED,
    OUT_REJECTED,
    OUT_NO_REMOTE_ACCESS /* only endpoints behind an Edge */
};

struct mail_out {
    struct mail mail;
    struct registrar_out out; /* owned strings */
    enum out_event event;
    unsigned tries; /* held back while the endpoint signs in anew */
};

struct mail_remove {
    struct mail mail;
    enum out_event event;
    void *request; /* control waits for the count; NULL: nobody */
    unsigned removed;
    struct str user_key, epid;
    char text[];
};

/* Frees a mail that nobody will act on any more, with what it owns. */
void mail_discard(struct mail *m);

#endif
