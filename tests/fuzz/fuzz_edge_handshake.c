/* SPDX-License-Identifier: MIT */
/* A message with credentials as it passes the Edge, either way.  One challenge is on its way. */
#include <stdlib.h>

#include "../unit/edge_kit.h"
#include "../unit/ntlm_exchange.h"
#include "base/encode.h"

enum { BUDGET = 256 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct edge_kit kit;
static struct buf offer; /* the 401 whose CHALLENGE the corpus was made for */

static void demand(bool holds)
{
    if (!holds)
        abort();
}

static void start(void)
{
    struct exchange x;

    edge_kit_init(&kit, "");
    exchange_init(&x);
    demand(exchange_answer(&x) == FAULT_NONE);
    buf_add_c(&offer, "SIP/2.0 401 x\r\nVia: SIP/2.0/TLS a\r\nFrom: <sip:a@b>\r\nTo: <sip:a@b>\r\n"
                      "Call-ID: c\r\nCSeq: 1 REGISTER\r\n"
                      "WWW-Authenticate: NTLM opaque=\"0123ABCD\", gssapi-data=\"");
    base64_encode(buf_str(&x.challenge), &offer);
    buf_add_c(&offer, "\"\r\n\r\n");
    exchange_fini(&x);
}

static void note(struct str whole)
{
    if (edge_kit_turn(&kit, kit.link, whole) == FAULT_NONE)
        handshake_note(kit.turn.outside, &kit.turn.msg, &kit.w->arena);
}

static void look(const struct outside *o, unsigned before)
{
    struct handshake_seen seen;

    handshake_look(kit.turn.outside, &kit.turn.msg, &kit.w->arena, &seen);
    if (seen.kind == HANDSHAKE_NO)
        demand(seen.fault == FAULT_NONE && seen.token.len == 0 && o->handshake_count == before);
    /* good once, and then used up */
    if (seen.kind == HANDSHAKE_ANSWER && seen.fault == FAULT_NONE) {
        demand(seen.token.len > 0 && o->handshake_count + 1 == before);
        handshake_look(kit.turn.outside, &kit.turn.msg, &kit.w->arena, &seen);
        demand(seen.kind == HANDSHAKE_ANSWER && seen.fault != FAULT_NONE);
    }
    if (seen.fault != FAULT_NONE)
        demand(seen.foreign_target.len == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str whole = str_of(data, size);

    if (!kit.w)
        start();
    struct outside *o = conn_user(kit.client);
    kit.w->arena.budget = BUDGET;
    note(buf_str(&offer));
    note(whole);
    demand(o->handshake_count >= 1 && o->handshake_count <= 8);
    if (edge_kit_turn(&kit, kit.client, whole) == FAULT_NONE)
        look(o, o->handshake_count);
    handshakes_free(o);
    demand(o->handshake_count == 0);
    return 0;
}
