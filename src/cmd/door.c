/* SPDX-License-Identifier: MIT */
#include "cmd/door.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"

static const char name[] = "postern-door";

/* Beside our own file: a build directory, or an unpacked archive. */
static bool beside_us(char *path, size_t size)
{
    ssize_t len = readlink("/proc/self/exe", path, size - 1);

    if (len <= 0)
        return false;
    path[len] = '\0';
    char *slash = strrchr(path, '/');
    if (!slash)
        return false;
    size_t left = size - (size_t)(slash + 1 - path);
    return (size_t)snprintf(slash + 1, left, "%s", name) < left && access(path, X_OK) == 0;
}

int door_exec(char **argv)
{
    char path[4096];
    int count = 0;

    while (argv[count])
        count++;
    char **all = calloc((size_t)count + 2, sizeof(*all));
    if (!all)
        abort();
    char self[] = "postern";
    all[0] = self;
    memcpy(all + 1, argv, (size_t)count * sizeof(*all));
    if (!beside_us(path, sizeof(path)))
        snprintf(path, sizeof(path), "%s/%s", POSTERN_LIBEXEC, name);
    execv(path, all);
    int error = errno;
    free(all);
    return cmd_usage("%s cannot be run (%s): it belongs beside postern, or there; install postern "
                     "again",
                     path, strerror(error));
}

int cmd_front(int argc, char **argv)
{
    (void)argc;
    return door_exec(argv);
}

int cmd_edge(int argc, char **argv)
{
    (void)argc;
    return door_exec(argv);
}
