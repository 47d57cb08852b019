/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include "auth/sigtext.h"

enum { NAME_MAX_LEN = 80, TESTS_MAX = 40 };

static json_t *vectors;

static struct str field(const json_t *fields, const char *name)
{
    return str_from_c(json_string_value(json_object_get(fields, name)));
}

static void vector_text_is_reproduced(void **state)
{
    const json_t *v = *state, *in = json_object_get(v, "in"), *f = json_object_get(in, "fields");
    uint32_t status = 0;
    str_to_u32(field(f, "status"), &status);
    struct sigtext t = { .scheme = field(f, "protocol"),
                         .rand = field(f, "rand"),
                         .num = field(f, "num"),
                         .realm = field(f, "realm"),
                         .target = field(f, "targetname"),
                         .call_id = field(f, "call_id"),
                         .cseq = field(f, "cseq"),
                         .method = field(f, "method"),
                         .from_uri = field(f, "from_uri"),
                         .from_tag = field(f, "from_tag"),
                         .to_uri = field(f, "to_uri"),
                         .to_tag = field(f, "to_tag"),
                         .pai_sip = field(f, "pai_sip"),
                         .pai_tel = field(f, "pai_tel"),
                         .expires = field(f, "expires"),
                         .status = status };
    unsigned version = (unsigned)json_integer_value(json_object_get(in, "version"));
    struct str expected = field(json_object_get(v, "out"), "out");
    struct buf out = { 0 };
    buf_add(&out, STR("before"));
    sigtext_write(&t, version, &out);
    assert_true(str_eq(str_skip(buf_str(&out), 6), expected));
    assert_int_equal(sigtext_len(&t, version), expected.len);
    buf_fini(&out);
}

/* The text of a message as version `version`, with the given salt and so on left empty. */
static void assert_text(const char *message, unsigned version, const char *expected)
{
    struct arena arena;
    struct sip_msg m;
    struct sigtext t;
    struct buf out = { 0 };
    struct str raw = str_from_c(message);
    arena_init(&arena, 4096, 65536);
    assert_int_equal(sip_msg_parse(raw, raw.len, SIP_HEADERS_MAX_DEFAULT, &arena, &m), FAULT_NONE);
    assert_int_equal(sigtext_from_msg(&m, &arena, &t), FAULT_NONE);
    sigtext_write(&t, version, &out);
    buf_add_char(&out, 0);
    assert_string_equal(out.ptr, expected);
    buf_fini(&out);
    arena_fini(&arena);
}

#define EMPTY "<><><><><>"

static void a_request_ends_with_expires_and_has_no_status(void **state)
{
    (void)state;
    const char *m = "REGISTER sip:example.com SIP/2.0\r\n"
                    "Via: SIP/2.0/TLS 10.0.0.1:4242\r\n"
                    "From: \"Ada, L.\" <sip:ada@example.com;x=1>;tag=aa11;epid=0123456789\r\n"
                    "To: <sip:ada@example.com>\r\n"
                    "Call-ID: c4ll\r\nCSeq: 003 REGISTER\r\n"
                    "Contact: <sip:ada@10.0.0.1>;expires=99\r\n"
                    "Content-Length: 0\r\n\r\n";
    assert_text(m, 4,
                EMPTY "<c4ll><003><REGISTER><sip:ada@example.com;x=1><aa11>"
                      "<sip:ada@example.com><><><><>");
    assert_text(m, 3,
                EMPTY "<c4ll><003><REGISTER><sip:ada@example.com;x=1><aa11>"
                      "<sip:ada@example.com><><><><>");
    assert_text(m, 2, EMPTY "<c4ll><003><REGISTER><sip:ada@example.com;x=1><aa11><><>");
}

