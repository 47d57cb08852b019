/* SPDX-License-Identifier: MIT */
/* What reading one REGISTER of about 900 octets, as Communicator sends it, costs: nanoseconds of
 * this thread's CPU time, median of several rounds. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/buf.h"
#include "sip/addr.h"
#include "sip/authparam.h"
#include "sip/frame.h"
#include "sip/msg.h"
#include "sip/reply.h"
#include "sip/uri.h"

enum { MESSAGES = 50000, ROUNDS = 9, MESSAGE_MAX = 65536 };

static const char text[] =
    "REGISTER sip:example.com SIP/2.0\r\n"
    "Via: SIP/2.0/TLS 192.0.2.77:2616\r\n"
    "Max-Forwards: 70\r\n"
    "From: <sip:alice@example.com>;tag=3e49177a52;epid=c8ca638a15\r\n"
    "To: <sip:alice@example.com>\r\n"
    "Call-ID: 4037df9284354df39065195bd57a4b14\r\n"
    "CSeq: 4 REGISTER\r\n"
    "Contact: <sip:192.0.2.77:2616;transport=tls;ms-opaque=0a1b2c3d4e>;methods=\"INVITE, MESSAGE, "
    "INFO, OPTIONS, BYE, CANCEL, NOTIFY, ACK, REFER, BENOTIFY\";proxy=replace;"
    "+sip.instance=\"<urn:uuid:34D859DB-6585-5F91-A3B4-DE853C15347D>\"\r\n"
    "User-Agent: UCCAPI/3.5.6907.0 OC/3.5.6907.0 (Microsoft Office Communicator 2007 R2)\r\n"
    "Authorization: NTLM qop=\"auth\", realm=\"SIP Communications Service\", opaque=\"2BDBAC9D\", "
    "targetname=\"fe01.example.com\", crand=\"13317733\", cnum=\"2\", "
    "response=\"0100000029618e9651b65a7764000000\"\r\n"
    "Supported: gruu-10, adhoclist, msrtc-event-categories\r\n"
    "Supported: ms-forking\r\n"
    "ms-keep-alive: UAC;hop-hop=yes\r\n"
    "Event: registration\r\n"
    "Content-Length: 0\r\n\r\n";

static double cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void need(bool worked)
{
    if (!worked)
        abort();
}

static size_t frame(struct str in)
{
    struct sip_frame f = { 0 };
    sip_frame_next(in, MESSAGE_MAX, &f);
    need(f.status == SIP_FRAME_MESSAGE);
    return f.head_len;
}

static void parse(struct arena *arena, struct sip_msg *m)
{
    arena_reset(arena);
    need(sip_msg_parse(STR(text), sizeof(text) - 1, SIP_HEADERS_MAX_DEFAULT, arena, m) ==
         FAULT_NONE);
}

static void fields(const struct sip_msg *m, struct arena *arena)
{
    struct sip_addr from, contact;
    struct sip_auth auth;
    struct sip_uri uri;

    need(sip_addr_parse(sip_msg_value(m, SIP_FROM), &from, NULL) == FAULT_NONE);
    need(sip_uri_parse(from.uri, &uri) == FAULT_NONE);
    need(sip_uri_user_key(&uri, arena).len > 0);
    need(sip_addr_tag(&from).len > 0 && sip_addr_epid(&from).len > 0);
    need(sip_addr_parse(sip_msg_value(m, SIP_CONTACT), &contact, NULL) == FAULT_NONE);
    need(sip_addr_param(&contact, STR("+sip.instance")).len > 0);
    need(sip_auth_parse(sip_msg_value(m, SIP_AUTHORIZATION), &auth) == FAULT_NONE);
    need(sip_auth_get(&auth, STR("response")).len == 32);
}

static void answer(const struct sip_msg *m, struct buf *out)
{
    static const struct sip_received received = { .ip = { "192.0.2.77", 10 },
                                                  .port = 2616,
                                                  .cid = 0x1A00 };
    struct sip_reply r;

    buf_clear(out);
    sip_reply_begin(&r, out, m, 200, STR("OK"), STR("5E61CCD925D17E04"), &received);
    sip_reply_header(&r, "Expires", STR("7200"));
    sip_reply_header(&r, "Server", STR("RTC/3.5"));
    sip_reply_end(&r, STR_NONE, STR_NONE);
}

enum step { FRAME, PARSE, FIELDS, ANSWER, STEPS };

static double measure(enum step step, struct arena *arena, struct buf *out)
{
    double rounds[ROUNDS];
    struct sip_msg m;

    parse(arena, &m);
    for (unsigned r = 0; r < ROUNDS; r++) {
        double begin = cpu_ns();
        for (unsigned i = 0; i < MESSAGES; i++) {
            if (step == FRAME)
                need(frame(STR(text)) == sizeof(text) - 1);
            else if (step == PARSE)
                parse(arena, &m);
            else if (step == FIELDS)
                fields(&m, arena);
            else
                answer(&m, out);
            if (step == FIELDS && i % 256 == 0)
                parse(arena, &m); /* empties the arena */
        }
        rounds[r] = (cpu_ns() - begin) / MESSAGES;
    }
    qsort(rounds, ROUNDS, sizeof(*rounds), by_size);
    return rounds[ROUNDS / 2];
}

int main(void)
{
    static const char *const names[STEPS] = { "frame", "parse", "From, Contact, Authorization read",
                                              "answer begun and ended" };
    struct arena arena;
    struct buf out = { 0 };

    arena_init(&arena, 65536, 262144);
    printf("REGISTER of %zu octets\n", sizeof(text) - 1);
    for (unsigned step = 0; step < STEPS; step++)
        printf("%-36s %6.0f ns\n", names[step], measure((enum step)step, &arena, &out));
    buf_fini(&out);
    arena_fini(&arena);
    return 0;
}
