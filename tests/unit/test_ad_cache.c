/* SPDX-License-Identifier: MIT */
#include "ad/cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static struct ad_cache *cache;
static struct ad_account got;

static int setup(void **state)
{
    (void)state;
    cache = ad_cache_new(5); /* four accounts, and one name that nobody has */
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ad_cache_free(cache);
    return 0;
}

static struct ad_key key(enum ad_by by, const char *value)
{
    struct ad_key k;

    assert_true(ad_key_of(by, str_from_c(value), &k));
    return k;
}

static enum ad_cached get_at(enum ad_by by, const char *value, uint64_t now)
{
    struct ad_key k = key(by, value);

    return ad_cache_get(cache, &k, "EXAMPLE", now, &got);
}

static enum ad_cached get(enum ad_by by, const char *value)
{
    return get_at(by, value, 0);
}

/* Its UPN is NAME@x, its address sip:NAME@x, its SID the name. */
static struct ad_account named(const char *name)
{
    struct ad_account a = { .user = { .flags = 5, .expires = 99 } };

    snprintf(a.user.name, sizeof(a.user.name), "%s", name);
    snprintf(a.user.upn, sizeof(a.user.upn), "%s@x", name);
    snprintf(a.user.uri, sizeof(a.user.uri), "sip:%s@x", name);
    snprintf(a.user.display, sizeof(a.user.display), "The %s", name);
    a.sid_len = (uint8_t)strlen(name);
    memcpy(a.sid, name, a.sid_len);
    return a;
}

static void put(const char *name)
{
    struct ad_key k = key(AD_BY_NAME, name);
    struct ad_account a = named(name);

    ad_cache_put(cache, &k, &a, 100);
}

static void an_account_is_found_by_all_its_keys(void **state)
{
    (void)state;
    put("Ada");
    assert_int_equal(get(AD_BY_NAME, "aDA"), AD_CACHE_FOUND);
    assert_int_equal(get(AD_BY_UPN, "ada@X"), AD_CACHE_FOUND);
    assert_int_equal(get(AD_BY_ADDRESS, "SIP:ADA@x"), AD_CACHE_FOUND);
    assert_int_equal(get(AD_BY_SID, "Ada"), AD_CACHE_FOUND);
    assert_string_equal(got.user.name, "Ada");
    assert_string_equal(got.user.domain, "EXAMPLE");
    assert_string_equal(got.user.upn, "Ada@x");
    assert_string_equal(got.user.uri, "sip:Ada@x");
    assert_string_equal(got.user.display, "The Ada");
    assert_int_equal(got.user.flags, 5);
    assert_int_equal(got.user.expires, 99);
    assert_int_equal(got.sid_len, 3);
    assert_int_equal(get(AD_BY_NAME, "grace"), AD_CACHE_UNKNOWN);
    assert_int_equal(ad_cache_count(cache), 1);
}

static void what_was_asked_for_finds_it_too(void **state)
{
    (void)state;
    struct ad_key other = key(AD_BY_ADDRESS, "sip:old@x");
    struct ad_account a = named("ada");

    ad_cache_put(cache, &other, &a, 100);
    assert_int_equal(get(AD_BY_ADDRESS, "sip:old@x"), AD_CACHE_FOUND);
    assert_string_equal(got.user.uri, "sip:ada@x");
}

static void nobody_is_remembered_until_somebody_comes(void **state)
{
    (void)state;
    struct ad_key k = key(AD_BY_ADDRESS, "sip:ada@x");

    ad_cache_put(cache, &k, NULL, 100);
    assert_int_equal(get(AD_BY_ADDRESS, "sip:ada@x"), AD_CACHE_NOBODY);
    put("ada");
    assert_int_equal(get(AD_BY_ADDRESS, "sip:ada@x"), AD_CACHE_FOUND);
    assert_int_equal(ad_cache_count(cache), 1);
}

static void entries_end_with_their_time(void **state)
{
    (void)state;
    put("ada");
    assert_int_equal(get_at(AD_BY_NAME, "ada", 99), AD_CACHE_FOUND);
    assert_int_equal(get_at(AD_BY_NAME, "ada", 100), AD_CACHE_UNKNOWN);
    assert_int_equal(ad_cache_count(cache), 0);
}

static void a_newer_account_takes_the_place_of_the_older(void **state)
{
    (void)state;
    put("ada");
    struct ad_key k = key(AD_BY_SID, "ada");
    struct ad_account a = named("lovelace");
    memcpy(a.sid, "ada", a.sid_len = 3); /* renamed */
    ad_cache_put(cache, &k, &a, 100);
    assert_int_equal(get(AD_BY_NAME, "ada"), AD_CACHE_UNKNOWN);
    assert_int_equal(get(AD_BY_ADDRESS, "sip:ada@x"), AD_CACHE_UNKNOWN);
    assert_int_equal(get(AD_BY_SID, "ada"), AD_CACHE_FOUND);
    assert_string_equal(got.user.name, "lovelace");
    assert_int_equal(ad_cache_count(cache), 1);
}

