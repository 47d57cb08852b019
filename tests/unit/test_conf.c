/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "conf/conf.h"
#include "conf/conf_file.h"
#include "conf/conf_schema.h"

static struct conf *parse(const char *text)
{
    struct buf why = { 0 };
    struct conf *c = conf_parse(str_from_c(text), "test.conf", &why);

    if (!c) {
        fail_msg("%.*s", STR_ARG(buf_str(&why)));
        abort(); /* not reached; for the analyser */
    }
    assert_int_equal(why.len, 0);
    return c;
}

/* The text is refused with exactly these lines. */
static void refused(const char *text, const char *want)
{
    struct buf why = { 0 };

    assert_null(conf_parse(str_from_c(text), "test.conf", &why));
    buf_add_char(&why, '\0');
    assert_string_equal(why.ptr, want);
    buf_fini(&why);
}

/* --- defaults --- */

static void an_empty_file_is_all_defaults(void **state)
{
    (void)state;
    struct conf *read = parse(""), *fresh = conf_new();
    struct conf *both[] = { read, fresh };

    for (unsigned i = 0; i < 2; i++) {
        const struct conf *c = both[i];
        assert_string_equal(c->file, i ? "(defaults)" : "test.conf");
        assert_string_equal(c->domain, "");
        assert_int_equal(c->domain_count, 0);
        assert_string_not_equal(c->fqdn, "");
        assert_string_equal(c->realm, "SIP Communications Service");
        assert_string_equal(c->state, "/var/lib/postern");
        assert_string_equal(c->run, "/run/postern");
        assert_string_equal(c->database, "/var/lib/postern/users.db");
        assert_string_equal(c->key_path, "/var/lib/postern/users.key");
        assert_string_equal(c->admin_group, "postern-admin");
        assert_string_equal(c->user_front, "postern-front");
        assert_string_equal(c->source, "sqlite");
        assert_int_equal(c->tls_listen_count, 0);
        assert_int_equal(c->register_expires, 7200);
        assert_int_equal(c->keep_alive, 300);
        assert_int_equal(c->endpoints_per_user, 8);
        assert_int_equal(c->sa_life, 28800);
        assert_int_equal(c->lockout_threshold, 0);
        assert_int_equal(c->half_open_s, 60);
        assert_int_equal(c->authd_timeout_ms, 8000);
        assert_int_equal(c->message_max, 65536);
        assert_string_equal(c->policy->preset, "strict");
        assert_int_equal(c->policy->base.min_server_sec, 0x20080000);
        assert_int_equal(c->policy->base.lm_compatibility, 5);
        assert_null(c->trace.path);
        assert_int_equal(c->trace.max_size, 50 << 20);
        assert_false(c->trace.secrets);
        assert_int_equal(c->trace.level[TRACE_AUTHD], TL_INFO);
        assert_int_equal(c->trace.flags[TRACE_SIPSTACK], 0x1f);
    }
    conf_free(read);
    conf_free(fresh);
}

static void every_default_passes_as_a_value(void **state)
{
    (void)state;
    struct buf text = { 0 };
    const struct conf_key *k;
    const char *section = "";

    for (unsigned i = 0; (k = conf_key_at(i)) != NULL; i++) {
        if (strcmp(section, k->section) != 0)
            buf_printf(&text, "[%s]\n", k->section);
        section = k->section;
        if (k->preset)
            buf_printf(&text, "%s = %s\n", k->name, k->preset);
    }
    buf_add_char(&text, '\0');
    struct conf *c = parse(text.ptr);
    assert_string_equal(c->policy->preset, "strict");
    conf_free(c);
    buf_fini(&text);
}

/* --- Active Directory --- */

static void active_directory_has_its_settings(void **state)
{
    (void)state;
    struct conf *c = parse("[directory]\nsource = ad\nad_domain = ad.example.com\n"
                           "ad_servers = ldap://dc1.ad.example.com, ldap://dc2:3268/\n"
                           "ad_keytab = /etc/postern/ldap.keytab\nad_user = ldapread\n"
                           "address_attribute = proxyAddresses\nenabled_attribute =\n"
                           "enabled_group = CN=Chat, \"R&D\",OU=Groups,DC=ad,DC=example,DC=com\n");

    assert_int_equal(c->ad.server_count, 2);
    assert_string_equal(c->ad.servers[1], "ldap://dc2:3268/");
    assert_string_equal(c->ad.bind, "gssapi");
    assert_int_equal(c->ad.timeout_ms, 5000);
    assert_int_equal(c->ad.children, 4);
    assert_int_equal(c->ad.cache, 20000);
    assert_int_equal(c->ad.cache_s, 600);
    assert_int_equal(c->ad.negative_s, 30);
    assert_int_equal(c->ad.poll_s, 10);
    assert_string_equal(c->ad.address_attribute, "proxyAddresses");
    assert_string_equal(c->ad.enabled_attribute, "");
    assert_string_equal(c->ad.remote_attribute, "msRTCSIP-InternetAccessEnabled");
    assert_string_equal(c->ad.enabled_group, "CN=Chat, \"R&D\",OU=Groups,DC=ad,DC=example,DC=com");
    conf_free(c);
}

