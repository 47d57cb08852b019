/* SPDX-License-Identifier: MIT */
/* Both ends show certificates: who is let in, and what each end can tell of a refusal. */
#include "tls_pair.h"

static const char *const front_names[] = { "fe1.example.test", "fe2.example.test" };
static const char *const edge_names[] = { "edge.example.test", "edge2.example.test" };

static const enum tls_client_kind both_versions[] = { TLS_CLIENT_MODERN, TLS_CLIENT_TLS12 };

static void make(const char *file, const char *ca, const char *name, struct tls_cert_wish w)
{
    const char *const names[] = { name, NULL };
    char cert[32], key[32], ca_cert[32], ca_key[32];
    struct buf why = { 0 };

    snprintf(cert, sizeof(cert), "%s.pem", file);
    snprintf(key, sizeof(key), "%s.key", file);
    snprintf(ca_cert, sizeof(ca_cert), "%s.pem", ca);
    snprintf(ca_key, sizeof(ca_key), "%s.key", ca);
    w.names = w.names ? w.names : names;
    w.cert_file = in_dir(cert);
    w.key_file = in_dir(key);
    w.ca_cert_file = in_dir(ca_cert);
    w.ca_key_file = in_dir(ca_key);
    assert_true(tls_make_cert_with(&w, &why));
    assert_int_equal(why.len, 0);
}

static int make_files(void **state)
{
    const struct tls_cert_wish usual = { 0 };
    const struct tls_cert_wish old = { .valid_from_days = -10, .valid_to_days = -1 };
    const struct tls_cert_wish early = { .valid_from_days = 5, .valid_to_days = 10 };
    const struct tls_cert_wish server_only = { .no_client_purpose = true };
    const struct tls_cert_wish client_only = { .no_server_purpose = true };
    const struct tls_cert_wish any = { .no_client_purpose = true, .no_server_purpose = true };
    const char *const no_dns_name[] = { "127.0.0.1", NULL };
    const struct tls_cert_wish hostile = { .names = no_dns_name,
                                           .common_name = "$$a\r\n'\x1b[31m.example.com" };
    struct buf why = { 0 };

    (void)state;
    tls_dir_make();
    assert_true(tls_make_ca(in_dir("ca.pem"), in_dir("ca.key"), &why));
    assert_true(tls_make_ca(in_dir("other.pem"), in_dir("other.key"), &why));
    make("front", "ca", "fe1.example.test", usual);
    make("front-stranger", "other", "fe1.example.test", usual);
    make("front-old", "ca", "fe1.example.test", old);
    make("front-client-only", "ca", "fe1.example.test", client_only);
    make("edge", "ca", "edge.example.test", usual);
    make("edge-stranger", "other", "edge.example.test", usual);
    make("edge-old", "ca", "edge.example.test", old);
    make("edge-early", "ca", "edge.example.test", early);
    make("edge-server-only", "ca", "edge.example.test", server_only);
    make("edge-any", "ca", "edge.example.test", any);
    make("evil", "ca", "evil.example.com", usual);
    make("hostile", "ca", NULL, hostile);
    return 0;
}

static int remove_files(void **state)
{
    (void)state;
    tls_dir_remove();
    return 0;
}

/* --- a link --- */

struct link_case {
    enum tls_client_kind kind;
    const char *front, *edge; /* certificates without suffix; a NULL edge shows none */
    bool open_door;           /* asks for no certificate: the one for clients */
    const char *host;         /* what the Edge dials by, when not by server_names */
};

static const char *pem_of(const char *name, const char *suffix)
{
    char file[32];

    snprintf(file, sizeof(file), "%s.%s", name, suffix);
    return in_dir(file);
}

static struct tls_context *front_context(const struct link_case *l)
{
    struct tls_server_settings s = {
        .cert_file = { pem_of(l->front, "pem") },
        .key_file = { pem_of(l->front, "key") },
    };
    struct buf why = { 0 };

    if (!l->open_door) {
        s.client_ca_file = in_dir("ca.pem");
        s.client_required = true;
        s.client_names = edge_names;
        s.client_name_count = ARRAY_LEN(edge_names);
        s.name_fault = FAULT_EDGE_UNKNOWN;
    }
    struct tls_context *c = tls_server_context_new(&s, &why);
    assert_non_null(c);
    return c;
}

