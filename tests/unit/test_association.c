/* SPDX-License-Identifier: MIT */
/* What the mechanisms share, and signatures of Kerberos, with keys as a ticket would give them. */
#include "client/association.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/encode.h"
#include "sip/authparam.h"

#define REALM  "SIP Communications Service"
#define TARGET "sip/fe01.example.com"

static const struct krb_keys aes = {
    .rfc4121 = true, .key_len = 32, .key = "0123456789abcdef0123456789abcde", .send_seq = 7
};
static const struct krb_keys rc4 = { .key_len = 16, .key = "0123456789abcde", .send_seq = 7 };

/* --- a ticket without a KDC --- */

static const struct krb_keys *keys_of_ticket;

static enum fault answer(struct client_association *a, const struct client_proof *proof,
                         struct str token, struct buf *out, struct buf *detail)
{
    (void)proof;
    (void)detail;
    assert_int_equal(token.len, 0);
    buf_add_c(out, "ticket");
    krb_mic_init(&a->keys.kerberos, keys_of_ticket, false);
    return FAULT_NONE;
}

static struct client_mechanism with_ticket(const struct krb_keys *keys)
{
    struct client_mechanism m = client_mechanism_kerberos;
    m.answer = answer;
    keys_of_ticket = keys;
    return m;
}

/* --- both ends --- */

struct ends {
    struct client_mechanism mechanism;
    struct client_association client;
    struct krb_mic server;
    struct arena arena;
    unsigned version;
};

static struct str parse(struct ends *e, const char *text, struct sip_msg *m)
{
    struct str whole = str_from_c(text);
    assert_int_equal(sip_msg_parse(whole, whole.len, 64, &e->arena, m), FAULT_NONE);
    return whole;
}

static void ends_init(struct ends *e, const struct krb_keys *keys, unsigned version)
{
    char text[1024], parameter[24] = "";
    struct sip_msg m;
    struct str token;

    *e = (struct ends){ .mechanism = with_ticket(keys), .version = version };
    arena_init(&e->arena, 8192, 262144);
    krb_mic_init(&e->server, keys, true);
    if (version > 2)
        snprintf(parameter, sizeof(parameter), ", version=%u", version);
    snprintf(text, sizeof(text),
             "SIP/2.0 401 Unauthorized\r\nVia: SIP/2.0/TLS x\r\nFrom: <sip:a@b>;tag=1\r\n"
             "To: <sip:a@b>\r\nCall-ID: c\r\nCSeq: 1 REGISTER\r\n"
             "WWW-Authenticate: NTLM realm=\"" REALM "\", targetname=\"fe01.example.com\"%s\r\n"
             "WWW-Authenticate: Kerberos realm=\"" REALM "\", targetname=\"" TARGET "\"%s\r\n\r\n",
             parameter, parameter);
    parse(e, text, &m);
    assert_int_equal(client_association_challenge(&e->client, &e->mechanism, &m, &e->arena, &token),
                     FAULT_NONE);
}

static void ends_fini(struct ends *e)
{
    client_association_fini(&e->client);
    krb_mic_fini(&e->server);
    arena_fini(&e->arena);
}

static const struct sigtext request = { .call_id = { "c", 1 },
                                        .cseq = { "2", 1 },
                                        .method = { "REGISTER", 8 },
                                        .from_uri = { "sip:a@b", 7 },
                                        .from_tag = { "1", 1 },
                                        .to_uri = { "sip:a@b", 7 } };

