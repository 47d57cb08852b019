/* SPDX-License-Identifier: MIT */
#include "diag/fault.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "base/compiler.h"

static const struct fault_row rows[FAULT_COUNT] = {
    [FAULT_NONE] = { .name = "none", .reason = "", .text = "nothing is wrong", .advice = "" },
#define FAULT(id, kebab, result, sip_status, diag, hdr, wire_reason, what, do_next)                \
    [FAULT_##id] = { .name = (kebab),                                                              \
                     .result_code = (result),                                                      \
                     .status = (sip_status),                                                       \
                     .diag_id = (diag),                                                            \
                     .header = (hdr),                                                              \
                     .reason = (wire_reason),                                                      \
                     .text = (what),                                                               \
                     .advice = (do_next) },
#include "diag/faults.def"
#undef FAULT
};

const struct fault_row *fault_row(enum fault f)
{
    assert((unsigned)f < FAULT_COUNT);
    return &rows[f];
}

const char *fault_name(enum fault f)
{
    return fault_row(f)->name;
}

bool fault_is_of_directory(enum fault f)
{
    return f == FAULT_KERBEROS_KEYTAB || f == FAULT_KERBEROS_CACHE ||
           strncmp(fault_name(f), "directory-", 10) == 0;
}

enum fault fault_from_name(struct str name)
{
    for (unsigned f = 0; f < FAULT_COUNT; f++) {
        if (str_eq(str_from_c(rows[f].name), name))
            return (enum fault)f;
    }
    return FAULT_COUNT;
}

/* winerror.h: what the records of a server of that family carry. */
static const struct {
    uint32_t code;
    const char *symbol;
} symbols[] = {
    { 0x80090300u, "SEC_E_INSUFFICIENT_MEMORY" },
    { 0x80090301u, "SEC_E_INVALID_HANDLE" },
    { 0x80090302u, "SEC_E_UNSUPPORTED_FUNCTION" },
    { 0x80090303u, "SEC_E_TARGET_UNKNOWN" },
    { 0x80090304u, "SEC_E_INTERNAL_ERROR" },
    { 0x80090305u, "SEC_E_SECPKG_NOT_FOUND" },
    { 0x80090308u, "SEC_E_INVALID_TOKEN" },
    { 0x8009030Cu, "SEC_E_LOGON_DENIED" },
    { 0x8009030Du, "SEC_E_UNKNOWN_CREDENTIALS" },
    { 0x8009030Eu, "SEC_E_NO_CREDENTIALS" },
    { 0x8009030Fu, "SEC_E_MESSAGE_ALTERED" },
    { 0x80090310u, "SEC_E_OUT_OF_SEQUENCE" },
    { 0x80090311u, "SEC_E_NO_AUTHENTICATING_AUTHORITY" },
    { 0x80090317u, "SEC_E_CONTEXT_EXPIRED" },
    { 0x80090322u, "SEC_E_WRONG_PRINCIPAL" },
    { 0x80090324u, "SEC_E_TIME_SKEW" },
    { 0x80090325u, "SEC_E_UNTRUSTED_ROOT" },
    { 0x80090326u, "SEC_E_ILLEGAL_MESSAGE" },
    { 0x80090327u, "SEC_E_CERT_UNKNOWN" },
    { 0x80090328u, "SEC_E_CERT_EXPIRED" },
    { 0x80090330u, "SEC_E_DECRYPT_FAILURE" },
    { 0x80090331u, "SEC_E_ALGORITHM_MISMATCH" },
    { 0x80090346u, "SEC_E_BAD_BINDINGS" },
    { 0x80090349u, "SEC_E_CERT_WRONG_USAGE" },
    { 0xC3E93C5Eu, "SIPPROXY_E_ROUTING" },
    { 0x800B0101u, "CERT_E_EXPIRED" },
    { 0x800B0109u, "CERT_E_UNTRUSTEDROOT" },
    { 0x800B010Fu, "CERT_E_CN_NO_MATCH" },
    { 0x8007274Cu, "WSAETIMEDOUT" },
    { 0x8007274Du, "WSAECONNREFUSED" },
    { 0x80072746u, "WSAECONNRESET" },
    { 0x80072745u, "WSAECONNABORTED" },
    { 0x80072AF9u, "WSAHOST_NOT_FOUND" },
    { 0xC3E93EC3u, "SIP_E_AUTH_UNAUTHORIZED" },
    { 0xC0000064u, "STATUS_NO_SUCH_USER" },
    { 0xC000006Au, "STATUS_WRONG_PASSWORD" },
    { 0xC000006Du, "STATUS_LOGON_FAILURE" },
    { 0xC0000072u, "STATUS_ACCOUNT_DISABLED" },
    { 0xC00000BBu, "STATUS_NOT_SUPPORTED" },
    { 0xC0000193u, "STATUS_ACCOUNT_EXPIRED" },
    { 0xC0000224u, "STATUS_PASSWORD_MUST_CHANGE" },
    { 0xC0000234u, "STATUS_ACCOUNT_LOCKED_OUT" },
    { 0xC0000418u, "STATUS_NTLM_BLOCKED" },
};

const char *fault_result_symbol(uint32_t result_code)
{
    for (size_t i = 0; i < ARRAY_LEN(symbols); i++) {
        if (symbols[i].code == result_code)
            return symbols[i].symbol;
    }
    return NULL;
}
