/* SPDX-License-Identifier: MIT */
#include "ad/facts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/compiler.h"

enum { LISTS_MAX = 8, MONDAY_1601 = 0 };

static const uint64_t hour = UINT64_C(36000000000);
static const uint8_t ada_sid[] = { 1, 2, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 0x50, 4, 0, 0 };

static struct ad_value_list lists[LISTS_MAX];
static struct str values[LISTS_MAX];
static struct ad_entry entry;
static struct ad_account account;
static struct ad_facts facts;

static int set_up(void **state)
{
    (void)state;
    entry = (struct ad_entry){ .attributes = lists };
    account = (struct ad_account){ .sid_len = sizeof(ada_sid) };
    memcpy(account.sid, ada_sid, sizeof(ada_sid));
    return 0;
}

static void add(const char *name, struct str value)
{
    unsigned at = entry.count++;

    values[at] = value;
    lists[at] = (struct ad_value_list){ str_from_c(name), &values[at], 1 };
}

static void look(uint64_t filetime)
{
    ad_facts_of(&entry, &account, filetime, &facts);
}

static void hours_begin_with_sunday_in_utc(void **state)
{
    uint8_t hours[21];

    (void)state;
    memset(hours, 0xFF, sizeof(hours));
    hours[3] = 0xFE; /* not on Monday between 0 and 1 */
    add("logonHours", str_of(hours, sizeof(hours)));
    look(MONDAY_1601);
    assert_true(facts.hours_limited && facts.outside_hours);
    assert_int_equal(ad_facts_ntstatus(&facts), 0xC000006F);
    assert_int_equal(ad_facts_ticket(&facts), FAULT_USER_LOGON_HOURS);
    look(MONDAY_1601 + hour);
    assert_true(facts.hours_limited && !facts.outside_hours);
    look(MONDAY_1601 + 168 * hour);
    assert_true(facts.outside_hours);
    hours[3] = 0xFF;
    look(MONDAY_1601);
    assert_false(facts.hours_limited || facts.outside_hours);
    lists[0].values = &(struct str){ "\0", 1 };
    look(MONDAY_1601);
    assert_false(facts.outside_hours); /* not as long as it must be */
}

static void protected_users_may_not_use_ntlm(void **state)
{
    uint8_t group[sizeof(ada_sid)];

    (void)state;
    look(hour);
    assert_false(facts.groups_known);
    memcpy(group, ada_sid, sizeof(group));
    add("tokenGroups", str_of(group, sizeof(group)));
    look(hour);
    assert_true(facts.groups_known && !facts.protected_user);
    group[12] = 525 & 0xFF;
    group[13] = 525 >> 8;
    look(hour);
    assert_true(facts.protected_user);
    assert_int_equal(ad_facts_ntstatus(&facts), 0xC000006E);
    assert_int_equal(ad_facts_ticket(&facts), FAULT_NONE);
    group[11] = 1; /* of another domain */
    look(hour);
    assert_false(facts.protected_user);
}

static void the_state_of_the_account_decides(void **state)
{
    static const struct {
        unsigned flags;
        const char *control, *computed;
        int64_t expires;
        uint32_t status;
        enum fault ticket;
    } rows[] = {
        { 0, "512", "0", 0, 0, FAULT_NONE },
        { USER_DISABLED, "514", "0", 0, 0xC0000072, FAULT_USER_DISABLED },
        { USER_LOCKED | USER_DISABLED, "514", "16", 0, 0xC0000234, FAULT_USER_LOCKED },
        { USER_MUST_CHANGE, "512", "8388608", 0, 0xC0000224, FAULT_USER_MUST_CHANGE },
        { 0, "512", "8388608", 0, 0xC0000071, FAULT_USER_PASSWORD_EXPIRED },
        { 0, "262656", "0", 0, 0xC00002FA, FAULT_NONE },
        { 0, "512", "0", 1000, 0xC0000193, FAULT_USER_EXPIRED },
        { 0, "512", "0", 3000, 0, FAULT_NONE },
    };

    (void)state;
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        entry.count = 0;
        add("userAccountControl", str_from_c(rows[i].control));
        add("msDS-User-Account-Control-Computed", str_from_c(rows[i].computed));
        account.user.flags = rows[i].flags;
        account.user.expires = rows[i].expires;
        look(filetime_from_unix(2000));
        assert_int_equal(ad_facts_ntstatus(&facts), rows[i].status);
        assert_int_equal(ad_facts_ticket(&facts), rows[i].ticket);
    }
}

static void the_rest_is_told(void **state)
{
    (void)state;
    add("userWorkstations", STR("PC1,PC2"));
    add("msRTCSIP-PrimaryHomeServer", STR("CN=LC Services,CN=Microsoft"));
    add("msRTCSIP-OptionFlags", STR("256"));
    add("msDS-UserPasswordExpiryTimeComputed", STR("132223104000000000"));
    look(hour);
    assert_string_equal(facts.workstations, "PC1,PC2");
    assert_string_equal(facts.home_server, "CN=LC Services,CN=Microsoft");
    assert_true(facts.has_options && facts.options == 256);
    assert_int_equal(facts.password_expires, 1577836800);
    values[3] = STR("9223372036854775807");
    look(hour);
    assert_int_equal(facts.password_expires, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(hours_begin_with_sunday_in_utc, set_up),
        cmocka_unit_test_setup(protected_users_may_not_use_ntlm, set_up),
        cmocka_unit_test_setup(the_state_of_the_account_decides, set_up),
        cmocka_unit_test_setup(the_rest_is_told, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
