/* SPDX-License-Identifier: MIT */
/* Accounts from a file or another directory: what whoever reads them has in common, and the CSV
 * text whose first line names the columns: name, uri, display, upn, remote_access, password; name
 * and password at least.  Nothing is stored here. */
#ifndef POSTERN_USERS_IMPORT_H
#define POSTERN_USERS_IMPORT_H

#include "base/compiler.h"
#include "base/str.h"
#include "users/user.h"

enum user_password_kind {
    USER_PASSWORD_NONE, /* the source does not tell it */
    USER_PASSWORD_CLEAR,
    USER_PASSWORD_NT_HASH,
};

struct user_password {
    enum user_password_kind kind;
    struct str clear;    /* UTF-8 */
    uint8_t nt_hash[16]; /* the caller wipes it */
};

struct user_import {
    const char *const *domains; /* SIP domains served */
    unsigned domain_count;
    /* Each good line.  NULL, or why it cannot be taken. */
    const char *(*take)(void *arg, const struct user *u, const struct user_password *password);
    /* Each bad line, or entry (`line` is 0 when it came from no file): what, and what would be
     * right. */
    void (*complain)(void *arg, unsigned line, struct str entry, const char *what,
                     const char *right);
    void *arg;
    unsigned problems_max; /* no more are worth telling: it ends there */
};

struct user_import_counts {
    unsigned taken, problems;
    /* left out, as they are no accounts that could sign in */
    unsigned no_users, no_address, not_enabled;
};

/* NULL, or what would be right about the name and the address (which may be empty). */
const char *user_import_problem(const struct user_import *how, struct str name, struct str uri);

/* CSV.  Reads to the end, or until there are too many problems. */
struct user_import_counts user_import_csv(const struct user_import *how, struct str text);

#endif
