/* SPDX-License-Identifier: MIT */
/* Search filters (RFC 4515).  Every value is foreign: all but letters and digits of ASCII, and the
 * octets of UTF-8, go out as \xx. */
#ifndef POSTERN_AD_FILTER_H
#define POSTERN_AD_FILTER_H

#include "ad/message.h"
#include "conf/conf.h"

void ad_filter_value(struct str value, struct buf *out);
/* (attribute=value) */
void ad_filter_equal(const char *attribute, struct str value, struct buf *out);
/* Who has the SIP address, written as AD writes it: with and without "sip:". */
void ad_filter_address(const struct conf_ad *c, struct str uri, struct buf *out);
/* Users and contacts that satisfy `inner`, itself a filter. */
void ad_filter_person(struct str inner, struct buf *out);
/* Whoever may have become enabled: has an address. */
void ad_filter_list(const struct conf_ad *c, struct buf *out);
/* What changed since: people, what was deleted, and the groups that matter. */
void ad_filter_changes(const struct conf_ad *c, uint64_t since, struct buf *out);

#endif
