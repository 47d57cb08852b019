/* SPDX-License-Identifier: MIT */
#include "auth/credentials.h"

#include "sip/authparam.h"

const struct auth_scheme *const auth_schemes[] = { &auth_ntlm, &auth_kerberos, NULL };

static const struct auth_scheme *scheme_named(struct str name)
{
    for (const struct auth_scheme *const *s = auth_schemes; *s; s++)
        if (str_eq_nocase(name, str_from_c((*s)->name)))
            return *s;
    return NULL;
}

struct str auth_targetname(const struct auth *a, const struct sa_owner *o)
{
    return o->targetname ? str_from_c(o->targetname) : a->targetname;
}

/* The realm is compared with its case, the target name is a host name.  A scheme that is not set up
 * has none, and whatever is sent for it is not for us. */
static bool is_ours(const struct auth *a, const struct auth_request *r, const struct sip_auth *p,
                    const struct auth_scheme *scheme)
{
    struct str target = scheme->targetname(a, r->owner);

    return target.len > 0 && str_eq(sip_auth_get(p, STR("realm")), a->realm) &&
           str_eq_nocase(sip_auth_get(p, STR("targetname")), target);
}

static void take(const struct sip_auth *p, struct credentials *out)
{
    out->realm = sip_auth_get(p, STR("realm"));
    out->targetname = sip_auth_get(p, STR("targetname"));
    out->opaque = sip_auth_get(p, STR("opaque"));
    out->has_token = sip_auth_has(p, STR("gssapi-data"));
    out->token = sip_auth_get(p, STR("gssapi-data"));
    out->version = sip_auth_get(p, STR("version"));
    out->crand = sip_auth_get(p, STR("crand"));
    out->cnum = sip_auth_get(p, STR("cnum"));
    out->response = sip_auth_get(p, STR("response"));
}

static enum fault find_in(const struct auth *a, const struct auth_request *r, enum sip_field id,
                          struct credentials *out)
{
    const struct sip_msg *m = r->msg;
    enum fault seen = FAULT_NONE;
    for (const struct sip_header *h = sip_msg_first(m, id); h; h = sip_msg_next(m, h)) {
        struct sip_auth p;
        enum fault fault = sip_auth_parse(sip_unfold(h->value, r->arena), &p);
        const struct auth_scheme *scheme = fault == FAULT_NONE ? scheme_named(p.scheme) : NULL;
        if (scheme && is_ours(a, r, &p, scheme)) {
            out->scheme = scheme;
            take(&p, out);
            return FAULT_NONE;
        }
        if (fault != FAULT_NONE)
            seen = fault;
    }
    return seen;
}

/* Communicator answers a 401 with Proxy-Authorization, others with Authorization. */
enum fault credentials_find(const struct auth *a, const struct auth_request *r,
                            struct credentials *out)
{
    *out = (struct credentials){ 0 };
    enum fault fault = find_in(a, r, SIP_AUTHORIZATION, out);
    if (out->scheme)
        return FAULT_NONE;
    enum fault proxy_fault = find_in(a, r, SIP_PROXY_AUTHORIZATION, out);
    if (out->scheme)
        return FAULT_NONE;
    return fault != FAULT_NONE ? fault : proxy_fault;
}

enum fault credentials_verify(const struct credentials *c, const struct sip_msg *m,
                              struct arena *arena, struct sa *sa)
{
    uint32_t cnum;
    struct sigtext t;
    if (!str_to_u32(c->cnum, &cnum))
        return FAULT_SA_SIGNATURE;
    if (sa_cnum_check(sa, cnum) != SA_CNUM_OK)
        return FAULT_SA_REPLAY;
    enum fault fault = sigtext_from_msg(m, arena, &t);
    if (fault != FAULT_NONE)
        return fault;
    t.scheme = str_from_c(sa->scheme->name);
    t.rand = c->crand;
    t.num = c->cnum;
    t.realm = c->realm;
    t.target = c->targetname;
    size_t len = sigtext_len(&t, sa->version);
    struct buf text = { .ptr = arena_alloc(arena, len), .cap = len };
    if (!text.ptr)
        return FAULT_SIP_MEMORY;
    sigtext_write(&t, sa->version, &text);
    if (!sa->scheme->verify(sa, buf_str(&text), c->response))
        return FAULT_SA_SIGNATURE;
    sa_cnum_mark(sa, cnum);
    sa->signed_once = true;
    return FAULT_NONE;
}
