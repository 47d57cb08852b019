/* SPDX-License-Identifier: MIT */
/* Via, with and without branch: clients of this family often send none. */
#ifndef POSTERN_SIP_VIA_H
#define POSTERN_SIP_VIA_H

#include <stdint.h>

#include "base/str.h"
#include "diag/fault.h"

struct sip_via {
    struct str transport; /* "TLS", "tcp" as spelt */
    struct str host;
    uint16_t port; /* 0: none */
    struct str params;
    struct str branch; /* empty: none */
};

/* The first element of a Via value; *rest gets what follows its comma. */
enum fault sip_via_parse(struct str in, struct sip_via *out, struct str *rest);

#endif
