/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "front/registrar.h"

static const char uuid[] = "34d859db-6585-5f91-a3b4-de853c15347d";

static struct registrar_update update_of(const char *user, const char *epid, uint64_t now_ms)
{
    return (struct registrar_update){ .user_key = str_from_c(user),
                                      .epid = str_from_c(epid),
                                      .instance = str_from_c(uuid),
                                      .contact_uri = STR("sip:10.0.0.1:5060;transport=tls"),
                                      .cid = 0x1F00,
                                      .expires = 7200,
                                      .worker = 1,
                                      .conn_id = 7,
                                      .now_ms = now_ms };
}

/* Applies and returns the action; the lines are left in `lines`. */
static enum registrar_action apply(struct registrar *r, const struct registrar_update *u,
                                   struct buf *lines)
{
    struct registrar_out out;
    buf_clear(lines);
    enum registrar_action a = registrar_update(r, u, lines, &out);
    assert_null(out.user_key);
    return a;
}

static bool holds(const struct buf *b, const char *text)
{
    return str_find(buf_str(b), str_from_c(text)) != SIZE_MAX;
}

static void gruu_is_the_one_a_real_server_made(void **state)
{
    (void)state;
    static const char *const vectors[][2] = {
        { "34d859db-6585-5f91-a3b4-de853c15347d", "21nYNIVlkV-jtN6FPBU0fQAA" },
        { "e0de506b-a705-59cc-9bfa-d37593141231", "a1De4AWnzFmb-tN1kxQSMQAA" },
        { "75ab1008-bcc4-5544-924d-aa177c824291", "CBCrdcS8RFWSTaoXfIJCkQAA" },
        { "c1589240-e660-594f-a8b3-4b55f358cbc1", "QJJYwWDmT1mos0tV81jLwQAA" },
    };
    for (size_t i = 0; i < 4; i++) {
        struct buf b = { 0 };
        assert_true(registrar_gruu(STR("sip:a@b"), str_from_c(vectors[i][0]), &b));
        assert_true(holds(&b, vectors[i][1]));
        assert_true(str_starts(buf_str(&b), STR("sip:a@b;opaque=user:epid:")));
        buf_fini(&b);
    }
}

static void gruu_needs_a_uuid(void **state)
{
    (void)state;
    struct buf b = { 0 };
    assert_false(registrar_gruu(STR("sip:a@b"), STR("34d859db"), &b));
    assert_false(registrar_gruu(STR("sip:a@b"), STR("34d859dbx6585-5f91-a3b4-de853c15347d"), &b));
    assert_int_equal(b.len, 0);
    buf_fini(&b);
}

static void new_binding_is_added_then_refreshed(void **state)
{
    (void)state;
    struct registrar *r = registrar_new(4);
    struct buf lines = { 0 };
    struct registrar_update u = update_of("sip:ada@example.com", "e1", 1000);
    assert_int_equal(apply(r, &u, &lines), REGISTRAR_ADDED);
    assert_string_equal(lines.len ? (buf_add_char(&lines, 0), lines.ptr) : "",
                        "Contact: <sip:10.0.0.1:5060;transport=tls;ms-received-cid=1F00>"
                        ";expires=7200;+sip.instance=\"<urn:uuid:34d859db-6585-5f91-a3b4-"
                        "de853c15347d>\";gruu=\"sip:ada@example.com;opaque=user:epid:"
                        "21nYNIVlkV-jtN6FPBU0fQAA;gruu\"\r\n");
    u.now_ms = 2000;
    assert_int_equal(apply(r, &u, &lines), REGISTRAR_REFRESHED);
    assert_int_equal(registrar_endpoints(r), 1);
    buf_fini(&lines);
    registrar_free(r);
}

static void changed_contact_of_an_endpoint_replaces_the_old_one(void **state)
{
    (void)state;
    struct registrar *r = registrar_new(4);
    struct buf lines = { 0 };
    struct registrar_update u = update_of("sip:ada@example.com", "e1", 1000);
    apply(r, &u, &lines);
    u.contact_uri = STR("sip:10.9.9.9:1");
    assert_int_equal(apply(r, &u, &lines), REGISTRAR_REFRESHED);
    assert_true(holds(&lines, "10.9.9.9"));
    assert_false(holds(&lines, "10.0.0.1"));
    assert_int_equal(registrar_endpoints(r), 1);
    buf_fini(&lines);
    registrar_free(r);
}

static void every_binding_of_the_user_has_its_line(void **state)
{
    (void)state;
    struct registrar *r = registrar_new(4);
    struct buf lines = { 0 };
    struct registrar_update a = update_of("sip:ada@example.com", "e1", 1000);
    struct registrar_update b = update_of("sip:ada@example.com", "e2", 61000);
    struct registrar_update other = update_of("sip:ben@example.com", "e1", 1000);
    apply(r, &a, &lines);
    apply(r, &other, &lines);
    assert_int_equal(apply(r, &b, &lines), REGISTRAR_ADDED);
    assert_true(holds(&lines, "expires=7200;"));
    assert_true(holds(&lines, "expires=7140;"));
    assert_int_equal(registrar_users(r), 2);
    buf_fini(&lines);
    registrar_free(r);
}

