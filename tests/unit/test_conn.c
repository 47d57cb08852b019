/* SPDX-License-Identifier: MIT */
/* Plain connections: framing, sending, pausing, closing, limits. */
#include "net_fixture.h"

static const struct str message_a = STR("OPTIONS sip:a SIP/2.0\r\nContent-Length: 5\r\n\r\nhello");
static const struct str message_b = STR("OPTIONS sip:b SIP/2.0\r\nContent-Length: 0\r\n\r\n");
static const struct str reply = STR("SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n");

static void add_what_came(int fd, struct buf *out)
{
    char bytes[4096];
    ssize_t n;

    while ((n = read(fd, bytes, sizeof(bytes))) > 0)
        buf_add(out, str_of(bytes, (size_t)n));
}

struct hearing {
    int fd;
    struct buf text;
    size_t wanted;
};

static bool has_heard(void *arg)
{
    struct hearing *h = arg;

    add_what_came(h->fd, &h->text);
    return h->text.len >= h->wanted;
}

static void assert_hears(int fd, struct str expected)
{
    struct hearing h = { .fd = fd, .wanted = expected.len };

    run_until(has_heard, &h);
    assert_true(str_eq(buf_str(&h.text), expected));
    buf_fini(&h.text);
}

static void answer(struct conn *c, struct str whole, size_t head_len)
{
    (void)whole;
    (void)head_len;
    buf_add(conn_compose(c), reply);
    conn_send_done(c);
}

static void assert_seen(struct str text)
{
    assert_true(str_eq(buf_str(&seen.text), text));
}

static struct str twice(struct str a, struct str b)
{
    static char both[8192];

    memcpy(both, a.ptr, a.len);
    memcpy(both + a.len, b.ptr, b.len);
    return str_of(both, a.len + b.len);
}

/* --- framing --- */

static void a_message_is_answered_with_one_read_and_one_write(void **state)
{
    int fd = dial();

    (void)state;
    seen.on_message = answer;
    say(fd, message_a);
    assert_hears(fd, reply);
    assert_seen(message_a);
    assert_int_equal(seen.opened, 1);
    assert_int_equal(kernel.sends, 1);
    assert_int_equal(kernel.recvs, 1);
    close(fd);
    run_until_number(&seen.closed, 1);
    assert_int_equal(seen.closed_why, FAULT_ROUTE_PEER_CLOSED);
}

static void pipelined_messages_are_answered_in_one_write(void **state)
{
    int fd = dial();

    (void)state;
    seen.on_message = answer;
    say(fd, twice(message_a, message_b));
    assert_hears(fd, twice(reply, reply));
    assert_seen(twice(message_a, message_b));
    assert_int_equal(seen.messages, 2);
    assert_int_equal(kernel.sends, 1);
    close(fd);
}

static void an_idle_connection_owns_no_buffer(void **state)
{
    int fd = dial();

    (void)state;
    seen.on_message = answer;
    say(fd, str_first(message_a, 30));
    run_until_number(&seen.opened, 1);
    run_a_while();
    assert_int_equal(seen.conn->kept.len, 30);
    say(fd, str_skip(message_a, 30));
    assert_hears(fd, reply);
    assert_seen(message_a);
    assert_null(seen.conn->kept.ptr);
    assert_null(seen.conn->unsent.ptr);
    close(fd);
}

static void messages_in_single_bytes_arrive_whole(void **state)
{
    struct str text = twice(message_a, message_b);
    int fd = dial();

    (void)state;
    for (size_t i = 0; i < text.len; i++) {
        unsigned turn = 2;

        say(fd, str_of(text.ptr + i, 1));
        run_until(tick, &turn);
    }
    run_until_number(&seen.messages, 2);
    assert_seen(text);
    assert_null(seen.conn->kept.ptr);
    close(fd);
}

