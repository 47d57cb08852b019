/* SPDX-License-Identifier: MIT */
#include "client/message.h"

#include <ctype.h>
#include <nettle/sha1.h>
#include <stdio.h>

#include "base/secret.h"

/* fcacfb03-8a73-46ef-91b1-e5ebeeaba4fe as a GUID lies in memory: first three parts little-endian */
static const uint8_t instance_namespace[16] = { 0x03, 0xfb, 0xac, 0xfc, 0x73, 0x8a, 0xef, 0x46,
                                                0x91, 0xb1, 0xe5, 0xeb, 0xee, 0xab, 0xa4, 0xfe };

static const struct {
    const char *transport[2]; /* in Via: TLS, TCP */
    const char *methods, *supported, *more;
    bool upper_case_instance;
} spellings[] = {
    [CLIENT_COMMUNICATOR] = { .transport = { "TLS", "TCP" },
                              .methods = "INVITE, MESSAGE, INFO, OPTIONS, BYE, CANCEL, NOTIFY, "
                                         "ACK, REFER, BENOTIFY",
                              .supported = "gruu-10, adhoclist, msrtc-event-categories",
                              .more = "Supported: ms-forking\r\n",
                              .upper_case_instance = true },
    [CLIENT_SIPE] = { .transport = { "tls", "tcp" },
                      .methods = "INVITE, MESSAGE, INFO, SUBSCRIBE, OPTIONS, BYE, CANCEL, NOTIFY, "
                                 "ACK, REFER, BENOTIFY",
                      .supported = "gruu-10, adhoclist, msrtc-event-categories, "
                                   "com.microsoft.msrtc.presence",
                      .more = "Allow-Events: presence\r\n" },
};

void client_instance(struct str epid, char out[CLIENT_INSTANCE_TEXT])
{
    struct sha1_ctx sha1;
    uint8_t u[SHA1_DIGEST_SIZE];

    sha1_init(&sha1);
    sha1_update(&sha1, sizeof(instance_namespace), instance_namespace);
    sha1_update(&sha1, epid.len, (const uint8_t *)epid.ptr);
    sha1_digest(&sha1, sizeof(u), u);
    u[7] =
        (uint8_t)((u[7] & 0x0F) | 0x50); /* version 5, in the high octet of a little-endian u16 */
    u[8] = (uint8_t)((u[8] & 0x3F) | 0x80);
    snprintf(out, CLIENT_INSTANCE_TEXT,
             "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", u[3], u[2],
             u[1], u[0], u[5], u[4], u[7], u[6], u[8], u[9], u[10], u[11], u[12], u[13], u[14],
             u[15]);
}

void client_random_hex(char *out, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t raw[64];

    if (size > sizeof(raw))
        size = sizeof(raw);
    random_bytes(raw, sizeof(raw));
    for (size_t i = 0; i + 1 < size; i++)
        out[i] = digits[raw[i] & 0x0F];
    out[size - 1] = '\0';
}

static void contact_write(const struct client_register *r, struct buf *out)
{
    char instance[CLIENT_INSTANCE_TEXT];
    char opaque[11] = "d3470f2e1d"; /* SIPE's is a constant */

    client_instance(str_from_c(r->epid), instance);
    if (spellings[r->profile->family].upper_case_instance)
        for (char *c = instance; *c; c++)
            *c = (char)toupper((unsigned char)*c);
    if (r->profile->family == CLIENT_COMMUNICATOR)
        snprintf(opaque, sizeof(opaque), "%.10s", r->call_id);
    buf_printf(out,
               "Contact: <sip:%s;transport=%s;ms-opaque=%s>;methods=\"%s\";proxy=replace;"
               "+sip.instance=\"<urn:uuid:%s>\"\r\n",
               r->local, r->transport == CLIENT_TLS ? "tls" : "tcp", opaque,
               spellings[r->profile->family].methods, instance);
}

void client_register_write(const struct client_register *r, struct buf *out)
{
    enum client_family family = r->profile->family;
    char branch[21];

    buf_printf(out, "REGISTER sip:%.*s SIP/2.0\r\n", STR_ARG(r->domain));
    buf_printf(out, "Via: SIP/2.0/%s %s", spellings[family].transport[r->transport], r->local);
    if (r->profile->via_branch) {
        client_random_hex(branch, sizeof(branch));
        buf_printf(out, ";branch=z9hG4bK%s", branch);
    }
    buf_printf(out, "\r\nMax-Forwards: 70\r\nFrom: <%.*s>;tag=%s;epid=%s\r\nTo: <%.*s>\r\n",
               STR_ARG(r->uri), r->from_tag, r->epid, STR_ARG(r->uri));
    buf_printf(out, "Call-ID: %s\r\nCSeq: %s REGISTER\r\n", r->call_id, r->cseq);
    contact_write(r, out);
    buf_printf(out, "User-Agent: %s\r\nSupported: %s\r\n%s", r->profile->user_agent,
               spellings[family].supported, spellings[family].more);
    buf_add_c(out, "ms-keep-alive: UAC;hop-hop=yes\r\nEvent: registration\r\n");
    if (r->leave)
        buf_add_c(out, "Expires: 0\r\n");
    if (r->credentials.len > 0)
        buf_printf(out, "%s: %.*s\r\n", r->proxy ? "Proxy-Authorization" : "Authorization",
                   STR_ARG(r->credentials));
    buf_add_c(out, "Content-Length: 0\r\n\r\n");
}

void client_register_sigtext(const struct client_register *r, struct sigtext *out)
{
    *out = (struct sigtext){ .call_id = str_from_c(r->call_id),
                             .cseq = str_from_c(r->cseq),
                             .method = STR("REGISTER"),
                             .from_uri = r->uri,
                             .from_tag = str_from_c(r->from_tag),
                             .to_uri = r->uri,
                             .expires = r->leave ? STR("0") : STR_NONE };
}
