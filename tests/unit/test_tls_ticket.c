/* SPDX-License-Identifier: MIT */
/* Which ticket a client came back with. */
#include "tls/tls_internal.h"
#include "tls_pair.h"

static int make_files(void **state)
{
    const char *const names[] = { "fe.example.test", NULL };
    struct buf why = { 0 };

    (void)state;
    tls_dir_make();
    assert_true(tls_make_ca(in_dir("ca.pem"), in_dir("ca.key"), &why));
    make_cert("ca.pem", "ca.key", names, false, "ec.pem", "ec.key");
    return 0;
}

static int remove_files(void **state)
{
    (void)state;
    tls_dir_remove();
    return 0;
}

/* --- over two visits --- */

enum { TICKETS = 8 };

static struct tls_context *knowing_context(bool know_devices)
{
    struct tls_server_settings s = { .cert_file = { in_dir("ec.pem") },
                                     .key_file = { in_dir("ec.key") },
                                     .know_devices = know_devices };
    struct buf why = { 0 };
    struct tls_context *c = tls_server_context_new(&s, &why);

    assert_non_null(c);
    return c;
}

/* Its tickets are none at the other door. */
static struct tls_context *mutual_context(void)
{
    struct tls_server_settings s = { .cert_file = { in_dir("ec.pem") },
                                     .key_file = { in_dir("ec.key") },
                                     .client_ca_file = in_dir("ca.pem") };
    struct buf why = { 0 };
    struct tls_context *c = tls_server_context_new(&s, &why);

    assert_non_null(c);
    return c;
}

/* One visit of a client that comes back with `session` when that is not empty, and keeps there what
 * it was given. */
struct visit {
    uint64_t resumed, issued[TICKETS];
    unsigned issued_count;
};

static struct visit visit(struct tls_context *server, enum tls_client_kind kind,
                          struct buf *session)
{
    struct visit v = { 0 };
    struct pair p;
    char byte[8];

    tls_context_ref(server);
    pair_begin(&p, server, client_context(kind, "ca.pem"), "fe.example.test");
    if (session->len > 0)
        tls_session_set(p.client.tls, buf_str(session));
    assert_int_equal(tls_resumed_ticket(p.server.tls), 0);
    shake(&p);
    assert_signed_in(&p);
    assert_true(tls_write(p.server.tls, STR("x")));
    assert_int_equal(read_all(&p.client, &p.server, byte, sizeof(byte)), 1);
    v.resumed = tls_resumed_ticket(p.server.tls);
    v.issued_count = tls_issued_tickets(p.server.tls, v.issued, TICKETS);
    assert_int_equal(tls_issued_tickets(p.server.tls, v.issued, 0), 0);
    assert_int_equal(v.resumed != 0, tls_resumed(p.server.tls));
    assert_int_equal(tls_resumed_ticket(p.client.tls), 0);
    assert_int_equal(tls_issued_tickets(p.client.tls, v.issued + 7, 1), 0);
    buf_clear(session);
    assert_true(tls_session_get(p.client.tls, session));
    pair_end(&p);
    return v;
}

static bool issued(const struct visit *v, uint64_t ticket)
{
    for (unsigned i = 0; i < v->issued_count; i++)
        if (v->issued[i] == ticket)
            return true;
    return false;
}

static void who_comes_back_is_known_by_the_ticket_it_was_given(enum tls_client_kind kind)
{
    struct tls_context *server = knowing_context(true);
    struct buf one = { 0 }, other = { 0 };

    struct visit first = visit(server, kind, &one);
    struct visit stranger = visit(server, kind, &other);
    assert_true(first.resumed == 0 && stranger.resumed == 0);
    assert_true(first.issued_count > 0 && stranger.issued_count > 0);
    struct visit second = visit(server, kind, &one);
    assert_true(second.resumed != 0);
    assert_true(issued(&first, second.resumed));
    assert_false(issued(&stranger, second.resumed));
    /* and so on: by the ticket of the first visit again, or by one of the second */
    struct visit third = visit(server, kind, &one);
    assert_true(issued(&second, third.resumed) || third.resumed == second.resumed);
    tls_context_free(server);
    buf_fini(&one);
    buf_fini(&other);
}

static void a_tls_1_3_client_is_known_by_the_ticket_it_was_given(void **state)
{
    (void)state;
    who_comes_back_is_known_by_the_ticket_it_was_given(TLS_CLIENT_MODERN);
}

