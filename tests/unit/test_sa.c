/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "auth/sa.h"
#include "auth/scheme.h"

static const struct sa_limits limits = { .half_open_max = 100,
                                         .half_open_ms = 60000,
                                         .life_ms = 8 * 3600 * 1000 };

static unsigned wiped;

static void count_wipe(struct sa *sa)
{
    (void)sa;
    wiped++;
}

static const struct auth_scheme dummy = { .name = "Dummy", .wipe = count_wipe };

struct fixture {
    struct sa_table *t;
    struct sa_owner home, other;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    f->t = sa_table_new(&limits);
    sa_owner_init(&f->home, STR("\x0a\x00\x00\x01"));
    sa_owner_init(&f->other, STR("\x0a\x00\x00\x02"));
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    sa_owner_fini(f->t, &f->home);
    sa_owner_fini(f->t, &f->other);
    assert_int_equal(sa_table_half_open(f->t), 0);
    assert_int_equal(sa_table_established(f->t), 0);
    sa_table_free(f->t);
    free(f);
    return 0;
}

static struct sa *new_sa(struct fixture *f, struct sa_owner *o, const char *epid)
{
    struct sa *sa = sa_new(f->t, o, STR_NONE, str_from_c(epid), 1000, NULL);
    sa->scheme = &dummy;
    return sa;
}

static struct sa *establish(struct fixture *f, struct sa *sa, const char *user)
{
    sa->user_key = str_own(str_from_c(user));
    sa_establish(f->t, sa, 1000, 1000 + limits.life_ms);
    return sa;
}

static struct sa *find(struct fixture *f, struct sa_owner *o, const char *opaque)
{
    return sa_find(f->t, o, STR_NONE, str_from_c(opaque), 1000);
}

static void an_opaque_is_8_upper_case_hex_digits_and_differs(void **state)
{
    struct fixture *f = *state;
    char seen[50][9];
    for (unsigned i = 0; i < 50; i++) {
        char epid[16];
        snprintf(epid, sizeof(epid), "e%u", i);
        struct sa *sa = new_sa(f, &f->home, epid);
        assert_int_equal(strlen(sa->opaque_text), 8);
        assert_int_equal(strspn(sa->opaque_text, "0123456789ABCDEF"), 8);
        memcpy(seen[i], sa->opaque_text, 9);
        for (unsigned k = 0; k < i; k++)
            assert_string_not_equal(seen[k], seen[i]);
    }
}

static void an_sa_is_found_only_on_its_own_connection(void **state)
{
    struct fixture *f = *state;
    struct sa *sa = new_sa(f, &f->home, "e");
    assert_ptr_equal(find(f, &f->home, sa->opaque_text), sa);
    assert_null(find(f, &f->other, sa->opaque_text));
    assert_null(find(f, &f->home, "00000000"));
    assert_null(find(f, &f->home, ""));
}

static void behind_an_edge_an_sa_is_found_only_with_its_cid(void **state)
{
    struct fixture *f = *state;
    struct sa *sa = sa_new(f->t, &f->home, STR("77"), STR("e"), 1000, NULL);
    struct str opaque = str_from_c(sa->opaque_text);
    assert_ptr_equal(sa_find(f->t, &f->home, STR("77"), opaque, 1000), sa);
    assert_null(sa_find(f->t, &f->home, STR("7"), opaque, 1000));
    assert_null(sa_find(f->t, &f->home, STR("777"), opaque, 1000));
    assert_null(sa_find(f->t, &f->home, STR_NONE, opaque, 1000));
}

static void an_overlong_cid_is_never_taken_for_another(void **state)
{
    struct fixture *f = *state;
    struct sa *sa = sa_new(f->t, &f->home, STR("1234567890123"), STR("e"), 1000, NULL);
    struct str opaque = str_from_c(sa->opaque_text);
    assert_null(sa_find(f->t, &f->home, STR("1234567890124"), opaque, 1000));
    assert_null(sa_find(f->t, &f->home, STR("1234567890123"), opaque, 1000));
}

static void a_new_handshake_replaces_the_unfinished_one_of_the_endpoint(void **state)
{
    struct fixture *f = *state;
    char first[9];
    memcpy(first, new_sa(f, &f->home, "e")->opaque_text, 9);
    struct sa *elsewhere = new_sa(f, &f->other, "e"), *another = new_sa(f, &f->home, "e2");
    struct sa *second = new_sa(f, &f->home, "e");
    assert_null(find(f, &f->home, first));
    assert_ptr_equal(find(f, &f->home, second->opaque_text), second);
    assert_ptr_equal(find(f, &f->home, another->opaque_text), another);
    assert_ptr_equal(find(f, &f->other, elsewhere->opaque_text), elsewhere);
    assert_int_equal(sa_table_half_open(f->t), 3);
}

