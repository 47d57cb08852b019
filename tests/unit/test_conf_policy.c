/* SPDX-License-Identifier: MIT */
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

static struct conf *parse(const char *text)
{
    struct buf why = { 0 };
    struct conf *c = conf_parse(str_from_c(text), "test.conf", &why);

    if (!c) {
        fail_msg("%.*s", STR_ARG(buf_str(&why)));
        abort(); /* not reached; for the analyser */
    }
    return c;
}

static void refused(const char *text, const char *want)
{
    struct buf why = { 0 };

    assert_null(conf_parse(str_from_c(text), "test.conf", &why));
    buf_add_char(&why, '\0');
    assert_string_equal(why.ptr, want);
    buf_fini(&why);
}

static void a_preset_sets_all_keys_wherever_it_stands(void **state)
{
    (void)state;
    struct conf *c = parse("[policy]\nlm_compatibility = 5\npreset = windows-2008r2\n");

    assert_int_equal(c->policy->base.min_server_sec, 0x20000000);
    assert_int_equal(c->policy->base.min_client_sec, 0x20000000);
    assert_int_equal(c->policy->base.lm_compatibility, 5);
    assert_string_equal(c->policy->preset, "custom");
    conf_free(c);
}

static void a_preset_keeps_its_name_while_no_key_differs(void **state)
{
    (void)state;
    struct conf *c = parse("[policy]\npreset = Windows-2003\nlm_compatibility = 2\n");
    assert_string_equal(c->policy->preset, "windows-2003");
    conf_free(c);
    c = parse("[policy]\nmode = audit\n");
    assert_string_equal(c->policy->preset, "custom");
    assert_int_equal(c->policy->base.mode, NTLM_POLICY_AUDIT);
    assert_int_equal(c->policy->base.min_server_sec, 0x20080000);
    conf_free(c);
}

static const char plant[] = "[policy \"plant floor\"]\n"
                            "users = sip:line-*@example.com, sip:press@example.com\n"
                            "networks = 192.0.2.0/24\n"
                            "until = 2028-02-29\n"
                            "ntlm_min_server_sec = none\n"
                            "lm_compatibility = 3\n"
                            "[policy]\n"
                            "min_sipae_version = 3\n"
                            "[policy \"second; with ] marks\"]\n"
                            "networks = ::1\n";

static void an_exception_inherits_what_it_does_not_name(void **state)
{
    (void)state;
    struct conf *c = parse(plant);
    const struct ntlm_policy_exception *x = &c->policy->exceptions[0];

    assert_int_equal(c->policy->exception_count, 2);
    assert_string_equal(x->name, "plant floor");
    assert_int_equal(x->user_count, 2);
    assert_string_equal(x->users[1], "sip:press@example.com");
    assert_int_equal(x->network_count, 1);
    assert_int_equal(x->until, 20280229);
    assert_int_equal(x->policy.min_server_sec, 0);
    assert_int_equal(x->policy.lm_compatibility, 3);
    assert_int_equal(x->policy.min_client_sec, 0x20080000);
    assert_int_equal(x->policy.min_sipae_version, 3); /* [policy] stands below it */
    assert_string_equal(c->policy->exceptions[1].name, "second; with ] marks");
    assert_int_equal(c->policy->exceptions[1].policy.lm_compatibility, 5);
    conf_free(c);
}

static void exceptions_are_checked(void **state)
{
    (void)state;
    refused("[policy \"x\"]\nmode = audit\n",
            "test.conf:1: [policy \"x\"]: an exception for everybody: name users or networks, or "
            "change [policy]\n");
    refused("[policy \"x\"]\nnetworks = ::1\nuntil = 2027-02-29\n",
            "test.conf:3: [policy \"x\"] until: '2027-02-29' is no day: give one such as "
            "2027-06-30\n");
    refused(
        "[policy \"x\"]\nusers = line\n",
        "test.conf:2: [policy \"x\"] users: 'line' is no pattern for SIP addresses: give one such "
        "as sip:line-*@example.com\n");
    refused("[policy \"x\"]\nnetworks = here\n",
            "test.conf:2: [policy \"x\"] networks: 'here' is no network: give one such as "
            "10.20.0.0/16\n");
    refused("[policy \"x\"]\nnetworks = ::1\n[policy \"x\"]\nnetworks = ::2\n",
            "test.conf:3: [policy \"x\"]: a second exception of this name: give it another\n");
    refused("[policy \"x\"]\nnetworks = ::1\nuntli = 2027-02-01\n",
            "test.conf:3: [policy \"x\"] untli: no such key: did you mean until?\n");
}

/* --- at run time --- */

static struct ntlm_policy_set *apply(const struct conf *c, const char *a, const char *b,
                                     struct buf *why)
{
    const char *words[] = { a, b };
    return conf_policy_apply(c->policy, words, b ? 2 : 1, why);
}

static void words_change_a_copy_and_exceptions_follow(void **state)
{
    (void)state;
    struct conf *c = parse(plant);
    struct buf why = { 0 };
    struct ntlm_policy_set *set = apply(c, "windows-2008", "mode = audit", &why);

    assert_non_null(set);
    assert_int_equal(set->base.min_server_sec, 0);
    assert_int_equal(set->base.mode, NTLM_POLICY_AUDIT);
    assert_string_equal(set->preset, "custom");
    assert_int_equal(set->exceptions[0].policy.mode, NTLM_POLICY_AUDIT);
    assert_int_equal(set->exceptions[0].policy.lm_compatibility, 3);
    assert_int_equal(set->exceptions[1].policy.min_server_sec, 0);
    assert_int_equal(c->policy->base.min_server_sec, 0x20080000);
    ntlm_policy_set_free(set);
    set = apply(c, "windows-2008r2", NULL, &why);
    assert_string_equal(set->preset, "windows-2008r2");
    ntlm_policy_set_free(set);
    assert_int_equal(why.len, 0);
    conf_free(c);
}

