/* SPDX-License-Identifier: MIT */
#include "ntlm/policy.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/compiler.h"

enum { BOTH_DEFAULTS = NTLM_NEGOTIATE_128 | NTLM_EXTENDED_SESSIONSECURITY };

/* What the Windows versions come with, and our own default ("strict"). */
static const struct preset {
    const char *name;
    uint32_t min_sec; /* server and client alike */
    unsigned lm_compatibility;
} presets[] = {
    { "windows-2003", 0, 2 },
    { "windows-2008", 0, 3 },
    { "windows-2008r2", NTLM_NEGOTIATE_128, 3 },
    { "strict", BOTH_DEFAULTS, 5 },
};

bool ntlm_policy_preset(struct str name, struct ntlm_policy *out)
{
    for (size_t i = 0; i < ARRAY_LEN(presets); i++) {
        if (!str_eq_nocase(name, str_from_c(presets[i].name)))
            continue;
        *out = (struct ntlm_policy){ .min_server_sec = presets[i].min_sec,
                                     .min_client_sec = presets[i].min_sec,
                                     .offer = NTLM_DEFAULT_OFFER,
                                     .lm_compatibility = presets[i].lm_compatibility,
                                     .min_sipae_version = 4,
                                     .mode = NTLM_POLICY_ENFORCE };
        return true;
    }
    return false;
}

const char *ntlm_policy_preset_name(unsigned index)
{
    return index < ARRAY_LEN(presets) ? presets[index].name : NULL;
}

/* "Minimum session security for NTLM SSP based servers".  The policy value uses the same bits as
 * the negotiate flags; the first unmet demand is the one told, the whole mask goes into the
 * trace. */
enum fault ntlm_policy_check(const struct ntlm_policy *policy, uint32_t negotiated, uint32_t *unmet)
{
    uint32_t missing = policy->min_server_sec & ~negotiated;

    if (unmet)
        *unmet = missing;
    if (missing & NTLM_NEGOTIATE_128)
        return FAULT_POLICY_128BIT;
    if (missing & NTLM_EXTENDED_SESSIONSECURITY)
        return FAULT_POLICY_NTLMV2_SESSION;
    if (missing & NTLM_NEGOTIATE_SEAL)
        return FAULT_POLICY_CONFIDENTIALITY;
    if (missing & NTLM_NEGOTIATE_SIGN)
        return FAULT_POLICY_INTEGRITY;
    return missing ? FAULT_POLICY_MINIMUM : FAULT_NONE; /* closed by default */
}

enum fault ntlm_policy_check_challenge(const struct ntlm_policy *policy, uint32_t offered)
{
    uint32_t missing = policy->min_client_sec & ~offered;

    if (missing & NTLM_NEGOTIATE_128)
        return FAULT_POLICY_CLIENT_128BIT;
    return missing ? FAULT_POLICY_CLIENT_MINIMUM : FAULT_NONE;
}

/* LmCompatibilityLevel 4 refuses LM, 5 everything but NTLMv2; we refuse LM at every level,
 * because no LM hashes are stored. */
enum fault ntlm_policy_check_response(const struct ntlm_policy *policy,
                                      enum ntlm_response_kind kind)
{
    switch (kind) {
    case NTLM_RESPONSE_NTLMV2:
        return FAULT_NONE;
    case NTLM_RESPONSE_NTLMV1:
    case NTLM_RESPONSE_NTLM2_SESSION:
        return policy->lm_compatibility < 5 ? FAULT_NONE : FAULT_POLICY_LM_COMPATIBILITY;
    case NTLM_RESPONSE_LM:
        return FAULT_NTLM_LM_ONLY;
    case NTLM_RESPONSE_ANONYMOUS:
        break;
    }
    return FAULT_NTLM_ANONYMOUS;
}

/* ::ffff:a.b.c.d, as a socket for both families reports IPv4, is the IPv4 address. */
static struct str unmapped(struct str address)
{
    static const char prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, (char)0xff, (char)0xff };

    if (address.len == 16 && memcmp(address.ptr, prefix, sizeof(prefix)) == 0)
        return str_skip(address, sizeof(prefix));
    return address;
}

