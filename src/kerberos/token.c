/* SPDX-License-Identifier: MIT */
#include "kerberos/token.h"

#include <stdint.h>

#include "base/wire.h"

enum {
    TAG_APPLICATION_0 = 0x60,
    TAG_AP_REQ = 0x6e,
    TAG_SEQUENCE = 0x30,
    TAG_TICKET_FIELD = 0xa3,
    LENGTH_LONG = 0x80,
    LENGTH_OCTETS_MAX = 4,
    TOK_ID_AP_REQ = 0x0100
};

static const char mechanism[] = "\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02";

/* A definite DER length. */
static size_t length(struct wire *w)
{
    uint8_t first = wire_u8(w);
    size_t value = 0;

    if (first < LENGTH_LONG)
        return first;
    unsigned octets = first & 0x7f;
    if (octets == 0 || octets > LENGTH_OCTETS_MAX)
        w->bad = true;
    for (unsigned i = 0; i < octets && !w->bad; i++)
        value = value << 8 | wire_u8(w);
    return value;
}

bool krb_token_request(struct str token, struct str *request)
{
    struct wire w = { .all = token };

    bool framed = wire_u8(&w) == TAG_APPLICATION_0;
    size_t len = length(&w);
    if (w.bad || !framed || len != wire_left(&w))
        return false;
    struct str oid = wire_bytes(&w, sizeof(mechanism) - 1);
    uint8_t high = wire_u8(&w), low = wire_u8(&w);
    if (w.bad || !str_eq(oid, str_of(mechanism, sizeof(mechanism) - 1)) ||
        (high << 8 | low) != TOK_ID_AP_REQ)
        return false;
    *request = wire_bytes(&w, wire_left(&w));
    return request->len > 0;
}

/* The value of the element that comes next; bad when its tag is another or it does not fit. */
static struct str element(struct wire *w, uint8_t tag)
{
    if (wire_u8(w) != tag)
        w->bad = true;
    return wire_bytes(w, length(w));
}

bool krb_token_ticket(struct str request, struct str *ticket)
{
    struct wire outer = { .all = request };
    struct wire inner = { .all = element(&outer, TAG_AP_REQ) };
    struct wire fields = { .all = element(&inner, TAG_SEQUENCE) };

    /* pvno, msg-type and ap-options come first */
    for (unsigned tag = 0xa0; tag < TAG_TICKET_FIELD; tag++)
        (void)element(&fields, (uint8_t)tag);
    *ticket = element(&fields, TAG_TICKET_FIELD);
    return !outer.bad && !inner.bad && !fields.bad && ticket->len > 0;
}
