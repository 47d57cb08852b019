/* SPDX-License-Identifier: MIT */
/* Messages after the catalogue of RFC 4475, in tests/vectors/torture.  Well-formed ones give the
 * fields they hold; broken ones give the fault, and a reply where one can be made. */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "sip/addr.h"
#include "sip/authparam.h"
#include "sip/cseq.h"
#include "sip/frame.h"
#include "sip/reply.h"
#include "sip/uri.h"
#include "sip/via.h"
#include "unit/sip_case.h"

#define TORTURE POSTERN_SOURCE_ROOT "/tests/vectors/torture/"

enum { MESSAGE_MAX = 65536 };

struct valid {
    const char *name, *method, *uri_user, *uri_host;
    const char *from, *from_tag, *to, *call_id, *cseq;
    const char *transport, *via_host, *branch;
    unsigned vias, contacts, body;
};

#define INTMETH_METHOD "!interesting-Method0123456789_*+`.%indeed'~"
#define INTMETH_USER   "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"

/* uri_host NULL: a response, or a Request-URI of another scheme */
static const struct valid valid[] = {
    { "wsinv", "INVITE", "vivekg", "chair-dnrc.example.com", "sip:jdrosen@example.com", "98asjd8",
      "sip:vivekg@chair-dnrc.example.com", "wsinv.ndaksdj@192.0.2.1", "0009", "TCP", "192.0.2.2",
      "390skdjuw", 2, 1, 0 },
    { "intmeth", INTMETH_METHOD, INTMETH_USER, "example.com", "sip:mundane@example.com",
      "_token~1'+`*%!-.", "sip:" INTMETH_USER "@example.com",
      "intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{", "139122385", "TCP", "host1.example.com",
      "z9hG4bK-.!%66*_+`'~", 1, 0, 0 },
    { "esc01", "INVITE", "sips%3Auser%40example.com", "example.net",
      "sip:I%20have%20spaces@example.net", "938", "sip:%75se%72@example.com",
      "esc01.239409asdfakjkn23onasd0-3234", "234234", "TCP", "host5.example.net", "z9hG4bKkdjuw", 1,
      1, 0 },
    { "escnull", "REGISTER", "", "example.com", "sip:null-%00-null@example.com", "839923423",
      "sip:null-%00-null@example.com", "escnull.39203ndfvkjdasfkq3w4otrq0adsfdfnavd", "14398234",
      "TCP", "host5.example.com", "z9hG4bKkdjuw", 1, 2, 0 },
    { "esc02", "RE%47IST%45R", "", "registrar.example.com", "sip:resource@example.com",
      "f232jadfj23", "sip:resource@example.com", "esc02.asdfnqwo34rq23i34jrjasdcnl23nrlknsdf",
      "29344", "TCP", "host.example.com", "z9hG4bK209%fzsnel234", 1, 2, 0 },
    { "lwsdisp", "OPTIONS", "user", "example.com", "sip:caller@example.com", "323",
      "sip:user@example.com", "lwsdisp.1234abcd@funky.example.com", "60", "UDP",
      "funky.example.com", "z9hG4bKkdjuw", 1, 0, 0 },
    { "longreq", "INVITE", "user", "example.com", NULL, NULL, NULL, NULL, "3882340", "TCP",
      "sip33.example.com", "", 33, 1, 0 },
    { "dblreq", "REGISTER", "", "example.com", "sip:j.user@example.com", "43251j3j324",
      "sip:j.user@example.com", "dblreq.0ha0isndaksdj99sdfafnl3lk233412", "8", "UDP", "192.0.2.125",
      "z9hG4bKkdjuw23492", 1, 1, 0 },
    { "semiuri", "OPTIONS", "user;par=u%40example.net", "example.com", "sip:caller@example.org",
      "33242", "sip:j_user@example.com", "semiuri.0ha0isndaksdj", "8", "UDP", "192.0.2.1",
      "z9hG4bKkdjuw", 1, 0, 0 },
    { "transports", "OPTIONS", "user", "example.com", "sip:caller@example.com", "323",
      "sip:user@example.com", "transports.kijh4akdnaqjkwendsasfdj", "60", "UDP", "t1.example.com",
      "z9hG4bKkdjuw", 5, 0, 0 },
    { "mpart01", "MESSAGE", "kumiko", "example.org", "sip:fluffy@example.com", "2fb0dcc9",
      "sip:kumiko@example.org", "3d9485ad0c49859b@Zmx1ZmZ5LW1hYy0xNi5sb2NhbA..", "1", "UDP",
      "127.0.0.1", "z9hG4bK-d87543-4dade06d0bdb11ee-1--d87543-", 1, 1, 418 },
    { "unreason", "INVITE", NULL, NULL, "sip:user@example.com", "11141343", "sip:user@example.edu",
      "unreason.1234ksdfak3j2erwedfsASdf", "35", "UDP", "192.0.2.198", "z9hG4bK1324923", 1, 1, 0 },
    { "noreason", "INVITE", NULL, NULL, "sip:user@example.com", "39ansfi3", "sip:user@example.edu",
      "noreason.asndj203insdf99223ndf", "35", "UDP", "192.0.2.105", "z9hG4bK2398ndaoe", 1, 1, 0 },
    { "badbranch", "OPTIONS", "user", "example.com", "sip:caller@example.org", "33242",
      "sip:user@example.com", "badbranch.sadonfo23i420jv0as0derf3j3n", "8", "UDP", "192.0.2.1",
      "z9hG4bK", 1, 0, 0 },
    { "unkscm", "OPTIONS", NULL, NULL, "sip:caller@example.net", "193402342",
      "sip:user@example.com", "unkscm.8923kjhdfasj23", "3923423", "TCP", "host9.example.com",
      "z9hG4bKkdjuw39234", 1, 0, 0 },
    { "novelsc", "OPTIONS", NULL, NULL, "sip:caller@example.net", "193402342",
      "sip:user@example.com", "novelsc.8923kjhdfasj23", "3923423", "TCP", "host9.example.com",
      "z9hG4bKkdjuw39234", 1, 0, 0 },
    { "bext01", "OPTIONS", "user", "example.com", "sip:caller@example.net", "193402342",
      "sip:user@example.com", "bext01.8923kjhdfasj23", "3923423", "TCP", "host9.example.com",
      "z9hG4bKkdjuw39234", 1, 0, 0 },
    { "zeromf", "OPTIONS", "user", "example.com", "sip:caller@example.net", "193402342",
      "sip:user@example.com", "zeromf.8923kjhdfasj23", "3923423", "TCP", "host9.example.com",
      "z9hG4bKkdjuw39234", 1, 0, 0 },
    { "cparam01", "REGISTER", "", "example.com", "sip:caller@example.net", "193402342",
      "sip:user@example.com", "cparam01.8923kjhdfasj23", "3923423", "TCP", "host9.example.com",
      "z9hG4bKkdjuw39234", 1, 1, 0 },
    { "cparam02", "REGISTER", "", "example.com", "sip:caller@example.net", "193402342",
      "sip:user@example.com", "cparam02.8923kjhdfasj23", "3923423", "TCP", "host9.example.com",
      "z9hG4bKkdjuw39234", 1, 1, 0 },
    { "regescrt", "REGISTER", "", "example.com", "sip:caller@example.net", "193402342",
      "sip:user@example.com", "regescrt.8923kjhdfasj23", "3923423", "TCP", "host9.example.com",
      "z9hG4bKkdjuw39234", 1, 1, 0 },
    { "unksm2", "REGISTER", "", "registrar.example.com", "http://www.example.com", "3234233",
      "isbn:2983792873", "unksm2.8923kjhdfasj23", "3923423", "TCP", "host9.example.com",
      "z9hG4bKkdjuw39234", 1, 0, 0 },
    { "regaut01", "REGISTER", "", "example.com", "sip:caller@example.net", "193402342",
      "sip:user@example.com", "regaut01.8923kjhdfasj23", "3923423", "TCP", "host9.example.com",
      "z9hG4bKkdjuw39234", 1, 1, 0 },
    { "inv2543", "INVITE", "UserB", "example.com",
      "sip:+13035551111@ift.client.example.net;user=phone", "", "sip:+16505552222@ss1.example.net",
      "inv2543.1717@ift.client.example.com", "56", "UDP", "iftgw.example.com", "", 1, 0, 0 },
    /* headers in the Request-URI, a date of another zone: nothing the parser has a say in */
    { "escruri", "OPTIONS", "user", "example.com", "sip:caller@example.net", "193402342",
      "sip:user@example.com", "escruri.8923kjhdfasj23", "3923423", "TCP", "host9.example.com",
      "z9hG4bKkdjuw39234", 1, 0, 0 },
    { "baddate", "OPTIONS", "user", "example.com", "sip:caller@example.net", "193402342",
      "sip:user@example.com", "baddate.8923kjhdfasj23", "3923423", "TCP", "host9.example.com",
      "z9hG4bKkdjuw39234", 1, 0, 0 },
};

