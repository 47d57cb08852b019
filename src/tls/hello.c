/* SPDX-License-Identifier: MIT */
#include "tls/hello.h"

#include "tls/be.h"

enum {
    RECORD_HANDSHAKE = 22,
    CLIENT_HELLO = 1,
    SSL2_CLIENT_HELLO = 1,
    EXT_SERVER_NAME = 0,
    EXT_SESSION_TICKET = 35,
    EXT_PRE_SHARED_KEY = 41,
    EXT_SUPPORTED_VERSIONS = 43,
    SUITES_PRINTED = 8,
    NAME_PRINTED = 64,
};

/* The signalling values of RFC 5746 and RFC 7507 stand among the suites and are none. */
enum { RENEGOTIATION_SCSV = 0x00FF, FALLBACK_SCSV = 0x5600 };

/* A slice of `len` bytes, or of what is there when the hello was cut. */
static struct wire part(struct wire *w, size_t len, bool *cut)
{
    size_t left = wire_left(w);

    if (len > left)
        *cut = true;
    return (struct wire){ .all = wire_bytes(w, len < left ? len : left) };
}

static bool is_grease(uint16_t value)
{
    return (value & 0x0F0F) == 0x0A0A && value >> 8 == (value & 0xFF);
}

static void add_suite(struct tls_hello *h, uint16_t suite)
{
    if (is_grease(suite) || suite == RENEGOTIATION_SCSV || suite == FALLBACK_SCSV)
        return;
    h->suites_offered++;
    if (h->suite_count < TLS_HELLO_SUITES_MAX)
        h->suites[h->suite_count++] = suite;
}

static void add_version(struct tls_hello *h, uint16_t version)
{
    if (!is_grease(version) && h->version_count < TLS_HELLO_VERSIONS_MAX)
        h->versions[h->version_count++] = version;
}

/* RFC 6066 3: a list of names of which only host names (type 0) exist. */
static void read_server_name(struct wire w, struct tls_hello *h)
{
    be16(&w);
    uint8_t type = wire_u8(&w);
    size_t len = be16(&w);
    struct str name = wire_bytes(&w, len);

    if (!w.bad && type == 0)
        h->server_name = name;
}

/* RFC 8446 4.2.1 */
static void read_supported_versions(struct wire w, struct tls_hello *h)
{
    bool cut;
    struct wire list = part(&w, wire_u8(&w), &cut);

    h->version_count = 0;
    while (wire_left(&list) >= 2)
        add_version(h, be16(&list));
}

/* RFC 8446 4.2.11: identities, each with the age of its ticket; the binders behind them are the
 * library's business. */
static void read_psks(struct wire w, struct tls_hello *h)
{
    struct wire list = { .all = be_opaque16(&w) };

    h->psk_count = 0;
    while (wire_left(&list) > 0 && h->psk_count < TLS_HELLO_PSKS_MAX) {
        struct str identity = be_opaque16(&list);
        wire_u32(&list);
        if (list.bad)
            return;
        h->psks[h->psk_count++] = identity;
    }
}

static void read_extension(uint16_t type, struct wire body, struct tls_hello *h)
{
    switch (type) {
    case EXT_SERVER_NAME:
        read_server_name(body, h);
        break;
    case EXT_SUPPORTED_VERSIONS:
        read_supported_versions(body, h);
        break;
    case EXT_SESSION_TICKET:
        h->session_ticket = body.all;
        break;
    case EXT_PRE_SHARED_KEY:
        read_psks(body, h);
        break;
    default:
        break;
    }
}

/* What stands twice is forbidden (RFC 8446 4.2), and the library may read the other one: for us
 * there is no ticket then. */
static void read_extensions(struct wire w, struct tls_hello *h)
{
    unsigned session_tickets = 0, psk_lists = 0;

    while (wire_left(&w) > 0) {
        uint16_t type = be16(&w);
        size_t len = be16(&w);
        if (w.bad) {
            h->cut = true;
            break;
        }
        read_extension(type, part(&w, len, &h->cut), h);
        session_tickets += type == EXT_SESSION_TICKET;
        psk_lists += type == EXT_PRE_SHARED_KEY;
    }
    if (session_tickets > 1)
        h->session_ticket = STR_NONE;
    if (psk_lists > 1)
        h->psk_count = 0;
}

/* version, random, session id, suites, compression, extensions */
static void read_body(struct wire body, struct tls_hello *h)
{
    uint16_t version = be16(&body);

    if (body.bad) {
        h->cut = true;
        return;
    }
    add_version(h, version);
    wire_bytes(&body, 32);
    wire_bytes(&body, wire_u8(&body));
    struct wire suites = part(&body, be16(&body), &h->cut);
    while (wire_left(&suites) >= 2)
        add_suite(h, be16(&suites));
    wire_bytes(&body, wire_u8(&body));
    if (wire_left(&body) > 0)
        read_extensions(part(&body, be16(&body), &h->cut), h);
    if (body.bad)
        h->cut = true;
}

