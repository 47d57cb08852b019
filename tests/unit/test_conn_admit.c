/* SPDX-License-Identifier: MIT */
/* Who is let in at accept, before a byte is read. */
#include "net_fixture.h"

static struct admitting {
    unsigned asked, unadmitted, admitted; /* the last two as told at the end */
    enum fault answer;
    uint16_t port;
    bool was_listener;
} door;

static enum fault admit(void *arg, const struct net_listener *l, const struct net_addr *peer)
{
    assert_ptr_equal(arg, &seen);
    door.asked++;
    door.was_listener = l == &listener;
    door.port = net_addr_port(peer);
    return door.answer;
}

static void count_end(struct conn *c)
{
    if (conn_admitted(c))
        door.admitted++;
    else
        door.unadmitted++;
    assert_null(conn_tls(c));
    assert_ptr_equal(conn_listener(c), &listener);
}

static int begin_admitting(void **state)
{
    int failed = begin(state);

    door = (struct admitting){ .answer = FAULT_NONE };
    net->handler.admit = admit;
    seen.on_closed = count_end;
    return failed;
}

static const struct str message = STR("OPTIONS sip:a SIP/2.0\r\nContent-Length: 0\r\n\r\n");

static void who_is_let_in_is_served_and_its_end_is_told(void **state)
{
    struct sockaddr_in own;
    socklen_t len = sizeof(own);
    int fd = dial();

    (void)state;
    say(fd, message);
    run_until_number(&seen.messages, 1);
    assert_int_equal(door.asked, 1);
    assert_true(door.was_listener);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&own, &len), 0);
    assert_int_equal(door.port, ntohs(own.sin_port));
    assert_true(conn_admitted(seen.conn));
    close(fd);
    run_until_number(&seen.closed, 1);
    assert_int_equal(door.admitted, 1);
}

static void who_is_refused_is_closed_before_a_byte_is_read(void **state)
{
    int fd = dial();

    (void)state;
    door.answer = FAULT_ROUTE_NETWORK_FULL;
    say(fd, message);
    assert_is_closed_by_the_server(fd);
    assert_int_equal(kernel.recvs, 0);
    assert_int_equal(kernel.sends, 0);
    assert_int_equal(seen.opened + seen.messages + seen.broken, 0);
    assert_int_equal(seen.closed, 1);
    assert_int_equal(seen.closed_why, FAULT_ROUTE_NETWORK_FULL);
    assert_int_equal(door.unadmitted, 1);
    assert_int_equal(door.admitted, 0);
    assert_int_equal(net_count(net), 0);
    assert_int_equal(net_refused(net), 1);
}

/* A flood must not fill the trace; whoever counts connections hears of all that were let in. */
static void refusals_are_told_once_a_second_and_all_counted(void **state)
{
    (void)state;
    door.answer = FAULT_ROUTE_HANDSHAKE_RATE;
    for (unsigned i = 0; i < 50; i++)
        assert_is_closed_by_the_server(dial());
    assert_int_equal(door.asked, 50);
    assert_int_equal(net_refused(net), 50);
    assert_in_range(seen.closed, 1, 3); /* should the machine be slow */
    unsigned told = seen.closed;
    net->refused_told_ms -= 1000;
    assert_is_closed_by_the_server(dial());
    run_until_number(&seen.closed, told + 1);
    assert_int_equal(door.unadmitted, told + 1);
}

static void one_that_was_refused_leaves_room_for_the_next(void **state)
{
    int fd;

    (void)state;
    limits.connections_max = 1;
    net_set_limits(net, &limits);
    door.answer = FAULT_ROUTE_NETWORK_FULL;
    assert_is_closed_by_the_server(dial());
    door.answer = FAULT_NONE;
    fd = dial();
    say(fd, message);
    run_until_number(&seen.messages, 1);
    close(fd);
    run_until_number(&seen.closed, 2);
    assert_int_equal(door.admitted, 1);
    assert_int_equal(door.unadmitted, 1);
}

/* Nobody is counted who then gets no end. */
static void over_the_limit_nobody_is_asked(void **state)
{
    int fd = dial();

    (void)state;
    limits.connections_max = 1;
    net_set_limits(net, &limits);
    say(fd, message);
    run_until_number(&seen.messages, 1);
    assert_is_closed_by_the_server(dial());
    assert_int_equal(door.asked, 1);
    assert_int_equal(seen.closed_why, FAULT_ROUTE_TOO_MANY);
    assert_int_equal(door.unadmitted, 1);
    close(fd);
    run_until_number(&door.admitted, 1);
}

/* Every admission has its end: at the shutdown too, and when nothing was ever said. */
static void every_admission_has_its_end(void **state)
{
    int fds[20];

    (void)state;
    for (unsigned i = 0; i < 20; i++)
        fds[i] = dial();
    for (unsigned i = 0; i < 5; i++)
        close(fds[i]);
    run_until_number(&door.admitted, 5);
    assert_int_equal(door.asked, 20);
    net_free(net);
    assert_int_equal(door.admitted, 20);
    for (unsigned i = 5; i < 20; i++)
        close(fds[i]);
    net = net_new(loop, &limits, &handler, &seen, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_is_let_in_is_served_and_its_end_is_told,
                                        begin_admitting, end),
        cmocka_unit_test_setup_teardown(who_is_refused_is_closed_before_a_byte_is_read,
                                        begin_admitting, end),
        cmocka_unit_test_setup_teardown(refusals_are_told_once_a_second_and_all_counted,
                                        begin_admitting, end),
        cmocka_unit_test_setup_teardown(one_that_was_refused_leaves_room_for_the_next,
                                        begin_admitting, end),
        cmocka_unit_test_setup_teardown(over_the_limit_nobody_is_asked, begin_admitting, end),
        cmocka_unit_test_setup_teardown(every_admission_has_its_end, begin_admitting, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
