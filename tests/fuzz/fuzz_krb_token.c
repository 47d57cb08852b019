/* SPDX-License-Identifier: MIT */
/* A client's Kerberos token at the acceptor.  An input that begins with 'T' is a token, one that
 * begins with 'C' is what the GSS layer says inside of a token that is good otherwise, which
 * without the key nobody could get past the encryption.  The keytab has always the same key, and
 * the clock is of no matter, so tokens of the corpus stay good. */
#include "../unit/krb_kit.h"
#include "base/secret.h"
#include "kerberos/accept.h"
#include "kerberos/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct krb_kit kit;
static struct krb_acceptor *acceptor;

static void demand(bool holds)
{
    if (!holds)
        abort();
}

static void end(void)
{
    krb_acceptor_free(acceptor);
    krb_kit_fini(&kit);
}

static void begin(void)
{
    struct buf why = { 0 };

    krb_kit_init(&kit, ENCTYPE_AES256_CTS_HMAC_SHA1_96, "  clockskew = 1000000000");
    struct krb_acceptor_settings s = { .keytab = kit.keytab,
                                       .service = "sip/fe.example.test",
                                       .replay_cache = kit.replay_cache };
    acceptor = krb_acceptor_new(&s, &why);
    demand(acceptor && why.len == 0);
    atexit(end);
}

static bool within(struct str inner, struct str outer)
{
    return inner.ptr >= outer.ptr && inner.ptr + inner.len <= outer.ptr + outer.len;
}

static void read_frame(struct str token)
{
    struct str request, ticket;

    if (krb_token_request(token, &request)) {
        demand(request.len > 0 && within(request, token));
        if (krb_token_ticket(request, &ticket))
            demand(ticket.len > 0 && within(ticket, request));
    }
    if (krb_token_ticket(token, &ticket))
        demand(ticket.len > 0 && within(ticket, token));
}

static void present(struct str token)
{
    struct krb_accepted got;
    struct buf reply = { 0 }, detail = { 0 };

    unlink(kit.replay_cache); /* the same token is the same each time */
    enum fault fault = krb_accept(acceptor, token, &got, &reply, &detail);
    if (fault == FAULT_NONE) {
        demand(strcmp(got.principal, "ada@R.TEST") == 0);
        demand(got.keys.key_len == 16 || got.keys.key_len == 32);
    } else {
        demand(fault_name(fault)[0] == 'k' &&
               detail.len + (size_t)(fault == FAULT_KERBEROS_TOKEN) > 0);
        demand(got.keys.key_len == 0 && reply.len == 0);
    }
    demand(fault != FAULT_KERBEROS_KEYTAB && fault != FAULT_KERBEROS_CACHE);
    secret_wipe(&got, sizeof(got));
    buf_fini(&reply);
    buf_fini(&detail);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf token = { 0 };

    if (!acceptor)
        begin();
    if (size < 2 || size > 70000)
        return 0;
    struct str rest = str_of(data + 1, size - 1);
    if (data[0] == 'C')
        krb_kit_token(&kit, &(struct krb_kit_token){ .checksum = rest }, &token);
    else
        buf_add(&token, rest);
    read_frame(buf_str(&token));
    present(buf_str(&token));
    buf_fini(&token);
    return 0;
}