/* Whether the server would take what stands in the credentials. */
static bool server_verifies(const struct ends *e, struct str credentials)
{
    uint8_t mic[KRB_MIC_MAX];
    struct sip_auth auth;
    struct sigtext t = request;
    struct buf text = { 0 };

    assert_int_equal(sip_auth_parse(credentials, &auth), FAULT_NONE);
    struct str hex = sip_auth_get(&auth, STR("response"));
    assert_true(hex.len / 2 <= sizeof(mic) && hex_decode(hex, mic, hex.len / 2));
    t.scheme = auth.scheme;
    t.rand = sip_auth_get(&auth, STR("crand"));
    t.num = sip_auth_get(&auth, STR("cnum"));
    t.realm = sip_auth_get(&auth, STR("realm"));
    t.target = sip_auth_get(&auth, STR("targetname"));
    sigtext_write(&t, e->version, &text);
    bool good = krb_mic_verify(&e->server, buf_str(&text), str_of(mic, hex.len / 2));
    buf_fini(&text);
    return good;
}

static void use_ticket(struct ends *e, struct buf *credentials)
{
    struct client_settings settings = { 0 };
    struct client_proof proof = { .settings = &settings };
    struct sigtext t = request;
    struct buf detail = { 0 };

    assert_int_equal(
        client_association_answer(&e->client, &proof, STR_NONE, &t, credentials, &detail),
        FAULT_NONE);
    buf_fini(&detail);
}

/* A signed answer; `alter` spoils its signature. */
static int server_answers(struct ends *e, unsigned snum, bool alter)
{
    static const char head[] = "SIP/2.0 200 OK\r\nVia: SIP/2.0/TLS x\r\nFrom: <sip:a@b>;tag=1\r\n"
                               "To: <sip:a@b>;tag=2\r\nCall-ID: c\r\nCSeq: 2 REGISTER\r\n"
                               "Expires: 7200\r\n";
    char text[1024], number[12];
    uint8_t mic[KRB_MIC_MAX];
    struct sip_msg m;
    struct sigtext t;
    struct buf signed_text = { 0 }, hex = { 0 };

    snprintf(number, sizeof(number), "%u", snum);
    snprintf(text, sizeof(text), "%s\r\n", head);
    parse(e, text, &m);
    assert_int_equal(sigtext_from_msg(&m, &e->arena, &t), FAULT_NONE);
    t.scheme = STR("Kerberos");
    t.rand = STR("9616454F");
    t.num = str_from_c(number);
    t.realm = STR(REALM);
    t.target = STR(TARGET);
    sigtext_write(&t, e->version, &signed_text);
    size_t len = krb_mic_make(&e->server, buf_str(&signed_text), mic);
    mic[len - 1] ^= alter;
    buf_add_hex(&hex, str_of(mic, len), true);
    snprintf(text, sizeof(text),
             "%sAuthentication-Info: Kerberos rspauth=\"%.*s\", srand=\"9616454F\", snum=\"%u\", "
             "opaque=\"2BDBAC9D\", qop=\"auth\", targetname=\"" TARGET "\", realm=\"" REALM
             "\"\r\n\r\n",
             head, STR_ARG(buf_str(&hex)), snum);
    parse(e, text, &m);
    int verdict = client_association_verify(&e->client, &m, &e->arena);
    buf_fini(&signed_text);
    buf_fini(&hex);
    return verdict;
}

static bool contains(const struct buf *b, const char *part)
{
    return str_find(buf_str(b), str_from_c(part)) != SIZE_MAX;
}

/* --- the tests --- */

static void the_request_with_the_ticket_is_signed_from_version_4_on(void **state)
{
    (void)state;
    for (unsigned version = 2; version <= 4; version++) {
        struct ends e;
        struct buf credentials = { 0 };
        char said[16];

        ends_init(&e, &aes, version);
        use_ticket(&e, &credentials);
        snprintf(said, sizeof(said), "version=%u", version);
        assert_true(contains(&credentials,
                             "Kerberos qop=\"auth\", realm=\"" REALM "\", targetname=\"" TARGET
                             "\", gssapi-data=\"dGlja2V0\""));
        assert_int_equal(contains(&credentials, said), version > 2);
        assert_int_equal(contains(&credentials, "response="), version == 4);
        if (version == 4)
            assert_true(server_verifies(&e, buf_str(&credentials)));
        buf_fini(&credentials);
        ends_fini(&e);
    }
}

