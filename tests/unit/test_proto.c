/* SPDX-License-Identifier: MIT */
#include "users/proto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct proto_question question = {
    .id = 0x1122334455667788u,
    .deadline_ms = 5000,
    .server_challenge = { 1, 2, 3, 4, 5, 6, 7, 8 },
    .challenge = { "CHALLENGE", 9 },
    .authenticate = { "AUTHENTICATE\0x", 14 },
    .from_uri = { "sip:ada@example.com", 19 },
    .source = { "\x7F\0\0\1", 4 },
    .remote = true,
    .epid = { "01010101", 8 },
    .source_over = true,
    .resumed = 0x8877665544332211u,
    .tickets = { 1, 0, 3, UINT64_MAX },
};

static const struct proto_verdict verdict = {
    .id = 7,
    .fault = FAULT_USER_URI_NOT_THEIRS,
    .audited = FAULT_POLICY_LM_COMPATIBILITY,
    .password_proved = true,
    .keys = { 0xFF, 0, 0xAA },
    .keys_len = 53,
    .ends = 1800000000,
    .user_flags = USER_SIP_ENABLED | USER_REMOTE_ACCESS,
    .uri = { "sip:ada@example.com", 19 },
    .display = { "Ada", 3 },
    .account = { "EXAMPLE\\ada", 11 },
    .counts = true,
    .detail = { "by 600 seconds", 14 },
};

static void a_question_arrives_as_it_was_sent(void **state)
{
    (void)state;
    struct buf out = { 0 };
    struct proto_question q;

    assert_true(proto_question_write(&question, &out));
    assert_int_equal(proto_kind(buf_str(&out)), PROTO_QUESTION);
    assert_true(proto_question_read(buf_str(&out), &q));
    assert_true(q.id == question.id && q.deadline_ms == question.deadline_ms && q.remote);
    assert_int_equal(q.scheme, question.scheme);
    assert_memory_equal(q.server_challenge, question.server_challenge, 8);
    assert_true(str_eq(q.challenge, question.challenge));
    assert_true(str_eq(q.authenticate, question.authenticate));
    assert_true(str_eq(q.from_uri, question.from_uri));
    assert_true(str_eq(q.source, question.source));
    assert_true(str_eq(q.epid, question.epid) && q.resumed == question.resumed);
    assert_true(q.source_over);
    assert_memory_equal(q.tickets, question.tickets, sizeof(q.tickets));
    buf_fini(&out);
}

static void a_verdict_arrives_as_it_was_sent(void **state)
{
    (void)state;
    struct buf out = { 0 };
    struct proto_verdict v;

    assert_true(proto_verdict_write(&verdict, &out));
    assert_int_equal(proto_kind(buf_str(&out)), PROTO_VERDICT);
    assert_true(proto_verdict_read(buf_str(&out), &v));
    assert_true(v.id == verdict.id && v.fault == verdict.fault && v.audited == verdict.audited);
    assert_true(v.password_proved && v.counts && v.user_flags == verdict.user_flags);
    assert_int_equal(v.keys_len, verdict.keys_len);
    assert_memory_equal(v.keys, verdict.keys, verdict.keys_len);
    assert_true(v.ends == verdict.ends);
    assert_true(str_eq(v.uri, verdict.uri) && str_eq(v.display, verdict.display));
    assert_true(str_eq(v.account, verdict.account) && str_eq(v.detail, verdict.detail));
    buf_fini(&out);
}

static void a_lookup_and_its_answer_arrive_as_they_were_sent(void **state)
{
    (void)state;
    struct buf out = { 0 };
    struct proto_lookup q = { .id = 3, .uri = STR("sip:bob@example.com") }, q2;
    struct proto_flags f = { .id = 3, .known = true, .user_flags = USER_DISABLED }, f2;

    assert_true(proto_lookup_write(&q, &out));
    assert_true(proto_lookup_read(buf_str(&out), &q2));
    assert_true(q2.id == 3 && str_eq(q2.uri, q.uri));
    buf_clear(&out);
    proto_flags_write(&f, &out);
    assert_int_equal(proto_kind(buf_str(&out)), PROTO_FLAGS);
    assert_true(proto_flags_read(buf_str(&out), &f2));
    assert_true(f2.id == 3 && f2.known && f2.user_flags == USER_DISABLED);
    buf_fini(&out);
}

static void names_arrive_as_they_were_sent_and_never_without_the_two_that_are_checked(void **state)
{
    (void)state;
    struct buf out = { 0 };
    struct proto_names n = { .nb_computer = STR("FE"),
                             .nb_domain = STR("EXAMPLE"),
                             .dns_domain = STR("ad.example.com"),
                             .dns_tree = STR("") },
                       got;

    assert_true(proto_names_write(&n, &out));
    assert_int_equal(proto_kind(buf_str(&out)), PROTO_NAMES);
    assert_true(proto_names_read(buf_str(&out), &got));
    assert_true(str_eq(got.nb_computer, n.nb_computer) && str_eq(got.nb_domain, n.nb_domain));
    assert_true(str_eq(got.dns_domain, n.dns_domain) && got.dns_tree.len == 0);
    buf_clear(&out);
    n.nb_domain = STR_NONE;
    assert_true(proto_names_write(&n, &out));
    assert_false(proto_names_read(buf_str(&out), &got));
    buf_fini(&out);
}

