/* SPDX-License-Identifier: MIT */
/* authd as a process: started, asked, steered, reloaded, ended. */
#include "authd/authd.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "authd/link.h"
#include "base/clock.h"
#include "base/utf16.h"
#include "conf/ctl.h"
#include "ntlm/accept.h"
#include "ntlm/crypt.h"
#include "ntlm/initiate.h"
#include "users/proto.h"
#include "users/store.h"

enum { WAIT_MS = 20000 };

static char dir[48], conf_path[80], sock_path[80], ctl_path[80], db_path[80], key_path[80];
static pid_t pid;
static int sock = -1;
static const char *remote_epid; /* questions come through an Edge, from this device */
static uint8_t fresh;           /* no two tokens are the same */

static void write_conf(const char *directory_lines)
{
    FILE *f = fopen(conf_path, "w");

    assert_non_null(f);
    fprintf(f,
            "[general]\ndomain = example.com\nfqdn = fe01.example.com\nstate = %s\nrun = %s\n"
            "user_front =\nuser_authd =\nadmin_group =\n"
            "[directory]\nsource = sqlite\nnetbios_domain = EXAMPLE\n%s\n"
            "[policy]\npreset = windows-2008r2\n[trace]\npath = %s/front.log\n",
            dir, dir, directory_lines, dir);
    fclose(f);
}

static struct store *open_store(void)
{
    struct buf why = { 0 };
    struct store *s = store_sqlite_open(db_path, key_path, "EXAMPLE", &why);

    if (!s)
        fail_msg("%.*s", STR_ARG(buf_str(&why)));
    buf_fini(&why);
    return s;
}

static void add_ada(void)
{
    struct user u = {
        .name = "ada", .uri = "sip:ada@example.com", .display = "Ada", .flags = USER_SIP_ENABLED
    };
    struct store *s = open_store();
    struct buf wide = { 0 };
    uint8_t hash[16];

    utf16_from_utf8(STR("Passw0rd!"), &wide);
    ntlm_ntowfv1(buf_str(&wide), hash);
    buf_fini(&wide);
    assert_int_equal(s->ops->add(s, &u, hash), STORE_OK);
    s->ops->free(s);
}

static json_t *call(const char *text)
{
    struct buf why = { 0 };
    json_t *in = json_loads(text, 0, NULL);
    json_t *out = ctl_call(ctl_path, in, WAIT_MS, &why);

    assert_non_null(in);
    json_decref(in);
    buf_fini(&why);
    return out;
}

static void dial(void)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };

    sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    memcpy(at.sun_path, sock_path, strlen(sock_path) + 1);
    assert_int_equal(connect(sock, (struct sockaddr *)&at, sizeof(at)), 0);
}

/* `inherited`: a supervisor's socket instead of its own. */
static void start(int inherited)
{
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct buf why = { 0 };
        char number[16];
        struct conf *c = conf_load(conf_path, &why);

        if (!c || !conf_policy_override_load(c, &why)) {
            fprintf(stderr, "%.*s\n", STR_ARG(buf_str(&why)));
            _exit(90);
        }
        snprintf(number, sizeof(number), "%d", inherited);
        if (inherited >= 0)
            setenv("POSTERN_AUTHD_FD", number, 1);
        _exit(authd_run(c));
    }
    for (int i = 0; i < WAIT_MS / 10; i++) {
        json_t *out = call("{\"do\":\"status\"}");

        json_decref(out);
        if (out)
            return;
        assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
        usleep(10000);
    }
    fail_msg("authd did not start");
}

