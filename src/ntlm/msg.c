/* SPDX-License-Identifier: MIT */
#include "ntlm/msg.h"

#include <assert.h>

#include "base/wire.h"

enum {
    MAGIC_LEN = 8,
    CHALLENGE_HEADER = 56,
    TARGET_INFO_END = 48, /* very old servers end before, and have no target info */
    CHALLENGE_LEAST = 32,
    FIELDS_END = 64, /* of AUTHENTICATE; NT and 2000 put the payload here */
    VERSION_END = 72,
    MIC_LEN = 16,
    MIC_END = VERSION_END + MIC_LEN,
    RESPONSE_V1 = 24,
    RESPONSE_V2_LEAST = 44,
    BLOB_AV_LIST = RESPONSE_V2_LEAST,
};

static const char magic[MAGIC_LEN] = "NTLMSSP";

/* A field as it stands in the header: length, allocated size (which carries no meaning on
 * receipt), offset.  That of an empty field means nothing.  None may point into the header. */
static struct str payload(struct wire *w, size_t header, size_t *lowest)
{
    uint32_t len = wire_u16(w);
    wire_u16(w);
    uint32_t offset = wire_u32(w);

    if (w->bad || len == 0)
        return STR_NONE;
    if (offset < header)
        w->bad = true;
    if (offset < *lowest)
        *lowest = offset;
    return wire_at(w, offset, len);
}

static bool starts(struct wire *w, enum ntlm_message_type type)
{
    struct str seen = wire_bytes(w, MAGIC_LEN);
    uint32_t seen_type = wire_u32(w);

    return !w->bad && seen_type == type && memcmp(seen.ptr, magic, MAGIC_LEN) == 0;
}

static struct ntlm_version read_version(struct wire *w)
{
    struct ntlm_version v = { .major = wire_u8(w), .minor = wire_u8(w) };

    v.build = wire_u16(w);
    wire_bytes(w, 3);
    v.revision = wire_u8(w);
    return v;
}

/* UTF-16 has an even length and begins at an even offset ([MS-NLMP] 2.2.1.3). */
static bool is_text(struct str msg, struct str field, uint32_t flags)
{
    if (field.len == 0 || !(flags & NTLM_NEGOTIATE_UNICODE))
        return true;
    return field.len % 2 == 0 && (size_t)(field.ptr - msg.ptr) % 2 == 0;
}

enum fault ntlm_challenge_read(struct str msg, struct ntlm_challenge *out)
{
    struct wire w = { .all = msg };
    size_t lowest = SIZE_MAX;

    *out = (struct ntlm_challenge){ .target_info = STR_NONE };
    if (!starts(&w, NTLM_CHALLENGE))
        return FAULT_NTLM_MALFORMED;
    out->target_name = payload(&w, CHALLENGE_LEAST, &lowest);
    out->flags = wire_u32(&w);
    struct str challenge = wire_bytes(&w, sizeof(out->server_challenge));
    if (w.bad)
        return FAULT_NTLM_MALFORMED;
    memcpy(out->server_challenge, challenge.ptr, sizeof(out->server_challenge));
    if (msg.len >= TARGET_INFO_END && lowest >= TARGET_INFO_END) {
        wire_bytes(&w, 8);
        out->target_info = payload(&w, TARGET_INFO_END, &lowest);
    }
    if (out->flags & NTLM_NEGOTIATE_VERSION && msg.len >= CHALLENGE_HEADER &&
        lowest >= CHALLENGE_HEADER)
        out->version = read_version(&w);
    if (w.bad || !is_text(msg, out->target_name, out->flags))
        return FAULT_NTLM_MALFORMED;
    return FAULT_NONE;
}

/* The lengths a response can have at all; the rest of its form is for the verifier. */
static bool is_response(struct str nt)
{
    return nt.len == 0 || nt.len == RESPONSE_V1 || nt.len >= RESPONSE_V2_LEAST;
}

static bool claims_mic(struct str nt)
{
    struct str flags;

    return nt.len >= RESPONSE_V2_LEAST &&
           ntlm_av_find(str_skip(nt, BLOB_AV_LIST), NTLM_AV_FLAGS, &flags) && flags.len == 4 &&
           flags.ptr[0] & NTLM_AV_FLAG_MIC;
}

/* The header grew with time: version with Windows XP, MIC with Vista.  Whether they are there is
 * told by where the payload begins, and neither alone is believed: the MIC must be claimed. */
static void read_tail(struct wire *w, size_t lowest, struct ntlm_authenticate *out)
{
    out->has_version =
        out->flags & NTLM_NEGOTIATE_VERSION && lowest >= VERSION_END && out->raw.len >= VERSION_END;
    if (out->has_version)
        out->version = read_version(w);
    out->mic_claimed = claims_mic(out->nt_response);
    out->has_mic_room = lowest >= MIC_END && out->raw.len >= MIC_END;
    if (out->mic_claimed && out->has_mic_room)
        out->mic = wire_at(w, VERSION_END, MIC_LEN);
}

enum fault ntlm_authenticate_read(struct str msg, struct ntlm_authenticate *out)
{
    struct wire w = { .all = msg };
    size_t lowest = SIZE_MAX;

    *out = (struct ntlm_authenticate){ .raw = msg, .mic = STR_NONE };
    if (!starts(&w, NTLM_AUTHENTICATE))
        return FAULT_NTLM_MALFORMED;
    out->lm_response = payload(&w, FIELDS_END, &lowest);
    out->nt_response = payload(&w, FIELDS_END, &lowest);
    out->domain = payload(&w, FIELDS_END, &lowest);
    out->user = payload(&w, FIELDS_END, &lowest);
    out->workstation = payload(&w, FIELDS_END, &lowest);
    out->session_key = payload(&w, FIELDS_END, &lowest);
    out->flags = wire_u32(&w);
    if (w.bad || !is_response(out->nt_response) || !is_text(msg, out->domain, out->flags) ||
        !is_text(msg, out->user, out->flags) || !is_text(msg, out->workstation, out->flags))
        return FAULT_NTLM_MALFORMED;
    read_tail(&w, lowest, out);
    return FAULT_NONE;
}

