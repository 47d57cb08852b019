/* SPDX-License-Identifier: MIT */
#include "cmd/directory_report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { NOW = 1000000 };

static struct conf *conf;
static struct directory_report r;

static void configure(const char *more)
{
    struct buf text = { 0 }, why = { 0 };

    buf_printf(&text, "[general]\ndomain = example.com\nfqdn = fe.example.com\n%s", more);
    conf_free(conf);
    conf = conf_parse(buf_str(&text), "test", &why);
    assert_non_null(conf);
    r = (struct directory_report){ .conf = conf, .asked = "ada", .now = NOW, .count = 1 };
    strcpy(r.people[0].user.name, "ada");
    strcpy(r.people[0].user.uri, "sip:ada@example.com");
    r.people[0].user.flags = USER_SIP_ENABLED | USER_REMOTE_ACCESS;
    buf_fini(&text);
    buf_fini(&why);
}

static const char ad[] = "[directory]\nsource = ad\nad_domain = ad.example.com\nad_user = r\n"
                         "ad_keytab = /r.keytab\n[kerberos]\nkeytab = /sip.keytab\n";

static int tear_down(void **state)
{
    (void)state;
    conf_free(conf);
    conf = NULL;
    return 0;
}

static enum fault inside(void)
{
    return directory_judge(&r, false).fault;
}

static enum fault outside(void)
{
    return directory_judge(&r, true).fault;
}

static void the_embedded_directory_decides_as_authd_does(void **state)
{
    struct user *u = &r.people[0].user;

    (void)state;
    configure("");
    assert_int_equal(inside(), FAULT_NONE);
    assert_int_equal(outside(), FAULT_NONE);
    u->flags = USER_SIP_ENABLED;
    assert_int_equal(inside(), FAULT_NONE);
    assert_int_equal(outside(), FAULT_REMOTE_ACCESS_NOT_ENABLED);
    u->flags = 0;
    assert_int_equal(inside(), FAULT_USER_NOT_SIP_ENABLED);
    u->flags = USER_SIP_ENABLED | USER_MUST_CHANGE;
    assert_int_equal(inside(), FAULT_USER_MUST_CHANGE);
    u->expires = NOW;
    assert_int_equal(inside(), FAULT_USER_EXPIRED);
    u->flags |= USER_DISABLED;
    assert_int_equal(inside(), FAULT_USER_DISABLED);
    u->lockout.locked_until = NOW + 1;
    assert_int_equal(outside(), FAULT_USER_LOCKED);
    r.count = 0;
    assert_int_equal(inside(), FAULT_USER_UNKNOWN);
    r.fault = FAULT_DIRECTORY_FAILED;
    assert_int_equal(inside(), FAULT_DIRECTORY_FAILED);
}

static void an_address_must_be_their_own_and_nobody_elses(void **state)
{
    (void)state;
    configure("");
    r.asked = "sip:ADA@example.com";
    assert_int_equal(inside(), FAULT_NONE);
    r.asked = "sip:alias@example.com";
    assert_int_equal(inside(), FAULT_USER_URI_NOT_THEIRS);
    r.asked = "ada";
    r.people[0].shared = true;
    assert_int_equal(inside(), FAULT_USER_URI_SHARED);
}

static void an_edge_that_is_closed_lets_nobody_in(void **state)
{
    (void)state;
    configure("[edge]\nlisten = 127.0.0.1:5061\nnext_hops = 127.0.0.1:5070\n"
              "cert_file = c\nkey_file = k\nlink_ca_file = a\nfront_servers = fe.example.com\n"
              "link_cert_file = c\nlink_key_file = k\n");
    assert_int_equal(inside(), FAULT_NONE);
    assert_int_equal(outside(), FAULT_REMOTE_ACCESS_OFF);
}

static void kerberos_helps_inside_only(void **state)
{
    (void)state;
    configure(ad);
    r.people[0].facts.protected_user = true;
    struct directory_verdict v = directory_judge(&r, false);
    assert_true(v.possible && v.kerberos_offered);
    assert_int_equal(v.kerberos, FAULT_NONE);
    assert_int_equal(v.ntlm, FAULT_USER_RESTRICTED);
    v = directory_judge(&r, true);
    assert_false(v.possible || v.kerberos_offered);
    assert_int_equal(v.fault, FAULT_USER_RESTRICTED);
    r.keytab.fault = FAULT_KERBEROS_NO_KEY;
    assert_int_equal(inside(), FAULT_USER_RESTRICTED);
    r.people[0].facts = (struct ad_facts){ 0 };
    assert_int_equal(inside(), FAULT_NONE);
    r.winbind.fault = FAULT_DIRECTORY_WINBIND;
    assert_int_equal(inside(), FAULT_DIRECTORY_WINBIND);
    r.keytab.fault = FAULT_NONE;
    assert_int_equal(inside(), FAULT_NONE);
    assert_int_equal(outside(), FAULT_DIRECTORY_WINBIND);
}

static void what_the_controller_would_say_counts(void **state)
{
    (void)state;
    configure(ad);
    r.people[0].facts.password_expired = true;
    assert_int_equal(inside(), FAULT_USER_PASSWORD_EXPIRED);
    r.people[0].facts.locked = true;
    assert_int_equal(outside(), FAULT_USER_LOCKED);
    r.people[0].facts = (struct ad_facts){ .outside_hours = true };
    assert_int_equal(inside(), FAULT_USER_LOGON_HOURS);
}

static void advice_is_for_the_directory_in_use(void **state)
{
    struct buf text = { 0 };

    (void)state;
    configure("");
    directory_advice(conf, FAULT_USER_NOT_SIP_ENABLED, &text);
    assert_true(str_find(buf_str(&text), STR("postern user set")) != SIZE_MAX);
    configure(ad);
    buf_clear(&text);
    directory_advice(conf, FAULT_USER_NOT_SIP_ENABLED, &text);
    assert_true(str_eq(buf_str(&text), STR("set msRTCSIP-UserEnabled to TRUE")));
    for (unsigned f = 1; f < FAULT_COUNT; f++) {
        if (!str_starts(str_from_c(fault_name(f)), STR("user-")) || f == FAULT_USER_SIGNED_OUT ||
            f == FAULT_USER_WRONG_PASSWORD)
            continue;
        buf_clear(&text);
        directory_advice(conf, f, &text);
        assert_true(text.len > 0);
        assert_true(str_find(buf_str(&text), STR("postern user")) == SIZE_MAX);
        assert_false(str_starts(str_from_c(directory_text(f)), STR("the password is right")));
    }
    buf_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(the_embedded_directory_decides_as_authd_does, tear_down),
        cmocka_unit_test_teardown(an_address_must_be_their_own_and_nobody_elses, tear_down),
        cmocka_unit_test_teardown(an_edge_that_is_closed_lets_nobody_in, tear_down),
        cmocka_unit_test_teardown(kerberos_helps_inside_only, tear_down),
        cmocka_unit_test_teardown(what_the_controller_would_say_counts, tear_down),
        cmocka_unit_test_teardown(advice_is_for_the_directory_in_use, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
