/* SPDX-License-Identifier: MIT */
#include "ad/entry.h"

#include "base/compiler.h"
#include "users/name.h"

/* userAccountControl, and what msDS-User-Account-Control-Computed adds ([MS-ADTS] 2.2.16) */
enum {
    UF_ACCOUNT_DISABLE = 0x2,
    UF_LOCKOUT = 0x10,
    UF_DONT_EXPIRE_PASSWORD = 0x10000,
    UF_SMART_CARD_REQUIRED = 0x40000,
};

static const char COMPUTED[] = "msDS-User-Account-Control-Computed";

static void add_attribute(const char *out[AD_ATTRIBUTES_MAX], const char *name)
{
    unsigned i = 0;

    if (!name[0])
        return;
    for (; out[i]; i++) {
        if (str_eq_nocase(str_from_c(out[i]), str_from_c(name)))
            return;
    }
    out[i] = name;
    out[i + 1] = NULL;
}

void ad_entry_attributes(const struct conf_ad *c, const char *out[AD_ATTRIBUTES_MAX])
{
    static const char *const always[] = { "sAMAccountName", "userPrincipalName",  "objectSid",
                                          "displayName",    "userAccountControl", "lockoutTime",
                                          "accountExpires", "pwdLastSet",         COMPUTED };

    out[0] = NULL;
    for (unsigned i = 0; i < ARRAY_LEN(always); i++)
        add_attribute(out, always[i]);
    add_attribute(out, c->address_attribute);
    add_attribute(out, c->enabled_attribute);
    add_attribute(out, c->remote_attribute);
    add_attribute(out, c->federation_attribute);
    if (c->enabled_group[0] || c->remote_group[0])
        add_attribute(out, "memberOf");
}

const struct ad_value_list *ad_entry_find(const struct ad_entry *e, const char *attribute)
{
    struct str name = str_from_c(attribute);

    for (unsigned i = 0; i < e->count; i++) {
        struct str have = e->attributes[i].name;
        if (str_eq_nocase(str_first(have, str_find_char(have, ';')), name) &&
            e->attributes[i].count > 0)
            return &e->attributes[i];
    }
    return NULL;
}

struct str ad_entry_first(const struct ad_entry *e, const char *attribute)
{
    const struct ad_value_list *l = attribute[0] ? ad_entry_find(e, attribute) : NULL;

    return l ? l->values[0] : STR_NONE;
}

/* Decimal; a time before 1601 or an unreadable number counts as none. */
static uint64_t number(const struct ad_entry *e, const char *attribute)
{
    uint64_t n = 0;

    return str_to_u64(ad_entry_first(e, attribute), &n) ? n : 0;
}

static bool is_true(const struct ad_entry *e, const char *attribute)
{
    return str_eq_nocase(ad_entry_first(e, attribute), STR("TRUE"));
}

static bool is_member(const struct ad_entry *e, struct str group)
{
    const struct ad_value_list *l = group.len ? ad_entry_find(e, "memberOf") : NULL;

    for (unsigned i = 0; l && i < l->count; i++) {
        if (str_eq_nocase(l->values[i], group))
            return true;
    }
    return false;
}

static bool is_other_scheme(struct str value)
{
    size_t colon = str_find_char(value, ':'), at = str_find_char(value, '@');

    return colon != SIZE_MAX && colon < at && !str_starts_nocase(value, STR("sip:"));
}

/* Of several the one with SIP: in capitals, as Exchange marks the primary one, else the first.
 * proxyAddresses also holds smtp: and more, which are no SIP addresses. */
static struct str address_of(const struct ad_entry *e, const struct conf_ad *c)
{
    const struct ad_value_list *l = ad_entry_find(e, c->address_attribute);
    bool mixed = str_eq_nocase(str_from_c(c->address_attribute), STR("proxyAddresses"));
    struct str best = STR_NONE;

    for (unsigned i = 0; l && i < l->count; i++) {
        struct str v = l->values[i];
        bool sip = str_starts_nocase(v, STR("sip:"));
        if (is_other_scheme(v) || (mixed && !sip) || str_find_char(v, '@') == SIZE_MAX)
            continue;
        if (best.len == 0 || (str_starts(v, STR("SIP:")) && !str_starts(best, STR("SIP:"))))
            best = v;
    }
    return best;
}