static void the_established_one_stays_until_the_new_one_is_established(void **state)
{
    struct fixture *f = *state;
    struct sa *former = establish(f, new_sa(f, &f->home, "e"), "sip:ada@example.com");
    char opaque[9];
    memcpy(opaque, former->opaque_text, 9);
    struct sa *fresh = new_sa(f, &f->home, "e");
    assert_ptr_equal(find(f, &f->home, opaque), former);
    assert_ptr_equal(sa_find_user(&f->home, STR("sip:ada@example.com"), STR("e")), former);
    establish(f, fresh, "sip:ada@example.com");
    assert_null(find(f, &f->home, opaque));
    assert_ptr_equal(sa_find_user(&f->home, STR("sip:ada@example.com"), STR("e")), fresh);
    assert_int_equal(sa_table_established(f->t), 1);
}

static void another_user_of_the_same_endpoint_keeps_their_own(void **state)
{
    struct fixture *f = *state;
    struct sa *ada = establish(f, new_sa(f, &f->home, "e"), "sip:ada@example.com");
    struct sa *bob = establish(f, new_sa(f, &f->home, "e"), "sip:bob@example.com");
    assert_ptr_equal(sa_find_user(&f->home, STR("sip:ada@example.com"), STR("e")), ada);
    assert_ptr_equal(sa_find_user(&f->home, STR("sip:bob@example.com"), STR("e")), bob);
    assert_null(sa_find_user(&f->home, STR("sip:bob@example.com"), STR("f")));
    sa_drop(f->t, bob);
    assert_ptr_equal(sa_find_user(&f->home, STR("sip:ada@example.com"), STR("e")), ada);
    struct sa *fresh = establish(f, new_sa(f, &f->home, "e"), "sip:ada@example.com");
    assert_ptr_equal(sa_find_user(&f->home, STR("sip:ada@example.com"), STR("e")), fresh);
    assert_int_equal(sa_table_established(f->t), 1);
}

static void the_end_of_a_connection_is_the_end_of_its_sas(void **state)
{
    struct fixture *f = *state;
    wiped = 0;
    establish(f, new_sa(f, &f->home, "e"), "sip:ada@example.com");
    new_sa(f, &f->home, "e");
    new_sa(f, &f->home, "f");
    struct sa *other = new_sa(f, &f->other, "e");
    sa_owner_fini(f->t, &f->home);
    assert_int_equal(wiped, 3);
    assert_null(f->home.list);
    assert_ptr_equal(find(f, &f->other, other->opaque_text), other);
}

static void a_table_that_is_freed_first_takes_its_sas_along(void **state)
{
    (void)state;
    struct sa_table *t = sa_table_new(&limits);
    struct sa_owner o;
    sa_owner_init(&o, STR_NONE);
    for (unsigned i = 0; i < 5; i++) {
        struct sa *sa = sa_new(t, &o, STR_NONE, str_first(STR("abcde"), i), 0, NULL);
        sa->user_key = str_own(STR("sip:u@example.com"));
        if (i % 2)
            sa_establish(t, sa, 0, 1);
    }
    sa_table_free(t);
    assert_null(o.list);
}

static void what_is_needed_only_half_open_is_freed_when_established(void **state)
{
    struct fixture *f = *state;
    struct sa *sa = new_sa(f, &f->home, "e");
    sa->challenge = str_own(STR("challenge"));
    sa->challenge_len = 9;
    establish(f, sa, "sip:ada@example.com");
    assert_null(sa->challenge);
    assert_int_equal(sa->challenge_len, 0);
    assert_int_equal(sa_table_half_open(f->t), 0);
    assert_true(sizeof(*sa) <= 512);
}

static void an_expired_sa_is_not_found(void **state)
{
    struct fixture *f = *state;
    struct sa *sa = establish(f, new_sa(f, &f->home, "e"), "sip:ada@example.com");
    struct str opaque = str_from_c(sa->opaque_text);
    uint64_t end = 1000 + limits.life_ms;
    assert_ptr_equal(sa_find(f->t, &f->home, STR_NONE, opaque, end - 1), sa);
    assert_null(sa_find(f->t, &f->home, STR_NONE, opaque, end));
    assert_ptr_equal(sa_find_any(f->t, &f->home, STR_NONE, opaque), sa);
}

