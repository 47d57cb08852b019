/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/encode.h"
#include "ntlm/msg.h"

/* The captured sign-in of Communicator 2007 R2 (vectors r2-challenge and r2-authenticate). */
static const char challenge_hex[] =
    "4e544c4d53535000020000000000000038000000f38298e2dd1baaf4e7e218d1000000000000000096009600380000"
    "000502ce0e0000000f02000a0043004f0053004d004f000100180043004f0053004d004f002d004f00430053002d00"
    "520032000400160063006f0073006d006f002e006c006f00630061006c000300300063006f0073006d006f002d006f"
    "00630073002d00720032002e0063006f0073006d006f002e006c006f00630061006c000500160063006f0073006d00"
    "6f002e006c006f00630061006c0000000000";
static const char authenticate_hex[] =
    "4e544c4d53535000030000001800180072000000c600c6008a0000000a000a00480000000800080052000000180018"
    "005a0000001000100050010000558298620502ce0e0000000f43004f0053004d004f00550073006500720043004f00"
    "53004d004f002d004f00430053002d0052003200a1e92efe4e078bf7c5c0049acc6166c2d6ae875cb0fdaa418dc0c8"
    "00ae76eca606d2b9fbebd04731010100000000000059519a1727b9ca01d6ae875cb0fdaa410000000002000a004300"
    "4f0053004d004f000100180043004f0053004d004f002d004f00430053002d00520032000400160063006f0073006d"
    "006f002e006c006f00630061006c000300300063006f0073006d006f002d006f00630073002d00720032002e006300"
    "6f0073006d006f002e006c006f00630061006c000500160063006f0073006d006f002e006c006f00630061006c0000"
    "0000000000000031cb739e1ca80a498591e8ae797115e4";

enum {
    AT_LM = 12,
    AT_NT = 20,
    AT_DOMAIN = 28,
    AT_USER = 36,
    AT_WORKSTATION = 44,
    AT_SESSION_KEY = 52,
    AT_FLAGS = 60,
    FIELD_OFFSET = 4,
};

/* On the heap and of exactly its length, so that a reader who goes too far is seen. */
struct message {
    uint8_t *at;
    size_t len;
};

static struct message copy_of(const void *octets, size_t len)
{
    struct message m = { .at = malloc(len ? len : 1), .len = len };

    assert_non_null(m.at);
    if (len)
        memcpy(m.at, octets, len);
    return m;
}

static struct message from_hex(const char *hex)
{
    struct message m = { .len = strlen(hex) / 2 };

    m.at = malloc(m.len);
    assert_non_null(m.at);
    assert_true(hex_decode(str_from_c(hex), m.at, m.len));
    return m;
}

static struct str whole(const struct message *m)
{
    return str_of(m->at, m->len);
}

static void put16(struct message *m, size_t at, unsigned value)
{
    m->at[at] = (uint8_t)(value & 0xff);
    m->at[at + 1] = (uint8_t)(value >> 8);
}

static enum fault read_authenticate(const struct message *m)
{
    struct ntlm_authenticate a;
    return ntlm_authenticate_read(whole(m), &a);
}

static void every_truncation_of_an_authenticate_is_refused(void **state)
{
    (void)state;
    struct message m = from_hex(authenticate_hex);

    for (size_t len = 0; len < m.len; len++) {
        struct message part = copy_of(m.at, len);
        assert_int_equal(read_authenticate(&part), FAULT_NTLM_MALFORMED);
        free(part.at);
    }
    assert_int_equal(read_authenticate(&m), FAULT_NONE);
    free(m.at);
}

static void every_truncation_of_a_challenge_is_refused(void **state)
{
    (void)state;
    struct message m = from_hex(challenge_hex);
    struct ntlm_challenge c;

    for (size_t len = 0; len < m.len; len++) {
        struct message part = copy_of(m.at, len);
        /* what ends before the target info is the form of very old servers */
        bool old_form = len >= 32 && len < 48;
        assert_int_equal(ntlm_challenge_read(whole(&part), &c),
                         old_form ? FAULT_NONE : FAULT_NTLM_MALFORMED);
        assert_int_equal(c.target_info.len, 0);
        free(part.at);
    }
    free(m.at);
}

