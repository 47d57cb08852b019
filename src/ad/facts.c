/* SPDX-License-Identifier: MIT */
#include "ad/facts.h"

#include "base/clock.h"
#include "base/compiler.h"
#include "users/name.h"

/* userAccountControl, and what msDS-User-Account-Control-Computed adds ([MS-ADTS] 2.2.16) */
enum { UF_SMART_CARD_REQUIRED = 0x40000, UF_PASSWORD_EXPIRED = 0x800000 };
enum { HOURS_OF_WEEK = 168, PROTECTED_USERS_RID = 525 };

const char *const ad_facts_attributes[] = {
    "userAccountControl",
    "msDS-User-Account-Control-Computed",
    "msDS-UserPasswordExpiryTimeComputed",
    "logonHours",
    "userWorkstations",
    "tokenGroups",
    "memberOf",
    "msRTCSIP-PrimaryHomeServer",
    "msRTCSIP-OptionFlags",
    NULL,
};

static uint64_t number(const struct ad_entry *e, const char *attribute)
{
    uint64_t n = 0;

    return str_to_u64(ad_entry_first(e, attribute), &n) ? n : 0;
}

/* A bit for each hour of the week, in UTC, from Sunday on ([MS-ADA1] logonHours).  1601 began with
 * a Monday. */
static bool is_outside(struct str hours, uint64_t filetime)
{
    const uint64_t per_hour = UINT64_C(36000000000);
    uint64_t hour = (filetime / per_hour + 24) % HOURS_OF_WEEK;

    return hours.len == HOURS_OF_WEEK / 8 &&
           !((unsigned char)hours.ptr[hour / 8] & (1u << (hour % 8)));
}

static bool has_hours(struct str hours)
{
    for (size_t i = 0; i < hours.len; i++) {
        if ((unsigned char)hours.ptr[i] != 0xFF)
            return true;
    }
    return false;
}

/* The domain's group Protected Users: the account's SID with another last number. */
static bool is_protected(const struct ad_entry *e, const struct ad_account *a, bool *known)
{
    const struct ad_value_list *l = ad_entry_find(e, "tokenGroups");
    const uint8_t rid[4] = { PROTECTED_USERS_RID & 0xFF, PROTECTED_USERS_RID >> 8, 0, 0 };

    *known = l != NULL && a->sid_len > sizeof(rid);
    for (unsigned i = 0; *known && i < l->count; i++) {
        struct str sid = l->values[i];
        if (sid.len == a->sid_len && memcmp(sid.ptr, a->sid, sid.len - sizeof(rid)) == 0 &&
            memcmp(sid.ptr + sid.len - sizeof(rid), rid, sizeof(rid)) == 0)
            return true;
    }
    return false;
}

static int64_t seconds_of(uint64_t filetime)
{
    const uint64_t per_second = 10000000, epoch = UINT64_C(11644473600);

    if (filetime == 0 || filetime >= INT64_MAX || filetime / per_second <= epoch)
        return 0;
    return (int64_t)(filetime / per_second - epoch);
}

static void set_text(char out[AD_FACT_TEXT_MAX + 1], struct str value)
{
    user_field_set(out, AD_FACT_TEXT_MAX + 1, str_first(value, AD_FACT_TEXT_MAX));
}

void ad_facts_of(const struct ad_entry *e, const struct ad_account *a, uint64_t filetime,
                 struct ad_facts *out)
{
    struct str hours = ad_entry_first(e, "logonHours");
    uint64_t control = number(e, "userAccountControl"),
             computed = number(e, "msDS-User-Account-Control-Computed");

    *out = (struct ad_facts){
        .disabled = a->user.flags & USER_DISABLED,
        .locked = a->user.flags & USER_LOCKED,
        .expired = a->user.expires != 0 && filetime_from_unix(a->user.expires) <= filetime,
        .must_change = a->user.flags & USER_MUST_CHANGE,
        .password_expires = seconds_of(number(e, "msDS-UserPasswordExpiryTimeComputed")),
        .smart_card = control & UF_SMART_CARD_REQUIRED,
        .hours_limited = has_hours(hours),
        .outside_hours = is_outside(hours, filetime),
        .has_options = ad_entry_find(e, "msRTCSIP-OptionFlags") != NULL,
        .options = (uint32_t)number(e, "msRTCSIP-OptionFlags"),
    };
    /* one that was never set, or must be changed, shows as expired too */
    out->password_expired = !out->must_change && (computed & UF_PASSWORD_EXPIRED);
    out->protected_user = is_protected(e, a, &out->groups_known);
    set_text(out->workstations, ad_entry_first(e, "userWorkstations"));
    set_text(out->home_server, ad_entry_first(e, "msRTCSIP-PrimaryHomeServer"));
}

struct reading {
    const struct ad_account *account;
    struct ad_facts *out;
};

static void take(void *arg, const struct ad_entry *e)
{
    struct reading *r = arg;

    ad_facts_of(e, r->account, clock_filetime(), r->out);
}

enum fault ad_facts_read(struct ad_reader *r, const char *dn, const struct ad_account *a,
                         struct ad_facts *out, struct buf *why)
{
    struct reading reading = { a, out };
    struct ad_entry nothing = { NULL, 0 };

    ad_facts_of(&nothing, a, clock_filetime(), out);
    return ad_reader_entry(r, dn, ad_facts_attributes, take, &reading, why);
}

uint32_t ad_facts_ntstatus(const struct ad_facts *f)
{
    const struct {
        bool applies;
        uint32_t status;
    } checks[] = {
        { f->locked, 0xC0000234 },           { f->disabled, 0xC0000072 },
        { f->expired, 0xC0000193 },          { f->smart_card, 0xC00002FA },
        { f->protected_user, 0xC000006E },   { f->must_change, 0xC0000224 },
        { f->password_expired, 0xC0000071 }, { f->outside_hours, 0xC000006F },
    };

    for (unsigned i = 0; i < ARRAY_LEN(checks); i++) {
        if (checks[i].applies)
            return checks[i].status;
    }
    return 0;
}

enum fault ad_facts_ticket(const struct ad_facts *f)
{
    const struct {
        bool applies;
        enum fault fault;
    } checks[] = {
        { f->locked, FAULT_USER_LOCKED },
        { f->disabled, FAULT_USER_DISABLED },
        { f->expired, FAULT_USER_EXPIRED },
        { f->must_change, FAULT_USER_MUST_CHANGE },
        { f->password_expired, FAULT_USER_PASSWORD_EXPIRED },
        { f->outside_hours, FAULT_USER_LOGON_HOURS },
    };

    for (unsigned i = 0; i < ARRAY_LEN(checks); i++) {
        if (checks[i].applies)
            return checks[i].fault;
    }
    return FAULT_NONE;
}
