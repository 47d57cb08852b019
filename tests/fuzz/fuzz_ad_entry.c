/* SPDX-License-Identifier: MIT */
/* A directory entry as a server may send it: "name=value" lines in any number, of any content.  And
 * each value as a part of a filter, out of which it must not get. */
#include <stdlib.h>

#include "ad/entry.h"
#include "ad/filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LISTS_MAX = 32 };

static void fields_end(const struct ad_account *a)
{
    if (strlen(a->user.name) > USER_NAME_MAX || strlen(a->user.upn) > USER_URI_MAX ||
        strlen(a->user.uri) > USER_URI_MAX || strlen(a->user.display) > USER_DISPLAY_MAX ||
        a->sid_len > AD_SID_MAX)
        abort();
}

static void stays_inside(struct str value)
{
    struct buf out = { 0 };

    ad_filter_value(value, &out);
    for (size_t i = 0; i < out.len; i++) {
        if (strchr("()*&|!=<>~", out.ptr[i]))
            abort();
    }
    buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const attributes[] = { "msRTCSIP-PrimaryUserAddress", "proxyAddresses",
                                              "mail" };
    static struct conf *c;
    struct ad_value_list lists[LISTS_MAX];
    struct str values[LISTS_MAX], rest = str_of(data, size);
    struct ad_entry entry = { lists, 0 };

    if (!c)
        c = conf_new();
    while (rest.len > 0 && entry.count < LISTS_MAX) {
        struct str line = str_take_until(&rest, '\n');
        lists[entry.count].name = str_take_until(&line, '=');
        values[entry.count] = line;
        lists[entry.count].values = &values[entry.count];
        lists[entry.count].count = 1;
        stays_inside(line);
        entry.count++;
    }
    for (unsigned i = 0; i < 3; i++) {
        free(c->ad.address_attribute);
        c->ad.address_attribute = str_own(str_from_c(attributes[i]));
        struct ad_mapping m = { .conf = &c->ad,
                                .netbios_domain = "EXAMPLE",
                                .enabled_group = STR("CN=Chat"),
                                .lockout_duration = size,
                                .filetime = 133000000000000000 };
        struct ad_account account;
        if (ad_entry_account(&entry, &m, &account))
            fields_end(&account);
    }
    return 0;
}