static void read_message(struct str message, struct tls_hello *h)
{
    struct wire w = { .all = message };

    if (wire_u8(&w) != CLIENT_HELLO) {
        h->form = w.bad ? TLS_HELLO_NONE : TLS_HELLO_FOREIGN;
        return;
    }
    read_body(part(&w, be24(&w), &h->cut), h);
}

/* Two octets of length with the high bit set, then type, version, three lengths, suites of three
 * octets; those that begin with 0 are the suites of later versions. */
static void read_ssl2(struct wire *w, struct tls_hello *h)
{
    add_version(h, be16(w));
    size_t len = be16(w);
    be16(w);
    be16(w);
    struct wire suites = part(w, len, &h->cut);
    while (wire_left(&suites) >= 3) {
        uint8_t first = wire_u8(&suites);
        uint16_t suite = be16(&suites);
        if (first == 0)
            add_suite(h, suite);
    }
    if (w->bad)
        h->cut = true;
}

static bool looks_like_ssl2(struct str stream)
{
    const unsigned char *p = (const unsigned char *)stream.ptr;

    return stream.len >= 5 && (p[0] & 0x80) && p[2] == SSL2_CLIENT_HELLO &&
           (p[3] == 3 || (p[3] == 0 && p[4] == 2));
}

/* A hello may be spread over records. */
static void unwrap(struct str stream, struct buf *message, struct tls_hello *h)
{
    struct wire w = { .all = str_first(stream, TLS_HELLO_SEEN_MAX) };

    while (wire_left(&w) >= 5) {
        uint8_t type = wire_u8(&w);
        uint16_t version = be16(&w);
        if (type != RECORD_HANDSHAKE || version >> 8 != 3)
            return;
        bool cut = false;
        struct wire fragment = part(&w, be16(&w), &cut);
        h->form = TLS_HELLO_TLS;
        buf_add(message, fragment.all);
    }
}

static struct tls_hello nothing_read(void)
{
    return (struct tls_hello){ .server_name = STR_NONE, .session_ticket = STR_NONE };
}

void tls_hello_read_body(struct str body, struct tls_hello *out)
{
    *out = nothing_read();
    out->form = TLS_HELLO_TLS;
    read_body((struct wire){ .all = body }, out);
}

void tls_hello_read(struct str stream, struct buf *message, struct tls_hello *out)
{
    *out = nothing_read();
    buf_clear(message);
    if (stream.len < 5)
        return;
    if (looks_like_ssl2(stream)) {
        struct wire w = { .all = str_skip(str_first(stream, TLS_HELLO_SEEN_MAX), 3) };

        out->form = TLS_HELLO_SSL2;
        read_ssl2(&w, out);
        return;
    }
    unwrap(stream, message, out);
    if (out->form == TLS_HELLO_TLS)
        read_message(buf_str(message), out);
    else
        out->form = TLS_HELLO_FOREIGN;
}

static const struct {
    uint16_t suite;
    const char *name;
} suite_names[] = {
    { 0x0001, "NULL-MD5" },
    { 0x0002, "NULL-SHA" },
    { 0x0003, "EXPORT-RC4-40-MD5" },
    { 0x0004, "RC4-128-MD5" },
    { 0x0005, "RC4-128-SHA" },
    { 0x0006, "EXPORT-RC2-40-MD5" },
    { 0x0009, "DES-SHA" },
    { 0x000A, "3DES-SHA" },
    { 0x0012, "DHE-DSS-DES-SHA" },
    { 0x0013, "DHE-DSS-3DES-SHA" },
    { 0x0016, "DHE-RSA-3DES-SHA" },
    { 0x002F, "AES128-SHA" },
    { 0x0032, "DHE-DSS-AES128-SHA" },
    { 0x0033, "DHE-RSA-AES128-SHA" },
    { 0x0035, "AES256-SHA" },
    { 0x0038, "DHE-DSS-AES256-SHA" },
    { 0x0039, "DHE-RSA-AES256-SHA" },
    { 0x003C, "AES128-SHA256" },
    { 0x003D, "AES256-SHA256" },
    { 0x0062, "EXPORT1024-DES-SHA" },
    { 0x0063, "EXPORT1024-DHE-DSS-DES-SHA" },
    { 0x0064, "EXPORT1024-RC4-56-SHA" },
    { 0x009C, "AES128-GCM" },
    { 0x009D, "AES256-GCM" },
    { 0x009E, "DHE-RSA-AES128-GCM" },
    { 0x009F, "DHE-RSA-AES256-GCM" },
    { 0x1301, "TLS13-AES128-GCM" },
    { 0x1302, "TLS13-AES256-GCM" },
    { 0x1303, "TLS13-CHACHA20" },
    { 0xC007, "ECDHE-ECDSA-RC4-128-SHA" },
    { 0xC009, "ECDHE-ECDSA-AES128-SHA" },
    { 0xC00A, "ECDHE-ECDSA-AES256-SHA" },
    { 0xC011, "ECDHE-RSA-RC4-128-SHA" },
    { 0xC012, "ECDHE-RSA-3DES-SHA" },
    { 0xC013, "ECDHE-RSA-AES128-SHA" },
    { 0xC014, "ECDHE-RSA-AES256-SHA" },
    { 0xC023, "ECDHE-ECDSA-AES128-SHA256" },
    { 0xC024, "ECDHE-ECDSA-AES256-SHA384" },
    { 0xC027, "ECDHE-RSA-AES128-SHA256" },
    { 0xC028, "ECDHE-RSA-AES256-SHA384" },
    { 0xC02B, "ECDHE-ECDSA-AES128-GCM" },
    { 0xC02C, "ECDHE-ECDSA-AES256-GCM" },
    { 0xC02F, "ECDHE-RSA-AES128-GCM" },
    { 0xC030, "ECDHE-RSA-AES256-GCM" },
    { 0xCCA8, "ECDHE-RSA-CHACHA20" },
    { 0xCCA9, "ECDHE-ECDSA-CHACHA20" },
};

