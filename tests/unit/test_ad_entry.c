/* SPDX-License-Identifier: MIT */
#include "ad/entry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ad/filter.h"

enum { LISTS_MAX = 16 };

static struct conf *conf;
static struct ad_mapping mapping;
static struct str values[LISTS_MAX][4];
static struct ad_value_list lists[LISTS_MAX];
static struct ad_entry entry;

static int setup(void **state)
{
    struct buf why = { 0 };

    (void)state;
    conf = conf_parse(STR("[general]\ndomain = example.com\n"), "test.conf", &why);
    mapping = (struct ad_mapping){ .conf = &conf->ad,
                                   .netbios_domain = "EXAMPLE",
                                   .filetime = 133000000000000000 };
    entry = (struct ad_entry){ .attributes = lists };
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    conf_free(conf);
    return 0;
}

/* Ends with NULL. */
static void add(const char *name, ...)
{
    unsigned at = entry.count++;
    va_list list;
    const char *v;

    assert_true(at < LISTS_MAX);
    lists[at] = (struct ad_value_list){ str_from_c(name), values[at], 0 };
    va_start(list, name);
    while ((v = va_arg(list, const char *)) != NULL)
        values[at][lists[at].count++] = str_from_c(v);
    va_end(list);
}

static struct ad_account account(void)
{
    struct ad_account a;

    assert_true(ad_entry_account(&entry, &mapping, &a));
    return a;
}

static void set(char **slot, const char *text)
{
    free(*slot);
    *slot = str_own(str_from_c(text));
}

static void the_schema_of_ocs_is_understood(void **state)
{
    (void)state;
    add("sAMAccountName", "ada", NULL);
    add("userPrincipalName", "ada@example.com", NULL);
    add("displayName", "Ada Example", NULL);
    add("msRTCSIP-PrimaryUserAddress", "sip:ada@example.com", NULL);
    add("msRTCSIP-UserEnabled", "TRUE", NULL);
    add("msRTCSIP-InternetAccessEnabled", "TRUE", NULL);
    add("msRTCSIP-FederationEnabled", "FALSE", NULL);
    add("userAccountControl", "512", NULL);
    add("accountExpires", "9223372036854775807", NULL);
    add("pwdLastSet", "133000000000000000", NULL);
    add("objectSid", "\1\5sid", NULL);
    struct ad_account a = account();

    assert_string_equal(a.user.name, "ada");
    assert_string_equal(a.user.domain, "EXAMPLE");
    assert_string_equal(a.user.upn, "ada@example.com");
    assert_string_equal(a.user.uri, "sip:ada@example.com");
    assert_string_equal(a.user.display, "Ada Example");
    assert_int_equal(a.user.flags, USER_SIP_ENABLED | USER_REMOTE_ACCESS);
    assert_int_equal(a.user.expires, 0);
    assert_memory_equal(a.sid, "\1\5sid", a.sid_len);
    assert_int_equal(a.sid_len, 5);
}

static void nothing_granted_means_nothing_allowed(void **state)
{
    (void)state;
    add("sAMAccountName", "ada", NULL);
    add("msRTCSIP-PrimaryUserAddress", "sip:ada@example.com", NULL);
    assert_int_equal(account().user.flags, 0);
}

static void an_account_shows_its_state(void **state)
{
    (void)state;
    add("sAMAccountName", "ada", NULL);
    add("userAccountControl", "514", NULL);
    add("msDS-User-Account-Control-Computed", "16", NULL);
    add("pwdLastSet", "0", NULL);
    add("accountExpires", "132500000000000000", NULL);
    struct ad_account a = account();

    assert_int_equal(a.user.flags, USER_DISABLED | USER_LOCKED | USER_MUST_CHANGE);
    assert_int_equal(a.user.expires, 132500000000000000 / 10000000 - 11644473600);
}