enum stage { FRAME, PARSE, FIELDS };

struct broken {
    const char *name;
    enum stage stage;
    enum fault fault;
    bool can_reply;
};

/* Stage FRAME with FAULT_NONE: more bytes are waited for. */
static const struct broken broken[] = {
    { "badinv01", PARSE, FAULT_SIP_VIA, true },
    { "clerr", FRAME, FAULT_NONE, false },
    { "ncl", FRAME, FAULT_SIP_CONTENT_LENGTH, true },
    { "hugecl", FRAME, FAULT_SIP_CONTENT_LENGTH, true },
    { "wordcl", FRAME, FAULT_SIP_CONTENT_LENGTH, true },
    { "twocl", FRAME, FAULT_SIP_DUPLICATE_HEADER, true },
    { "mcl01", FRAME, FAULT_SIP_DUPLICATE_HEADER, true },
    { "scalar02", PARSE, FAULT_SIP_CSEQ, true },
    { "scalarlg", PARSE, FAULT_SIP_CSEQ, false },
    { "quotbal", FIELDS, FAULT_SIP_ADDRESS, true },
    { "ltgtruri", FIELDS, FAULT_SIP_URI, true },
    { "lwsruri", PARSE, FAULT_SIP_START_LINE, true },
    { "lwsstart", PARSE, FAULT_SIP_START_LINE, true },
    { "trws", PARSE, FAULT_SIP_START_LINE, true },
    { "regbadct", FIELDS, FAULT_SIP_ADDRESS, true },
    { "badaspec", FIELDS, FAULT_SIP_ADDRESS, true },
    { "baddn", FIELDS, FAULT_SIP_ADDRESS, true },
    { "badvers", PARSE, FAULT_SIP_VERSION, true },
    { "mismatch01", PARSE, FAULT_SIP_CSEQ, true },
    { "mismatch02", PARSE, FAULT_SIP_CSEQ, true },
    { "bigcode", PARSE, FAULT_SIP_START_LINE, false },
    { "insuf", PARSE, FAULT_SIP_MISSING_HEADER, false },
    { "multi01", PARSE, FAULT_SIP_DUPLICATE_HEADER, true },
    /* what a stream may bring besides */
    { "nul", PARSE, FAULT_SIP_HEADER, true },
    { "nulfrom", PARSE, FAULT_SIP_HEADER, false },
    { "lonelf", PARSE, FAULT_SIP_HEADER, true },
    { "onelonelf", PARSE, FAULT_SIP_HEADER, true },
    { "lonecr", PARSE, FAULT_SIP_HEADER, true },
    { "nocolon", PARSE, FAULT_SIP_HEADER, true },
    { "noname", PARSE, FAULT_SIP_HEADER, true },
    { "badname", PARSE, FAULT_SIP_HEADER, true },
    { "foldfirst", PARSE, FAULT_SIP_HEADER, true },
    { "emptycallid", PARSE, FAULT_SIP_MISSING_HEADER, false },
    { "http", FRAME, FAULT_SIP_NOT_SIP, false },
    { "httpabs", PARSE, FAULT_SIP_START_LINE, false },
    { "tlshello", FRAME, FAULT_SIP_NOT_SIP, false },
    { "garbage", FRAME, FAULT_SIP_NOT_SIP, false },
};