/* Its exit code; killed by a signal: 1000 + that. */
static int ended(void)
{
    int status;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    pid = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static int setup(void **state)
{
    (void)state;
    snprintf(dir, sizeof(dir), "/tmp/postern-authd-XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(conf_path, sizeof(conf_path), "%s/postern.conf", dir);
    snprintf(sock_path, sizeof(sock_path), "%s/authd.sock", dir);
    snprintf(ctl_path, sizeof(ctl_path), "%s/authd.ctl", dir);
    snprintf(db_path, sizeof(db_path), "%s/users.db", dir);
    snprintf(key_path, sizeof(key_path), "%s/users.key", dir);
    write_conf("");
    add_ada();
    return 0;
}

static int teardown(void **state)
{
    static const char *const names[] = { "postern.conf",    "authd.sock",       "authd.ctl",
                                         "users.db",        "users.db-wal",     "users.db-shm",
                                         "users.key",       "authd.log",        "policy.conf",
                                         "policy.conf.new", "budget.db",        "budget.db-wal",
                                         "budget.db-shm",   "budget.db.damaged" };
    char path[128];

    (void)state;
    if (sock >= 0)
        close(sock);
    sock = -1;
    remote_epid = NULL;
    if (pid > 0) {
        kill(pid, SIGKILL);
        ended();
    }
    for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
        snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
        unlink(path);
    }
    return rmdir(dir);
}

static void question(uint64_t id, const char *password, unsigned level, uint32_t deadline_ms,
                     struct buf *out, uint8_t exported[16])
{
    const struct ntlm_names names = { .nb_computer = STR("FE01"), .nb_domain = STR("EXAMPLE") };
    struct proto_question q = { .id = id,
                                .deadline_ms = deadline_ms,
                                .server_challenge = "1234567",
                                .from_uri = STR("sip:ada@example.com"),
                                .source = STR("\x7F\0\0\1"),
                                .remote = remote_epid != NULL,
                                .epid = str_from_c(remote_epid) };
    struct ntlm_initiate in = { .flags_wanted = 0xE2988255,
                                .lm_compatibility = level,
                                .version = { 6, 1, 7601, 15 },
                                .domain = STR("EXAMPLE"),
                                .user = STR("ada"),
                                .workstation = STR("PC"),
                                .password = str_from_c(password),
                                .random_session_key = "0123456789abcde",
                                .filetime = clock_filetime() };
    struct buf challenge = { 0 }, message = { 0 };
    uint32_t flags;

    in.client_challenge[0] = ++fresh;
    ntlm_accept_challenge(&names, NTLM_DEFAULT_OFFER, q.server_challenge, 0, &challenge);
    assert_int_equal(ntlm_initiate(&in, buf_str(&challenge), &message, &flags, exported),
                     FAULT_NONE);
    q.challenge = buf_str(&challenge);
    q.authenticate = buf_str(&message);
    assert_true(proto_question_write(&q, out));
    buf_fini(&challenge);
    buf_fini(&message);
}

static void ask(uint64_t id, const char *password, unsigned level)
{
    struct buf out = { 0 };
    uint8_t exported[16];

    question(id, password, level, WAIT_MS, &out, exported);
    assert_int_equal(send(sock, out.ptr, out.len, 0), (ssize_t)out.len);
    buf_fini(&out);
}

static size_t hear(char *got, size_t size)
{
    struct pollfd p = { .fd = sock, .events = POLLIN };

    assert_int_equal(poll(&p, 1, WAIT_MS), 1);
    ssize_t n = recv(sock, got, size, 0);
    assert_true(n > 0);
    return (size_t)n;
}

static enum fault verdict_of(uint64_t id)
{
    char got[2048];
    struct proto_verdict v;

    assert_true(proto_verdict_read(str_of(got, hear(got, sizeof(got))), &v));
    assert_true(v.id == id);
    return v.fault;
}

static enum fault try(const char *password, unsigned level)
{
    static uint64_t id = 100;

    ask(++id, password, level);
    return verdict_of(id);
}

static json_int_t counted(const char *name)
{
    json_t *out = call("{\"do\":\"status\"}");
    json_int_t n = json_integer_value(json_object_get(out, name));

    json_decref(out);
    return n;
}

static void a_sign_in_is_answered_with_the_clients_own_key(void **state)
{
    (void)state;
    struct buf out = { 0 };
    uint8_t exported[16];
    char got[2048];
    struct proto_verdict v;

    start(-1);
    dial();
    question(7, "Passw0rd!", 3, WAIT_MS, &out, exported);
    assert_int_equal(send(sock, out.ptr, out.len, 0), (ssize_t)out.len);
    assert_true(proto_verdict_read(str_of(got, hear(got, sizeof(got))), &v));
    assert_true(v.id == 7 && v.fault == FAULT_NONE && v.password_proved);
    assert_memory_equal(v.keys, exported, 16);
    assert_true(str_eq(v.account, STR("EXAMPLE\\ada")));
    assert_int_equal(try("wrong", 3), FAULT_USER_WRONG_PASSWORD);
    buf_fini(&out);
}

static void a_thousand_questions_at_once_are_all_answered(void **state)
{
    (void)state;
    write_conf("[budget]\nceiling = 0");
    start(-1);
    dial();
    unsigned asked = 0, answered = 0;
    while (answered < 1000) {
        struct buf out = { 0 };
        uint8_t exported[16];
        char got[2048];

        question(asked, asked % 3 ? "Passw0rd!" : "wrong", 3, WAIT_MS, &out, exported);
        while (asked < 1000 && send(sock, out.ptr, out.len, MSG_DONTWAIT) > 0) {
            buf_clear(&out);
            asked++;
            question(asked, asked % 3 ? "Passw0rd!" : "wrong", 3, WAIT_MS, &out, exported);
        }
        buf_fini(&out);
        struct proto_verdict v;
        do {
            assert_true(proto_verdict_read(str_of(got, hear(got, sizeof(got))), &v));
            assert_int_equal(v.fault, v.id % 3 ? FAULT_NONE : FAULT_USER_WRONG_PASSWORD);
            answered++;
        } while (answered < asked);
    }
    assert_int_equal(counted("messages"), 1000);
}

static void what_cannot_be_read_is_counted_and_harms_nobody(void **state)
{
    (void)state;
    static char big[PROTO_MESSAGE_MAX + 100];

    start(-1);
    dial();
    assert_int_equal(send(sock, "nonsense", 8, 0), 8);
    assert_int_equal(send(sock, big, sizeof(big), 0), sizeof(big));
    assert_int_equal(try("Passw0rd!", 3), FAULT_NONE);
    assert_int_equal(counted("messages_unreadable"), 1);
    assert_int_equal(counted("messages_cut"), 1);
}

static void a_question_whose_deadline_passed_is_not_answered(void **state)
{
    (void)state;
    struct buf out = { 0 };
    uint8_t exported[16];

    start(-1);
    dial();
    assert_int_equal(try("Passw0rd!", 3), FAULT_NONE);
    kill(pid, SIGSTOP);
    question(1, "wrong", 3, 20, &out, exported);
    assert_int_equal(send(sock, out.ptr, out.len, 0), (ssize_t)out.len);
    usleep(50000);
    kill(pid, SIGCONT);
    assert_int_equal(try("Passw0rd!", 3), FAULT_NONE); /* the next answer is to the next question */
    assert_int_equal(counted("questions_late"), 1);
    buf_fini(&out);
}

static void a_lookup_sees_what_the_user_command_changed(void **state)
{
    (void)state;
    struct proto_lookup l = { .id = 5, .uri = STR("sip:ada@example.com") };
    struct proto_flags f = { 0 };
    struct user u;
    struct buf out = { 0 };
    char got[256];

    start(-1);
    dial();
    proto_lookup_write(&l, &out);
    struct store *s = open_store();
    assert_int_equal(s->ops->find_uri(s, l.uri, &u), STORE_OK);
    u.flags |= USER_DISABLED;
    assert_int_equal(s->ops->update(s, &u), STORE_OK);
    s->ops->free(s);
    for (int i = 0; i < 200 && !(f.user_flags & USER_DISABLED); i++) {
        assert_int_equal(send(sock, out.ptr, out.len, 0), (ssize_t)out.len);
        assert_true(proto_flags_read(str_of(got, hear(got, sizeof(got))), &f));
        assert_true(f.id == 5 && f.known);
        usleep(5000);
    }
    assert_true(f.user_flags & USER_DISABLED);
    buf_fini(&out);
}

static void a_policy_set_is_in_force_at_once_and_after_a_restart(void **state)
{
    (void)state;
    start(-1);
    dial();
    assert_int_equal(try("Passw0rd!", 1), FAULT_NONE);
    json_t *out = call("{\"do\":\"policy-set\",\"words\":[\"strict\"]}");
    assert_true(json_is_true(json_object_get(out, "ok")));
    assert_string_equal(json_string_value(json_object_get(out, "preset")), "strict");
    json_decref(out);
    assert_int_equal(try("Passw0rd!", 1), FAULT_POLICY_LM_COMPATIBILITY);

    kill(pid, SIGTERM);
    assert_int_equal(ended(), 0);
    close(sock);
    start(-1);
    dial();
    assert_int_equal(try("Passw0rd!", 1), FAULT_POLICY_LM_COMPATIBILITY);
    out = call("{\"do\":\"policy-show\"}");
    assert_string_equal(json_string_value(json_object_get(out, "preset")), "strict");
    json_decref(out);
}

static void bad_control_requests_are_refused_with_a_reason(void **state)
{
    (void)state;
    static const char *const bad[] = { "{\"do\":\"policy-set\"}",
                                       "{\"do\":\"policy-set\",\"words\":[]}",
                                       "{\"do\":\"policy-set\",\"words\":[7]}",
                                       "{\"do\":\"policy-set\",\"words\":[\"lax\"]}",
                                       "{\"do\":\"policy-set\",\"words\":[\"mode=maybe\"]}",
                                       "{\"do\":\"dance\"}",
                                       "{\"do\":\"trace\",\"component\":\"all\",\"level\":\"x\"}",
                                       "{}" };

    start(-1);
    for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
        json_t *out = call(bad[i]);

        assert_true(json_is_false(json_object_get(out, "ok")));
        assert_true(strlen(json_string_value(json_object_get(out, "error"))) > 8);
        json_decref(out);
    }
}

