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
    /* By sAMAccountName (domain empty or equal, ASCII and Unicode case ignored), or by UPN when the
     * domain is empty and `name` has an '@'. */
    enum store_status (*find)(struct store *s, struct str domain, struct str name, struct user *out,
                              uint8_t nt_hash[16]);
    enum store_status (*find_uri)(struct store *s, struct str uri, struct user *out);
    enum store_status (*add)(struct store *s, const struct user *u, const uint8_t nt_hash[16]);
    /* By name: everything but password and lockout. */
    enum store_status (*update)(struct store *s, const struct user *u);
    enum store_status (*set_password)(struct store *s, struct str name, const uint8_t nt_hash[16]);
    /* Nothing is written when the account was unlocked since (STORE_NONE). */
    enum store_status (*set_lockout)(struct store *s, struct str name,
                                     const struct user_lockout *lockout);
    enum store_status (*unlock)(struct store *s, struct str name);
    enum store_status (*remove)(struct store *s, struct str name);
    /* All changes between the two are kept, or none.  Not nested. */
    enum store_status (*begin)(struct store *s);
    enum store_status (*end)(struct store *s, bool keep);
    /* Calls `each` in order of name until it returns false. */
    enum store_status (*list)(struct store *s, bool (*each)(void *arg, const struct user *u),
                              void *arg);
    void (*free)(struct store *s);
};

struct store {
    const struct store_ops *ops;
    char error[256]; /* of the last STORE_FAILED; of STORE_EXISTS what is taken: name, uri, upn */
};

/* Embedded directory: SQLite file, NT hashes encrypted (AES-256-GCM, key file of 32 octets made on
 * first use with 0600, the user's rowid and name as associated data).  `domain` is the NetBIOS
 * domain of every account.  NULL with a reason.  Used by one thread; several processes and several
 * stores may have the file open, and none waits for another to read. */
struct store *store_sqlite_open(const char *path, const char *key_file, const char *domain,
                                struct buf *why);
/* How often a find looks whether somebody else changed the file; 0, the default: every time. */
void store_sqlite_recheck(struct store *s, unsigned every_ms);
struct store *store_memory_new(const char *domain); /* tests */

#endif