static void a_windows_account_has_a_backslash(void **state)
{
    (void)state;
    struct conf *c = parse("[directory]\nad_user = EXAMPLE\\ldapread\n");

    assert_string_equal(c->ad.user, "EXAMPLE\\ldapread");
    conf_free(c);
}

static void active_directory_needs_a_domain_and_a_way_in(void **state)
{
    (void)state;
    refused(
        "[directory]\nsource = ad\n",
        "test.conf:2: [directory] ad_domain: missing: name the Active Directory domain, such as "
        "ad.example.com\n"
        "test.conf:2: [directory] ad_keytab: missing: ad_bind = gssapi needs the keys of "
        "ad_user\n");
    refused("[directory]\nsource = ad\nad_domain = ad.example.com\nad_bind = simple\n"
            "ad_servers = ldaps://dc1\n",
            "test.conf:4: [directory] ad_user: missing: ad_bind = simple needs an account\n"
            "test.conf:4: [directory] ad_password_file: missing: ad_bind = simple needs the file "
            "with the password\n");
    refused("[directory]\nsource = ad\nad_domain = ad.example.com\nad_keytab = /k\n"
            "ad_servers = ldap://dc1, ldaps://dc2\n",
            "test.conf:5: [directory] ad_servers: domain controllers take no gssapi inside TLS: "
            "write ldap:// (it is signed and sealed), or set ad_bind = simple\n");
}

static void servers_and_attributes_are_checked(void **state)
{
    (void)state;
    refused("[directory]\nad_servers = dc1.example.com\n",
            "test.conf:2: [directory] ad_servers: 'dc1.example.com' is no LDAP server: give one "
            "such as ldap://dc1.ad.example.com\n");
    refused("[directory]\nad_servers = ldap://dc1:99999\n",
            "test.conf:2: [directory] ad_servers: 'ldap://dc1:99999' is no LDAP server: give one "
            "such as ldap://dc1.ad.example.com\n");
    refused(
        "[directory]\naddress_attribute = mail)(x\n",
        "test.conf:2: [directory] address_attribute: 'mail)(x' is no name of an attribute: give "
        "letters, digits and - such as proxyAddresses\n");
}

/* --- the example --- */

static struct str file_text(const char *path, struct buf *out)
{
    if (!conf_file_read(path, out))
        fail_msg("%s cannot be read", path);
    return buf_str(out);
}

#define EXAMPLE POSTERN_SOURCE_ROOT "/conf/postern.conf"

static void the_example_is_loaded(void **state)
{
    (void)state;
    struct buf why = { 0 };
    struct conf *c = conf_load(EXAMPLE, &why);

    if (!c) {
        fail_msg("%.*s", STR_ARG(buf_str(&why)));
        abort(); /* not reached; for the analyser */
    }
    assert_string_equal(c->domain, "example.com");
    assert_string_equal(c->fqdn, "fe01.example.com");
    assert_string_equal(c->netbios_domain, "EXAMPLE");
    assert_int_equal(c->tls_listen_count, 1);
    assert_string_equal(c->tls_listen[0], "0.0.0.0:5061");
    assert_string_equal(c->trace.path, "/var/log/postern/front.log");
    assert_string_equal(c->policy->preset, "strict");
    assert_int_equal(c->policy->exception_count, 0);
    conf_free(c);
}

