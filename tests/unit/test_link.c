/* SPDX-License-Identifier: MIT */
#include "authd/link.h"

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

#include "users/proto.h"

static char dir[48], path[64];
static struct loop *loop;
static struct link *under_test;
static struct loop_timer *guard;

static struct seen {
    unsigned messages;
    struct link_ticket from;
    uint64_t waited_ms;
    uint64_t keep_ms;
    unsigned stop_after; /* messages */
} seen;

static void out_of_time(void *arg)
{
    (void)arg;
    fail_msg("the loop was not ended");
}

/* Answers with the message itself, "quiet" with nothing. */
static void answer(void *arg, struct link_ticket from, struct str message, uint64_t waited_ms,
                   struct buf *out, uint64_t *keep_ms)
{
    struct seen *s = arg;

    s->from = from;

    s->messages++;
    s->waited_ms = waited_ms;
    *keep_ms = s->keep_ms;
    if (!str_eq(message, STR("quiet")))
        buf_add(out, str_first(message, 100));
    if (s->messages == s->stop_after)
        loop_stop(loop);
}

static int setup(void **state)
{
    struct buf why = { 0 };

    (void)state;
    snprintf(dir, sizeof(dir), "/tmp/postern-link-XXXXXX");
    assert_non_null(mkdtemp(dir));
    assert_int_equal(chmod(dir, 0755), 0);
    snprintf(path, sizeof(path), "%s/s", dir);
    loop = loop_new();
    int fd = link_bind(path, getegid(), &why);
    assert_true(fd >= 0);
    seen = (struct seen){ .keep_ms = 60000 };
    under_test = link_new(loop, fd, (uid_t)-1, answer, &seen);
    guard = loop_timer_new(loop, out_of_time, NULL);
    loop_timer_set(guard, 30000, 0);
    buf_fini(&why);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    link_free(under_test);
    loop_timer_free(guard);
    loop_free(loop);
    unlink(path);
    return rmdir(dir);
}

static int dial(void)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    memcpy(at.sun_path, path, strlen(path) + 1);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    return fd;
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT),
                     (ssize_t)strlen(text));
}

static void run_until(unsigned messages)
{
    seen.stop_after = messages;
    loop_run(loop);
}

static void answers_of_a_turn_come_back_in_order(void **state)
{
    (void)state;
    int fd = dial();
    char text[32], got[128];

    for (int i = 0; i < 100; i++) {
        snprintf(text, sizeof(text), "message %d", i);
        say(fd, text);
    }
    run_until(100);
    for (int i = 0; i < 100; i++) {
        ssize_t n = recv(fd, got, sizeof(got), MSG_DONTWAIT);
        snprintf(text, sizeof(text), "message %d", i);
        assert_true(n > 0 && str_eq(str_of(got, (size_t)n), str_from_c(text)));
    }
    assert_int_equal(link_counts(under_test).received, 100);
    close(fd);
}

static void heard(int fd, const char *text)
{
    char got[128];
    ssize_t n = recv(fd, got, sizeof(got), MSG_DONTWAIT);

    assert_true(n > 0 && str_eq(str_of(got, (size_t)n), str_from_c(text)));
}

static void an_answer_may_come_later_and_finds_the_peer_that_asked(void **state)
{
    (void)state;
    int one = dial(), two = dial();

    say(one, "quiet");
    run_until(1);
    struct link_ticket from = seen.from;
    link_reply(under_test, from, STR("later"), 60000);
    say(two, "now");
    run_until(2);
    heard(one, "later");
    heard(two, "now");
    close(one);
    say(two, "again");
    run_until(3);
    link_reply(under_test, from, STR("nobody is there"), 60000);
    say(two, "still");
    run_until(4);
    heard(two, "again");
    heard(two, "still");
    close(two);
}

static void a_greeting_reaches_who_is_there_and_who_comes(void **state)
{
    (void)state;
    int one = dial();

    say(one, "quiet");
    run_until(1);
    link_greet(under_test, STR("we are EXAMPLE"));
    int two = dial();
    say(two, "hello");
    run_until(2);
    heard(one, "we are EXAMPLE");
    heard(two, "we are EXAMPLE");
    heard(two, "hello");
    close(one);
    close(two);
}

static void a_message_may_be_left_unanswered(void **state)
{
    (void)state;
    int fd = dial();
    char got[128];

    say(fd, "quiet");
    say(fd, "loud");
    run_until(2);
    assert_int_equal(recv(fd, got, sizeof(got), MSG_DONTWAIT), 4);
    assert_int_equal(recv(fd, got, sizeof(got), MSG_DONTWAIT), -1);
    close(fd);
}

static void a_message_longer_than_allowed_is_not_taken_for_a_shorter_one(void **state)
{
    (void)state;
    static char big[PROTO_MESSAGE_MAX + 1];
    int fd = dial();

    memset(big, 'x', sizeof(big));
    assert_int_equal(send(fd, big, sizeof(big), 0), sizeof(big));
    say(fd, "next");
    run_until(1);
    assert_int_equal(link_counts(under_test).cut, 1);
    assert_int_equal(seen.messages, 1);
    close(fd);
}

