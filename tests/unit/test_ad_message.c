/* SPDX-License-Identifier: MIT */
#include "ad/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static bool is(struct str s, const char *want)
{
    return str_eq(s, str_from_c(want));
}

static void a_logon_arrives_as_it_was_sent(void **state)
{
    struct buf wire = { 0 };
    struct ad_question q = { .ask = AD_ASK_LOGON }, got;

    (void)state;
    q.logon = (struct ad_logon){ .domain = STR("eXample"),
                                 .user = STR("j\xc3\xbcrgen"),
                                 .workstation = STR("PC"),
                                 .challenge = { 1, 2, 3, 4, 5, 6, 7, 8 },
                                 .nt_response = STR("re\0sponse"),
                                 .ntlmv2 = true };
    assert_true(ad_question_write(&q, &wire));
    assert_true(ad_question_read(buf_str(&wire), &got));
    assert_int_equal(got.ask, AD_ASK_LOGON);
    assert_true(is(got.logon.domain, "eXample"));
    assert_true(is(got.logon.user, "j\xc3\xbcrgen"));
    assert_true(is(got.logon.workstation, "PC"));
    assert_memory_equal(got.logon.challenge, q.logon.challenge, 8);
    assert_true(str_eq(got.logon.nt_response, q.logon.nt_response));
    assert_true(got.logon.ntlmv2);
    buf_fini(&wire);
}

static void questions_to_ldap_arrive(void **state)
{
    struct buf wire = { 0 };
    struct ad_question got = { 0 },
                       find = { .ask = AD_ASK_FIND, .by = AD_BY_SID, .value = STR("\1\0\2") },
                       changes = { .ask = AD_ASK_CHANGES,
                                   .since = UINT64_C(1) << 40,
                                   .server = STR("dc1"),
                                   .first = 3 };

    (void)state;
    assert_true(ad_question_write(&find, &wire) && ad_question_read(buf_str(&wire), &got));
    assert_int_equal(got.by, AD_BY_SID);
    assert_true(str_eq(got.value, find.value));
    buf_clear(&wire);
    assert_true(ad_question_write(&changes, &wire) && ad_question_read(buf_str(&wire), &got));
    assert_true(got.since == UINT64_C(1) << 40 && is(got.server, "dc1") && got.first == 3);
    buf_fini(&wire);
}

static void what_is_too_long_is_not_sent(void **state)
{
    char name[AD_TEXT_MAX + 1];
    struct buf wire = { 0 };
    struct ad_question q = { .ask = AD_ASK_FIND, .by = AD_BY_NAME };

    (void)state;
    memset(name, 'a', sizeof(name));
    q.value = str_of(name, sizeof(name));
    assert_false(ad_question_write(&q, &wire));
    assert_int_equal(wire.len, 0);
    q.value.len--;
    assert_true(ad_question_write(&q, &wire));
    buf_fini(&wire);
}

static void a_proof_arrives_with_its_key(void **state)
{
    struct buf wire = { 0 };
    struct ad_answer *a = calloc(2, sizeof(*a)), *got = a + 1;

    (void)state;
    assert_non_null(a);
    a->ask = AD_ASK_LOGON;
    a->proof = (struct ad_proof){ .fault = FAULT_USER_LOCKED,
                                  .ntstatus = 0xC0000234,
                                  .session_key = { 9, 8, 7 },
                                  .sid = { 1, 5 },
                                  .sid_len = 28,
                                  .account = "ada",
                                  .domain = "EXAMPLE" };
    strcpy(a->detail, "why");
    ad_answer_write(a, &wire);
    assert_true(ad_answer_read(buf_str(&wire), got));
    assert_memory_equal(&got->proof, &a->proof, sizeof(a->proof));
    assert_string_equal(got->detail, "why");
    buf_fini(&wire);
    free(a);
}

