/* SPDX-License-Identifier: MIT */
/* The text that gets signed ([MS-SIPAE] 3.3.5; [MS-SIP] 3.1.5), versions 2 to 4. */
#ifndef POSTERN_AUTH_SIGTEXT_H
#define POSTERN_AUTH_SIGTEXT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "diag/fault.h"
#include "sip/msg.h"

/* Slices in the sender's spelling. */
struct sigtext {
    struct str scheme, rand, num, realm, target;
    struct str call_id, cseq, method;
    struct str from_uri, from_tag, to_uri, to_tag;
    struct str pai_sip, pai_tel;
    struct str expires;
    unsigned status; /* 0: a request */
};

size_t sigtext_len(const struct sigtext *t, unsigned version);
/* Appends <scheme><rand>... in the form of `version` (below 3: the short one). */
void sigtext_write(const struct sigtext *t, unsigned version, struct buf *out);
/* Fills everything that comes from the message itself (not scheme, rand, num, realm, target). */
enum fault sigtext_from_msg(const struct sip_msg *m, struct arena *arena, struct sigtext *out);

#endif
