/* SPDX-License-Identifier: MIT */
#include "ad/filter.h"

static bool is_plain(char c)
{
    return is_alpha(c) || is_digit(c) || c == '@' || c == '.' || c == ':' || c == '-' || c == '_';
}

void ad_filter_value(struct str value, struct buf *out)
{
    for (size_t i = 0; i < value.len; i++) {
        if (is_plain(value.ptr[i]))
            buf_add_char(out, value.ptr[i]);
        else
            buf_printf(out, "\\%02x", (unsigned char)value.ptr[i]);
    }
}

void ad_filter_equal(const char *attribute, struct str value, struct buf *out)
{
    buf_printf(out, "(%s=", attribute);
    ad_filter_value(value, out);
    buf_add_char(out, ')');
}

void ad_filter_address(const struct conf_ad *c, struct str uri, struct buf *out)
{
    buf_add_c(out, "(|");
    ad_filter_equal(c->address_attribute, uri, out);
    if (str_starts_nocase(uri, STR("sip:")))
        ad_filter_equal(c->address_attribute, str_skip(uri, 4), out);
    buf_add_char(out, ')');
}

void ad_filter_person(struct str inner, struct buf *out)
{
    buf_add_c(out, "(&(objectCategory=person)");
    buf_add(out, inner);
    buf_add_char(out, ')');
}

void ad_filter_list(const struct conf_ad *c, struct buf *out)
{
    struct buf has = { 0 };

    buf_printf(&has, "(%s=*)", c->address_attribute);
    ad_filter_person(buf_str(&has), out);
    buf_fini(&has);
}

void ad_filter_changes(const struct conf_ad *c, uint64_t since, struct buf *out)
{
    /* objectClass, not objectCategory: a deleted object has lost its category */
    buf_printf(out, "(&(uSNChanged>=%llu)(|(objectClass=person)", (unsigned long long)since);
    if (c->enabled_group[0])
        ad_filter_equal("distinguishedName", str_from_c(c->enabled_group), out);
    if (c->remote_group[0])
        ad_filter_equal("distinguishedName", str_from_c(c->remote_group), out);
    buf_add_c(out, "))");
}
