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

/* Who a role becomes; root, or nobody in particular, when there is none. */
struct owner {
    bool named;
    uid_t uid;
    gid_t gid;
};

static bool account(const char *name, struct owner *out, struct buf *why)
{
    *out = (struct owner){ .uid = (uid_t)-1 };
    if (geteuid() != 0 || !name || !name[0])
        return true;
    const struct passwd *p = getpwnam(name);
    if (p) {
        *out = (struct owner){ true, p->pw_uid, p->pw_gid };
        return true;
    }
    buf_printf(why,
               "there is no account '%s': make it with 'adduser --system --group %s', or leave "
               "user_front, user_authd and user_edge empty",
               name, name);
    return false;
}

static bool make_dir(const char *path, const struct owner *o, gid_t group, mode_t mode,
                     struct buf *why)
{
    if (mkdir(path, mode) != 0 && errno != EEXIST)
        return fail(why, "cannot make", path);
    if (!o->named)
        return true;
    if (chown(path, o->uid, group) != 0 || chmod(path, mode) != 0)
        return fail(why, "cannot give away", path);
    return true;
}

/* Files that root made in the state folder before the accounts were named. */
static bool give_files(const struct conf *c, const struct owner *o, struct buf *why)
{
    const char *files[] = { c->database, c->key_path };
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        if (chown(files[i], o->uid, o->gid) != 0 && errno != ENOENT)
            return fail(why, "cannot give away", files[i]);
    return true;
}

/* The folder of a file named in the configuration; "" when there is none to make. */
static void folder_of(const char *path, char *out, size_t size)
{
    const char *slash = path ? strrchr(path, '/') : NULL;
    snprintf(out, size, "%.*s", slash ? (int)(slash - path) : 0, slash ? path : "");
}

/* One whose owner is right is left as an administrator made it.  Others may pass through: to where
 * the Edge writes. */
static bool make_trace_dir(const char *dir, const struct owner *o, const struct owner *group,
                           struct buf *why)
{
    struct stat st;
    if (!dir[0] || (stat(dir, &st) == 0 && (!o->named || st.st_uid == o->uid)))
        return true;
    return make_dir(dir, o, group->named ? group->gid : 0, o->named ? 02771 : 0750, why);
}

bool owner_prepare_state(const struct conf *c, struct buf *why)
{
    struct owner authd;
    return account(c->user_authd, &authd, why) &&
           make_dir(c->state, &authd, authd.named ? authd.gid : 0, 0755, why) &&
           (!authd.named || give_files(c, &authd, why));
}

/* Front and authd rotate their files in one folder. */
static bool prepare_front(const struct conf *c, const char *trace_dir, struct buf *why)
{
    struct owner front, authd;
    return account(c->user_authd, &authd, why) && account(c->user_front, &front, why) &&
           owner_prepare_state(c, why) && make_trace_dir(trace_dir, &front, &authd, why);
}

/* Alone on its machine the Edge has the folders for itself.  Beside the others it keeps its secret
 * in theirs, and its trace in one of its own. */
static bool prepare_edge(const struct conf *c, const char *trace_dir, struct buf *why)
{
    struct owner edge;
    if (!account(c->user_edge, &edge, why))
        return false;
    if (!conf_has_front(c) && !make_dir(c->state, &edge, edge.named ? edge.gid : 0, 0755, why))
        return false;
    return make_trace_dir(trace_dir, &edge, &edge, why);
}

bool owner_prepare(const struct conf *c, struct buf *why)
{
    static const struct owner nobody;
    char dir[4096], own[4096 + 8];

    folder_of(c->trace.path, dir, sizeof(dir));
    conf_edge_trace_dir(c, own, sizeof(own));
    return make_dir(c->run, &nobody, 0, 0755, why) &&
           (!conf_has_front(c) || prepare_front(c, dir, why)) &&
           (!conf_has_edge(c) || prepare_edge(c, own, why));
}
