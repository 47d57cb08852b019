/* SPDX-License-Identifier: MIT */
/* Our SIP parser beside libosip2 and sofia-sip.  Messages in every spelling the grammar allows are
 * made up and must be seen alike by all; of messages in files, what we accept must be seen as the
 * others see it.
 * Usage: sip_fields COUNT [FILE...].  Exit status 1 when there is a difference. */
#include "oracle/sip_fields.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/compiler.h"

enum { FILE_MAX = 64 * 1024 };

#ifdef HAVE_OSIP
/* Documented differences: what the grammar allows and one of the others refuses. */
static const char *osip_refuses(struct str text)
{
    for (size_t i = 1; i < text.len; i++) {
        if (text.ptr[i] == '\t' && is_digit(text.ptr[i - 1]))
            return "a tab after the number of CSeq";
    }
    return str_find(text, STR("<sip:h>")) != SIZE_MAX ? "a URI of one letter" : NULL;
}
#endif

static const struct {
    const char *name;
    seen_fn *see;
    const char *(*refuses)(struct str text);
} others[] = {
#ifdef HAVE_OSIP
    { "libosip2", seen_by_osip, osip_refuses },
#endif
#ifdef HAVE_SOFIA
    { "sofia-sip", seen_by_sofia, NULL },
#endif
};

void seen_put(char out[SEEN_TEXT], const char *text)
{
    size_t len = text ? strlen(text) : 0;

    if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
        text++;
        len -= 2;
    }
    if (len >= SEEN_TEXT)
        len = SEEN_TEXT - 1;
    memset(out, 0, SEEN_TEXT);
    if (len > 0)
        memcpy(out, text, len);
}

void seen_put_number(char out[SEEN_TEXT], unsigned long number)
{
    snprintf(out, SEEN_TEXT, "%lu", number);
}

/* --- comparing --- */

/* Some decode %XX, and some fold hosts to lower case; both are only spelling.  Into URIs of other
 * schemes we do not look ("?"). */
static bool same_text(const char *ours, const char *theirs)
{
    return strcasecmp(ours, theirs) == 0 || strchr(ours, '%') || strcmp(ours, "?") == 0;
}

