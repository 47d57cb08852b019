/* SPDX-License-Identifier: MIT */
/* Two ends of TLS in memory, and a directory for the certificates they use. */
#ifndef POSTERN_TESTS_TLS_PAIR_H
#define POSTERN_TESTS_TLS_PAIR_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tls/tls.h"

enum { PATH_LEN = 128 };

static char dir[PATH_LEN];

static inline void tls_dir_make(void)
{
    snprintf(dir, sizeof(dir), "/tmp/postern-tls-XXXXXX");
    assert_non_null(mkdtemp(dir));
}

/* A path in the test's directory; a few live at a time. */
static inline const char *in_dir(const char *name)
{
    static char paths[16][PATH_LEN + 257];
    static unsigned next;
    char *path = paths[next++ % ARRAY_LEN(paths)];

    snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
    return path;
}

static inline void make_cert(const char *ca, const char *ca_key, const char *const *names, bool rsa,
                             const char *cert, const char *key)
{
    struct buf why = { 0 };

    assert_true(
        tls_make_cert(in_dir(ca), in_dir(ca_key), names, rsa, in_dir(cert), in_dir(key), &why));
    assert_int_equal(why.len, 0);
}

static inline int remove_entry(const char *path, const struct stat *st, int type, struct FTW *walk)
{
    (void)st;
    (void)type;
    (void)walk;
    return remove(path);
}

static inline void tls_dir_remove(void)
{
    assert_int_equal(nftw(dir, remove_entry, 4, FTW_DEPTH | FTW_PHYS), 0);
}

/* --- two ends in memory --- */

struct end {
    struct tls *tls;
    struct buf out;
    enum tls_status status;
};

struct pair {
    struct tls_context *server_context, *client_context;
    struct end server, client;
};

static inline struct tls_context *client_context(enum tls_client_kind kind, const char *ca)
{
    struct tls_client_settings s = { .kind = kind, .ca_file = in_dir(ca) };
    struct buf why = { 0 };
    struct tls_context *c = tls_client_context_new(&s, &why);

    assert_non_null(c);
    return c;
}

static inline void pair_begin(struct pair *p, struct tls_context *server,
                              struct tls_context *client, const char *name)
{
    *p = (struct pair){ .server_context = server, .client_context = client };
    p->server.tls = tls_new(server, NULL);
    p->client.tls = tls_new(client, name);
    p->server.status = p->client.status = TLS_AGAIN;
}

static inline void pair_end(struct pair *p)
{
    tls_free(p->server.tls);
    tls_free(p->client.tls);
    buf_fini(&p->server.out);
    buf_fini(&p->client.out);
    tls_context_free(p->server_context);
    tls_context_free(p->client_context);
}

/* One end works on what the other wrote, at most `step` bytes at a time; what comes behind the
 * handshake (tickets) is read too. */
static inline void work(struct end *e, struct end *from, size_t step)
{
    struct buf in = from->out;
    struct str rest = buf_str(&in);

    from->out = (struct buf){ 0 };
    do {
        char none[8];
        size_t got;

        tls_set_io(e->tls, str_first(rest, step), &e->out);
        if (e->status == TLS_AGAIN)
            e->status = tls_handshake(e->tls);
        if (e->status == TLS_OK)
            assert_int_not_equal(tls_read(e->tls, none, sizeof(none), &got), TLS_OK);
        rest = str_skip(rest, step);
    } while (rest.len > 0);
    tls_set_io(e->tls, STR_NONE, &e->out);
    buf_fini(&in);
}

static inline void shake_in_steps(struct pair *p, size_t step)
{
    for (int i = 0; i < 12; i++) {
        work(&p->client, &p->server, step);
        work(&p->server, &p->client, step);
    }
}

static inline void shake(struct pair *p)
{
    shake_in_steps(p, SIZE_MAX / 2);
}

static inline void assert_text(void (*print)(const struct tls *, struct buf *), const struct tls *t,
                               const char *expected)
{
    struct buf text = { 0 };

    print(t, &text);
    buf_add_char(&text, '\0');
    assert_string_equal(text.ptr, expected);
    buf_fini(&text);
}

static inline void assert_signed_in(const struct pair *p)
{
    if (p->client.status != TLS_OK || p->server.status != TLS_OK)
        print_error("client: %s; server: %s\n", tls_reason(p->client.tls),
                    tls_reason(p->server.tls));
    assert_int_equal(p->client.status, TLS_OK);
    assert_int_equal(p->server.status, TLS_OK);
}

/* --- data --- */

static inline size_t read_all(struct end *e, struct end *from, char *into, size_t cap)
{
    struct buf in = from->out;
    size_t total = 0, got;

    from->out = (struct buf){ 0 };
    tls_set_io(e->tls, buf_str(&in), &e->out);
    while (total < cap && tls_read(e->tls, into + total, cap - total, &got) == TLS_OK)
        total += got;
    assert_int_equal(tls_input_left(e->tls), 0);
    assert_false(tls_pending(e->tls));
    tls_set_io(e->tls, STR_NONE, &e->out);
    buf_fini(&in);
    return total;
}

/* What a client keeps of a first visit, for a second one. */
static inline void first_visit(struct tls_context *server, enum tls_client_kind kind,
                               struct buf *session)
{
    struct pair p;
    char byte[8];

    pair_begin(&p, server, client_context(kind, "ca.pem"), "fe.example.test");
    shake(&p);
    assert_signed_in(&p);
    /* a TLS 1.3 ticket comes behind the handshake */
    assert_true(tls_write(p.server.tls, STR("x")));
    assert_int_equal(read_all(&p.client, &p.server, byte, sizeof(byte)), 1);
    assert_true(tls_session_get(p.client.tls, session));
    pair_end(&p);
}

#endif
