/* SPDX-License-Identifier: MIT */
#include "ad/import.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct seen {
    struct user last;
    struct user_password password;
    char clear[32], names[256];
    unsigned line, problems;
    const char *what, *right;
} seen;

static const char *take(void *arg, const struct user *u, const struct user_password *password)
{
    struct seen *s = arg;
    size_t len = strlen(s->names);

    s->last = *u;
    s->password = *password;
    assert_true(password->clear.len < sizeof(s->clear));
    snprintf(s->clear, sizeof(s->clear), "%.*s", STR_ARG(password->clear));
    snprintf(s->names + len, sizeof(s->names) - len, "%s ", u->name);
    return strcmp(u->name, "taken") == 0 ? "the account exists already" : NULL;
}

static void complain(void *arg, unsigned line, struct str entry, const char *what,
                     const char *right)
{
    struct seen *s = arg;

    (void)entry;
    s->line = line;
    s->what = what;
    s->right = right;
    s->problems++;
}

static struct user_import_counts import_of(const char *text, const char *address_attribute,
                                           const char *settings)
{
    struct buf conf_text = { 0 }, why = { 0 };
    static const char *const domains[] = { "example.com" };
    const struct user_import how = { .domains = domains,
                                     .domain_count = 1,
                                     .take = take,
                                     .complain = complain,
                                     .arg = &seen,
                                     .problems_max = 3 };

    buf_printf(&conf_text, "[general]\ndomain = example.com\n[directory]\n%s\n", settings);
    struct conf *c = conf_parse(buf_str(&conf_text), "test", &why);
    assert_non_null(c);
    const struct ad_import i = { .conf = c, .address_attribute = address_attribute, .how = &how };

    seen = (struct seen){ 0 };
    struct user_import_counts n = ad_import_ldif(&i, str_from_c(text));
    conf_free(c);
    buf_fini(&conf_text);
    buf_fini(&why);
    return n;
}

static struct user_import_counts import(const char *text)
{
    return import_of(text, NULL, "");
}

static void an_export_of_active_directory_is_taken(void **state)
{
    (void)state;
    struct user_import_counts n =
        import("dn: CN=Ada,DC=example,DC=com\n"
               "changetype: add\n"
               "objectClass: top\nobjectClass: person\nobjectClass: user\n"
               "cn: ignored\n"
               "displayName:: QWRhIEzDtnZlbGFjZQ==\n"
               "sAMAccountName: ada\n"
               "userPrincipalName: ada@corp.example\n"
               "msRTCSIP-PrimaryUserAddress: sip:ada@example.com\n"
               "proxyAddresses: sip:other@example.com\n"
               "msRTCSIP-UserEnabled: TRUE\n"
               "msRTCSIP-InternetAccessEnabled: TRUE\n"
               "msRTCSIP-FederationEnabled: TRUE\n"
               "userAccountControl: 514\n"
               "lockoutTime: 133000000000000000\n"
               "pwdLastSet: 0\n"
               "accountExpires: 132223104000000000\n");

    assert_true(n.taken == 1 && n.problems == 0);
    assert_string_equal(seen.last.name, "ada");
    assert_string_equal(seen.last.display, "Ada L\xC3\xB6velace");
    assert_string_equal(seen.last.upn, "ada@corp.example");
    assert_string_equal(seen.last.uri, "sip:ada@example.com");
    assert_int_equal(seen.last.flags, USER_SIP_ENABLED | USER_REMOTE_ACCESS | USER_FEDERATION |
                                          USER_DISABLED | USER_MUST_CHANGE);
    assert_int_equal(seen.last.expires, 1577836800); /* 2020-01-01 */
    assert_int_equal(seen.password.kind, USER_PASSWORD_NONE);
}

static void an_address_stands_in_one_of_three_places(void **state)
{
    (void)state;
    const char *text = "dn: cn=a\n"
                       "uid: ada\n"
                       "cn: Ada\n"
                       "mail: ada@example.com\n"
                       "proxyAddresses: smtp:x@example.com\n"
                       "proxyAddresses: SIP:first@example.com\n"
                       "msRTCSIP-UserEnabled: FALSE\n";

    assert_int_equal(import(text).taken, 1);
    assert_string_equal(seen.last.uri, "sip:first@example.com");
    assert_string_equal(seen.last.display, "Ada");
    assert_int_equal(seen.last.flags, 0);
    assert_int_equal(import_of(text, "mail", "").taken, 1);
    assert_string_equal(seen.last.uri, "sip:ada@example.com");
    assert_int_equal(seen.last.flags, 0); /* the entry says so */
    assert_int_equal(import_of("dn: cn=a\nuid: ada\nmail: ada@example.com\n", "mail", "").taken, 1);
    assert_int_equal(seen.last.flags, USER_SIP_ENABLED);
    assert_int_equal(import_of("dn: cn=a\nuid: a\nmail: ada@example.com\nmemberOf: CN=out,DC=x\n",
                               NULL,
                               "address_attribute = mail\nenabled_attribute =\n"
                               "remote_group = CN=Out,DC=x")
                         .taken,
                     1);
    assert_int_equal(seen.last.flags, USER_SIP_ENABLED | USER_REMOTE_ACCESS);
}