/* ";key = value" in the example shows the default; derived ones are checked by their value. */
static void what_the_example_comments_out_is_the_default(void **state)
{
    (void)state;
    struct buf b = { 0 };
    struct str rest = file_text(EXAMPLE, &b), section = STR_NONE;
    unsigned shown = 0;

    while (rest.len > 0) {
        struct str line = str_take_until(&rest, '\n');
        if (line.len && line.ptr[0] == '[')
            section = str_of(line.ptr + 1, str_find_char(line, ']') - 1);
        if (str_starts(line, STR(";[policy \"")))
            section = STR("exception");
        if (line.len < 2 || line.ptr[0] != ';' || line.ptr[1] == ' ' || line.ptr[1] == '[' ||
            str_eq(section, STR("exception")))
            continue;
        line = str_skip(line, 1);
        struct str name = str_trim(str_take_until(&line, '='));
        const struct conf_key *k = conf_key_find(section, name, false);
        if (!k) {
            fail_msg("the example has a key nobody knows: %.*s", STR_ARG(name));
            abort();
        }
        if (k->preset)
            assert_true(str_eq(str_trim(line), str_from_c(k->preset)));
        shown++;
    }
    assert_true(shown > 35);
    buf_fini(&b);
}

static void the_example_shows_every_key_but_the_trace_of_one_component(void **state)
{
    (void)state;
    struct buf b = { 0 };
    struct str text = file_text(EXAMPLE, &b);
    const struct conf_key *k;

    for (unsigned i = 0; (k = conf_key_at(i)) != NULL; i++) {
        char active[64], commented[64];
        snprintf(active, sizeof(active), "\n%s =", k->name);
        snprintf(commented, sizeof(commented), "\n;%s =", k->name);
        bool one = (k->type == CONF_LEVEL || k->type == CONF_FLAGS) && k->at != CONF_ALL;
        if (!one && str_find(text, str_from_c(active)) == SIZE_MAX &&
            str_find(text, str_from_c(commented)) == SIZE_MAX)
            fail_msg("[%s] %s is not in the example", k->section, k->name);
    }
    buf_fini(&b);
}

/* --- values --- */

static void every_kind_of_value_is_read(void **state)
{
    (void)state;
    struct conf *c = parse("[general]\n"
                           "  domain = example.com , example.net\n"
                           "fqdn: fe02.example.com ; the second\n"
                           "state = /srv/p\n"
                           "[front]\n"
                           "tls_listen = 192.0.2.1:5061, [::1]:0\n"
                           "cert_file = /nonexistent/c.pem\n"
                           "key_file = /nonexistent/k.pem\n"
                           "legacy_networks = 10.0.0.0/8, fd00::/8\n"
                           "register_expires = 1h\n"
                           "[limits]\n"
                           "message_max = 32k\n"
                           "authd_timeout = 1500ms\n"
                           "[trace]\n"
                           "path = /var/log/x\n"
                           "max_size = 1G # each\n"
                           "secrets = yes\n"
                           "authd_level = error\n"
                           "level = warn\n"
                           "flags = security, TF_DIAG\n");
    assert_int_equal(c->domain_count, 2);
    assert_string_equal(c->domain, "example.com");
    assert_string_equal(c->domains[1], "example.net");
    assert_string_equal(c->netbios_domain, "EXAMPLE");
    assert_string_equal(c->fqdn, "fe02.example.com");
    assert_string_equal(c->database, "/srv/p/users.db");
    assert_int_equal(c->tls_listen_count, 2);
    assert_string_equal(c->tls_listen[1], "[::1]:0");
    assert_int_equal(c->legacy_network_count, 2);
    assert_int_equal(c->legacy_networks[0].bits, 8);
    assert_int_equal(c->legacy_networks[1].len, 16);
    assert_int_equal(c->register_expires, 3600);
    assert_int_equal(c->message_max, 32768);
    assert_int_equal(c->authd_timeout_ms, 1500);
    assert_int_equal(c->trace.max_size, 1ull << 30);
    assert_true(c->trace.secrets);
    assert_string_equal(c->trace.path, "/var/log/x");
    assert_int_equal(c->trace.level[TRACE_AUTHD], TL_ERROR);
    assert_int_equal(c->trace.level[TRACE_SIPSTACK], TL_WARN);
    assert_int_equal(c->trace.flags[TRACE_USERSERVICES], TF_SECURITY | TF_DIAG);
    conf_free(c);
}

static void line_ends_of_windows_and_a_byte_order_mark_do_no_harm(void **state)
{
    (void)state;
    struct conf *c = parse("\xEF\xBB\xBF[general]\r\ndomain = example.com\r\n");
    assert_string_equal(c->domain, "example.com");
    conf_free(c);
}

/* --- errors --- */

