/* SPDX-License-Identifier: MIT */
/* Everything at once, by chance but always the same chance: clients that write in pieces, read or
 * not, reset and come back, while the handler answers, pauses, resumes and closes whom it likes.
 * What must hold: every open connection is closed once, messages arrive in order, nothing leaks
 * (the sanitizers say so). */
#include "net_fixture.h"

enum { CLIENTS = 40, ROUNDS = 4000 };

struct storm_client {
    int fd; /* -1: not connected */
    unsigned said;
    size_t at; /* of the message being said */
};

static unsigned seed;
static struct storm_client clients[CLIENTS];

static unsigned chance(unsigned sides)
{
    return (unsigned)rand_r(&seed) % sides;
}

/* Any connection, open or closing. */
static struct conn *anyone(void)
{
    struct conn *c = NULL;

    for (unsigned i = 0, skip = chance(CLIENTS); i <= skip; i++)
        if (!(c = net_next(net, c)))
            c = net_next(net, NULL);
    return c;
}

/* The numbers of a connection's messages go up by one: kept in its user pointer. */
static void check_order(struct conn *c, struct str whole)
{
    uintptr_t expected = (uintptr_t)conn_user(c);
    struct str number = str_skip(whole, strlen("OPTIONS sip:"));
    uint32_t actual;

    assert_true(str_to_u32(str_take_while(&number, is_digit), &actual));
    assert_int_equal(actual, expected);
    conn_set_user(c, (void *)(expected + 1));
}

static void answer_somehow(struct conn *c, unsigned bytes)
{
    struct buf *out = conn_compose(c);

    for (unsigned i = 0; i < bytes; i++)
        buf_add_char(out, 'x');
    conn_send_done(c);
}

static void do_something(struct conn *c, struct str whole, size_t head_len)
{
    (void)head_len;
    check_order(c, whole);
    switch (chance(12)) {
    case 0:
        conn_pause(c);
        break;
    case 1:
        conn_pause(c);
        conn_resume(c);
        break;
    case 2:
        conn_close(anyone(), FAULT_USER_SIGNED_OUT);
        break;
    case 3:
        conn_send(anyone(), STR("hello"));
        break;
    case 4:
        answer_somehow(c, 20000);
        break;
    case 5:
        conn_resume(anyone());
        break;
    default:
        answer_somehow(c, 100);
    }
}

static void close_someone(struct conn *c)
{
    struct conn *other = anyone();

    if (chance(8) == 0 && other != c)
        conn_close(other, FAULT_USER_SIGNED_OUT);
}

static void say_a_piece(struct storm_client *cl)
{
    char text[200];
    int len =
        snprintf(text, sizeof(text), "OPTIONS sip:%u SIP/2.0\r\nContent-Length: 9\r\n\r\n<%7u>",
                 cl->said, cl->said);
    size_t left = (size_t)len - cl->at, piece = 1 + chance((unsigned)left);

    ssize_t n = send(cl->fd, text + cl->at, chance(3) ? left : piece, MSG_NOSIGNAL);
    if (n < 0)
        return;
    cl->at += (size_t)n;
    if (cl->at == (size_t)len) {
        cl->at = 0;
        cl->said++;
    }
}

static void leave(struct storm_client *cl, bool by_reset)
{
    struct linger at_once = { .l_onoff = 1 };

    if (by_reset)
        setsockopt(cl->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    close(cl->fd);
    cl->fd = -1;
}

static void act(struct storm_client *cl)
{
    char bytes[3000];

    if (cl->fd < 0) {
        *cl = (struct storm_client){ .fd = dial() };
        return;
    }
    switch (chance(30)) {
    case 0:
        leave(cl, false);
        break;
    case 1:
        leave(cl, true);
        break;
    case 2:
        if (cl->at == 0)
            send(cl->fd, "\r\n\r\n", 4, MSG_NOSIGNAL);
        break;
    case 3:
    case 4:
    case 5:
        if (read(cl->fd, bytes, sizeof(bytes)) == 0)
            leave(cl, false);
        break;
    default:
        say_a_piece(cl);
    }
}

static bool storm(void *arg)
{
    unsigned *left = arg;

    kernel.send_refuses = chance(4) == 0;
    kernel.send_most = chance(3) == 0 ? 700 : SIZE_MAX;
    for (unsigned i = 0; i < 4; i++)
        act(&clients[chance(CLIENTS)]);
    if (chance(3) == 0) {
        struct conn *c = anyone();
        if (c)
            conn_resume(c);
    }
    return *left == 0 || --*left == 0;
}

static bool all_are_gone(void *arg)
{
    (void)arg;
    for (struct conn *c = net_next(net, NULL); c; c = net_next(net, c))
        conn_resume(c);
    return net_count(net) == 0;
}

static void a_storm_leaves_nothing_behind(void **state)
{
    unsigned rounds = ROUNDS;

    (void)state;
    seed = 20090;
    limits.send_max = 60 * 1000;
    net_set_limits(net, &limits);
    seen.on_message = do_something;
    seen.on_closed = close_someone;
    for (int i = 0; i < CLIENTS; i++)
        clients[i] = (struct storm_client){ .fd = -1 };
    run_until(storm, &rounds);
    kernel = (struct kernel){ .send_most = SIZE_MAX };
    seen.on_message = NULL;
    for (int i = 0; i < CLIENTS; i++)
        if (clients[i].fd >= 0)
            leave(&clients[i], false);
    run_until(all_are_gone, NULL);
    assert_int_equal(seen.opened, seen.closed);
    assert_int_equal(seen.broken, 0);
    assert_true(seen.messages > ROUNDS / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_storm_leaves_nothing_behind, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
