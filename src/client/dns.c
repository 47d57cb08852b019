/* SPDX-License-Identifier: MIT */
#include "client/dns.h"

#include <netinet/in.h>
#include <resolv.h>
#include <stdlib.h>
#include <string.h>

enum {
    HEAD_OCTETS = 12,
    TYPE_SRV = 33,
    ASK_SECONDS = 2,   /* per try; the default of 5 keeps a person waiting too long */
    POINTERS_MAX = 32, /* of one compressed name: a loop ends here */
};

/* Octets in network order, with the first overrun remembered. */
struct packet {
    const uint8_t *ptr;
    size_t len, pos;
    bool bad;
};

static unsigned u8(struct packet *p)
{
    if (p->pos >= p->len) {
        p->bad = true;
        return 0;
    }
    return p->ptr[p->pos++];
}

static uint16_t u16(struct packet *p)
{
    unsigned high = u8(p);
    return (uint16_t)(high << 8 | u8(p));
}

static void skip(struct packet *p, size_t n)
{
    if (n > p->len - p->pos)
        p->bad = true;
    else
        p->pos += n;
}

static void label_add(struct packet *p, unsigned len, char out[DNS_NAME_MAX], size_t *used)
{
    if (len > p->len - p->pos || *used + len + 2 > DNS_NAME_MAX) {
        p->bad = true;
        return;
    }
    if (*used > 0)
        out[(*used)++] = '.';
    memcpy(out + *used, p->ptr + p->pos, len);
    *used += len;
    p->pos += len;
}

/* A name of labels and pointers backwards (RFC 1035 4.1.4); leaves `p` behind it. */
static void name_read(struct packet *p, char out[DNS_NAME_MAX])
{
    struct packet at = *p;
    bool jumped = false;
    unsigned pointers = 0;
    size_t used = 0;

    while (!at.bad) {
        unsigned len = u8(&at);
        if ((len & 0xC0) == 0xC0) {
            size_t target = (size_t)(len & 0x3F) << 8 | u8(&at);
            if (!jumped)
                p->pos = at.pos;
            jumped = true;
            at.pos = target;
            at.bad |= target >= at.len || ++pointers > POINTERS_MAX;
        } else if (len == 0) {
            break;
        } else {
            at.bad |= len > 63;
            label_add(&at, at.bad ? 0 : len, out, &used);
        }
    }
    if (!jumped)
        p->pos = at.pos;
    p->bad |= at.bad;
    out[used] = '\0';
}

/* What may stand in a host name and on somebody's screen. */
static bool is_host_name(const char *text)
{
    return text[0] != '\0' &&
           text[strspn(
               text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._")] == '\0';
}

static int by_priority(const void *a, const void *b)
{
    const struct dns_srv *x = a, *y = b;
    if (x->priority != y->priority)
        return x->priority < y->priority ? -1 : 1;
    return x->weight > y->weight ? -1 : x->weight < y->weight;
}

static void record(struct packet *p, struct dns_srv *out, unsigned cap, unsigned *count)
{
    char owner[DNS_NAME_MAX];
    name_read(p, owner);
    unsigned type = u16(p);
    skip(p, 2 + 4); /* class, time to live */
    uint16_t len = u16(p);
    struct packet data = *p;
    skip(p, len);
    if (p->bad || type != TYPE_SRV || *count == cap)
        return;

    struct dns_srv srv = { 0 };
    srv.priority = u16(&data);
    srv.weight = u16(&data);
    srv.port = u16(&data);
    name_read(&data, srv.target);
    p->bad |= data.bad || data.pos > p->pos;
    if (!p->bad && is_host_name(srv.target))
        out[(*count)++] = srv;
}

bool dns_srv_read(struct str packet, struct dns_srv *out, unsigned cap, unsigned *count)
{
    struct packet p = { .ptr = (const uint8_t *)packet.ptr, .len = packet.len };
    char question[DNS_NAME_MAX];

    *count = 0;
    skip(&p, 4);
    unsigned questions = u16(&p), answers = u16(&p);
    skip(&p, HEAD_OCTETS - 8);
    for (; questions > 0 && !p.bad; questions--) {
        name_read(&p, question);
        skip(&p, 4);
    }
    for (; answers > 0 && !p.bad; answers--)
        record(&p, out, cap, count);
    if (p.bad)
        *count = 0;
    qsort(out, *count, sizeof(*out), by_priority);
    return !p.bad;
}

unsigned dns_srv_ask(const char *name, struct dns_srv *out, unsigned cap)
{
    struct __res_state resolver = { 0 };
    uint8_t answer[4096];
    unsigned count = 0;

    if (res_ninit(&resolver) != 0)
        return 0;
    resolver.retrans = ASK_SECONDS;
    resolver.retry = 1;
    int len = res_nquery(&resolver, name, 1 /* IN */, TYPE_SRV, answer, sizeof(answer));
    res_nclose(&resolver);
    if (len > 0 && (size_t)len <= sizeof(answer))
        dns_srv_read(str_of(answer, (size_t)len), out, cap, &count);
    return count;
}
