/* SPDX-License-Identifier: MIT */
/* CSeq: 3 REGISTER */
#ifndef POSTERN_SIP_CSEQ_H
#define POSTERN_SIP_CSEQ_H

#include <stdint.h>

#include "base/str.h"
#include "diag/fault.h"

struct sip_cseq {
    struct str digits; /* the sender's spelling: leading zeros are part of the signed text */
    uint32_t number;
    struct str method;
};

enum fault sip_cseq_parse(struct str in, struct sip_cseq *out);

#endif
