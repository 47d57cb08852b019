/* SPDX-License-Identifier: MIT */
#include "client/client.h"

#include <stdlib.h>

#include "unit/scripted_server.h"

enum { SHORT_MS = 150 };

/* --- one sign-in --- */

struct attempt {
    struct client_settings settings;
    bool no_password; /* and no login: what a user of tickets gives */
    struct client_result result;
    struct client_leg legs[8];
    unsigned leg_count;
};

static void leg_keep(void *arg, const struct client_leg *leg)
{
    struct attempt *a = arg;
    assert_true(a->leg_count < ARRAY_LEN(a->legs));
    a->legs[a->leg_count++] = *leg;
}

static const struct client_leg *last_leg(const struct attempt *a)
{
    assert_true(a->leg_count > 0);
    return &a->legs[a->leg_count - 1];
}

static struct client *client_for(struct attempt *a, const struct server *s)
{
    struct client_settings set = { .uri = "sip:ada@example.com",
                                   .server = s->address,
                                   .transport = s->b.tls ? CLIENT_TLS : CLIENT_TCP,
                                   .login = "EXAMPLE\\ada",
                                   .password = PASS,
                                   .profile = client_profile_find(STR("windows-7")) };

    if (!a->settings.uri)
        a->settings.uri = set.uri;
    if (!a->settings.profile)
        a->settings.profile = set.profile;
    if (!a->settings.login && !a->no_password)
        a->settings.login = set.login;
    a->settings.server = set.server;
    a->settings.transport = set.transport;
    a->settings.password = a->no_password ? NULL : set.password;
    return client_new(&a->settings);
}

static void sign_in(const struct behaviour *b, struct server *s, struct attempt *a)
{
    server_start(s, b);
    struct client *c = client_for(a, s);
    a->result = client_sign_in(c, leg_keep, a);
    client_free(c);
    server_stop(s);
}

static void expect_cause(const struct behaviour *b, enum fault cause)
{
    struct server s;
    struct attempt a = { 0 };

    sign_in(b, &s, &a);
    assert_false(a.result.signed_in);
    assert_int_equal(a.result.cause, cause);
    assert_int_equal(last_leg(&a)->fault, cause);
    assert_false(last_leg(&a)->ok);
    assert_true(last_leg(&a)->reason[0] != '\0');
}

/* --- what is right --- */

static void every_profile_signs_in_with_three_registers(void **state)
{
    (void)state;
    const struct client_profile *p;

    for (unsigned i = 0; (p = client_profile_at(i)) != NULL; i++) {
        struct server s;
        struct attempt a = { .settings = { .profile = p } };
        sign_in(&(struct behaviour){ 0 }, &s, &a);
        assert_true(a.result.signed_in);
        assert_int_equal(a.result.cause, FAULT_NONE);
        assert_int_equal(s.verdict, FAULT_NONE);
        assert_int_equal(s.requests, 3);
        assert_string_equal(s.cseq[1], "1 REGISTER");
        assert_string_equal(s.cseq[2], "2 REGISTER");
        assert_string_equal(s.cseq[3], "3 REGISTER");
        assert_string_equal(s.call_id[1], s.call_id[3]);
        assert_string_equal(strstr(s.from[1], "epid="), strstr(s.from[3], "epid="));
        assert_true(s.is_signed[3]);
        assert_true(s.signature_good[3]);
        assert_string_equal(s.cnum[3], "1");
        assert_int_equal(s.has_branch, p->via_branch);
        assert_int_equal(last_leg(&a)->flags, s.flags);
    }
}

static void the_legs_are_told_in_order(void **state)
{
    (void)state;
    static const char *const names[] = { "tcp", "challenge", "negotiate", "authenticate" };
    struct server s;
    struct attempt a = { 0 };

    sign_in(&(struct behaviour){ 0 }, &s, &a);
    assert_int_equal(a.leg_count, ARRAY_LEN(names));
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        assert_string_equal(a.legs[i].leg, names[i]);
        assert_true(a.legs[i].ok);
    }
    assert_int_equal(a.legs[1].status, 401);
    assert_string_equal(a.legs[1].scheme, "NTLM");
    assert_string_equal(a.legs[1].offered, "Kerberos, NTLM");
    assert_int_equal(a.legs[2].flags, 0x62988255);
    assert_int_equal(a.legs[3].status, 200);
    assert_int_equal(a.legs[3].rspauth_ok, 1);
}

