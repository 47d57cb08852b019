/* SPDX-License-Identifier: MIT */
#include "client/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "sip/frame.h"
#include "sip/msg.h"
#include "sip/via.h"

static struct client_register example(const char *profile)
{
    return (struct client_register){ .profile = client_profile_find(str_from_c(profile)),
                                     .transport = CLIENT_TLS,
                                     .uri = STR("sip:ada@example.com"),
                                     .domain = STR("example.com"),
                                     .local = "192.0.2.77:2616",
                                     .epid = "c8ca638a15",
                                     .call_id = "4037df9284354df39065195bd57a4b14",
                                     .from_tag = "3e49177a52",
                                     .cseq = "3" };
}

static struct sip_msg parse(const struct buf *text, struct arena *arena)
{
    struct sip_frame frame = { 0 };
    struct sip_msg m;

    sip_frame_next(buf_str(text), 65536, &frame);
    assert_int_equal(frame.status, SIP_FRAME_MESSAGE);
    assert_int_equal(frame.total, text->len);
    assert_int_equal(sip_msg_parse(buf_str(text), frame.head_len, 64, arena, &m), FAULT_NONE);
    return m;
}

/* What the real client with this epid sent. */
static void the_instance_derives_from_the_epid(void **state)
{
    (void)state;
    char instance[CLIENT_INSTANCE_TEXT];
    client_instance(STR("c8ca638a15"), instance);
    assert_string_equal(instance, "34d859db-6585-5f91-a3b4-de853c15347d");
}

static void communicator_sends_no_branch_and_its_instance_in_upper_case(void **state)
{
    (void)state;
    struct client_register r = example("windows-xp");
    struct buf text = { 0 };
    struct arena arena;
    struct sip_via via;
    struct str rest;

    arena_init(&arena, 4096, 65536);
    client_register_write(&r, &text);
    struct sip_msg m = parse(&text, &arena);
    assert_true(str_eq(m.start_line, STR("REGISTER sip:example.com SIP/2.0")));
    assert_int_equal(sip_via_parse(sip_msg_value(&m, SIP_VIA), &via, &rest), FAULT_NONE);
    assert_int_equal(via.branch.len, 0);
    assert_true(str_eq(via.transport, STR("TLS")));
    assert_true(str_eq(sip_msg_value(&m, SIP_FROM),
                       STR("<sip:ada@example.com>;tag=3e49177a52;epid=c8ca638a15")));
    assert_true(
        str_find(sip_msg_value(&m, SIP_CONTACT),
                 STR("+sip.instance=\"<urn:uuid:34D859DB-6585-5F91-A3B4-DE853C15347D>\"")) !=
        SIZE_MAX);
    assert_true(sip_msg_has_token(&m, SIP_SUPPORTED, STR("gruu-10")));
    assert_true(sip_msg_has_token(&m, SIP_SUPPORTED, STR("msrtc-event-categories")));
    assert_true(str_eq(sip_msg_value(&m, SIP_EVENT), STR("registration")));
    assert_null(sip_msg_first(&m, SIP_EXPIRES));
    assert_null(sip_msg_first(&m, SIP_AUTHORIZATION));
    buf_fini(&text);
    arena_fini(&arena);
}

static void sipe_sends_a_branch_and_lower_case(void **state)
{
    (void)state;
    struct client_register r = example("sipe");
    struct buf text = { 0 };
    struct arena arena;
    struct sip_via via;
    struct str rest;

    arena_init(&arena, 4096, 65536);
    client_register_write(&r, &text);
    struct sip_msg m = parse(&text, &arena);
    assert_int_equal(sip_via_parse(sip_msg_value(&m, SIP_VIA), &via, &rest), FAULT_NONE);
    assert_true(str_starts(via.branch, STR("z9hG4bK")));
    assert_true(str_eq(via.transport, STR("tls")));
    assert_true(str_find(sip_msg_value(&m, SIP_CONTACT),
                         STR("34d859db-6585-5f91-a3b4-de853c15347d")) != SIZE_MAX);
    buf_fini(&text);
    arena_fini(&arena);
}

/* The two ways to the signed text, from our own fields and from the message, say the same. */
static void what_is_signed_is_what_is_sent(void **state)
{
    (void)state;
    struct client_register r = example("windows-7");
    struct buf text = { 0 }, ours = { 0 }, theirs = { 0 };
    struct arena arena;
    struct sigtext a, b = { 0 };

    arena_init(&arena, 4096, 65536);
    r.leave = true;
    r.credentials = STR("NTLM qop=\"auth\"");
    client_register_write(&r, &text);
    struct sip_msg m = parse(&text, &arena);
    client_register_sigtext(&r, &a);
    assert_int_equal(sigtext_from_msg(&m, &arena, &b), FAULT_NONE);
    sigtext_write(&a, 4, &ours);
    sigtext_write(&b, 4, &theirs);
    assert_true(str_eq(buf_str(&ours), buf_str(&theirs)));
    assert_true(str_find(buf_str(&ours), STR("<3><REGISTER><sip:ada@example.com><3e49177a52>"
                                             "<sip:ada@example.com><><><><0>")) != SIZE_MAX);
    buf_fini(&text);
    buf_fini(&ours);
    buf_fini(&theirs);
    arena_fini(&arena);
}

static void credentials_go_where_the_challenge_came_from(void **state)
{
    (void)state;
    struct client_register r = example("windows-7");
    struct buf text = { 0 };

    r.credentials = STR("NTLM x");
    client_register_write(&r, &text);
    assert_true(str_find(buf_str(&text), STR("\r\nAuthorization: NTLM x\r\n")) != SIZE_MAX);
    buf_clear(&text);
    r.proxy = true;
    client_register_write(&r, &text);
    assert_true(str_find(buf_str(&text), STR("\r\nProxy-Authorization: NTLM x\r\n")) != SIZE_MAX);
    buf_fini(&text);
}

static void random_digits_fill_their_place(void **state)
{
    (void)state;
    char a[11], b[11];
    client_random_hex(a, sizeof(a));
    client_random_hex(b, sizeof(b));
    assert_int_equal(strspn(a, "0123456789abcdef"), 10);
    assert_int_equal(strlen(a), 10);
    assert_string_not_equal(a, b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_instance_derives_from_the_epid),
        cmocka_unit_test(communicator_sends_no_branch_and_its_instance_in_upper_case),
        cmocka_unit_test(sipe_sends_a_branch_and_lower_case),
        cmocka_unit_test(what_is_signed_is_what_is_sent),
        cmocka_unit_test(credentials_go_where_the_challenge_came_from),
        cmocka_unit_test(random_digits_fill_their_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
