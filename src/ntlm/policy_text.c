/* SPDX-License-Identifier: MIT */
/* The policy as the configuration and people spell it. */
#include <arpa/inet.h>

#include "base/compiler.h"
#include "ntlm/policy.h"

enum {
    MIN_SEC_BITS = NTLM_NEGOTIATE_SIGN | NTLM_NEGOTIATE_SEAL | NTLM_EXTENDED_SESSIONSECURITY |
                   NTLM_NEGOTIATE_128,
    /* an offer without these lets nobody in */
    OFFER_NEEDED = NTLM_NEGOTIATE_DATAGRAM | NTLM_NEGOTIATE_KEY_EXCH | NTLM_NEGOTIATE_NTLM,
    CHARACTER_SETS = NTLM_NEGOTIATE_UNICODE | NTLM_NEGOTIATE_OEM,
};

/* In the order they are printed: the strongest demand first. */
static const uint32_t printed_bits[] = { NTLM_NEGOTIATE_128, NTLM_EXTENDED_SESSIONSECURITY,
                                         NTLM_NEGOTIATE_SEAL, NTLM_NEGOTIATE_SIGN };

static bool hex_u32(struct str text, uint32_t *out)
{
    uint64_t value;

    if (!str_starts_nocase(text, STR("0x")) || !str_hex_to_u64(text, &value) || value > UINT32_MAX)
        return false;
    *out = (uint32_t)value;
    return true;
}

static bool bit_parse(struct str word, uint32_t *bit)
{
    uint32_t value;

    if (!ntlm_flag_from_name(word, &value) || value & ~(uint32_t)MIN_SEC_BITS)
        return false;
    *bit = value;
    return true;
}

bool ntlm_policy_bits_parse(struct str text, uint32_t *out)
{
    uint32_t bits = 0, bit;

    text = str_trim(text);
    if (hex_u32(text, out))
        return true;
    bool none = str_eq_nocase(text, STR("none"));
    for (bool more = !none; more;) {
        more = str_find_char(text, ',') != SIZE_MAX;
        if (!bit_parse(str_trim(str_take_until(&text, ',')), &bit))
            return false;
        bits |= bit;
    }
    *out = bits;
    return true;
}

void ntlm_policy_bits_print(uint32_t bits, struct buf *out)
{
    const char *gap = "";

    if (bits == 0) {
        buf_add_c(out, "none");
        return;
    }
    if (bits & ~(uint32_t)MIN_SEC_BITS) { /* nothing we know a word for */
        buf_printf(out, "0x%08x", bits);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(printed_bits); i++) {
        if (!(bits & printed_bits[i]))
            continue;
        buf_add_c(out, gap);
        buf_add_c(out, ntlm_flag_name(printed_bits[i]));
        gap = ", ";
    }
}

/* "default" and then flags with a sign before them. */
static bool offer_words(struct str text, uint32_t *out)
{
    uint32_t offer = NTLM_DEFAULT_OFFER, bit;

    if (!str_eq_nocase(str_take_until(&text, ' '), STR("default")))
        return false;
    for (text = str_trim(text); text.len; text = str_trim(text)) {
        struct str word = str_take_until(&text, ' ');
        if (!ntlm_flag_from_name(str_skip(word, 1), &bit))
            return false;
        if (word.ptr[0] == '-')
            offer &= ~bit;
        else if (word.ptr[0] == '+')
            offer |= bit;
        else
            return false;
    }
    *out = offer;
    return true;
}

bool ntlm_policy_offer_parse(struct str text, uint32_t *out)
{
    uint32_t offer;

    text = str_trim(text);
    if (!hex_u32(text, &offer) && !offer_words(text, &offer))
        return false;
    if (offer & NTLM_NEVER_OFFERED || (offer & OFFER_NEEDED) != OFFER_NEEDED ||
        !(offer & CHARACTER_SETS))
        return false;
    *out = offer;
    return true;
}

static void print_signed_flags(uint32_t bits, char sign, struct buf *out)
{
    for (unsigned i = 0; i < 32; i++) {
        uint32_t bit = UINT32_C(1) << i;
        if (bits & bit)
            buf_printf(out, " %c%s", sign, ntlm_flag_name(bit));
    }
}

static bool all_named(uint32_t bits)
{
    for (unsigned i = 0; i < 32; i++) {
        uint32_t bit = UINT32_C(1) << i;
        if (bits & bit && !ntlm_flag_name(bit))
            return false;
    }
    return true;
}

static void offer_print(uint32_t offer, struct buf *out)
{
    uint32_t added = offer & ~NTLM_DEFAULT_OFFER, removed = NTLM_DEFAULT_OFFER & ~offer;

    if (!all_named(added)) {
        buf_printf(out, "0x%08X", offer);
        return;
    }
    buf_add_c(out, "default");
    print_signed_flags(added, '+', out);
    print_signed_flags(removed, '-', out);
}

