/* SPDX-License-Identifier: MIT */
/* Tickets and tokens without a KDC: whoever knows the service's key may issue tickets for it.  Two
 * functions are the KDC's own and in no header, but the library must offer them for its sake. */
#ifndef POSTERN_TESTS_KRB_KIT_H
#define POSTERN_TESTS_KRB_KIT_H

#include <assert.h>
#include <krb5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/str.h"

krb5_error_code krb5_encrypt_tkt_part(krb5_context k, const krb5_keyblock *key, krb5_ticket *t);
krb5_error_code encode_krb5_ticket(const krb5_ticket *t, krb5_data **out);

enum { KRB_KIT_CHECKSUM_GSS = 0x8003, KRB_KIT_CHECKSUM_LEN = 24 };

struct krb_kit {
    krb5_context k;
    krb5_keyblock *key; /* of the service; always the same, so that tokens can be kept */
    krb5_principal client, service;
    char dir[64], keytab[96], conf[96], replay_cache[96];
};

/* What a token is made of; zeros are what is ordinary. */
struct krb_kit_token {
    krb5_enctype session;   /* AES256 */
    int32_t ahead;          /* the client's clock */
    int32_t begins, life;   /* of the ticket, from now: 0, and an hour */
    const char *service;    /* as the ticket names it */
    struct str checksum;    /* the GSS layer's words; empty: integrity only */
    krb5_keyblock *instead; /* of the service's key */
};

static inline void krb_kit_must(krb5_error_code code)
{
    if (code != 0) {
        fprintf(stderr, "krb_kit: %s\n", krb5_get_error_message(NULL, code));
        abort();
    }
}

static inline void krb_kit_write(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    if (!f || fputs(text, f) < 0 || fclose(f) != 0)
        abort();
}

static inline krb5_keyblock *krb_kit_key(krb5_context k, krb5_enctype type, uint8_t octet)
{
    krb5_keyblock *key;

    krb_kit_must(
        krb5_init_keyblock(k, type, type == ENCTYPE_AES256_CTS_HMAC_SHA1_96 ? 32 : 16, &key));
    memset(key->contents, octet, key->length);
    return key;
}

/* A keytab for sip/fe.example.test in a folder of its own; `words` go to [libdefaults]. */
static inline void krb_kit_init(struct krb_kit *kit, krb5_enctype type, const char *words)
{
    char text[512], name[128];
    krb5_keytab keys;
    krb5_keytab_entry entry = { .vno = 3 };

    *kit = (struct krb_kit){ .dir = "/tmp/postern-krb-XXXXXX" };
    if (!mkdtemp(kit->dir))
        abort();
    snprintf(kit->conf, sizeof(kit->conf), "%s/krb5.conf", kit->dir);
    snprintf(kit->keytab, sizeof(kit->keytab), "%s/keytab", kit->dir);
    snprintf(kit->replay_cache, sizeof(kit->replay_cache), "%s/replay", kit->dir);
    snprintf(text, sizeof(text),
             "[libdefaults]\n  default_realm = R.TEST\n  allow_rc4 = true\n%s\n", words);
    krb_kit_write(kit->conf, text);
    setenv("KRB5_CONFIG", kit->conf, 1);
    krb_kit_must(krb5_init_context(&kit->k));
    krb_kit_must(krb5_parse_name(kit->k, "ada@R.TEST", &kit->client));
    krb_kit_must(krb5_parse_name(kit->k, "sip/fe.example.test@R.TEST", &kit->service));
    kit->key = krb_kit_key(kit->k, type, 'k');
    snprintf(name, sizeof(name), "WRFILE:%s", kit->keytab);
    krb_kit_must(krb5_kt_resolve(kit->k, name, &keys));
    entry.principal = kit->service;
    entry.key = *kit->key;
    krb_kit_must(krb5_kt_add_entry(kit->k, keys, &entry));
    krb_kit_must(krb5_kt_close(kit->k, keys));
}