static void each_wrong_value_says_what_would_be_right(void **state)
{
    (void)state;
    static const struct {
        const char *section, *line, *says;
    } cases[] = {
        { "general", "domain = exa mple",
          "'exa mple' is no domain name: give one such as example.com" },
        { "general", "domain = a.com,", "'' is no domain name: give one such as example.com" },
        { "general", "fqdn = -x", "'-x' is no host name: give one such as fe01.example.com" },
        { "general", "realm = a\"b",
          "'a\"b' has a character that cannot stand here: leave out quotes, backslashes and "
          "control "
          "characters" },
        { "general", "workers = many", "'many' is no such number: give a plain number" },
        { "general", "workers = 1000", "'1000' is out of range: give 0 to 256" },
        { "general", "user_front = a b", "'a b' is no account name: give a local user or group" },
        { "front", "tls_listen = 5061",
          "'5061' is no IP address with a port: give one such as 0.0.0.0:5061 or [::]:5061" },
        { "front", "tls_listen = 0.0.0.0:70000",
          "'0.0.0.0:70000' is no IP address with a port: give one such as 0.0.0.0:5061 or "
          "[::]:5061" },
        { "front", "legacy_networks = 10.0.0.0/33",
          "'10.0.0.0/33' is no network: give one such as 10.0.0.0/8 or fd00::/8" },
        { "front", "register_expires = 2 weeks",
          "'2 weeks' is no such number: give seconds, or a number with s, m, h or d" },
        { "front", "register_expires = 10s", "'10s' is out of range: give 1m to 1d" },
        { "directory", "source = ldap", "'ldap' is not known here: give one of sqlite|ad" },
        { "directory", "netbios_domain = A.B",
          "'A.B' is no NetBIOS domain name: give 1 to 15 letters, digits or - such as EXAMPLE" },
        { "policy", "lm_compatibility = 6", "'6' is not valid: expected a number from 0 to 5" },
        { "policy", "mode = off", "'off' is not valid: expected 'enforce' or 'audit'" },
        { "trace", "secrets = perhaps", "'perhaps' is neither yes nor no: give yes or no" },
        { "trace", "level = loud",
          "'loud' is no level: give off, fatal, error, warn, info, verbose or noise" },
        { "trace", "flags = network",
          "'network' is no trace flag: give a list of component, protocol, connection, security, "
          "diag, or all or none" },
        { "trace", "max_size = 99999999999999999999",
          "'99999999999999999999' is no such number: give bytes, or a number with K, M or G" },
        { "trace", "max_size = 9999999999T",
          "'9999999999T' is no such number: give bytes, or a number with K, M or G" },
        { "limits", "authd_timeout = 5", "'5' is no such number: give a number with ms or s" },
        { "limits", "message_max = 1K", "'1K' is out of range: give 2K to 16M" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[200], want[400];
        struct str rest = str_from_c(cases[i].line);
        struct str key = str_trim(str_take_until(&rest, '='));
        snprintf(text, sizeof(text), "[%s]\n%s\n", cases[i].section, cases[i].line);
        snprintf(want, sizeof(want), "test.conf:2: [%s] %.*s: %s\n", cases[i].section, STR_ARG(key),
                 cases[i].says);
        refused(text, want);
    }
}

static void unknown_names_are_errors_and_the_nearest_is_suggested(void **state)
{
    (void)state;
    refused("[generl]\ndomain = x\n",
            "test.conf:1: [generl]: no such section: did you mean [general]?\n");
    refused("[xyzzyxyzzy]\n", "test.conf:1: [xyzzyxyzzy]: no such section: 'postern serve "
                              "--explain-config' lists all\n");
    refused("\n\n[limits]\nmessages_max = 1\n",
            "test.conf:4: [limits] messages_max: no such key: did you mean message_max?\n");
    refused("[limits]\nxyzzyxyzzy = 1\n", "test.conf:2: [limits] xyzzyxyzzy: no such key: 'postern "
                                          "serve --explain-config' lists all\n");
    refused(
        "[policy]\nusers = sip:a@b\n",
        "test.conf:2: [policy] users: no such key: 'postern serve --explain-config' lists all\n");
    refused("[front \"a\"]\n",
            "test.conf:1: [front \"a\"]: this section takes no name: write [front]\n");
}

static void what_is_no_ini_is_an_error(void **state)
{
    (void)state;
    refused("domain = x\n",
            "test.conf:1: a key before the first section: put [general] above it\n");
    refused("[general]\ndomain\n",
            "test.conf:2: neither a heading nor KEY = VALUE: put a ';' before comments\n");
    refused(
        "[general\ndomain = x\n",
        "test.conf:1: not a section heading: write [general], or [policy \"NAME\"] with a name of "
        "at most 64 characters\n");
    refused("[general]\nrealm = \x01\n",
            "test.conf:2: the line has a control character: write plain text\n");
}

static void a_key_set_twice_is_an_error(void **state)
{
    (void)state;
    refused("[general]\nworkers = 1\n[front]\n[general]\nworkers = 2\n",
            "test.conf:5: [general] workers: already set in line 2: keep one of the two\n");
    refused("[policy]\nmode = audit\nmode = enforce\n",
            "test.conf:3: [policy] mode: already set in line 2: keep one of the two\n");
    refused("[policy]\nmode = audit\n[front]\n[policy]\n",
            "test.conf:4: [policy]: already begun in line 1: keep one of the two\n");
}

static void all_problems_are_told_not_only_the_first(void **state)
{
    (void)state;
    refused("[general]\nworkers = x\n[limits]\nhuh = 1\n[policy]\nmode = x\n",
            "test.conf:2: [general] workers: 'x' is no such number: give a plain number\n"
            "test.conf:4: [limits] huh: no such key: 'postern serve --explain-config' lists all\n"
            "test.conf:6: [policy] mode: 'x' is not valid: expected 'enforce' or 'audit'\n");
}

static void what_belongs_together_is_asked_for_together(void **state)
{
    (void)state;
    refused(
        "[front]\ntls_listen = 0.0.0.0:5061\n",
        "test.conf: [general] domain: missing: name the SIP domain served, such as example.com\n"
        "test.conf: [front] cert_file: missing: tls_listen needs a certificate and key_file\n");
    refused("[front]\nrsa_cert_file = /c\n",
            "test.conf: [front] rsa_key_file: missing: name the private key of the certificate\n");
    refused("[front]\nkey_file = /nonexistent/k\n",
            "test.conf: [front] cert_file: missing: name the certificate of the private key\n");
    refused("[limits]\nmessage_max = 1M\n",
            "test.conf: [limits] message_memory: too small: give at least twice message_max\n");
}

static void a_reserve_leaves_outside_something_of_the_lockout_threshold(void **state)
{
    (void)state;
    static const struct {
        const char *threshold;
        unsigned reserve;
    } cases[] = {
        { "0", 3 }, { "1", 1 }, { "2", 1 }, { "3", 1 }, { "4", 2 }, { "5", 3 }, { "9", 3 }
    };

    refused("[budget]\nreserve = 5\n[directory]\nlockout_threshold = 5\n",
            "test.conf: [budget] reserve: 5 leaves nothing of [directory] lockout_threshold = 5 to "
            "outside: give less than that\n");
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf text = { 0 }, why = { 0 };

        buf_printf(&text, "[directory]\nlockout_threshold = %s\n", cases[i].threshold);
        struct conf *c = conf_parse(buf_str(&text), "test.conf", &why);
        assert_non_null(c);
        assert_int_equal(c->budget.reserve, cases[i].reserve);
        conf_free(c);
        buf_fini(&text);
        buf_fini(&why);
    }
}

