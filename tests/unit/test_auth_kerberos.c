/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auth/scheme.h"
#include "auth_kit.h"
#include "base/compiler.h"

#define SERVICE "sip/" KIT_TARGET

static struct kit *k;
static struct kit_client ada;
static struct auth_result out;
static struct krb_keys keys;

static int64_t now_s(void)
{
    return (int64_t)(k->filetime / 10000000) - INT64_C(11644473600);
}

static int setup(void **state)
{
    (void)state;
    k = kit_new("strict");
    k->auth.kerberos_service = STR(SERVICE);
    kit_client_init(&ada, k, "ada");
    ada.scheme = "Kerberos";
    ada.target = SERVICE;
    keys = (struct krb_keys){ .rfc4121 = true, .key_len = 32, .send_seq = 1000 };
    for (unsigned i = 0; i < 32; i++)
        keys.key[i] = (uint8_t)i;
    krb_mic_init(&ada.mic, &keys, false);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    krb_mic_fini(&ada.mic);
    kit_client_fini(&ada);
    kit_free(k);
    return 0;
}

/* What authd says of a token that it accepted. */
static struct proto_verdict accepted(int64_t ends)
{
    struct proto_verdict v = { .password_proved = true,
                               .account = STR("EXAMPLE\\ada"),
                               .ends = ends };
    struct buf octets = { 0 };

    krb_keys_write(&keys, &octets);
    assert_true(octets.len <= sizeof(v.keys));
    memcpy(v.keys, octets.ptr, octets.len);
    v.keys_len = (uint8_t)octets.len;
    buf_fini(&octets);
    return v;
}

static void send_token(void)
{
    ada.opaque[0] = '\0';
    kit_compose(&ada, "REGISTER");
    kit_authorize(&ada, "YIIDqwYJKoZI", ada.version >= 4); /* any octets: authd looks at them */
    kit_check(k, &ada, &out);
}

static void sign_in(int64_t ends)
{
    struct proto_verdict v = accepted(ends);

    send_token();
    assert_int_equal(out.outcome, AUTH_ASK);
    assert_int_equal(out.question.scheme, PROTO_KERBEROS);
    memcpy(ada.opaque, out.sa->opaque_text, 9);
    kit_verdict(k, &ada, &v, &out);
}

static bool offers(struct str text)
{
    for (unsigned i = 0; i < out.challenge_count; i++)
        if (str_find(out.challenges[i], text) != SIZE_MAX)
            return true;
    return false;
}

static void inside_kerberos_stands_beside_ntlm(void **state)
{
    (void)state;
    kit_compose(&ada, "REGISTER");
    kit_check(k, &ada, &out);
    assert_int_equal(out.challenge_count, 2);
    assert_true(offers(STR("NTLM realm=\"" KIT_REALM "\", targetname=\"" KIT_TARGET "\"")));
    assert_true(offers(STR("Kerberos realm=\"" KIT_REALM "\", targetname=\"" SERVICE "\"")));
}

static void outside_it_is_neither_offered_nor_taken(void **state)
{
    (void)state;
    struct auth_request r;

    kit_compose(&ada, "REGISTER");
    kit_request(k, &ada, &r);
    r.remote = true;
    auth_check(&k->auth, &r, &out);
    assert_int_equal(out.challenge_count, 1);
    assert_true(offers(STR("NTLM")));
    kit_compose(&ada, "REGISTER");
    kit_authorize(&ada, "YIIDqwYJKoZI", true);
    kit_request(k, &ada, &r);
    r.remote = true;
    auth_check(&k->auth, &r, &out);
    assert_int_equal(out.outcome, AUTH_CHALLENGE);
    assert_int_equal(out.fault, FAULT_KERBEROS_FROM_OUTSIDE);
    assert_false(offers(STR("Kerberos")));
}

static void without_a_keytab_it_is_not_on_offer(void **state)
{
    (void)state;
    k->auth.kerberos_service = STR_NONE;
    send_token();
    assert_int_equal(out.outcome, AUTH_CHALLENGE);
    assert_int_equal(out.challenge_count, 1);
    assert_int_equal(sa_table_half_open(k->auth.sas), 0);
}

static void one_token_signs_in_with_each_version(void **state)
{
    (void)state;
    for (unsigned version = 2; version <= 4; version++) {
        k->policy->base.min_sipae_version = version;
        ada.version = version;
        sign_in(now_s() + 3600);
        assert_int_equal(out.outcome, AUTH_PASS);
        assert_int_equal(out.fault, FAULT_NONE);
        assert_int_equal(out.sa->signed_once, version == 4);
        kit_signed(k, &ada, "SUBSCRIBE", &out);
        assert_int_equal(out.outcome, AUTH_PASS);
        assert_int_equal(out.fault, FAULT_NONE);
    }
}

