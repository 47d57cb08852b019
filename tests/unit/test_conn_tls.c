/* SPDX-License-Identifier: MIT */
/* Connections with TLS: our own clients against our own listener, over loopback. */
#include "net_fixture.h"

static const struct str message_a = STR("OPTIONS sip:a SIP/2.0\r\nContent-Length: 5\r\n\r\nhello");
static const struct str message_b = STR("OPTIONS sip:b SIP/2.0\r\nContent-Length: 0\r\n\r\n");
static const struct str reply = STR("SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n");

static char dir[64];
static struct tls_context *modern, *legacy;
static struct ntlm_network legacy_network = { .len = 4, .bits = 8 };

static const char *const files[] = { "ca.pem", "ca.key", "ec.pem", "ec.key", "rsa.pem", "rsa.key" };

static const char *in_dir(const char *name)
{
    static char paths[8][128];
    static unsigned next;
    char *path = paths[next++ % ARRAY_LEN(paths)];

    snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
    return path;
}

static int make_contexts(void **state)
{
    const char *const names[] = { "127.0.0.1", NULL };
    struct buf why = { 0 };

    (void)state;
    snprintf(dir, sizeof(dir), "/tmp/postern-net-XXXXXX");
    assert_non_null(mkdtemp(dir));
    assert_true(tls_make_ca(in_dir("ca.pem"), in_dir("ca.key"), &why));
    assert_true(tls_make_cert(in_dir("ca.pem"), in_dir("ca.key"), names, false, in_dir("ec.pem"),
                              in_dir("ec.key"), &why));
    assert_true(tls_make_cert(in_dir("ca.pem"), in_dir("ca.key"), names, true, in_dir("rsa.pem"),
                              in_dir("rsa.key"), &why));
    struct tls_server_settings s = {
        .cert_file = { in_dir("ec.pem"), in_dir("rsa.pem") },
        .key_file = { in_dir("ec.key"), in_dir("rsa.key") },
    };
    modern = tls_server_context_new(&s, &why);
    s.legacy = true;
    legacy = tls_server_context_new(&s, &why);
    assert_true(modern && legacy);
    return 0;
}

static int free_contexts(void **state)
{
    (void)state;
    tls_context_free(modern);
    tls_context_free(legacy);
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        unlink(in_dir(files[i]));
    return rmdir(dir);
}

static int begin_tls(void **state)
{
    begin(state);
    listener.use_tls = true;
    listener.tls = modern;
    return 0;
}

static int begin_legacy(void **state)
{
    begin_tls(state);
    listener.tls_legacy = legacy;
    listener.legacy_networks = &legacy_network;
    listener.legacy_network_count = 1;
    legacy_network.addr[0] = 127;
    return 0;
}

/* --- a client of its own worker, so that both ends' calls can be told apart --- */

struct client {
    struct net *net;
    struct conn *conn;
    struct tls_context *context;
    struct buf heard;
    unsigned opened, messages, closed;
    enum fault why;
    struct str first_words; /* said when open */
};

static void client_open(void *arg, struct conn *c)
{
    struct client *cl = arg;

    cl->opened++;
    conn_send(c, cl->first_words);
}

static void client_message(void *arg, struct conn *c, struct str whole, size_t head_len)
{
    struct client *cl = arg;

    (void)c;
    (void)head_len;
    cl->messages++;
    buf_add(&cl->heard, whole);
}

static void client_closed(void *arg, struct conn *c, enum fault why)
{
    struct client *cl = arg;

    (void)c;
    cl->closed++;
    cl->why = why;
    cl->conn = NULL;
}

static void client_begin(struct client *cl, enum tls_client_kind kind, struct str first_words)
{
    const struct net_handler h = { .open = client_open,
                                   .message = client_message,
                                   .closed = client_closed };
    const struct tls_client_settings s = { .kind = kind, .ca_file = in_dir("ca.pem") };
    struct buf why = { 0 };

    *cl = (struct client){ .first_words = first_words };
    cl->net = net_new(loop, &limits, &h, cl, 4);
    cl->context = tls_client_context_new(&s, &why);
    assert_non_null(cl->context);
    cl->conn = net_connect(cl->net, &address, cl->context, "127.0.0.1");
}