static void a_reload_takes_the_new_file_or_keeps_the_old_one(void **state)
{
    (void)state;
    start(-1);
    write_conf("lockout_threshold = nonsense");
    json_t *out = call("{\"do\":\"reload\"}");
    assert_true(json_is_false(json_object_get(out, "ok")));
    json_decref(out);
    write_conf("lockout_threshold = 2");
    kill(pid, SIGHUP);
    json_int_t threshold = 0;
    for (int i = 0; i < 1000 && threshold != 2; i++) {
        out = call("{\"do\":\"status\"}");
        threshold = json_integer_value(
            json_object_get(json_object_get(out, "directory"), "lockout_threshold"));
        json_decref(out);
        usleep(1000);
    }
    assert_int_equal(threshold, 2);
}

static void a_lockout_is_kept_across_a_restart_and_ended_by_an_unlock(void **state)
{
    (void)state;
    write_conf("lockout_threshold = 2");
    start(-1);
    dial();
    assert_int_equal(try("a", 3), FAULT_USER_WRONG_PASSWORD);
    assert_int_equal(try("b", 3), FAULT_USER_WRONG_PASSWORD);
    assert_int_equal(try("Passw0rd!", 3), FAULT_USER_LOCKED);
    kill(pid, SIGTERM);
    assert_int_equal(ended(), 0);
    close(sock);

    start(-1);
    dial();
    assert_int_equal(try("Passw0rd!", 3), FAULT_USER_LOCKED);
    struct store *s = open_store();
    assert_int_equal(s->ops->unlock(s, STR("ada")), STORE_OK);
    s->ops->free(s);
    enum fault f = FAULT_USER_LOCKED;
    for (int i = 0; i < 200 && f == FAULT_USER_LOCKED; i++) {
        f = try("Passw0rd!", 3);
        usleep(5000);
    }
    assert_int_equal(f, FAULT_NONE);
}

