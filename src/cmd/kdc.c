/* SPDX-License-Identifier: MIT */
#include "cmd/kdc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "base/encode.h"
#include "base/secret.h"
#include "cmd/port.h"

enum { READY_MS = 10000, POLL_MS = 5, ATTEMPTS = 5 };

static bool fail(struct buf *why, const char *what, const char *which)
{
    buf_printf(why, "%s %s: %s", what, which, strerror(errno));
    return false;
}

/* --- its programs --- */

/* Where they may be: PATH, and where Debian has them, which is in root's PATH only.
 * POSTERN_KDC_DIR names the one folder to look in instead. */
static bool find_program(const char *name, char *out, size_t size)
{
    char places[4096];
    const char *only = getenv("POSTERN_KDC_DIR"), *path = getenv("PATH");

    snprintf(places, sizeof(places), "%s%s",
             only   ? only
             : path ? path
                    : "",
             only ? "" : ":/usr/sbin:/sbin");
    for (struct str left = str_from_c(places); left.len > 0;) {
        struct str dir = str_take_until(&left, ':');
        snprintf(out, size, "%.*s/%s", STR_ARG(dir), name);
        if (dir.len > 0 && access(out, X_OK) == 0)
            return true;
    }
    return false;
}

bool kdc_is_installed(struct buf *why)
{
    static const char *const names[] = { "krb5kdc", "kdb5_util", "kadmin.local" };
    char path[4096];

    for (unsigned i = 0; i < ARRAY_LEN(names); i++)
        if (!find_program(names[i], path, sizeof(path))) {
            buf_printf(why, "%s is not installed (apt-get install krb5-kdc krb5-admin-server)",
                       names[i]);
            return false;
        }
    return true;
}

/* --- its files --- */

/* Appends the last line that says something: the folder is gone when somebody could look there. */
static void add_last_line(const struct kdc *k, const char *name, struct buf *why)
{
    char path[320], text[8192];
    struct str last = STR_NONE;

    snprintf(path, sizeof(path), "%s/%s", k->dir, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    off_t size = fd >= 0 ? lseek(fd, 0, SEEK_END) : 0;
    off_t from = size > (off_t)sizeof(text) ? size - (off_t)sizeof(text) : 0;
    ssize_t n = fd >= 0 ? pread(fd, text, sizeof(text), from) : -1;
    if (fd >= 0)
        close(fd);
    for (struct str left = str_of(text, n > 0 ? (size_t)n : 0); left.len > 0;) {
        struct str line = str_trim(str_take_until(&left, '\n'));
        if (line.len > 0)
            last = line;
    }
    if (last.len > 0)
        buf_printf(why, ": %.*s", STR_ARG(last));
}

static bool write_file(const char *path, struct buf *text, struct buf *why)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool ok = fd >= 0 && write(fd, text->ptr, text->len) == (ssize_t)text->len;
    if (!ok)
        fail(why, "cannot write", path);
    if (fd >= 0)
        close(fd);
    buf_fini(text);
    return ok;
}

/* The credential cache stands in the folder too, so that a kinit with this file neither replaces
 * the user's own tickets nor leaves any behind. */
static bool write_krb5_conf(const struct kdc *k, const char *path, const char *more,
                            struct buf *why)
{
    struct buf t = { 0 };
    buf_printf(&t, "# made by postern demo: throw-away\n[libdefaults]\n  default_realm = %s\n",
               k->realm);
    buf_add_c(&t, "  dns_lookup_kdc = false\n  dns_lookup_realm = false\n"
                  "  dns_canonicalize_hostname = false\n  rdns = false\n"
                  "  udp_preference_limit = 1\n");
    buf_printf(&t, "%s  default_ccache_name = FILE:%s/tickets\n[realms]\n", more, k->dir);
    buf_printf(&t, "  %s = {\n    kdc = 127.0.0.1:%u\n  }\n[domain_realm]\n", k->realm, k->port);
    buf_printf(&t, "  .%s = %s\n  %s = %s\n", k->domain, k->realm, k->domain, k->realm);
    return write_file(path, &t, why);
}

