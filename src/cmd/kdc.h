/* SPDX-License-Identifier: MIT */
/* A throw-away Kerberos KDC (Debian's krb5-kdc) on loopback, with a folder of its own: its realm,
 * the accounts of a deployment and the key of its Front End.  It ends with the process that
 * started it, whatever that dies of. */
#ifndef POSTERN_CMD_KDC_H
#define POSTERN_CMD_KDC_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"

struct kdc_settings {
    const char *dir;     /* made here, for its files */
    const char *realm;   /* EXAMPLE.COM */
    const char *domain;  /* example.com: hosts below it are of the realm */
    const char *service; /* sip/fe01.example.com: its key goes to the keytab */
    const char *const *users;
    unsigned user_count;
    const char *password; /* of all users */
    unsigned port;        /* TCP and UDP on 127.0.0.1; 0: free ones */
};

struct kdc {
    char dir[280];
    char krb5_conf[320];    /* for clients, and for who accepts tickets */
    char krb5_xp_conf[320]; /* for a client that knows no AES: RC4 in its tickets */
    char keytab[320];
    unsigned port;
    pid_t pid;  /* 0: none */
    int report; /* -1: none; where the process says why it failed */
    bool any_port;
    char realm[128], domain[128];
};

/* Whether its programs are installed; else `why` says which is missing, and what to install. */
bool kdc_is_installed(struct buf *why);

/* Begins and returns at once: the database is made in a process of its own.  False with a reason.
 */
bool kdc_begin(struct kdc *k, const struct kdc_settings *s, struct buf *why);
/* Waits until it answers.  False with a reason. */
bool kdc_wait(struct kdc *k, struct buf *why);
/* Ends it.  Its files go with the folder. */
void kdc_end(struct kdc *k);

#endif
