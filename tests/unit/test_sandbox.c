/* SPDX-License-Identifier: MIT */
/* Each behaviour is tried by a child that has entered the sandbox. */
#include "conf/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { ALLOWED = 40, REFUSED, STOPPED = 31, NOT_ENTERED = 50 };

static char dir[48];

static int make_dir(void **state)
{
    (void)state;
    snprintf(dir, sizeof(dir), "/tmp/postern-sandbox-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
    (void)state;
    return rmdir(dir);
}

/* Exit code of a child that did `act` inside; its complaint is not shown. */
static int inside(const struct sandbox_rules *rules, bool (*act)(void))
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        struct buf why = { 0 };
        int null = open("/dev/null", O_WRONLY);

        dup2(null, STDERR_FILENO);
        if (!sandbox_enter(rules, &why))
            _exit(NOT_ENTERED);
        _exit(act() ? ALLOWED : REFUSED);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static bool reads_etc_passwd(void)
{
    return open("/etc/passwd", O_RDONLY) >= 0;
}

static bool executes(void)
{
    execl("/bin/true", "true", (char *)NULL);
    return false;
}

static bool forks(void)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(0);
    return pid > 0;
}

static bool opens_a_tcp_socket(void)
{
    return socket(AF_INET, SOCK_STREAM, 0) >= 0;
}

static bool opens_a_unix_socket(void)
{
    return socket(AF_UNIX, SOCK_SEQPACKET, 0) >= 0;
}

static bool opens_a_raw_socket(void)
{
    return socket(AF_PACKET, SOCK_RAW, 0) >= 0;
}

static bool signals_its_parent(void)
{
    return kill(getppid(), 0) == 0;
}

static bool maps_code(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
           MAP_FAILED;
}

static bool traces_its_parent(void)
{
    return syscall(SYS_ptrace, 16, getppid(), 0, 0) == 0;
}

static void *add_one(void *arg)
{
    ++*(int *)arg;
    return NULL;
}

static bool runs_a_thread(void)
{
    int n = 0;
    pthread_t t;

    return pthread_create(&t, NULL, add_one, &n) == 0 && pthread_join(t, NULL) == 0 && n == 1;
}

static bool allocates_and_writes(void)
{
    size_t size = 8 << 20;
    char *big = malloc(size);

    if (!big)
        return false;
    memset(big, 1, size);
    free(big);
    return write(STDERR_FILENO, "x", 1) == 1;
}

static bool keeps_a_file(void)
{
    char path[64], other[64];

    snprintf(path, sizeof(path), "%s/a", dir);
    snprintf(other, sizeof(other), "%s/b", dir);
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    return fd >= 0 && pwrite(fd, "x", 1, 0) == 1 && fsync(fd) == 0 && rename(path, other) == 0 &&
           unlink(other) == 0;
}

static bool is_undumpable_without_privileges(void)
{
    return prctl(PR_SET_NAME, "x") == 0 && sandbox_state().no_new_privs;
}

static void closed(bool (*act)(void))
{
    struct sandbox_rules rules = { 0 };
    int code = inside(&rules, act);

    assert_true(code == REFUSED || code == STOPPED);
}

static bool has_both(void)
{
    return sandbox_state().landlock > 0 && sandbox_state().seccomp;
}

/* Kernels without Landlock or seccomp are told of by sandbox_state, and have nothing to test. */
static void need_both(void)
{
    struct sandbox_rules rules = { 0 };

    if (inside(&rules, has_both) != ALLOWED)
        skip();
}

static void files_programs_processes_and_sockets_are_out_of_reach(void **state)
{
    (void)state;
    need_both();
    closed(reads_etc_passwd);
    closed(executes);
    closed(forks);
    closed(opens_a_tcp_socket);
    closed(opens_a_unix_socket);
    closed(opens_a_raw_socket);
    closed(signals_its_parent);
    closed(maps_code);
    closed(traces_its_parent);
}

static void memory_threads_and_open_descriptors_go_on_working(void **state)
{
    (void)state;
    need_both();
    struct sandbox_rules rules = { 0 };

#ifndef __SANITIZE_THREAD__ /* whose own thread does not survive a fork */
    assert_int_equal(inside(&rules, runs_a_thread), ALLOWED);
#else
    (void)runs_a_thread;
#endif
    assert_int_equal(inside(&rules, allocates_and_writes), ALLOWED);
    assert_int_equal(inside(&rules, is_undumpable_without_privileges), ALLOWED);
}

static void a_process_keeps_the_directory_it_names_and_no_other(void **state)
{
    (void)state;
    need_both();
    struct sandbox_rules rules = { .write = { dir, NULL, "/no/such/path" }, .files = true };

    assert_int_equal(inside(&rules, keeps_a_file), ALLOWED);
    assert_int_equal(inside(&rules, reads_etc_passwd), REFUSED);
    rules.read[3] = "/etc/passwd";
    assert_int_equal(inside(&rules, reads_etc_passwd), ALLOWED);
    rules.write[0] = NULL;
    rules.read[0] = dir;
    assert_int_equal(inside(&rules, keeps_a_file), REFUSED);
}

