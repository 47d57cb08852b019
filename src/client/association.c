/* SPDX-License-Identifier: MIT */
#include "client/association.h"

#include <stdio.h>

#include "base/encode.h"
#include "client/message.h"
#include "sip/authparam.h"

enum { VERSION_OURS = 4, VERSION_UNSAID = 2 };

void client_association_fini(struct client_association *a)
{
    if (a->ready)
        a->mechanism->wipe(a);
    a->ready = false;
}

/* False when it does not fit: the values go back to the server as they came, or not at all.  The
 * octets that would break out of a quoted string or a line cannot be in a parsed value, except
 * for folds. */
static bool keep(char *to, size_t size, struct str value)
{
    if (value.len >= size || str_find_char(value, '\n') != SIZE_MAX ||
        str_find_char(value, '\r') != SIZE_MAX || str_find_char(value, '\0') != SIZE_MAX)
        return false;
    if (value.len > 0)
        memcpy(to, value.ptr, value.len);
    to[value.len] = '\0';
    return true;
}

static enum fault challenge_take(struct client_association *a, const struct sip_auth *auth,
                                 struct arena *arena, struct str *token)
{
    uint32_t version = VERSION_UNSAID;
    struct str data = sip_auth_get(auth, STR("gssapi-data"));

    if (sip_auth_has(auth, STR("version")) &&
        !str_to_u32(sip_auth_get(auth, STR("version")), &version))
        return FAULT_SIP_AUTHORIZATION;
    if (!keep(a->realm, sizeof(a->realm), sip_auth_get(auth, STR("realm"))) ||
        !keep(a->target, sizeof(a->target), sip_auth_get(auth, STR("targetname"))) ||
        !keep(a->opaque, sizeof(a->opaque), sip_auth_get(auth, STR("opaque"))))
        return FAULT_SIP_AUTHORIZATION;
    a->version = version < VERSION_UNSAID ? VERSION_UNSAID
                 : version > VERSION_OURS ? VERSION_OURS
                                          : version;
    *token = STR_NONE;
    if (data.len > 0 && !base64_decode(data, arena, token))
        return a->mechanism->damaged_token;
    return FAULT_NONE;
}

static const struct sip_header *challenge_first(const struct sip_msg *m)
{
    return sip_msg_first(m, m->status == 407 ? SIP_PROXY_AUTHENTICATE : SIP_WWW_AUTHENTICATE);
}

enum fault client_association_offers(const struct sip_msg *m, struct arena *arena,
                                     struct buf *offered)
{
    for (const struct sip_header *h = challenge_first(m); h; h = sip_msg_next(m, h)) {
        struct sip_auth auth;
        if (sip_auth_parse(sip_unfold(h->value, arena), &auth) != FAULT_NONE)
            return FAULT_SIP_AUTHORIZATION;
        buf_printf(offered, "%s%.*s", offered->len ? ", " : "", STR_ARG(auth.scheme));
    }
    return FAULT_NONE;
}

/* Nothing of another mechanism's association goes on. */
static void mechanism_set(struct client_association *a, const struct client_mechanism *mechanism)
{
    if (a->mechanism == mechanism)
        return;
    client_association_fini(a);
    *a = (struct client_association){ .mechanism = mechanism };
}

enum fault client_association_challenge(struct client_association *a,
                                        const struct client_mechanism *mechanism,
                                        const struct sip_msg *m, struct arena *arena,
                                        struct str *token)
{
    for (const struct sip_header *h = challenge_first(m); h; h = sip_msg_next(m, h)) {
        struct sip_auth auth;
        if (sip_auth_parse(sip_unfold(h->value, arena), &auth) != FAULT_NONE)
            return FAULT_SIP_AUTHORIZATION;
        if (!str_eq_nocase(auth.scheme, str_from_c(mechanism->scheme)))
            continue;
        mechanism_set(a, mechanism);
        a->proxy = m->status == 407;
        return challenge_take(a, &auth, arena, token);
    }
    return FAULT_SIP_NO_SCHEME;
}

static void common(const struct client_association *a, struct buf *credentials)
{
    buf_printf(credentials, "%s qop=\"auth\"", a->mechanism->scheme);
    if (a->opaque[0])
        buf_printf(credentials, ", opaque=\"%s\"", a->opaque);
    buf_printf(credentials, ", realm=\"%s\", targetname=\"%s\"", a->realm, a->target);
}