static inline void krb_kit_fini(struct krb_kit *kit)
{
    krb5_free_principal(kit->k, kit->client);
    krb5_free_principal(kit->k, kit->service);
    krb5_free_keyblock(kit->k, kit->key);
    krb5_free_context(kit->k);
    unlink(kit->keytab);
    unlink(kit->conf);
    unlink(kit->replay_cache);
    rmdir(kit->dir);
}

/* As a KDC would: the session key and whose it is, encrypted for the service. */
static inline void krb_kit_ticket(struct krb_kit *kit, const struct krb_kit_token *t,
                                  krb5_creds *out)
{
    krb5_timestamp now;
    krb5_enc_tkt_part inside = { .flags = TKT_FLG_INITIAL, .client = kit->client };
    krb5_ticket ticket = { .server = kit->service, .enc_part2 = &inside };
    krb5_data *octets;
    krb5_principal other = NULL;

    *out = (krb5_creds){ 0 };
    krb_kit_must(krb5_timeofday(kit->k, &now));
    inside.session =
        krb_kit_key(kit->k, t->session ? t->session : ENCTYPE_AES256_CTS_HMAC_SHA1_96, 's');
    inside.times.authtime = inside.times.starttime = (krb5_timestamp)(now + t->begins);
    inside.times.endtime = (krb5_timestamp)(now + (t->life ? t->life : 3600));
    ticket.enc_part.kvno = 3;
    if (t->service) {
        krb_kit_must(krb5_parse_name(kit->k, t->service, &other));
        ticket.server = other;
    }
    krb_kit_must(krb5_encrypt_tkt_part(kit->k, t->instead ? t->instead : kit->key, &ticket));
    ticket.enc_part.kvno = 3;
    krb_kit_must(encode_krb5_ticket(&ticket, &octets));
    out->client = kit->client;
    out->server = kit->service;
    out->times = inside.times;
    out->times.starttime = out->times.authtime = 0; /* the client believes it good */
    out->times.endtime = (krb5_timestamp)(now + 1000000);
    out->ticket = *octets;
    free(octets);
    out->keyblock = *inside.session;
    free(inside.session);
    free(ticket.enc_part.ciphertext.data);
    krb5_free_principal(kit->k, other);
}

static inline void krb_kit_frame(struct str request, struct buf *out)
{
    static const char mechanism[] = "\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x01";
    size_t len = sizeof(mechanism) + request.len;

    assert(len < 0x1000000);
    buf_add(out, STR("\x60\x83"));
    buf_add_char(out, (char)(len >> 16));
    buf_add_char(out, (char)(len >> 8));
    buf_add_char(out, (char)len);
    buf_add(out, str_of(mechanism, sizeof(mechanism)));
    buf_add(out, request);
}

static inline void krb_kit_token(struct krb_kit *kit, const struct krb_kit_token *t,
                                 struct buf *out)
{
    static const char integrity[KRB_KIT_CHECKSUM_LEN] = { 16, [20] = 0x20 };
    struct str checksum = t->checksum.len ? t->checksum : str_of(integrity, sizeof(integrity));
    krb5_data body = { .length = (unsigned)checksum.len, .data = (char *)checksum.ptr }, request;
    krb5_auth_context auth;
    krb5_creds creds;
    krb5_timestamp now;

    krb_kit_ticket(kit, t, &creds);
    if (t->ahead) {
        krb_kit_must(krb5_timeofday(kit->k, &now));
        krb_kit_must(krb5_set_real_time(kit->k, (krb5_timestamp)(now + t->ahead), 0));
    }
    krb_kit_must(krb5_auth_con_init(kit->k, &auth));
    krb_kit_must(krb5_auth_con_set_req_cksumtype(kit->k, auth, KRB_KIT_CHECKSUM_GSS));
    krb_kit_must(krb5_mk_req_extended(kit->k, &auth, 0, &body, &creds, &request));
    krb_kit_frame(str_of(request.data, request.length), out);
    if (t->ahead)
        krb_kit_must(krb5_set_real_time(kit->k, (krb5_timestamp)time(NULL), 0));
    krb5_free_data_contents(kit->k, &request);
    krb5_auth_con_free(kit->k, auth);
    free(creds.ticket.data);
    krb5_free_keyblock_contents(kit->k, &creds.keyblock);
}

#endif
