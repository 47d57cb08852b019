/* SPDX-License-Identifier: MIT */
/* What a domain controller's NTSTATUS means for a sign-in. */
#ifndef POSTERN_AD_STATUS_H
#define POSTERN_AD_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#include "diag/fault.h"

struct ad_status_of {
    bool ntlmv2;         /* of the response that was refused */
    bool foreign_domain; /* the client named another domain than ours */
    bool authoritative;  /* the controller is the one that would know */
};

/* FAULT_NONE for 0; what is not known is directory-failed, never a wrong password. */
enum fault ad_status_fault(uint32_t ntstatus, struct ad_status_of of);

#endif
