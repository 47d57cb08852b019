/* SPDX-License-Identifier: MIT */
#include "conf/sandbox_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* What an event loop with threads, sockets and memory needs once everything is open: measured,
 * plus what other C libraries, kernels and sanitizers were seen to need. */
static const int always[] = {
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(readv),
    SCMP_SYS(writev),
    SCMP_SYS(close),
    SCMP_SYS(recvfrom),
    SCMP_SYS(recvmsg),
    SCMP_SYS(recvmmsg),
    SCMP_SYS(sendto),
    SCMP_SYS(sendmsg),
    SCMP_SYS(sendmmsg),
    SCMP_SYS(accept4),
    SCMP_SYS(shutdown),
    SCMP_SYS(getsockopt),
    SCMP_SYS(setsockopt),
    SCMP_SYS(getsockname),
    SCMP_SYS(getpeername),
    SCMP_SYS(epoll_create1),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(eventfd2),
    SCMP_SYS(pipe2),
    SCMP_SYS(futex),
    SCMP_SYS(nanosleep),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    SCMP_SYS(getrandom),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(tgkill),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(brk),
    SCMP_SYS(madvise),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(rseq),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(prlimit64),
    SCMP_SYS(getrusage),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(uname),
    SCMP_SYS(sysinfo),
    SCMP_SYS(fstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(lseek),
    SCMP_SYS(unlink),
};

/* Opening by name: libraries cope with a refusal, so it is one, and no death. */
static const int opening[] = {
    SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2),
    SCMP_SYS(stat), SCMP_SYS(lstat),  SCMP_SYS(statx),  SCMP_SYS(readlink),  SCMP_SYS(readlinkat),
};

/* A database, a rotated log, a file replaced by rename. */
static const int with_files[] = {
    SCMP_SYS(pread64),  SCMP_SYS(pwrite64),   SCMP_SYS(preadv),    SCMP_SYS(pwritev),
    SCMP_SYS(fsync),    SCMP_SYS(fdatasync),  SCMP_SYS(ftruncate), SCMP_SYS(fallocate),
    SCMP_SYS(unlinkat), SCMP_SYS(rename),     SCMP_SYS(renameat),  SCMP_SYS(renameat2),
    SCMP_SYS(fchmod),   SCMP_SYS(fchown),     SCMP_SYS(chmod),     SCMP_SYS(umask),
    SCMP_SYS(getcwd),   SCMP_SYS(getdents64), SCMP_SYS(flock),     SCMP_SYS(fstatfs),
    SCMP_SYS(statfs),
};

static const int with_sockets[] = { SCMP_SYS(connect), SCMP_SYS(bind), SCMP_SYS(listen) };

/* What the C library's resolver and Kerberos ask for besides. */
static const int with_libraries[] = {
    SCMP_SYS(setitimer), SCMP_SYS(select),    SCMP_SYS(pselect6),  SCMP_SYS(dup),
    SCMP_SYS(dup2),      SCMP_SYS(getppid),   SCMP_SYS(getgroups), SCMP_SYS(socketpair),
    SCMP_SYS(getresuid), SCMP_SYS(getresgid), SCMP_SYS(getpgrp),
};

/* Calls of which one value of one argument is allowed. */
static const struct {
    int call;
    unsigned arg;
    uint64_t value;
} with_value[] = {
    { SCMP_SYS(ioctl), 1, FIONBIO },     { SCMP_SYS(ioctl), 1, FIOCLEX },
    { SCMP_SYS(ioctl), 1, FIONREAD },    { SCMP_SYS(ioctl), 1, TCGETS },
    { SCMP_SYS(fcntl), 1, F_GETFL },     { SCMP_SYS(fcntl), 1, F_SETFL },
    { SCMP_SYS(fcntl), 1, F_GETFD },     { SCMP_SYS(fcntl), 1, F_SETFD },
    { SCMP_SYS(prctl), 0, PR_SET_NAME },
};

static bool allow_all(scmp_filter_ctx f, uint32_t action, const int *calls, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        /* a negative number: a call this architecture does not have */
        if (calls[i] >= 0 && seccomp_rule_add(f, action, calls[i], 0) != 0)
            return false;
    }
    return true;
}

static bool allow_value(scmp_filter_ctx f, int call, unsigned arg, uint64_t value)
{
    return seccomp_rule_add(f, SCMP_ACT_ALLOW, call, 1,
                            SCMP_CMP(arg, SCMP_CMP_MASKED_EQ, 0xFFFFFFFFu, value)) == 0;
}

static bool allow_mask(scmp_filter_ctx f, int call, unsigned arg, uint64_t mask, uint64_t value)
{
    return seccomp_rule_add(f, SCMP_ACT_ALLOW, call, 1,
                            SCMP_CMP(arg, SCMP_CMP_MASKED_EQ, mask, value)) == 0;
}

/* No new code in memory, and threads but no processes.  clone3 hides its flags behind a pointer:
 * told that it does not exist, the C library takes clone. */