static void end_pump(void *arg)
{
    (void)arg;
    loop_stop(loop);
}

/* Lets the loop do what there is to do. */
static void pump(void)
{
    struct loop_timer *t = loop_timer_new(loop, end_pump, NULL);

    seen.stop_after = 0;
    loop_timer_set(t, 2, 0);
    loop_run(loop);
    loop_timer_free(t);
}

enum { QUIET_TURNS = 10 };

/* Sends until the link takes no more (its queue and both sockets are full then), or `max`. */
static unsigned fill(int fd, unsigned max)
{
    char text[100];
    unsigned said = 0;

    memset(text, 'x', sizeof(text));
    for (int quiet = 0; quiet < QUIET_TURNS && said < max; quiet++) {
        while (said < max &&
               send(fd, text, sizeof(text), MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)sizeof(text)) {
            said++;
            quiet = 0;
        }
        pump();
    }
    return said;
}

static unsigned drain(int fd)
{
    char got[128];
    unsigned heard = 0;

    for (int quiet = 0; quiet < QUIET_TURNS; quiet++) {
        while (recv(fd, got, sizeof(got), MSG_DONTWAIT) == 100) {
            heard++;
            quiet = 0;
        }
        pump();
    }
    return heard;
}

static void an_empty_message_is_not_the_end_of_its_peer(void **state)
{
    (void)state;
    int fd = dial();
    char got[128];

    say(fd, "first");
    run_until(1);
    say(fd, "");
    say(fd, "last");
    run_until(3);
    assert_int_equal(recv(fd, got, sizeof(got), MSG_DONTWAIT), 5);
    assert_int_equal(recv(fd, got, sizeof(got), MSG_DONTWAIT), 4);
    close(fd);
}

static void a_peer_that_does_not_read_waits_and_others_are_served(void **state)
{
    (void)state;
    int deaf = dial(), good = dial();
    char got[128];
    unsigned said = fill(deaf, 100000);

    assert_true(seen.messages < said);
    say(good, "hello");
    pump();
    assert_int_equal(recv(good, got, sizeof(got), MSG_DONTWAIT), 5);
    assert_int_equal(drain(deaf), said);
    close(deaf);
    close(good);
}

static void an_answer_that_cannot_leave_before_its_deadline_is_dropped(void **state)
{
    (void)state;
    int fd = dial();

    seen.keep_ms = 1;
    unsigned said = fill(fd, 3000);
    unsigned heard = drain(fd);
    assert_true(heard < said);
    assert_true(link_counts(under_test).late > 0);
    close(fd);
}

static void the_time_a_message_waited_is_known(void **state)
{
    (void)state;
    int fd = dial();

    say(fd, "one"); /* makes the link accept, so that stamps are on */
    run_until(1);
    say(fd, "two");
    usleep(30000);
    run_until(2);
    assert_true(seen.waited_ms >= 25);
    close(fd);
}

static void a_peer_that_goes_is_forgotten(void **state)
{
    (void)state;
    int fd = dial(), other;

    say(fd, "x");
    run_until(1);
    assert_int_equal(link_counts(under_test).peers, 1);
    close(fd);
    other = dial();
    say(other, "y");
    run_until(2);
    say(other, "z");
    run_until(3);
    assert_int_equal(link_counts(under_test).peers, 1);
    close(other);
}

static void a_stranger_is_not_answered(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(chmod(path, 0666), 0);
    pid_t pid = fork();
    if (pid == 0) {
        char got[16];
        if (setresuid(65534, 65534, 65534) != 0)
            _exit(2);
        int fd = dial();
        (void)!send(fd, "x", 1, MSG_NOSIGNAL);
        _exit(recv(fd, got, sizeof(got), 0) > 0 ? 1 : 0);
    }
    /* ours, dialled behind the stranger's, ends the loop */
    usleep(50000);
    int fd = dial(), status;
    say(fd, "x");
    run_until(1);
    assert_int_equal(link_counts(under_test).refused_peers, 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    close(fd);
}

static void the_socket_is_closed_to_others(void **state)
{
    (void)state;
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0660);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(answers_of_a_turn_come_back_in_order),
        TEST(an_answer_may_come_later_and_finds_the_peer_that_asked),
        TEST(a_greeting_reaches_who_is_there_and_who_comes),
        TEST(a_message_may_be_left_unanswered),
        TEST(a_message_longer_than_allowed_is_not_taken_for_a_shorter_one),
        TEST(an_empty_message_is_not_the_end_of_its_peer),
        TEST(a_peer_that_does_not_read_waits_and_others_are_served),
        TEST(an_answer_that_cannot_leave_before_its_deadline_is_dropped),
        TEST(the_time_a_message_waited_is_known),
        TEST(a_peer_that_goes_is_forgotten),
        TEST(a_stranger_is_not_answered),
        TEST(the_socket_is_closed_to_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