static void messages_cut_anywhere_arrive_whole(void **state)
{
    struct str text = twice(message_a, message_b);

    (void)state;
    for (size_t cut = 1; cut < text.len; cut += 3) {
        int fd = dial();
        unsigned turn = 4;

        buf_clear(&seen.text);
        seen.messages = 0;
        say(fd, str_first(text, cut));
        run_until(tick, &turn);
        say(fd, str_skip(text, cut));
        run_until_number(&seen.messages, 2);
        assert_seen(text);
        close(fd);
    }
}

static void blank_lines_between_messages_are_no_messages(void **state)
{
    int fd = dial();

    (void)state;
    say(fd, STR("\r\n\r\n"));
    say(fd, message_b);
    say(fd, STR("\r\n\r\n\r\n\r\n"));
    say(fd, message_b);
    run_until_number(&seen.messages, 2);
    assert_seen(twice(message_b, message_b));
    close(fd);
}

static void say_bye(struct conn *c)
{
    conn_send(c, STR("bye"));
}

static void garbage_is_closed_with_a_last_word(void **state)
{
    int fd = dial();

    (void)state;
    seen.on_broken = say_bye;
    say(fd, STR("\x16\x03\x01 this is no SIP"));
    assert_hears(fd, STR("bye"));
    assert_is_closed_by_the_server(fd);
    run_until_number(&seen.closed, 1);
    assert_int_equal(seen.broken, 1);
    assert_int_equal(seen.messages, 0);
    assert_int_equal(seen.closed_why, seen.broken_why);
}

/* What a peer goes on sending must not reset the connection and take our answer with it. */
static void a_head_that_never_ends_is_refused_and_the_answer_arrives(void **state)
{
    struct buf text = { 0 };
    struct hearing h = { .fd = dial(), .wanted = 3 };

    (void)state;
    seen.on_broken = say_bye;
    buf_add_c(&text, "OPTIONS sip:a SIP/2.0\r\n");
    while (text.len < 300 * 1000)
        buf_add_c(&text, "X-Header: more and more\r\n");
    assert_true(write(h.fd, text.ptr, text.len) > 100 * 1000);
    run_until(has_heard, &h);
    assert_true(str_eq(buf_str(&h.text), STR("bye")));
    assert_int_equal(seen.broken_why, FAULT_SIP_TOO_LARGE);
    close(h.fd);
    run_until_number(&seen.closed, 1);
    buf_fini(&h.text);
    buf_fini(&text);
}

static void an_unfinished_message_takes_no_more_than_its_limit(void **state)
{
    int fd = dial();
    struct buf text = { 0 };

    (void)state;
    buf_add_c(&text, "OPTIONS sip:a SIP/2.0\r\nContent-Length: 7000\r\n\r\n");
    while (text.len < 7000)
        buf_add_char(&text, 'x');
    say(fd, buf_str(&text));
    run_until_number(&seen.opened, 1);
    run_a_while();
    assert_int_equal(seen.conn->kept.len, 7000);
    /* the rest, with ten more messages behind: only what the first lacks is added to it */
    buf_clear(&text);
    while (text.len < strlen("OPTIONS sip:a SIP/2.0\r\nContent-Length: 7000\r\n\r\n"))
        buf_add_char(&text, 'y');
    for (int i = 0; i < 10; i++)
        buf_add(&text, message_a);
    say(fd, buf_str(&text));
    run_until_number(&seen.messages, 11);
    assert_null(seen.conn->kept.ptr);
    assert_int_equal(seen.broken, 0);
    buf_fini(&text);
    close(fd);
}

/* --- sending --- */

static char pattern(size_t i)
{
    return (char)('a' + i % 23);
}

static void send_much(struct conn *c, struct str whole, size_t head_len)
{
    struct buf *out = conn_compose(c);

    (void)whole;
    (void)head_len;
    for (size_t i = 0; i < 60000; i++)
        buf_add_char(out, pattern(i));
    conn_send_done(c);
}

static void assert_pattern(int fd, size_t len)
{
    struct hearing h = { .fd = fd, .wanted = len };

    run_until(has_heard, &h);
    assert_int_equal(h.text.len, len);
    for (size_t i = 0; i < len; i++)
        assert_int_equal(h.text.ptr[i], pattern(i % 60000));
    buf_fini(&h.text);
}

