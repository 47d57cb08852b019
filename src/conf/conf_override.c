/* SPDX-License-Identifier: MIT */
/* <state>/policy.conf: what 'postern policy set' decided, over the configured [policy]. */
#include "conf/conf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "conf/conf_file.h"
#include "conf/conf_policy.h"

static const char *path_of(const struct conf *c, const char *name, struct buf *out)
{
    buf_printf(out, "%s/%s", c->state, name);
    buf_add_char(out, '\0');
    return out->ptr;
}

static bool only_policy(const struct conf_entries *e, const char *file, struct buf *why)
{
    for (size_t i = 0; i < e->count; i++) {
        if (strcmp(e->list[i].section, "policy") == 0 && !e->list[i].name)
            continue;
        conf_problem(why, file, &e->list[i],
                     "only [policy] may stand here: run 'postern policy set', or remove the file");
        return false;
    }
    return true;
}

bool conf_policy_override_parse(struct conf *c, struct str text, const char *name, struct buf *why)
{
    struct conf_entries entries = { 0 };
    size_t before = why->len;

    conf_entries_read(text, name, &entries, why);
    bool ok = why->len == before && only_policy(&entries, name, why) &&
              conf_policy_build(c, &entries, name, why);
    conf_entries_free(&entries);
    return ok;
}

bool conf_policy_override_read(const struct conf *c, struct buf *text, struct buf *why)
{
    struct buf path = { 0 };
    const char *file = path_of(c, "policy.conf", &path);
    bool ok = conf_file_read(file, text) || errno == ENOENT;

    if (!ok)
        buf_printf(why, "%s: cannot be read: %s\n", file, strerror(errno));
    buf_fini(&path);
    return ok;
}

bool conf_policy_override_load(struct conf *c, struct buf *why)
{
    struct buf path = { 0 }, text = { 0 };
    bool ok = conf_policy_override_read(c, &text, why);

    if (ok && text.len > 0)
        ok = conf_policy_override_parse(c, buf_str(&text), path_of(c, "policy.conf", &path), why);
    buf_fini(&path);
    buf_fini(&text);
    return ok;
}

static bool write_all(int fd, struct str text)
{
    while (text.len > 0) {
        ssize_t n = write(fd, text.ptr, text.len);
        if (n < 0 && errno != EINTR)
            return false;
        text = str_skip(text, n > 0 ? (size_t)n : 0);
    }
    return fsync(fd) == 0;
}

/* A reader sees the old file or the new one, also after a power cut. */
static bool replace(const char *path, const char *fresh, const char *folder, struct str text)
{
    unlink(fresh);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0)
        return false;
    bool ok = write_all(fd, text);
    ok = close(fd) == 0 && ok && rename(fresh, path) == 0;
    if (!ok) {
        int error = errno;
        unlink(fresh);
        errno = error;
        return false;
    }
    int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir >= 0) {
        fsync(dir);
        close(dir);
    }
    return true;
}

bool conf_policy_override_save(const struct conf *c, const struct ntlm_policy_set *set,
                               struct buf *why)
{
    struct buf path = { 0 }, fresh = { 0 }, text = { 0 };
    const char *file = path_of(c, "policy.conf", &path);

    buf_add_c(&text, "; Written by 'postern policy set'; goes over [policy] of the configuration.\n"
                     "[policy]\n");
    if (strcmp(set->preset, "custom") != 0)
        buf_printf(&text, "preset = %s\n", set->preset);
    ntlm_policy_print(&set->base, &text);
    bool ok = replace(file, path_of(c, "policy.conf.new", &fresh), c->state, buf_str(&text));
    if (!ok)
        buf_printf(why, "%s cannot be written: %s", file, strerror(errno));
    buf_fini(&path);
    buf_fini(&fresh);
    buf_fini(&text);
    return ok;
}
