/* SPDX-License-Identifier: MIT */
/* From this program to the one that holds the doors (door_main.c). */
#ifndef POSTERN_CMD_DOOR_H
#define POSTERN_CMD_DOOR_H

/* Becomes "postern-door ROLE ..." with the arguments, argv[0] being the role; it stands beside this
 * program, or where the installation put it.  Returns, with CMD_USAGE and a word on stderr, only
 * when it cannot be run. */
int door_exec(char **argv);

#endif