static void a_tls_1_2_client_is_known_by_the_ticket_it_was_given(void **state)
{
    (void)state;
    who_comes_back_is_known_by_the_ticket_it_was_given(TLS_CLIENT_TLS12);
}

/* A ticket is not secret: it crosses in the clear.  Without its key nobody is taken for its owner.
 */
static void a_ticket_that_is_not_taken_tells_nothing(void **state)
{
    const enum tls_client_kind kinds[] = { TLS_CLIENT_MODERN, TLS_CLIENT_TLS12 };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct tls_context *server = knowing_context(true);
        struct buf session = { 0 };
        struct pair p;
        uint64_t none[TICKETS];

        first_visit(mutual_context(), kinds[i], &session);
        tls_context_ref(server);
        pair_begin(&p, server, client_context(kinds[i], "ca.pem"), "fe.example.test");
        tls_session_set(p.client.tls, buf_str(&session));
        work(&p.client, &p.server, SIZE_MAX / 2);
        work(&p.server, &p.client, SIZE_MAX / 2);
        assert_int_equal(tls_resumed_ticket(p.server.tls), 0);
        assert_int_equal(tls_issued_tickets(p.server.tls, none, TICKETS), 0);
        shake(&p);
        assert_signed_in(&p);
        assert_int_equal(tls_resumed_ticket(p.server.tls), 0);
        pair_end(&p);
        tls_context_free(server);
        buf_fini(&session);
    }
}

static void a_door_that_need_not_know_devices_does_not(void **state)
{
    struct tls_context *server = knowing_context(false);
    struct buf session = { 0 };
    struct pair p;
    uint64_t none[TICKETS];

    (void)state;
    tls_context_ref(server);
    pair_begin(&p, server, client_context(TLS_CLIENT_MODERN, "ca.pem"), "fe.example.test");
    shake(&p);
    assert_signed_in(&p);
    assert_int_equal(tls_issued_tickets(p.server.tls, none, TICKETS), 0);
    pair_end(&p);
    tls_context_free(server);
    buf_fini(&session);
}

/* --- what crosses the wire --- */

static void put16(struct buf *b, size_t v)
{
    buf_add_char(b, (char)(v >> 8));
    buf_add_char(b, (char)v);
}

static void put_field(struct buf *b, struct str field)
{
    put16(b, field.len);
    buf_add(b, field);
}

static void put_extension(struct buf *extensions, unsigned type, struct str body)
{
    put16(extensions, type);
    put_field(extensions, body);
}

/* version, random, no session id, one suite, null compression */
static void see_client_hello(struct tls_tickets **t, const char *session_ticket,
                             const char *const *identities)
{
    struct buf hello = { 0 }, extensions = { 0 }, psks = { 0 }, list = { 0 };

    for (; identities && *identities; identities++) {
        put_field(&list, str_from_c(*identities));
        buf_add(&list, STR("aged"));
    }
    put_field(&psks, buf_str(&list));
    put_field(&psks, STR("\x04"
                         "bind"));
    put_extension(&extensions, 35, str_from_c(session_ticket));
    if (list.len > 0)
        put_extension(&extensions, 41, buf_str(&psks));
    put16(&hello, 0x0303);
    buf_add(&hello, STR("0123456789abcdef0123456789abcdef"));
    buf_add_char(&hello, 0);
    put_field(&hello, STR("\x13\x01"));
    buf_add(&hello, str_of("\x01\x00", 2));
    put_field(&hello, buf_str(&extensions));
    tls_tickets_see(t, GNUTLS_HANDSHAKE_CLIENT_HELLO, false, buf_str(&hello));
    buf_fini(&hello);
    buf_fini(&extensions);
    buf_fini(&psks);
    buf_fini(&list);
}

/* `selected` < 0: no identity taken. */
static void see_server_hello(struct tls_tickets **t, int selected)
{
    struct buf hello = { 0 }, extensions = { 0 };

    put_extension(&extensions, 43, STR("\x03\x04"));
    if (selected >= 0) {
        const char index[] = { 0, (char)selected };
        put_extension(&extensions, 41, str_of(index, 2));
    }
    put16(&hello, 0x0303);
    buf_add(&hello, STR("0123456789abcdef0123456789abcdef"));
    buf_add_char(&hello, 0);
    buf_add(&hello, str_of("\x13\x01\x00", 3));
    put_field(&hello, buf_str(&extensions));
    tls_tickets_see(t, GNUTLS_HANDSHAKE_SERVER_HELLO, true, buf_str(&hello));
    buf_fini(&hello);
    buf_fini(&extensions);
}