static void a_supervisors_socket_outlives_authd(void **state)
{
    (void)state;
    struct buf why = { 0 };
    int fd = link_bind(sock_path, getegid(), &why);

    assert_true(fd >= 0);
    fcntl(fd, F_SETFD, 0);
    start(fd);
    dial();
    assert_int_equal(try("Passw0rd!", 3), FAULT_NONE);
    kill(pid, SIGKILL);
    assert_int_equal(ended(), 1000 + SIGKILL);
    close(sock);
    dial(); /* nobody is there, the backlog takes it */
    ask(1, "Passw0rd!", 3);
    start(fd);
    assert_int_equal(verdict_of(1), FAULT_NONE);
    close(fd);
    buf_fini(&why);
}

static void a_start_that_cannot_work_ends_with_code_2(void **state)
{
    (void)state;
    assert_int_equal(chmod(key_path, 0644), 0);
    pid = fork();
    if (pid == 0) {
        struct buf why = { 0 };
        int null = open("/dev/null", O_WRONLY);

        dup2(null, STDERR_FILENO);
        _exit(authd_run(conf_load(conf_path, &why)));
    }
    assert_int_equal(ended(), 2);
}

/* A line of /proc/PID/status. */
static bool status_has(const char *line)
{
    char path[64], text[8192];

    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    int fd = open(path, O_RDONLY);
    ssize_t n = read(fd, text, sizeof(text));
    close(fd);
    return n > 0 && str_find(str_of(text, (size_t)n), str_from_c(line)) != SIZE_MAX;
}