static struct str load(const char *name, struct buf *file)
{
    char path[512], part[4096];
    snprintf(path, sizeof(path), TORTURE "%s.sip", name);
    FILE *f = fopen(path, "rb");
    if (!f)
        fail_msg("cannot open %s", path);
    for (size_t n; (n = fread(part, 1, sizeof(part), f)) > 0;)
        buf_add(file, str_of(part, n));
    fclose(f);
    return buf_str(file);
}

static void expect(const char *name, const char *what, struct str is, const char *expected)
{
    if (expected && !str_eq(is, str_from_c(expected)))
        fail_msg("%s: %s is \"%.*s\", not \"%s\"", name, what, STR_ARG(is), expected);
}

static unsigned count(const struct sip_msg *m, enum sip_field id)
{
    unsigned n = 0;
    for (const struct sip_header *h = sip_msg_first(m, id); h; h = sip_msg_next(m, h))
        n++;
    return n;
}

static enum fault parse_frame(struct sip_case *c, struct str raw)
{
    struct sip_frame f = { 0 };
    sip_frame_next(raw, MESSAGE_MAX, &f);
    assert_int_equal(f.status, SIP_FRAME_MESSAGE);
    return sip_msg_parse(str_first(raw, f.total), f.head_len, SIP_HEADERS_MAX_DEFAULT, &c->arena,
                         &c->msg);
}

