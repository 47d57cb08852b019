/* SPDX-License-Identifier: MIT */
#include "cmd/owner.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool fail(struct buf *why, const char *what, const char *which)
{
    buf_printf(why, "%s %s: %s", what, which, strerror(errno));
    return false;
}

static bool account(const char *name, struct passwd **out, struct buf *why)
{
    bool wanted = geteuid() == 0 && name && name[0];
    *out = wanted ? getpwnam(name) : NULL;
    if (*out || !wanted)
        return true;
    buf_printf(why,
               "there is no account '%s': make it with 'adduser --system --group %s', or leave "
               "user_front, user_authd and user_edge empty",
               name, name);
    return false;
}

static bool make_dir(const char *path, const struct passwd *owner, gid_t group, mode_t mode,
                     struct buf *why)
{
    if (mkdir(path, mode) != 0 && errno != EEXIST)
        return fail(why, "cannot make", path);
    if (!owner)
        return true;
    if (chown(path, owner->pw_uid, group) != 0 || chmod(path, mode) != 0)
        return fail(why, "cannot give away", path);
    return true;
}

/* Files that root made in the state folder before the accounts were named. */
static bool give_files(const struct conf *c, const struct passwd *owner, struct buf *why)
{
    const char *files[] = { c->database, c->key_path };
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        if (chown(files[i], owner->pw_uid, owner->pw_gid) != 0 && errno != ENOENT)
            return fail(why, "cannot give away", files[i]);
    return true;
}

static bool make_trace_dir(const struct conf *c, const struct passwd *front,
                           const struct passwd *authd, struct buf *why)
{
    char dir[4096];
    const char *slash = c->trace.path ? strrchr(c->trace.path, '/') : NULL;
    if (!slash || slash == c->trace.path)
        return true;
    snprintf(dir, sizeof(dir), "%.*s", (int)(slash - c->trace.path), c->trace.path);
    struct stat st;
    if (stat(dir, &st) == 0 && (!front || st.st_uid == front->pw_uid))
        return true;
    /* both roles rotate their files there */
    return make_dir(dir, front, authd ? authd->pw_gid : 0, front ? 02770 : 0750, why);
}

bool owner_prepare_state(const struct conf *c, struct buf *why)
{
    struct passwd *authd;
    return account(c->user_authd, &authd, why) &&
           make_dir(c->state, authd, authd ? authd->pw_gid : 0, 0755, why) &&
           (!authd || give_files(c, authd, why));
}

bool owner_prepare(const struct conf *c, struct buf *why)
{
    struct passwd *front, *authd, authd_copy;
    if (!account(c->user_authd, &authd, why))
        return false;
    if (authd) {
        authd_copy = *authd; /* the next look-up overwrites what getpwnam gave */
        authd = &authd_copy;
    }
    return account(c->user_front, &front, why) && make_dir(c->run, NULL, 0, 0755, why) &&
           owner_prepare_state(c, why) && make_trace_dir(c, front, authd, why);
}