bool ntlm_network_contains(const struct ntlm_network *n, struct str address)
{
    address = unmapped(address);
    if (address.len != n->len || n->bits > 8 * n->len)
        return false;
    size_t whole = n->bits / 8;
    unsigned rest = n->bits % 8;
    if (memcmp(n->addr, address.ptr, whole) != 0)
        return false;
    return rest == 0 || (n->addr[whole] ^ (uint8_t)address.ptr[whole]) >> (8 - rest) == 0;
}

static bool names_user(const struct ntlm_policy_exception *e, struct str uri)
{
    for (unsigned i = 0; i < e->user_count && uri.len > 0; i++) {
        if (str_glob_nocase(str_from_c(e->users[i]), uri))
            return true;
    }
    return false;
}

static bool names_network(const struct ntlm_policy_exception *e, struct str address)
{
    for (unsigned i = 0; i < e->network_count; i++) {
        if (ntlm_network_contains(&e->networks[i], address))
            return true;
    }
    return false;
}

/* What an exception names must all hold; one that names nobody is for nobody. */
static bool applies(const struct ntlm_policy_exception *e, struct str uri, struct str address,
                    uint32_t day)
{
    if (e->until && day > e->until)
        return false;
    if (e->user_count == 0 && e->network_count == 0)
        return false;
    return (e->user_count == 0 || names_user(e, uri)) &&
           (e->network_count == 0 || names_network(e, address));
}

const struct ntlm_policy *ntlm_policy_select(const struct ntlm_policy_set *set, struct str user_uri,
                                             struct str address, uint32_t day, struct str *name)
{
    for (unsigned i = 0; i < set->exception_count; i++) {
        const struct ntlm_policy_exception *e = &set->exceptions[i];
        if (applies(e, user_uri, address, day)) {
            *name = str_from_c(e->name);
            return &e->policy;
        }
    }
    *name = str_from_c(set->preset);
    return &set->base;
}

static void *must_calloc(size_t count, size_t size)
{
    void *p = calloc(count ? count : 1, size);

    if (!p)
        abort();
    return p;
}

struct ntlm_policy_set *ntlm_policy_set_new(void)
{
    struct ntlm_policy_set *s = must_calloc(1, sizeof(*s));

    snprintf(s->preset, sizeof(s->preset), "strict");
    bool known = ntlm_policy_preset(STR("strict"), &s->base);
    assert(known);
    return s;
}

static void exception_copy(const struct ntlm_policy_exception *from,
                           struct ntlm_policy_exception *to)
{
    *to = *from;
    to->name = str_own(str_from_c(from->name));
    to->users = must_calloc(from->user_count, sizeof(*to->users));
    for (unsigned i = 0; i < from->user_count; i++)
        to->users[i] = str_own(str_from_c(from->users[i]));
    to->networks = must_calloc(from->network_count, sizeof(*to->networks));
    for (unsigned i = 0; i < from->network_count; i++)
        to->networks[i] = from->networks[i];
}

struct ntlm_policy_set *ntlm_policy_set_copy(const struct ntlm_policy_set *s)
{
    struct ntlm_policy_set *copy = must_calloc(1, sizeof(*copy));

    *copy = *s;
    copy->exceptions = must_calloc(s->exception_count, sizeof(*copy->exceptions));
    for (unsigned i = 0; i < s->exception_count; i++)
        exception_copy(&s->exceptions[i], &copy->exceptions[i]);
    return copy;
}

void ntlm_policy_set_free(struct ntlm_policy_set *s)
{
    if (!s)
        return;
    for (unsigned i = 0; i < s->exception_count; i++) {
        struct ntlm_policy_exception *e = &s->exceptions[i];
        for (unsigned u = 0; u < e->user_count; u++)
            free(e->users[u]);
        free(e->users);
        free(e->networks);
        free(e->name);
    }
    free(s->exceptions);
    free(s);
}