static void a_proof_without_keys_is_none(void **state)
{
    (void)state;
    struct buf out = { 0 };
    struct proto_verdict v = verdict;

    v.keys_len = 0;
    assert_true(proto_verdict_write(&v, &out));
    assert_false(proto_verdict_read(buf_str(&out), &v));
    buf_fini(&out);
}

/* Copies to a block of exactly that size, so that the sanitizer sees a read past the end. */
static bool every_reader_refuses(struct str in)
{
    char *copy = str_own(in);
    struct str s = str_of(copy, in.len);
    struct proto_question q;
    struct proto_verdict v;
    struct proto_lookup l;
    struct proto_flags f;
    struct proto_names n;
    bool refused = !proto_question_read(s, &q) && !proto_verdict_read(s, &v) &&
                   !proto_lookup_read(s, &l) && !proto_flags_read(s, &f) &&
                   !proto_names_read(s, &n);

    free(copy);
    return refused;
}

static void truncated_and_longer_messages_are_refused(void **state)
{
    (void)state;
    struct buf out = { 0 };

    for (int kind = 0; kind < 2; kind++) {
        buf_clear(&out);
        assert_true(kind ? proto_verdict_write(&verdict, &out)
                         : proto_question_write(&question, &out));
        for (size_t len = 0; len < out.len; len++)
            assert_true(every_reader_refuses(str_first(buf_str(&out), len)));
        buf_add_char(&out, '\0');
        assert_true(every_reader_refuses(buf_str(&out)));
    }
    buf_fini(&out);
}

static void another_version_or_catalogue_is_refused(void **state)
{
    (void)state;
    struct buf out = { 0 };

    for (unsigned at = 0; at < 4; at++) {
        buf_clear(&out);
        proto_verdict_write(&verdict, &out);
        out.ptr[at] = (char)(out.ptr[at] + 64);
        assert_int_equal(proto_kind(buf_str(&out)), PROTO_BAD);
        assert_true(every_reader_refuses(buf_str(&out)));
    }
    buf_fini(&out);
}

static void a_kind_is_not_taken_for_another(void **state)
{
    (void)state;
    struct buf out = { 0 };
    struct proto_verdict v;

    proto_question_write(&question, &out);
    assert_false(proto_verdict_read(buf_str(&out), &v));
    buf_fini(&out);
}

static void a_sign_in_without_a_proved_password_is_refused(void **state)
{
    (void)state;
    struct buf out = { 0 };
    struct proto_verdict v = { .fault = FAULT_NONE, .password_proved = false };

    proto_verdict_write(&v, &out);
    assert_false(proto_verdict_read(buf_str(&out), &v));
    buf_fini(&out);
}

static void what_does_not_fit_is_not_written(void **state)
{
    (void)state;
    static char big[PROTO_MESSAGE_MAX + 1];
    struct buf out = { 0 };
    struct proto_question q = question;
    struct proto_lookup l = { .uri = str_of(big, USER_URI_MAX + 1) };

    buf_add(&out, STR("before"));
    q.authenticate = str_of(big, sizeof(big));
    assert_false(proto_question_write(&q, &out));
    q = question;
    q.from_uri = str_of(big, USER_URI_MAX + 1);
    assert_false(proto_question_write(&q, &out));
    q = question;
    q.epid = str_of(big, PROTO_EPID_MAX + 1);
    assert_false(proto_question_write(&q, &out));
    assert_false(proto_lookup_write(&l, &out));
    assert_true(str_eq(buf_str(&out), STR("before")));
    buf_fini(&out);
}

static void a_source_is_an_address_or_nothing(void **state)
{
    (void)state;
    struct buf out = { 0 };
    struct proto_question q = question, back;

    q.source = STR("12345");
    assert_true(proto_question_write(&q, &out));
    assert_false(proto_question_read(buf_str(&out), &back));
    buf_clear(&out);
    q.source = STR_NONE;
    assert_true(proto_question_write(&q, &out));
    assert_true(proto_question_read(buf_str(&out), &back));
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_question_arrives_as_it_was_sent),
        cmocka_unit_test(a_verdict_arrives_as_it_was_sent),
        cmocka_unit_test(a_lookup_and_its_answer_arrive_as_they_were_sent),
        cmocka_unit_test(names_arrive_as_they_were_sent_and_never_without_the_two_that_are_checked),
        cmocka_unit_test(a_proof_without_keys_is_none),
        cmocka_unit_test(truncated_and_longer_messages_are_refused),
        cmocka_unit_test(another_version_or_catalogue_is_refused),
        cmocka_unit_test(a_kind_is_not_taken_for_another),
        cmocka_unit_test(a_sign_in_without_a_proved_password_is_refused),
        cmocka_unit_test(what_does_not_fit_is_not_written),
        cmocka_unit_test(a_source_is_an_address_or_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
