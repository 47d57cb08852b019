/* SPDX-License-Identifier: MIT */
/* From, To, Contact: display name, URI, header parameters. */
#ifndef POSTERN_SIP_ADDR_H
#define POSTERN_SIP_ADDR_H

#include "base/str.h"
#include "diag/fault.h"

struct sip_addr {
    struct str name;   /* as sent, quotes included */
    struct str uri;    /* between < and >, or up to the first ';' */
    struct str params; /* after the URI, without the leading ';' */
};

/* Reads one address and leaves in *rest what follows a top-level comma (Contact lists).  Without
 * `rest` there must be only one: of two in From nobody could say which is signed. */
enum fault sip_addr_parse(struct str in, struct sip_addr *out, struct str *rest);
struct str sip_addr_tag(const struct sip_addr *a);
struct str sip_addr_epid(const struct sip_addr *a);
/* Header parameter with quotes removed, STR_NONE when absent. */
struct str sip_addr_param(const struct sip_addr *a, struct str name);

#endif