static void leaving_removes_only_that_endpoint(void **state)
{
    (void)state;
    struct registrar *r = registrar_new(4);
    struct buf lines = { 0 };
    struct registrar_update a = update_of("sip:ada@example.com", "e1", 1000);
    struct registrar_update b = update_of("sip:ada@example.com", "e2", 1000);
    apply(r, &a, &lines);
    apply(r, &b, &lines);
    a.expires = 0;
    assert_int_equal(apply(r, &a, &lines), REGISTRAR_REMOVED);
    assert_int_equal(registrar_endpoints(r), 1);
    b.expires = 0;
    b.contact_uri = b.instance = STR_NONE; /* Contact: * */
    assert_int_equal(apply(r, &b, &lines), REGISTRAR_REMOVED);
    assert_int_equal(registrar_users(r), 0);
    assert_int_equal(lines.len, 0);
    buf_fini(&lines);
    registrar_free(r);
}

static void query_changes_nothing(void **state)
{
    (void)state;
    struct registrar *r = registrar_new(4);
    struct buf lines = { 0 };
    struct registrar_update u = update_of("sip:ada@example.com", "e1", 1000);
    u.query = true;
    assert_int_equal(apply(r, &u, &lines), REGISTRAR_TOLD);
    assert_int_equal(registrar_users(r), 0);
    registrar_free(r);
    buf_fini(&lines);
}

static void quota_throws_out_the_endpoint_that_refreshed_longest_ago(void **state)
{
    (void)state;
    struct registrar *r = registrar_new(2);
    struct buf lines = { 0 };
    struct registrar_out out;
    const char *epids[] = { "e1", "e2", "e3" };
    for (unsigned i = 0; i < 2; i++) {
        struct registrar_update u = update_of("sip:ada@example.com", epids[i], 1000 + i);
        apply(r, &u, &lines);
    }
    struct registrar_update again = update_of("sip:ada@example.com", "e1", 5000);
    apply(r, &again, &lines);
    struct registrar_update third = update_of("sip:ada@example.com", "e3", 6000);
    registrar_update(r, &third, &lines, &out);
    assert_string_equal(out.epid, "e2");
    assert_string_equal(out.user_key, "sip:ada@example.com");
    assert_int_equal(out.worker, 1);
    registrar_out_fini(&out);
    assert_int_equal(registrar_endpoints(r), 2);
    buf_fini(&lines);
    registrar_free(r);
}

static void lost_connection_ends_the_endpoint_after_the_grace(void **state)
{
    (void)state;
    struct registrar *r = registrar_new(4);
    struct buf lines = { 0 };
    struct registrar_update u = update_of("sip:ada@example.com", "e1", 1000);
    apply(r, &u, &lines);
    registrar_gone(r, STR("sip:ada@example.com"), STR("e1"), 8, 2000); /* another connection */
    registrar_sweep(r, 60000);
    assert_int_equal(registrar_endpoints(r), 1);
    registrar_gone(r, STR("sip:ada@example.com"), STR("e1"), 7, 2000);
    registrar_sweep(r, 3000);
    assert_int_equal(registrar_endpoints(r), 1);
    registrar_sweep(r, 60000);
    assert_int_equal(registrar_users(r), 0);
    buf_fini(&lines);
    registrar_free(r);
}

static void endpoint_that_comes_back_within_the_grace_stays(void **state)
{
    (void)state;
    struct registrar *r = registrar_new(4);
    struct buf lines = { 0 };
    struct registrar_update u = update_of("sip:ada@example.com", "e1", 1000);
    apply(r, &u, &lines);
    registrar_gone(r, STR("sip:ada@example.com"), STR("e1"), 7, 2000);
    u.conn_id = 9;
    u.now_ms = 3000;
    apply(r, &u, &lines);
    registrar_sweep(r, 60000);
    assert_int_equal(registrar_endpoints(r), 1);
    buf_fini(&lines);
    registrar_free(r);
}

static void sweep_takes_thousands_that_expire_together(void **state)
{
    (void)state;
    struct registrar *r = registrar_new(4);
    struct buf lines = { 0 };
    for (unsigned i = 0; i < 5000; i++) {
        char user[40];
        snprintf(user, sizeof(user), "sip:u%u@example.com", i);
        struct registrar_update u = update_of(user, "e", 1000);
        u.expires = i % 10 == 0 ? 100000 : 60;
        apply(r, &u, &lines);
    }
    registrar_sweep(r, 62000);
    assert_int_equal(registrar_users(r), 500);
    buf_fini(&lines);
    registrar_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gruu_is_the_one_a_real_server_made),
        cmocka_unit_test(gruu_needs_a_uuid),
        cmocka_unit_test(new_binding_is_added_then_refreshed),
        cmocka_unit_test(changed_contact_of_an_endpoint_replaces_the_old_one),
        cmocka_unit_test(every_binding_of_the_user_has_its_line),
        cmocka_unit_test(leaving_removes_only_that_endpoint),
        cmocka_unit_test(query_changes_nothing),
        cmocka_unit_test(quota_throws_out_the_endpoint_that_refreshed_longest_ago),
        cmocka_unit_test(lost_connection_ends_the_endpoint_after_the_grace),
        cmocka_unit_test(endpoint_that_comes_back_within_the_grace_stays),
        cmocka_unit_test(sweep_takes_thousands_that_expire_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
