/* SPDX-License-Identifier: MIT */
#include "sip/trust.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void assert_text(struct str is, const char *expected)
{
    assert_int_equal(is.len, strlen(expected));
    assert_memory_equal(is.ptr, expected, is.len);
}

static void what_is_printed_is_read_back(void **state)
{
    struct sip_trust read, said = { .edge = STR("edge01.example.com"),
                                    .cid = STR("1A2B3C"),
                                    .target = STR("sip.example.com"),
                                    .resumed = 0xFEDCBA9876543210u,
                                    .tickets = { 1, 0, 0xFFFFFFFFFFFFFFFFu, 3 },
                                    .over = true };
    struct buf text = { 0 };

    (void)state;
    sip_trust_print(&said, &text);
    sip_trust_parse(buf_str(&text), &read);
    assert_text(read.edge, "edge01.example.com");
    assert_text(read.cid, "1A2B3C");
    assert_text(read.target, "sip.example.com");
    assert_true(read.resumed == said.resumed && read.over && !read.guess);
    assert_true(read.tickets[0] == 1 && read.tickets[1] == said.tickets[2] && read.tickets[2] == 3);
    assert_true(read.tickets[3] == 0);
    buf_fini(&text);
}

static void the_least_is_what_the_original_says(void **state)
{
    struct buf text = { 0 };

    (void)state;
    sip_trust_print(&(struct sip_trust){ .edge = STR("e.example.com") }, &text);
    assert_text(buf_str(&text), "ms-source-type=InternetUser;ms-ep-fqdn=e.example.com;"
                                "ms-source-verified-user=unverified");
    buf_fini(&text);
}

static void a_refusal_that_counts_is_told(void **state)
{
    struct buf text = { 0 };
    struct sip_trust read;

    (void)state;
    sip_trust_print(&(struct sip_trust){ .guess = true }, &text);
    sip_trust_parse(buf_str(&text), &read);
    assert_true(read.guess && !read.over);
    buf_fini(&text);
}

static void what_cannot_be_read_is_left_empty(void **state)
{
    static const char *const cases[] = { "",
                                         ";;;;",
                                         "=",
                                         "ms-edge-resumed=;ms-edge-tickets=",
                                         "ms-edge-resumed=xyz;ms-edge-tickets=....",
                                         "ms-edge-resumed=11111111111111111;ms-edge-tickets=g.h",
                                         "ms-edge-tickets=\"1.2",
                                         "ms-edge-guessing;ms-edge-overt" };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sip_trust t;
        sip_trust_parse(str_from_c(cases[i]), &t);
        assert_true(t.resumed == 0 && t.tickets[0] == 0 && !t.guess && !t.over);
        assert_int_equal(t.cid.len, 0);
    }
}

static void a_fifth_ticket_is_not_read(void **state)
{
    struct sip_trust t;

    (void)state;
    sip_trust_parse(STR("a=b;ms-edge-tickets=1.2.3.4.5"), &t);
    assert_true(t.tickets[0] == 1 && t.tickets[3] == 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_printed_is_read_back),
        cmocka_unit_test(the_least_is_what_the_original_says),
        cmocka_unit_test(a_refusal_that_counts_is_told),
        cmocka_unit_test(what_cannot_be_read_is_left_empty),
        cmocka_unit_test(a_fifth_ticket_is_not_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
