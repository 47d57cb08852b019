/* SPDX-License-Identifier: MIT */
#include "ntlm/accept.h"

#include "base/utf16.h"

enum {
    SESSION_KEY_LEN = 16,
    /* A client may add these to what was offered: the captured Communicator adds the first, and
     * the others only describe the message ([MS-NLMP] 2.2.2.5). */
    FREELY_ADDED = NTLM_REQUEST_TARGET | NTLM_NEGOTIATE_VERSION | NTLM_ANONYMOUS,
    /* Datagram mode cannot do without ([MS-NLMP] 3.2.5.2.2). */
    NEEDED = NTLM_NEGOTIATE_DATAGRAM | NTLM_NEGOTIATE_KEY_EXCH,
    CHARACTER_SETS = NTLM_NEGOTIATE_UNICODE | NTLM_NEGOTIATE_OEM,
};

/* What a Front End of OCS 2007 R2 on Windows Server 2008 R2 says of itself. */
static const struct ntlm_version our_version = { 6, 1, 7600, 15 };

static void add_name(struct buf *list, uint16_t id, struct str name, bool mandatory)
{
    struct buf wide = { 0 };

    if (name.len && !utf16_from_utf8(name, &wide))
        buf_clear(&wide);
    if (wide.len || mandatory)
        ntlm_av_add(list, id, buf_str(&wide));
    buf_fini(&wide);
}

static void add_timestamp(struct buf *list, uint64_t filetime)
{
    char octets[8];

    for (unsigned i = 0; i < sizeof(octets); i++)
        octets[i] = (char)(filetime >> (8 * i) & 0xff);
    ntlm_av_add(list, NTLM_AV_TIMESTAMP, str_of(octets, sizeof(octets)));
}

/* TargetName stays empty and the pairs come in the order 2,1,4,3,5, as captured from a real
 * Front End. */
void ntlm_accept_challenge(const struct ntlm_names *names, uint32_t offer,
                           const uint8_t server_challenge[8], uint64_t filetime, struct buf *out)
{
    struct buf list = { 0 };
    struct ntlm_challenge c = { .flags = offer & ~NTLM_NEVER_OFFERED,
                                .target_name = STR_NONE,
                                .target_info = STR_NONE,
                                .version = our_version };

    memcpy(c.server_challenge, server_challenge, sizeof(c.server_challenge));
    if (offer & NTLM_NEGOTIATE_TARGET_INFO) {
        add_name(&list, NTLM_AV_NB_DOMAIN, names->nb_domain, !names->unnamed);
        add_name(&list, NTLM_AV_NB_COMPUTER, names->nb_computer, !names->unnamed);
        add_name(&list, NTLM_AV_DNS_DOMAIN, names->dns_domain, false);
        add_name(&list, NTLM_AV_DNS_COMPUTER, names->dns_computer, false);
        add_name(&list, NTLM_AV_DNS_TREE, names->dns_tree, false);
        if (filetime)
            add_timestamp(&list, filetime);
        ntlm_av_end(&list);
        c.target_info = buf_str(&list);
    }
    ntlm_challenge_write(&c, out);
    buf_fini(&list);
}

static enum fault check_flags(uint32_t offered, uint32_t concluded)
{
    uint32_t allowed = (offered & ~NTLM_NEVER_OFFERED) | FREELY_ADDED;

    if (concluded & ~allowed)
        return FAULT_NTLM_FLAGS;
    if ((concluded & NEEDED) != NEEDED || !(concluded & CHARACTER_SETS))
        return FAULT_NTLM_FLAGS;
    return FAULT_NONE;
}

static enum fault check_kind(const struct ntlm_authenticate *a)
{
    enum ntlm_response_kind kind = ntlm_response_kind(a);

    if (kind == NTLM_RESPONSE_ANONYMOUS || a->user.len == 0)
        return FAULT_NTLM_ANONYMOUS;
    return kind == NTLM_RESPONSE_LM ? FAULT_NTLM_LM_ONLY : FAULT_NONE;
}

enum fault ntlm_accept_structure(struct str token, uint32_t offered, struct ntlm_authenticate *out)
{
    enum fault fault = ntlm_authenticate_read(token, out);

    if (fault == FAULT_NONE)
        fault = check_flags(offered, out->flags);
    if (fault == FAULT_NONE && out->session_key.len != SESSION_KEY_LEN)
        fault = FAULT_NTLM_SESSION_KEY;
    return fault == FAULT_NONE ? check_kind(out) : fault;
}

enum fault ntlm_accept_authenticate(struct str token, uint32_t offered,
                                    const struct ntlm_policy *policy, struct ntlm_authenticate *out,
                                    uint32_t *unmet, enum fault *audited)
{
    *unmet = 0;
    *audited = FAULT_NONE;
    enum fault fault = ntlm_accept_structure(token, offered, out);
    if (fault != FAULT_NONE)
        return fault;
    fault = ntlm_policy_check(policy, out->flags, unmet);
    if (policy->mode == NTLM_POLICY_ENFORCE)
        return fault;
    *audited = fault;
    return FAULT_NONE;
}