static void see_new_ticket(struct tls_tickets **t, const char *ticket)
{
    struct buf message = { 0 };

    buf_add(&message, STR("lifeaged\x02no"));
    put_field(&message, str_from_c(ticket));
    put16(&message, 0);
    tls_tickets_see(t, GNUTLS_HANDSHAKE_NEW_SESSION_TICKET, true, buf_str(&message));
    buf_fini(&message);
}

static uint64_t hash_of(const char *ticket)
{
    struct tls_tickets *t = NULL;

    see_new_ticket(&t, ticket);
    assert_non_null(t);
    uint64_t hash = t->hashes[0];
    assert_int_not_equal(hash, 0);
    free(t);
    return hash;
}

/* Who offers another's ticket, which the server cannot use any more, and then the own one, has
 * proven to be its own self only. */
static void the_ticket_that_was_taken_is_the_one_that_counts(void **state)
{
    const char *const offered[] = { "of another", "own", NULL };
    struct tls_tickets *t = NULL;

    (void)state;
    see_client_hello(&t, "old form of another", offered);
    see_server_hello(&t, 1);
    assert_true(t->resumed == hash_of("own"));
    assert_int_equal(t->hashes[0], 0);
    free(t);
}

static void a_choice_beyond_what_is_kept_counts_for_nothing(void **state)
{
    const char *const offered[] = { "1", "2", "3", "4", "5", NULL };
    struct tls_tickets *t = NULL;

    (void)state;
    see_client_hello(&t, "", offered);
    see_server_hello(&t, 4);
    assert_int_equal(t->resumed, 0);
    see_client_hello(&t, "", offered);
    see_server_hello(&t, 3);
    assert_true(t->resumed == hash_of("4"));
    free(t);
}

static void a_second_hello_replaces_the_first(void **state)
{
    const char *const first[] = { "first", NULL }, *const second[] = { "second", NULL };
    struct tls_tickets *t = NULL;

    (void)state;
    see_client_hello(&t, "", first);
    see_client_hello(&t, "", second);
    see_server_hello(&t, 0);
    assert_true(t->resumed == hash_of("second"));
    see_client_hello(&t, "", NULL);
    assert_null(t);
    see_server_hello(&t, 0);
    assert_null(t);
}

static void the_older_form_counts_when_no_identity_is_taken(void **state)
{
    struct tls_tickets *t = NULL;

    (void)state;
    see_client_hello(&t, "older", NULL);
    see_server_hello(&t, -1);
    assert_true(t->resumed == hash_of("older"));
    free(t);
}

static void of_many_tickets_the_newest_are_kept(void **state)
{
    struct tls_tickets *t = NULL;

    (void)state;
    for (char name[] = "0"; name[0] < '7'; name[0]++)
        see_new_ticket(&t, name);
    assert_non_null(t);
    assert_true(t->hashes[0] == hash_of("3"));
    assert_true(t->hashes[3] == hash_of("6"));
    free(t);
}

/* Beside the pointer, in steps of malloc's 16 with its header of 8. */
static void an_idle_session_grows_by_at_most_64_bytes(void **state)
{
    size_t chunk = (sizeof(struct tls_tickets) + 8 + 15) / 16 * 16;

    (void)state;
    assert_true(sizeof(void *) + chunk <= 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tls_1_3_client_is_known_by_the_ticket_it_was_given),
        cmocka_unit_test(a_tls_1_2_client_is_known_by_the_ticket_it_was_given),
        cmocka_unit_test(a_ticket_that_is_not_taken_tells_nothing),
        cmocka_unit_test(a_door_that_need_not_know_devices_does_not),
        cmocka_unit_test(the_ticket_that_was_taken_is_the_one_that_counts),
        cmocka_unit_test(a_choice_beyond_what_is_kept_counts_for_nothing),
        cmocka_unit_test(a_second_hello_replaces_the_first),
        cmocka_unit_test(the_older_form_counts_when_no_identity_is_taken),
        cmocka_unit_test(of_many_tickets_the_newest_are_kept),
        cmocka_unit_test(an_idle_session_grows_by_at_most_64_bytes),
    };

    return cmocka_run_group_tests(tests, make_files, remove_files);
}