static void an_account_arrives_whole_and_a_failure_without_one(void **state)
{
    struct buf wire = { 0 };
    struct ad_answer *a = calloc(2, sizeof(*a)), *got = a + 1;

    (void)state;
    assert_non_null(a);
    a->ask = AD_ASK_FIND;
    a->found = true;
    strcpy(a->server, "dc1.example.com");
    a->account = (struct ad_account){ .user = { .name = "ada",
                                                .domain = "EXAMPLE",
                                                .upn = "ada@x",
                                                .uri = "sip:ada@x",
                                                .display = "Ada",
                                                .flags = 7,
                                                .expires = -1 },
                                      .sid = { 1 },
                                      .sid_len = 1,
                                      .shared = true };
    ad_answer_write(a, &wire);
    assert_true(ad_answer_read(buf_str(&wire), got));
    assert_true(got->found);
    assert_memory_equal(&got->account, &a->account, sizeof(a->account));
    assert_string_equal(got->server, "dc1.example.com");
    a->fault = FAULT_DIRECTORY_LDAP;
    buf_clear(&wire);
    ad_answer_write(a, &wire);
    assert_true(ad_answer_read(buf_str(&wire), got));
    assert_false(got->found);
    assert_int_equal(got->fault, FAULT_DIRECTORY_LDAP);
    buf_fini(&wire);
    free(a);
}

static void too_many_changes_are_told_as_everything(void **state)
{
    char uri[USER_URI_MAX];
    struct buf wire = { 0 };
    struct ad_answer *a = calloc(2, sizeof(*a)), *got = a + 1;

    (void)state;
    assert_non_null(a);
    memset(uri, 'u', sizeof(uri));
    a->ask = AD_ASK_CHANGES;
    a->usn = 77;
    a->change_count = 2;
    a->changes[0] = (struct ad_change){ STR("s"), STR("n"), STR("u"), STR("a") };
    a->changes[1] = (struct ad_change){ STR("t"), STR("m"), STR("v"), STR("b") };
    ad_answer_write(a, &wire);
    assert_true(ad_answer_read(buf_str(&wire), got));
    assert_false(got->all);
    assert_int_equal(got->usn, 77);
    assert_int_equal(got->change_count, 2);
    assert_true(is(got->changes[1].name, "m") && is(got->changes[1].uri, "b"));
    a->change_count = AD_CHANGES_MAX;
    for (unsigned i = 0; i < AD_CHANGES_MAX; i++)
        a->changes[i] = (struct ad_change){ STR("s"), str_of(uri, sizeof(uri)),
                                            str_of(uri, sizeof(uri)), str_of(uri, sizeof(uri)) };
    buf_clear(&wire);
    ad_answer_write(a, &wire);
    assert_true(wire.len <= AD_MESSAGE_MAX);
    assert_true(ad_answer_read(buf_str(&wire), got));
    assert_true(got->all);
    assert_true(got->change_count > 0 && got->change_count < AD_CHANGES_MAX);
    buf_fini(&wire);
    free(a);
}

/* Every message, cut anywhere or with something behind it, is refused. */
static void what_is_cut_or_too_long_is_refused(void **state)
{
    struct buf wire = { 0 };
    struct ad_question q = { .ask = AD_ASK_LOGON, .logon = { .user = STR("ada") } }, got;
    struct ad_answer *a = calloc(1, sizeof(*a));

    (void)state;
    assert_non_null(a);
    assert_true(ad_question_write(&q, &wire));
    for (size_t n = 0; n < wire.len; n++)
        assert_false(ad_question_read(str_of(wire.ptr, n), &got));
    buf_add_char(&wire, 'x');
    assert_false(ad_question_read(buf_str(&wire), &got));
    buf_clear(&wire);
    a->ask = AD_ASK_FIND;
    a->found = true;
    ad_answer_write(a, &wire);
    for (size_t n = 0; n < wire.len; n++)
        assert_false(ad_answer_read(str_of(wire.ptr, n), a));
    buf_add_char(&wire, 'x');
    assert_false(ad_answer_read(buf_str(&wire), a));
    buf_fini(&wire);
    free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_logon_arrives_as_it_was_sent),
        cmocka_unit_test(questions_to_ldap_arrive),
        cmocka_unit_test(what_is_too_long_is_not_sent),
        cmocka_unit_test(a_proof_arrives_with_its_key),
        cmocka_unit_test(an_account_arrives_whole_and_a_failure_without_one),
        cmocka_unit_test(too_many_changes_are_told_as_everything),
        cmocka_unit_test(what_is_cut_or_too_long_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
