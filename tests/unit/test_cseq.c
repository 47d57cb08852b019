/* SPDX-License-Identifier: MIT */
#include "sip/cseq.h"

#include "unit/sip_case.h"

static void refuse(const char *text)
{
    struct sip_cseq cseq;
    if (sip_cseq_parse(str_from_c(text), &cseq) != FAULT_SIP_CSEQ)
        fail_msg("\"%s\" was read", text);
}

static void number_and_method_are_read(void **state)
{
    (void)state;
    struct sip_cseq cseq;
    assert_int_equal(sip_cseq_parse(STR("3 REGISTER"), &cseq), FAULT_NONE);
    assert_int_equal(cseq.number, 3);
    assert_str(cseq.digits, STR("3"));
    assert_str(cseq.method, STR("REGISTER"));
}

/* They are part of the signed text. */
static void leading_zeros_are_kept(void **state)
{
    (void)state;
    struct sip_cseq cseq;
    assert_int_equal(sip_cseq_parse(STR("0009 INVITE"), &cseq), FAULT_NONE);
    assert_int_equal(cseq.number, 9);
    assert_str(cseq.digits, STR("0009"));
}

static void the_gap_may_be_a_tab_or_a_fold(void **state)
{
    (void)state;
    struct sip_cseq cseq;
    assert_int_equal(sip_cseq_parse(STR("9\tINVITE"), &cseq), FAULT_NONE);
    assert_int_equal(sip_cseq_parse(STR("9\r\n  INVITE "), &cseq), FAULT_NONE);
    assert_str(cseq.method, STR("INVITE"));
}

static void the_number_stays_below_two_to_the_31(void **state)
{
    (void)state;
    struct sip_cseq cseq;
    assert_int_equal(sip_cseq_parse(STR("2147483647 ACK"), &cseq), FAULT_NONE);
    assert_int_equal(cseq.number, 2147483647);
    refuse("2147483648 ACK");
    refuse("36893488147419103232 REGISTER");
}

static void what_is_no_number_and_method_is_a_fault(void **state)
{
    (void)state;
    static const char *const bad[] = { "",          "1",     "1 ",    "REGISTER", "x REGISTER",
                                       "1REGISTER", "-1 A",  "+1 A",  "1 A B",    "1 A,2 B",
                                       "1 \"A\"",   "0x1 A", "1 A;b", "1 <A>" };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        refuse(bad[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(number_and_method_are_read),
        cmocka_unit_test(leading_zeros_are_kept),
        cmocka_unit_test(the_gap_may_be_a_tab_or_a_fold),
        cmocka_unit_test(the_number_stays_below_two_to_the_31),
        cmocka_unit_test(what_is_no_number_and_method_is_a_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