static void what_is_no_user_is_counted(void **state)
{
    (void)state;
    struct user_import_counts n =
        import("dn: DC=example\nobjectClass: domain\n\n"
               "dn: CN=g\nobjectClass: group\nsAMAccountName: g\n\n"
               "dn: CN=pc\nobjectClass: user\nobjectClass: computer\nsAMAccountName: PC$\n\n"
               "dn: CN=trust\nobjectClass: user\nsAMAccountName: OTHER$\n\n"
               "dn: CN=c\nobjectClass: person\nobjectClass: contact\n"
               "msRTCSIP-PrimaryUserAddress: sip:c@example.com\n\n"
               "dn: CN=p\nobjectClass: person\ncn: p\n\n"
               "dn: CN=krbtgt\nobjectClass: user\nsAMAccountName: krbtgt\n");

    assert_true(n.taken == 0 && n.problems == 0);
    assert_int_equal(n.no_users, 6);
    assert_int_equal(n.no_address, 1);
}

static void import_password(const char *line)
{
    struct buf text = { 0 };

    buf_printf(&text, "dn: cn=a\nuid: ada\nmsRTCSIP-PrimaryUserAddress: sip:ada@example.com\n%s\n",
               line);
    import(buf_str(&text).ptr);
    buf_fini(&text);
}

static void passwords_are_taken_in_clear_or_as_nt_hash(void **state)
{
    (void)state;
    static const uint8_t hash[16] = { 0x88, 0x46, 0xF7, 0xEA, 0xEE, 0x8F, 0xB1, 0x17,
                                      0xAD, 0x06, 0xBD, 0xD8, 0x30, 0xB7, 0x58, 0x6C };

    import_password("userPassword: secret");
    assert_int_equal(seen.password.kind, USER_PASSWORD_CLEAR);
    assert_string_equal(seen.clear, "secret");
    import_password("userPassword: {cleartext}{x}");
    assert_string_equal(seen.clear, "{x}");
    import_password("userPassword: {SSHA}c2FsdA==");
    assert_int_equal(seen.password.kind, USER_PASSWORD_NONE);
    import_password("sambaNTPassword: 8846F7EAEE8FB117AD06BDD830B7586C");
    assert_int_equal(seen.password.kind, USER_PASSWORD_NT_HASH);
    assert_memory_equal(seen.password.nt_hash, hash, 16);
    import_password("sambaNTPassword: NO PASSWORDXXXXXXXXXXXXXXXXXXXXX");
    assert_int_equal(seen.password.kind, USER_PASSWORD_NONE);
    /* "password" in quotes, UTF-16LE */
    import_password("unicodePwd:: IgBwAGEAcwBzAHcAbwByAGQAIgA=");
    assert_int_equal(seen.password.kind, USER_PASSWORD_NT_HASH);
    assert_memory_equal(seen.password.nt_hash, hash, 16);
    assert_int_equal(seen.problems, 0);
    import_password("ntHash: 8846");
    assert_int_equal(seen.problems, 1);
    assert_int_equal(seen.line, 1);
    import_password("unicodePwd: secret");
    assert_int_equal(seen.problems, 1);
}

static void each_bad_entry_is_told_with_its_line(void **state)
{
    (void)state;
    struct user_import_counts n =
        import("dn: cn=a\nuid: taken\nproxyAddresses: sip:a@example.com\n\n"
               "dn: cn=b\nuid: b\nproxyAddresses: sip:b@elsewhere.org\n\n"
               "dn: cn=c\nuid: c\nproxyAddresses: sip:c@example.com\n\n"
               "dn: cn=d\nuid:< file:///x\n\n"
               "dn: cn=e\nuid: e\nproxyAddresses: sip:e@example.com\n\n");

    /* the third is the last that is told */
    assert_string_equal(seen.names, "taken c ");
    assert_int_equal(n.problems, 3);
    assert_int_equal(seen.line, 14);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_export_of_active_directory_is_taken),
        cmocka_unit_test(an_address_stands_in_one_of_three_places),
        cmocka_unit_test(what_is_no_user_is_counted),
        cmocka_unit_test(passwords_are_taken_in_clear_or_as_nt_hash),
        cmocka_unit_test(each_bad_entry_is_told_with_its_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
