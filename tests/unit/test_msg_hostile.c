/* SPDX-License-Identifier: MIT */
/* Messages cut anywhere and with any octet anywhere: sip_msg_parse also sees what could not be
 * framed, to tell the sender. */
#include <stdlib.h>

#include "base/compiler.h"
#include "unit/sip_case.h"

#define LINE "REGISTER sip:example.com SIP/2.0\r\n"

static void any_prefix_can_be_parsed(void **state)
{
    struct sip_case *c = *state;
    struct str raw = STR(LINE MANDATORY "Supported: a,\r\n b\r\nServer:\r\n\r\n");

    for (size_t n = 0; n < raw.len; n++) {
        char *copy = str_own(str_first(raw, n));
        arena_reset(&c->arena);
        assert_int_not_equal(sip_msg_parse(str_of(copy, n), n, 128, &c->arena, &c->msg),
                             FAULT_NONE);
        assert_true(n + 1 < sizeof(LINE MANDATORY) || sip_msg_can_reply(&c->msg));
        free(copy);
    }
}

static void any_octet_anywhere_is_survived(void **state)
{
    struct sip_case *c = *state;
    struct str raw = STR(LINE MANDATORY "Supported: a,\r\n b\r\n\r\n");
    char *copy = str_own(raw);

    for (size_t i = 0; i < raw.len * 256; i++) {
        size_t at = i / 256;
        copy[at] = (char)(i % 256);
        arena_reset(&c->arena);
        (void)sip_msg_parse(str_of(copy, raw.len), raw.len, 128, &c->arena, &c->msg);
        for (unsigned h = 0; h < c->msg.header_count; h++)
            assert_int_equal(str_find_char(c->msg.headers[h].value, '\0'), SIZE_MAX);
        copy[at] = raw.ptr[at];
    }
    free(copy);
}

static void an_empty_value_stays_on_its_line(void **state)
{
    struct sip_case *c = *state;
    assert_int_equal(sip_case_parse(c, STR(LINE MANDATORY "Server:\r\nDate: \t \r\n\r\n")),
                     FAULT_NONE);
    for (unsigned i = 0; i < c->msg.header_count; i++) {
        const struct sip_header *h = &c->msg.headers[i];
        assert_true(h->value.ptr + h->value.len + 2 <= h->line.ptr + h->line.len);
    }
}

static void a_broken_line_anywhere_leaves_the_others_readable(void **state)
{
    static const struct str lines[] = {
        { "No colon\r\n", 10 },    { ": no name\r\n", 11 }, { "Na me: x\r\n", 10 },
        { "X: a\rb\r\n", 8 },      { "X: a\0b\r\n", 8 },    { "\xC3\xA9: x\r\n", 7 },
        { "X: a\r\n \0\r\n", 10 },
    };
    struct sip_case *c = *state;

    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        char text[512];
        size_t len = 0;
        const struct str parts[] = { STR(LINE), lines[i], STR(MANDATORY "\r\n") };
        for (size_t p = 0; p < ARRAY_LEN(parts); p++) {
            memcpy(text + len, parts[p].ptr, parts[p].len);
            len += parts[p].len;
        }
        assert_int_equal(sip_case_parse(c, str_of(text, len)), FAULT_SIP_HEADER);
        assert_true(sip_msg_can_reply(&c->msg));
        assert_null(sip_msg_find(&c->msg, STR("X")));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SIP_CASE_TEST(any_prefix_can_be_parsed),
        SIP_CASE_TEST(any_octet_anywhere_is_survived),
        SIP_CASE_TEST(an_empty_value_stays_on_its_line),
        SIP_CASE_TEST(a_broken_line_anywhere_leaves_the_others_readable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