static void check_addresses(const struct valid *v, const struct sip_msg *m, struct arena *arena)
{
    struct sip_addr from, to;
    assert_int_equal(sip_addr_parse(sip_unfold(sip_msg_value(m, SIP_FROM), arena), &from, NULL),
                     FAULT_NONE);
    assert_int_equal(sip_addr_parse(sip_unfold(sip_msg_value(m, SIP_TO), arena), &to, NULL),
                     FAULT_NONE);
    expect(v->name, "From", from.uri, v->from);
    expect(v->name, "From tag", sip_addr_tag(&from), v->from_tag);
    expect(v->name, "To", to.uri, v->to);
    for (const struct sip_header *h = sip_msg_first(m, SIP_CONTACT); h; h = sip_msg_next(m, h)) {
        struct sip_addr contact;
        assert_int_equal(sip_addr_parse(h->value, &contact, NULL), FAULT_NONE);
    }
}

static void check_valid(struct sip_case *c, const struct valid *v)
{
    struct buf file = { 0 };
    struct sip_uri uri;
    struct sip_via via;

    enum fault fault = parse_frame(c, load(v->name, &file));
    if (fault != FAULT_NONE)
        fail_msg("%s: %s", v->name, fault_name(fault));
    const struct sip_msg *m = &c->msg;
    expect(v->name, "method", m->method, v->method);
    if (v->uri_host) {
        assert_int_equal(sip_uri_parse(m->uri, &uri), FAULT_NONE);
        expect(v->name, "user", uri.user, v->uri_user);
        expect(v->name, "host", uri.host, v->uri_host);
    }
    check_addresses(v, m, &c->arena);
    expect(v->name, "Call-ID", m->call_id, v->call_id);
    expect(v->name, "CSeq", m->cseq_digits, v->cseq);
    assert_int_equal(sip_via_parse(sip_msg_value(m, SIP_VIA), &via, NULL), FAULT_NONE);
    expect(v->name, "transport", via.transport, v->transport);
    expect(v->name, "sent-by", via.host, v->via_host);
    expect(v->name, "branch", via.branch, v->branch);
    assert_int_equal(count(m, SIP_VIA), v->vias);
    assert_int_equal(count(m, SIP_CONTACT), v->contacts);
    if (v->body)
        assert_int_equal(m->body.len, v->body);
    buf_fini(&file);
    arena_reset(&c->arena);
}