static void print_suite(uint16_t suite, struct buf *out)
{
    for (size_t i = 0; i < ARRAY_LEN(suite_names); i++) {
        if (suite_names[i].suite == suite) {
            buf_add_c(out, suite_names[i].name);
            return;
        }
    }
    buf_printf(out, "0x%04X", suite);
}

static void print_version(uint16_t version, struct buf *out)
{
    if (version == 0x0002)
        buf_add_c(out, "SSL 2.0");
    else if (version == 0x0300)
        buf_add_c(out, "SSL 3.0");
    else if (version >> 8 == 3 && (version & 0xFF) <= 4)
        buf_printf(out, "TLS 1.%u", (version & 0xFFu) - 1);
    else
        buf_printf(out, "version 0x%04X", version);
}

static void print_suites(const struct tls_hello *h, struct buf *out)
{
    unsigned printed = h->suite_count < SUITES_PRINTED ? h->suite_count : SUITES_PRINTED;

    if (h->suites_offered == 0)
        buf_add_c(out, "no suite");
    for (unsigned i = 0; i < printed; i++) {
        buf_add_c(out, i ? ", " : "");
        print_suite(h->suites[i], out);
    }
    if (h->suites_offered > printed)
        buf_printf(out, " and %u more", h->suites_offered - printed);
}

/* The text goes into a trace: a name shows nothing that a host name has not. */
static void print_name(struct str name, struct buf *out)
{
    if (name.len == 0) {
        buf_add_c(out, "no SNI");
        return;
    }
    buf_add_c(out, "SNI ");
    for (size_t i = 0; i < name.len && i < NAME_PRINTED; i++) {
        char c = name.ptr[i];
        bool plain = is_alpha(c) || is_digit(c) || c == '.' || c == '-' || c == '_';
        buf_add_char(out, plain ? c : '?');
    }
    if (name.len > NAME_PRINTED)
        buf_add_c(out, "...");
}

void tls_hello_print(const struct tls_hello *h, struct buf *out)
{
    switch (h->form) {
    case TLS_HELLO_NONE:
        buf_add_c(out, "client sent too little to tell what it offers");
        return;
    case TLS_HELLO_FOREIGN:
        buf_add_c(out, "client did not send a TLS ClientHello");
        return;
    case TLS_HELLO_SSL2:
    case TLS_HELLO_TLS:
        break;
    }
    buf_add_c(out, "client offered ");
    for (unsigned i = 0; i < h->version_count; i++) {
        buf_add_c(out, i ? ", " : "");
        print_version(h->versions[i], out);
    }
    if (h->version_count == 0)
        buf_add_c(out, "no version");
    if (h->form == TLS_HELLO_SSL2)
        buf_add_c(out, " in SSL 2.0 form");
    buf_add_c(out, "; ");
    print_suites(h, out);
    buf_add_c(out, "; ");
    print_name(h->server_name, out);
    if (h->cut)
        buf_add_c(out, " (hello incomplete)");
}

void tls_hello_describe(struct str stream, struct buf *out)
{
    struct buf message = { 0 };
    struct tls_hello hello;

    if (stream.len == 0)
        return;
    tls_hello_read(stream, &message, &hello);
    tls_hello_print(&hello, out);
    buf_fini(&message);
}