static void a_password_that_never_expires_need_not_be_changed(void **state)
{
    (void)state;
    add("sAMAccountName", "service", NULL);
    add("userAccountControl", "66048", NULL);
    add("pwdLastSet", "0", NULL);
    assert_int_equal(account().user.flags, 0);
}

/* Without the computed attribute the lock's time and the domain's duration tell. */
static void a_lock_ends_when_its_time_has_passed(void **state)
{
    (void)state;
    add("sAMAccountName", "ada", NULL);
    add("lockoutTime", "132999999990000000", NULL); /* a second ago */
    assert_int_equal(account().user.flags, USER_LOCKED);
    mapping.lockout_duration = 20000000;
    assert_int_equal(account().user.flags, USER_LOCKED);
    mapping.lockout_duration = 5000000;
    assert_int_equal(account().user.flags, 0);
}

static void groups_can_stand_for_attributes(void **state)
{
    (void)state;
    set(&conf->ad.enabled_attribute, "");
    set(&conf->ad.remote_attribute, "");
    set(&conf->ad.enabled_group, "CN=Chat,DC=example,DC=com");
    set(&conf->ad.remote_group, "CN=Away,DC=example,DC=com");
    mapping.enabled_group = str_from_c(conf->ad.enabled_group);
    mapping.remote_group = str_from_c(conf->ad.remote_group);
    add("sAMAccountName", "ada", NULL);
    add("msRTCSIP-PrimaryUserAddress", "sip:ada@example.com", NULL);
    assert_int_equal(account().user.flags, 0);
    add("memberOf;range=0-1", "CN=Other,DC=example,DC=com", "cn=chat,DC=example,DC=com", NULL);
    assert_int_equal(account().user.flags, USER_SIP_ENABLED);
}

static void without_any_such_setting_an_address_is_enough(void **state)
{
    (void)state;
    set(&conf->ad.enabled_attribute, "");
    add("sAMAccountName", "ada", NULL);
    assert_int_equal(account().user.flags, 0);
    add("msRTCSIP-PrimaryUserAddress", "sip:ada@example.com", NULL);
    assert_int_equal(account().user.flags, USER_SIP_ENABLED);
}

static void mail_is_an_address_without_scheme(void **state)
{
    (void)state;
    set(&conf->ad.address_attribute, "mail");
    add("sAMAccountName", "ada", NULL);
    add("mail", "Ada.Example@example.com", NULL);
    assert_string_equal(account().user.uri, "sip:Ada.Example@example.com");
}

static void of_proxy_addresses_the_primary_sip_address_counts(void **state)
{
    (void)state;
    set(&conf->ad.address_attribute, "proxyAddresses");
    add("sAMAccountName", "ada", NULL);
    add("proxyAddresses", "SMTP:ada@example.com", "sip:old@example.com", "SIP:ada@example.com",
        "x500:/o=example", NULL);
    assert_string_equal(account().user.uri, "sip:ada@example.com");
}

static void what_is_no_sip_address_is_none(void **state)
{
    (void)state;
    set(&conf->ad.address_attribute, "proxyAddresses");
    add("sAMAccountName", "ada", NULL);
    add("proxyAddresses", "SMTP:ada@example.com", "ada@example.com", NULL);
    assert_string_equal(account().user.uri, "");
}

