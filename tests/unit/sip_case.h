/* SPDX-License-Identifier: MIT */
/* What the tests of src/sip share: a message from text, on an arena of its own. */
#ifndef POSTERN_TESTS_SIP_CASE_H
#define POSTERN_TESTS_SIP_CASE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/arena.h"
#include "sip/msg.h"

#define assert_str(is, expected)                                                                   \
    do {                                                                                           \
        struct str is_ = (is), expected_ = (expected);                                             \
        assert_int_equal(is_.len, expected_.len);                                                  \
        assert_memory_equal(is_.ptr, expected_.ptr, expected_.len);                                \
    } while (0)

struct sip_case {
    struct arena arena;
    struct sip_msg msg;
};

static inline int sip_case_open(void **state)
{
    static struct sip_case c;
    arena_init(&c.arena, 4096, 256 * 1024);
    *state = &c;
    return 0;
}

static inline int sip_case_close(void **state)
{
    struct sip_case *c = *state;
    arena_fini(&c->arena);
    return 0;
}

/* The head ends where the text has its empty line, or with the text. */
static inline enum fault sip_case_parse(struct sip_case *c, struct str raw)
{
    size_t end = str_find(raw, STR("\r\n\r\n"));
    size_t head_len = end == SIZE_MAX ? raw.len : end + 4;
    return sip_msg_parse(raw, head_len, SIP_HEADERS_MAX_DEFAULT, &c->arena, &c->msg);
}

#define SIP_CASE_TEST(name) cmocka_unit_test_setup_teardown(name, sip_case_open, sip_case_close)

/* The headers every request needs, for a REGISTER. */
#define MANDATORY                                                                                  \
    "Via: SIP/2.0/TLS 10.0.0.5:4242\r\n"                                                           \
    "From: <sip:alice@example.com>;tag=a1;epid=0123456789\r\n"                                     \
    "To: <sip:alice@example.com>\r\n"                                                              \
    "Call-ID: c4ll@10.0.0.5\r\n"                                                                   \
    "CSeq: 1 REGISTER\r\n"

#endif
