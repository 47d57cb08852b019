/* SPDX-License-Identifier: MIT */
#include "cmd/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "cmd/cmd.h"
#include "cmd/door.h"
#include "cmd/owner.h"
#include "cmd/remote.h"
#include "edge/edge.h"

enum { BACKOFF_FIRST_MS = 100, BACKOFF_MAX_MS = 5000, STEADY_MS = 10000, STOP_MS = 3000 };

struct role {
    const char *name;
    pid_t pid; /* 0: not running */
    uint64_t started_ms, start_at_ms;
    unsigned backoff_ms;
};

struct supervisor {
    const struct conf *conf;
    int authd_fd;
    int signals;
    struct role roles[3];
    unsigned role_count;
    int edge_memory; /* counts of failed sign-ins, which outlive an Edge that dies; -1: none */
    bool stopping;
    int exit_code;
};

/* authd may answer to the account that the front drops to: the socket belongs to its group. */
static void give_to_front(const struct conf *c, const char *path)
{
    struct passwd *user = c->user_front[0] ? getpwnam(c->user_front) : NULL;
    if (geteuid() == 0 && user && chown(path, 0, user->pw_gid) != 0)
        fprintf(stderr, "postern: cannot give %s to %s: %s\n", path, c->user_front,
                strerror(errno));
}

static int bind_authd(const struct conf *c)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    if ((size_t)snprintf(at.sun_path, sizeof(at.sun_path), "%s/authd.sock", c->run) >=
        sizeof(at.sun_path)) {
        fprintf(stderr, "postern: the path of [general] run is too long: choose a shorter one\n");
        return -1;
    }
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    unlink(at.sun_path);
    mode_t old = umask(0117);
    bool failed =
        fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(fd, 512) != 0;
    int error = errno;
    umask(old);
    if (failed) {
        fprintf(stderr, "postern: cannot bind %s: %s: does [general] run exist and is it ours?\n",
                at.sun_path, strerror(error));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    give_to_front(c, at.sun_path);
    return fd;
}

static void run_role(struct supervisor *s, const struct role *r)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    char fd[16];
    if (strcmp(r->name, "authd") == 0) {
        snprintf(fd, sizeof(fd), "%d", s->authd_fd);
        fcntl(s->authd_fd, F_SETFD, 0);
        setenv("POSTERN_AUTHD_FD", fd, 1);
    }
    if (strcmp(r->name, "edge") == 0 && s->edge_memory >= 0) {
        snprintf(fd, sizeof(fd), "%d", s->edge_memory);
        fcntl(s->edge_memory, F_SETFD, 0);
        setenv("POSTERN_EDGE_MEMORY", fd, 1);
    }
    char name[16], option[] = "-c";
    snprintf(name, sizeof(name), "%s", r->name);
    char *argv[] = { name, option, s->conf->file, NULL };
    if (strcmp(r->name, "authd") != 0)
        _exit(door_exec(argv));
    execl("/proc/self/exe", "postern", name, option, s->conf->file, (char *)NULL);
    fprintf(stderr, "postern: cannot start %s: %s\n", r->name, strerror(errno));
    _exit(127);
}

static void start(struct supervisor *s, struct role *r)
{
    r->started_ms = clock_mono_ms();
    r->pid = fork();
    if (r->pid == 0)
        run_role(s, r);
    if (r->pid < 0) {
        r->pid = 0;
        r->start_at_ms = r->started_ms + BACKOFF_MAX_MS;
    }
}

/* A role that ends by itself comes back: at once after a steady run, later and later when it
 * keeps failing.  Exit code 2 at the first start is a configuration that cannot work. */
static void ended(struct supervisor *s, struct role *r, int status)
{
    uint64_t now = clock_mono_ms(), ran = now - r->started_ms;
    r->pid = 0;
    if (s->stopping)
        return;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 2 && r->backoff_ms == 0 && ran < STEADY_MS) {
        s->exit_code = 2;
        s->stopping = true;
        return;
    }
    if (WIFSIGNALED(status))
        fprintf(stderr, "postern: %s was ended by signal %d and is started again\n", r->name,
                WTERMSIG(status));
    else
        fprintf(stderr, "postern: %s ended with code %d and is started again\n", r->name,
                WEXITSTATUS(status));
    if (ran >= STEADY_MS)
        r->backoff_ms = 0;
    r->start_at_ms = now + r->backoff_ms;
    r->backoff_ms = r->backoff_ms ? r->backoff_ms * 2 : BACKOFF_FIRST_MS;
    if (r->backoff_ms > BACKOFF_MAX_MS)
        r->backoff_ms = BACKOFF_MAX_MS;
}

