/* SPDX-License-Identifier: MIT */
/* From the attributes of a directory entry to an account.  Pure: no library, no clock. */
#ifndef POSTERN_AD_ENTRY_H
#define POSTERN_AD_ENTRY_H

#include "ad/directory.h"
#include "conf/conf.h"

struct ad_value_list {
    struct str name; /* of the attribute, as the server spells it */
    const struct str *values;
    unsigned count;
};

struct ad_entry {
    const struct ad_value_list *attributes;
    unsigned count;
};

/* What the mapping must know beside the entry. */
struct ad_mapping {
    const struct conf_ad *conf;
    const char *netbios_domain;
    struct str enabled_group, remote_group; /* as the server spells their DNs; may be empty */
    uint64_t lockout_duration;              /* 100 ns; 0: until an administrator unlocks */
    uint64_t filetime;                      /* now */
};

/* Attributes to ask for, as a NULL-terminated list of at most AD_ATTRIBUTES_MAX. */
enum { AD_ATTRIBUTES_MAX = 24 };
void ad_entry_attributes(const struct conf_ad *c, const char *out[AD_ATTRIBUTES_MAX]);

/* The values of an attribute, also when the server sends them in part ("memberOf;range=0-1499").
 * NULL: it has none. */
const struct ad_value_list *ad_entry_find(const struct ad_entry *e, const char *attribute);
struct str ad_entry_first(const struct ad_entry *e, const char *attribute);

/* The SIP address with "sip:"; false when there is none that fits. */
bool ad_entry_address(const struct ad_entry *e, const struct conf_ad *c,
                      char out[USER_URI_MAX + 1]);
/* False when the entry has neither a name nor an address, or one that is too long. */
bool ad_entry_account(const struct ad_entry *e, const struct ad_mapping *m, struct ad_account *out);

#endif