static void a_response_ends_with_its_status(void **state)
{
    (void)state;
    const char *m = "SIP/2.0 180 Ringing\r\n"
                    "Via: SIP/2.0/TLS 10.0.0.1:4242\r\n"
                    "From: <sip:a@example.com>;tag=1\r\nTo: <sip:b@example.com>;tag=2\r\n"
                    "Call-ID: c\r\nCSeq: 1 INVITE\r\nExpires: 60\r\n"
                    "Content-Length: 0\r\n\r\n";
    assert_text(m, 4,
                EMPTY "<c><1><INVITE><sip:a@example.com><1><sip:b@example.com><2><><><60><180>");
    assert_text(m, 2, EMPTY "<c><1><INVITE><sip:a@example.com><1><2><60><180>");
}

static void compact_and_oddly_spelt_headers_are_the_same_fields(void **state)
{
    (void)state;
    assert_text("REGISTER sip:example.com SIP/2.0\r\n"
                "v: SIP/2.0/TLS 10.0.0.1:4242\r\n"
                "f: <SIP:Ada@Example.COM>;tag=1\r\nt : sip:ada@example.com;tag=2;epid=9\r\n"
                "i: c\r\nCSEQ: 1 REGISTER\r\nEXPIRES:  600 \r\n"
                "l: 0\r\n\r\n",
                4,
                EMPTY "<c><1><REGISTER><SIP:Ada@Example.COM><1><sip:ada@example.com><2><><><600>");
}

static void a_folded_from_reads_as_one_line(void **state)
{
    (void)state;
    assert_text("REGISTER sip:example.com SIP/2.0\r\n"
                "Via: SIP/2.0/TLS 10.0.0.1:4242\r\n"
                "From: \"Ada\"\r\n <sip:ada@example.com>\r\n\t;tag=1\r\n"
                "To: <sip:ada@example.com>\r\n"
                "Call-ID: c\r\nCSeq: 1 REGISTER\r\nContent-Length: 0\r\n\r\n",
                4, EMPTY "<c><1><REGISTER><sip:ada@example.com><1><sip:ada@example.com><><><><>");
}

#define INVITE_HEAD                                                                                \
    "INVITE sip:b@example.com SIP/2.0\r\n"                                                         \
    "Via: SIP/2.0/TLS 10.0.0.1:4242\r\n"                                                           \
    "From: <sip:a@example.com>;tag=1\r\nTo: <sip:b@e.com>\r\n"                                     \
    "Call-ID: c\r\nCSeq: 1 INVITE\r\n"
#define INVITE_TEXT EMPTY "<c><1><INVITE><sip:a@example.com><1><sip:b@e.com><>"

static void the_first_sip_and_the_first_tel_identity_count(void **state)
{
    (void)state;
    assert_text(INVITE_HEAD
                "P-Asserted-Identity: \"A, B\" <SIP:a@example.com>, <sip:z@example.com>, "
                "<tel:+1;ext=2>\r\n"
                "P-Asserted-Identity: tel:+9\r\nContent-Length: 0\r\n\r\n",
                4, INVITE_TEXT "<SIP:a@example.com><tel:+1;ext=2><>");
}

static void a_bare_tel_identity_counts(void **state)
{
    (void)state;
    assert_text(INVITE_HEAD "P-Asserted-Identity: tel:+19185550102\r\nContent-Length: 0\r\n\r\n", 4,
                INVITE_TEXT "<><tel:+19185550102><>");
}

static void the_preferred_identity_counts_only_without_an_asserted_one(void **state)
{
    (void)state;
    assert_text(INVITE_HEAD "P-Preferred-Identity: <sip:p@example.com>, <tel:+5>\r\n"
                            "Content-Length: 0\r\n\r\n",
                4, INVITE_TEXT "<sip:p@example.com><tel:+5><>");
    assert_text(INVITE_HEAD "P-Preferred-Identity: <sip:p@example.com>, <tel:+5>\r\n"
                            "P-Asserted-Identity: <sip:a@example.com>\r\n"
                            "Content-Length: 0\r\n\r\n",
                4, INVITE_TEXT "<sip:a@example.com><><>");
}