static void reap(struct supervisor *s)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        for (size_t i = 0; i < s->role_count; i++)
            if (s->roles[i].pid == pid)
                ended(s, &s->roles[i], status);
}

/* The roles cannot open the file from inside their sandbox: it is read here and handed to them. */
static void reload(const struct supervisor *s)
{
    struct buf why = { 0 };
    if (remote_reload(s->conf->file, &why) == CMD_DONE)
        fprintf(stderr, "postern: policy and traces were read again from %s\n", s->conf->file);
    else
        fprintf(stderr, "postern: %s was not reloaded, everything stays as it was: %.*s\n",
                s->conf->file, STR_ARG(buf_str(&why)));
    buf_fini(&why);
}

static void signal_roles(const struct supervisor *s, int signum)
{
    for (size_t i = 0; i < s->role_count; i++)
        if (s->roles[i].pid > 0)
            kill(s->roles[i].pid, signum);
}

static void take_signal(struct supervisor *s)
{
    struct signalfd_siginfo info;
    while (read(s->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (info.ssi_signo == SIGCHLD)
            reap(s);
        else if (info.ssi_signo == SIGHUP)
            reload(s);
        else
            s->stopping = true;
    }
}

static int wait_ms(const struct supervisor *s)
{
    uint64_t now = clock_mono_ms();
    int wait = -1;
    for (size_t i = 0; i < s->role_count; i++) {
        const struct role *r = &s->roles[i];
        if (r->pid != 0)
            continue;
        int left = r->start_at_ms > now ? (int)(r->start_at_ms - now) : 0;
        wait = wait < 0 || left < wait ? left : wait;
    }
    return wait;
}

static bool is_running(const struct supervisor *s)
{
    for (size_t i = 0; i < s->role_count; i++)
        if (s->roles[i].pid > 0)
            return true;
    return false;
}

static void stop_roles(struct supervisor *s)
{
    uint64_t deadline = clock_mono_ms() + STOP_MS;
    bool killed = false;
    signal_roles(s, SIGTERM);
    while (is_running(s)) {
        struct pollfd p = { .fd = s->signals, .events = POLLIN };
        poll(&p, 1, 100);
        take_signal(s);
        reap(s);
        if (!killed && clock_mono_ms() > deadline) {
            signal_roles(s, SIGKILL);
            killed = true;
        }
    }
}

static void keep_running(struct supervisor *s)
{
    while (!s->stopping) {
        struct pollfd p = { .fd = s->signals, .events = POLLIN };
        poll(&p, 1, wait_ms(s));
        take_signal(s);
        for (size_t i = 0; i < s->role_count && !s->stopping; i++)
            if (s->roles[i].pid == 0 && clock_mono_ms() >= s->roles[i].start_at_ms)
                start(s, &s->roles[i]);
    }
}

static int make_edge_memory(void)
{
    int fd = memfd_create("postern-edge", MFD_CLOEXEC);
    if (fd >= 0 && ftruncate(fd, (off_t)edge_memory_size()) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

static void name_roles(struct supervisor *s)
{
    if (conf_has_front(s->conf)) {
        s->roles[s->role_count++].name = "authd";
        s->roles[s->role_count++].name = "front";
    }
    if (conf_has_edge(s->conf)) {
        s->roles[s->role_count++].name = "edge";
        s->edge_memory = make_edge_memory();
    }
}

int supervise(const struct conf *conf)
{
    struct supervisor s = { .conf = conf, .edge_memory = -1 };
    name_roles(&s);
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGTERM);
    sigaddset(&mask, SIGINT);
    sigaddset(&mask, SIGHUP);
    sigaddset(&mask, SIGCHLD);
    sigprocmask(SIG_BLOCK, &mask, NULL);
    s.signals = signalfd(-1, &mask, SFD_NONBLOCK | SFD_CLOEXEC);
    struct buf why = { 0 };
    bool prepared = owner_prepare(conf, &why);
    if (!prepared)
        fprintf(stderr, "postern: cannot start: %.*s\n", STR_ARG(buf_str(&why)));
    buf_fini(&why);
    s.authd_fd = prepared ? bind_authd(conf) : -1;
    if (s.authd_fd < 0)
        return CMD_USAGE;
    keep_running(&s);
    stop_roles(&s);
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
    snprintf(path, sizeof(path), "%s/authd.sock", conf->run);
    unlink(path);
    close(s.authd_fd);
    close(s.signals);
    return s.exit_code;
}
