/* SPDX-License-Identifier: MIT */
/* What a client can tell from the server's refusal, and no more. */
#ifndef POSTERN_CLIENT_VERDICT_H
#define POSTERN_CLIENT_VERDICT_H

#include <stdbool.h>

#include "base/str.h"
#include "diag/fault.h"

/* `diagnostics` is the value of ms-diagnostics or ms-diagnostics-public.  FAULT_SIP_REFUSED unless
 * the answer names a single row of the catalogue: 401 with 1000 never does, it stands for wrong
 * password, locked account and unmet policy alike.  `is_signed`: its signature was good. */
enum fault client_verdict(unsigned status, struct str diagnostics, bool is_signed);

#endif