static void the_sweep_drops_what_was_begun_and_never_finished(void **state)
{
    struct fixture *f = *state;
    struct sa *old = new_sa(f, &f->home, "old");
    struct sa *asking = new_sa(f, &f->other, "asking");
    struct sa *signed_in = establish(f, new_sa(f, &f->home, "in"), "sip:ada@example.com");
    struct sa *young = sa_new(f->t, &f->home, STR_NONE, STR("young"), 50000, NULL);
    assert_ptr_equal(find(f, &f->home, old->opaque_text), old);
    sa_asking(f->t, asking, 60000);
    sa_table_sweep(f->t, 61000);
    assert_int_equal(sa_table_half_open(f->t), 2);
    assert_ptr_equal(find(f, &f->home, young->opaque_text), young);
    assert_ptr_equal(find(f, &f->other, asking->opaque_text), asking);
    sa_table_sweep(f->t, 120000);
    assert_int_equal(sa_table_half_open(f->t), 0);
    assert_ptr_equal(find(f, &f->home, signed_in->opaque_text), signed_in);
}

static void at_the_limit_the_oldest_of_the_greediest_source_goes(void **state)
{
    struct fixture *f = *state;
    bool evicted = true;
    struct sa *quiet = new_sa(f, &f->other, "quiet");
    char first[9] = "", second[9] = "", epid[16];
    for (unsigned i = 0; i < 99; i++) {
        snprintf(epid, sizeof(epid), "g%u", i);
        struct sa *sa = sa_new(f->t, &f->home, STR_NONE, str_from_c(epid), 1000, &evicted);
        assert_false(evicted);
        if (i < 2)
            memcpy(i == 0 ? first : second, sa->opaque_text, 9);
    }
    sa_new(f->t, &f->home, STR_NONE, STR("more"), 1000, &evicted);
    assert_true(evicted);
    assert_null(find(f, &f->home, first));
    sa_new(f->t, &f->other, STR_NONE, STR("more"), 1000, &evicted);
    assert_true(evicted);
    assert_null(find(f, &f->home, second));
    assert_ptr_equal(find(f, &f->other, quiet->opaque_text), quiet);
    assert_int_equal(sa_table_half_open(f->t), 100);
    assert_int_equal(sa_table_evicted(f->t), 2);
}

static void a_flood_from_one_address_does_not_end_the_handshake_of_another(void **state)
{
    struct fixture *f = *state;
    enum { OWNERS = 1000, FLOOD = 100000 };
    struct sa_owner *flood = calloc(OWNERS, sizeof(*flood));
    struct sa *good = new_sa(f, &f->home, "good");
    char epid[16];
    for (unsigned i = 0; i < OWNERS; i++)
        sa_owner_init(&flood[i], STR("\x0a\x00\x00\x63"));
    for (unsigned i = 0; i < FLOOD; i++) {
        snprintf(epid, sizeof(epid), "%u", i);
        sa_new(f->t, &flood[i % OWNERS], STR_NONE, str_from_c(epid), 1000, NULL);
    }
    assert_int_equal(sa_table_half_open(f->t), 100);
    assert_ptr_equal(find(f, &f->home, good->opaque_text), good);
    establish(f, good, "sip:ada@example.com");
    for (unsigned i = 0; i < OWNERS; i++)
        sa_owner_fini(f->t, &flood[i]);
    free(flood);
}

static void one_ipv6_network_counts_as_one_source(void **state)
{
    struct fixture *f = *state;
    enum { OWNERS = 200 };
    struct sa_owner *flood = calloc(OWNERS, sizeof(*flood));
    uint8_t addr[16] = { 0x20, 0x01, 0x0d, 0xb8 };
    struct sa *one = new_sa(f, &f->home, "1"), *two = new_sa(f, &f->home, "2");
    for (unsigned i = 0; i < OWNERS; i++) {
        addr[15] = (uint8_t)i;
        sa_owner_init(&flood[i], str_of(addr, sizeof(addr)));
        sa_new(f->t, &flood[i], STR_NONE, STR("e"), 1000, NULL);
    }
    assert_ptr_equal(find(f, &f->home, one->opaque_text), one);
    assert_ptr_equal(find(f, &f->home, two->opaque_text), two);
    for (unsigned i = 0; i < OWNERS; i++)
        sa_owner_fini(f->t, &flood[i]);
    free(flood);
}

