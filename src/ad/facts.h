/* SPDX-License-Identifier: MIT */
/* What else Active Directory knows of an account, beside what authd needs, and what a domain
 * controller would make of it: for whoever explains a sign-in before it happens. */
#ifndef POSTERN_AD_FACTS_H
#define POSTERN_AD_FACTS_H

#include "ad/reader.h"

enum { AD_FACT_TEXT_MAX = 1023 };

struct ad_facts {
    bool disabled, locked, expired;
    bool must_change, password_expired;
    int64_t password_expires; /* seconds since 1970; 0: never, or not told */
    bool smart_card;
    bool hours_limited, outside_hours;       /* logonHours; now */
    char workstations[AD_FACT_TEXT_MAX + 1]; /* userWorkstations, "": any */
    bool groups_known, protected_user;       /* also by way of groups in groups */
    char home_server[AD_FACT_TEXT_MAX + 1];  /* msRTCSIP-PrimaryHomeServer */
    bool has_options;
    uint32_t options; /* msRTCSIP-OptionFlags */
};

/* For ad_reader_entry. */
extern const char *const ad_facts_attributes[];
void ad_facts_of(const struct ad_entry *e, const struct ad_account *a, uint64_t filetime,
                 struct ad_facts *out);
/* FAULT_NONE, or a directory- fault with the reason in `why`. */
enum fault ad_facts_read(struct ad_reader *r, const char *dn, const struct ad_account *a,
                         struct ad_facts *out, struct buf *why);

/* The status a domain controller would give for the right password in NTLM; workstations aside,
 * which depend on where it is typed. */
uint32_t ad_facts_ntstatus(const struct ad_facts *f);
/* Whether it would issue a ticket, and why not. */
enum fault ad_facts_ticket(const struct ad_facts *f);

#endif
