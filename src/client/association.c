/* SPDX-License-Identifier: MIT */
#include "client/association.h"

#include <ctype.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/secret.h"
#include "client/message.h"
#include "ntlm/initiate.h"
#include "sip/authparam.h"

enum { VERSION_OURS = 4, VERSION_UNSAID = 2 };

void client_association_fini(struct client_association *a)
{
    ntlm_keys_fini(&a->keys);
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
        return FAULT_NTLM_MALFORMED;
    return FAULT_NONE;
}

enum fault client_association_challenge(struct client_association *a, const struct sip_msg *m,
                                        struct arena *arena, struct str *token, struct buf *offered)
{
    enum sip_field field = m->status == 407 ? SIP_PROXY_AUTHENTICATE : SIP_WWW_AUTHENTICATE;
    const struct sip_header *h = sip_msg_first(m, field);
    enum fault fault = FAULT_SIP_NO_SCHEME;

    a->proxy = m->status == 407;
    for (; h; h = sip_msg_next(m, h)) {
        struct sip_auth auth;
        if (sip_auth_parse(sip_unfold(h->value, arena), &auth) != FAULT_NONE)
            return FAULT_SIP_AUTHORIZATION;
        buf_printf(offered, "%s%.*s", offered->len ? ", " : "", STR_ARG(auth.scheme));
        if (str_eq_nocase(auth.scheme, STR("NTLM")) && fault == FAULT_SIP_NO_SCHEME)
            fault = challenge_take(a, &auth, arena, token);
    }
    return fault;
}

static void common(const struct client_association *a, struct buf *credentials)
{
    buf_add_c(credentials, "NTLM qop=\"auth\"");
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
    t->scheme = STR("NTLM");
    t->rand = rand;
    t->num = num;
    t->realm = str_from_c(a->realm);
    t->target = str_from_c(a->target);
}

static void signature(struct client_association *a, struct sigtext *t, struct buf *credentials)
{
    char crand[9], cnum[12];
    uint8_t mac[NTLM_SIGNATURE_LEN];
    struct buf text = { 0 };

    client_random_hex(crand, sizeof(crand));
    snprintf(cnum, sizeof(cnum), "%u", ++a->cnum);
    text_complete(a, t, str_from_c(crand), str_from_c(cnum));
    sigtext_write(t, a->version, &text);
    ntlm_mac(&a->keys.client, buf_str(&text), mac);
    buf_printf(credentials, ", crand=\"%s\", cnum=\"%s\", response=\"", crand, cnum);
    buf_add_hex(credentials, str_of(mac, sizeof(mac)), false);
    buf_add_char(credentials, '"');
    buf_fini(&text);
}

void client_association_sign(struct client_association *a, struct sigtext *t,
                             struct buf *credentials)
{
    common(a, credentials);
    signature(a, t, credentials);
}

/* DOMAIN\user; user@realm and a bare name go without a domain, as Windows and SIPE send them. */
static void login_split(struct str login, struct str *domain, struct str *user)
{
    size_t backslash = str_find_char(login, '\\');
    *domain = backslash == SIZE_MAX ? STR_NONE : str_first(login, backslash);
    *user = backslash == SIZE_MAX ? login : str_skip(login, backslash + 1);
}

static void workstation_name(char *out, size_t size)
{
    if (gethostname(out, size) != 0)
        snprintf(out, size, "WORKSTATION");
    out[size - 1] = '\0';
    out[strcspn(out, ".")] = '\0';
    for (char *c = out; *c; c++)
        *c = (char)toupper((unsigned char)*c);
}

static enum fault keys_make(struct client_association *a, const struct client_settings *s,
                            struct str login, struct str challenge, struct buf *authenticate)
{
    struct ntlm_initiate in = { .password = str_from_c(s->password), .filetime = clock_filetime() };
    uint8_t exported[16];
    char workstation[64];

    client_profile_ntlm(s->profile, &in);
    login_split(login, &in.domain, &in.user);
    workstation_name(workstation, sizeof(workstation));
    in.workstation = str_from_c(workstation);
    random_bytes(in.client_challenge, sizeof(in.client_challenge));
    random_bytes(in.random_session_key, sizeof(in.random_session_key));
    enum fault fault = ntlm_initiate(&in, challenge, authenticate, &a->flags, exported);
    if (fault == FAULT_NONE) {
        bool has_version = a->flags & NTLM_NEGOTIATE_VERSION;
        ntlm_keys_init(&a->keys, a->flags, has_version ? in.version.revision : 0, exported);
        a->ready = true;
        a->snum = 0;
    }
    secret_wipe(exported, sizeof(exported));
    secret_wipe(&in, sizeof(in));
    return fault;
}

enum fault client_association_answer(struct client_association *a, const struct client_settings *s,
                                     struct str user_of_uri, struct str challenge,
                                     struct sigtext *t, struct buf *credentials)
{
    struct buf authenticate = { 0 };
    struct str login = s->login ? str_from_c(s->login) : user_of_uri;

    enum fault fault = keys_make(a, s, login, challenge, &authenticate);
    if (fault == FAULT_NONE) {
        common_token(a, buf_str(&authenticate), credentials);
        /* from version 4 on the request that carries the last token is signed too */
        if (a->version >= 4)
            signature(a, t, credentials);
    }
    buf_fini(&authenticate);
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
    uint8_t mac[NTLM_SIGNATURE_LEN];
    struct str snum = sip_auth_get(auth, STR("snum"));
    struct buf text = { 0 };
    struct sigtext t = { 0 };

    if (sigtext_from_msg(m, arena, &t) != FAULT_NONE ||
        !hex_decode(sip_auth_get(auth, STR("rspauth")), mac, sizeof(mac)))
        return false;
    text_complete(a, &t, sip_auth_get(auth, STR("srand")), snum);
    sigtext_write(&t, a->version, &text);
    bool good = ntlm_verify(&a->keys, false, buf_str(&text), str_of(mac, sizeof(mac)));
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