static void wrong_words_are_refused_with_a_reason(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        { "windows-2012", "preset: 'windows-2012' is not valid: expected one of windows-2003, "
                          "windows-2008, windows-2008r2, strict" },
        { "lm_compatibility=9",
          "lm_compatibility: '9' is not valid: expected a number from 0 to 5" },
        { "lm_compatability=3", "lm_compatability: no such key: did you mean lm_compatibility" },
        { "xyzzyxyzzy=3", "xyzzyxyzzy: no such key: see 'postern policy show'" },
        { "users=sip:a", "users: no such key: see 'postern policy show'" },
    };
    struct conf *c = conf_new();

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buf why = { 0 };
        assert_null(apply(c, "strict", cases[i][0], &why));
        buf_add_char(&why, '\0');
        assert_string_equal(why.ptr, cases[i][1]);
        buf_fini(&why);
    }
    conf_free(c);
}

static char folder[] = "/tmp/postern-state-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    char path[64];
    snprintf(path, sizeof(path), "%s/policy.conf", folder);
    unlink(path);
    return rmdir(folder);
}

static struct conf *parse_with_state(const char *text)
{
    struct buf b = { 0 };
    buf_printf(&b, "%s[general]\nstate = %s\n", text, folder);
    buf_add_char(&b, '\0');
    struct conf *c = parse(b.ptr);
    buf_fini(&b);
    return c;
}

static void what_was_set_survives_a_restart_and_exceptions_keep_what_they_name(void **state)
{
    (void)state;
    struct buf why = { 0 };
    struct conf *c = parse_with_state(plant);

    assert_true(conf_policy_override_load(c, &why)); /* nothing set yet */
    assert_string_equal(c->policy->preset, "custom");
    struct ntlm_policy_set *set = apply(c, "windows-2008", NULL, &why);
    assert_true(conf_policy_override_save(c, set, &why));
    ntlm_policy_set_free(set);
    conf_free(c);

    c = parse_with_state(plant);
    assert_true(conf_policy_override_load(c, &why));
    assert_string_equal(c->policy->preset, "windows-2008");
    assert_int_equal(c->policy->base.lm_compatibility, 3);
    assert_int_equal(c->policy->exceptions[0].policy.lm_compatibility, 3);
    assert_int_equal(c->policy->exceptions[0].policy.min_client_sec, 0);
    set = apply(c, "strict", "ntlm_offer=default -128-bit", &why);
    assert_true(conf_policy_override_save(c, set, &why));
    ntlm_policy_set_free(set);
    assert_true(conf_policy_override_load(c, &why));
    assert_string_equal(c->policy->preset, "custom");
    assert_int_equal(c->policy->base.offer, NTLM_DEFAULT_OFFER & ~0x20000000u);
    assert_int_equal(c->policy->exceptions[0].policy.lm_compatibility, 3); /* named it */
    assert_int_equal(c->policy->exceptions[1].policy.lm_compatibility, 5);
    assert_int_equal(why.len, 0);
    conf_free(c);
}

static void write_override(const char *text)
{
    char path[64];
    snprintf(path, sizeof(path), "%s/policy.conf", folder);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void an_override_that_cannot_be_used_leaves_the_policy_alone(void **state)
{
    (void)state;
    static const char *const texts[] = { "[policy]\nmode = x\n", "[front]\n", "[policy \"x\"]\n",
                                         "mode = audit\n" };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct buf why = { 0 };
        struct conf *c = parse_with_state(plant);
        struct ntlm_policy_set *before = c->policy;
        write_override(texts[i]);
        assert_false(conf_policy_override_load(c, &why));
        assert_true(str_starts(buf_str(&why), str_from_c(folder)));
        assert_ptr_equal(c->policy, before);
        buf_fini(&why);
        conf_free(c);
    }
}

static void a_state_directory_that_is_missing_is_told(void **state)
{
    (void)state;
    struct conf *c = parse("[general]\nstate = /nonexistent/x\n");
    struct buf why = { 0 };

    assert_true(conf_policy_override_load(c, &why));
    assert_false(conf_policy_override_save(c, c->policy, &why));
    buf_add_char(&why, '\0');
    assert_string_equal(why.ptr, "/nonexistent/x/policy.conf cannot be written: No such file or "
                                 "directory");
    buf_fini(&why);
    conf_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_preset_sets_all_keys_wherever_it_stands),
        cmocka_unit_test(a_preset_keeps_its_name_while_no_key_differs),
        cmocka_unit_test(an_exception_inherits_what_it_does_not_name),
        cmocka_unit_test(exceptions_are_checked),
        cmocka_unit_test(words_change_a_copy_and_exceptions_follow),
        cmocka_unit_test(wrong_words_are_refused_with_a_reason),
        cmocka_unit_test(what_was_set_survives_a_restart_and_exceptions_keep_what_they_name),
        cmocka_unit_test(an_override_that_cannot_be_used_leaves_the_policy_alone),
        cmocka_unit_test(a_state_directory_that_is_missing_is_told),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