static void refresh_and_leave_are_signed_and_counted(void **state)
{
    (void)state;
    struct server s;
    struct attempt a = { 0 };
    struct client_leg leg;

    server_start(&s, &(struct behaviour){ 0 });
    struct client *c = client_for(&a, &s);
    assert_true(client_sign_in(c, NULL, NULL).signed_in);
    assert_true(client_refresh(c, &leg));
    assert_string_equal(leg.leg, "refresh");
    assert_true(client_leave(c, &leg));
    assert_string_equal(leg.leg, "leave");
    assert_int_equal(leg.rspauth_ok, 1);
    assert_false(client_refresh(c, &leg));
    client_free(c);
    server_stop(&s);
    assert_int_equal(s.requests, 5);
    assert_true(s.signature_good[4] && s.signature_good[5]);
    assert_string_equal(s.cseq[5], "5 REGISTER");
    assert_string_equal(s.cnum[5], "3");
}

static void a_proxy_challenge_is_answered_to_the_proxy(void **state)
{
    (void)state;
    struct server s;
    struct attempt a = { 0 };

    sign_in(&(struct behaviour){ .challenge = 407,
                                 .challenges = "Proxy-Authenticate: NTLM realm=\"" REALM
                                               "\", targetname=\"" TARGET "\", version=4\r\n" },
            &s, &a);
    assert_true(a.result.signed_in);
    assert_true(s.by_proxy_authorization);
}

static void below_version_4_the_authenticate_request_is_not_signed(void **state)
{
    (void)state;
    struct server s;
    struct attempt a = { 0 };

    sign_in(&(struct behaviour){ .version = 3 }, &s, &a);
    assert_true(a.result.signed_in);
    assert_false(s.is_signed[3]);
}

static void other_messages_on_the_way_are_passed_over(void **state)
{
    (void)state;
    struct server s;
    struct attempt a = { 0 };

    sign_in(&(struct behaviour){ .noise = true }, &s, &a);
    assert_true(a.result.signed_in);
}

static void a_login_without_domain_signs_in(void **state)
{
    (void)state;
    struct server s;
    struct attempt a = { .settings = { .login = "ada@example.com" } };

    sign_in(&(struct behaviour){ 0 }, &s, &a);
    assert_true(a.result.signed_in);
}

/* --- without a ticket --- */

/* No credential cache, and a configuration that names no realm. */
static void no_tickets(void)
{
    setenv("KRB5_CONFIG", "/dev/null", 1);
    setenv("KRB5CCNAME", "FILE:/nowhere/ccache", 1);
}

static struct attempt attempt_without_password(enum client_scheme scheme)
{
    no_tickets();
    return (struct attempt){ .settings = { .scheme = scheme }, .no_password = true };
}

static void without_a_ticket_kerberos_sends_nothing(void **state)
{
    (void)state;
    struct server s;
    struct attempt a = attempt_without_password(CLIENT_KERBEROS);

    sign_in(&(struct behaviour){ 0 }, &s, &a);
    assert_int_equal(a.result.cause, FAULT_KERBEROS_NO_CREDENTIALS);
    assert_string_equal(last_leg(&a)->leg, "ticket");
    assert_string_equal(last_leg(&a)->scheme, "Kerberos");
    assert_false(last_leg(&a)->goes_on);
    assert_true(a.result.reached);
    assert_int_equal(s.requests, 1);
}

static const char *ask(void *arg)
{
    ++*(unsigned *)arg;
    return PASS;
}

static void without_a_ticket_an_automatic_choice_asks_for_the_password(void **state)
{
    (void)state;
    struct server s;
    unsigned asked = 0;
    struct attempt a = attempt_without_password(CLIENT_AUTO);

    a.settings.password_ask = ask;
    a.settings.password_arg = &asked;
    sign_in(&(struct behaviour){ 0 }, &s, &a);
    assert_true(a.result.signed_in);
    assert_string_equal(a.result.scheme, "NTLM");
    assert_int_equal(asked, 1);
    assert_string_equal(a.legs[1].scheme, "Kerberos");
    assert_string_equal(a.legs[2].leg, "ticket");
    assert_int_equal(a.legs[2].fault, FAULT_KERBEROS_NO_CREDENTIALS);
    assert_true(a.legs[2].goes_on);
    assert_string_equal(a.legs[3].leg, "negotiate");
    assert_int_equal(s.requests, 3);
    assert_string_equal(s.cseq[3], "3 REGISTER");
}