static void it_runs_without_privileges_to_gain(void **state)
{
    (void)state;
    start(-1);
    json_t *out = call("{\"do\":\"status\"}");
    json_t *sandbox = json_object_get(out, "sandbox");
    assert_true(status_has("NoNewPrivs:\t1"));
    if (json_is_true(json_object_get(sandbox, "seccomp")))
        assert_true(status_has("Seccomp:\t2"));
    json_decref(out);
}

static void restart_after(int signum)
{
    kill(pid, signum);
    assert_int_equal(ended(), signum == SIGKILL ? 1000 + SIGKILL : 0);
    close(sock);
    unlink(sock_path);
    start(-1);
    dial();
}

/* From devices nobody knows, until nobody is asked any more. */
static void exhaust(void)
{
    remote_epid = "stranger";
    for (int i = 0; i < 4; i++)
        assert_int_equal(try("wrong", 3), FAULT_USER_WRONG_PASSWORD);
    assert_int_equal(try("Passw0rd!", 3), FAULT_BUDGET_ACCOUNT);
}

static void budgets_and_known_devices_survive_a_restart_and_a_kill(void **state)
{
    (void)state;
    static const int signals[] = { SIGTERM, SIGKILL, SIGKILL };

    start(-1);
    dial();
    remote_epid = "known";
    assert_int_equal(try("Passw0rd!", 3), FAULT_REMOTE_ACCESS_NOT_ENABLED);
    exhaust();
    usleep(300000); /* at most a second behind */
    for (unsigned i = 0; i < ARRAY_LEN(signals); i++) {
        restart_after(signals[i]);
        remote_epid = "stranger";
        assert_int_equal(try("Passw0rd!", 3), FAULT_BUDGET_ACCOUNT);
        remote_epid = "known";
        assert_int_equal(try("Passw0rd!", 3), FAULT_REMOTE_ACCESS_NOT_ENABLED);
        assert_int_equal(counted("directory_lookups"), 1);
        assert_int_equal(counted("budget_refused"), 1);
    }
}

static void a_damaged_budget_file_costs_the_counts_and_nothing_else(void **state)
{
    (void)state;
    char path[96];

    snprintf(path, sizeof(path), "%s/budget.db", dir);
    FILE *f = fopen(path, "w");
    for (int i = 0; i < 1000; i++)
        fputs("no database ", f);
    fclose(f);
    start(-1);
    dial();
    exhaust();
    usleep(300000);
    restart_after(SIGKILL);
    assert_int_equal(try("Passw0rd!", 3), FAULT_BUDGET_ACCOUNT);
}

