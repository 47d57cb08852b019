/* SPDX-License-Identifier: MIT */
#include "client/verdict.h"

enum { FINAL_HANDSHAKE_FAILED = 1000 };

static struct str reason_of(struct str diagnostics)
{
    size_t at = str_find(diagnostics, STR("reason=\""));
    if (at == SIZE_MAX)
        return STR_NONE;
    struct str reason = str_skip(diagnostics, at + sizeof("reason=\"") - 1);
    return str_take_until(&reason, '"');
}

/* These say that the password was right, which only a server that could make the keys knows. */
static bool needs_signature(unsigned diag_id)
{
    return diag_id >= 4003 && diag_id <= 4005;
}

enum fault client_verdict(unsigned status, struct str diagnostics, bool is_signed)
{
    struct str rest = diagnostics, reason = reason_of(diagnostics);
    uint32_t id;

    if (!str_to_u32(str_take_while(&rest, is_digit), &id) || id == FINAL_HANDSHAKE_FAILED ||
        (needs_signature(id) && !is_signed))
        return FAULT_SIP_REFUSED;
    for (enum fault f = FAULT_NONE + 1; f < FAULT_COUNT; f++) {
        const struct fault_row *row = fault_row(f);
        if (row->status == status && row->diag_id == id && str_eq(str_from_c(row->reason), reason))
            return f;
    }
    return FAULT_SIP_REFUSED;
}