static void what_the_kernel_takes_in_pieces_arrives_whole(void **state)
{
    int fd = dial();

    (void)state;
    kernel.send_most = 1000;
    seen.on_message = send_much;
    say(fd, message_b);
    assert_pattern(fd, 60000);
    run_a_while();
    assert_null(seen.conn->unsent.ptr);
    assert_int_equal(seen.closed, 0);
    close(fd);
}

static void what_the_kernel_refuses_is_kept_and_sent_later(void **state)
{
    int fd = dial();

    (void)state;
    seen.on_message = answer;
    kernel.send_refuses = true;
    say(fd, message_b);
    run_until_number(&seen.messages, 1);
    run_a_while();
    assert_int_equal(seen.conn->unsent.len, reply.len);
    say(fd, message_b);
    run_until_number(&seen.messages, 2);
    run_a_while();
    assert_int_equal(seen.conn->unsent.len, 2 * reply.len);
    kernel.send_refuses = false;
    assert_hears(fd, twice(reply, reply));
    assert_null(seen.conn->unsent.ptr);
    close(fd);
}

static void a_peer_that_never_reads_is_closed_when_too_much_waits(void **state)
{
    int fd = dial();

    (void)state;
    kernel.send_refuses = true;
    seen.on_message = send_much;
    say(fd, twice(message_b, message_b));
    run_until_number(&seen.closed, 1);
    assert_int_equal(seen.closed_why, FAULT_ROUTE_SLOW_READER);
    assert_int_equal(net_count(net), 0);
    kernel.send_refuses = false;
    assert_is_closed_by_the_server(fd);
}

/* The same with a real kernel: it takes some megabytes, then no more. */
static void a_never_reading_client_that_asks_for_ever_is_closed(void **state)
{
    int fd = dial();

    (void)state;
    seen.on_message = send_much;
    for (unsigned i = 0; i < 400 && seen.closed == 0; i++) {
        unsigned turns = 3;

        if (write(fd, message_b.ptr, message_b.len) < 0)
            break;
        run_until(tick, &turns);
    }
    run_until_number(&seen.closed, 1);
    assert_int_equal(seen.closed_why, FAULT_ROUTE_SLOW_READER);
    close(fd);
}

static void send_now(void *arg)
{
    conn_send(arg, reply);
}

static void what_is_sent_outside_an_event_leaves_too(void **state)
{
    int fd = dial();

    (void)state;
    run_until_number(&seen.opened, 1);
    struct loop_timer *t = loop_timer_new(loop, send_now, seen.conn);
    loop_timer_set(t, 1, 0);
    assert_hears(fd, reply);
    loop_timer_free(t);
    close(fd);
}

static struct conn *other;

static void pass_to_other_and_back(struct conn *c, struct str whole, size_t head_len)
{
    (void)head_len;
    conn_send(other, STR("1"));
    conn_send(c, STR("2"));
    conn_send(other, whole);
    conn_send(c, STR("3"));
}

static void connections_may_write_in_turns_during_one_event(void **state)
{
    int first = dial(), second;

    (void)state;
    run_until_number(&seen.opened, 1);
    other = seen.conn;
    second = dial();
    run_until_number(&seen.opened, 2);
    seen.on_message = pass_to_other_and_back;
    say(second, message_b);
    assert_hears(second, STR("23"));
    assert_hears(first, twice(STR("1"), message_b));
    close(first);
    close(second);
}

/* --- pausing --- */

static void pause_after(struct conn *c, struct str whole, size_t head_len)
{
    answer(c, whole, head_len);
    conn_pause(c);
}

static void a_paused_connection_handles_nothing_until_resumed(void **state)
{
    int fd = dial();

    (void)state;
    seen.on_message = pause_after;
    say(fd, twice(message_a, message_b));
    run_until_number(&seen.messages, 1);
    say(fd, message_a);
    run_a_while();
    assert_int_equal(seen.messages, 1);
    assert_int_equal(kernel.recvs, 1);
    conn_resume(seen.conn);
    run_until_number(&seen.messages, 2);
    run_a_while();
    assert_int_equal(seen.messages, 2);
    conn_resume(seen.conn);
    run_until_number(&seen.messages, 3);
    buf_consume(&seen.text, message_a.len);
    assert_seen(twice(message_b, message_a));
    close(fd);
}

