/* SPDX-License-Identifier: MIT */
/* The vtable of a user source.  Only authd and the user command see stores. */
#ifndef POSTERN_USERS_STORE_H
#define POSTERN_USERS_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "users/user.h"

struct store;

enum store_status { STORE_OK, STORE_NONE, STORE_EXISTS, STORE_FAILED };

struct store_ops {
    /* By sAMAccountName (domain empty or equal, ASCII and Unicode case ignored) or UPN. */
    enum store_status (*find)(struct store *s, struct str domain, struct str name, struct user *out,
                              uint8_t nt_hash[16]);
    enum store_status (*find_uri)(struct store *s, struct str uri, struct user *out);
    enum store_status (*add)(struct store *s, const struct user *u, const uint8_t nt_hash[16]);
    enum store_status (*update)(struct store *s, const struct user *u); /* by name; no password */
    enum store_status (*set_password)(struct store *s, struct str name, const uint8_t nt_hash[16]);
    enum store_status (*remove)(struct store *s, struct str name);
    /* Calls `each` in order of name until it returns false. */
    enum store_status (*list)(struct store *s, bool (*each)(void *arg, const struct user *u),
                              void *arg);
    void (*free)(struct store *s);
};

struct store {
    const struct store_ops *ops;
    char error[256]; /* of the last STORE_FAILED */
};

/* Embedded directory: SQLite file, NT hashes encrypted (AES-256-GCM, key file of 32 octets made on
 * first use with 0600, the user's rowid and name as associated data).  `domain` is the NetBIOS
 * domain of every account.  NULL with a reason. */
struct store *store_sqlite_open(const char *path, const char *key_file, const char *domain,
                                struct buf *why);
struct store *store_memory_new(const char *domain); /* tests */

#endif
