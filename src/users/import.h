/* SPDX-License-Identifier: MIT */
/* Accounts from a CSV text whose first line names the columns: name, uri, display, upn,
 * remote_access, password; name and password at least.  Nothing is stored here. */
#ifndef POSTERN_USERS_IMPORT_H
#define POSTERN_USERS_IMPORT_H

#include "base/compiler.h"
#include "base/str.h"
#include "users/user.h"

struct user_import {
    const char *const *domains; /* SIP domains served */
    unsigned domain_count;
    /* Each good line.  NULL, or why it cannot be taken. */
    const char *(*take)(void *arg, const struct user *u, struct str password);
    /* Each bad line: what, and what would be right. */
    void (*complain)(void *arg, unsigned line, const char *what, const char *right);
    void *arg;
};

struct user_import_counts {
    unsigned taken, problems;
};

/* Reads to the end, or until there are too many problems to be worth telling. */
struct user_import_counts user_import(const struct user_import *how, struct str text);

#endif