static void without_ticket_and_password_nothing_can_be_proved(void **state)
{
    (void)state;
    struct server s;
    struct attempt a = attempt_without_password(CLIENT_AUTO);

    sign_in(&(struct behaviour){ 0 }, &s, &a);
    assert_int_equal(a.result.cause, FAULT_KERBEROS_NO_CREDENTIALS);
    assert_string_equal(last_leg(&a)->leg, "negotiate");
    assert_int_equal(s.requests, 1);
}

/* A KDC that takes connections and says nothing: the library would wait for much longer. */
static void a_silent_kdc_is_given_up_at_the_deadline(void **state)
{
    (void)state;
    char path[] = "/tmp/postern-test-krb5-XXXXXX";
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t len = sizeof(at);
    struct server s;
    struct attempt a = { .settings = { .scheme = CLIENT_KERBEROS,
                                       .login = "ada@EXAMPLE.COM",
                                       .timeout_ms = SHORT_MS } };

    int kdc = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(kdc, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(kdc, 1), 0); /* the kernel takes them */
    assert_int_equal(getsockname(kdc, (struct sockaddr *)&at, &len), 0);
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    dprintf(fd,
            "[libdefaults]\ndefault_realm = EXAMPLE.COM\nudp_preference_limit = 1\n"
            "dns_lookup_kdc = false\n[realms]\nEXAMPLE.COM = {\nkdc = 127.0.0.1:%u\n}\n",
            ntohs(at.sin_port));
    close(fd);
    setenv("KRB5_CONFIG", path, 1);
    sign_in(&(struct behaviour){ 0 }, &s, &a);
    unlink(path);
    close(kdc);
    assert_int_equal(a.result.cause, FAULT_KERBEROS_KDC_UNREACHABLE);
    assert_string_equal(last_leg(&a)->leg, "ticket");
    assert_string_equal(last_leg(&a)->reason, "the KDC did not answer in time");
}

/* A ticket for a file server lets in there whoever got hold of it. */
static void a_ticket_is_asked_for_sip_only(void **state)
{
    (void)state;
    struct server s;
    struct attempt a = attempt_without_password(CLIENT_KERBEROS);

    sign_in(&(struct behaviour){ .challenges =
                                     "WWW-Authenticate: Kerberos realm=\"" REALM
                                     "\", targetname=\"cifs/" TARGET "\", version=4\r\n" },
            &s, &a);
    assert_int_equal(a.result.cause, FAULT_KERBEROS_SERVICE_UNKNOWN);
    assert_non_null(strstr(last_leg(&a)->reason, "cifs/" TARGET));
}

/* --- what the client refuses --- */

static void a_success_without_the_right_signature_is_none(void **state)
{
    (void)state;
    expect_cause(&(struct behaviour){ .signature = SIGNED_WRONG }, FAULT_SA_SERVER_SIGNATURE);
    expect_cause(&(struct behaviour){ .signature = UNSIGNED }, FAULT_SA_SERVER_SIGNATURE);
}

static void a_success_before_any_challenge_is_none(void **state)
{
    (void)state;
    expect_cause(&(struct behaviour){ .raw_at = 1,
                                      .challenge = 200,
                                      .raw = "SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n" },
                 FAULT_SIP_MISSING_HEADER);
    expect_cause(&(struct behaviour){ .challenge = 200 }, FAULT_SA_SERVER_SIGNATURE);
}

static void a_number_used_before_is_refused(void **state)
{
    (void)state;
    struct server s;
    struct attempt a = { 0 };
    struct client_leg leg;

    server_start(&s, &(struct behaviour){ .later = SIGNED_AGAIN });
    struct client *c = client_for(&a, &s);
    assert_true(client_sign_in(c, NULL, NULL).signed_in);
    assert_false(client_refresh(c, &leg));
    assert_int_equal(leg.fault, FAULT_SA_SERVER_SIGNATURE);
    client_free(c);
    server_stop(&s);
}

static void windows_7_sends_nothing_when_128bit_is_not_offered(void **state)
{
    (void)state;
    struct server s;
    struct attempt a = { 0 };

    sign_in(&(struct behaviour){ .offer = NTLM_DEFAULT_OFFER & ~(uint32_t)NTLM_NEGOTIATE_128 }, &s,
            &a);
    assert_int_equal(a.result.cause, FAULT_POLICY_CLIENT_128BIT);
    assert_string_equal(last_leg(&a)->leg, "negotiate");
    assert_true(a.result.reached);
    assert_int_equal(s.requests, 2);
}