static bool write_kdc_conf(const struct kdc *k, struct buf *why)
{
    struct buf t = { 0 };
    char path[320];
    buf_add_c(&t, "[libdefaults]\n  allow_rc4 = true\n");
    buf_printf(&t, "[kdcdefaults]\n  kdc_listen = 127.0.0.1:%u\n  kdc_tcp_listen = 127.0.0.1:%u\n",
               k->port, k->port);
    buf_printf(&t, "[realms]\n  %s = {\n    database_module = db\n", k->realm);
    buf_printf(&t, "    key_stash_file = %s/stash\n    acl_file = %s/acl\n", k->dir, k->dir);
    buf_add_c(
        &t, "    supported_enctypes = aes256-cts:normal aes128-cts:normal rc4-hmac:normal\n  }\n");
    buf_printf(&t,
               "[dbmodules]\n  db = {\n    db_library = db2\n    database_name = %s/principal\n",
               k->dir);
    buf_printf(&t, "  }\n[logging]\n  kdc = FILE:%s/kdc.log\n  admin_server = FILE:%s/kadmin.log\n",
               k->dir, k->dir);
    buf_printf(&t, "  default = FILE:%s/kadmin.log\n", k->dir);
    snprintf(path, sizeof(path), "%s/kdc.conf", k->dir);
    return write_file(path, &t, why);
}

static bool write_files(const struct kdc *k, struct buf *why)
{
    char log[320];
    snprintf(log, sizeof(log), "%s/kdc.log", k->dir);
    unlink(log); /* its words tell when a KDC answers: let them be those of the next one */
    return write_krb5_conf(k, k->krb5_conf, "", why) &&
           write_krb5_conf(k, k->krb5_xp_conf,
                           "  allow_rc4 = true\n  permitted_enctypes = rc4-hmac\n", why) &&
           write_kdc_conf(k, why);
}

/* --- the process that makes the database and becomes the KDC --- */

/* What kadmin.local reads.  Everybody gets tickets, disabled accounts too: whether an account may
 * sign in is the account service's decision, as it is when one is disabled after it got its
 * ticket. */
static void write_commands(const struct kdc *k, const struct kdc_settings *s, struct buf *out)
{
    for (unsigned i = 0; i < s->user_count; i++)
        buf_printf(out, "addprinc -pw %s %s\n", s->password, s->users[i]);
    buf_printf(out, "addprinc -randkey %s\nktadd -k \"%s\" -norandkey %s\n", s->service, k->keytab,
               s->service);
}

static void write_master_password(struct buf *out)
{
    uint8_t random[16];
    random_bytes(random, sizeof(random));
    for (unsigned twice = 0; twice < 2; twice++) {
        buf_add_hex(out, str_of(random, sizeof(random)), false);
        buf_add_char(out, '\n');
    }
}

/* Ends with its parent, and is not the terminal's: Ctrl-C is for the demo. */
static void settle(pid_t parent)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) /* it was quicker */
        _exit(1);
}

static _Noreturn void become(const char *name, const char *const *words)
{
    char path[4096];
    char *argv[8] = { NULL };
    for (unsigned i = 0; words[i] && i + 1 < ARRAY_LEN(argv); i++)
        argv[i] = strdup(words[i]);
    if (find_program(name, path, sizeof(path)))
        execv(path, argv);
    _exit(127);
}

/* Gives it `input`, and waits; what it says goes to a file of the folder. */
static bool run_tool(const struct kdc *k, const char *const *words, struct buf *input)
{
    char log[320];
    int ends[2], status = 1;
    snprintf(log, sizeof(log), "%s/setup.log", k->dir);
    if (pipe2(ends, O_CLOEXEC) != 0)
        return false;
    pid_t pid = fork();
    if (pid == 0) {
        int out = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(ends[0], STDIN_FILENO);
        dup2(out, STDOUT_FILENO);
        dup2(out, STDERR_FILENO);
        become(words[0], words);
    }
    close(ends[0]);
    bool ok = pid > 0 && write(ends[1], input->ptr, input->len) == (ssize_t)input->len;
    close(ends[1]);
    buf_fini(input);
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0 && ok;
}

static _Noreturn void become_kdc(const struct kdc *k)
{
    const char *const words[] = { "krb5kdc", "-r", k->realm, "-n", NULL };
    char log[320];
    snprintf(log, sizeof(log), "%s/setup.log", k->dir);
    int out = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    dup2(out, STDOUT_FILENO);
    dup2(out, STDERR_FILENO);
    become(words[0], words);
}

static void set_environment(const struct kdc *k)
{
    char path[320];
    snprintf(path, sizeof(path), "%s/kdc.conf", k->dir);
    setenv("KRB5_CONFIG", k->krb5_conf, 1);
    setenv("KRB5_KDC_PROFILE", path, 1);
}