static void fields_are_slices_of_the_message(void **state)
{
    (void)state;
    struct message m = from_hex(authenticate_hex);
    struct ntlm_authenticate a;

    assert_int_equal(ntlm_authenticate_read(whole(&m), &a), FAULT_NONE);
    assert_ptr_equal(a.domain.ptr, m.at + 0x48);
    assert_ptr_equal(a.session_key.ptr, m.at + m.len - 16);
    assert_true(a.has_version);
    assert_int_equal(a.version.build, 3790);
    assert_int_equal(a.version.revision, 15);
    assert_false(a.mic_claimed);
    assert_false(a.has_mic_room);
    assert_int_equal(a.mic.len, 0);
    free(m.at);
}

static void other_types_and_signatures_are_refused(void **state)
{
    (void)state;
    struct message a = from_hex(authenticate_hex), c = from_hex(challenge_hex);
    struct ntlm_challenge challenge;

    assert_int_equal(read_authenticate(&c), FAULT_NTLM_MALFORMED);
    assert_int_equal(ntlm_challenge_read(whole(&a), &challenge), FAULT_NTLM_MALFORMED);
    for (size_t i = 0; i < 12; i++) {
        a.at[i] ^= 0x20;
        assert_int_equal(read_authenticate(&a), FAULT_NTLM_MALFORMED);
        a.at[i] ^= 0x20;
    }
    assert_int_equal(read_authenticate(&a), FAULT_NONE);
    free(a.at);
    free(c.at);
}

static void a_field_that_points_into_the_header_is_refused(void **state)
{
    (void)state;
    static const size_t fields[] = { AT_LM,   AT_NT,          AT_DOMAIN,
                                     AT_USER, AT_WORKSTATION, AT_SESSION_KEY };

    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        struct message m = from_hex(authenticate_hex);
        for (unsigned offset = 0; offset < 64; offset += 2) {
            put16(&m, fields[i] + FIELD_OFFSET, offset);
            assert_int_equal(read_authenticate(&m), FAULT_NTLM_MALFORMED);
        }
        free(m.at);
    }
}

static void a_field_that_points_outside_is_refused(void **state)
{
    (void)state;
    struct message m = from_hex(authenticate_hex);
    const unsigned last = (unsigned)m.len - 16;

    put16(&m, AT_SESSION_KEY + FIELD_OFFSET, last + 1);
    assert_int_equal(read_authenticate(&m), FAULT_NTLM_MALFORMED);
    put16(&m, AT_SESSION_KEY + FIELD_OFFSET, 0xfff0);
    assert_int_equal(read_authenticate(&m), FAULT_NTLM_MALFORMED);
    /* offset and length together pass 2^32 */
    put16(&m, AT_SESSION_KEY + FIELD_OFFSET, 0xffff);
    put16(&m, AT_SESSION_KEY + FIELD_OFFSET + 2, 0xffff);
    assert_int_equal(read_authenticate(&m), FAULT_NTLM_MALFORMED);
    free(m.at);
}

static void fields_may_overlap(void **state)
{
    (void)state;
    struct message m = from_hex(authenticate_hex);
    struct ntlm_authenticate a;

    put16(&m, AT_USER, 24);
    put16(&m, AT_USER + FIELD_OFFSET, 0x48);
    assert_int_equal(ntlm_authenticate_read(whole(&m), &a), FAULT_NONE);
    assert_ptr_equal(a.user.ptr, a.domain.ptr);
    assert_int_equal(a.user.len, 24);
    free(m.at);
}

static void the_offset_of_an_empty_field_means_nothing(void **state)
{
    (void)state;
    struct message m = from_hex(authenticate_hex);
    struct ntlm_authenticate a;

    put16(&m, AT_WORKSTATION, 0);
    put16(&m, AT_WORKSTATION + FIELD_OFFSET, 0xffff);
    assert_int_equal(ntlm_authenticate_read(whole(&m), &a), FAULT_NONE);
    assert_int_equal(a.workstation.len, 0);
    put16(&m, AT_WORKSTATION + FIELD_OFFSET, 0);
    assert_int_equal(ntlm_authenticate_read(whole(&m), &a), FAULT_NONE);
    assert_true(a.has_version);
    free(m.at);
}