static void sockets_are_of_the_kinds_named(void **state)
{
    (void)state;
    need_both();
    struct sandbox_rules rules = { .unix_sockets = true };

    assert_int_equal(inside(&rules, opens_a_unix_socket), ALLOWED);
    assert_int_equal(inside(&rules, opens_a_tcp_socket), STOPPED);
    rules.inet_sockets = true;
    assert_int_equal(inside(&rules, opens_a_tcp_socket), ALLOWED);
    assert_int_equal(inside(&rules, opens_a_raw_socket), STOPPED);
}

static bool maps_a_library(void)
{
    int fd = open("/usr/bin/env", O_RDONLY);

    return fd >= 0 && mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) != MAP_FAILED;
}

static bool writes_code(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                0) != MAP_FAILED;
}

static bool makes_memory_code(void)
{
    void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return mprotect(at, 4096, PROT_READ | PROT_EXEC) == 0;
}

/* A library whose plug-in is refused goes on; one that makes memory code does not. */
static void plugins_are_refused_where_a_library_looks_for_them(void **state)
{
    struct sandbox_rules rules = { .read = { "/usr" }, .files = true, .refuses_plugins = true };
    (void)state;

    assert_int_equal(inside(&rules, maps_a_library), REFUSED);
    assert_int_equal(inside(&rules, maps_code), REFUSED);
    assert_int_equal(inside(&rules, makes_memory_code), STOPPED);
    assert_int_equal(inside(&rules, opens_a_unix_socket), STOPPED);
    rules.refuses_plugins = false;
    assert_int_equal(inside(&rules, maps_a_library), STOPPED);
}

static void a_process_around_libraries_loads_code_but_makes_none(void **state)
{
    (void)state;
    need_both();
    struct sandbox_rules rules = { .read = { "/usr" }, .files = true, .libraries = true };
    bool (*const refused[])(
        void) = { writes_code,       makes_memory_code,  executes,           forks,
                  traces_its_parent, signals_its_parent, opens_a_tcp_socket, reads_etc_passwd };

    assert_int_equal(inside(&rules, maps_a_library), ALLOWED);
    for (unsigned i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        assert_int_equal(inside(&rules, refused[i]), REFUSED);
}

static uint16_t port_to_try;

/* Nobody listens there: what counts is whether the kernel tries. */
static bool connects(void)
{
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_port = htons(port_to_try),
                              .sin_addr = { htonl(INADDR_LOOPBACK) } };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    return connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 || errno == ECONNREFUSED;
}

static bool binds(void)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    return bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0;
}

static void tcp_goes_to_the_ports_named_and_no_other(void **state)
{
    (void)state;
    need_both();
    if (syscall(SYS_landlock_create_ruleset, NULL, 0, 1) < 4)
        skip();
    struct sandbox_rules rules = { .inet_sockets = true, .connect_ports = { 0, 9, 0, 11 } };

    port_to_try = 9;
    assert_int_equal(inside(&rules, connects), ALLOWED);
    port_to_try = 11;
    assert_int_equal(inside(&rules, connects), ALLOWED);
    port_to_try = 10;
    assert_int_equal(inside(&rules, connects), REFUSED);
    assert_int_equal(inside(&rules, binds), REFUSED);
    rules.connect_ports[1] = rules.connect_ports[3] = 0;
    assert_int_equal(inside(&rules, connects), ALLOWED);
}

static void the_environment_can_switch_it_off(void **state)
{
    (void)state;
    struct sandbox_rules rules = { 0 };

    setenv("POSTERN_NO_SANDBOX", "1", 1);
    assert_int_equal(inside(&rules, forks), ALLOWED);
    unsetenv("POSTERN_NO_SANDBOX");
}

static void an_account_that_does_not_exist_is_told(void **state)
{
    (void)state;
    struct buf why = { 0 };

    assert_true(sandbox_drop("", &why));
    assert_true(sandbox_drop(NULL, &why));
    if (geteuid() == 0) {
        assert_false(sandbox_drop("postern-no-such-account", &why));
        assert_true(str_find(buf_str(&why), STR("does not exist")) != SIZE_MAX);
    }
    buf_fini(&why);
}

static bool is_nobody(void)
{
    return getuid() == 65534 && geteuid() == 65534 && getgid() == 65534 && setuid(0) != 0;
}

static bool drops(void)
{
    struct buf why = { 0 };

    return sandbox_drop("nobody", &why) && is_nobody();
}

static void root_becomes_the_account_for_good(void **state)
{
    (void)state;
    struct sandbox_rules rules = { 0 };

    if (geteuid() != 0)
        skip();
    setenv("POSTERN_NO_SANDBOX", "1", 1);
    assert_int_equal(inside(&rules, drops), ALLOWED);
    unsetenv("POSTERN_NO_SANDBOX");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_programs_processes_and_sockets_are_out_of_reach),
        cmocka_unit_test(memory_threads_and_open_descriptors_go_on_working),
        cmocka_unit_test_setup_teardown(a_process_keeps_the_directory_it_names_and_no_other,
                                        make_dir, remove_dir),
        cmocka_unit_test(sockets_are_of_the_kinds_named),
        cmocka_unit_test(a_process_around_libraries_loads_code_but_makes_none),
        cmocka_unit_test(plugins_are_refused_where_a_library_looks_for_them),
        cmocka_unit_test(tcp_goes_to_the_ports_named_and_no_other),
        cmocka_unit_test(the_environment_can_switch_it_off),
        cmocka_unit_test(an_account_that_does_not_exist_is_told),
        cmocka_unit_test(root_becomes_the_account_for_good),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
