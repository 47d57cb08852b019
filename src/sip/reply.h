/* SPDX-License-Identifier: MIT */
/* Responses made from a request: composed into a buffer, header by header. */
#ifndef POSTERN_SIP_REPLY_H
#define POSTERN_SIP_REPLY_H

#include <stdint.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "base/str.h"
#include "sip/msg.h"

struct sip_reply {
    struct buf *out;
    size_t start; /* offset of the message in out */
    unsigned status;
    const struct sip_msg *request;
    struct str to_tag; /* as set, or the request's own */
};

/* What the top Via gains on receipt: ;received=ip when it differs from the sent-by host,
 * ;ms-received-port=, ;ms-received-cid= in this order. */
struct sip_received {
    struct str ip;
    uint16_t port;
    uint32_t cid;
};

/* Start line and Via, From, To (with `to_tag` when the request's To has none and to_tag is not
 * empty), Call-ID, CSeq, all in the sender's spelling. */
void sip_reply_begin(struct sip_reply *r, struct buf *out, const struct sip_msg *request,
                     unsigned status, struct str reason, struct str to_tag,
                     const struct sip_received *received);
/* The topmost Via as above, from its name to before its CR LF: a proxy notes the same. */
void sip_reply_via(struct buf *out, const struct sip_header *h,
                   const struct sip_received *received);
void sip_reply_header(struct sip_reply *r, const char *name, struct str value);
void sip_reply_headerf(struct sip_reply *r, const char *name, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
/* Content-Type when body is not empty, Content-Length always, empty line, body. */
void sip_reply_end(struct sip_reply *r, struct str content_type, struct str body);
/* The standard phrase of a status code. */
const char *sip_reason(unsigned status);

#endif
