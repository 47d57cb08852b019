/* SPDX-License-Identifier: MIT */
#include "conf/ctl.h"

#include <pthread.h>
#include <setjmp.h>
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

enum { WAIT_MS = 20000 };

static char dir[40], path[64];

/* The server under test, on a thread of its own. */
static struct server {
    pthread_t thread;
    struct loop *loop;
    struct ctl *ctl;
    struct loop_timer *timer;
    struct ctl_request *later;
} server;

static void reply_later(void *arg)
{
    struct server *s = arg;

    ctl_reply(s->later, json_pack("{s:b, s:s}", "ok", 1, "when", "later"));
    s->later = NULL;
}

static void handle(void *arg, struct ctl_request *r, json_t *in)
{
    struct server *s = arg;
    const char *what = json_string_value(json_object_get(in, "do"));

    if (what && strcmp(what, "stop") == 0) {
        ctl_reply(r, json_pack("{s:b}", "ok", 1));
        loop_stop(s->loop);
    } else if (what && strcmp(what, "later") == 0 && !s->later) {
        s->later = r;
        loop_timer_set(s->timer, 20, 0);
    } else if (what && strcmp(what, "long") == 0) {
        char *text = calloc(1, 300001);
        memset(text, 'x', 300000);
        ctl_reply(r, json_pack("{s:s}", "text", text));
        free(text);
    } else if (what) {
        ctl_reply(r, json_pack("{s:b, s:s}", "ok", 1, "did", what));
    } else {
        ctl_refuse(r, "nothing to %s", "do");
    }
}

static void *serve(void *arg)
{
    loop_run(((struct server *)arg)->loop);
    return NULL;
}

static int start(void **state)
{
    struct buf why = { 0 };

    (void)state;
    snprintf(dir, sizeof(dir), "/tmp/postern-ctl-XXXXXX");
    assert_non_null(mkdtemp(dir));
    assert_int_equal(chmod(dir, 0755), 0);
    snprintf(path, sizeof(path), "%s/x.ctl", dir);
    server = (struct server){ .loop = loop_new() };
    server.ctl = ctl_new(server.loop, path, "", handle, &server, &why);
    server.timer = loop_timer_new(server.loop, reply_later, &server);
    assert_non_null(server.ctl);
    buf_fini(&why);
    return pthread_create(&server.thread, NULL, serve, &server);
}

static json_t *call(const char *what)
{
    struct buf why = { 0 };
    json_t *in = json_pack("{s:s}", "do", what);
    json_t *out = ctl_call(path, in, WAIT_MS, &why);

    if (!out)
        print_message("%.*s\n", STR_ARG(buf_str(&why)));
    json_decref(in);
    buf_fini(&why);
    return out;
}

static int stop(void **state)
{
    (void)state;
    json_decref(call("stop"));
    pthread_join(server.thread, NULL);
    ctl_free(server.ctl);
    if (server.later)
        reply_later(&server);
    loop_timer_free(server.timer);
    loop_free(server.loop);
    assert_int_not_equal(access(path, F_OK), 0);
    return rmdir(dir);
}

static const char *text_in(const json_t *o, const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));

    return text ? text : "";
}

static int dial(void)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    memcpy(at.sun_path, path, strlen(path) + 1);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    return fd;
}

/* Sends, ends its half, and reads to the end. */
static struct buf exchange(int fd, struct str text)
{
    struct buf got = { 0 };
    char piece[4096];
    ssize_t n;

    assert_int_equal(send(fd, text.ptr, text.len, MSG_NOSIGNAL), (ssize_t)text.len);
    shutdown(fd, SHUT_WR);
    while ((n = read(fd, piece, sizeof(piece))) > 0)
        buf_add(&got, str_of(piece, (size_t)n));
    close(fd);
    return got;
}

static void a_request_is_answered_at_once_or_later(void **state)
{
    (void)state;
    json_t *out = call("something");
    assert_string_equal(text_in(out, "did"), "something");
    json_decref(out);
    out = call("later");
    assert_string_equal(text_in(out, "when"), "later");
    json_decref(out);
    out = call("long");
    assert_int_equal(strlen(text_in(out, "text")), 300000);
    json_decref(out);
}

static void several_requests_of_a_connection_are_answered_in_order(void **state)
{
    (void)state;
    struct buf got =
        exchange(dial(), STR("{\"do\":\"one\"}\n{\"do\":\"later\"}\n\n{\"do\":\"two\"}\n"));
    size_t one = str_find(buf_str(&got), STR("one"));
    size_t later = str_find(buf_str(&got), STR("later"));
    size_t two = str_find(buf_str(&got), STR("two"));

    assert_true(one < later && later < two && two != SIZE_MAX);
    buf_fini(&got);
}

static void what_is_no_object_is_refused_with_a_reason(void **state)
{
    (void)state;
    static const char *const lines[] = { "hello\n", "[1]\n",  "{\"a\":1,\"a\":2}\n",
                                         "{}\n",    "\xFF\n", "{\"do\":7}\n" };

    for (unsigned i = 0; i < ARRAY_LEN(lines); i++) {
        struct buf got = exchange(dial(), str_from_c(lines[i]));

        assert_true(str_starts(buf_str(&got), STR("{\"ok\":false,\"error\":\"")));
        buf_fini(&got);
    }
}

