/* SPDX-License-Identifier: MIT */
/* Users, flags of the process, and Landlock; the list of system calls is in sandbox_calls.c. */
#include "conf/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "conf/sandbox_calls.h"

static struct sandbox_state current;

struct sandbox_state sandbox_state(void)
{
    return current;
}

static bool refused(struct buf *why, const char *what)
{
    buf_printf(why, "%s failed (%s): POSTERN_NO_SANDBOX=1 runs without it", what, strerror(errno));
    return false;
}

bool sandbox_drop(const char *user, struct buf *why)
{
    int death = 0;

    if (geteuid() != 0 || !user || !user[0])
        return true;
    const struct passwd *p = getpwnam(user);
    if (!p) {
        buf_printf(why,
                   "the account %s does not exist: create it, or leave the setting empty to stay "
                   "root",
                   user);
        return false;
    }
    prctl(PR_GET_PDEATHSIG, &death);
    if (initgroups(user, p->pw_gid) != 0 || setresgid(p->pw_gid, p->pw_gid, p->pw_gid) != 0 ||
        setresuid(p->pw_uid, p->pw_uid, p->pw_uid) != 0) {
        buf_printf(why, "cannot become %s (%s): start it as root", user, strerror(errno));
        return false;
    }
    /* the change of user cleared it (prctl(2)): the supervisor's death must still end us */
    return death == 0 || prctl(PR_SET_PDEATHSIG, death) == 0;
}

/* --- Landlock; Debian 12's header ends at ABI 2, so the kernel's words stand here --- */

enum {
    FS_WRITE_FILE = 1 << 1,
    FS_READ_FILE = 1 << 2,
    FS_READ_DIR = 1 << 3,
    FS_REMOVE_FILE = 1 << 5,
    FS_MAKE_REG = 1 << 8,
    FS_MAKE_SOCK = 1 << 9,
    FS_TRUNCATE = 1 << 14,
    FS_OF_FILES = FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE,
    FS_READ = FS_READ_FILE | FS_READ_DIR,
    FS_WRITE = FS_READ | FS_WRITE_FILE | FS_REMOVE_FILE | FS_MAKE_REG | FS_MAKE_SOCK | FS_TRUNCATE,
};
enum {
    NET_CONNECT_TCP = 2,
    NET_BIND_CONNECT_TCP = 3,
    SCOPE_ABSTRACT_UNIX_AND_SIGNAL = 3,
    RULE_PATH = 1,
    RULE_PORT = 2
};

struct ruleset {
    uint64_t fs, net, scoped;
};

struct path_rule {
    uint64_t allowed;
    int32_t fd;
} __attribute__((packed));

struct port_rule {
    uint64_t allowed, port;
};

static uint64_t fs_rights_of(unsigned abi)
{
    static const unsigned bits[] = { 0, 13, 14, 15, 15, 16 };
    unsigned last = ARRAY_LEN(bits) - 1;

    return (UINT64_C(1) << bits[abi < last ? abi : last]) - 1;
}

static bool allow_path(int ruleset, const char *path, uint64_t rights, uint64_t known)
{
    struct stat st;
    struct path_rule rule = { .fd = open(path, O_PATH | O_CLOEXEC) };

    if (rule.fd < 0)
        return errno == ENOENT || errno == ENOTDIR || errno == EACCES;
    rule.allowed = rights & known;
    if (fstat(rule.fd, &st) == 0 && !S_ISDIR(st.st_mode))
        rule.allowed &= FS_OF_FILES;
    bool good = syscall(SYS_landlock_add_rule, ruleset, RULE_PATH, &rule, 0) == 0;
    close(rule.fd);
    return good;
}

static bool allow_paths(int ruleset, const struct sandbox_rules *rules, uint64_t known)
{
    for (unsigned i = 0; i < SANDBOX_PATHS_MAX; i++) {
        if (rules->read[i] && !allow_path(ruleset, rules->read[i], FS_READ, known))
            return false;
        if (rules->write[i] && !allow_path(ruleset, rules->write[i], FS_WRITE, known))
            return false;
    }
    return true;
}

static bool any_port(const struct sandbox_rules *rules)
{
    for (unsigned i = 0; i < SANDBOX_PATHS_MAX; i++)
        if (rules->connect_ports[i])
            return false;
    return rules->inet_sockets;
}

static bool allow_ports(int ruleset, const struct sandbox_rules *rules, uint64_t known)
{
    for (unsigned i = 0; known && i < SANDBOX_PATHS_MAX; i++) {
        struct port_rule rule = { NET_CONNECT_TCP, rules->connect_ports[i] };
        if (rule.port && syscall(SYS_landlock_add_rule, ruleset, RULE_PORT, &rule, 0) != 0)
            return false;
    }
    return true;
}

static bool landlock(const struct sandbox_rules *rules, struct buf *why)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, 1);

    if (abi < 1)
        return true; /* not in this kernel */
    struct ruleset attr = { .fs = fs_rights_of((unsigned)abi) };
    size_t size = sizeof(attr.fs);
    if (abi >= 4) {
        size += sizeof(attr.net);
        attr.net = any_port(rules) ? 0 : NET_BIND_CONNECT_TCP;
    }
    if (abi >= 6) {
        size += sizeof(attr.scoped);
        attr.scoped = SCOPE_ABSTRACT_UNIX_AND_SIGNAL;
    }
    int fd = (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);
    if (fd < 0)
        return refused(why, "making the Landlock rules");
    bool good = allow_paths(fd, rules, attr.fs) && allow_ports(fd, rules, attr.net) &&
                syscall(SYS_landlock_restrict_self, fd, 0) == 0;
    close(fd);
    if (!good)
        return refused(why, "applying the Landlock rules");
    current.landlock = (unsigned)abi;
    return true;
}

bool sandbox_enter(const struct sandbox_rules *rules, struct buf *why)
{
    const char *off = getenv("POSTERN_NO_SANDBOX");

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return refused(why, "giving up new privileges");
    current.no_new_privs = true;
    if (off && strcmp(off, "1") == 0) {
        current.switched_off = true;
        return true;
    }
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return refused(why, "making the process undumpable");
    if (!landlock(rules, why))
        return false;
    return sandbox_calls(rules, &current.seccomp, why);
}

#if defined(__has_feature)
#define SANITIZES_ADDRESSES __has_feature(address_sanitizer)
#elif defined(__SANITIZE_ADDRESS__)
#define SANITIZES_ADDRESSES 1
#else
#define SANITIZES_ADDRESSES 0
#endif

#if SANITIZES_ADDRESSES
int __lsan_is_turned_off(void);

/* The leak check at exit starts a process that traces this one: not from in here. */
int __lsan_is_turned_off(void)
{
    return current.seccomp;
}
#endif