static void a_flood_during_a_pause_stays_in_the_kernel(void **state)
{
    struct buf flood = { 0 };
    int fd = dial();

    (void)state;
    seen.on_message = pause_after;
    for (int i = 0; i < 3000; i++)
        buf_add(&flood, message_b);
    say(fd, buf_str(&flood));
    run_until_number(&seen.messages, 1);
    for (unsigned i = 2; i <= 500; i++) {
        conn_resume(seen.conn);
        run_until_number(&seen.messages, i);
        assert_true(seen.conn->kept.len <= limits.message_max + NET_SCRATCH);
    }
    seen.on_message = NULL;
    conn_resume(seen.conn);
    run_until_number(&seen.messages, 3000);
    assert_true(str_eq(buf_str(&seen.text), buf_str(&flood)));
    assert_null(seen.conn->kept.ptr);
    buf_fini(&flood);
    close(fd);
}

static void pause_and_resume(struct conn *c, struct str whole, size_t head_len)
{
    answer(c, whole, head_len);
    conn_pause(c);
    conn_resume(c);
}

static void a_pause_that_ends_at_once_loses_nothing(void **state)
{
    int fd = dial();

    (void)state;
    seen.on_message = pause_and_resume;
    say(fd, str_first(message_a, 20));
    run_until_number(&seen.opened, 1);
    run_a_while();
    say(fd, str_skip(message_a, 20));
    say(fd, message_b);
    assert_hears(fd, twice(reply, reply));
    assert_seen(twice(message_a, message_b));
    close(fd);
}

/* --- closing --- */

static void answer_and_close(struct conn *c, struct str whole, size_t head_len)
{
    answer(c, whole, head_len);
    conn_close(c, FAULT_SA_UNKNOWN);
    /* still a connection, but one that says nothing any more */
    assert_true(conn_closing(c));
    answer(c, whole, head_len);
    conn_close(c, FAULT_NONE);
    assert_int_equal(seen.closed, 0);
}

static void what_was_sent_before_a_close_arrives_and_nothing_after(void **state)
{
    struct hearing h = { .fd = dial(), .wanted = reply.len };

    (void)state;
    seen.on_message = answer_and_close;
    say(h.fd, twice(message_a, message_b));
    run_until_number(&seen.closed, 1);
    assert_int_equal(seen.messages, 1);
    assert_int_equal(seen.closed_why, FAULT_SA_UNKNOWN);
    run_until(has_heard, &h);
    assert_true(str_eq(buf_str(&h.text), reply));
    assert_is_closed_by_the_server(h.fd);
    buf_fini(&h.text);
}

static void a_close_waits_for_the_peer_but_not_for_ever(void **state)
{
    int fd = dial();

    (void)state;
    seen.on_message = answer_and_close;
    kernel.send_refuses = true;
    say(fd, message_b);
    run_until_number(&seen.messages, 1);
    run_a_while();
    assert_int_equal(seen.closed, 0);
    run_until_number(&seen.closed, 1);
    assert_int_equal(seen.closed_why, FAULT_SA_UNKNOWN);
    close(fd);
}

static void close_other(struct conn *c, struct str whole, size_t head_len)
{
    (void)whole;
    (void)head_len;
    conn_send(other, reply);
    conn_close(other, FAULT_USER_SIGNED_OUT);
    conn_send(c, reply);
    assert_true(conn_closing(other));
    assert_int_equal(conn_id(other), conn_id(net_find(net, conn_id(other))));
}

