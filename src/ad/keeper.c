/* SPDX-License-Identifier: MIT */
#include "ad/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ad/child.h"
#include "conf/sandbox.h"

enum { MAKE = 'm', KILL = 'k', HERE = 'h', FAILED = 'f', EXIT_SANDBOX = 4 };

/* Both ways; HERE brings a descriptor along. */
struct word {
    uint8_t what, kind, slot;
};

struct ad_keeper {
    int fd;
};

/* Forks are without the hooks of pthread_atfork: libuv's would close descriptors by numbers that
 * are ours by then.  There is one thread, so no lock is held that a hook would have to mend. */

/* --- the process --- */

struct keeping {
    const struct conf *conf;
    ad_child_main run;
    int fd, signals;
    pid_t pid, child[AD_CHILD_KINDS][AD_SLOTS_MAX]; /* 0: none */
};

static void reap(struct keeping *k)
{
    struct signalfd_siginfo info;
    pid_t pid;

    while (read(k->signals, &info, sizeof(info)) > 0)
        continue;
    while ((pid = waitpid(-1, NULL, WNOHANG)) > 0) {
        for (unsigned i = 0; i < AD_CHILD_KINDS * AD_SLOTS_MAX; i++) {
            pid_t *child = &k->child[i / AD_SLOTS_MAX][i % AD_SLOTS_MAX];
            if (*child == pid)
                *child = 0;
        }
    }
}

static void end_child(struct keeping *k, unsigned kind, unsigned slot)
{
    pid_t *pid = &k->child[kind][slot];

    if (*pid == 0)
        return;
    kill(*pid, SIGKILL);
    while (waitpid(*pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    *pid = 0;
}

static NORETURN void be_child(struct keeping *k, enum ad_child kind, unsigned slot, int fd)
{
    sigset_t none;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != k->pid)
        _exit(0);
    close(k->fd);
    close(k->signals);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    k->run(k->conf, kind, slot, fd);
    _exit(0);
}

static void say(struct keeping *k, struct word w, int fd)
{
    struct iovec iov = { &w, sizeof(w) };
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control = { 0 };
    struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

    if (fd >= 0) {
        m.msg_control = &control;
        m.msg_controllen = sizeof(control.room);
        control.head.cmsg_level = SOL_SOCKET;
        control.head.cmsg_type = SCM_RIGHTS;
        control.head.cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(&control.head), &fd, sizeof(int));
    }
    if (sendmsg(k->fd, &m, MSG_NOSIGNAL) < 0)
        _exit(0);
}

static void make_child(struct keeping *k, struct word w)
{
    int pair[2] = { -1, -1 };
    pid_t pid = -1;

    end_child(k, w.kind, w.slot);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0)
        pid = _Fork();
    if (pid == 0) {
        close(pair[0]);
        be_child(k, w.kind, w.slot, pair[1]);
    }
    w.what = pid > 0 ? HERE : FAILED;
    k->child[w.kind][w.slot] = pid > 0 ? pid : 0;
    say(k, w, pid > 0 ? pair[0] : -1);
    if (pair[0] >= 0) {
        close(pair[0]);
        close(pair[1]);
    }
}

static void obey(struct keeping *k)
{
    struct word w;
    ssize_t n = recv(k->fd, &w, sizeof(w), MSG_DONTWAIT);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n != sizeof(w) || w.kind >= AD_CHILD_KINDS || w.slot >= AD_SLOTS_MAX)
        _exit(0); /* authd is gone: the children follow by PR_SET_PDEATHSIG */
    if (w.what == MAKE)
        make_child(k, w);
    else
        end_child(k, w.kind, w.slot);
}

/* A signal for all of a service's processes must not end us before authd has ended. */
static int take_signals(void)
{
    sigset_t all;

    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    for (int i = 1; i < NSIG; i++)
        signal(i, i == SIGPIPE ? SIG_IGN : SIG_DFL);
    sigemptyset(&all);
    sigaddset(&all, SIGCHLD);
    return signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
}

static bool drop_rights(const struct conf *c)
{
    struct buf why = { 0 };

    if (sandbox_drop(c->user_authd, &why) && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0)
        return true;
    fprintf(stderr, "postern: the keeper of authd's children: %.*s\n", STR_ARG(buf_str(&why)));
    return false;
}