static bool allow_threads_and_memory(scmp_filter_ctx f, const struct sandbox_rules *rules)
{
    /* with libraries code is mapped, but never what can be written as well */
    if (rules->libraries && !allow_mask(f, SCMP_SYS(mmap), 2, PROT_WRITE | PROT_EXEC, PROT_EXEC))
        return false;
    if (rules->refuses_plugins &&
        seccomp_rule_add(f, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(mmap), 1,
                         SCMP_CMP(2, SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC)) != 0)
        return false;
    return allow_mask(f, SCMP_SYS(mmap), 2, PROT_EXEC, 0) &&
           allow_mask(f, SCMP_SYS(mprotect), 2, PROT_EXEC, 0) &&
           allow_mask(f, SCMP_SYS(clone), 0, CLONE_THREAD, CLONE_THREAD) &&
           seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) == 0;
}

static bool allow_files(scmp_filter_ctx f, bool files)
{
    uint32_t action = files ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(EACCES);

    if (!allow_all(f, action, opening, ARRAY_LEN(opening)))
        return false;
    return !files ||
           (allow_all(f, SCMP_ACT_ALLOW, with_files, ARRAY_LEN(with_files)) &&
            allow_value(f, SCMP_SYS(fcntl), 1, F_SETLK) &&
            allow_value(f, SCMP_SYS(fcntl), 1, F_SETLKW) &&
            allow_value(f, SCMP_SYS(fcntl), 1, F_OFD_SETLKW) && /* Kerberos' replay cache */
            allow_value(f, SCMP_SYS(fcntl), 1, F_GETLK));
}

static bool allow_sockets(scmp_filter_ctx f, const struct sandbox_rules *rules)
{
    if (!rules->unix_sockets && !rules->inet_sockets)
        return true;
    if (!allow_all(f, SCMP_ACT_ALLOW, with_sockets, ARRAY_LEN(with_sockets)))
        return false;
    if (rules->unix_sockets && !allow_value(f, SCMP_SYS(socket), 0, AF_UNIX))
        return false;
    return !rules->inet_sockets || (allow_value(f, SCMP_SYS(socket), 0, AF_INET) &&
                                    allow_value(f, SCMP_SYS(socket), 0, AF_INET6));
}

/* Kerberos locks the files it reads. */
static bool allow_libraries(scmp_filter_ctx f)
{
    static const int commands[] = { F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW, F_DUPFD,
                                    F_DUPFD_CLOEXEC };

    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (!allow_value(f, SCMP_SYS(fcntl), 1, (uint64_t)commands[i]))
            return false;
    }
    return allow_all(f, SCMP_ACT_ALLOW, with_libraries, ARRAY_LEN(with_libraries));
}

static bool fill(scmp_filter_ctx f, const struct sandbox_rules *rules)
{
    for (size_t i = 0; i < ARRAY_LEN(with_value); i++) {
        if (!allow_value(f, with_value[i].call, with_value[i].arg, with_value[i].value))
            return false;
    }
    return allow_all(f, SCMP_ACT_ALLOW, always, ARRAY_LEN(always)) &&
           allow_threads_and_memory(f, rules) && (!rules->libraries || allow_libraries(f)) &&
           allow_files(f, rules->files) && allow_sockets(f, rules);
}

/* Raised by the call itself, never in the middle of malloc (whose calls are all allowed), so the
 * name may be looked up here. */
static void stopped(int signum, siginfo_t *info, void *context)
{
    char text[128];
    char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, info->si_syscall);
    int len = snprintf(text, sizeof(text),
                       "postern: the sandbox stopped the system call %s (%d): report it, and run "
                       "with POSTERN_NO_SANDBOX=1\n",
                       name ? name : "?", info->si_syscall);

    (void)signum;
    (void)context;
    (void)!write(STDERR_FILENO, text, (size_t)len);
    _exit(31);
}

static bool told(struct buf *why, const char *what, int error)
{
    buf_printf(why, "%s failed (%s): POSTERN_NO_SANDBOX=1 runs without it", what, strerror(-error));
    return false;
}

bool sandbox_calls(const struct sandbox_rules *rules, bool *loaded, struct buf *why)
{
    struct sigaction action = { .sa_sigaction = stopped, .sa_flags = SA_SIGINFO };

    if (prctl(PR_GET_SECCOMP) < 0)
        return true; /* not in this kernel */
    scmp_filter_ctx f = seccomp_init(rules->libraries ? SCMP_ACT_ERRNO(EPERM) : SCMP_ACT_TRAP);
    if (!f)
        return told(why, "making the list of system calls", -ENOMEM);
    seccomp_attr_set(f, SCMP_FLTATR_CTL_TSYNC, 1);
    seccomp_attr_set(f, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    int error = fill(f, rules) ? 0 : -EINVAL;
    if (error == 0 && sigaction(SIGSYS, &action, NULL) != 0)
        error = -errno;
    if (error == 0)
        error = seccomp_load(f);
    seccomp_release(f);
    *loaded = error == 0;
    return error == 0 || told(why, "loading the list of system calls", error);
}