static void a_secret_that_others_can_read_is_refused(void **state)
{
    (void)state;
    char path[] = "/tmp/postern-key-XXXXXX", text[200], want[300];
    int fd = mkstemp(path);

    close(fd);
    snprintf(text, sizeof(text), "[front]\ncert_file = /c\nkey_file = %s\n", path);
    chmod(path, 0640);
    conf_free(parse(text));
    chmod(path, 0644);
    snprintf(want, sizeof(want),
             "test.conf:3: [front] key_file: '%s' can be read by every user of this machine: run "
             "'chmod o= %s'\ntest.conf: ",
             path, path);
    struct buf why = { 0 };
    assert_null(conf_parse(str_from_c(text), "test.conf", &why));
    assert_memory_equal(why.ptr, want, strlen(want) - strlen("test.conf: "));
    buf_fini(&why);
    unlink(path);
}

static void a_missing_file_is_told_by_name(void **state)
{
    (void)state;
    struct buf why = { 0 };

    assert_null(conf_load("/nonexistent/postern.conf", &why));
    buf_add_char(&why, '\0');
    assert_string_equal(why.ptr,
                        "/nonexistent/postern.conf: cannot be read: No such file or directory\n");
    buf_fini(&why);
}

static void monstrous_files_are_survived(void **state)
{
    (void)state;
    struct buf text = { 0 }, why = { 0 };

    buf_add_c(&text, "[general]\nrealm = ");
    for (unsigned i = 0; i < 10000; i++)
        buf_add_char(&text, 'x');
    buf_add_c(&text, "\n\0 = 1\n[policy \"");
    for (unsigned i = 0; i < 100; i++)
        buf_add_char(&text, 'x');
    buf_add_c(&text, "\"]\n");
    for (unsigned i = 0; i < 3000; i++)
        buf_printf(&text, "[policy \"%u\"]\nnetworks = ::/0\n", i);
    assert_null(conf_parse(buf_str(&text), "test.conf", &why));
    assert_true(str_find(buf_str(&why), STR("test.conf:2: the line is too long")) != SIZE_MAX);
    assert_true(str_find(buf_str(&why), STR("too many exceptions: 64 are the most")) != SIZE_MAX);
    assert_true(why.len < 1000);
    buf_clear(&why);
    while (text.len <= CONF_TEXT_MAX)
        buf_add_c(&text, ";;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;\n");
    assert_null(conf_parse(buf_str(&text), "test.conf", &why));
    assert_true(str_find(buf_str(&why), STR("test.conf: too large: 1 MB is the most")) == 0);
    buf_fini(&text);
    buf_fini(&why);
}

