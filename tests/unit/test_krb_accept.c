/* SPDX-License-Identifier: MIT */
/* The acceptor with tickets issued here, without a KDC; MIT's initiator and a real KDC are in
 * tests/oracle. */
#include "unit/krb_kit.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "base/secret.h"
#include "kerberos/accept.h"

static struct krb_kit kit;
static struct krb_acceptor *acceptor;
static struct krb_accepted got;
static struct buf reply, detail;

static void open_acceptor(const char *service)
{
    struct krb_acceptor_settings s = { .keytab = kit.keytab,
                                       .service = service,
                                       .replay_cache = kit.replay_cache };
    struct buf why = { 0 };

    acceptor = krb_acceptor_new(&s, &why);
    assert_non_null(acceptor);
    assert_int_equal(why.len, 0);
    buf_fini(&why);
}

static int begin(void **state)
{
    (void)state;
    krb_kit_init(&kit, ENCTYPE_AES256_CTS_HMAC_SHA1_96, "");
    open_acceptor("sip/fe.example.test");
    return 0;
}

static int end(void **state)
{
    (void)state;
    krb_acceptor_free(acceptor);
    buf_fini(&reply);
    buf_fini(&detail);
    krb_kit_fini(&kit);
    return 0;
}

static enum fault present(const struct buf *token)
{
    buf_clear(&reply);
    buf_clear(&detail);
    return krb_accept(acceptor, buf_str(token), &got, &reply, &detail);
}

static enum fault accept_new(const struct krb_kit_token *t)
{
    struct buf token = { 0 };

    krb_kit_token(&kit, t, &token);
    enum fault fault = present(&token);
    buf_fini(&token);
    return fault;
}

static bool detail_says(const char *text)
{
    return str_find(buf_str(&detail), str_from_c(text)) != SIZE_MAX;
}

static void a_ticket_tells_who_it_is_until_when_and_gives_keys(void **state)
{
    uint8_t session[32];

    (void)state;
    memset(session, 's', sizeof(session));
    time_t before = time(NULL);
    assert_int_equal(accept_new(&(struct krb_kit_token){ .life = 1800 }), FAULT_NONE);
    assert_string_equal(got.principal, "ada@R.TEST");
    assert_true(got.ends >= before + 1800 && got.ends <= time(NULL) + 1800);
    assert_true(got.keys.rfc4121);
    assert_false(got.keys.acceptor_subkey);
    assert_int_equal(got.keys.key_len, 32);
    assert_memory_equal(got.keys.key, session, 32);
    assert_int_equal(reply.len, 0);
}

static void each_kind_of_session_key_gives_its_kind_of_signature(void **state)
{
    static const struct {
        krb5_enctype type;
        bool rfc4121;
        uint8_t len;
    } kinds[] = { { ENCTYPE_AES256_CTS_HMAC_SHA1_96, true, 32 },
                  { ENCTYPE_AES128_CTS_HMAC_SHA1_96, true, 16 },
                  { ENCTYPE_ARCFOUR_HMAC, false, 16 } };

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(accept_new(&(struct krb_kit_token){ .session = kinds[i].type }),
                         FAULT_NONE);
        assert_int_equal(got.keys.rfc4121, kinds[i].rfc4121);
        assert_int_equal(got.keys.key_len, kinds[i].len);
    }
    assert_int_equal(
        accept_new(&(struct krb_kit_token){ .session = ENCTYPE_AES128_CTS_HMAC_SHA256_128 }),
        FAULT_KERBEROS_ENCRYPTION);
    assert_int_equal(got.keys.key_len, 0);
}

static void a_token_is_good_once_also_for_the_next_acceptor(void **state)
{
    struct buf token = { 0 };

    (void)state;
    krb_kit_token(&kit, &(struct krb_kit_token){ 0 }, &token);
    assert_int_equal(present(&token), FAULT_NONE);
    assert_int_equal(present(&token), FAULT_KERBEROS_REPLAY);
    krb_acceptor_free(acceptor);
    open_acceptor(NULL);
    assert_int_equal(present(&token), FAULT_KERBEROS_REPLAY);
    buf_fini(&token);
}

static void times_that_do_not_fit_are_told(void **state)
{
    (void)state;
    assert_int_equal(accept_new(&(struct krb_kit_token){ .begins = -7200, .life = -3600 }),
                     FAULT_KERBEROS_EXPIRED);
    assert_int_equal(accept_new(&(struct krb_kit_token){ .begins = 3600, .life = 7200 }),
                     FAULT_KERBEROS_CLOCK_SKEW);
    assert_true(detail_says("who issued the ticket is ahead of ours"));
    assert_int_equal(accept_new(&(struct krb_kit_token){ .ahead = 7200 }),
                     FAULT_KERBEROS_CLOCK_SKEW);
    assert_true(detail_says("seconds ahead of ours"));
    assert_int_equal(accept_new(&(struct krb_kit_token){ .ahead = -7200 }),
                     FAULT_KERBEROS_CLOCK_SKEW);
    assert_true(detail_says("seconds behind ours"));
    assert_int_equal(accept_new(&(struct krb_kit_token){ .ahead = 120 }), FAULT_NONE);
}