static struct tls_context *edge_context(const struct link_case *l)
{
    struct tls_client_settings s = { .kind = l->kind, .ca_file = in_dir("ca.pem") };
    struct buf why = { 0 };

    if (l->edge) {
        s.cert_file = pem_of(l->edge, "pem");
        s.key_file = pem_of(l->edge, "key");
    }
    if (!l->host) {
        s.server_names = front_names;
        s.server_name_count = ARRAY_LEN(front_names);
        s.name_fault = FAULT_EDGE_FRONT_UNKNOWN;
    }
    struct tls_context *c = tls_client_context_new(&s, &why);
    assert_non_null(c);
    return c;
}

static void link_up(struct pair *p, const struct link_case *l)
{
    pair_begin(p, front_context(l), edge_context(l), l->host);
    shake(p);
}

static void assert_told(const struct end *e, enum fault fault, const char *reason)
{
    assert_string_equal(fault_name(tls_fault(e->tls)), fault_name(fault));
    assert_string_equal(tls_reason(e->tls), reason);
}

/* The Front End refuses; the Edge learns `at_edge` by the alert. */
static void front_refuses(const char *edge, enum fault fault, const char *reason,
                          enum fault at_edge, const char *alert)
{
    for (size_t i = 0; i < ARRAY_LEN(both_versions); i++) {
        struct link_case l = { .kind = both_versions[i], .front = "front", .edge = edge };
        struct pair p;
        char heard[64];

        link_up(&p, &l);
        assert_int_equal(p.server.status, TLS_FAILED);
        assert_told(&p.server, fault, reason);
        snprintf(heard, sizeof(heard), "the peer sent the alert '%s'", alert);
        assert_told(&p.client, at_edge, heard);
        pair_end(&p);
    }
}

static void edge_refuses(const char *front, enum fault fault, const char *reason,
                         enum fault at_front, const char *alert)
{
    for (size_t i = 0; i < ARRAY_LEN(both_versions); i++) {
        struct link_case l = { .kind = both_versions[i], .front = front, .edge = "edge" };
        struct pair p;
        char heard[64];

        link_up(&p, &l);
        assert_int_equal(p.client.status, TLS_FAILED);
        assert_told(&p.client, fault, reason);
        snprintf(heard, sizeof(heard), "the peer sent the alert '%s'", alert);
        assert_told(&p.server, at_front, heard);
        pair_end(&p);
    }
}

/* --- who is let in --- */

static void edge_and_front_that_know_each_other_link_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(both_versions); i++) {
        struct link_case l = { .kind = both_versions[i], .front = "front", .edge = "edge" };
        struct pair p;

        link_up(&p, &l);
        assert_signed_in(&p);
        assert_true(tls_client_was_asked(p.client.tls));
        assert_false(tls_client_was_asked(p.server.tls));
        pair_end(&p);
    }
}

static void each_end_can_name_the_other(void **state)
{
    struct link_case l = { .front = "front", .edge = "edge" };
    struct buf name = { 0 };
    struct pair p;

    (void)state;
    link_up(&p, &l);
    assert_true(tls_peer_name(p.server.tls, &name));
    buf_add_char(&name, ' ');
    assert_true(tls_peer_name(p.client.tls, &name));
    buf_add_char(&name, '\0');
    assert_string_equal(name.ptr, "edge.example.test fe1.example.test");
    buf_fini(&name);
    pair_end(&p);
}

static void a_certificate_without_extended_usage_may_do_anything(void **state)
{
    struct link_case l = { .front = "front", .edge = "edge-any" };
    struct pair p;

    (void)state;
    link_up(&p, &l);
    assert_signed_in(&p);
    pair_end(&p);
}

static void a_door_for_clients_does_not_ask_and_sees_no_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(both_versions); i++) {
        struct link_case l = {
            .kind = both_versions[i], .front = "front", .edge = "edge", .open_door = true
        };
        struct buf name = { 0 };
        struct pair p;

        link_up(&p, &l);
        assert_signed_in(&p);
        assert_false(tls_client_was_asked(p.client.tls));
        assert_false(tls_peer_name(p.server.tls, &name));
        assert_int_equal(name.len, 0);
        pair_end(&p);
    }
}