static void an_endless_line_is_cut_off(void **state)
{
    (void)state;
    int fd = dial();
    char piece[8192];
    size_t sent = 0;
    ssize_t n;

    memset(piece, 'x', sizeof(piece));
    while (sent < (4u << 20) && (n = send(fd, piece, sizeof(piece), MSG_NOSIGNAL)) > 0)
        sent += (size_t)n;
    assert_true(sent < (4u << 20));
    close(fd);
    json_decref(call("still alive"));
}

static void a_client_that_goes_before_its_answer_harms_nobody(void **state)
{
    (void)state;
    int fd = dial();

    assert_int_equal(send(fd, "{\"do\":\"later\"}\n", 15, 0), 15);
    close(fd);
    for (int i = 0; i < 3; i++)
        json_decref(call("later"));
}

static void a_client_that_does_not_read_harms_nobody(void **state)
{
    (void)state;
    int fd = dial();

    for (int i = 0; i < 50; i++)
        assert_int_equal(send(fd, "{\"do\":\"long\"}\n", 14, 0), 14);
    json_t *out = call("other");
    assert_string_equal(text_in(out, "did"), "other");
    json_decref(out);
    close(fd);
}

static void too_many_clients_are_turned_away_with_a_reason(void **state)
{
    (void)state;
    int fds[40];
    bool told = false;

    for (unsigned i = 0; i < ARRAY_LEN(fds); i++)
        fds[i] = dial();
    for (unsigned i = 0; i < ARRAY_LEN(fds); i++) {
        char piece[128] = "";
        if (i >= 32 && recv(fds[i], piece, sizeof(piece) - 1, 0) > 0)
            told = told || strstr(piece, "too many") != NULL;
    }
    for (unsigned i = 0; i < ARRAY_LEN(fds); i++)
        close(fds[i]);
    assert_true(told);
    json_t *out = NULL;
    for (int i = 0; i < 100 && !out; i++) {
        out = call("again");
        if (text_in(out, "did")[0] == '\0') {
            json_decref(out);
            out = NULL;
            usleep(1000);
        }
    }
    assert_non_null(out);
    json_decref(out);
}

static void somebody_else_is_turned_away_with_a_reason(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    pid_t pid = fork();
    if (pid == 0) {
        struct buf why = { 0 };
        json_t *in = json_pack("{s:s}", "do", "x");

        if (setresuid(65534, 65534, 65534) != 0)
            _exit(2);
        json_t *out = ctl_call(path, in, WAIT_MS, &why);
        _exit(out && strstr(text_in(out, "error"), "not allowed") ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void a_living_server_keeps_its_socket_and_a_dead_one_loses_it(void **state)
{
    (void)state;
    struct buf why = { 0 };
    struct loop *l = loop_new();
    char dead[80];
    struct sockaddr_un at = { .sun_family = AF_UNIX };

    assert_null(ctl_new(l, path, "", handle, NULL, &why));
    assert_true(str_find(buf_str(&why), STR("already running")) != SIZE_MAX);

    snprintf(dead, sizeof(dead), "%s/dead", dir);
    memcpy(at.sun_path, dead, strlen(dead) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    close(fd);
    struct ctl *c = ctl_new(l, dead, "", handle, NULL, &why);
    assert_non_null(c);
    ctl_free(c);
    loop_free(l);
    buf_fini(&why);
}

static void a_missing_server_is_told(void **state)
{
    (void)state;
    struct buf why = { 0 };
    json_t *in = json_object();

    assert_null(ctl_call("/tmp/postern-no-such-socket", in, 100, &why));
    assert_true(str_find(buf_str(&why), STR("cannot reach")) != SIZE_MAX);
    json_decref(in);
    buf_fini(&why);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_request_is_answered_at_once_or_later, start, stop),
        cmocka_unit_test_setup_teardown(several_requests_of_a_connection_are_answered_in_order,
                                        start, stop),
        cmocka_unit_test_setup_teardown(what_is_no_object_is_refused_with_a_reason, start, stop),
        cmocka_unit_test_setup_teardown(an_endless_line_is_cut_off, start, stop),
        cmocka_unit_test_setup_teardown(a_client_that_goes_before_its_answer_harms_nobody, start,
                                        stop),
        cmocka_unit_test_setup_teardown(a_client_that_does_not_read_harms_nobody, start, stop),
        cmocka_unit_test_setup_teardown(too_many_clients_are_turned_away_with_a_reason, start,
                                        stop),
        cmocka_unit_test_setup_teardown(somebody_else_is_turned_away_with_a_reason, start, stop),
        cmocka_unit_test_setup_teardown(a_living_server_keeps_its_socket_and_a_dead_one_loses_it,
                                        start, stop),
        cmocka_unit_test(a_missing_server_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