static void an_ipv4_mapped_address_is_the_ipv4_address(void **state)
{
    struct fixture *f = *state;
    uint8_t addr[16] = { [10] = 0xff, [11] = 0xff, [12] = 10, [15] = 1 };
    struct sa_owner mapped, second;
    sa_owner_init(&mapped, str_of(addr, sizeof(addr))); /* 10.0.0.1, as f->home */
    addr[15] = 3;
    sa_owner_init(&second, str_of(addr, sizeof(addr))); /* 10.0.0.3: not one network with it */
    char epid[16], first[9] = "";
    for (unsigned i = 0; i < 100; i++) {
        snprintf(epid, sizeof(epid), "%u", i);
        struct sa_owner *o = i < 40 ? &mapped : i < 55 ? &f->home : &second;
        struct sa *sa = sa_new(f->t, o, STR_NONE, str_from_c(epid), 1000, NULL);
        if (i == 0)
            memcpy(first, sa->opaque_text, 9);
    }
    new_sa(f, &f->other, "e"); /* 55 of 10.0.0.1 against 45 */
    assert_null(find(f, &mapped, first));
    sa_owner_fini(f->t, &mapped);
    sa_owner_fini(f->t, &second);
}

static void random_comings_and_goings_keep_the_accounts_right(void **state)
{
    struct fixture *f = *state;
    enum { OWNERS = 40, STEPS = 20000 };
    struct sa_owner owners[OWNERS];
    unsigned seed = 1;
    for (unsigned i = 0; i < OWNERS; i++) {
        char addr[4] = { 10, 0, 1, (char)(i % 7) };
        sa_owner_init(&owners[i], str_of(addr, 4));
    }
    for (unsigned i = 0; i < STEPS; i++) {
        struct sa_owner *o = &owners[(unsigned)rand_r(&seed) % OWNERS];
        char epid[8];
        snprintf(epid, sizeof(epid), "%u", (unsigned)rand_r(&seed) % 9);
        struct sa *sa = o->list;
        switch (rand_r(&seed) % 5) {
        case 0:
            if (sa)
                sa_drop(f->t, sa);
            break;
        case 1:
            if (sa && sa->state == SA_HALF_OPEN)
                sa_asking(f->t, sa, i);
            break;
        case 2:
            if (sa && sa->state == SA_ASKING)
                establish(f, sa, "sip:ada@example.com");
            break;
        default:
            sa_new(f->t, o, STR_NONE, str_from_c(epid), i, NULL);
        }
        sa_table_sweep(f->t, i);
        unsigned half = 0, whole = 0;
        for (unsigned k = 0; k < OWNERS; k++)
            for (sa = owners[k].list; sa; sa = sa->next_owned)
                *(sa->state == SA_ESTABLISHED ? &whole : &half) += 1;
        assert_int_equal(half, sa_table_half_open(f->t));
        assert_int_equal(whole, sa_table_established(f->t));
        assert_true(half <= limits.half_open_max);
    }
    for (unsigned i = 0; i < OWNERS; i++)
        sa_owner_fini(f->t, &owners[i]);
}

static void a_lowered_limit_takes_effect_with_the_next_handshake(void **state)
{
    struct fixture *f = *state;
    char epid[16];
    for (unsigned i = 0; i < 50; i++) {
        snprintf(epid, sizeof(epid), "%u", i);
        new_sa(f, &f->home, epid);
    }
    struct sa_limits fewer = { .half_open_max = 10, .half_open_ms = 1, .life_ms = 1 };
    sa_table_set_limits(f->t, &fewer);
    new_sa(f, &f->other, "e");
    assert_int_equal(sa_table_half_open(f->t), 10);
    fewer.half_open_max = 0;
    sa_table_set_limits(f->t, &fewer);
    assert_non_null(new_sa(f, &f->other, "f"));
    assert_int_equal(sa_table_half_open(f->t), 1);
}

static bool take(struct sa *sa, uint32_t cnum)
{
    if (sa_cnum_check(sa, cnum) != SA_CNUM_OK)
        return false;
    sa_cnum_mark(sa, cnum);
    return true;
}

static void the_first_number_is_free_and_each_counts_once(void **state)
{
    struct fixture *f = *state;
    struct sa *sa = new_sa(f, &f->home, "e");
    assert_true(take(sa, 9));
    assert_false(take(sa, 9));
    assert_true(take(sa, 10));
    assert_true(take(sa, 8));
    assert_true(take(sa, 1));
    assert_false(take(sa, 1));
    assert_false(take(sa, 0));
    assert_true(take(sa, 1000000));
    assert_false(take(sa, 10));
}

