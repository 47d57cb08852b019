/* SPDX-License-Identifier: MIT */
/* The catalogue of everything that can go wrong, as a type and a look-up.  The rows are in
 * faults.def; replies, traces, ms-diagnostics, tools and documents are all drawn from them. */
#ifndef POSTERN_DIAG_FAULT_H
#define POSTERN_DIAG_FAULT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum fault {
    FAULT_NONE = 0,
#define FAULT(id, name, result, status, diag, header, reason, text, advice) FAULT_##id,
#include "diag/faults.def"
#undef FAULT
    FAULT_COUNT
};

/* Which header tells the client. */
enum fault_header {
    FAULT_HEADER_NONE,   /* nothing beyond the status line */
    FAULT_HEADER_INSIDE, /* ms-diagnostics, with source */
    FAULT_HEADER_PUBLIC, /* ms-diagnostics-public, without source */
};

struct fault_row {
    const char *name;     /* kebab case, begins with its family: "policy-128bit" */
    uint32_t result_code; /* the SSPI, NTSTATUS or Win32 code of the security record */
    unsigned status;      /* SIP status of the refusal, 0: no reply (connection closes) */
    unsigned diag_id;     /* ms-diagnostics id, 0: none */
    enum fault_header header;
    const char *reason; /* text on the wire, next to diag_id */
    const char *text;   /* what happened: demanded, offered, by whom */
    const char *advice; /* what to do next */
};

const struct fault_row *fault_row(enum fault f);
const char *fault_name(enum fault f); /* "none" for FAULT_NONE */
/* Finds by kebab name; FAULT_COUNT when unknown. */
enum fault fault_from_name(struct str name);
/* Nobody looked at the password: nothing is said about who signs in. */
bool fault_is_of_directory(enum fault f);
/* "SEC_E_UNSUPPORTED_FUNCTION", or NULL when the code has no name here. */
const char *fault_result_symbol(uint32_t result_code);

#endif
