/* SPDX-License-Identifier: MIT */
#include "edge/handshake.h"

#include <assert.h>
#include <stdlib.h>

#include "base/encode.h"
#include "base/utf16.h"
#include "ntlm/accept.h"
#include "sip/authparam.h"

enum { HANDSHAKES_MAX = 8 };

struct handshake {
    struct handshake *next;
    char opaque[12];
    uint32_t offered;
};

static void take_out(struct outside *o, struct handshake **at)
{
    struct handshake *h = *at;

    *at = h->next;
    o->handshake_count--;
    free(h);
}

void handshakes_free(struct outside *o)
{
    while (o->handshakes)
        take_out(o, &o->handshakes);
}

static struct handshake **find(struct outside *o, struct str opaque)
{
    struct handshake **at = &o->handshakes;

    while (*at && !str_eq(str_from_c((*at)->opaque), opaque))
        at = &(*at)->next;
    return at;
}

static struct handshake **oldest(struct outside *o)
{
    struct handshake **at = &o->handshakes;

    assert(*at);
    while ((*at)->next)
        at = &(*at)->next;
    return at;
}

/* The newest stands first; the oldest is given up. */
static void keep(struct outside *o, struct str opaque, uint32_t offered)
{
    struct handshake *h = calloc(1, sizeof(*h));

    assert(h);
    if (o->handshake_count >= HANDSHAKES_MAX)
        take_out(o, oldest(o));
    memcpy(h->opaque, opaque.ptr, opaque.len);
    h->offered = offered;
    h->next = o->handshakes;
    o->handshakes = h;
    o->handshake_count++;
}

static bool is_ntlm(const struct sip_auth *p)
{
    return str_eq_nocase(p->scheme, STR("NTLM"));
}

void handshake_note(struct outside *o, const struct sip_msg *m, struct arena *arena)
{
    for (const struct sip_header *h = sip_msg_first(m, SIP_WWW_AUTHENTICATE); h;
         h = sip_msg_next(m, h)) {
        struct sip_auth p;
        struct str token;
        struct ntlm_challenge c;

        if (sip_auth_parse(sip_unfold(h->value, arena), &p) != FAULT_NONE || !is_ntlm(&p) ||
            !base64_decode(sip_auth_get(&p, STR("gssapi-data")), arena, &token) ||
            ntlm_challenge_read(token, &c) != FAULT_NONE)
            continue;
        struct str opaque = sip_auth_get(&p, STR("opaque"));
        if (opaque.len > 0 && opaque.len < sizeof(((struct handshake *)0)->opaque))
            keep(o, opaque, c.flags);
    }
}

/* "sip/fe01.example.com" is ours; what says nothing is too. */
static struct str foreign_target(const struct ntlm_authenticate *a, struct arena *arena)
{
    struct str name = utf16_to_utf8_lossy(ntlm_target_name(a), arena);

    return name.len == 0 || str_starts_nocase(name, STR("sip/")) ? STR_NONE : name;
}

static enum fault judge(struct outside *o, const struct sip_auth *p, struct arena *arena,
                        struct handshake_seen *out)
{
    struct ntlm_authenticate a;
    struct handshake **at = find(o, sip_auth_get(p, STR("opaque")));
    bool decoded = base64_decode(sip_auth_get(p, STR("gssapi-data")), arena, &out->token);
    uint32_t offered = *at ? (*at)->offered : 0;
    bool known = *at != NULL;

    if (known)
        take_out(o, at);
    if (!decoded)
        return FAULT_NTLM_MALFORMED;
    if (!known)
        return ntlm_authenticate_read(out->token, &a) == FAULT_NONE ? FAULT_NTLM_REPLAY
                                                                    : FAULT_NTLM_MALFORMED;
    enum fault fault = ntlm_accept_structure(out->token, offered, &a);
    if (fault == FAULT_NONE)
        out->foreign_target = foreign_target(&a, arena);
    return fault;
}

static void look_at(struct outside *o, const struct sip_header *h, struct arena *arena,
                    struct handshake_seen *out)
{
    struct sip_auth p;

    if (sip_auth_parse(sip_unfold(h->value, arena), &p) != FAULT_NONE || !is_ntlm(&p) ||
        sip_auth_get(&p, STR("gssapi-data")).len == 0)
        return;
    /* of two the Front End might look at the other one */
    if (out->kind == HANDSHAKE_ANSWER)
        out->fault = FAULT_NTLM_MALFORMED;
    else
        out->fault = judge(o, &p, arena, out);
    out->kind = HANDSHAKE_ANSWER;
}

void handshake_look(struct outside *o, const struct sip_msg *m, struct arena *arena,
                    struct handshake_seen *out)
{
    static const enum sip_field fields[] = { SIP_AUTHORIZATION, SIP_PROXY_AUTHORIZATION };

    *out = (struct handshake_seen){ .token = STR_NONE, .foreign_target = STR_NONE };
    for (unsigned i = 0; i < 2; i++)
        for (const struct sip_header *h = sip_msg_first(m, fields[i]); h; h = sip_msg_next(m, h))
            look_at(o, h, arena, out);
}
