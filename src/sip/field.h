/* SPDX-License-Identifier: MIT */
/* Properties of the known fields, for the parser.  For src/sip only. */
#ifndef POSTERN_SIP_FIELD_H
#define POSTERN_SIP_FIELD_H

#include <stdbool.h>

#include "sip/msg.h"

/* May appear only once in a message. */
extern const bool sip_field_once[SIP_FIELD_COUNT];

#endif