static void a_handler_may_close_another_connection(void **state)
{
    int first = dial(), second;

    (void)state;
    run_until_number(&seen.opened, 1);
    other = seen.conn;
    second = dial();
    run_until_number(&seen.opened, 2);
    seen.on_message = close_other;
    say(second, message_b);
    assert_hears(second, reply);
    assert_int_equal(seen.closed, 1);
    assert_hears(first, reply);
    assert_is_closed_by_the_server(first);
    close(second);
}

static void close_the_rest(struct conn *c)
{
    for (struct conn *o = net_next(net, NULL); o; o = net_next(net, o))
        if (o != c)
            conn_close(o, FAULT_USER_SIGNED_OUT);
}

static void closed_may_close_all_the_others(void **state)
{
    int fds[5];

    (void)state;
    for (int i = 0; i < 5; i++)
        fds[i] = dial();
    run_until_number(&seen.opened, 5);
    seen.on_closed = close_the_rest;
    close(fds[2]);
    run_until_number(&seen.closed, 5);
    assert_int_equal(net_count(net), 0);
    for (int i = 0; i < 5; i++)
        if (i != 2)
            close(fds[i]);
}

static void close_now(void *arg)
{
    conn_close(arg, FAULT_USER_SIGNED_OUT);
}

static void a_close_outside_an_event_happens_too(void **state)
{
    int fd = dial();

    (void)state;
    run_until_number(&seen.opened, 1);
    struct loop_timer *t = loop_timer_new(loop, close_now, seen.conn);
    loop_timer_set(t, 1, 0);
    run_until_number(&seen.closed, 1);
    loop_timer_free(t);
    assert_is_closed_by_the_server(fd);
}

static void a_reset_in_the_middle_of_a_message_is_told_as_such(void **state)
{
    struct linger at_once = { .l_onoff = 1 };
    int fd = dial();

    (void)state;
    say(fd, str_first(message_a, 25));
    run_until_number(&seen.opened, 1);
    run_a_while();
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
    close(fd);
    run_until_number(&seen.closed, 1);
    assert_int_equal(seen.closed_why, FAULT_ROUTE_PEER_RESET);
    assert_int_equal(seen.messages, 0);
}

static void freeing_the_worker_tells_every_connection(void **state)
{
    int fds[3];

    (void)state;
    for (int i = 0; i < 3; i++)
        fds[i] = dial();
    run_until_number(&seen.opened, 3);
    conn_send(seen.conn, reply);
    net_free(net);
    assert_int_equal(seen.closed, 3);
    assert_int_equal(seen.closed_why, FAULT_ROUTE_SHUTDOWN);
    net = net_new(loop, &limits, &handler, &seen, 3);
    assert_hears(fds[2], reply);
    for (int i = 0; i < 3; i++)
        close(fds[i]);
}

/* --- time --- */

static void a_silent_connection_is_closed(void **state)
{
    int fd = dial();

    (void)state;
    limits.handshake_s = 1;
    net_set_limits(net, &limits);
    say(fd, STR("\r\n\r\n"));
    run_until_number(&seen.closed, 1);
    assert_int_equal(seen.closed_why, FAULT_ROUTE_HANDSHAKE_TIME);
    assert_is_closed_by_the_server(fd);
}

static void an_idle_connection_is_closed(void **state)
{
    int fd = dial();

    (void)state;
    limits.idle_s = 1;
    net_set_limits(net, &limits);
    seen.on_message = answer;
    say(fd, message_b);
    assert_hears(fd, reply);
    run_until_number(&seen.closed, 1);
    assert_int_equal(seen.closed_why, FAULT_ROUTE_IDLE);
    assert_is_closed_by_the_server(fd);
}

/* --- limits --- */

static void connections_over_the_limit_are_closed_at_once(void **state)
{
    int fds[6];

    (void)state;
    limits.connections_max = 3;
    net_set_limits(net, &limits);
    for (int i = 0; i < 6; i++)
        fds[i] = dial();
    for (int i = 3; i < 6; i++)
        assert_is_closed_by_the_server(fds[i]);
    assert_int_equal(net_count(net), 3);
    assert_int_equal(net_refused(net), 3);
    /* one a second is told */
    assert_int_equal(seen.closed, 1);
    assert_int_equal(seen.closed_why, FAULT_ROUTE_TOO_MANY);
    /* the others are served, and a free place is taken again */
    seen.on_message = answer;
    say(fds[0], message_b);
    assert_hears(fds[0], reply);
    close(fds[1]);
    run_until_number(&seen.closed, 2);
    fds[1] = dial();
    say(fds[1], message_b);
    assert_hears(fds[1], reply);
    for (int i = 0; i < 3; i++)
        close(fds[i]);
}