static void checking_alone_does_not_use_a_number_up(void **state)
{
    struct fixture *f = *state;
    struct sa *sa = new_sa(f, &f->home, "e");
    assert_int_equal(sa_cnum_check(sa, 5), SA_CNUM_OK);
    assert_int_equal(sa_cnum_check(sa, 5), SA_CNUM_OK);
    sa_cnum_mark(sa, 5);
    assert_int_equal(sa_cnum_check(sa, 5), SA_CNUM_REPLAY);
}

static void the_window_is_256_wide(void **state)
{
    struct fixture *f = *state;
    struct sa *sa = new_sa(f, &f->home, "e");
    assert_true(take(sa, 1000));
    assert_true(take(sa, 745));
    assert_false(take(sa, 744));
    assert_true(take(sa, 1001));
    assert_false(take(sa, 745));
    assert_true(take(sa, 746));
    assert_true(take(sa, 1256)); /* 1001 + 255: the bit of 1000 is taken over */
    assert_false(take(sa, 1000));
    assert_false(take(sa, 1001));
    assert_true(take(sa, 1002));
}

static void the_window_agrees_with_a_plain_list(void **state)
{
    struct fixture *f = *state;
    struct sa *sa = new_sa(f, &f->home, "e");
    enum { NUMBERS = 20000 };
    bool *seen = calloc(NUMBERS, sizeof(*seen));
    uint32_t high = 0, at = 0;
    unsigned seed = 7;
    for (unsigned i = 0; i < 50000; i++) {
        at = high + 1 + (uint32_t)rand_r(&seed) % 6;
        uint32_t cnum = at > 400 ? at - (uint32_t)rand_r(&seed) % 400 : at;
        if (cnum >= NUMBERS)
            break;
        bool fresh = cnum > high || (high - cnum < 256 && !seen[cnum]);
        assert_int_equal(take(sa, cnum), fresh);
        seen[cnum] = true;
        high = cnum > high ? cnum : high;
    }
    free(seen);
}

static void the_largest_number_is_only_a_number(void **state)
{
    struct fixture *f = *state;
    struct sa *sa = new_sa(f, &f->home, "e");
    assert_true(take(sa, UINT32_MAX));
    assert_false(take(sa, UINT32_MAX));
    assert_true(take(sa, UINT32_MAX - 255));
    assert_false(take(sa, UINT32_MAX - 256));
    assert_false(take(sa, 1));
}

#define WITH_TABLE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_TABLE(an_opaque_is_8_upper_case_hex_digits_and_differs),
        WITH_TABLE(an_sa_is_found_only_on_its_own_connection),
        WITH_TABLE(behind_an_edge_an_sa_is_found_only_with_its_cid),
        WITH_TABLE(an_overlong_cid_is_never_taken_for_another),
        WITH_TABLE(a_new_handshake_replaces_the_unfinished_one_of_the_endpoint),
        WITH_TABLE(the_established_one_stays_until_the_new_one_is_established),
        WITH_TABLE(another_user_of_the_same_endpoint_keeps_their_own),
        WITH_TABLE(the_end_of_a_connection_is_the_end_of_its_sas),
        cmocka_unit_test(a_table_that_is_freed_first_takes_its_sas_along),
        WITH_TABLE(what_is_needed_only_half_open_is_freed_when_established),
        WITH_TABLE(an_expired_sa_is_not_found),
        WITH_TABLE(the_sweep_drops_what_was_begun_and_never_finished),
        WITH_TABLE(at_the_limit_the_oldest_of_the_greediest_source_goes),
        WITH_TABLE(a_flood_from_one_address_does_not_end_the_handshake_of_another),
        WITH_TABLE(one_ipv6_network_counts_as_one_source),
        WITH_TABLE(an_ipv4_mapped_address_is_the_ipv4_address),
        WITH_TABLE(random_comings_and_goings_keep_the_accounts_right),
        WITH_TABLE(a_lowered_limit_takes_effect_with_the_next_handshake),
        WITH_TABLE(the_first_number_is_free_and_each_counts_once),
        WITH_TABLE(checking_alone_does_not_use_a_number_up),
        WITH_TABLE(the_window_is_256_wide),
        WITH_TABLE(the_window_agrees_with_a_plain_list),
        WITH_TABLE(the_largest_number_is_only_a_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