static void our_signature_is_the_acceptors(void **state)
{
    (void)state;
    struct sigtext t = { .call_id = STR("c"), .cseq = STR("1"), .method = STR("REGISTER") };
    struct buf header = { 0 }, text = { 0 };
    struct sip_auth p;
    uint8_t mic[KRB_MIC_MAX];

    sign_in(now_s() + 3600);
    auth_sign(&k->auth, out.sa, &t, &header);
    struct str value = str_skip(buf_str(&header), strlen("Authentication-Info: "));
    assert_int_equal(sip_auth_parse(str_first(value, value.len - 2), &p), FAULT_NONE);
    assert_true(str_eq(p.scheme, STR("Kerberos")));
    assert_true(str_eq(sip_auth_get(&p, STR("targetname")), STR(SERVICE)));
    t.scheme = STR("Kerberos");
    t.realm = STR(KIT_REALM);
    t.target = STR(SERVICE);
    t.rand = sip_auth_get(&p, STR("srand"));
    t.num = sip_auth_get(&p, STR("snum"));
    sigtext_write(&t, 4, &text);
    struct str hex = sip_auth_get(&p, STR("rspauth"));
    assert_int_equal(hex.len, 2 * KRB_MIC_AES_LEN);
    assert_true(hex_decode(hex, mic, KRB_MIC_AES_LEN));
    assert_true(krb_mic_verify(&ada.mic, buf_str(&text), str_of(mic, KRB_MIC_AES_LEN)));
    text.ptr[0] ^= 1;
    assert_false(krb_mic_verify(&ada.mic, buf_str(&text), str_of(mic, KRB_MIC_AES_LEN)));
    buf_fini(&header);
    buf_fini(&text);
}

static void an_sa_ends_with_its_ticket(void **state)
{
    (void)state;
    sign_in(now_s() + 60);
    k->now_ms += 59000;
    kit_signed(k, &ada, "SUBSCRIBE", &out);
    assert_int_equal(out.outcome, AUTH_PASS);
    k->now_ms += 2000;
    kit_signed(k, &ada, "SUBSCRIBE", &out);
    assert_int_equal(out.outcome, AUTH_CHALLENGE);
    assert_int_equal(out.fault, FAULT_SA_EXPIRED);
}

static void a_long_ticket_does_not_outlive_the_limit(void **state)
{
    (void)state;
    sign_in(now_s() + 365 * 86400);
    k->now_ms += sa_table_life_ms(k->auth.sas);
    kit_signed(k, &ada, "SUBSCRIBE", &out);
    assert_int_equal(out.fault, FAULT_SA_EXPIRED);
}

static void a_ticket_that_has_ended_makes_no_sa(void **state)
{
    (void)state;
    sign_in(now_s() - 1); /* the library still takes it, within its tolerance */
    assert_int_equal(out.outcome, AUTH_CHALLENGE);
    assert_int_equal(out.fault, FAULT_KERBEROS_EXPIRED);
    assert_int_equal(sa_table_established(k->auth.sas), 0);
}

static void a_wrong_signature_on_the_token_fails(void **state)
{
    (void)state;
    keys.key[0] ^= 1; /* authd's word differs from what the client signed with */
    sign_in(now_s() + 60);
    assert_int_equal(out.fault, FAULT_SA_HANDSHAKE_SIGNATURE);
    assert_int_equal(sa_table_established(k->auth.sas), 0);
}

static void keys_that_are_none_fail_closed(void **state)
{
    (void)state;
    struct proto_verdict v = accepted(now_s() + 60);

    send_token();
    memcpy(ada.opaque, out.sa->opaque_text, 9);
    v.keys_len = 16; /* as NTLM's */
    kit_verdict(k, &ada, &v, &out);
    assert_int_not_equal(out.outcome, AUTH_PASS);
    assert_int_equal(sa_table_established(k->auth.sas), 0);
}

static void what_authd_refused_is_challenged_anew(void **state)
{
    (void)state;
    struct proto_verdict v = { .fault = FAULT_KERBEROS_CLOCK_SKEW };

    send_token();
    memcpy(ada.opaque, out.sa->opaque_text, 9);
    kit_verdict(k, &ada, &v, &out);
    assert_int_equal(out.outcome, AUTH_CHALLENGE);
    assert_int_equal(out.fault, FAULT_KERBEROS_CLOCK_SKEW);
    assert_int_equal(out.challenge_count, 2);
    assert_int_equal(sa_table_half_open(k->auth.sas), 0);
}

static void damaged_and_missing_tokens_are_refused(void **state)
{
    (void)state;
    kit_compose(&ada, "REGISTER");
    kit_authorize(&ada, "no base64!", true);
    kit_check(k, &ada, &out);
    assert_int_equal(out.fault, FAULT_KERBEROS_TOKEN);
    kit_compose(&ada, "REGISTER");
    kit_authorize(&ada, "", true);
    kit_check(k, &ada, &out);
    assert_int_equal(out.outcome, AUTH_CHALLENGE);
    assert_int_equal(sa_table_half_open(k->auth.sas), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(inside_kerberos_stands_beside_ntlm),
        TEST(outside_it_is_neither_offered_nor_taken),
        TEST(without_a_keytab_it_is_not_on_offer),
        TEST(one_token_signs_in_with_each_version),
        TEST(our_signature_is_the_acceptors),
        TEST(an_sa_ends_with_its_ticket),
        TEST(a_long_ticket_does_not_outlive_the_limit),
        TEST(a_ticket_that_has_ended_makes_no_sa),
        TEST(a_wrong_signature_on_the_token_fails),
        TEST(keys_that_are_none_fail_closed),
        TEST(what_authd_refused_is_challenged_anew),
        TEST(damaged_and_missing_tokens_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
