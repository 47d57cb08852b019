/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <gnutls/gnutls.h>

#include "tls/tls.h"
#include "tls_pair.h"

enum { YEAR_S = 366 * 24 * 3600 };

static int make_files(void **state)
{
    const char *const names[] = { "fe.example.test", "127.0.0.1", "::1", NULL };
    struct buf why = { 0 };

    (void)state;
    tls_dir_make();
    assert_true(tls_make_ca(in_dir("ca.pem"), in_dir("ca.key"), &why));
    assert_true(tls_make_ca(in_dir("other.pem"), in_dir("other.key"), &why));
    make_cert("ca.pem", "ca.key", names, false, "ec.pem", "ec.key");
    make_cert("ca.pem", "ca.key", names, true, "rsa.pem", "rsa.key");
    return 0;
}

static int remove_files(void **state)
{
    (void)state;
    tls_dir_remove();
    return 0;
}

static struct tls_context *server_context(bool legacy)
{
    struct tls_server_settings s = {
        .cert_file = { in_dir("ec.pem"), in_dir("rsa.pem") },
        .key_file = { in_dir("ec.key"), in_dir("rsa.key") },
        .legacy = legacy,
    };
    struct buf why = { 0 };
    struct tls_context *c = tls_server_context_new(&s, &why);

    assert_non_null(c);
    return c;
}

/* --- what is agreed on --- */

static void agree(enum tls_client_kind kind, bool legacy, const char *described, bool is_legacy)
{
    struct pair p;

    pair_begin(&p, server_context(legacy), client_context(kind, "ca.pem"), "fe.example.test");
    shake(&p);
    assert_signed_in(&p);
    assert_text(tls_describe, p.server.tls, described);
    assert_int_equal(tls_is_legacy(p.server.tls), is_legacy);
    assert_int_equal(tls_is_legacy(p.client.tls), is_legacy);
    assert_text(tls_describe_offer, p.server.tls, "");
    pair_end(&p);
}

static void a_modern_client_gets_tls_1_3(void **state)
{
    (void)state;
    agree(TLS_CLIENT_MODERN, false, "TLS1.3 AES-256-GCM AEAD", false);
}

static void a_tls_1_2_client_gets_the_ecdsa_certificate(void **state)
{
    (void)state;
    agree(TLS_CLIENT_TLS12, false, "TLS1.2 ECDHE-ECDSA AES-256-GCM AEAD", false);
}

static void a_modern_client_gets_tls_1_3_in_the_legacy_lane_too(void **state)
{
    (void)state;
    agree(TLS_CLIENT_MODERN, true, "TLS1.3 AES-256-GCM AEAD", false);
}

static void xp_gets_rc4_md5_in_the_legacy_lane(void **state)
{
    (void)state;
    agree(TLS_CLIENT_XP, true, "TLS1.0 RSA ARCFOUR-128 MD5", true);
}

static void a_tls_1_0_client_signs_in_through_the_legacy_lane(void **state)
{
    (void)state;
    agree(TLS_CLIENT_TLS10, true, "TLS1.0 ECDHE-ECDSA AES-256-CBC SHA1", true);
}

static void a_handshake_in_single_bytes_succeeds(void **state)
{
    struct pair p;

    (void)state;
    pair_begin(&p, server_context(false), client_context(TLS_CLIENT_MODERN, "ca.pem"),
               "fe.example.test");
    shake_in_steps(&p, 1);
    assert_signed_in(&p);
    pair_end(&p);
}

static void an_address_is_matched_against_the_certificate(void **state)
{
    const char *const names[] = { "127.0.0.1", "::1" };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct pair p;

        pair_begin(&p, server_context(false), client_context(TLS_CLIENT_MODERN, "ca.pem"),
                   names[i]);
        shake(&p);
        assert_signed_in(&p);
        pair_end(&p);
    }
}

/* --- refusals --- */