static void client_end(struct client *cl)
{
    net_free(cl->net);
    tls_context_free(cl->context);
    buf_fini(&cl->heard);
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

/* --- ordinary --- */

static void a_message_is_answered(void **state)
{
    struct client cl;

    (void)state;
    seen.on_message = answer;
    client_begin(&cl, TLS_CLIENT_MODERN, message_a);
    run_until_number(&cl.messages, 1);
    assert_seen(message_a);
    assert_true(str_eq(buf_str(&cl.heard), reply));
    assert_string_equal(conn_transport(seen.conn), "TLS");
    assert_int_equal(seen.opened, 1);
    /* and again on the open connection: one read and one write at each end */
    kernel.sends = kernel.recvs = 0;
    conn_send(cl.conn, message_b);
    run_until_number(&cl.messages, 2);
    assert_int_equal(kernel.sends, 2);
    assert_int_equal(kernel.recvs, 2);
    client_end(&cl);
    run_until_number(&seen.closed, 1);
    assert_int_equal(seen.closed_why, FAULT_ROUTE_PEER_CLOSED);
}

static void several_messages_in_one_record_are_answered_in_one_write(void **state)
{
    struct client cl;
    struct buf three = { 0 };

    (void)state;
    buf_add(&three, message_a);
    buf_add(&three, message_b);
    buf_add(&three, message_a);
    seen.on_message = answer;
    client_begin(&cl, TLS_CLIENT_MODERN, STR_NONE);
    run_until_number(&cl.opened, 1);
    run_until_number(&seen.opened, 1);
    run_a_while();
    kernel.sends = 0;
    conn_send(cl.conn, buf_str(&three));
    run_until_number(&cl.messages, 3);
    assert_int_equal(seen.messages, 3);
    assert_int_equal(kernel.sends, 2); /* the client's and the server's */
    assert_null(seen.conn->kept.ptr);
    buf_fini(&three);
    client_end(&cl);
}

static void a_message_over_many_records_arrives_whole(void **state)
{
    struct client cl;

    (void)state;
    client_begin(&cl, TLS_CLIENT_TLS12, STR_NONE);
    run_until_number(&cl.opened, 1);
    for (size_t i = 0; i < message_a.len; i++)
        conn_send(cl.conn, str_of(message_a.ptr + i, 1));
    run_until_number(&seen.messages, 1);
    assert_seen(message_a);
    client_end(&cl);
}

static void records_cut_by_the_network_arrive_whole(void **state)
{
    struct client cl;

    (void)state;
    kernel.send_most = 7;
    seen.on_message = answer;
    client_begin(&cl, TLS_CLIENT_MODERN, message_a);
    run_until_number(&cl.messages, 1);
    assert_seen(message_a);
    client_end(&cl);
}

static void a_message_larger_than_a_record_arrives_whole(void **state)
{
    struct client cl;
    struct buf text = { 0 };

    (void)state;
    limits.message_max = 200 * 1000;
    net_set_limits(net, &limits);
    buf_add_c(&text, "OPTIONS sip:a SIP/2.0\r\nContent-Length: 150000\r\n\r\n");
    for (size_t i = 0; i < 150000; i++)
        buf_add_char(&text, (char)('a' + i % 26));
    client_begin(&cl, TLS_CLIENT_MODERN, STR_NONE);
    run_until_number(&cl.opened, 1);
    kernel.send_most = 5000;
    limits.send_max = 1000 * 1000;
    net_set_limits(cl.net, &limits);
    conn_send(cl.conn, buf_str(&text));
    run_until_number(&seen.messages, 1);
    assert_seen(buf_str(&text));
    assert_null(seen.conn->kept.ptr);
    buf_fini(&text);
    client_end(&cl);
}

static void pause_after(struct conn *c, struct str whole, size_t head_len)
{
    answer(c, whole, head_len);
    conn_pause(c);
}

static void a_pause_inside_a_record_keeps_what_was_read(void **state)
{
    struct client cl;
    struct buf many = { 0 };

    (void)state;
    for (int i = 0; i < 50; i++)
        buf_add(&many, i % 2 ? message_a : message_b);
    seen.on_message = pause_after;
    client_begin(&cl, TLS_CLIENT_MODERN, buf_str(&many));
    for (unsigned i = 1; i <= 50; i++) {
        run_until_number(&seen.messages, i);
        assert_true(seen.conn->kept.len <= limits.message_max + NET_SCRATCH);
        conn_resume(seen.conn);
    }
    assert_seen(buf_str(&many));
    run_until_number(&cl.messages, 50);
    buf_fini(&many);
    client_end(&cl);
}

static void close_after(struct conn *c, struct str whole, size_t head_len)
{
    answer(c, whole, head_len);
    conn_close(c, FAULT_SA_UNKNOWN);
}

static void a_close_lets_the_last_answer_arrive(void **state)
{
    struct client cl;

    (void)state;
    seen.on_message = close_after;
    client_begin(&cl, TLS_CLIENT_MODERN, message_a);
    run_until_number(&cl.closed, 1);
    assert_int_equal(cl.why, FAULT_ROUTE_PEER_CLOSED);
    assert_true(str_eq(buf_str(&cl.heard), reply));
    run_until_number(&seen.closed, 1);
    assert_int_equal(seen.closed_why, FAULT_SA_UNKNOWN);
    client_end(&cl);
}

/* --- refusals --- */

static void assert_offer_begins(struct str expected)
{
    assert_true(str_starts(buf_str(&seen.offer), expected));
}

static void xp_at_a_modern_listener_is_closed_with_its_offer(void **state)
{
    struct client cl;

    (void)state;
    client_begin(&cl, TLS_CLIENT_XP, message_a);
    run_until_number(&cl.closed, 1);
    run_until_number(&seen.closed, 1);
    assert_int_equal(seen.opened, 0);
    assert_int_equal(seen.closed_why, FAULT_TLS_VERSION);
    assert_offer_begins(STR("client offered TLS 1.0; RC4-128-MD5, RC4-128-SHA, 3DES-SHA; no SNI"));
    assert_int_equal(cl.opened, 0);
    assert_int_equal(cl.why, FAULT_TLS_VERSION);
    client_end(&cl);
}

static void xp_in_its_network_gets_the_legacy_lane(void **state)
{
    struct client cl;

    (void)state;
    seen.on_message = answer;
    client_begin(&cl, TLS_CLIENT_XP, message_a);
    run_until_number(&cl.messages, 1);
    assert_true(tls_is_legacy(conn_tls(seen.conn)));
    client_end(&cl);
}

static void a_modern_client_in_that_network_is_not_talked_down(void **state)
{
    struct client cl;

    (void)state;
    seen.on_message = answer;
    client_begin(&cl, TLS_CLIENT_MODERN, message_a);
    run_until_number(&cl.messages, 1);
    assert_false(tls_is_legacy(conn_tls(seen.conn)));
    client_end(&cl);
}

static void xp_from_another_network_is_refused(void **state)
{
    struct client cl;

    (void)state;
    legacy_network.addr[0] = 10;
    client_begin(&cl, TLS_CLIENT_XP, message_a);
    run_until_number(&seen.closed, 1);
    assert_int_equal(seen.closed_why, FAULT_TLS_VERSION);
    client_end(&cl);
}

static void sip_without_tls_on_a_tls_port_is_told_as_such(void **state)
{
    int fd = dial();

    (void)state;
    say(fd, message_a);
    run_until_number(&seen.closed, 1);
    assert_int_equal(seen.closed_why, FAULT_TLS_HANDSHAKE);
    assert_offer_begins(STR("client did not send a TLS ClientHello"));
    assert_int_equal(seen.opened, 0);
    assert_is_closed_by_the_server(fd);
}

static void a_tls_connection_that_says_nothing_is_closed(void **state)
{
    int fd = dial();

    (void)state;
    limits.handshake_s = 1;
    net_set_limits(net, &limits);
    run_until_number(&seen.closed, 1);
    assert_int_equal(seen.closed_why, FAULT_ROUTE_HANDSHAKE_TIME);
    assert_int_equal(seen.opened, 0);
    assert_is_closed_by_the_server(fd);
}

static void a_shaken_hand_without_a_message_is_closed_too(void **state)
{
    struct client cl;

    (void)state;
    limits.handshake_s = 1;
    net_set_limits(net, &limits);
    client_begin(&cl, TLS_CLIENT_MODERN, STR("\r\n\r\n"));
    run_until_number(&seen.closed, 1);
    assert_int_equal(seen.opened, 1);
    assert_int_equal(seen.closed_why, FAULT_ROUTE_HANDSHAKE_TIME);
    client_end(&cl);
}

static void noise_behind_a_handshake_ends_the_connection(void **state)
{
    struct client cl;

    (void)state;
    client_begin(&cl, TLS_CLIENT_MODERN, message_a);
    run_until_number(&seen.messages, 1);
    assert_int_equal(
        write(cl.conn->fd, "\x17\x03\x03\x00\x20 this is no ciphertext of ours ....", 37), 37);
    run_until_number(&seen.closed, 1);
    assert_int_equal(seen.closed_why, FAULT_TLS_RECORD);
    client_end(&cl);
}

#define TEST(name)        cmocka_unit_test_setup_teardown(name, begin_tls, end)
#define LEGACY_TEST(name) cmocka_unit_test_setup_teardown(name, begin_legacy, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_message_is_answered),
        TEST(several_messages_in_one_record_are_answered_in_one_write),
        TEST(a_message_over_many_records_arrives_whole),
        TEST(records_cut_by_the_network_arrive_whole),
        TEST(a_message_larger_than_a_record_arrives_whole),
        TEST(a_pause_inside_a_record_keeps_what_was_read),
        TEST(a_close_lets_the_last_answer_arrive),
        TEST(xp_at_a_modern_listener_is_closed_with_its_offer),
        LEGACY_TEST(xp_in_its_network_gets_the_legacy_lane),
        LEGACY_TEST(a_modern_client_in_that_network_is_not_talked_down),
        LEGACY_TEST(xp_from_another_network_is_refused),
        TEST(sip_without_tls_on_a_tls_port_is_told_as_such),
        TEST(a_tls_connection_that_says_nothing_is_closed),
        TEST(a_shaken_hand_without_a_message_is_closed_too),
        TEST(noise_behind_a_handshake_ends_the_connection),
    };

    return cmocka_run_group_tests(tests, make_contexts, free_contexts);
}
