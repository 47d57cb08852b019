/* SPDX-License-Identifier: MIT */
/* NTLM in datagram mode: the empty token, our CHALLENGE, the client's AUTHENTICATE. */
#include <stdlib.h>

#include "auth/auth.h"
#include "auth/challenge.h"
#include "auth/credentials.h"
#include "auth/scheme.h"
#include "base/encode.h"
#include "base/secret.h"
#include "base/utf16.h"

enum { EXPORTED_LEN = 16 };

static struct str upper(struct str s, struct arena *arena)
{
    char *copy = arena_alloc(arena, s.len + 1);

    if (!copy)
        return STR_NONE;
    for (size_t i = 0; i < s.len; i++)
        copy[i] = (char)(s.ptr[i] >= 'a' && s.ptr[i] <= 'z' ? s.ptr[i] - 0x20 : s.ptr[i]);
    return str_of(copy, s.len);
}

/* What the CHALLENGE says of us to somebody who is not to know our names: the name they do know,
 * and the SIP domain, which stands in every address. */
static struct ntlm_names neutral_names(const struct auth *a, struct str known, struct arena *arena)
{
    struct str host = str_first(str_first(known, str_find_char(known, '.')), 15);
    struct str domain = a->names.dns_domain;

    if (a->is_joined) /* others would be refused; none at all pass */
        return (struct ntlm_names){ .dns_computer = known, .dns_domain = domain, .unnamed = true };
    return (struct ntlm_names){
        .nb_computer = upper(host, arena),
        .nb_domain = upper(str_first(str_first(domain, str_find_char(domain, '.')), 15), arena),
        .dns_computer = known,
        .dns_domain = domain,
        .dns_tree = domain
    };
}

/* There is no NEGOTIATE in datagram mode: nothing of the client's is known, so everything the
 * policy allows is offered. */
static enum fault send_challenge(struct auth *a, const struct auth_request *r,
                                 const struct ntlm_policy *policy, struct auth_result *out)
{
    struct sa *sa = sa_new(a->sas, r->owner, r->cid, r->epid, r->now_ms, NULL);
    struct buf message = { 0 };
    sa->scheme = &auth_ntlm;
    sa->offered = policy->offer;
    random_bytes(sa->server_challenge, sizeof(sa->server_challenge));
    struct str known = auth_targetname(a, r->owner);
    struct ntlm_names names = r->owner->targetname ? neutral_names(a, known, r->arena) : a->names;
    ntlm_accept_challenge(&names, sa->offered, sa->server_challenge, r->filetime, &message);
    sa->challenge = message.ptr;
    sa->challenge_len = message.len;

    out->outcome = AUTH_CHALLENGE;
    out->challenges[0] = challenge_continue(
        &auth_ntlm, a->realm, known, str_from_c(sa->opaque_text), buf_str(&message), r->arena);
    if (out->challenges[0].len == 0) {
        sa_drop(a->sas, sa);
        return FAULT_SIP_MEMORY;
    }
    out->challenge_count = 1;
    return FAULT_NONE;
}

/* Names are UTF-16 or, without UNICODE, in a code page nobody names: only ASCII is kept of it. */
static struct str name_text(struct str name, uint32_t flags, struct arena *arena)
{
    if (flags & NTLM_NEGOTIATE_UNICODE)
        return utf16_to_utf8_lossy(name, arena);
    char *copy = arena_alloc(arena, name.len);
    if (!copy)
        return STR_NONE;
    for (size_t i = 0; i < name.len; i++)
        copy[i] = name.ptr[i] >= ' ' && name.ptr[i] <= '~' ? name.ptr[i] : '?';
    return str_of(copy, name.len);
}

static void describe_names(const struct ntlm_authenticate *m, struct arena *arena,
                           struct auth_result *out)
{
    struct str user = name_text(m->user, m->flags, arena);
    struct str domain = name_text(m->domain, m->flags, arena);
    out->account_text =
        domain.len == 0 ? user : arena_printf(arena, "%.*s\\%.*s", STR_ARG(domain), STR_ARG(user));
}

static bool describe(struct str token, struct arena *arena, struct auth_result *out)
{
    struct ntlm_authenticate m;
    if (ntlm_authenticate_read(token, &m) != FAULT_NONE)
        return false;
    out->flags = m.flags;
    describe_names(&m, arena, out);
    return true;
}

static enum fault judge_authenticate(const struct auth_request *r, const struct ntlm_policy *policy,
                                     struct sa *sa, struct str token, struct auth_result *out)
{
    struct ntlm_authenticate m;
    describe(token, r->arena, out);
    enum fault fault =
        ntlm_accept_authenticate(token, sa->offered, policy, &m, &out->unmet, &out->audited);
    if (fault != FAULT_NONE)
        return fault;
    sa->flags = m.flags;
    sa->revision = m.has_version ? m.version.revision : 0;
    out->outcome = AUTH_ASK;
    out->sa = sa;
    out->question = (struct proto_question){ .challenge = str_of(sa->challenge, sa->challenge_len),
                                             .authenticate = token,
                                             .from_uri = r->user_key,
                                             .source = r->source,
                                             .remote = r->remote,
                                             .epid = str_first(r->epid, PROTO_EPID_MAX),
                                             .source_over = r->source_over,
                                             .resumed = r->resumed };
    memcpy(out->question.tickets, r->tickets, sizeof(out->question.tickets));
    memcpy(out->question.server_challenge, sa->server_challenge, sizeof(sa->server_challenge));
    return FAULT_NONE;
}

static enum fault step(struct auth *a, const struct auth_request *r,
                       const struct ntlm_policy *policy, struct sa *sa, struct str token,
                       struct auth_result *out)
{
    return sa ? judge_authenticate(r, policy, sa, token, out) : send_challenge(a, r, policy, out);
}

static struct str targetname(const struct auth *a, const struct sa_owner *o)
{
    return auth_targetname(a, o);
}

static bool establish(struct sa *sa, struct str exported)
{
    if (exported.len != EXPORTED_LEN)
        return false;
    ntlm_keys_init(&sa->keys, sa->flags, sa->revision, (const uint8_t *)exported.ptr);
    return true;
}

static void sign(struct sa *sa, struct str text, struct buf *hex)
{
    uint8_t mac[NTLM_SIGNATURE_LEN];
    ntlm_mac(&sa->keys.server, text, mac);
    buf_add_hex(hex, str_of(mac, sizeof(mac)), true);
}

static bool verify(struct sa *sa, struct str text, struct str signature_hex)
{
    uint8_t mac[NTLM_SIGNATURE_LEN];
    return hex_decode(signature_hex, mac, sizeof(mac)) &&
           ntlm_verify(&sa->keys, true, text, str_of(mac, sizeof(mac)));
}

static void wipe(struct sa *sa)
{
    ntlm_keys_fini(&sa->keys);
    secret_wipe(sa->server_challenge, sizeof(sa->server_challenge));
}

const struct auth_scheme auth_ntlm = { .name = "NTLM",
                                       .damaged = FAULT_NTLM_MALFORMED,
                                       .targetname = targetname,
                                       .step = step,
                                       .describe = describe,
                                       .establish = establish,
                                       .sign = sign,
                                       .verify = verify,
                                       .wipe = wipe };