static NORETURN void keep(struct keeping *k, pid_t parent)
{
    prctl(PR_SET_NAME, "postern-keeper");
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(0);
    k->signals = take_signals();
    if (!drop_rights(k->conf))
        _exit(EXIT_SANDBOX);
    k->pid = getpid();
    for (;;) {
        struct pollfd p[2] = { { .fd = k->fd, .events = POLLIN },
                               { .fd = k->signals, .events = POLLIN } };
        poll(p, 2, -1);
        if (p[1].revents)
            reap(k);
        if (p[0].revents)
            obey(k);
    }
}

/* --- authd's side --- */

static void run_real(const struct conf *c, enum ad_child kind, unsigned slot, int fd)
{
    (void)slot;
    prctl(PR_SET_NAME, kind == AD_CHILD_WINBIND ? "postern-winbind" : "postern-ldap");
    if (kind == AD_CHILD_WINBIND)
        ad_child_winbind(c, fd);
    else
        ad_child_ldap(c, fd);
}

/* All but the standard three and `keep_fd`, which may be sockets and files of authd's. */
static void close_others(int keep_fd)
{
    if (keep_fd > 3)
        close_range(3, (unsigned)keep_fd - 1, 0);
    close_range((unsigned)keep_fd + 1, ~0u, 0);
}

struct ad_keeper *ad_keeper_start_with(const struct conf *c, ad_child_main run, struct buf *why)
{
    int pair[2];
    pid_t parent = getpid();

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
        buf_printf(why, "no socket for the directory's processes (%s)", strerror(errno));
        return NULL;
    }
    fflush(NULL);
    pid_t pid = _Fork();
    if (pid == 0) {
        struct keeping k = { .conf = c, .run = run, .fd = pair[1] };
        close_others(pair[1]);
        keep(&k, parent);
    }
    close(pair[1]);
    if (pid < 0) {
        buf_printf(why, "no process for the directory (%s)", strerror(errno));
        close(pair[0]);
        return NULL;
    }
    struct ad_keeper *k = calloc(1, sizeof(*k));
    if (!k)
        abort();
    fcntl(pair[0], F_SETFL, O_NONBLOCK);
    k->fd = pair[0];
    return k;
}

struct ad_keeper *ad_keeper_start(const struct conf *c, struct buf *why)
{
    return ad_keeper_start_with(c, run_real, why);
}

void ad_keeper_free(struct ad_keeper *k)
{
    if (!k)
        return;
    close(k->fd);
    free(k);
}

int ad_keeper_fd(const struct ad_keeper *k)
{
    return k->fd;
}

static bool tell(struct ad_keeper *k, uint8_t what, enum ad_child kind, unsigned slot)
{
    struct word w = { what, (uint8_t)kind, (uint8_t)slot };

    return send(k->fd, &w, sizeof(w), MSG_DONTWAIT | MSG_NOSIGNAL) == sizeof(w);
}

bool ad_keeper_make(struct ad_keeper *k, enum ad_child kind, unsigned slot)
{
    return tell(k, MAKE, kind, slot);
}

bool ad_keeper_kill(struct ad_keeper *k, enum ad_child kind, unsigned slot)
{
    return tell(k, KILL, kind, slot);
}

static int descriptor_of(struct msghdr *m)
{
    int fd = -1;

    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
            c->cmsg_len == CMSG_LEN(sizeof(int)))
            memcpy(&fd, CMSG_DATA(c), sizeof(int));
    }
    return fd;
}

enum ad_keeper_said ad_keeper_read(struct ad_keeper *k, struct ad_keeper_news *out)
{
    struct word w;
    struct iovec iov = { &w, sizeof(w) };
    char control[CMSG_SPACE(sizeof(int))];
    struct msghdr m = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)
    };
    ssize_t n = recvmsg(k->fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return AD_KEEPER_NOTHING;
    if (n != sizeof(w) || w.kind >= AD_CHILD_KINDS || w.slot >= AD_SLOTS_MAX)
        return AD_KEEPER_LOST;
    out->kind = w.kind;
    out->slot = w.slot;
    out->fd = w.what == HERE ? descriptor_of(&m) : -1;
    if (out->fd >= 0)
        fcntl(out->fd, F_SETFL, O_NONBLOCK);
    return AD_KEEPER_CHILD;
}