static void names_that_do_not_fit_are_nobodys(void **state)
{
    char longer[USER_NAME_MAX + 2];
    struct ad_account a;

    (void)state;
    memset(longer, 'a', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    add("sAMAccountName", longer, NULL);
    assert_false(ad_entry_account(&entry, &mapping, &a));
    entry.count = 0;
    assert_false(ad_entry_account(&entry, &mapping, &a)); /* neither name nor address */
}

static void a_contact_has_no_name_but_an_address(void **state)
{
    (void)state;
    add("msRTCSIP-PrimaryUserAddress", "sip:ada@example.com", NULL);
    struct ad_account a = account();

    assert_string_equal(a.user.name, "");
    assert_string_equal(a.user.uri, "sip:ada@example.com");
}

static void each_attribute_is_asked_for_once(void **state)
{
    const char *names[AD_ATTRIBUTES_MAX];
    unsigned upn = 0, n = 0;

    (void)state;
    set(&conf->ad.address_attribute, "userprincipalname");
    ad_entry_attributes(&conf->ad, names);
    for (; names[n]; n++)
        upn += str_eq_nocase(str_from_c(names[n]), STR("userPrincipalName"));
    assert_int_equal(upn, 1);
    assert_true(n < AD_ATTRIBUTES_MAX);
}

/* --- filters --- */

static void filter_is(const struct buf *b, const char *want)
{
    assert_true(str_eq(buf_str(b), str_from_c(want)));
}

static void whatever_is_foreign_is_escaped(void **state)
{
    struct buf out = { 0 };

    (void)state;
    ad_filter_equal("sAMAccountName", STR("a)(|(cn=*"), &out);
    filter_is(&out, "(sAMAccountName=a\\29\\28\\7c\\28cn\\3d\\2a)");
    buf_clear(&out);
    ad_filter_equal("cn", STR("\\\0j\xc3\xbc"), &out);
    filter_is(&out, "(cn=\\5c\\00j\\c3\\bc)");
    buf_clear(&out);
    ad_filter_equal("objectSid", STR("\x01\x05\x00"), &out);
    filter_is(&out, "(objectSid=\\01\\05\\00)");
    buf_fini(&out);
}

static void an_address_is_looked_for_with_and_without_sip(void **state)
{
    struct buf out = { 0 }, person = { 0 };

    (void)state;
    set(&conf->ad.address_attribute, "mail");
    ad_filter_address(&conf->ad, STR("sip:ada@example.com"), &out);
    filter_is(&out, "(|(mail=sip:ada@example.com)(mail=ada@example.com))");
    ad_filter_person(buf_str(&out), &person);
    filter_is(&person, "(&(objectCategory=person)"
                       "(|(mail=sip:ada@example.com)(mail=ada@example.com)))");
    buf_fini(&out);
    buf_fini(&person);
}

static void changes_are_those_of_people_and_of_groups_that_matter(void **state)
{
    struct buf out = { 0 };

    (void)state;
    ad_filter_changes(&conf->ad, 12345, &out);
    filter_is(&out, "(&(uSNChanged>=12345)(|(objectClass=person)))");
    buf_clear(&out);
    set(&conf->ad.remote_group, "CN=Away,DC=com");
    ad_filter_changes(&conf->ad, 1, &out);
    filter_is(&out, "(&(uSNChanged>=1)(|(objectClass=person)"
                    "(distinguishedName=CN\\3dAway\\2cDC\\3dcom)))");
    buf_fini(&out);
}

#define WITH_ENTRY(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_ENTRY(the_schema_of_ocs_is_understood),
        WITH_ENTRY(nothing_granted_means_nothing_allowed),
        WITH_ENTRY(an_account_shows_its_state),
        WITH_ENTRY(a_password_that_never_expires_need_not_be_changed),
        WITH_ENTRY(a_lock_ends_when_its_time_has_passed),
        WITH_ENTRY(groups_can_stand_for_attributes),
        WITH_ENTRY(without_any_such_setting_an_address_is_enough),
        WITH_ENTRY(mail_is_an_address_without_scheme),
        WITH_ENTRY(of_proxy_addresses_the_primary_sip_address_counts),
        WITH_ENTRY(what_is_no_sip_address_is_none),
        WITH_ENTRY(names_that_do_not_fit_are_nobodys),
        WITH_ENTRY(a_contact_has_no_name_but_an_address),
        WITH_ENTRY(each_attribute_is_asked_for_once),
        WITH_ENTRY(whatever_is_foreign_is_escaped),
        WITH_ENTRY(an_address_is_looked_for_with_and_without_sip),
        WITH_ENTRY(changes_are_those_of_people_and_of_groups_that_matter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