static void xp_is_refused_by_a_modern_listener_that_sees_what_it_offered(void **state)
{
    struct pair p;

    (void)state;
    pair_begin(&p, server_context(false), client_context(TLS_CLIENT_XP, "ca.pem"),
               "fe.example.test");
    shake(&p);
    assert_int_equal(p.server.status, TLS_FAILED);
    assert_int_equal(tls_fault(p.server.tls), FAULT_TLS_VERSION);
    assert_text(tls_describe_offer, p.server.tls,
                "client offered TLS 1.0; RC4-128-MD5, RC4-128-SHA, 3DES-SHA; no SNI");
    assert_true(strlen(tls_reason(p.server.tls)) > 0);
    /* the alert tells the client the same */
    assert_int_equal(p.client.status, TLS_FAILED);
    assert_int_equal(tls_fault(p.client.tls), FAULT_TLS_VERSION);
    pair_end(&p);
}

static void a_tls_1_0_client_is_refused_by_a_modern_listener(void **state)
{
    struct pair p;

    (void)state;
    pair_begin(&p, server_context(false), client_context(TLS_CLIENT_TLS10, "ca.pem"),
               "fe.example.test");
    shake(&p);
    assert_int_equal(tls_fault(p.server.tls), FAULT_TLS_VERSION);
    assert_int_equal(tls_fault(p.client.tls), FAULT_TLS_VERSION);
    pair_end(&p);
}

static void no_suite_in_common_is_told_apart_from_no_version_in_common(void **state)
{
    struct tls_server_settings s = { .cert_file = { in_dir("rsa.pem") },
                                     .key_file = { in_dir("rsa.key") },
                                     .legacy_only = true };
    struct buf why = { 0 };
    struct pair p;

    (void)state;
    pair_begin(&p, tls_server_context_new(&s, &why), client_context(TLS_CLIENT_TLS10, "ca.pem"),
               "fe.example.test");
    shake(&p);
    /* AES only against RC4 and 3DES only */
    assert_int_equal(tls_fault(p.server.tls), FAULT_TLS_SUITE);
    assert_int_equal(tls_fault(p.client.tls), FAULT_TLS_SUITE);
    pair_end(&p);
}

static void client_refuses(const char *ca, const char *name, enum fault expected)
{
    struct pair p;

    pair_begin(&p, server_context(false), client_context(TLS_CLIENT_MODERN, ca), name);
    shake(&p);
    assert_int_equal(p.client.status, TLS_FAILED);
    assert_int_equal(tls_fault(p.client.tls), expected);
    assert_true(strlen(tls_reason(p.client.tls)) > 0);
    pair_end(&p);
}

static void a_wrong_name_is_refused_as_such(void **state)
{
    (void)state;
    client_refuses("ca.pem", "fe.example.com", FAULT_TLS_NAME);
    client_refuses("ca.pem", "127.0.0.2", FAULT_TLS_NAME);
}

static void an_unknown_authority_is_refused_as_such(void **state)
{
    (void)state;
    client_refuses("other.pem", "fe.example.test", FAULT_TLS_CERTIFICATE);
}

static time_t in_two_years(time_t *out)
{
    time_t now = time(NULL) + 2 * YEAR_S;

    if (out)
        *out = now;
    return now;
}

static void an_expired_certificate_is_refused_as_such(void **state)
{
    (void)state;
    gnutls_global_set_time_function(in_two_years);
    client_refuses("ca.pem", "fe.example.test", FAULT_TLS_EXPIRED);
    gnutls_global_set_time_function(time);
}

static void a_client_that_does_not_verify_accepts_any_certificate(void **state)
{
    struct tls_client_settings s = { .no_verify = true };
    struct buf why = { 0 };
    struct pair p;

    (void)state;
    pair_begin(&p, server_context(false), tls_client_context_new(&s, &why), "another.name");
    shake(&p);
    assert_signed_in(&p);
    pair_end(&p);
}

