/* SPDX-License-Identifier: MIT */
/* A SIP message as slices into the bytes that came: start line and field index.  The sender's
 * spelling is kept; a message that is not edited leaves byte for byte as it arrived. */
#ifndef POSTERN_SIP_MSG_H
#define POSTERN_SIP_MSG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "diag/fault.h"

enum sip_field {
    SIP_OTHER,
#define FIELD(id, name, compact, once) SIP_##id,
#include "sip/fields.def"
#undef FIELD
    SIP_FIELD_COUNT
};

struct sip_header {
    enum sip_field id;
    struct str name;  /* as sent */
    struct str value; /* trimmed; folds inside are kept as they came */
    struct str line;  /* everything from the name to the last CR LF */
    uint16_t next; /* index + 1 of the next header with the same id (not for SIP_OTHER); 0: none */
};

struct sip_msg {
    struct str raw;  /* head and body */
    struct str head; /* up to and including the empty line */
    struct str body;
    struct str start_line; /* without CR LF */
    bool is_request;
    struct str method; /* request; for a response that of CSeq */
    struct str uri;    /* request */
    unsigned status;   /* response */
    struct str reason;
    struct sip_header *headers; /* in the arena, order as received */
    unsigned header_count;
    uint16_t first[SIP_FIELD_COUNT]; /* index + 1; 0: absent */
    /* of the mandatory headers, filled by sip_msg_parse when they can be read */
    struct str call_id;
    uint32_t cseq;
    struct str cseq_digits; /* the sender's spelling is part of the signed text */
    struct str cseq_method;
};

enum { SIP_HEADERS_MAX_DEFAULT = 128 };

/* Parses one framed message.  The first fault is told; lines with a NUL or lone CR are left out, a
 * lone LF ends its line.  On a fault the fields found so far are valid, so that a 400 can
 * still be made when Via, From, To, Call-ID and CSeq were found (sip_msg_can_reply). */
enum fault sip_msg_parse(struct str raw, size_t head_len, unsigned headers_max, struct arena *arena,
                         struct sip_msg *out);
bool sip_msg_can_reply(const struct sip_msg *m);

const struct sip_header *sip_msg_first(const struct sip_msg *m, enum sip_field id);
const struct sip_header *sip_msg_next(const struct sip_msg *m, const struct sip_header *h);
/* Value of the first, STR_NONE when absent. */
struct str sip_msg_value(const struct sip_msg *m, enum sip_field id);
/* Any header by full name, ASCII case ignored (SIP_OTHER ones too). */
const struct sip_header *sip_msg_find(const struct sip_msg *m, struct str name);
/* The value with folds replaced by one blank; the slice itself when there is none. */
struct str sip_unfold(struct str value, struct arena *arena);
/* Whether the comma-separated lists of all headers `id` hold this token (option tags). */
bool sip_msg_has_token(const struct sip_msg *m, enum sip_field id, struct str token);

enum sip_field sip_field_from_name(struct str name); /* full or compact */
const char *sip_field_name(enum sip_field id);

#endif