static void utf16_of_odd_size_or_place_is_refused(void **state)
{
    (void)state;
    static const size_t names[] = { AT_DOMAIN, AT_USER, AT_WORKSTATION };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct message m = from_hex(authenticate_hex);
        m.at[names[i]] ^= 1;
        assert_int_equal(read_authenticate(&m), FAULT_NTLM_MALFORMED);
        m.at[names[i]] ^= 1;
        m.at[names[i] + FIELD_OFFSET] ^= 1;
        assert_int_equal(read_authenticate(&m), FAULT_NTLM_MALFORMED);
        /* an OEM character set counts octets */
        m.at[AT_FLAGS] ^= NTLM_NEGOTIATE_UNICODE | NTLM_NEGOTIATE_OEM;
        assert_int_equal(read_authenticate(&m), FAULT_NONE);
        free(m.at);
    }
}

static void responses_of_impossible_length_are_refused(void **state)
{
    (void)state;
    struct message m = from_hex(authenticate_hex);

    for (unsigned len = 0; len <= 64; len++) {
        bool possible = len == 0 || len == 24 || len >= 44;
        put16(&m, AT_NT, len);
        assert_int_equal(read_authenticate(&m), possible ? FAULT_NONE : FAULT_NTLM_MALFORMED);
    }
    free(m.at);
}

/* Windows NT and 2000: the payload begins right after the flags, there is no version. */
static void the_oldest_header_has_no_version(void **state)
{
    (void)state;
    const struct ntlm_authenticate in = { .lm_response = STR("LLLLLLLLLLLLLLLLLLLLLLLL"),
                                          .nt_response = STR("NNNNNNNNNNNNNNNNNNNNNNNN"),
                                          .domain = STR("D\0"),
                                          .user = STR("U\0s\0"),
                                          .workstation = STR_NONE,
                                          .session_key = STR("KKKKKKKKKKKKKKKK"),
                                          .flags = NTLM_NEGOTIATE_UNICODE };
    struct ntlm_authenticate a;
    struct buf out = { 0 };

    ntlm_authenticate_write(&in, false, &out);
    assert_int_equal(out.len, 64 + 6 + 24 + 24 + 16);
    assert_int_equal(ntlm_authenticate_read(buf_str(&out), &a), FAULT_NONE);
    assert_false(a.has_version);
    assert_true(str_eq(a.user, in.user));
    assert_true(str_eq(a.session_key, in.session_key));
    /* a claimed version for which there is no room is not taken from the payload */
    out.ptr[AT_FLAGS + 3] = NTLM_NEGOTIATE_VERSION >> 24;
    assert_int_equal(ntlm_authenticate_read(buf_str(&out), &a), FAULT_NONE);
    assert_false(a.has_version);
    buf_fini(&out);
}

static void room_for_a_mic_is_left_even_without_a_version(void **state)
{
    (void)state;
    const struct ntlm_authenticate in = { .lm_response = STR_NONE,
                                          .nt_response = STR_NONE,
                                          .domain = STR_NONE,
                                          .user = STR("U\0"),
                                          .workstation = STR_NONE,
                                          .session_key = STR_NONE,
                                          .flags = NTLM_NEGOTIATE_UNICODE };
    struct ntlm_authenticate a;
    struct buf out = { 0 };

    ntlm_authenticate_write(&in, true, &out);
    assert_int_equal(out.len, 88 + 2);
    assert_int_equal(ntlm_authenticate_read(buf_str(&out), &a), FAULT_NONE);
    assert_true(a.has_mic_room);
    assert_false(a.mic_claimed);
    buf_fini(&out);
}