/* --- explaining --- */

static void the_explanation_is_itself_a_configuration(void **state)
{
    (void)state;
    struct buf text = { 0 };
    const struct conf_key *k;

    conf_explain(&text, false);
    for (unsigned i = 0; (k = conf_key_at(i)) != NULL; i++) {
        char line[64];
        snprintf(line, sizeof(line), "\n;%s =", k->name);
        assert_true(str_find(buf_str(&text), str_from_c(line)) != SIZE_MAX);
    }
    buf_add_char(&text, '\0');
    conf_free(parse(text.ptr));
    buf_fini(&text);
}

/* POSTERN_UPDATE=1 writes it anew. */
static void the_man_page_is_what_the_schema_says(void **state)
{
    (void)state;
    static const char page[] = POSTERN_SOURCE_ROOT "/doc/man/postern.conf.5";
    struct buf made = { 0 }, kept = { 0 };

    conf_explain(&made, true);
    if (getenv("POSTERN_UPDATE")) {
        FILE *f = fopen(page, "w");
        assert_non_null(f);
        fwrite(made.ptr, 1, made.len, f);
        fclose(f);
    }
    file_text(page, &kept);
    if (!str_eq(buf_str(&made), buf_str(&kept)))
        fail_msg("%s is not what conf_explain says: run this test with POSTERN_UPDATE=1", page);
    buf_fini(&made);
    buf_fini(&kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_file_is_all_defaults),
        cmocka_unit_test(active_directory_has_its_settings),
        cmocka_unit_test(a_windows_account_has_a_backslash),
        cmocka_unit_test(active_directory_needs_a_domain_and_a_way_in),
        cmocka_unit_test(servers_and_attributes_are_checked),
        cmocka_unit_test(every_default_passes_as_a_value),
        cmocka_unit_test(the_example_is_loaded),
        cmocka_unit_test(what_the_example_comments_out_is_the_default),
        cmocka_unit_test(the_example_shows_every_key_but_the_trace_of_one_component),
        cmocka_unit_test(every_kind_of_value_is_read),
        cmocka_unit_test(line_ends_of_windows_and_a_byte_order_mark_do_no_harm),
        cmocka_unit_test(each_wrong_value_says_what_would_be_right),
        cmocka_unit_test(unknown_names_are_errors_and_the_nearest_is_suggested),
        cmocka_unit_test(what_is_no_ini_is_an_error),
        cmocka_unit_test(a_key_set_twice_is_an_error),
        cmocka_unit_test(all_problems_are_told_not_only_the_first),
        cmocka_unit_test(what_belongs_together_is_asked_for_together),
        cmocka_unit_test(a_reserve_leaves_outside_something_of_the_lockout_threshold),
        cmocka_unit_test(a_secret_that_others_can_read_is_refused),
        cmocka_unit_test(a_missing_file_is_told_by_name),
        cmocka_unit_test(monstrous_files_are_survived),
        cmocka_unit_test(the_explanation_is_itself_a_configuration),
        cmocka_unit_test(the_man_page_is_what_the_schema_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