bool ad_entry_address(const struct ad_entry *e, const struct conf_ad *c, char out[USER_URI_MAX + 1])
{
    struct str v = address_of(e, c);
    struct str bare = str_starts_nocase(v, STR("sip:")) ? str_skip(v, 4) : v;

    out[0] = '\0';
    if (bare.len == 0 || !user_field_set(out + 4, USER_URI_MAX + 1 - 4, bare))
        return false;
    memcpy(out, "sip:", 4);
    return true;
}

static bool is_locked(const struct ad_entry *e, const struct ad_mapping *m)
{
    uint64_t since = number(e, "lockoutTime");

    if (ad_entry_find(e, COMPUTED))
        return number(e, COMPUTED) & UF_LOCKOUT;
    return since != 0 && (m->lockout_duration == 0 || since + m->lockout_duration > m->filetime);
}

/* Nothing is concluded from what the reading account may not see. */
static bool must_change(const struct ad_entry *e)
{
    uint64_t control = number(e, "userAccountControl");

    return str_eq(ad_entry_first(e, "pwdLastSet"), STR("0")) &&
           !(control & (UF_DONT_EXPIRE_PASSWORD | UF_SMART_CARD_REQUIRED));
}

static unsigned granted(const struct ad_entry *e, const struct ad_mapping *m, bool has_address)
{
    const struct conf_ad *c = m->conf;
    bool open = !c->enabled_attribute[0] && !c->enabled_group[0];
    unsigned flags = 0;

    if (is_true(e, c->enabled_attribute) || is_member(e, m->enabled_group) || (open && has_address))
        flags |= USER_SIP_ENABLED;
    if (is_true(e, c->remote_attribute) || is_member(e, m->remote_group))
        flags |= USER_REMOTE_ACCESS;
    if (is_true(e, c->federation_attribute))
        flags |= USER_FEDERATION;
    return flags;
}

static unsigned state(const struct ad_entry *e, const struct ad_mapping *m)
{
    unsigned flags = 0;

    if (number(e, "userAccountControl") & UF_ACCOUNT_DISABLE)
        flags |= USER_DISABLED;
    if (is_locked(e, m))
        flags |= USER_LOCKED;
    if (must_change(e))
        flags |= USER_MUST_CHANGE;
    return flags;
}

/* 100 ns since 1601; 0 and the largest number mean never ([MS-ADA1] accountExpires). */
static int64_t expires(const struct ad_entry *e)
{
    const uint64_t per_second = 10000000, epoch = UINT64_C(11644473600);
    uint64_t at = number(e, "accountExpires");

    if (at == 0 || at >= INT64_MAX)
        return 0;
    return at / per_second > epoch ? (int64_t)(at / per_second - epoch) : 1;
}

static void set_sid(const struct ad_entry *e, struct ad_account *out)
{
    struct str sid = ad_entry_first(e, "objectSid");

    if (sid.len > sizeof(out->sid))
        return;
    memcpy(out->sid, sid.ptr, sid.len);
    out->sid_len = (uint8_t)sid.len;
}

bool ad_entry_account(const struct ad_entry *e, const struct ad_mapping *m, struct ad_account *out)
{
    struct user *u = &out->user;

    memset(out, 0, sizeof(*out));
    bool has_address = ad_entry_address(e, m->conf, u->uri);
    if (!user_field_set(u->name, sizeof(u->name), ad_entry_first(e, "sAMAccountName")) ||
        !user_field_set(u->upn, sizeof(u->upn), ad_entry_first(e, "userPrincipalName")) ||
        !user_field_set(u->domain, sizeof(u->domain), str_from_c(m->netbios_domain)))
        return false;
    user_field_set(u->display, sizeof(u->display), ad_entry_first(e, "displayName"));
    u->flags = granted(e, m, has_address) | state(e, m);
    u->expires = expires(e);
    set_sid(e, out);
    return has_address || u->name[0] != '\0';
}