static void response_kinds_are_told_by_length_and_lm_field(void **state)
{
    (void)state;
    static const char zeros[64] = { 0 };
    const struct str session = STR("cccccccc\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    const struct str lm = STR("cccccccc\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1");
    const struct str v1 = str_of(zeros, 24), v2 = str_of(zeros, 48);
    const uint32_t ess = NTLM_EXTENDED_SESSIONSECURITY;
    const struct {
        struct str lm, nt;
        uint32_t flags;
        enum ntlm_response_kind kind;
        const char *name;
    } rows[] = {
        { STR_NONE, STR_NONE, 0, NTLM_RESPONSE_ANONYMOUS, "anonymous" },
        { STR("\0"), STR_NONE, 0, NTLM_RESPONSE_ANONYMOUS, "anonymous" },
        { lm, STR_NONE, 0, NTLM_RESPONSE_LM, "lm" },
        { lm, v1, 0, NTLM_RESPONSE_NTLMV1, "ntlmv1" },
        { lm, v1, ess, NTLM_RESPONSE_NTLMV1, "ntlmv1" },
        { session, v1, 0, NTLM_RESPONSE_NTLMV1, "ntlmv1" },
        { STR_NONE, v1, ess, NTLM_RESPONSE_NTLMV1, "ntlmv1" },
        { session, v1, ess, NTLM_RESPONSE_NTLM2_SESSION, "ntlm2-session" },
        { lm, v2, 0, NTLM_RESPONSE_NTLMV2, "ntlmv2" },
        { STR_NONE, v2, ess, NTLM_RESPONSE_NTLMV2, "ntlmv2" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct ntlm_authenticate a = { .lm_response = rows[i].lm,
                                             .nt_response = rows[i].nt,
                                             .flags = rows[i].flags };
        assert_int_equal(ntlm_response_kind(&a), rows[i].kind);
        assert_string_equal(ntlm_response_kind_name(rows[i].kind), rows[i].name);
    }
}

static void a_damaged_pair_list_is_told(void **state)
{
    (void)state;
    struct buf list = { 0 };
    struct str rest, value;
    uint16_t id;
    bool bad;

    ntlm_av_add(&list, NTLM_AV_NB_DOMAIN, STR("D\0"));
    ntlm_av_add(&list, NTLM_AV_FLAGS, STR("\2\0\0\0"));
    ntlm_av_end(&list);
    for (size_t len = 0; len <= list.len; len++) {
        struct message part = copy_of(list.ptr, len);
        rest = whole(&part);
        bad = false;
        while (ntlm_av_next(&rest, &id, &value, &bad))
            ;
        assert_int_equal(bad, len < list.len);
        assert_int_equal(ntlm_av_find(whole(&part), NTLM_AV_FLAGS, &value), len >= 14);
        assert_false(ntlm_av_find(whole(&part), NTLM_AV_EOL, &value));
        free(part.at);
    }
    buf_fini(&list);
}

static void octets_after_the_end_of_the_pairs_are_ignored(void **state)
{
    (void)state;
    struct buf list = { 0 };
    struct str value;

    ntlm_av_end(&list);
    ntlm_av_add(&list, NTLM_AV_TIMESTAMP, STR("12345678"));
    assert_false(ntlm_av_find(buf_str(&list), NTLM_AV_TIMESTAMP, &value));
    buf_fini(&list);
}

static void flags_have_names_and_names_flags(void **state)
{
    (void)state;
    uint32_t bit;

    assert_string_equal(ntlm_flag_name(NTLM_NEGOTIATE_128), "128-bit");
    assert_string_equal(ntlm_flag_name(NTLM_EXTENDED_SESSIONSECURITY), "ntlmv2-session");
    assert_string_equal(ntlm_flag_name(NTLM_NEGOTIATE_KEY_EXCH), "key-exchange");
    assert_null(ntlm_flag_name(0x00000008));
    assert_null(ntlm_flag_name(0));
    assert_null(ntlm_flag_name(NTLM_NEGOTIATE_128 | NTLM_NEGOTIATE_KEY_EXCH));
    for (unsigned i = 0; i < 32; i++) {
        const char *name = ntlm_flag_name(UINT32_C(1) << i);
        if (name) {
            assert_true(ntlm_flag_from_name(str_from_c(name), &bit));
            assert_int_equal(bit, UINT32_C(1) << i);
        }
    }
    assert_true(ntlm_flag_from_name(STR("56-BIT"), &bit));
    assert_int_equal(bit, NTLM_NEGOTIATE_56);
    assert_false(ntlm_flag_from_name(STR("57-bit"), &bit));
    assert_false(ntlm_flag_from_name(STR_NONE, &bit));
}

static void redacting_leaves_names_and_flags_only(void **state)
{
    (void)state;
    struct message m = from_hex(authenticate_hex), before = from_hex(authenticate_hex);
    struct ntlm_authenticate a;

    ntlm_redact(m.at, m.len);
    assert_memory_equal(m.at, before.at, 0x72);
    for (size_t i = 0x72; i < m.len; i++)
        assert_int_equal(m.at[i], 0);
    assert_int_equal(ntlm_authenticate_read(whole(&m), &a), FAULT_NONE);
    assert_int_equal(a.nt_response.len, 198);
    free(m.at);
    free(before.at);
}

static void redacting_covers_the_mic_whether_claimed_or_not(void **state)
{
    (void)state;
    const struct ntlm_authenticate in = { .lm_response = STR_NONE,
                                          .nt_response = STR_NONE,
                                          .domain = STR_NONE,
                                          .user = STR("U\0"),
                                          .workstation = STR_NONE,
                                          .session_key = STR_NONE,
                                          .flags = NTLM_NEGOTIATE_UNICODE };
    struct buf out = { 0 };

    ntlm_authenticate_write(&in, true, &out);
    memset(out.ptr + 72, 0x4d, 16);
    ntlm_redact((uint8_t *)out.ptr, out.len);
    for (size_t i = 72; i < 88; i++)
        assert_int_equal(out.ptr[i], 0);
    assert_memory_equal(out.ptr + 88, "U\0", 2);
    buf_fini(&out);
}

static void a_name_that_overlaps_a_secret_goes_with_it(void **state)
{
    (void)state;
    struct message m = from_hex(authenticate_hex);

    put16(&m, AT_USER, 16);
    put16(&m, AT_USER + FIELD_OFFSET, (unsigned)m.len - 16);
    ntlm_redact(m.at, m.len);
    for (size_t i = m.len - 16; i < m.len; i++)
        assert_int_equal(m.at[i], 0);
    free(m.at);
}

static void a_challenge_stays_readable_in_a_log(void **state)
{
    (void)state;
    struct message m = from_hex(challenge_hex), before = from_hex(challenge_hex);

    ntlm_redact(m.at, m.len);
    assert_memory_equal(m.at, before.at, m.len);
    free(m.at);
    free(before.at);
}

static void what_cannot_be_read_is_overwritten_after_the_type(void **state)
{
    (void)state;
    struct message m = from_hex(authenticate_hex);

    for (size_t len = 0; len < m.len; len++) {
        struct message part = copy_of(m.at, len);
        ntlm_redact(part.at, part.len);
        assert_memory_equal(part.at, m.at, len < 12 ? len : 12);
        for (size_t i = 12; i < len; i++)
            assert_int_equal(part.at[i], 0);
        free(part.at);
    }
    free(m.at);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_truncation_of_an_authenticate_is_refused),
        cmocka_unit_test(every_truncation_of_a_challenge_is_refused),
        cmocka_unit_test(fields_are_slices_of_the_message),
        cmocka_unit_test(other_types_and_signatures_are_refused),
        cmocka_unit_test(a_field_that_points_into_the_header_is_refused),
        cmocka_unit_test(a_field_that_points_outside_is_refused),
        cmocka_unit_test(fields_may_overlap),
        cmocka_unit_test(the_offset_of_an_empty_field_means_nothing),
        cmocka_unit_test(utf16_of_odd_size_or_place_is_refused),
        cmocka_unit_test(responses_of_impossible_length_are_refused),
        cmocka_unit_test(the_oldest_header_has_no_version),
        cmocka_unit_test(room_for_a_mic_is_left_even_without_a_version),
        cmocka_unit_test(response_kinds_are_told_by_length_and_lm_field),
        cmocka_unit_test(a_damaged_pair_list_is_told),
        cmocka_unit_test(octets_after_the_end_of_the_pairs_are_ignored),
        cmocka_unit_test(flags_have_names_and_names_flags),
        cmocka_unit_test(redacting_leaves_names_and_flags_only),
        cmocka_unit_test(redacting_covers_the_mic_whether_claimed_or_not),
        cmocka_unit_test(a_name_that_overlaps_a_secret_goes_with_it),
        cmocka_unit_test(a_challenge_stays_readable_in_a_log),
        cmocka_unit_test(what_cannot_be_read_is_overwritten_after_the_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
