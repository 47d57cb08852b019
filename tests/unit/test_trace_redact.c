/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/encode.h"
#include "diag/trace_redact.h"

/* Stands for ntlm_redact: everything from octet 16 on. */
static void from_16(uint8_t *msg, size_t len)
{
    for (size_t i = 16; i < len; i++)
        msg[i] = 0;
}

static char *redacted(const char *head)
{
    char *copy = str_own(str_from_c(head));

    trace_redact_head(copy, strlen(head), from_16);
    assert_int_equal(strlen(copy), strlen(head));
    return copy;
}

static void becomes(const char *head, const char *want)
{
    char *got = redacted(head);

    assert_string_equal(got, want);
    free(got);
}

static char *with_token(const char *before, const void *token, size_t len, const char *after)
{
    struct buf b = { 0 };

    buf_add_c(&b, before);
    base64_encode(str_of(token, len), &b);
    buf_add_c(&b, after);
    buf_add_char(&b, '\0');
    return b.ptr;
}

static void token_becomes(const void *token, const void *want, size_t len, const char *before,
                          const char *after)
{
    char *head = with_token(before, token, len, after);
    char *goal = with_token(before, want, len, after);

    becomes(head, goal);
    free(head);
    free(goal);
}

static void an_authenticate_goes_through_the_ntlm_redaction(void **state)
{
    (void)state;
    uint8_t token[41] = "NTLMSSP\0\3", want[41] = "NTLMSSP\0\3";
    memset(token + 12, 'k', 29);
    memset(want + 12, 'k', 4);
    for (size_t len = 17; len <= 41; len++) /* with every padding */
        token_becomes(token, want, len, "Authorization: NTLM gssapi-data=\"", "\", version=4\r\n");
}

static void a_challenge_holds_no_secret_and_stays(void **state)
{
    (void)state;
    uint8_t token[40] = "NTLMSSP\0\2";
    memset(token + 12, 'k', 28);
    token_becomes(token, token, 40, "WWW-Authenticate: NTLM gssapi-data=\"", "\"\r\n");
}

static void of_a_kerberos_token_only_the_framing_stays(void **state)
{
    (void)state;
    uint8_t token[60] = { 0x60, 0x82, 0x01, 0x00, 0x06, 0x09, 0x2a, 0x86, 0x48,
                          0x86, 0xf7, 0x12, 0x01, 0x02, 0x02, 0x01, 0x00 };
    uint8_t want[60] = { 0 };
    memcpy(want, token, 17);
    memset(token + 17, 0x77, 43);
    token_becomes(token, want, 60, "Proxy-Authorization: Kerberos gssapi-data=\"", "\"\r\n");
}

static void any_other_token_goes_entirely(void **state)
{
    (void)state;
    uint8_t token[33], want[33] = { 0 };
    memset(token, 0x60, 33);
    token_becomes(token, want, 33, "Authorization: X gssapi-data=\"", "\"\r\n");
}

static void every_spelling_is_found(void **state)
{
    (void)state;
    becomes("A: gssapi-data=\"cXFx\"", "A: gssapi-data=\"AAAA\"");
    becomes("A: GSSAPI-Data = \"cXFx\", b", "A: GSSAPI-Data = \"AAAA\", b");
    becomes("A: gssapi-data=cXFx, b=\"c\"", "A: gssapi-data=AAAA, b=\"c\"");
    becomes("A: gssapi-data=cXFx;b", "A: gssapi-data=AAAA;b");
    becomes("A: gssapi-data\r\n =\r\n\t\"cXFx\"\r\n", "A: gssapi-data\r\n =\r\n\t\"AAAA\"\r\n");
    becomes("A: x-gssapi-data=\"cXFx\"", "A: x-gssapi-data=\"AAAA\"");
}

static void all_of_several_are_found(void **state)
{
    (void)state;
    becomes("A: gssapi-data=\"cXFx\", gssapi-data=\"cXFxcXFx\"\r\nB: gssapi-data=\"cXE=\"\r\n",
            "A: gssapi-data=\"AAAA\", gssapi-data=\"AAAAAAAA\"\r\nB: gssapi-data=\"AAA=\"\r\n");
}

static void what_is_no_clean_base64_goes_entirely(void **state)
{
    (void)state;
    becomes("A: gssapi-data=\"cXF\"", "A: gssapi-data=\"AAA\"");
    becomes("A: gssapi-data=\"c-F_\"", "A: gssapi-data=\"AAAA\"");
    becomes("A: gssapi-data=\"cX=x\"", "A: gssapi-data=\"AA=A\"");
    becomes("A: gssapi-data=\"cXF\\\"x\"", "A: gssapi-data=\"AAAAAA\"");
    becomes("A: gssapi-data=\"cX\r\n Fx\", b", "A: gssapi-data=\"AA\r\n AA\", b");
}

static void without_a_closing_quote_it_goes_to_the_end_of_the_field(void **state)
{
    (void)state;
    becomes("A: gssapi-data=\"cXFx, b=c\r\nD: e", "A: gssapi-data=\"AAAAA A=A\r\nD: e");
}

static void the_rest_of_the_head_stays(void **state)
{
    (void)state;
    static const char *const heads[] = {
        "",
        "gssapi-data",
        "A: gssapi-data",
        "A: gssapi-data=",
        "A: gssapi-data=\"",
        "A: gssapi-data=\"\"",
        "A: gssapi-datum=\"cXFx\"",
        "A: gssapi_data=\"cXFx\"",
        "A: -data=\"cXFx\"",
        "Authorization: NTLM response=\"0100000061626364\", crand=\"12345678\", cnum=\"1\"\r\n",
        "A: Basic cXFx\r\nAuthorization-Info: Basic cXFx\r\n",
    };
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
        becomes(heads[i], heads[i]);
}

static void basic_credentials_go_too(void **state)
{
    (void)state;
    becomes("A: b\r\nauthorization : basic cXF=\r\nC: d\r\n",
            "A: b\r\nauthorization : basic AAA=\r\nC: d\r\n");
}

static void huge_tokens_go_entirely(void **state)
{
    (void)state;
    size_t len = 40000;
    char *head = malloc(len + 1);

    memset(head, 'x', len);
    memcpy(head, "A: gssapi-data=\"", 16);
    head[len - 1] = '"';
    head[len] = '\0';
    char *got = redacted(head);
    for (size_t i = 16; i < len - 1; i++)
        assert_int_equal(got[i], 'A');
    free(got);
    free(head);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_authenticate_goes_through_the_ntlm_redaction),
        cmocka_unit_test(a_challenge_holds_no_secret_and_stays),
        cmocka_unit_test(of_a_kerberos_token_only_the_framing_stays),
        cmocka_unit_test(any_other_token_goes_entirely),
        cmocka_unit_test(every_spelling_is_found),
        cmocka_unit_test(all_of_several_are_found),
        cmocka_unit_test(what_is_no_clean_base64_goes_entirely),
        cmocka_unit_test(without_a_closing_quote_it_goes_to_the_end_of_the_field),
        cmocka_unit_test(the_rest_of_the_head_stays),
        cmocka_unit_test(basic_credentials_go_too),
        cmocka_unit_test(huge_tokens_go_entirely),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
