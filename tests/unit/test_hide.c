/* SPDX-License-Identifier: MIT */
#include "edge/hide.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define VIAS                                                                                       \
    STR("SIP/2.0/TLS 10.0.0.5:5061;branch=z9hG4bK1;branched=FALSE\nSIP/2.0/TLS 10.0.0.9:1234")

struct fixture {
    struct hide hide;
    struct arena arena;
    struct buf sealed;
};

static int begin(void **state)
{
    static struct fixture f;

    hide_init(&f.hide);
    arena_init(&f.arena, 4096, 1 << 20);
    f.sealed = (struct buf){ 0 };
    *state = &f;
    return 0;
}

static int end(void **state)
{
    struct fixture *f = *state;

    arena_fini(&f->arena);
    buf_fini(&f->sealed);
    hide_fini(&f->hide);
    return 0;
}

static bool opens(struct fixture *f, struct str sealed, uint64_t conn_id)
{
    struct str text;
    uint64_t link_id;

    arena_reset(&f->arena);
    return hide_open(&f->hide, sealed, conn_id, &f->arena, &text, &link_id);
}

static void what_was_hidden_comes_back_with_its_link(void **state)
{
    struct fixture *f = *state;
    struct str text;
    uint64_t link_id = 0;

    hide_seal(&f->hide, VIAS, 0xABCDEF0123456789u, 7, &f->sealed);
    assert_true(str_find(buf_str(&f->sealed), STR("10.0")) == SIZE_MAX);
    assert_true(hide_open(&f->hide, buf_str(&f->sealed), 7, &f->arena, &text, &link_id));
    assert_true(str_eq(text, VIAS));
    assert_true(link_id == 0xABCDEF0123456789u);
}

static void nothing_can_be_hidden_too(void **state)
{
    struct fixture *f = *state;
    struct str text;
    uint64_t link_id;

    hide_seal(&f->hide, STR_NONE, 1, 2, &f->sealed);
    assert_true(hide_open(&f->hide, buf_str(&f->sealed), 2, &f->arena, &text, &link_id));
    assert_int_equal(text.len, 0);
}

static void it_opens_only_on_the_connection_it_was_made_for(void **state)
{
    struct fixture *f = *state;

    hide_seal(&f->hide, VIAS, 1, 7, &f->sealed);
    assert_false(opens(f, buf_str(&f->sealed), 8));
    assert_true(opens(f, buf_str(&f->sealed), 7));
}

static void an_altered_or_cut_one_does_not_open(void **state)
{
    struct fixture *f = *state;

    hide_seal(&f->hide, VIAS, 1, 7, &f->sealed);
    for (size_t i = 0; i < f->sealed.len; i++) {
        char was = f->sealed.ptr[i];
        f->sealed.ptr[i] = was == 'A' ? 'B' : 'A';
        assert_false(opens(f, buf_str(&f->sealed), 7));
        f->sealed.ptr[i] = was;
        assert_false(opens(f, str_first(buf_str(&f->sealed), i), 7));
    }
    assert_true(opens(f, buf_str(&f->sealed), 7));
}

static void another_workers_does_not_open(void **state)
{
    struct fixture *f = *state;
    struct hide other;

    hide_init(&other);
    hide_seal(&other, VIAS, 1, 7, &f->sealed);
    assert_false(opens(f, buf_str(&f->sealed), 7));
    hide_fini(&other);
}

static void two_of_the_same_look_different(void **state)
{
    struct fixture *f = *state;
    struct buf second = { 0 };

    hide_seal(&f->hide, VIAS, 1, 7, &f->sealed);
    hide_seal(&f->hide, VIAS, 1, 7, &second);
    assert_false(str_eq(buf_str(&f->sealed), buf_str(&second)));
    buf_fini(&second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_hidden_comes_back_with_its_link, begin, end),
        cmocka_unit_test_setup_teardown(nothing_can_be_hidden_too, begin, end),
        cmocka_unit_test_setup_teardown(it_opens_only_on_the_connection_it_was_made_for, begin,
                                        end),
        cmocka_unit_test_setup_teardown(an_altered_or_cut_one_does_not_open, begin, end),
        cmocka_unit_test_setup_teardown(another_workers_does_not_open, begin, end),
        cmocka_unit_test_setup_teardown(two_of_the_same_look_different, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