static void owners_of_one_address_are_remembered_beside_each_other(void **state)
{
    (void)state;
    put("ada");
    struct ad_key k = key(AD_BY_NAME, "grace");
    struct ad_account a = named("grace");
    strcpy(a.user.uri, "sip:ada@x");
    a.shared = true;
    ad_cache_put(cache, &k, &a, 100);
    assert_int_equal(get(AD_BY_NAME, "ada"), AD_CACHE_FOUND);
    assert_int_equal(get(AD_BY_NAME, "grace"), AD_CACHE_FOUND);
    assert_int_equal(get(AD_BY_ADDRESS, "sip:ada@x"), AD_CACHE_FOUND);
    assert_true(got.shared);
    k = key(AD_BY_NAME, "linus");
    a = named("linus");
    a.shared = true;
    ad_cache_put(cache, &k, &a, 100);
    /* one of the owners gives it up: the other must be looked at anew */
    ad_cache_drop(cache, &(struct ad_change){ .name = STR("linus") });
    assert_int_equal(get(AD_BY_NAME, "grace"), AD_CACHE_UNKNOWN);
    assert_int_equal(get(AD_BY_NAME, "ada"), AD_CACHE_FOUND);
}

static void what_was_longest_unused_goes_first(void **state)
{
    (void)state;
    put("a");
    put("b");
    put("c");
    put("d");
    assert_int_equal(get(AD_BY_NAME, "a"), AD_CACHE_FOUND);
    put("e");
    assert_int_equal(ad_cache_count(cache), 4);
    assert_int_equal(get(AD_BY_NAME, "b"), AD_CACHE_UNKNOWN);
    assert_int_equal(get(AD_BY_NAME, "a"), AD_CACHE_FOUND);
    assert_int_equal(get(AD_BY_NAME, "e"), AD_CACHE_FOUND);
}

static void a_change_drops_by_each_key(void **state)
{
    static const struct ad_change changes[] = { { .sid = STR("ada") },
                                                { .name = STR("ADA") },
                                                { .upn = STR("ada@x") },
                                                { .uri = STR("sip:ada@x") } };

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        put("ada");
        put("grace");
        ad_cache_drop(cache, &changes[i]);
        assert_int_equal(get(AD_BY_NAME, "ada"), AD_CACHE_UNKNOWN);
        assert_int_equal(get(AD_BY_NAME, "grace"), AD_CACHE_FOUND);
    }
    ad_cache_clear(cache);
    assert_int_equal(ad_cache_count(cache), 0);
}

static void names_made_up_by_the_thousand_drive_no_account_out(void **state)
{
    char name[16];

    (void)state;
    put("ada");
    for (unsigned i = 0; i < 5000; i++) {
        snprintf(name, sizeof(name), "user%u", i);
        struct ad_key k = key(AD_BY_NAME, name);
        ad_cache_put(cache, &k, NULL, 100);
    }
    assert_int_equal(ad_cache_count(cache), 2);
    assert_int_equal(get(AD_BY_NAME, "ada"), AD_CACHE_FOUND);
    assert_int_equal(get(AD_BY_NAME, "user4999"), AD_CACHE_NOBODY);
    assert_int_equal(get(AD_BY_NAME, "user4998"), AD_CACHE_UNKNOWN);
}

/* As many as come: the bound holds and nothing is lost track of. */
static void thousands_pass_through(void **state)
{
    char name[16];

    (void)state;
    for (unsigned i = 0; i < 5000; i++) {
        snprintf(name, sizeof(name), "user%u", i % 700);
        if (i % 3 == 0) {
            struct ad_key k = key(AD_BY_ADDRESS, "sip:shared@x");
            struct ad_account a = named(name);
            ad_cache_put(cache, &k, &a, 100);
        } else {
            put(name);
        }
        assert_true(ad_cache_count(cache) <= 4);
        assert_int_equal(get(AD_BY_NAME, name), AD_CACHE_FOUND);
    }
}

static void what_no_account_can_be_called_has_no_key(void **state)
{
    struct ad_key k;

    (void)state;
    assert_false(ad_key_of(AD_BY_NAME, STR_NONE, &k));
    assert_false(ad_key_of(AD_BY_NAME, STR("a\nb"), &k));
    assert_false(ad_key_of(AD_BY_NAME, STR("\xff"), &k));
    assert_false(ad_key_of(AD_BY_ADDRESS, STR("mailto:ada@x"), &k));
    assert_false(ad_key_of(AD_BY_SID, STR_NONE, &k));
}

#define WITH_CACHE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_CACHE(an_account_is_found_by_all_its_keys),
        WITH_CACHE(what_was_asked_for_finds_it_too),
        WITH_CACHE(nobody_is_remembered_until_somebody_comes),
        WITH_CACHE(entries_end_with_their_time),
        WITH_CACHE(a_newer_account_takes_the_place_of_the_older),
        WITH_CACHE(owners_of_one_address_are_remembered_beside_each_other),
        WITH_CACHE(what_was_longest_unused_goes_first),
        WITH_CACHE(a_change_drops_by_each_key),
        WITH_CACHE(names_made_up_by_the_thousand_drive_no_account_out),
        WITH_CACHE(thousands_pass_through),
        WITH_CACHE(what_no_account_can_be_called_has_no_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
