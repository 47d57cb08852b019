/* SPDX-License-Identifier: MIT */
#include "users/name.h"

#include "base/buf.h"
#include "base/utf16.h"

static bool is_control(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7F;
}

static bool is_ascii_text(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if ((unsigned char)s.ptr[i] >= 0x80)
            return false;
    }
    return true;
}

static bool has_control(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (is_control(s.ptr[i]))
            return true;
    }
    return false;
}

static bool key_set(struct user_key *out, struct str text)
{
    if (text.len == 0 || text.len > sizeof(out->text))
        return false;
    memcpy(out->text, text.ptr, text.len);
    out->len = text.len;
    return true;
}

static char ascii_upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

/* By way of UTF-16, so that exactly what NTOWFv2 takes for equal is equal here. */
static bool key_from_unicode(struct str name, struct user_key *out)
{
    struct buf wide = { 0 }, upper = { 0 }, text = { 0 };
    bool good = utf16_from_utf8(name, &wide);

    if (good) {
        utf16_upper(buf_str(&wide), false, &upper);
        good = utf16_to_utf8(buf_str(&upper), &text) && key_set(out, buf_str(&text));
    }
    buf_fini(&wide);
    buf_fini(&upper);
    buf_fini(&text);
    return good;
}

bool user_name_key(struct str name, struct user_key *out)
{
    out->len = 0;
    if (name.len == 0 || name.len > USER_URI_MAX || has_control(name))
        return false;
    if (!is_ascii_text(name))
        return key_from_unicode(name, out);
    for (size_t i = 0; i < name.len; i++)
        out->text[i] = ascii_upper(name.ptr[i]);
    out->len = name.len;
    return true;
}

bool user_uri_key(struct str uri, struct user_key *out)
{
    struct str address = str_first(uri, str_find_char(uri, ';'));
    address = str_first(address, str_find_char(address, '?'));

    out->len = 0;
    if (address.len > USER_URI_MAX || has_control(address) ||
        !str_starts_nocase(address, STR("sip:")))
        return false;
    for (size_t i = 0; i < address.len; i++)
        out->text[i] = to_lower(address.ptr[i]);
    out->len = address.len;
    return true;
}

bool user_name_same(struct str a, struct str b)
{
    struct user_key ka, kb;

    if (str_eq_nocase(a, b))
        return true;
    return user_name_key(a, &ka) && user_name_key(b, &kb) &&
           str_eq(user_key_str(&ka), user_key_str(&kb));
}

const char *user_name_problem(struct str name)
{
    struct user_key key;

    if (name.len == 0)
        return "give a name";
    if (name.len > USER_NAME_MAX)
        return "the name is longer than 256 octets";
    if (!user_name_key(name, &key))
        return "the name must be UTF-8 without control characters";
    /* what Windows forbids in a sAMAccountName, and '@', which makes it a UPN */
    for (size_t i = 0; i < name.len; i++) {
        if (strchr("\"/\\[]:;|=,+*?<>@", name.ptr[i]))
            return "the name must not contain any of \" / \\ [ ] : ; | = , + * ? < > @";
    }
    return NULL;
}

static bool is_uri_user(char c)
{
    return is_token(c) || (c != '\0' && strchr("&=+$,/()", c) != NULL);
}

const char *user_uri_problem(struct str uri, const char *const *domains, unsigned domain_count)
{
    if (!str_starts_nocase(uri, STR("sip:")) || uri.len > USER_URI_MAX)
        return "an address looks like sip:ada@example.com, at most 320 octets";
    struct str rest = str_skip(uri, 4);
    size_t at = str_find_char(rest, '@');
    if (at == SIZE_MAX || at == 0)
        return "an address looks like sip:ada@example.com";
    struct str user = str_first(rest, at), host = str_skip(rest, at + 1);

    if (str_take_while(&user, is_uri_user).len != at)
        return "the part before @ has a character that SIP does not allow there";
    for (unsigned i = 0; i < domain_count; i++) {
        if (str_eq_nocase(host, str_from_c(domains[i])))
            return NULL;
    }
    return "the part after @ is not a domain served here: see [general] domain";
}

bool user_field_set(char *field, size_t size, struct str value)
{
    if (value.len >= size || str_find_char(value, '\0') != SIZE_MAX)
        return false;
    memcpy(field, value.ptr, value.len);
    field[value.len] = '\0';
    return true;
}
