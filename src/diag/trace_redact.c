/* SPDX-License-Identifier: MIT */
#include "diag/trace_redact.h"

#include <stdbool.h>
#include <string.h>

#include "base/str.h"

enum { TOKEN_MAX = 8192, NTLM_KEPT = 12, KERBEROS_KEPT = 17, NTLM_TYPE_CHALLENGE = 2 };

/* 0x60, a length, then the object identifier of Kerberos 5 (RFC 4121 4.1). */
static bool is_kerberos(const uint8_t *token, size_t len)
{
    static const uint8_t oid[] = {
        0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 0x01, 0x02, 0x02
    };
    size_t at = 2;

    if (len < KERBEROS_KEPT || token[0] != 0x60)
        return false;
    if (token[1] & 0x80)
        at += token[1] & 0x7f;
    return at <= 6 && len >= at + sizeof(oid) && memcmp(token + at, oid, sizeof(oid)) == 0;
}

void trace_redact_token(uint8_t *token, size_t len, trace_redact_ntlm ntlm)
{
    bool is_ntlm = len >= NTLM_KEPT && memcmp(token, "NTLMSSP", 8) == 0;
    size_t kept = is_ntlm ? NTLM_KEPT : is_kerberos(token, len) ? KERBEROS_KEPT : 0;

    if (is_ntlm && token[8] == NTLM_TYPE_CHALLENGE && !token[9] && !token[10] && !token[11])
        return;
    if (is_ntlm && ntlm)
        ntlm(token, len);
    else if (len > kept)
        memset(token + kept, 0, len - kept);
}

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Six bits, or 64 for anything outside the alphabet. */
static uint32_t sextet(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (uint32_t)(c - 'A');
    if (c >= 'a' && c <= 'z')
        return (uint32_t)(c - 'a') + 26;
    if (c >= '0' && c <= '9')
        return (uint32_t)(c - '0') + 52;
    return c == '+' ? 62 : c == '/' ? 63 : 64;
}

/* Octets decoded, or SIZE_MAX when the text is no clean base64 or too long. */
static size_t decode(const char *text, size_t len, uint8_t *out)
{
    size_t pad = 0, n = 0;

    if (len == 0 || len % 4 != 0 || len / 4 * 3 > TOKEN_MAX)
        return SIZE_MAX;
    while (pad < 2 && text[len - 1 - pad] == '=')
        pad++;
    for (size_t i = 0; i < len; i += 4) {
        uint32_t quad = 0;
        for (size_t j = i; j < i + 4; j++) {
            uint32_t six = j < len - pad ? sextet(text[j]) : 0;
            if (six > 63)
                return SIZE_MAX;
            quad = quad << 6 | six;
        }
        out[n++] = (uint8_t)(quad >> 16);
        out[n++] = (uint8_t)(quad >> 8);
        out[n++] = (uint8_t)quad;
    }
    return n - pad;
}

static void encode(const uint8_t *in, size_t len, char *text)
{
    for (size_t i = 0; i < len; i += 3, text += 4) {
        uint32_t quad = (uint32_t)in[i] << 16;
        quad |= i + 1 < len ? (uint32_t)in[i + 1] << 8 : 0;
        quad |= i + 2 < len ? (uint32_t)in[i + 2] : 0;
        text[0] = alphabet[quad >> 18];
        text[1] = alphabet[quad >> 12 & 63];
        text[2] = i + 1 < len ? alphabet[quad >> 6 & 63] : '=';
        text[3] = i + 2 < len ? alphabet[quad & 63] : '=';
    }
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void wipe_text(char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!is_blank(text[i]) && text[i] != '=')
            text[i] = 'A';
    }
}

static void redact_value(char *text, size_t len, trace_redact_ntlm ntlm)
{
    uint8_t token[TOKEN_MAX];
    size_t n = decode(text, len, token);

    if (n == SIZE_MAX) {
        wipe_text(text, len);
        return;
    }
    trace_redact_token(token, n, ntlm);
    encode(token, n, text);
}

/* Past blanks and folds. */
static size_t skip_blanks(const char *head, size_t at, size_t len)
{
    while (at < len && is_blank(head[at]))
        at++;
    return at;
}

/* Where the header field that `at` is in ends: a line end that no blank follows. */
static size_t field_end(const char *head, size_t at, size_t len)
{
    while (at < len) {
        const char *lf = memchr(head + at, '\n', len - at);
        if (!lf)
            return len;
        at = (size_t)(lf - head) + 1;
        if (at >= len || (head[at] != ' ' && head[at] != '\t'))
            return at;
    }
    return len;
}

/* Only inside a quoted string may a value go on behind blanks. */
static size_t value_end(const char *head, size_t at, size_t len, bool quoted)
{
    size_t stop = field_end(head, at, len);

    while (at < stop) {
        if (quoted ? head[at] == '"' : is_blank(head[at]) || memchr(",;\"", head[at], 3))
            return at;
        at += quoted && head[at] == '\\' && at + 1 < stop ? 2 : 1;
    }
    return stop;
}

/* Handles the parameter whose name ends before `at`; returns where to go on. */
static size_t redact_parameter(char *head, size_t at, size_t len, trace_redact_ntlm ntlm)
{
    size_t i = skip_blanks(head, at, len);

    if (i >= len || head[i] != '=')
        return at;
    i = skip_blanks(head, i + 1, len);
    bool quoted = i < len && head[i] == '"';
    i += quoted;
    size_t end = value_end(head, i, len, quoted);
    redact_value(head + i, end - i, ntlm);
    return end;
}

static void redact_parameters(char *head, size_t len, trace_redact_ntlm ntlm)
{
    static const struct str name = { "gssapi-data", 11 };
    enum { HYPHEN_AT = 6 };
    size_t at = 0;

    while (at < len) {
        const char *hyphen = memchr(head + at, '-', len - at);
        if (!hyphen)
            return;
        size_t pos = (size_t)(hyphen - head);
        at = pos + 1;
        if (pos >= HYPHEN_AT &&
            str_starts_nocase(str_of(hyphen - HYPHEN_AT, len - pos + HYPHEN_AT), name))
            at = redact_parameter(head, pos - HYPHEN_AT + name.len, len, ntlm);
    }
}

/* A password in clear text, were a client to send one. */
static void redact_basic(char *head, size_t len)
{
    static const struct str fields[] = { { "Authorization", 13 }, { "Proxy-Authorization", 19 } };
    size_t end;

    for (size_t at = 0; at < len; at = end) {
        end = field_end(head, at, len);
        struct str line = str_of(head + at, end - at);
        for (size_t f = 0; f < 2; f++) {
            if (!str_starts_nocase(line, fields[f]))
                continue;
            size_t i = skip_blanks(head, at + fields[f].len, end);
            i = i < end && head[i] == ':' ? skip_blanks(head, i + 1, end) : end;
            if (str_starts_nocase(str_of(head + i, end - i), STR("Basic")))
                wipe_text(head + i + 5, end - i - 5);
        }
    }
}

void trace_redact_head(char *head, size_t len, trace_redact_ntlm ntlm)
{
    redact_parameters(head, len, ntlm);
    redact_basic(head, len);
}