static void a_server_without_ntlm_is_told(void **state)
{
    (void)state;
    struct server s;
    struct attempt a = { .settings = { .scheme = CLIENT_NTLM } };

    sign_in(&(struct behaviour){ .challenges = "WWW-Authenticate: Kerberos realm=\"r\"\r\n"
                                               "WWW-Authenticate: TLS-DSK realm=\"r\"\r\n" },
            &s, &a);
    assert_int_equal(a.result.cause, FAULT_SIP_NO_SCHEME);
    assert_string_equal(last_leg(&a)->offered, "Kerberos, TLS-DSK");
    assert_string_equal(last_leg(&a)->scheme, "");
}

static void a_server_without_kerberos_is_told(void **state)
{
    (void)state;
    struct server s;
    struct attempt a = { .settings = { .scheme = CLIENT_KERBEROS } };

    sign_in(&(struct behaviour){ .challenges = "WWW-Authenticate: NTLM realm=\"r\"\r\n" }, &s, &a);
    assert_int_equal(a.result.cause, FAULT_SIP_NO_SCHEME);
    assert_string_equal(last_leg(&a)->offered, "NTLM");
    assert_int_equal(s.requests, 1);
}

static void a_damaged_challenge_is_refused(void **state)
{
    (void)state;
    expect_cause(&(struct behaviour){ .token = "!" }, FAULT_NTLM_MALFORMED);
    expect_cause(&(struct behaviour){ .token = "TlRMTVNTUAACAAAA" }, FAULT_NTLM_MALFORMED);
    expect_cause(&(struct behaviour){ .token = "" }, FAULT_SIP_REFUSED);
    expect_cause(&(struct behaviour){ .challenges = "WWW-Authenticate: NTLM realm=\"\r\n" },
                 FAULT_SIP_AUTHORIZATION);
}

/* --- what the server refuses --- */

#define FINAL_HANDSHAKE_FAILED                                                                     \
    "ms-diagnostics: 1000;reason=\"Final handshake failed\";source=\"" TARGET                      \
    "\";HRESULT=\"0xC3E93EC3(SIP_E_AUTH_UNAUTHORIZED)\"\r\n"

static void a_failed_handshake_is_a_refusal_without_a_cause(void **state)
{
    (void)state;
    struct server s;
    struct attempt a = { 0 };

    sign_in(&(struct behaviour){ .final = 401,
                                 .reason = "Unauthorized",
                                 .extra = "WWW-Authenticate: NTLM realm=\"" REALM
                                          "\", targetname=\"" TARGET
                                          "\", version=4\r\n" FINAL_HANDSHAKE_FAILED,
                                 .signature = UNSIGNED },
            &s, &a);
    assert_int_equal(a.result.cause, FAULT_SIP_REFUSED);
    assert_int_equal(a.result.status, 401);
    assert_true(a.result.reached);
    assert_int_equal(last_leg(&a)->rspauth_ok, -1);
    assert_non_null(strstr(last_leg(&a)->ms_diagnostics, "Final handshake failed"));
}

static void a_signed_refusal_names_its_cause(void **state)
{
    (void)state;
    struct server s;
    struct attempt a = { 0 };
    struct behaviour b = { .final = 403,
                           .reason = "Forbidden",
                           .extra = "ms-diagnostics-public: 4003;reason=\"From URI not enabled for "
                                    "remote access\"\r\n" };

    sign_in(&b, &s, &a);
    assert_int_equal(a.result.cause, FAULT_REMOTE_ACCESS_NOT_ENABLED);
    assert_int_equal(last_leg(&a)->rspauth_ok, 1);
    b.signature = UNSIGNED;
    expect_cause(&b, FAULT_SIP_REFUSED);
    b.signature = SIGNED_WRONG;
    expect_cause(&b, FAULT_SA_SERVER_SIGNATURE);
}

static void a_directory_that_is_away_is_told(void **state)
{
    (void)state;
    expect_cause(&(struct behaviour){ .final = 503,
                                      .reason = "Service Unavailable",
                                      .extra = "ms-diagnostics: 1007;reason=\"The directory cannot "
                                               "be reached at the moment\";source=\"x\"\r\n",
                                      .signature = UNSIGNED },
                 FAULT_DIRECTORY_UNREACHABLE);
}

