/* SPDX-License-Identifier: MIT */
/* What a client can tell from the server's refusal, and no more. */
#ifndef POSTERN_CLIENT_VERDICT_H
#define POSTERN_CLIENT_VERDICT_H

#include <stdbool.h>

#include "base/str.h"
#include "diag/fault.h"

/* `diagnostics` is the value of ms-diagnostics or ms-diagnostics-public.  FAULT_SIP_REFUSED unless
 * the answer names a row of the catalogue; of rows with the same words it is the first.  401 with
 * 1000 names none, it stands for wrong password, locked account and unmet policy alike.
 * `is_signed`: its signature was good. */
enum fault client_verdict(unsigned status, struct str diagnostics, bool is_signed);

#endif
