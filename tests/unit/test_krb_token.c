/* SPDX-License-Identifier: MIT */
/* The frame around a Kerberos token and the ticket inside, whole, in other forms, and cut short. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "kerberos/token.h"

#define MECHANISM "\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02"
#define AP_REQ    "\x01\x00"
/* pvno 5, msg-type 14, no options, a ticket that is "TKT", and an authenticator that is "AUTH" */
#define FIELDS                                                                                     \
    "\xa0\x03\x02\x01\x05\xa1\x03\x02\x01\x0e\xa2\x07\x03\x05\x00\x00\x00\x00\x00\xa3\x03TKT\xa4"  \
    "\x04"                                                                                         \
    "AUTH"
#define REQUEST "\x6e\x20\x30\x1e" FIELDS

static void frame_is(struct str token, struct str want)
{
    struct str request;

    assert_true(krb_token_request(token, &request));
    assert_int_equal(request.len, want.len);
    assert_memory_equal(request.ptr, want.ptr, want.len);
}

static void no_frame(struct str token)
{
    struct str request;

    assert_false(krb_token_request(token, &request));
}

static void a_frame_is_read_whatever_form_its_length_has(void **state)
{
    (void)state;
    frame_is(STR("\x60\x10" MECHANISM AP_REQ "abc"), STR("abc"));
    frame_is(STR("\x60\x81\x10" MECHANISM AP_REQ "abc"), STR("abc"));
    frame_is(STR("\x60\x82\x00\x10" MECHANISM AP_REQ "abc"), STR("abc"));
    frame_is(STR("\x60\x84\x00\x00\x00\x10" MECHANISM AP_REQ "abc"), STR("abc"));
}

static void everything_else_is_no_frame(void **state)
{
    (void)state;
    no_frame(STR_NONE);
    no_frame(STR("\x60"));
    no_frame(STR("\x60\x80" MECHANISM AP_REQ "abc"));                     /* indefinite */
    no_frame(STR("\x60\x85\x00\x00\x00\x00\x10" MECHANISM AP_REQ "abc")); /* five octets */
    no_frame(STR("\x60\x84\xff\xff\xff\xff" MECHANISM AP_REQ "abc"));
    no_frame(STR("\x60\x0f" MECHANISM AP_REQ "abc")); /* one too many behind it */
    no_frame(STR("\x60\x11" MECHANISM AP_REQ "abc")); /* one too few */
    no_frame(STR("\x60\x0d" MECHANISM AP_REQ));       /* nothing in it */
    no_frame(STR("\x60\x10" MECHANISM "\x02\x00"      /* an AP-REP */
                 "abc"));
    no_frame(STR("\x6e\x10" MECHANISM AP_REQ "abc"));
    no_frame(STR("\x60\x10\x06\x09\x2a\x86\x48\x82\xf7\x12\x01\x02\x02\x01\x00" /* Microsoft's */
                 "abc"));
    no_frame(STR("\x60\x0d\x06\x06\x2b\x06\x01\x05\x05\x02\xa0\x03\x30\x01\x00")); /* SPNEGO */
    no_frame(STR("NTLMSSP\0\x01\0\0\0"));
}

static void the_ticket_of_a_request_is_found(void **state)
{
    struct str ticket;

    (void)state;
    assert_true(krb_token_ticket(STR(REQUEST), &ticket));
    assert_int_equal(ticket.len, 3);
    assert_memory_equal(ticket.ptr, "TKT", 3);
}

static void a_request_cut_short_or_of_other_fields_has_none(void **state)
{
    struct str whole = STR(REQUEST), ticket;

    (void)state;
    for (size_t len = 0; len < whole.len; len++)
        assert_false(krb_token_ticket(str_first(whole, len), &ticket));
    assert_false(krb_token_ticket(STR("\x6e\x04\x30\x02\xa3\x00"), &ticket));
    assert_false(krb_token_ticket(STR("\x6f\x20\x30\x1e" FIELDS), &ticket));
    assert_false(krb_token_ticket(STR("\x6e\x20\x31\x1e" FIELDS), &ticket));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_is_read_whatever_form_its_length_has),
        cmocka_unit_test(everything_else_is_no_frame),
        cmocka_unit_test(the_ticket_of_a_request_is_found),
        cmocka_unit_test(a_request_cut_short_or_of_other_fields_has_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
