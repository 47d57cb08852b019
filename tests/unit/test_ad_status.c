/* SPDX-License-Identifier: MIT */
#include "ad/status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct ad_status_of ntlmv2 = { .ntlmv2 = true, .authoritative = true };

/* As Samba 4.17 answers a member of the domain. */
static void each_status_is_told_by_its_own_fault(void **state)
{
    static const struct {
        uint32_t status;
        enum fault fault;
    } want[] = {
        { 0, FAULT_NONE },
        { 0xC000006A, FAULT_USER_WRONG_PASSWORD },
        { 0xC0000064, FAULT_USER_UNKNOWN },
        { 0xC0000234, FAULT_USER_LOCKED },
        { 0xC0000072, FAULT_USER_DISABLED },
        { 0xC0000071, FAULT_USER_PASSWORD_EXPIRED },
        { 0xC0000224, FAULT_USER_MUST_CHANGE },
        { 0xC0000193, FAULT_USER_EXPIRED },
        { 0xC000006F, FAULT_USER_LOGON_HOURS },
        { 0xC0000070, FAULT_USER_WORKSTATION },
        { 0xC000006E, FAULT_USER_RESTRICTED },
        { 0xC00002FA, FAULT_USER_SMART_CARD },
        { 0xC0000418, FAULT_NTLM_BLOCKED },
        { 0xC00000BB, FAULT_NTLM_BLOCKED },
        { 0xC000006D, FAULT_NTLM_TARGET_INFO },
        { 0xC000005E, FAULT_DIRECTORY_NO_DC },
    };

    (void)state;
    for (unsigned i = 0; i < sizeof(want) / sizeof(want[0]); i++)
        assert_int_equal(ad_status_fault(want[i].status, ntlmv2), want[i].fault);
}

static void an_old_response_refused_as_wrong_may_be_the_controllers_policy(void **state)
{
    (void)state;
    struct ad_status_of old = { .ntlmv2 = false, .authoritative = true };

    assert_int_equal(ad_status_fault(0xC000006A, old), FAULT_NTLM_DC_POLICY);
    assert_int_equal(ad_status_fault(0xC0000234, old), FAULT_USER_LOCKED);
}

static void nobody_of_a_foreign_domain_is_a_domain_that_is_not_known(void **state)
{
    (void)state;
    struct ad_status_of of = { .ntlmv2 = true, .foreign_domain = true, .authoritative = false };

    assert_int_equal(ad_status_fault(0xC0000064, of), FAULT_USER_DOMAIN_UNKNOWN);
    of.authoritative = true;
    assert_int_equal(ad_status_fault(0xC0000064, of), FAULT_USER_UNKNOWN);
    of.authoritative = false;
    of.foreign_domain = false;
    assert_int_equal(ad_status_fault(0xC0000064, of), FAULT_USER_UNKNOWN);
}

static void what_is_not_known_is_never_a_wrong_password(void **state)
{
    (void)state;
    assert_int_equal(ad_status_fault(0xC0000001, ntlmv2), FAULT_DIRECTORY_FAILED);
    assert_int_equal(ad_status_fault(0x8000006A, ntlmv2), FAULT_DIRECTORY_FAILED);
    assert_int_equal(ad_status_fault(0xC001006A, ntlmv2), FAULT_DIRECTORY_FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_status_is_told_by_its_own_fault),
        cmocka_unit_test(an_old_response_refused_as_wrong_may_be_the_controllers_policy),
        cmocka_unit_test(nobody_of_a_foreign_domain_is_a_domain_that_is_not_known),
        cmocka_unit_test(what_is_not_known_is_never_a_wrong_password),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
