/* SPDX-License-Identifier: MIT */
#include "sip/authparam.h"

#include "sip/chars.h"

/* Up to the next '"': a backslash means nothing, values are used as they stand. */
static bool take_quoted(struct str *s, struct str *value)
{
    size_t end = str_find_char(*s, '"');

    if (end == SIZE_MAX)
        return false;
    *value = str_first(*s, end);
    *s = str_skip(*s, end + 1);
    return true;
}

/* A bare value may be more than a token: base64 has '/' and '='. */
static bool take_bare(struct str *s, struct str *value)
{
    size_t n = 0;

    while (n < s->len && s->ptr[n] != ',' && s->ptr[n] != '"' &&
           !sip_char_is(s->ptr[n], SIP_CHAR_SPACE))
        n++;
    *value = str_first(*s, n);
    *s = str_skip(*s, n);
    return n > 0 && (s->len == 0 || s->ptr[0] != '"');
}

static bool is_printable(struct str value)
{
    for (size_t i = 0; i < value.len; i++) {
        if (sip_char_is(value.ptr[i], SIP_CHAR_CONTROL))
            return false;
    }
    return true;
}

static bool take_param(struct str *s, struct sip_authparam *p)
{
    p->name = sip_take(s, SIP_CHAR_TOKEN);
    sip_skip_space(s);
    if (p->name.len == 0 || !sip_take_char(s, '='))
        return false;
    sip_skip_space(s);
    bool taken = sip_take_char(s, '"') ? take_quoted(s, &p->value) : take_bare(s, &p->value);
    sip_skip_space(s);
    return taken && is_printable(p->value);
}

enum fault sip_auth_parse(struct str in, struct sip_auth *out)
{
    out->count = 0;
    sip_skip_space(&in);
    out->scheme = sip_take(&in, SIP_CHAR_TOKEN);
    if (out->scheme.len == 0 || (in.len > 0 && sip_take(&in, SIP_CHAR_SPACE).len == 0))
        return FAULT_SIP_AUTHORIZATION;
    while (in.len > 0) {
        struct sip_authparam p;
        if (out->count == SIP_AUTHPARAM_MAX || !take_param(&in, &p) || sip_auth_has(out, p.name))
            return FAULT_SIP_AUTHORIZATION;
        out->params[out->count++] = p;
        if (in.len == 0)
            break;
        if (!sip_take_char(&in, ','))
            return FAULT_SIP_AUTHORIZATION;
        sip_skip_space(&in);
        if (in.len == 0)
            return FAULT_SIP_AUTHORIZATION;
    }
    return FAULT_NONE;
}

static const struct sip_authparam *find(const struct sip_auth *a, struct str name)
{
    for (unsigned i = 0; i < a->count; i++) {
        if (str_eq_nocase(a->params[i].name, name))
            return &a->params[i];
    }
    return NULL;
}

bool sip_auth_has(const struct sip_auth *a, struct str name)
{
    return find(a, name) != NULL;
}

struct str sip_auth_get(const struct sip_auth *a, struct str name)
{
    const struct sip_authparam *p = find(a, name);
    return p ? p->value : STR_NONE;
}