static void a_client_without_certificate_knows_that_it_was_asked(void **state)
{
    struct link_case l = { .front = "front" };
    struct pair p;

    (void)state;
    link_up(&p, &l);
    assert_true(tls_client_was_asked(p.client.tls));
    pair_end(&p);
}

/* --- the Front End refuses --- */

static void an_edge_without_certificate_is_refused(void **state)
{
    (void)state;
    front_refuses(NULL, FAULT_TLS_CERTIFICATE, "the peer showed no certificate",
                  FAULT_TLS_CERTIFICATE, "Certificate is required");
}

static void an_edge_of_an_unknown_authority_is_refused(void **state)
{
    (void)state;
    front_refuses("edge-stranger", FAULT_TLS_CERTIFICATE,
                  "the certificate names 'edge.example.test': its issuer is unknown here",
                  FAULT_TLS_CERTIFICATE, "CA is unknown");
}

static void an_edge_whose_certificate_expired_is_refused(void **state)
{
    (void)state;
    front_refuses("edge-old", FAULT_TLS_EXPIRED,
                  "the certificate names 'edge.example.test': it has expired", FAULT_TLS_EXPIRED,
                  "Certificate is expired");
}

static void an_edge_whose_certificate_is_not_valid_yet_is_refused(void **state)
{
    (void)state;
    front_refuses("edge-early", FAULT_TLS_EXPIRED,
                  "the certificate names 'edge.example.test': it is not valid yet",
                  FAULT_TLS_EXPIRED, "Certificate is expired");
}

static void an_edge_of_another_name_is_refused_by_the_fault_of_the_settings(void **state)
{
    (void)state;
    front_refuses("evil", FAULT_EDGE_UNKNOWN,
                  "the certificate names 'evil.example.com': that is none of the names accepted "
                  "here",
                  FAULT_EDGE_REFUSED, "Access was denied");
}

static void an_edge_with_a_certificate_for_servers_only_is_refused(void **state)
{
    (void)state;
    front_refuses("edge-server-only", FAULT_TLS_USAGE,
                  "the certificate names 'edge.example.test': its extended key usage lacks client "
                  "authentication",
                  FAULT_TLS_USAGE, "Certificate is not supported");
}

static void a_hostile_name_cannot_break_a_trace_line(void **state)
{
    (void)state;
    front_refuses("hostile", FAULT_EDGE_UNKNOWN,
                  "the certificate names '??a?????31m.example.com': that is none of the names "
                  "accepted here",
                  FAULT_EDGE_REFUSED, "Access was denied");
}

/* --- the Edge refuses --- */

static void a_front_of_an_unknown_authority_is_refused(void **state)
{
    (void)state;
    edge_refuses("front-stranger", FAULT_TLS_CERTIFICATE,
                 "the certificate names 'fe1.example.test': its issuer is unknown here",
                 FAULT_TLS_CERTIFICATE, "CA is unknown");
}

static void a_front_whose_certificate_expired_is_refused(void **state)
{
    (void)state;
    edge_refuses("front-old", FAULT_TLS_EXPIRED,
                 "the certificate names 'fe1.example.test': it has expired", FAULT_TLS_EXPIRED,
                 "Certificate is expired");
}

static void a_front_of_another_name_is_refused_by_the_fault_of_the_settings(void **state)
{
    (void)state;
    edge_refuses("evil", FAULT_EDGE_FRONT_UNKNOWN,
                 "the certificate names 'evil.example.com': that is none of the names accepted "
                 "here",
                 FAULT_EDGE_REFUSED, "Access was denied");
}

static void a_front_with_a_certificate_for_clients_only_is_refused(void **state)
{
    (void)state;
    edge_refuses("front-client-only", FAULT_TLS_USAGE,
                 "the certificate names 'fe1.example.test': its extended key usage lacks server "
                 "authentication",
                 FAULT_TLS_USAGE, "Certificate is not supported");
}