static void well_formed_ones_give_their_fields(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(valid); i++)
        check_valid(*state, &valid[i]);
}

/* The first fault among what a server reads after the parse. */
static enum fault read_fields(const struct sip_msg *m, struct arena *arena)
{
    static const enum sip_field addresses[] = { SIP_FROM, SIP_TO, SIP_CONTACT };
    struct sip_addr from, addr;
    struct sip_uri uri;
    struct str rest;

    for (size_t i = 0; i < ARRAY_LEN(addresses); i++) {
        struct str value = sip_unfold(sip_msg_value(m, addresses[i]), arena);
        if (value.len > 0 && sip_addr_parse(value, &addr, &rest) != FAULT_NONE)
            return FAULT_SIP_ADDRESS;
        if (i == 0)
            from = addr;
    }
    enum fault fault = sip_uri_parse(m->uri, &uri);
    return fault != FAULT_NONE ? fault : sip_uri_parse(from.uri, &uri);
}

/* A reply is possible, and holds no line its parts did not have. */
static void check_reply(const char *name, const struct sip_msg *m)
{
    struct buf out = { 0 };
    struct sip_reply r;

    sip_reply_begin(&r, &out, m, 400, STR("Bad Request"), STR("tag"), NULL);
    sip_reply_end(&r, STR_NONE, STR_NONE);
    struct str text = buf_str(&out);
    assert_true(str_find_char(text, '\0') == SIZE_MAX);
    unsigned lines = 0;
    while (text.len > 0) {
        struct str line = str_take_until(&text, '\n');
        if (line.len == 0 || line.ptr[line.len - 1] != '\r' ||
            str_find_char(line, '\r') != line.len - 1)
            fail_msg("%s: \"%.*s\" in the reply", name, STR_ARG(line));
        lines++;
    }
    /* start line, From, To, Call-ID, CSeq, Content-Length, empty line */
    assert_int_equal(lines, 7 + count(m, SIP_VIA) + count(m, SIP_FROM) - 1 + count(m, SIP_CALL_ID) -
                                1 + count(m, SIP_CSEQ) - 1);
    buf_fini(&out);
}

static enum fault find_fault(struct sip_case *c, const struct broken *b, struct str raw)
{
    struct sip_frame f = { 0 };

    sip_frame_next(raw, MESSAGE_MAX, &f);
    if (b->stage == FRAME) {
        assert_int_equal(f.status, b->fault == FAULT_NONE ? SIP_FRAME_MORE : SIP_FRAME_BROKEN);
        (void)sip_case_parse(c, raw);
        return f.fault;
    }
    enum fault fault = parse_frame(c, raw);
    if (b->stage == FIELDS && fault == FAULT_NONE)
        return read_fields(&c->msg, &c->arena);
    return fault;
}

static void broken_ones_give_their_fault_and_a_reply_where_possible(void **state)
{
    struct sip_case *c = *state;

    for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
        const struct broken *b = &broken[i];
        struct buf file = { 0 };
        enum fault fault = find_fault(c, b, load(b->name, &file));
        if (fault != b->fault)
            fail_msg("%s: %s, not %s", b->name, fault_name(fault), fault_name(b->fault));
        if (fault != FAULT_NONE && sip_msg_can_reply(&c->msg) != b->can_reply)
            fail_msg("%s: reply possible: %d", b->name, !b->can_reply);
        if (sip_msg_can_reply(&c->msg))
            check_reply(b->name, &c->msg);
        buf_fini(&file);
        arena_reset(&c->arena);
    }
}