/* What it cannot do it says in the pipe, which closes when it becomes the KDC. */
static _Noreturn void set_up(const struct kdc *k, const struct kdc_settings *s, pid_t parent,
                             int report)
{
    const char *const create[] = { "kdb5_util", "-r", k->realm, "create", "-s", NULL };
    const char *const add[] = { "kadmin.local", "-r", k->realm, NULL };
    struct buf password = { 0 }, commands = { 0 };

    settle(parent);
    set_environment(k);
    write_master_password(&password);
    write_commands(k, s, &commands);
    if (!run_tool(k, create, &password))
        dprintf(report, "kdb5_util made no database");
    /* it says 0 whatever happens: the keytab comes last */
    else if (!run_tool(k, add, &commands) || access(k->keytab, R_OK) != 0)
        dprintf(report, "kadmin.local made no keytab");
    else
        become_kdc(k);
    _exit(1);
}

/* --- from outside --- */

bool kdc_begin(struct kdc *k, const struct kdc_settings *s, struct buf *why)
{
    int ends[2];

    *k = (struct kdc){ .report = -1, .any_port = s->port == 0 };
    k->port = k->any_port ? port_free() : s->port;
    snprintf(k->dir, sizeof(k->dir), "%s", s->dir);
    snprintf(k->realm, sizeof(k->realm), "%s", s->realm);
    snprintf(k->domain, sizeof(k->domain), "%s", s->domain);
    snprintf(k->krb5_conf, sizeof(k->krb5_conf), "%s/krb5.conf", k->dir);
    snprintf(k->krb5_xp_conf, sizeof(k->krb5_xp_conf), "%s/krb5-xp.conf", k->dir);
    snprintf(k->keytab, sizeof(k->keytab), "%s/sip.keytab", k->dir);
    if (mkdir(k->dir, 0700) != 0)
        return fail(why, "cannot make", k->dir);
    if (!write_files(k, why))
        return false;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return fail(why, "cannot start", "a KDC");
    pid_t us = getpid();
    k->pid = fork();
    if (k->pid == 0)
        set_up(k, s, us, ends[1]);
    close(ends[1]);
    k->report = ends[0];
    return k->pid > 0 || fail(why, "cannot start", "a KDC");
}

/* False when the database could not be made, with the reason. */
static bool setup_wait(struct kdc *k, uint64_t deadline, struct buf *why)
{
    struct pollfd p = { .fd = k->report, .events = POLLIN };
    uint64_t now = clock_mono_ms();
    char text[200];

    if (k->report < 0)
        return true;
    ssize_t n = -1;
    if (now < deadline && poll(&p, 1, (int)(deadline - now)) > 0)
        n = read(k->report, text, sizeof(text));
    close(k->report);
    k->report = -1;
    if (n > 0) {
        buf_printf(why, "%.*s", (int)n, text);
        add_last_line(k, "setup.log", why);
    } else if (n < 0)
        buf_add_c(why, "its database was not made in time");
    return n == 0;
}

static bool answers(const struct kdc *k)
{
    char log[320], text[8192];
    snprintf(log, sizeof(log), "%s/kdc.log", k->dir);
    int fd = open(log, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof(text)) : -1;
    if (fd >= 0)
        close(fd);
    return n > 0 && str_find(str_of(text, (size_t)n), STR("commencing operation")) != SIZE_MAX;
}

/* False when it ended, most likely because somebody else took the port. */
static bool answer_wait(struct kdc *k, uint64_t deadline)
{
    while (clock_mono_ms() < deadline) {
        if (answers(k))
            return true;
        if (waitpid(k->pid, NULL, WNOHANG) == k->pid) {
            k->pid = 0;
            return false;
        }
        usleep(POLL_MS * 1000);
    }
    return false;
}

static bool start_again(struct kdc *k, struct buf *why)
{
    k->port = port_free();
    if (!write_files(k, why))
        return false;
    pid_t us = getpid();
    k->pid = fork();
    if (k->pid == 0) {
        settle(us);
        set_environment(k);
        become_kdc(k);
    }
    return k->pid > 0;
}

bool kdc_wait(struct kdc *k, struct buf *why)
{
    uint64_t deadline = clock_mono_ms() + READY_MS;

    if (!setup_wait(k, deadline, why))
        return false;
    for (unsigned i = 0; i < ATTEMPTS; i++) {
        if (answer_wait(k, deadline))
            return true;
        if (k->pid != 0 || !k->any_port || !start_again(k, why))
            break;
    }
    if (why->len == 0) {
        buf_printf(why, "krb5kdc does not answer on port %u", k->port);
        add_last_line(k, "kdc.log", why);
    }
    return false;
}

void kdc_end(struct kdc *k)
{
    if (k->report >= 0)
        close(k->report);
    k->report = -1;
    if (k->pid > 0) {
        kill(-k->pid, SIGKILL); /* with the tool that it may be waiting for */
        kill(k->pid, SIGKILL);  /* it may not have made its group yet */
        waitpid(k->pid, NULL, 0);
    }
    k->pid = 0;
}