static void words_of_the_server_come_without_control_characters(void **state)
{
    (void)state;
    struct server s;
    struct attempt a = { 0 };

    sign_in(&(struct behaviour){ .final = 403,
                                 .reason = "\x1B]0;owned\x07 \xC2\x9B",
                                 .extra = "ms-diagnostics: 1;reason=\"a\r\n \x1B[2J\"\r\n" },
            &s, &a);
    assert_false(a.result.signed_in);
    for (const char *c = last_leg(&a)->reason; *c; c++)
        assert_in_range(*c, ' ', '~');
    for (const char *c = last_leg(&a)->ms_diagnostics; *c; c++)
        assert_in_range(*c, ' ', '~');
}

/* --- what goes wrong on the way --- */

static void expect_on_the_way(struct behaviour b, enum fault cause, bool reached)
{
    struct server s;
    struct attempt a = { .settings = { .timeout_ms = SHORT_MS } };

    sign_in(&b, &s, &a);
    assert_int_equal(a.result.cause, cause);
    assert_int_equal(a.result.reached, reached);
}

static void silence_ends_by_the_deadline(void **state)
{
    (void)state;
    expect_on_the_way((struct behaviour){ .silent_at = 1 }, FAULT_ROUTE_NO_ANSWER, false);
    expect_on_the_way((struct behaviour){ .silent_at = 3 }, FAULT_ROUTE_NO_ANSWER, true);
}

static void half_an_answer_ends_by_the_deadline(void **state)
{
    (void)state;
    expect_on_the_way((struct behaviour){ .raw_at = 1, .raw = "SIP/2.0 401 Unautho" },
                      FAULT_ROUTE_NO_ANSWER, false);
}

static void a_server_that_hangs_up_is_told(void **state)
{
    (void)state;
    expect_on_the_way((struct behaviour){ .close_at = 1 }, FAULT_ROUTE_PEER_CLOSED, false);
    expect_on_the_way((struct behaviour){ .close_at = 3 }, FAULT_ROUTE_PEER_CLOSED, true);
}

static void garbage_is_not_sip(void **state)
{
    (void)state;
    expect_on_the_way((struct behaviour){ .raw_at = 1, .raw = "HTTP/1.1 400 Bad Request\r\n\r\n" },
                      FAULT_SIP_NOT_SIP, true);
    expect_on_the_way((struct behaviour){ .raw_at = 3, .raw = "\x15\x03\x01\x02\x02\x50" },
                      FAULT_SIP_NOT_SIP, true);
    expect_on_the_way(
        (struct behaviour){ .raw_at = 2, .raw = "SIP/2.0 401 X\r\nContent-Length: -1\r\n\r\n" },
        FAULT_SIP_CONTENT_LENGTH, true);
}

static void a_port_where_nobody_listens_is_unreachable(void **state)
{
    (void)state;
    struct server s;
    struct attempt a = { 0 };

    server_start(&s, &(struct behaviour){ 0 });
    server_stop(&s);
    struct client *c = client_for(&a, &s);
    a.result = client_sign_in(c, leg_keep, &a);
    client_free(c);
    assert_int_equal(a.result.cause, FAULT_ROUTE_UNREACHABLE);
    assert_false(a.result.reached);
    assert_string_equal(last_leg(&a)->leg, "tcp");
}

static void an_address_that_would_break_a_header_is_not_dialled(void **state)
{
    (void)state;
    static const char *const bad[] = { "sip:a@b>\r\nX: y", "sip:a b@c", "sip:example.com",
                                       "tel:+1",           "",          "sip:a@b\x7f" };

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct attempt a = {
            .settings = { .uri = bad[i], .server = "127.0.0.1:1", .profile = client_profile_at(0) }
        };
        struct client *c = client_new(&a.settings);
        a.result = client_sign_in(c, leg_keep, &a);
        client_free(c);
        assert_int_equal(a.result.cause, FAULT_SIP_URI);
        assert_int_equal(a.leg_count, 0);
    }
}

/* --- TLS --- */

struct authority {
    char dir[64], ca[80], ca_key[80], cert[80], key[80];
    struct tls_context *modern;
};

static void authority_make(struct authority *a)
{
    static const char *const names[] = { "127.0.0.1", NULL };
    struct buf why = { 0 };

    snprintf(a->dir, sizeof(a->dir), "/tmp/postern-test-XXXXXX");
    assert_non_null(mkdtemp(a->dir));
    snprintf(a->ca, sizeof(a->ca), "%s/ca.pem", a->dir);
    snprintf(a->ca_key, sizeof(a->ca_key), "%s/ca.key", a->dir);
    snprintf(a->cert, sizeof(a->cert), "%s/cert.pem", a->dir);
    snprintf(a->key, sizeof(a->key), "%s/key.pem", a->dir);
    tls_process_init();
    assert_true(tls_make_ca(a->ca, a->ca_key, &why));
    assert_true(tls_make_cert(a->ca, a->ca_key, names, false, a->cert, a->key, &why));
    struct tls_server_settings settings = { .cert_file = { a->cert }, .key_file = { a->key } };
    a->modern = tls_server_context_new(&settings, &why);
    assert_non_null(a->modern);
    buf_fini(&why);
}