static void an_administrator_sees_and_clears_budgets(void **state)
{
    (void)state;
    start(-1);
    dial();
    remote_epid = "known";
    assert_int_equal(try("Passw0rd!", 3), FAULT_REMOTE_ACCESS_NOT_ENABLED);
    exhaust();
    json_t *out = call("{\"do\":\"budget-list\"}");
    json_t *row = json_array_get(json_object_get(out, "accounts"), 0);
    json_t *device = json_array_get(json_object_get(row, "devices"), 0);
    assert_string_equal(json_string_value(json_object_get(row, "account")), "EXAMPLE\\ada");
    assert_true(json_is_true(json_object_get(row, "known")));
    assert_true(json_is_true(json_object_get(row, "over_budget")));
    assert_int_equal(json_integer_value(json_object_get(row, "failures")), 4);
    assert_true(json_integer_value(json_object_get(row, "window_left")) > 1700);
    assert_string_equal(json_string_value(json_object_get(device, "epid")), "known");
    assert_string_equal(json_string_value(json_object_get(device, "network")), "127.0.0.0/24");
    json_decref(out);

    static const char *const requests[] = {
        "{\"do\":\"budget-clear\",\"account\":\"bob\"}",
        "{\"do\":\"budget-clear\",\"account\":\"example\\\\ADA\"}",
        "{\"do\":\"budget-clear\",\"account\":\"sip:ada@example.com\"}",
        "{\"do\":\"budget-clear\",\"all\":true}",
    };
    for (unsigned i = 0; i < ARRAY_LEN(requests); i++) {
        out = call(requests[i]);
        assert_true(json_is_true(json_object_get(out, "ok")));
        assert_int_equal(json_integer_value(json_object_get(out, "cleared")), i > 0);
        json_decref(out);
        if (i > 0)
            exhaust();
        else
            assert_int_equal(try("Passw0rd!", 3), FAULT_BUDGET_ACCOUNT);
    }
    out = call("{\"do\":\"budget-clear\"}");
    assert_true(json_is_false(json_object_get(out, "ok")));
    json_decref(out);
}

static void a_reload_takes_the_budgets_rules_too(void **state)
{
    (void)state;
    start(-1);
    dial();
    exhaust();
    write_conf("[budget]\naccount_failures = 6");
    json_t *out = call("{\"do\":\"reload\"}");
    assert_true(json_is_true(json_object_get(out, "ok")));
    json_decref(out);
    assert_int_equal(try("wrong", 3), FAULT_USER_WRONG_PASSWORD);
    assert_int_equal(try("wrong", 3), FAULT_USER_WRONG_PASSWORD);
    assert_int_equal(try("wrong", 3), FAULT_BUDGET_ACCOUNT);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_sign_in_is_answered_with_the_clients_own_key),
        TEST(a_thousand_questions_at_once_are_all_answered),
        TEST(what_cannot_be_read_is_counted_and_harms_nobody),
        TEST(a_question_whose_deadline_passed_is_not_answered),
        TEST(a_lookup_sees_what_the_user_command_changed),
        TEST(a_policy_set_is_in_force_at_once_and_after_a_restart),
        TEST(bad_control_requests_are_refused_with_a_reason),
        TEST(a_reload_takes_the_new_file_or_keeps_the_old_one),
        TEST(a_lockout_is_kept_across_a_restart_and_ended_by_an_unlock),
        TEST(budgets_and_known_devices_survive_a_restart_and_a_kill),
        TEST(a_damaged_budget_file_costs_the_counts_and_nothing_else),
        TEST(an_administrator_sees_and_clears_budgets),
        TEST(a_reload_takes_the_budgets_rules_too),
        TEST(a_supervisors_socket_outlives_authd),
        TEST(a_start_that_cannot_work_ends_with_code_2),
        TEST(it_runs_without_privileges_to_gain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