static unsigned differences(const char *what, const char *who, const struct seen *ours,
                            const struct seen *theirs)
{
    unsigned count = 0;

#define SEEN(name)                                                                                 \
    if (!same_text(ours->name, theirs->name)) {                                                    \
        printf("%s: " #name ": ours '%s', %s '%s'\n", what, ours->name, who, theirs->name);        \
        count++;                                                                                   \
    }
    SEEN_FIELDS
#undef SEEN
    return count;
}

/* --- messages made up --- */

static uint32_t dice_state = 1;

/* The same throws each time: a difference can be looked at again. */
static unsigned dice(unsigned sides)
{
    dice_state = dice_state * 1664525u + 1013904223u;
    return (dice_state >> 8) % sides;
}

static void add_name(struct buf *out, const char *full, const char *compact)
{
    size_t start = out->len;

    buf_add_c(out, compact[0] && dice(3) == 0 ? compact : full);
    unsigned spelling = dice(4);
    for (size_t i = start; i < out->len; i++) {
        char c = to_lower(out->ptr[i]);
        if (spelling == 1)
            out->ptr[i] = c;
        else if (spelling == 2 && c >= 'a' && c <= 'z')
            out->ptr[i] = (char)(c - 'a' + 'A');
    }
    static const char *const colons[] = { ": ", ":", ":  ", ":\t", ": ", ":\r\n " };
    buf_add_c(out, colons[dice(ARRAY_LEN(colons))]);
}

static void add_gap(struct buf *out)
{
    static const char *const gaps[] = { " ", " ", "  ", "\t", "\r\n ", " \r\n\t" };
    buf_add_c(out, gaps[dice(ARRAY_LEN(gaps))]);
}

static void add_host(struct buf *out)
{
    static const char *const hosts[] = { "example.com", "10.0.0.5", "fe-01.example.com",
                                         "[2001:db8::7]", "h" };
    buf_add_c(out, hosts[dice(ARRAY_LEN(hosts))]);
}

static void add_uri(struct buf *out)
{
    static const char *const users[] = { "alice@", "bob.smith@", "+15550123@", "a_b-c@", "" };
    static const char *const params[] = { "", "", ";transport=tls", ";lr;maddr=10.0.0.1",
                                          ";transport=tls;ms-opaque=7a2c" };
    buf_add_c(out, "sip:");
    buf_add_c(out, users[dice(ARRAY_LEN(users))]);
    add_host(out);
    if (dice(3) == 0)
        buf_printf(out, ":%u", 1 + dice(65535));
    buf_add_c(out, params[dice(ARRAY_LEN(params))]);
}

static void add_address(struct buf *out)
{
    static const char *const names[] = { "", "", "Alice ", "\"Alice, \\\"A\\\" <B>\" ",
                                         "Alice van Dyke " };
    buf_add_c(out, names[dice(ARRAY_LEN(names))]);
    buf_add_char(out, '<');
    add_uri(out);
    buf_add_char(out, '>');
}

/* Blanks may stand around ';' and '=' in a header, and commas in a quoted value. */
static void add_contact(struct buf *out)
{
    static const char *const params[] = {
        "",
        ";methods=\"INVITE, MESSAGE; x\";proxy=replace",
        ";+sip.instance=\"<urn:uuid:34D859DB-6585-5F91-A3B4-DE853C15347D>\"",
        " ; expires = 7200",
        ";q=0.5;x",
    };
    add_address(out);
    buf_add_c(out, params[dice(ARRAY_LEN(params))]);
}

static void add_via(struct buf *out)
{
    static const char *const transports[] = { "TLS", "TCP", "tls", "UDP" };
    buf_printf(out, "SIP/2.0/%s", transports[dice(ARRAY_LEN(transports))]);
    buf_add_char(out, ' ');
    add_host(out);
    if (dice(2) == 0)
        buf_printf(out, ":%u", 1 + dice(65535));
    if (dice(2) == 0)
        buf_printf(out, ";branch=z9hG4bK%08x", dice(1u << 24));
}

static void add_party(struct buf *out, const char *full, const char *compact, bool tag)
{
    add_name(out, full, compact);
    add_address(out);
    if (tag)
        buf_printf(out, dice(4) ? ";tag=%x" : " ; tag = %x", dice(1u << 20));
    if (dice(2) == 0)
        buf_add_c(out, ";epid=0123456789");
    buf_add_c(out, "\r\n");
}

static void add_list(struct buf *out, const char *full, const char *compact,
                     void (*add)(struct buf *), unsigned count)
{
    while (count-- > 0) {
        add_name(out, full, compact);
        add(out);
        for (; count > 0 && dice(2) == 0; count--) {
            buf_add_char(out, ',');
            add_gap(out);
            add(out);
        }
        buf_add_c(out, "\r\n");
    }
}

static void make_message(struct buf *out)
{
    static const char *const methods[] = { "REGISTER", "SUBSCRIBE", "INVITE", "MESSAGE", "BYE" };
    const char *method = methods[dice(ARRAY_LEN(methods))];
    const char *body = dice(2) ? "hello" : "";

    if (dice(4) == 0) {
        buf_printf(out, "SIP/2.0 %u Some reason\r\n", 100 + dice(600));
    } else {
        buf_printf(out, "%s ", method);
        add_uri(out);
        buf_add_c(out, " SIP/2.0\r\n");
    }
    add_list(out, "Via", "v", add_via, 1 + dice(3));
    add_party(out, "From", "f", dice(8) > 0);
    add_party(out, "To", "t", dice(2) == 0);
    add_name(out, "Call-ID", "i");
    buf_printf(out, "%08x@10.0.0.5\r\n", dice(1u << 24));
    add_name(out, "CSeq", "");
    buf_printf(out, "%u", dice(1u << 24));
    add_gap(out);
    buf_printf(out, "%s\r\n", method);
    add_list(out, "Contact", "m", add_contact, dice(3));
    add_name(out, "Max-Forwards", "");
    buf_printf(out, "%u\r\n", dice(256));
    if (dice(2)) {
        add_name(out, "Expires", "");
        buf_printf(out, "%u\r\n", dice(100000));
    }
    add_name(out, "ms-keep-alive", "");
    buf_add_c(out, "UAC;hop-hop=yes\r\n");
    add_name(out, "Content-Length", "l");
    buf_printf(out, "%zu\r\n\r\n%s", strlen(body), body);
}

/* Everything in such a message is right: we must accept it, and see what the others see.  Another
 * may refuse it only for a documented reason. */
static unsigned compare_one(unsigned number, struct str text, unsigned refused[])
{
    char what[32];
    struct seen ours = { 0 };
    unsigned wrong = 0;

    snprintf(what, sizeof(what), "made up %u", number);
    if (!seen_by_postern(text.ptr, text.len, &ours)) {
        printf("%s: refused by us\n", what);
        return 1;
    }
    for (size_t o = 0; o < ARRAY_LEN(others); o++) {
        struct seen theirs = { 0 };
        if (others[o].see(text.ptr, text.len, &theirs)) {
            wrong += differences(what, others[o].name, &ours, &theirs);
        } else if (others[o].refuses && others[o].refuses(text)) {
            refused[o]++;
        } else {
            printf("%s: refused by %s\n", what, others[o].name);
            wrong++;
        }
    }
    return wrong;
}

static unsigned compare_made_up(unsigned count)
{
    struct buf text = { 0 };
    unsigned refused[ARRAY_LEN(others)] = { 0 }, wrong = 0;

    for (unsigned i = 0; i < count; i++) {
        buf_clear(&text);
        make_message(&text);
        unsigned found = compare_one(i, buf_str(&text), refused);
        if (found > 0)
            printf("%.*s\n--\n", STR_ARG(buf_str(&text)));
        wrong += found;
    }
    buf_fini(&text);
    for (size_t o = 0; o < ARRAY_LEN(others); o++) {
        printf("%s: %u made up, %u of them refused for documented reasons\n", others[o].name, count,
               refused[o]);
    }
    return wrong;
}

/* --- messages in files --- */

static unsigned compare_file(const char *path)
{
    static char text[FILE_MAX];
    FILE *f = fopen(path, "rb");
    struct seen ours = { 0 };
    unsigned wrong = 0;

    if (!f) {
        perror(path);
        return 1;
    }
    size_t len = fread(text, 1, sizeof(text), f);
    fclose(f);
    const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    bool accepted = seen_by_postern(text, len, &ours);
    for (size_t o = 0; o < ARRAY_LEN(others); o++) {
        struct seen theirs = { 0 };
        bool theirs_accepted = others[o].see(text, len, &theirs);
        if (accepted && theirs_accepted)
            wrong += differences(name, others[o].name, &ours, &theirs);
        else if (accepted != theirs_accepted)
            printf("%s: %s by us, not by %s\n", name, accepted ? "accepted" : "refused",
                   others[o].name);
    }
    return wrong;
}

int main(int argc, char **argv)
{
    unsigned wrong = compare_made_up(argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1000);

    for (int i = 2; i < argc; i++)
        wrong += compare_file(argv[i]);
    printf("%u differences\n", wrong);
    return wrong > 0;
}