static void what_is_not_tls_is_refused_and_described(void **state)
{
    struct tls_context *context = server_context(false);
    struct tls *t = tls_new(context, NULL);
    struct buf out = { 0 };

    (void)state;
    tls_set_io(t, STR("GET / HTTP/1.1\r\nHost: fe\r\n\r\n"), &out);
    assert_int_equal(tls_handshake(t), TLS_FAILED);
    assert_int_not_equal(tls_fault(t), FAULT_NONE);
    assert_text(tls_describe_offer, t, "client did not send a TLS ClientHello");
    assert_int_equal(tls_handshake(t), TLS_FAILED);
    tls_set_io(t, STR_NONE, &out);
    tls_free(t);
    tls_context_free(context);
    buf_fini(&out);
}

/* An SSL 2.0 form hello as old clients begin with, offering TLS 1.0 and RC4-MD5. */
static void a_hello_in_ssl2_form_is_answered_in_the_legacy_lane(void **state)
{
    static const unsigned char hello[] = { 0x80, 0x1F, 1, 3, 1,  0,  6,  0,  0,  0,  16,
                                           0,    0,    4, 0, 0,  5,  1,  2,  3,  4,  5,
                                           6,    7,    8, 9, 10, 11, 12, 13, 14, 15, 16 };
    struct tls_context *context = server_context(true);
    struct tls *t = tls_new(context, NULL);
    struct buf out = { 0 };

    (void)state;
    tls_set_io(t, str_of(hello, sizeof(hello)), &out);
    assert_int_equal(tls_handshake(t), TLS_AGAIN);
    assert_true(out.len > 100);
    assert_int_equal(out.ptr[0], 22);
    assert_text(tls_describe_offer, t,
                "client offered TLS 1.0 in SSL 2.0 form; RC4-128-MD5, RC4-128-SHA; no SNI");
    tls_set_io(t, STR_NONE, &out);
    tls_free(t);
    tls_context_free(context);
    buf_fini(&out);
}

static void random_bytes_never_get_through(void **state)
{
    struct tls_context *context = server_context(true);
    unsigned seed = 7;

    (void)state;
    for (int round = 0; round < 200; round++) {
        struct tls *t = tls_new(context, NULL);
        struct buf out = { 0 };
        char noise[600];

        for (size_t i = 0; i < sizeof(noise); i++)
            noise[i] = (char)rand_r(&seed);
        if (round % 2)
            memcpy(noise, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x01", 11);
        tls_set_io(t, str_of(noise, sizeof(noise)), &out);
        assert_int_not_equal(tls_handshake(t), TLS_OK);
        tls_set_io(t, STR_NONE, &out);
        tls_free(t);
        buf_fini(&out);
    }
    tls_context_free(context);
}

/* --- data --- */

static void a_large_message_crosses_in_several_records(void **state)
{
    enum { LEN = 100 * 1000 };
    static char sent[LEN], received[LEN + 1];
    const enum tls_client_kind kinds[] = { TLS_CLIENT_MODERN, TLS_CLIENT_TLS12, TLS_CLIENT_TLS10,
                                           TLS_CLIENT_XP };

    (void)state;
    for (size_t i = 0; i < LEN; i++)
        sent[i] = (char)(i * 7 + i / 251);
    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        struct pair p;

        pair_begin(&p, server_context(true), client_context(kinds[k], "ca.pem"), "fe.example.test");
        shake(&p);
        assert_signed_in(&p);
        assert_true(tls_write(p.client.tls, str_of(sent, LEN)));
        assert_int_equal(read_all(&p.server, &p.client, received, sizeof(received)), LEN);
        assert_memory_equal(sent, received, LEN);
        pair_end(&p);
    }
}