static void running_out_of_descriptors_closes_newcomers_and_passes(void **state)
{
    int served = dial(), unlucky;

    (void)state;
    seen.on_message = answer;
    run_until_number(&seen.opened, 1);
    kernel.accept_error = EMFILE;
    unlucky = dial();
    assert_is_closed_by_the_server(unlucky);
    assert_int_equal(net_refused(net), 1);
    say(served, message_b);
    assert_hears(served, reply);
    int late = dial();
    say(late, message_b);
    assert_hears(late, reply);
    close(served);
    close(late);
}

static void without_a_reserve_the_listener_rests_and_comes_back(void **state)
{
    int fd;

    (void)state;
    close(net->reserve_fd);
    net->reserve_fd = -1;
    kernel.accept_error = EMFILE;
    fd = dial();
    run_until_number(&seen.opened, 1);
    assert_true(net->reserve_fd >= 0);
    close(fd);
}

static void two_thousand_silent_connections_disturb_nobody(void **state)
{
    enum { SILENT = 2000 };
    static int fds[SILENT];
    int fd;

    (void)state;
    for (unsigned i = 0; i < SILENT; i++) {
        fds[i] = dial();
        if (i % 200 == 199)
            run_until_number(&seen.opened, i + 1);
    }
    assert_int_equal(net_count(net), SILENT);
    seen.on_message = answer;
    fd = dial();
    say(fd, message_b);
    assert_hears(fd, reply);
    for (unsigned i = 0; i < SILENT; i++)
        close(fds[i]);
    run_until_number(&seen.closed, SILENT);
    assert_int_equal(net_count(net), 1);
    close(fd);
}

static void paused_listeners_refuse_newcomers_and_serve_the_others(void **state)
{
    int fd = dial(), late = socket(AF_INET, SOCK_STREAM, 0);

    (void)state;
    seen.on_message = answer;
    run_until_number(&seen.opened, 1);
    net_pause_listeners(net);
    assert_int_not_equal(connect(late, &address.sa, address.len), 0);
    close(late);
    say(fd, message_b);
    assert_hears(fd, reply);
    close(fd);
}

/* --- names --- */

static void connections_have_numbers_that_never_come_back(void **state)
{
    uint64_t ids[3];
    int fd;

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        fd = dial();
        run_until_number(&seen.opened, i + 1);
        ids[i] = conn_id(seen.conn);
        assert_ptr_equal(net_find(net, ids[i]), seen.conn);
        assert_int_not_equal(conn_cid(seen.conn), 0);
        close(fd);
        run_until_number(&seen.closed, i + 1);
        assert_null(net_find(net, ids[i]));
    }
    assert_true(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2]);
    assert_null(net_find(net, 0));
    assert_null(net_find(net, UINT64_MAX));
}

static void a_connection_knows_both_ends(void **state)
{
    struct net_addr mine = { .len = sizeof(mine.v6) };
    char expected[NET_ADDR_TEXT], actual[NET_ADDR_TEXT];
    int fd = dial(), something;

    (void)state;
    run_until_number(&seen.opened, 1);
    assert_int_equal(getsockname(fd, &mine.sa, &mine.len), 0);
    net_addr_print(&mine, expected);
    net_addr_print(conn_peer(seen.conn), actual);
    assert_string_equal(actual, expected);
    net_addr_print(&address, expected);
    net_addr_print(conn_local(seen.conn), actual);
    assert_string_equal(actual, expected);
    assert_string_equal(conn_transport(seen.conn), "TCP");
    assert_ptr_equal(conn_listener(seen.conn), &listener);
    assert_null(conn_tls(seen.conn));
    conn_set_user(seen.conn, &something);
    assert_ptr_equal(conn_user(seen.conn), &something);
    close(fd);
}

