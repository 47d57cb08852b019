/* SPDX-License-Identifier: MIT */
/* What a user of the embedded directory looks like, on the standard output. */
#ifndef POSTERN_CMD_USER_SHOW_H
#define POSTERN_CMD_USER_SHOW_H

#include "users/user.h"

void user_print(const struct user *u);
void user_print_line(const struct user *u);
void user_print_json(const struct user *u);

#endif
