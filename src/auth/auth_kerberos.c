/* SPDX-License-Identifier: MIT */
/* Kerberos: one token of the client's, and the keys that authd finds in it.  What the policy says
 * of NTLM sessions is no matter here. */
#include <assert.h>
#include <stdlib.h>

#include "auth/auth.h"
#include "auth/credentials.h"
#include "auth/scheme.h"
#include "base/encode.h"
#include "base/secret.h"

static struct str targetname(const struct auth *a, const struct sa_owner *o)
{
    (void)o; /* outside, where another name would be shown, it is not on offer */
    return a->kerberos_service;
}

/* No mutual authentication: nothing goes back but the signed answer ([MS-SIPAE] 3.3.5.1). */
static enum fault step(struct auth *a, const struct auth_request *r,
                       const struct ntlm_policy *policy, struct sa *sa, struct str token,
                       struct auth_result *out)
{
    (void)policy;
    out->minimum = 0;
    if (sa)
        return FAULT_KERBEROS_TOKEN; /* a second token: the first was all there is */
    if (r->remote)
        return FAULT_KERBEROS_FROM_OUTSIDE;
    out->sa = sa_new(a->sas, r->owner, r->cid, r->epid, r->now_ms, NULL);
    out->sa->scheme = &auth_kerberos;
    out->outcome = AUTH_ASK;
    out->question = (struct proto_question){ .scheme = PROTO_KERBEROS,
                                             .authenticate = token,
                                             .from_uri = r->user_key,
                                             .source = r->source,
                                             .epid = str_first(r->epid, PROTO_EPID_MAX) };
    return FAULT_NONE;
}

/* Who sent it is encrypted for authd. */
static bool describe(struct str token, struct arena *arena, struct auth_result *out)
{
    (void)arena;
    out->minimum = 0; /* of NTLM sessions */
    return token.len > 0;
}

static bool establish(struct sa *sa, struct str octets)
{
    struct krb_keys keys;
    bool good = krb_keys_read(octets, &keys);

    if (good) {
        sa->mic = calloc(1, sizeof(*sa->mic));
        assert(sa->mic);
        krb_mic_init(sa->mic, &keys, true);
    }
    secret_wipe(&keys, sizeof(keys));
    return good;
}

static void sign(struct sa *sa, struct str text, struct buf *hex)
{
    uint8_t mic[KRB_MIC_MAX];
    size_t len = krb_mic_make(sa->mic, text, mic);

    buf_add_hex(hex, str_of(mic, len), true);
}

static bool verify(struct sa *sa, struct str text, struct str signature_hex)
{
    uint8_t mic[KRB_MIC_MAX];
    size_t len = signature_hex.len / 2;

    return len <= sizeof(mic) && hex_decode(signature_hex, mic, len) &&
           krb_mic_verify(sa->mic, text, str_of(mic, len));
}

static void wipe(struct sa *sa)
{
    if (sa->mic)
        krb_mic_fini(sa->mic);
    free(sa->mic);
}

const struct auth_scheme auth_kerberos = { .name = "Kerberos",
                                           .damaged = FAULT_KERBEROS_TOKEN,
                                           .begins_with_token = true,
                                           .targetname = targetname,
                                           .step = step,
                                           .describe = describe,
                                           .establish = establish,
                                           .sign = sign,
                                           .verify = verify,
                                           .wipe = wipe };
