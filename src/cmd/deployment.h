/* SPDX-License-Identifier: MIT */
/* A throw-away deployment on loopback: folder, certificates, configuration, users, processes, and
 * a KDC. */
#ifndef POSTERN_CMD_DEPLOYMENT_H
#define POSTERN_CMD_DEPLOYMENT_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "cmd/kdc.h"
#include "conf/conf.h"

struct deployment_user {
    const char *name, *display;
    const char *state; /* NULL: can sign in; else what keeps them out */
    unsigned flags;    /* enum user_flag that make the state */
    bool remote_access;
};

/* The people of every deployment made here; the ones who can sign in come first. */
extern const struct deployment_user deployment_users[];
extern const unsigned deployment_user_count;

struct deployment {
    char dir[256];
    bool own_dir; /* made by us: removed whole at the end */
    char config[300], ca[300], trace[300];
    char tls[32], tcp[32], outside[32]; /* host:port */
    char link[32];                      /* between Edge and Front End */
    char password[32];                  /* of everybody */
    const char *domain, *netbios, *realm;
    struct kdc kdc;
    struct conf *conf;
    pid_t pid; /* of postern serve */
};

struct deployment_settings {
    const char *dir;    /* made; NULL: a new one below $TMPDIR or /tmp */
    unsigned port_base; /* 0: free ports */
    bool kerberos;      /* with a KDC, which must be installed */
};

/* False with a reason. */
bool deployment_make(struct deployment *d, const struct deployment_settings *s, struct buf *why);
bool deployment_has_kerberos(const struct deployment *d);
/* Starts the roles and waits until they answer. */
bool deployment_start(struct deployment *d, struct buf *why);
/* Stops the roles and removes what was made. */
void deployment_end(struct deployment *d);

#endif