static void a_goodbye_is_seen_as_closed(void **state)
{
    struct pair p;
    char into[8];
    size_t got;

    (void)state;
    pair_begin(&p, server_context(false), client_context(TLS_CLIENT_MODERN, "ca.pem"),
               "fe.example.test");
    shake(&p);
    buf_clear(&p.client.out);
    tls_bye(p.client.tls);
    tls_set_io(p.server.tls, buf_str(&p.client.out), &p.server.out);
    assert_int_equal(tls_read(p.server.tls, into, sizeof(into), &got), TLS_CLOSED);
    tls_set_io(p.server.tls, STR_NONE, &p.server.out);
    pair_end(&p);
}

static void a_damaged_record_ends_the_session(void **state)
{
    struct pair p;
    char into[64];
    size_t got;

    (void)state;
    pair_begin(&p, server_context(false), client_context(TLS_CLIENT_MODERN, "ca.pem"),
               "fe.example.test");
    shake(&p);
    assert_true(tls_write(p.client.tls, STR("hello")));
    p.client.out.ptr[p.client.out.len - 1] ^= 1;
    tls_set_io(p.server.tls, buf_str(&p.client.out), &p.server.out);
    assert_int_equal(tls_read(p.server.tls, into, sizeof(into), &got), TLS_FAILED);
    assert_int_equal(tls_fault(p.server.tls), FAULT_TLS_RECORD);
    assert_false(tls_write(p.server.tls, STR("more")));
    tls_set_io(p.server.tls, STR_NONE, &p.server.out);
    pair_end(&p);
}

/* --- resumption --- */

static void resume(enum tls_client_kind kind, bool first_legacy, bool second_legacy, bool resumes)
{
    struct buf session = { 0 };
    struct pair p;

    first_visit(server_context(first_legacy), kind, &session);
    pair_begin(&p, server_context(second_legacy), client_context(kind, "ca.pem"),
               "fe.example.test");
    tls_session_set(p.client.tls, buf_str(&session));
    shake(&p);
    assert_signed_in(&p);
    assert_int_equal(tls_resumed(p.server.tls), resumes);
    assert_int_equal(tls_resumed(p.client.tls), resumes);
    pair_end(&p);
    buf_fini(&session);
}

static void a_session_is_resumed_by_ticket_under_every_context_of_the_process(void **state)
{
    (void)state;
    resume(TLS_CLIENT_MODERN, false, false, true);
    resume(TLS_CLIENT_TLS12, false, false, true);
}

static void a_ticket_of_the_legacy_lane_is_not_taken_at_a_modern_door(void **state)
{
    (void)state;
    resume(TLS_CLIENT_TLS12, true, false, false);
    resume(TLS_CLIENT_MODERN, false, true, false);
}

/* --- client certificates --- */

static void a_server_that_asks_for_certificates_serves_clients_without(void **state)
{
    struct tls_server_settings s = { .cert_file = { in_dir("ec.pem") },
                                     .key_file = { in_dir("ec.key") },
                                     .client_ca_file = in_dir("ca.pem") };
    struct buf why = { 0 };
    struct pair p;

    (void)state;
    pair_begin(&p, tls_server_context_new(&s, &why), client_context(TLS_CLIENT_MODERN, "ca.pem"),
               "fe.example.test");
    shake(&p);
    assert_signed_in(&p);
    pair_end(&p);
}

/* --- settings --- */

static void refused_settings(const struct tls_server_settings *s, const char *reason_has)
{
    struct buf why = { 0 };

    assert_null(tls_server_context_new(s, &why));
    buf_add_char(&why, '\0');
    assert_non_null(strstr(why.ptr, reason_has));
    buf_fini(&why);
}