static void common_token(const struct client_association *a, struct str token,
                         struct buf *credentials)
{
    common(a, credentials);
    buf_add_c(credentials, ", gssapi-data=\"");
    base64_encode(token, credentials);
    buf_add_char(credentials, '"');
    if (a->version > VERSION_UNSAID)
        buf_printf(credentials, ", version=%u", a->version);
}

void client_association_ask(const struct client_association *a, struct buf *credentials)
{
    common_token(a, STR_NONE, credentials);
}

static void text_complete(const struct client_association *a, struct sigtext *t, struct str rand,
                          struct str num)
{
    t->scheme = str_from_c(a->mechanism->scheme);
    t->rand = rand;
    t->num = num;
    t->realm = str_from_c(a->realm);
    t->target = str_from_c(a->target);
}

static void signature(struct client_association *a, struct sigtext *t, struct buf *credentials)
{
    char crand[9], cnum[12];
    uint8_t mac[CLIENT_SIGNATURE_MAX];
    struct buf text = { 0 };

    client_random_hex(crand, sizeof(crand));
    snprintf(cnum, sizeof(cnum), "%u", ++a->cnum);
    text_complete(a, t, str_from_c(crand), str_from_c(cnum));
    sigtext_write(t, a->version, &text);
    size_t len = a->mechanism->sign(a, buf_str(&text), mac);
    buf_printf(credentials, ", crand=\"%s\", cnum=\"%s\", response=\"", crand, cnum);
    buf_add_hex(credentials, str_of(mac, len), false);
    buf_add_char(credentials, '"');
    buf_fini(&text);
}

void client_association_sign(struct client_association *a, struct sigtext *t,
                             struct buf *credentials)
{
    common(a, credentials);
    signature(a, t, credentials);
}

enum fault client_association_answer(struct client_association *a, const struct client_proof *proof,
                                     struct str token, struct sigtext *t, struct buf *credentials,
                                     struct buf *detail)
{
    struct buf last = { 0 };

    client_association_fini(a);
    enum fault fault = a->mechanism->answer(a, proof, token, &last, detail);
    if (fault == FAULT_NONE) {
        a->ready = true;
        a->snum = 0;
        common_token(a, buf_str(&last), credentials);
        /* from version 4 on the request that carries the last token is signed too */
        if (a->version >= 4)
            signature(a, t, credentials);
    }
    buf_fini(&last);
    return fault;
}

/* Each number once, and only upwards: a client that reads one answer at a time needs no window. */
static bool number_is_new(struct client_association *a, struct str snum)
{
    uint32_t number;
    if (!str_to_u32(snum, &number) || number <= a->snum)
        return false;
    a->snum = number;
    return true;
}

static bool signature_is_good(struct client_association *a, const struct sip_msg *m,
                              const struct sip_auth *auth, struct arena *arena)
{
    uint8_t mac[CLIENT_SIGNATURE_MAX];
    struct str hex = sip_auth_get(auth, STR("rspauth"));
    struct str snum = sip_auth_get(auth, STR("snum"));
    struct buf text = { 0 };
    struct sigtext t = { 0 };

    if (sigtext_from_msg(m, arena, &t) != FAULT_NONE || hex.len / 2 > sizeof(mac) ||
        !hex_decode(hex, mac, hex.len / 2))
        return false;
    text_complete(a, &t, sip_auth_get(auth, STR("srand")), snum);
    sigtext_write(&t, a->version, &text);
    bool good = a->mechanism->verify(a, buf_str(&text), str_of(mac, hex.len / 2));
    buf_fini(&text);
    return good && number_is_new(a, snum);
}

int client_association_verify(struct client_association *a, const struct sip_msg *m,
                              struct arena *arena)
{
    const struct sip_header *h = sip_msg_first(m, SIP_AUTHENTICATION_INFO);
    struct sip_auth auth;

    if (!h)
        h = sip_msg_first(m, SIP_PROXY_AUTHENTICATION_INFO);
    if (!h || !a->ready)
        return -1;
    if (sip_auth_parse(sip_unfold(h->value, arena), &auth) != FAULT_NONE)
        return 0;
    if (!sip_auth_has(&auth, STR("rspauth")))
        return -1;
    if (!signature_is_good(a, m, &auth, arena))
        return 0;
    if (a->opaque[0] == '\0')
        keep(a->opaque, sizeof(a->opaque), sip_auth_get(&auth, STR("opaque")));
    return 1;
}