static void later_requests_are_signed_with_either_kind_of_key(void **state)
{
    (void)state;
    static const struct krb_keys *const kinds[] = { &aes, &rc4 };

    for (unsigned i = 0; i < 2; i++)
        for (unsigned version = 2; version <= 4; version++) {
            struct ends e;
            struct sigtext t = request;
            struct buf first = { 0 }, later = { 0 };

            ends_init(&e, kinds[i], version);
            use_ticket(&e, &first);
            assert_int_equal(server_answers(&e, 1, false), 1);
            client_association_sign(&e.client, &t, &later);
            assert_true(server_verifies(&e, buf_str(&later)));
            assert_true(contains(&later, version == 4 ? "cnum=\"2\"" : "cnum=\"1\""));
            assert_false(contains(&later, "gssapi-data"));
            buf_fini(&first);
            buf_fini(&later);
            ends_fini(&e);
        }
}

static void the_handle_is_learnt_from_the_signed_answer(void **state)
{
    (void)state;
    struct ends e;
    struct sigtext t = request;
    struct buf first = { 0 }, later = { 0 };

    ends_init(&e, &aes, 4);
    use_ticket(&e, &first);
    assert_false(contains(&first, "opaque="));
    assert_int_equal(server_answers(&e, 1, true), 0);
    assert_string_equal(e.client.opaque, "");
    assert_int_equal(server_answers(&e, 1, false), 1);
    client_association_sign(&e.client, &t, &later);
    assert_true(contains(&later, "opaque=\"2BDBAC9D\""));
    buf_fini(&first);
    buf_fini(&later);
    ends_fini(&e);
}

static void the_servers_numbers_go_upwards_only(void **state)
{
    (void)state;
    struct ends e;
    struct buf first = { 0 };

    ends_init(&e, &rc4, 4);
    use_ticket(&e, &first);
    assert_int_equal(server_answers(&e, 3, false), 1);
    assert_int_equal(server_answers(&e, 3, false), 0);
    assert_int_equal(server_answers(&e, 2, false), 0);
    assert_int_equal(server_answers(&e, 4, false), 1);
    buf_fini(&first);
    ends_fini(&e);
}

static void another_mechanism_begins_anew(void **state)
{
    (void)state;
    struct ends e;
    struct sip_msg m;
    struct str token;
    struct buf first = { 0 };

    ends_init(&e, &aes, 4);
    use_ticket(&e, &first);
    assert_int_equal(server_answers(&e, 1, false), 1);
    parse(&e,
          "SIP/2.0 401 Unauthorized\r\nVia: SIP/2.0/TLS x\r\nFrom: <sip:a@b>;tag=1\r\n"
          "To: <sip:a@b>\r\nCall-ID: c\r\nCSeq: 2 REGISTER\r\n"
          "WWW-Authenticate: NTLM realm=\"" REALM "\", targetname=\"fe01.example.com\"\r\n\r\n",
          &m);
    assert_int_equal(
        client_association_challenge(&e.client, &client_mechanism_ntlm, &m, &e.arena, &token),
        FAULT_NONE);
    assert_false(e.client.ready);
    assert_string_equal(e.client.opaque, "");
    assert_string_equal(e.client.target, "fe01.example.com");
    assert_int_equal(e.client.version, 2);
    assert_int_equal(client_association_challenge(&e.client, &e.mechanism, &m, &e.arena, &token),
                     FAULT_SIP_NO_SCHEME);
    assert_ptr_equal(e.client.mechanism, &client_mechanism_ntlm);
    buf_fini(&first);
    ends_fini(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_request_with_the_ticket_is_signed_from_version_4_on),
        cmocka_unit_test(later_requests_are_signed_with_either_kind_of_key),
        cmocka_unit_test(the_handle_is_learnt_from_the_signed_answer),
        cmocka_unit_test(the_servers_numbers_go_upwards_only),
        cmocka_unit_test(another_mechanism_begins_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