/* --- outgoing --- */

static void an_address_nobody_listens_at_is_unreachable(void **state)
{
    (void)state;
    net_pause_listeners(net);
    struct conn *c = net_connect(net, &address, NULL, NULL);
    assert_non_null(c);
    assert_int_equal(seen.closed, 0);
    run_until_number(&seen.closed, 1);
    assert_int_equal(seen.closed_why, FAULT_ROUTE_UNREACHABLE);
}

static void an_address_of_no_family_is_unreachable(void **state)
{
    struct net_addr none = { .len = 0 };

    (void)state;
    net_connect(net, &none, NULL, NULL);
    assert_int_equal(seen.closed, 0);
    run_until_number(&seen.closed, 1);
    assert_int_equal(seen.closed_why, FAULT_ROUTE_UNREACHABLE);
}

static unsigned answers;

static void ask(struct conn *c)
{
    if (!conn_listener(c))
        conn_send(c, message_a);
}

static void answer_or_count(struct conn *c, struct str whole, size_t head_len)
{
    if (conn_listener(c))
        answer(c, whole, head_len);
    else
        answers++;
}

static void an_outgoing_connection_asks_and_hears(void **state)
{
    (void)state;
    answers = 0;
    seen.on_open = ask;
    seen.on_message = answer_or_count;
    net_connect(net, &address, NULL, NULL);
    run_until_number(&answers, 1);
    assert_int_equal(seen.opened, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_message_is_answered_with_one_read_and_one_write),
        TEST(pipelined_messages_are_answered_in_one_write),
        TEST(an_idle_connection_owns_no_buffer),
        TEST(messages_in_single_bytes_arrive_whole),
        TEST(messages_cut_anywhere_arrive_whole),
        TEST(blank_lines_between_messages_are_no_messages),
        TEST(garbage_is_closed_with_a_last_word),
        TEST(a_head_that_never_ends_is_refused_and_the_answer_arrives),
        TEST(an_unfinished_message_takes_no_more_than_its_limit),
        TEST(what_the_kernel_takes_in_pieces_arrives_whole),
        TEST(what_the_kernel_refuses_is_kept_and_sent_later),
        TEST(a_peer_that_never_reads_is_closed_when_too_much_waits),
        TEST(a_never_reading_client_that_asks_for_ever_is_closed),
        TEST(what_is_sent_outside_an_event_leaves_too),
        TEST(connections_may_write_in_turns_during_one_event),
        TEST(a_paused_connection_handles_nothing_until_resumed),
        TEST(a_flood_during_a_pause_stays_in_the_kernel),
        TEST(a_pause_that_ends_at_once_loses_nothing),
        TEST(what_was_sent_before_a_close_arrives_and_nothing_after),
        TEST(a_close_waits_for_the_peer_but_not_for_ever),
        TEST(a_handler_may_close_another_connection),
        TEST(closed_may_close_all_the_others),
        TEST(a_close_outside_an_event_happens_too),
        TEST(a_reset_in_the_middle_of_a_message_is_told_as_such),
        TEST(freeing_the_worker_tells_every_connection),
        TEST(a_silent_connection_is_closed),
        TEST(an_idle_connection_is_closed),
        TEST(connections_over_the_limit_are_closed_at_once),
        TEST(running_out_of_descriptors_closes_newcomers_and_passes),
        TEST(without_a_reserve_the_listener_rests_and_comes_back),
        TEST(two_thousand_silent_connections_disturb_nobody),
        TEST(paused_listeners_refuse_newcomers_and_serve_the_others),
        TEST(connections_have_numbers_that_never_come_back),
        TEST(a_connection_knows_both_ends),
        TEST(an_address_nobody_listens_at_is_unreachable),
        TEST(an_address_of_no_family_is_unreachable),
        TEST(an_outgoing_connection_asks_and_hears),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