static void version_2_has_no_identities(void **state)
{
    (void)state;
    assert_text(INVITE_HEAD "P-Asserted-Identity: <sip:a@example.com>\r\n"
                            "Content-Length: 0\r\n\r\n",
                2, EMPTY "<c><1><INVITE><sip:a@example.com><1><><>");
}

static void a_damaged_identity_is_left_out(void **state)
{
    (void)state;
    assert_text(INVITE_HEAD "P-Asserted-Identity: <sip:a@example.com>, <sip:broken\r\n"
                            "Content-Length: 0\r\n\r\n",
                4, INVITE_TEXT "<sip:a@example.com><><>");
}

static void an_unreadable_to_is_a_fault(void **state)
{
    (void)state;
    struct arena arena;
    struct sip_msg m;
    struct sigtext t;
    struct str raw = STR("MESSAGE sip:b@example.com SIP/2.0\r\nVia: SIP/2.0/TLS 10.0.0.1:4242\r\n"
                         "From: <sip:a@example.com>;tag=1\r\nTo: <sip:b\r\n"
                         "Call-ID: c\r\nCSeq: 1 MESSAGE\r\nContent-Length: 0\r\n\r\n");
    arena_init(&arena, 4096, 65536);
    enum fault fault = sip_msg_parse(raw, raw.len, SIP_HEADERS_MAX_DEFAULT, &arena, &m);
    if (fault == FAULT_NONE)
        fault = sigtext_from_msg(&m, &arena, &t);
    assert_int_equal(fault, FAULT_SIP_ADDRESS);
    arena_fini(&arena);
}

/* One test per published text, named after it. */
static size_t add_vectors(struct CMUnitTest *tests, char (*names)[NAME_MAX_LEN])
{
    json_t *all = json_is_array(vectors) ? vectors : json_object_get(vectors, "vectors"), *v;
    size_t i, n = 0;
    json_array_foreach(all, i, v)
    {
        if (!str_eq(field(v, "type"), STR("sigbuf")))
            continue;
        assert_true(n < TESTS_MAX);
        snprintf(names[n], NAME_MAX_LEN, "%s is reproduced",
                 json_string_value(json_object_get(v, "id")));
        tests[n] = (struct CMUnitTest){ .name = names[n],
                                        .test_func = vector_text_is_reproduced,
                                        .initial_state = v };
        n++;
    }
    return n;
}

int main(void)
{
    static char names[TESTS_MAX][NAME_MAX_LEN];
    struct CMUnitTest published[TESTS_MAX];
    const struct CMUnitTest own[] = {
        cmocka_unit_test(a_request_ends_with_expires_and_has_no_status),
        cmocka_unit_test(a_response_ends_with_its_status),
        cmocka_unit_test(compact_and_oddly_spelt_headers_are_the_same_fields),
        cmocka_unit_test(a_folded_from_reads_as_one_line),
        cmocka_unit_test(the_first_sip_and_the_first_tel_identity_count),
        cmocka_unit_test(a_bare_tel_identity_counts),
        cmocka_unit_test(the_preferred_identity_counts_only_without_an_asserted_one),
        cmocka_unit_test(version_2_has_no_identities),
        cmocka_unit_test(a_damaged_identity_is_left_out),
        cmocka_unit_test(an_unreadable_to_is_a_fault),
    };
    vectors = json_load_file(POSTERN_SOURCE_ROOT "/tests/vectors/ntlm.json", 0, NULL);
    if (!vectors)
        return 1;
    size_t count = add_vectors(published, names);
    int failed =
        count >= 4 ? _cmocka_run_group_tests("published", published, count, NULL, NULL) : 1;
    failed += cmocka_run_group_tests_name("messages", own, NULL, NULL);
    json_decref(vectors);
    return failed;
}
