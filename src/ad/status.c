/* SPDX-License-Identifier: MIT */
#include "ad/status.h"

#include "base/compiler.h"

enum { WRONG_PASSWORD = 0x6A, NO_SUCH_USER = 0x64 };

/* The low word of an error, 0xC000xxxx ([MS-ERREF] 2.3.1). */
static const struct {
    uint16_t code;
    enum fault fault;
} faults[] = {
    { WRONG_PASSWORD, FAULT_USER_WRONG_PASSWORD },
    { NO_SUCH_USER, FAULT_USER_UNKNOWN },
    { 0x234, FAULT_USER_LOCKED },
    { 0x072, FAULT_USER_DISABLED },
    { 0x071, FAULT_USER_PASSWORD_EXPIRED },
    { 0x224, FAULT_USER_MUST_CHANGE },
    { 0x193, FAULT_USER_EXPIRED },
    { 0x06F, FAULT_USER_LOGON_HOURS },
    { 0x070, FAULT_USER_WORKSTATION },
    { 0x06E, FAULT_USER_RESTRICTED },
    { 0x2FA, FAULT_USER_SMART_CARD },
    { 0x418, FAULT_NTLM_BLOCKED },
    { 0x0BB, FAULT_NTLM_BLOCKED }, /* NOT_SUPPORTED: NTLM restricted in the domain */
    { 0x06D, FAULT_NTLM_TARGET_INFO },
    { 0x05E, FAULT_DIRECTORY_NO_DC },     /* NO_LOGON_SERVERS */
    { 0x233, FAULT_DIRECTORY_NO_DC },     /* DOMAIN_CONTROLLER_NOT_FOUND */
    { 0x0B5, FAULT_DIRECTORY_SLOW },      /* IO_TIMEOUT */
    { 0x0DF, FAULT_USER_DOMAIN_UNKNOWN }, /* NO_SUCH_DOMAIN */
};

enum fault ad_status_fault(uint32_t ntstatus, struct ad_status_of of)
{
    uint32_t code = ntstatus & 0xFFFF;

    if (ntstatus == 0)
        return FAULT_NONE;
    if ((ntstatus & 0xFFFF0000u) != 0xC0000000u)
        return FAULT_DIRECTORY_FAILED;
    if (code == WRONG_PASSWORD && !of.ntlmv2)
        return FAULT_NTLM_DC_POLICY;
    if (code == NO_SUCH_USER && !of.authoritative && of.foreign_domain)
        return FAULT_USER_DOMAIN_UNKNOWN;
    for (unsigned i = 0; i < ARRAY_LEN(faults); i++) {
        if (faults[i].code == code)
            return faults[i].fault;
    }
    return FAULT_DIRECTORY_FAILED;
}