bool ntlm_network_parse(struct str text, struct ntlm_network *out)
{
    struct ntlm_network n = { .len = 4 };
    char address[INET6_ADDRSTRLEN];
    uint32_t bits;

    text = str_trim(text);
    bool has_bits = str_find_char(text, '/') != SIZE_MAX;
    struct str host = str_take_until(&text, '/');
    if (host.len >= sizeof(address))
        return false;
    memcpy(address, host.ptr, host.len);
    address[host.len] = '\0';
    if (strlen(address) != host.len)
        return false;
    if (inet_pton(AF_INET, address, n.addr) != 1) {
        n.len = 16;
        if (inet_pton(AF_INET6, address, n.addr) != 1)
            return false;
    }
    n.bits = (uint8_t)(8 * n.len);
    if (has_bits) {
        if (!str_to_u32(text, &bits) || bits > n.bits)
            return false;
        n.bits = (uint8_t)bits;
    }
    *out = n;
    return true;
}

static bool refuse(struct buf *why, const char *reason)
{
    buf_add_c(why, reason);
    return false;
}

static bool set_bits(uint32_t *field, struct str value, struct buf *why)
{
    if (ntlm_policy_bits_parse(value, field))
        return true;
    return refuse(why, "expected 'none', words of 128-bit, ntlmv2-session, confidentiality and "
                       "integrity with commas between, or the number as in Windows (0x20080000)");
}

static bool set_offer(struct ntlm_policy *p, struct str value, struct buf *why)
{
    if (ntlm_policy_offer_parse(value, &p->offer))
        return true;
    return refuse(why, "expected 'default', 'default -128-bit -56-bit', or a hexadecimal number "
                       "with datagram, key-exchange, ntlm and unicode or oem, and without lm-key "
                       "and non-nt-session-key");
}

static bool set_number(unsigned *field, struct str value, unsigned low, unsigned high,
                       struct buf *why)
{
    uint32_t number;

    if (str_to_u32(str_trim(value), &number) && number >= low && number <= high) {
        *field = number;
        return true;
    }
    buf_printf(why, "expected a number from %u to %u", low, high);
    return false;
}

static bool set_mode(struct ntlm_policy *p, struct str value, struct buf *why)
{
    value = str_trim(value);
    if (str_eq_nocase(value, STR("enforce")))
        p->mode = NTLM_POLICY_ENFORCE;
    else if (str_eq_nocase(value, STR("audit")))
        p->mode = NTLM_POLICY_AUDIT;
    else
        return refuse(why, "expected 'enforce' or 'audit'");
    return true;
}

static bool set_preset(struct ntlm_policy *p, struct str value, struct buf *why)
{
    if (ntlm_policy_preset(str_trim(value), p))
        return true;
    buf_add_c(why, "expected one of");
    for (unsigned i = 0; ntlm_policy_preset_name(i); i++)
        buf_printf(why, "%s %s", i ? "," : "", ntlm_policy_preset_name(i));
    return false;
}

bool ntlm_policy_key_set(struct ntlm_policy *p, struct str key, struct str value, struct buf *why)
{
    if (str_eq(key, STR("ntlm_min_server_sec")))
        return set_bits(&p->min_server_sec, value, why);
    if (str_eq(key, STR("ntlm_min_client_sec")))
        return set_bits(&p->min_client_sec, value, why);
    if (str_eq(key, STR("ntlm_offer")))
        return set_offer(p, value, why);
    if (str_eq(key, STR("lm_compatibility")))
        return set_number(&p->lm_compatibility, value, 0, 5, why);
    if (str_eq(key, STR("min_sipae_version")))
        return set_number(&p->min_sipae_version, value, 2, 4, why);
    if (str_eq(key, STR("mode")))
        return set_mode(p, value, why);
    if (str_eq(key, STR("preset")))
        return set_preset(p, value, why);
    return refuse(why, "no such key of a policy");
}

void ntlm_policy_print(const struct ntlm_policy *p, struct buf *out)
{
    buf_add_c(out, "ntlm_min_server_sec = ");
    ntlm_policy_bits_print(p->min_server_sec, out);
    buf_add_c(out, "\nntlm_min_client_sec = ");
    ntlm_policy_bits_print(p->min_client_sec, out);
    buf_add_c(out, "\nntlm_offer = ");
    offer_print(p->offer, out);
    buf_printf(out, "\nlm_compatibility = %u\nmin_sipae_version = %u\nmode = %s\n",
               p->lm_compatibility, p->min_sipae_version,
               p->mode == NTLM_POLICY_AUDIT ? "audit" : "enforce");
}
