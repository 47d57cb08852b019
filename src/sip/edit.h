/* SPDX-License-Identifier: MIT */
/* Changes to a message as a list, applied when it is sent: the original text plus edits.  Texts are
 * copied into the arena; a CR, LF or other control character in them becomes a blank.  Of two new
 * values the later one holds, a removed header stays removed, and a line added first later stands
 * above one added before. */
#ifndef POSTERN_SIP_EDIT_H
#define POSTERN_SIP_EDIT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "sip/msg.h"

struct sip_edit;

struct sip_edits {
    struct sip_edit *head;
    struct arena *arena;
    const struct sip_msg *msg;
    bool failed; /* arena exhausted */
};

void sip_edits_init(struct sip_edits *e, const struct sip_msg *msg, struct arena *arena);
void sip_edit_remove(struct sip_edits *e, const struct sip_header *h);
void sip_edit_value(struct sip_edits *e, const struct sip_header *h,
                    struct str value); /* name kept */
void sip_edit_append(struct sip_edits *e, const struct sip_header *h,
                     struct str text); /* to the value */
/* A whole line "Name: value", CR LF added, above the first header / below the last. */
void sip_edit_add_first(struct sip_edits *e, struct str line);
void sip_edit_add_last(struct sip_edits *e, struct str line);
void sip_edit_uri(struct sip_edits *e, struct str uri); /* Request-URI */
/* Writes the edited message.  False when `failed`, or when the arena is spent: then a text given
 * here may be half of what it should be, and an empty line would end the head. */
bool sip_edits_apply(const struct sip_edits *e, struct buf *out);

#endif