static void put_u16(struct buf *out, size_t v)
{
    assert(v <= UINT16_MAX);
    buf_add_char(out, (char)(v & 0xff));
    buf_add_char(out, (char)(v >> 8));
}

static void put_u32(struct buf *out, uint32_t v)
{
    put_u16(out, v & 0xffff);
    put_u16(out, v >> 16);
}

static void put_zeros(struct buf *out, size_t n)
{
    static const char zeros[MIC_LEN];

    assert(n <= sizeof(zeros));
    buf_add(out, str_of(zeros, n));
}

static void put_start(struct buf *out, enum ntlm_message_type type)
{
    buf_add(out, str_of(magic, MAGIC_LEN));
    put_u32(out, type);
}

/* The header's half of a field; `offset` moves on to where the next one's octets will stand. */
static void put_field(struct buf *out, struct str field, uint32_t *offset)
{
    put_u16(out, field.len);
    put_u16(out, field.len);
    put_u32(out, *offset);
    *offset += (uint32_t)field.len;
}

static void put_version(struct buf *out, struct ntlm_version v)
{
    buf_add_char(out, (char)v.major);
    buf_add_char(out, (char)v.minor);
    put_u16(out, v.build);
    put_zeros(out, 3);
    buf_add_char(out, (char)v.revision);
}

void ntlm_challenge_write(const struct ntlm_challenge *c, struct buf *out)
{
    uint32_t offset = CHALLENGE_HEADER;

    put_start(out, NTLM_CHALLENGE);
    put_field(out, c->target_name, &offset);
    put_u32(out, c->flags);
    buf_add(out, str_of(c->server_challenge, sizeof(c->server_challenge)));
    put_zeros(out, 8);
    put_field(out, c->target_info, &offset);
    if (c->flags & NTLM_NEGOTIATE_VERSION)
        put_version(out, c->version);
    else
        put_zeros(out, 8);
    buf_add(out, c->target_name);
    buf_add(out, c->target_info);
}

/* The payload in the order Windows writes it, names first; the header refers to it in another. */
void ntlm_authenticate_write(const struct ntlm_authenticate *a, bool mic_room, struct buf *out)
{
    bool version = a->flags & NTLM_NEGOTIATE_VERSION;
    uint32_t names = mic_room ? MIC_END : version ? VERSION_END : FIELDS_END;
    uint32_t responses = names + (uint32_t)(a->domain.len + a->user.len + a->workstation.len);

    put_start(out, NTLM_AUTHENTICATE);
    put_field(out, a->lm_response, &responses);
    put_field(out, a->nt_response, &responses);
    put_field(out, a->domain, &names);
    put_field(out, a->user, &names);
    put_field(out, a->workstation, &names);
    put_field(out, a->session_key, &responses);
    put_u32(out, a->flags);
    if (version)
        put_version(out, a->version);
    else if (mic_room)
        put_zeros(out, VERSION_END - FIELDS_END);
    if (mic_room)
        put_zeros(out, MIC_LEN);
    buf_add(out, a->domain);
    buf_add(out, a->user);
    buf_add(out, a->workstation);
    buf_add(out, a->lm_response);
    buf_add(out, a->nt_response);
    buf_add(out, a->session_key);
}

bool ntlm_av_next(struct str *rest, uint16_t *id, struct str *value, bool *bad)
{
    struct wire w = { .all = *rest };

    *id = wire_u16(&w);
    *value = wire_bytes(&w, wire_u16(&w));
    if (w.bad) {
        *bad = true;
        return false;
    }
    *rest = str_skip(*rest, w.pos);
    return *id != NTLM_AV_EOL;
}

bool ntlm_av_find(struct str list, uint16_t id, struct str *value)
{
    bool bad = false;
    uint16_t seen;

    while (ntlm_av_next(&list, &seen, value, &bad)) {
        if (seen == id)
            return true;
    }
    return false;
}

struct str ntlm_target_name(const struct ntlm_authenticate *a)
{
    struct str name;

    if (a->nt_response.len <= BLOB_AV_LIST ||
        !ntlm_av_find(str_skip(a->nt_response, BLOB_AV_LIST), NTLM_AV_TARGET_NAME, &name))
        return STR_NONE;
    return name;
}

void ntlm_av_add(struct buf *out, uint16_t id, struct str value)
{
    put_u16(out, id);
    put_u16(out, value.len);
    buf_add(out, value);
}

void ntlm_av_end(struct buf *out)
{
    ntlm_av_add(out, NTLM_AV_EOL, STR_NONE);
}

static bool only_zeros(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] != 0)
            return false;
    }
    return true;
}

enum ntlm_response_kind ntlm_response_kind(const struct ntlm_authenticate *a)
{
    if (a->nt_response.len > RESPONSE_V1)
        return NTLM_RESPONSE_NTLMV2;
    if (a->nt_response.len == 0)
        return a->lm_response.len > 1 ? NTLM_RESPONSE_LM : NTLM_RESPONSE_ANONYMOUS;
    if (a->flags & NTLM_EXTENDED_SESSIONSECURITY && a->lm_response.len == RESPONSE_V1 &&
        only_zeros(str_skip(a->lm_response, 8)))
        return NTLM_RESPONSE_NTLM2_SESSION;
    return NTLM_RESPONSE_NTLMV1;
}