static void unusable_files_are_refused_by_name(void **state)
{
    struct tls_server_settings s = { .cert_file = { in_dir("absent.pem") },
                                     .key_file = { in_dir("ec.key") } };
    struct tls_client_settings c = { .ca_file = in_dir("junk") };
    struct buf why = { 0 };

    (void)state;
    refused_settings(&s, "absent.pem");
    s.cert_file[0] = in_dir("ec.pem");
    s.key_file[0] = NULL;
    refused_settings(&s, "key file");
    s.key_file[0] = in_dir("rsa.key");
    refused_settings(&s, "rsa.key");
    s.cert_file[0] = NULL;
    refused_settings(&s, "no certificate");
    FILE *junk = fopen(in_dir("junk"), "w");
    assert_non_null(junk);
    fputs("no certificate here\n", junk);
    fclose(junk);
    assert_null(tls_client_context_new(&c, &why));
    assert_true(why.len > 0);
    buf_fini(&why);
}

static void the_legacy_lane_without_an_rsa_certificate_is_refused(void **state)
{
    struct tls_server_settings s = { .cert_file = { in_dir("ec.pem") },
                                     .key_file = { in_dir("ec.key") },
                                     .legacy = true };

    (void)state;
    refused_settings(&s, "RSA");
}

static void key_files_are_for_their_owner_only(void **state)
{
    const char *const keys[] = { "ca.key", "ec.key", "rsa.key" };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        struct stat st;

        assert_int_equal(stat(in_dir(keys[i]), &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
    }
}

static void sessions_keep_their_context_alive(void **state)
{
    struct pair p;

    (void)state;
    pair_begin(&p, server_context(false), client_context(TLS_CLIENT_MODERN, "ca.pem"),
               "fe.example.test");
    tls_context_free(p.server_context);
    tls_context_free(p.client_context);
    p.server_context = p.client_context = NULL;
    shake(&p);
    assert_signed_in(&p);
    pair_end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_modern_client_gets_tls_1_3),
        cmocka_unit_test(a_tls_1_2_client_gets_the_ecdsa_certificate),
        cmocka_unit_test(a_modern_client_gets_tls_1_3_in_the_legacy_lane_too),
        cmocka_unit_test(xp_gets_rc4_md5_in_the_legacy_lane),
        cmocka_unit_test(a_tls_1_0_client_signs_in_through_the_legacy_lane),
        cmocka_unit_test(a_handshake_in_single_bytes_succeeds),
        cmocka_unit_test(an_address_is_matched_against_the_certificate),
        cmocka_unit_test(xp_is_refused_by_a_modern_listener_that_sees_what_it_offered),
        cmocka_unit_test(a_tls_1_0_client_is_refused_by_a_modern_listener),
        cmocka_unit_test(no_suite_in_common_is_told_apart_from_no_version_in_common),
        cmocka_unit_test(a_wrong_name_is_refused_as_such),
        cmocka_unit_test(an_unknown_authority_is_refused_as_such),
        cmocka_unit_test(an_expired_certificate_is_refused_as_such),
        cmocka_unit_test(a_client_that_does_not_verify_accepts_any_certificate),
        cmocka_unit_test(what_is_not_tls_is_refused_and_described),
        cmocka_unit_test(a_hello_in_ssl2_form_is_answered_in_the_legacy_lane),
        cmocka_unit_test(random_bytes_never_get_through),
        cmocka_unit_test(a_large_message_crosses_in_several_records),
        cmocka_unit_test(a_goodbye_is_seen_as_closed),
        cmocka_unit_test(a_damaged_record_ends_the_session),
        cmocka_unit_test(a_session_is_resumed_by_ticket_under_every_context_of_the_process),
        cmocka_unit_test(a_ticket_of_the_legacy_lane_is_not_taken_at_a_modern_door),
        cmocka_unit_test(a_server_that_asks_for_certificates_serves_clients_without),
        cmocka_unit_test(unusable_files_are_refused_by_name),
        cmocka_unit_test(the_legacy_lane_without_an_rsa_certificate_is_refused),
        cmocka_unit_test(key_files_are_for_their_owner_only),
        cmocka_unit_test(sessions_keep_their_context_alive),
    };

    return cmocka_run_group_tests(tests, make_files, remove_files);
}