static void keys_that_do_not_fit_are_told_apart(void **state)
{
    krb5_keyblock *other = krb_kit_key(kit.k, ENCTYPE_AES256_CTS_HMAC_SHA1_96, 'x');
    krb5_keyblock *rc4 = krb_kit_key(kit.k, ENCTYPE_ARCFOUR_HMAC, 'x');

    (void)state;
    assert_int_equal(accept_new(&(struct krb_kit_token){ .instead = other }),
                     FAULT_KERBEROS_WRONG_KEY);
    assert_int_equal(accept_new(&(struct krb_kit_token){ .instead = rc4 }),
                     FAULT_KERBEROS_ENCRYPTION);
    assert_int_equal(
        accept_new(&(struct krb_kit_token){ .service = "sip/fe@R.TEST", .instead = other }),
        FAULT_KERBEROS_NO_KEY);
    /* another name of the same account: the key is what counts */
    assert_int_equal(accept_new(&(struct krb_kit_token){ .service = "sip/fe@R.TEST" }), FAULT_NONE);
    krb5_free_keyblock(kit.k, other);
    krb5_free_keyblock(kit.k, rc4);
}

static void a_ticket_for_another_service_of_the_keytab_is_refused(void **state)
{
    (void)state;
    krb_acceptor_free(acceptor);
    open_acceptor("sip/else.example.test");
    assert_int_equal(accept_new(&(struct krb_kit_token){ 0 }), FAULT_KERBEROS_NO_KEY);
    assert_true(detail_says(
        "key of sip/fe.example.test@R.TEST opens it, but [kerberos] service is sip/else"));
    krb_acceptor_free(acceptor);
    open_acceptor("SIP/FE.example.test");
    assert_int_equal(accept_new(&(struct krb_kit_token){ 0 }), FAULT_NONE);
}

static void mutual_authentication_is_answered_with_a_sub_key(void **state)
{
    static const char mutual[KRB_KIT_CHECKSUM_LEN] = { 16, [20] = 0x22 };
    static const char dce[KRB_KIT_CHECKSUM_LEN] = { 16, [20] = 0x22, [21] = 0x10 };

    (void)state;
    assert_int_equal(accept_new(&(struct krb_kit_token){ .checksum = { mutual, sizeof(mutual) } }),
                     FAULT_NONE);
    assert_true(reply.len > 0);
    assert_int_equal(accept_new(&(struct krb_kit_token){ .checksum = { dce, sizeof(dce) } }),
                     FAULT_KERBEROS_TOKEN);
    assert_int_equal(reply.len, 0);
}

static void files_that_cannot_be_used_are_our_fault(void **state)
{
    struct buf why = { 0 };

    (void)state;
    assert_int_equal(unlink(kit.keytab), 0);
    assert_int_equal(accept_new(&(struct krb_kit_token){ 0 }), FAULT_KERBEROS_KEYTAB);
    struct krb_acceptor_settings s = { .keytab = kit.keytab, .replay_cache = kit.replay_cache };
    krb_acceptor_free(acceptor);
    acceptor = krb_acceptor_new(&s, &why);
    assert_non_null(acceptor);
    assert_true(str_find(buf_str(&why), STR("No such file")) != SIZE_MAX);
    buf_fini(&why);
}

static void a_replay_cache_that_cannot_be_written_is_our_fault(void **state)
{
    char path[128];

    (void)state;
    snprintf(path, sizeof(path), "%s/nowhere/replay", kit.dir);
    struct krb_acceptor_settings s = { .keytab = kit.keytab, .replay_cache = path };
    struct buf why = { 0 };
    krb_acceptor_free(acceptor);
    acceptor = krb_acceptor_new(&s, &why);
    assert_non_null(acceptor);
    buf_fini(&why);
    assert_int_equal(accept_new(&(struct krb_kit_token){ 0 }), FAULT_KERBEROS_CACHE);
}

#define KIT_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(a_ticket_tells_who_it_is_until_when_and_gives_keys),
        KIT_TEST(each_kind_of_session_key_gives_its_kind_of_signature),
        KIT_TEST(a_token_is_good_once_also_for_the_next_acceptor),
        KIT_TEST(times_that_do_not_fit_are_told),
        KIT_TEST(keys_that_do_not_fit_are_told_apart),
        KIT_TEST(a_ticket_for_another_service_of_the_keytab_is_refused),
        KIT_TEST(mutual_authentication_is_answered_with_a_sub_key),
        KIT_TEST(files_that_cannot_be_used_are_our_fault),
        KIT_TEST(a_replay_cache_that_cannot_be_written_is_our_fault),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