static void the_name_that_was_dialled_is_checked_without_a_list(void **state)
{
    struct link_case l = { .front = "front", .edge = "edge", .host = "fe2.example.test" };
    struct pair p;

    (void)state;
    link_up(&p, &l);
    assert_told(&p.client, FAULT_TLS_NAME,
                "the certificate names 'fe1.example.test': that is not the name asked for");
    pair_end(&p);
    l.host = "fe1.example.test";
    link_up(&p, &l);
    assert_signed_in(&p);
    pair_end(&p);
}

/* --- what must not be got around --- */

/* A resumed session would not be looked at: neither the names of today nor the date. */
static void a_link_is_not_resumed(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(both_versions); i++) {
        struct link_case l = { .kind = both_versions[i], .front = "front", .edge = "edge" };
        struct buf session = { 0 };
        struct pair p;

        link_up(&p, &l);
        assert_signed_in(&p);
        assert_true(tls_session_get(p.client.tls, &session));
        pair_end(&p);
        pair_begin(&p, front_context(&l), edge_context(&l), NULL);
        tls_session_set(p.client.tls, buf_str(&session));
        shake(&p);
        assert_signed_in(&p);
        assert_false(tls_resumed(p.server.tls));
        pair_end(&p);
        buf_fini(&session);
    }
}

static void names_belong_to_the_context(void **state)
{
    char name[] = "edge.example.test";
    const char *names[] = { name };
    struct link_case l = { .front = "front", .edge = "edge" };
    struct tls_server_settings s = {
        .cert_file = { in_dir("front.pem") },
        .key_file = { in_dir("front.key") },
        .client_ca_file = in_dir("ca.pem"),
        .client_names = names,
        .client_name_count = 1,
    };
    struct buf why = { 0 };
    struct pair p;

    (void)state;
    struct tls_context *c = tls_server_context_new(&s, &why);
    assert_non_null(c);
    memset(name, 'x', sizeof(name) - 1);
    names[0] = NULL;
    pair_begin(&p, c, edge_context(&l), NULL);
    shake(&p);
    assert_signed_in(&p);
    pair_end(&p);
}

static void a_door_that_demands_certificates_needs_their_authority(void **state)
{
    struct tls_server_settings s = {
        .cert_file = { in_dir("front.pem") },
        .key_file = { in_dir("front.key") },
        .client_required = true,
    };
    struct buf why = { 0 };

    (void)state;
    assert_null(tls_server_context_new(&s, &why));
    assert_true(str_find(buf_str(&why), STR("no CA")) != SIZE_MAX);
    buf_fini(&why);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(edge_and_front_that_know_each_other_link_up),
        cmocka_unit_test(each_end_can_name_the_other),
        cmocka_unit_test(a_certificate_without_extended_usage_may_do_anything),
        cmocka_unit_test(a_door_for_clients_does_not_ask_and_sees_no_name),
        cmocka_unit_test(a_client_without_certificate_knows_that_it_was_asked),
        cmocka_unit_test(an_edge_without_certificate_is_refused),
        cmocka_unit_test(an_edge_of_an_unknown_authority_is_refused),
        cmocka_unit_test(an_edge_whose_certificate_expired_is_refused),
        cmocka_unit_test(an_edge_whose_certificate_is_not_valid_yet_is_refused),
        cmocka_unit_test(an_edge_of_another_name_is_refused_by_the_fault_of_the_settings),
        cmocka_unit_test(an_edge_with_a_certificate_for_servers_only_is_refused),
        cmocka_unit_test(a_hostile_name_cannot_break_a_trace_line),
        cmocka_unit_test(a_front_of_an_unknown_authority_is_refused),
        cmocka_unit_test(a_front_whose_certificate_expired_is_refused),
        cmocka_unit_test(a_front_of_another_name_is_refused_by_the_fault_of_the_settings),
        cmocka_unit_test(a_front_with_a_certificate_for_clients_only_is_refused),
        cmocka_unit_test(the_name_that_was_dialled_is_checked_without_a_list),
        cmocka_unit_test(a_link_is_not_resumed),
        cmocka_unit_test(names_belong_to_the_context),
        cmocka_unit_test(a_door_that_demands_certificates_needs_their_authority),
    };

    return cmocka_run_group_tests(tests, make_files, remove_files);
}
