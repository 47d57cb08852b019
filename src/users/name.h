/* SPDX-License-Identifier: MIT */
/* The keys under which stores find users.  Account names and UPNs are compared upper-cased, as
 * NTLM upper-cases them; SIP addresses in lower case without parameters, as AD compares them. */
#ifndef POSTERN_USERS_NAME_H
#define POSTERN_USERS_NAME_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"
#include "users/user.h"

/* Upper-casing can lengthen UTF-8 by half at most. */
enum { USER_KEY_MAX = USER_URI_MAX * 2 };

struct user_key {
    char text[USER_KEY_MAX];
    size_t len;
};

static inline struct str user_key_str(const struct user_key *k)
{
    return str_of(k->text, k->len);
}

/* False for what no account can be called: empty, too long, not UTF-8, control characters. */
bool user_name_key(struct str name, struct user_key *out);
bool user_uri_key(struct str uri, struct user_key *out);
/* Names of domains, and names in general: the same when case is ignored. */
bool user_name_same(struct str a, struct str b);

/* What administrators may enter; NULL, or what would be right. */
const char *user_name_problem(struct str name);
/* `domains` are the SIP domains served. */
const char *user_uri_problem(struct str uri, const char *const *domains, unsigned domain_count);

/* Copies into a field of struct user; false when it does not fit or holds a NUL. */
bool user_field_set(char *field, size_t size, struct str value);

#endif
