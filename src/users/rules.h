/* SPDX-License-Identifier: MIT */
/* What an account's attributes allow; the same for a sign-in and for whoever explains one. */
#ifndef POSTERN_USERS_RULES_H
#define POSTERN_USERS_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "diag/fault.h"
#include "users/user.h"

/* The account itself: user-disabled, user-expired, user-must-change, or FAULT_NONE. */
enum fault user_check_account(const struct user *u, int64_t now);
/* The same for who came with a ticket: user-disabled, user-expired, or FAULT_NONE.  What is about
 * the password (it must be changed, it was guessed wrong too often) is the KDC's business. */
enum fault user_check_ticket(const struct user *u, int64_t now);
/* The SIP side, for who has proved to be `u` and signs in as `from_uri`: user-not-sip-enabled,
 * user-uri-not-theirs, user-uri-shared (`shared`: another account has the same address),
 * remote-access-not-enabled, or FAULT_NONE. */
enum fault user_check_sip(const struct user *u, bool shared, struct str from_uri, bool remote);

#endif
