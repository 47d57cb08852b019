/* SPDX-License-Identifier: MIT */
#include "sip/cseq.h"

#include "sip/chars.h"

enum { CSEQ_MAX = 0x7FFFFFFF }; /* RFC 3261 8.1.1.5: less than 2^31 */

enum fault sip_cseq_parse(struct str in, struct sip_cseq *out)
{
    struct str s = str_trim(in);

    *out = (struct sip_cseq){ .digits = str_take_while(&s, is_digit) };
    struct str after = s;
    sip_skip_space(&after);
    out->method = sip_take(&after, SIP_CHAR_TOKEN);
    if (!str_to_u32(out->digits, &out->number) || out->number > CSEQ_MAX)
        return FAULT_SIP_CSEQ;
    if (out->method.ptr == s.ptr || out->method.len == 0 || after.len > 0)
        return FAULT_SIP_CSEQ;
    return FAULT_NONE;
}
