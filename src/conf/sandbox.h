/* SPDX-License-Identifier: MIT */
/* What a process gives up once it has opened what it needs: its user, and most of the kernel.
 * Order: open sockets, certificates, logs -> sandbox_drop -> sandbox_enter -> start threads. */
#ifndef POSTERN_CONF_SANDBOX_H
#define POSTERN_CONF_SANDBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/* Root becomes `user` (its groups, then group, then user, for good).  Nothing happens when we are
 * not root or `user` is empty.  False with a reason when the account does not exist. */
bool sandbox_drop(const char *user, struct buf *why);

enum { SANDBOX_PATHS_MAX = 16 };

struct sandbox_rules {
    /* Landlock: what may be opened at all.  Files, or directories with what lies below; NULLs
     * and paths that do not exist are skipped. */
    const char *read[SANDBOX_PATHS_MAX];
    const char *write[SANDBOX_PATHS_MAX]; /* directories: read, write, create, rename, remove */
    /* seccomp.  Without `files`, open answers EACCES whatever Landlock says, and the calls a
     * database or a log rotation needs are not there. */
    bool files;
    bool unix_sockets; /* socket(AF_UNIX), bind, connect, listen; else only what is open already */
    bool inet_sockets; /* socket(AF_INET, AF_INET6) as well */
    /* For a process around libraries of others, which load plug-ins: code may be mapped from files
     * that Landlock lets it read, and a call outside the list is answered EPERM, because what
     * another version of such a library may try must not end a sign-in. */
    bool libraries;
    /* For a process around a library that looks for plug-ins but needs none: mapping code is
     * answered EACCES, and the library goes without. */
    bool refuses_plugins;
    /* With inet_sockets: TCP may be connected to these ports alone, and none bound (Landlock from
     * ABI 4 on).  Zeros are skipped; all zero: any. */
    uint16_t connect_ports[SANDBOX_PATHS_MAX];
};

/* No new privileges, not dumpable, Landlock, seccomp (a call outside the list ends the process
 * with status 31 and names itself on stderr).  Threads started later inherit all of it; threads
 * started before escape Landlock, so call it first.  What the kernel does not have, and what
 * POSTERN_NO_SANDBOX=1 switches off, is left out and shows in sandbox_state: that is no failure.
 * False only when something that should work was refused. */
bool sandbox_enter(const struct sandbox_rules *rules, struct buf *why);

struct sandbox_state {
    bool switched_off; /* POSTERN_NO_SANDBOX */
    bool no_new_privs;
    unsigned landlock; /* ABI in use, 0: none */
    bool seccomp;
};
struct sandbox_state sandbox_state(void);

#endif