static void a_second_message_behind_the_first_is_the_next(void **state)
{
    struct sip_case *c = *state;
    struct buf file = { 0 };
    struct str raw = load("dblreq", &file);

    assert_int_equal(parse_frame(c, raw), FAULT_NONE);
    raw = str_skip(raw, c->msg.raw.len);
    assert_int_equal(parse_frame(c, raw), FAULT_NONE);
    assert_str(c->msg.method, STR("INVITE"));
    buf_fini(&file);
}

static void percent_signs_do_not_make_a_header_name(void **state)
{
    struct sip_case *c = *state;
    struct buf file = { 0 };

    assert_int_equal(parse_frame(c, load("esc02", &file)), FAULT_NONE);
    assert_false(str_eq(c->msg.method, STR("REGISTER")));
    assert_non_null(sip_msg_find(&c->msg, STR("C%6Fntact")));
    buf_fini(&file);
}

static void addresses_of_other_schemes_belong_to_no_user(void **state)
{
    struct sip_case *c = *state;
    struct buf file = { 0 };
    struct sip_addr from;
    struct sip_uri uri;

    assert_int_equal(parse_frame(c, load("unksm2", &file)), FAULT_NONE);
    assert_int_equal(sip_addr_parse(sip_msg_value(&c->msg, SIP_FROM), &from, NULL), FAULT_NONE);
    assert_int_equal(sip_uri_parse(from.uri, &uri), FAULT_NONE);
    assert_int_equal(sip_uri_user_key(&uri, &c->arena).len, 0);
    buf_fini(&file);
}

static bool is_listed(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(valid); i++) {
        if (str_eq(name, str_from_c(valid[i].name)))
            return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
        if (str_eq(name, str_from_c(broken[i].name)))
            return true;
    }
    return str_eq(name, STR("pingpong"));
}

/* Every message cut at every place: nothing is read beyond its end. */
static void cut_everywhere(struct sip_case *c, struct str raw)
{
    for (size_t n = 0; n<raw.len; n += raw.len> 4096 ? 61 : 1) {
        char *exact = malloc(n + 1); /* the sanitizer watches its end */
        assert_non_null(exact);
        memcpy(exact, raw.ptr, n);
        struct str part = str_of(exact, n);
        struct sip_frame f = { 0 };
        sip_frame_next(part, MESSAGE_MAX, &f);
        assert_true(f.status != SIP_FRAME_MESSAGE || f.total <= n);
        if (sip_msg_parse(part, n, SIP_HEADERS_MAX_DEFAULT, &c->arena, &c->msg) == FAULT_NONE)
            (void)read_fields(&c->msg, &c->arena);
        arena_reset(&c->arena);
        free(exact);
    }
}

static void every_file_is_known_and_may_be_cut_anywhere(void **state)
{
    glob_t files;
    assert_int_equal(glob(TORTURE "*.sip", 0, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        char name[64];
        struct buf file = { 0 };
        struct str base = str_from_c(files.gl_pathv[i] + strlen(TORTURE));
        snprintf(name, sizeof(name), "%.*s", (int)base.len - 4, base.ptr);
        if (!is_listed(str_from_c(name)))
            fail_msg("%s is in no table", name);
        cut_everywhere(*state, load(name, &file));
        buf_fini(&file);
    }
    globfree(&files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SIP_CASE_TEST(well_formed_ones_give_their_fields),
        SIP_CASE_TEST(broken_ones_give_their_fault_and_a_reply_where_possible),
        SIP_CASE_TEST(a_second_message_behind_the_first_is_the_next),
        SIP_CASE_TEST(percent_signs_do_not_make_a_header_name),
        SIP_CASE_TEST(addresses_of_other_schemes_belong_to_no_user),
        SIP_CASE_TEST(every_file_is_known_and_may_be_cut_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
