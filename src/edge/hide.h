/* SPDX-License-Identifier: MIT */
/* What must not be seen outside and must come back all the same: the Via lines of the inside, and
 * the link they came over, sealed (AES-256-GCM) into one parameter of the Edge's own Via.  The key
 * is drawn at start and belongs to one worker: answers come back to the worker that asked. */
#ifndef POSTERN_EDGE_HIDE_H
#define POSTERN_EDGE_HIDE_H

#include <nettle/gcm.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

struct hide {
    struct gcm_aes256_ctx gcm;
    uint64_t used; /* nonces are counted */
};

void hide_init(struct hide *h);
void hide_fini(struct hide *h); /* wipes */

/* Appends base64 text; `conn_id` is the outside connection it is for, and good only there. */
void hide_seal(struct hide *h, struct str text, uint64_t link_id, uint64_t conn_id,
               struct buf *out);
/* False when it was not made here, was altered, or came over another connection. */
bool hide_open(struct hide *h, struct str sealed, uint64_t conn_id, struct arena *arena,
               struct str *text, uint64_t *link_id);

#endif
