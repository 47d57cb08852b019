/* SPDX-License-Identifier: MIT */
#include "users/ldif.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/compiler.h"

static struct arena arena;
static struct ldif reader;
static struct ldif_record record;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 512, 1 << 16);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_fini(&arena);
    return 0;
}

static void read_text(const char *text)
{
    reader = (struct ldif){ .rest = str_from_c(text) };
}

static bool next(void)
{
    return ldif_next(&reader, &arena, &record);
}

static void assert_str(struct str s, const char *wanted)
{
    assert_int_equal(s.len, strlen(wanted));
    assert_memory_equal(s.ptr, wanted, s.len);
}

static void assert_attribute(unsigned at, const char *name, const char *value)
{
    assert_true(at < record.count);
    assert_str(record.attributes[at].name, name);
    assert_str(record.attributes[at].value, value);
}

static void assert_end(void)
{
    assert_false(next());
    assert_null(reader.problem);
}

/* RFC 2849, example 1, 2 and 3, shortened. */
static void the_examples_of_the_rfc_are_read(void **state)
{
    (void)state;
    read_text("version: 1\n"
              "dn: cn=Barbara Jensen, ou=Product Development, dc=airius, dc=com\n"
              "objectclass: top\n"
              "objectclass: person\n"
              "cn: Barbara Jensen\n"
              "sn: Jensen\n"
              "telephonenumber: +1 408 555 1212\n"
              "description: A big sailing fan.\n"
              "\n"
              "dn:cn=Gern Jensen, ou=Product Testing, dc=airius, dc=com\n"
              "description:Babs is a big sailing fan, and travels extensively in sea\n"
              " rch of perfect sailing conditions.\n"
              "title:: UHJvZHVjdCBNYW5hZ2VyLCBSb2QgYW5kIFJlZWwg\n"
              " RGl2aXNpb24=\n");
    assert_true(next());
    assert_str(record.dn, "cn=Barbara Jensen, ou=Product Development, dc=airius, dc=com");
    assert_int_equal(record.line, 2);
    assert_int_equal(record.count, 6);
    assert_attribute(1, "objectclass", "person");
    assert_attribute(5, "description", "A big sailing fan.");
    assert_true(next());
    assert_int_equal(record.line, 10);
    assert_attribute(
        0, "description",
        "Babs is a big sailing fan, and travels extensively in search of perfect sailing "
        "conditions.");
    assert_attribute(1, "title", "Product Manager, Rod and Reel Division");
    assert_end();
}

static void line_ends_of_windows_and_a_byte_order_mark_are_read(void **state)
{
    (void)state;
    read_text("\xEF\xBB\xBF# exported\r\n with a long remark\r\n\r\ndn: CN=a\r\n"
              "changetype: add\r\ncn: one\r\n  two\r\n# in between\r\nsn:\r\n\r\n\r\ndn: CN=b\r\n");
    assert_true(next());
    assert_str(record.dn, "CN=a");
    assert_int_equal(record.line, 4);
    assert_int_equal(record.count, 2);
    assert_attribute(0, "cn", "one two");
    assert_attribute(1, "sn", "");
    assert_true(next());
    assert_str(record.dn, "CN=b");
    assert_int_equal(record.count, 0);
    assert_end();
}

static void a_name_in_base64_and_options_are_kept(void **state)
{
    (void)state;
    read_text("DN:: Y249asO8cmdlbg==\ncn;lang-de: j\njpegPhoto:: AAEC\n");
    assert_true(next());
    assert_str(record.dn, "cn=j\xC3\xBCrgen");
    assert_attribute(0, "cn;lang-de", "j");
    assert_int_equal(record.attributes[1].value.len, 3);
    assert_memory_equal(record.attributes[1].value.ptr, "\0\1\2", 3);
    assert_end();
}

static void what_ldapsearch_adds_is_skipped(void **state)
{
    (void)state;
    read_text("# extended LDIF\n#\n# LDAPv3\n\n# a, example\ndn: cn=a\ncn: a\n\n"
              "# search reference\nref: ldap://x/\n\n# search result\nsearch: 2\n"
              "result: 0 Success\n\n# numResponses: 2\n");
    assert_true(next());
    assert_str(record.dn, "cn=a");
    assert_end();
}

static void each_damaged_record_is_told_and_the_next_one_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned line;
    } bad[] = {
        { "version: 2\n\n", 1 },
        { "cn: a\n\n", 1 },
        { "dn: cn=a\ncn\n\n", 2 },
        { "dn: cn=a\n: a\n\n", 2 },
        { " dn: cn=a\n\n", 1 },
        { "dn: cn=a\ncn:: a b\n\n", 2 },
        { "dn: cn=a\ncn: a\njpegPhoto:< file:///etc/shadow\n\n", 3 },
        { "dn: cn=a\nchangetype: modify\nreplace: cn\ncn: b\n-\n\n", 2 },
        { "dn: cn=a\nchangetype: delete\n\n", 2 },
        { "dn: cn=a\ncontrol: 1.2.3 true\nchangetype: add\n\n", 2 },
        { "dn: cn=a\ncn: a\ndn: cn=b\n\n", 3 },
    };

    for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
        struct buf text = { 0 };
        buf_add_c(&text, bad[i].text);
        buf_add(&text, STR("dn: cn=good\n\0"));
        read_text(text.ptr);
        assert_false(next());
        assert_non_null(reader.problem);
        assert_int_equal(reader.line, bad[i].line);
        assert_true(next());
        assert_str(record.dn, "cn=good");
        assert_end();
        buf_fini(&text);
    }
}

static void a_record_of_any_size_is_refused_in_time(void **state)
{
    (void)state;
    struct buf text = { 0 };

    buf_add_c(&text, "dn: cn=a\n");
    for (unsigned i = 0; i < 5000; i++)
        buf_add_c(&text, "member: cn=somebody\n");
    buf_add_c(&text, "\ndn: cn=b\ncn: ");
    for (unsigned i = 0; i < 5000; i++)
        buf_add_c(&text, "and so on\n ");
    buf_add(&text, STR("\n\ndn: cn=c\n\0"));
    read_text(text.ptr);
    for (unsigned i = 0; i < 2; i++) {
        assert_false(next());
        assert_non_null(strstr(reader.problem, "too large"));
        arena_reset(&arena);
    }
    assert_true(next());
    assert_str(record.dn, "cn=c");
    buf_fini(&text);
}

static void ldif_is_known_by_how_it_begins(void **state)
{
    (void)state;
    assert_true(ldif_looks_like(STR("\xEF\xBB\xBF\r\n# x\r\n y\r\nVersion: 1\r\n")));
    assert_true(ldif_looks_like(STR("dn:: YQ==\n")));
    assert_false(ldif_looks_like(STR("name,uri,password\n")));
    assert_false(ldif_looks_like(STR("# dn: a\n")));
    assert_false(ldif_looks_like(STR_NONE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_examples_of_the_rfc_are_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(line_ends_of_windows_and_a_byte_order_mark_are_read, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_name_in_base64_and_options_are_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_ldapsearch_adds_is_skipped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_damaged_record_is_told_and_the_next_one_read, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_record_of_any_size_is_refused_in_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ldif_is_known_by_how_it_begins, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
