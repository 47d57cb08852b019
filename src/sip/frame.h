/* SPDX-License-Identifier: MIT */
/* Where one message ends in a byte stream (RFC 3261 18.3, 7.5). */
#ifndef POSTERN_SIP_FRAME_H
#define POSTERN_SIP_FRAME_H

#include <stddef.h>

#include "base/str.h"
#include "diag/fault.h"

enum sip_frame_status {
    SIP_FRAME_MORE,    /* not complete yet; `need` more bytes at least (1 when unknown) */
    SIP_FRAME_MESSAGE, /* total bytes are one message; head_len of them start line and headers */
    SIP_FRAME_BLANK,   /* total bytes of CR LF between messages: keep-alive */
    SIP_FRAME_BROKEN,  /* cannot go on: `fault` */
};

struct sip_frame {
    enum sip_frame_status status;
    size_t head_len, total, need;
    enum fault fault; /* SIP_NOT_SIP, SIP_TOO_LARGE, SIP_CONTENT_LENGTH, SIP_DUPLICATE_HEADER */
    size_t scanned;   /* in and out: how far the end of the head was looked for (0 at first) */
};

/* Looks at the front of `in`.  A head without Content-Length has no body.  Compact 'l' and folded
 * values count.  Garbage is told early: the first bytes must be able to begin a SIP line. */
void sip_frame_next(struct str in, size_t message_max, struct sip_frame *f);

#endif