static void authority_remove(struct authority *a)
{
    tls_context_free(a->modern);
    unlink(a->ca);
    unlink(a->ca_key);
    unlink(a->cert);
    unlink(a->key);
    rmdir(a->dir);
}

static void sign_in_over_tls(const struct authority *ca, const char *profile, const char *ca_file,
                             bool no_verify, struct attempt *a)
{
    struct server s;

    *a = (struct attempt){ .settings = { .profile = client_profile_find(str_from_c(profile)),
                                         .ca_file = ca_file,
                                         .no_verify = no_verify } };
    sign_in(&(struct behaviour){ .tls = ca->modern }, &s, a);
}

static void tls_is_a_leg_with_a_verdict_of_its_own(void **state)
{
    (void)state;
    struct authority ca = { 0 };
    struct attempt a;

    authority_make(&ca);
    sign_in_over_tls(&ca, "windows-7", ca.ca, false, &a);
    assert_true(a.result.signed_in);
    assert_string_equal(a.legs[1].leg, "tls");
    assert_non_null(strstr(a.legs[1].reason, "TLS1.2"));

    sign_in_over_tls(&ca, "sipe", NULL, false, &a);
    assert_int_equal(a.result.cause, FAULT_TLS_CERTIFICATE);
    assert_string_equal(last_leg(&a)->leg, "tls");
    sign_in_over_tls(&ca, "sipe", NULL, true, &a);
    assert_true(a.result.signed_in);

    sign_in_over_tls(&ca, "windows-xp", ca.ca, false, &a);
    assert_int_equal(a.result.cause, FAULT_TLS_VERSION);
    assert_true(a.result.reached);

    sign_in_over_tls(&ca, "sipe", "/nowhere/ca.pem", false, &a);
    assert_int_equal(a.result.cause, FAULT_CONFIG_INVALID);
    authority_remove(&ca);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_profile_signs_in_with_three_registers),
        cmocka_unit_test(the_legs_are_told_in_order),
        cmocka_unit_test(refresh_and_leave_are_signed_and_counted),
        cmocka_unit_test(a_proxy_challenge_is_answered_to_the_proxy),
        cmocka_unit_test(below_version_4_the_authenticate_request_is_not_signed),
        cmocka_unit_test(other_messages_on_the_way_are_passed_over),
        cmocka_unit_test(a_login_without_domain_signs_in),
        cmocka_unit_test(a_success_without_the_right_signature_is_none),
        cmocka_unit_test(a_success_before_any_challenge_is_none),
        cmocka_unit_test(a_number_used_before_is_refused),
        cmocka_unit_test(windows_7_sends_nothing_when_128bit_is_not_offered),
        cmocka_unit_test(a_server_without_ntlm_is_told),
        cmocka_unit_test(a_server_without_kerberos_is_told),
        cmocka_unit_test(without_a_ticket_kerberos_sends_nothing),
        cmocka_unit_test(without_a_ticket_an_automatic_choice_asks_for_the_password),
        cmocka_unit_test(without_ticket_and_password_nothing_can_be_proved),
        cmocka_unit_test(a_silent_kdc_is_given_up_at_the_deadline),
        cmocka_unit_test(a_ticket_is_asked_for_sip_only),
        cmocka_unit_test(a_damaged_challenge_is_refused),
        cmocka_unit_test(a_failed_handshake_is_a_refusal_without_a_cause),
        cmocka_unit_test(a_signed_refusal_names_its_cause),
        cmocka_unit_test(a_directory_that_is_away_is_told),
        cmocka_unit_test(words_of_the_server_come_without_control_characters),
        cmocka_unit_test(silence_ends_by_the_deadline),
        cmocka_unit_test(half_an_answer_ends_by_the_deadline),
        cmocka_unit_test(a_server_that_hangs_up_is_told),
        cmocka_unit_test(garbage_is_not_sip),
        cmocka_unit_test(a_port_where_nobody_listens_is_unreachable),
        cmocka_unit_test(an_address_that_would_break_a_header_is_not_dialled),
        cmocka_unit_test(tls_is_a_leg_with_a_verdict_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
