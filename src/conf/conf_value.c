/* SPDX-License-Identifier: MIT */
#include "conf/conf_schema.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/compiler.h"

/* Every reason is "what is wrong: what would be right". */
static bool wrong(struct buf *why, struct str value, const char *what, const char *right)
{
    buf_printf(why, "'%.*s' %s: %s", STR_ARG(str_first(value, 80)), what, right);
    return false;
}

static void *field(struct conf *c, size_t at)
{
    return (char *)c + at;
}

bool conf_list_next(struct str *rest, struct str *item)
{
    if (!rest->ptr)
        return false;
    size_t comma = str_find_char(*rest, ',');
    *item = str_trim(str_first(*rest, comma));
    if (comma == SIZE_MAX)
        *rest = (struct str){ .ptr = NULL };
    else
        *rest = str_skip(*rest, comma + 1);
    return true;
}

static bool is_text(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c < 0x20 || c == 0x7f || c == '"' || c == '\\')
            return false;
    }
    return true;
}

/* Labels of letters, digits, - and _, as DNS names of real networks are. */
static bool is_host(struct str s)
{
    size_t label = 0;

    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        bool plain = is_alpha(c) || is_digit(c) || c == '_';
        if (c == '.' ? label == 0 : !plain && !(c == '-' && label > 0))
            return false;
        label = c == '.' ? 0 : label + 1;
    }
    return label > 0 && s.len <= 253;
}

static bool is_account(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (!is_alpha(c) && c != '_' && (i == 0 || (!is_digit(c) && c != '-' && c != '.')))
            return false;
    }
    return s.len <= 32;
}

/* [MS-ADTS] leaves more open; these are what every version of Windows takes. */
static bool is_netbios(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (!is_alpha(c) && !is_digit(c) && c != '-' && c != '_' && c != '&')
            return false;
    }
    return s.len > 0 && s.len <= 15;
}

static bool is_address(struct str s)
{
    char host[64];
    unsigned char ip[16];
    uint32_t port;
    bool six = s.len > 0 && s.ptr[0] == '[';
    size_t colon = six ? str_find(s, STR("]:")) : str_find_char(s, ':');

    if (colon == SIZE_MAX || colon >= sizeof(host))
        return false;
    struct str h = str_skip(str_first(s, colon), six);
    memcpy(host, h.ptr, h.len);
    host[h.len] = '\0';
    return inet_pton(six ? AF_INET6 : AF_INET, host, ip) == 1 &&
           str_to_u32(str_skip(s, colon + 1 + six), &port) && port <= 65535;
}

static bool is_attribute(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (!is_alpha(s.ptr[i]) && (i == 0 || (!is_digit(s.ptr[i]) && s.ptr[i] != '-')))
            return false;
    }
    return s.len <= 128;
}

static bool is_ldap_name(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if ((unsigned char)s.ptr[i] < 0x20 || s.ptr[i] == 0x7f)
            return false;
    }
    return s.len <= 1024;
}

/* ldap[s]://HOST[:PORT][/] */
static bool is_ldap_server(struct str s)
{
    uint32_t port = 1;
    size_t scheme = str_starts_nocase(s, STR("ldap://"))    ? 7
                    : str_starts_nocase(s, STR("ldaps://")) ? 8
                                                            : 0;
    struct str rest = str_skip(s, scheme);

    if (str_ends_nocase(rest, STR("/")))
        rest.len--;
    size_t colon = str_find_char(rest, ':');
    if (colon != SIZE_MAX && !str_to_u32(str_skip(rest, colon + 1), &port))
        return false;
    return scheme > 0 && port > 0 && port <= 65535 && is_host(str_first(rest, colon));
}

static bool text_ok(const struct conf_key *k, struct str v, struct buf *why)
{
    switch (k->type) {
    case CONF_HOST:
        return is_host(v) || wrong(why, v, "is no host name", "give one such as fe01.example.com");
    case CONF_ACCOUNT:
        return is_account(v) || wrong(why, v, "is no account name", "give a local user or group");
    case CONF_NETBIOS:
        return is_netbios(v) || wrong(why, v, "is no NetBIOS domain name",
                                      "give 1 to 15 letters, digits or - such as EXAMPLE");
    case CONF_ATTRIBUTE:
        return is_attribute(v) || wrong(why, v, "is no name of an attribute",
                                        "give letters, digits and - such as proxyAddresses");
    case CONF_LDAP_NAME:
        return is_ldap_name(v) || wrong(why, v, "has a character that cannot stand here",
                                        "leave out control characters, and be shorter than 1024");
    default:
        return is_text(v) || wrong(why, v, "has a character that cannot stand here",
                                   "leave out quotes, backslashes and control characters");
    }
}

/* Missing files are told by whoever opens them; here only what would be unsafe to open. */
static bool secret_ok(struct str path, struct buf *why)
{
    struct stat st;
    char *name = str_own(path);
    bool open_to_others = path.len > 0 && stat(name, &st) == 0 && (st.st_mode & S_IRWXO) != 0;

    free(name);
    if (!open_to_others)
        return true;
    buf_printf(why, "'%.*s' can be read by every user of this machine: run 'chmod o= %.*s'",
               STR_ARG(path), STR_ARG(path));
    return false;
}

static bool set_text(struct conf *c, const struct conf_key *k, struct str v, struct buf *why)
{
    char **slot = field(c, k->at);

    if (!text_ok(k, v, why) || (k->type == CONF_SECRET_FILE && !secret_ok(v, why)))
        return false;
    free(*slot);
    *slot = str_own(v);
    return true;
}

static bool set_choice(struct conf *c, const struct conf_key *k, struct str v, struct buf *why)
{
    char **slot = field(c, k->at);
    struct str rest = str_from_c(k->choices);

    while (rest.len > 0) {
        if (!str_eq(str_take_until(&rest, '|'), v))
            continue;
        free(*slot);
        *slot = str_own(v);
        return true;
    }
    buf_printf(why, "'%.*s' is not known here: give one of %s", STR_ARG(str_first(v, 80)),
               k->choices);
    return false;
}

static bool item_ok(const struct conf_key *k, struct str item, struct buf *why)
{
    struct ntlm_network network;

    switch (k->type) {
    case CONF_HOSTS:
        return is_host(item) ||
               wrong(why, item, "is no domain name", "give one such as example.com");
    case CONF_ADDRESSES:
        return is_address(item) || wrong(why, item, "is no IP address with a port",
                                         "give one such as 0.0.0.0:5061 or [::]:5061");
    case CONF_LDAP_SERVERS:
        return is_ldap_server(item) ||
               wrong(why, item, "is no LDAP server", "give one such as ldap://dc1.ad.example.com");
    default:
        return ntlm_network_parse(item, &network) ||
               wrong(why, item, "is no network", "give one such as 10.0.0.0/8 or fd00::/8");
    }
}

/* The number of items, or SIZE_MAX when one is not valid.  An empty value is an empty list. */
static size_t count_items(const struct conf_key *k, struct str v, struct buf *why)
{
    struct str rest = v, item;
    size_t n = 0;

    if (v.len == 0)
        return 0;
    while (conf_list_next(&rest, &item)) {
        if (!item_ok(k, item, why))
            return SIZE_MAX;
        n++;
    }
    return n;
}

static void *list_of(size_t count, size_t size)
{
    void *list = count ? calloc(count, size) : NULL;
    if (count && !list)
        abort();
    return list;
}

static bool set_list(struct conf *c, const struct conf_key *k, struct str v, struct buf *why)
{
    size_t n = count_items(k, v, why);
    if (n == SIZE_MAX)
        return false;
    conf_value_free(c, k);
    struct str rest = v, item;
    unsigned *count = field(c, k->count_at);

    if (k->type == CONF_NETWORKS) {
        struct ntlm_network *list = list_of(n, sizeof(*list));
        *(struct ntlm_network **)field(c, k->at) = list;
        while (*count < n && conf_list_next(&rest, &item))
            ntlm_network_parse(item, &list[(*count)++]);
    } else {
        char **list = list_of(n, sizeof(*list));
        *(char ***)field(c, k->at) = list;
        while (*count < n && conf_list_next(&rest, &item))
            list[(*count)++] = str_own(item);
    }
    return true;
}

struct unit {
    const char *name;
    uint64_t factor;
};
static const struct unit no_units[] = { { "", 1 }, { NULL, 0 } };
static const struct unit size_units[] = { { "", 1 },        { "K", 1 << 10 },    { "M", 1 << 20 },
                                          { "G", 1 << 30 }, { "T", 1ull << 40 }, { NULL, 0 } };
static const struct unit second_units[] = {
    { "", 1 }, { "s", 1 }, { "m", 60 }, { "h", 60 * 60 }, { "d", 24 * 60 * 60 }, { NULL, 0 }
};
static const struct unit milli_units[] = {
    { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { NULL, 0 }
};

static const struct unit *units_of(enum conf_type type)
{
    switch (type) {
    case CONF_SIZE:
    case CONF_SIZE64:
        return size_units;
    case CONF_SECONDS:
        return second_units;
    case CONF_MILLISECONDS:
        return milli_units;
    default:
        return no_units;
    }
}

static const char *number_hint(enum conf_type type)
{
    switch (type) {
    case CONF_SIZE:
    case CONF_SIZE64:
        return "give bytes, or a number with K, M or G";
    case CONF_SECONDS:
        return "give seconds, or a number with s, m, h or d";
    case CONF_MILLISECONDS:
        return "give a number with ms or s";
    default:
        return "give a plain number";
    }
}

static bool number(enum conf_type type, struct str v, uint64_t *out)
{
    struct str digits = str_take_while(&v, is_digit);
    uint64_t n;

    if (!str_to_u64(digits, &n))
        return false;
    for (const struct unit *u = units_of(type); u->name; u++) {
        if (str_eq_nocase(str_trim(v), str_from_c(u->name)))
            return !__builtin_mul_overflow(n, u->factor, out);
    }
    return false;
}

/* The largest unit that loses nothing: 65536 as 64K. */
static void print_number(enum conf_type type, uint64_t n, struct buf *out)
{
    const struct unit *best = units_of(type);

    for (const struct unit *u = best; u->name; u++) {
        if (n != 0 && n % u->factor == 0)
            best = u;
    }
    buf_printf(out, "%llu%s", (unsigned long long)(n / best->factor), best->name);
}

static bool set_number(struct conf *c, const struct conf_key *k, struct str v, struct buf *why)
{
    uint64_t n = 0;

    if (!number(k->type, v, &n))
        return wrong(why, v, "is no such number", number_hint(k->type));
    if (n < k->min || n > k->max) {
        buf_printf(why, "'%.*s' is out of range: give ", STR_ARG(str_first(v, 80)));
        print_number(k->type, k->min, why);
        buf_add_c(why, " to ");
        print_number(k->type, k->max, why);
        return false;
    }
    if (k->type == CONF_SIZE64)
        *(uint64_t *)field(c, k->at) = n;
    else
        *(uint32_t *)field(c, k->at) = (uint32_t)n;
    return true;
}

static bool set_switch(struct conf *c, const struct conf_key *k, struct str v, struct buf *why)
{
    bool on = str_eq_nocase(v, STR("yes")) || str_eq_nocase(v, STR("on")) ||
              str_eq_nocase(v, STR("true")) || str_eq(v, STR("1"));
    bool off = str_eq_nocase(v, STR("no")) || str_eq_nocase(v, STR("off")) ||
               str_eq_nocase(v, STR("false")) || str_eq(v, STR("0"));

    if (!on && !off)
        return wrong(why, v, "is neither yes nor no", "give yes or no");
    *(bool *)field(c, k->at) = on;
    return true;
}

static bool set_level(struct conf *c, const struct conf_key *k, struct str v, struct buf *why)
{
    enum trace_level level;

    if (!trace_level_from_name(v, &level))
        return wrong(why, v, "is no level", "give off, fatal, error, warn, info, verbose or noise");
    for (unsigned i = 0; i < TRACE_COMPONENT_COUNT; i++) {
        if (k->at == CONF_ALL || k->at == i)
            c->trace.level[i] = level;
    }
    return true;
}

static bool set_flags(struct conf *c, const struct conf_key *k, struct str v, struct buf *why)
{
    struct str rest = v, item;
    unsigned flags = 0, one;

    while (conf_list_next(&rest, &item)) {
        if (!trace_flags_from_name(item, &one))
            return wrong(why, item, "is no trace flag",
                         "give a list of component, protocol, connection, security, diag, or all "
                         "or none");
        flags |= one;
    }
    for (unsigned i = 0; i < TRACE_COMPONENT_COUNT; i++) {
        if (k->at == CONF_ALL || k->at == i)
            c->trace.flags[i] = flags;
    }
    return true;
}

bool conf_value_set(struct conf *c, const struct conf_key *k, struct str value, struct buf *why)
{
    switch (k->type) {
    case CONF_TEXT:
    case CONF_PATH:
    case CONF_SECRET_FILE:
    case CONF_HOST:
    case CONF_ACCOUNT:
    case CONF_NETBIOS:
    case CONF_LDAP_NAME:
    case CONF_ATTRIBUTE:
        return set_text(c, k, value, why);
    case CONF_CHOICE:
        return set_choice(c, k, value, why);
    case CONF_HOSTS:
    case CONF_ADDRESSES:
    case CONF_NETWORKS:
    case CONF_LDAP_SERVERS:
        return set_list(c, k, value, why);
    case CONF_NUMBER:
    case CONF_SIZE:
    case CONF_SIZE64:
    case CONF_SECONDS:
    case CONF_MILLISECONDS:
        return set_number(c, k, value, why);
    case CONF_SWITCH:
        return set_switch(c, k, value, why);
    case CONF_LEVEL:
        return set_level(c, k, value, why);
    case CONF_FLAGS:
        return set_flags(c, k, value, why);
    case CONF_POLICY:
    case CONF_EXCEPTION:
        break;
    }
    return true;
}

void conf_value_free(struct conf *c, const struct conf_key *k)
{
    void **slot = field(c, k->at);
    unsigned *count = field(c, k->count_at);

    switch (k->type) {
    case CONF_HOSTS:
    case CONF_ADDRESSES:
    case CONF_LDAP_SERVERS:
        for (unsigned i = 0; i < *count; i++)
            free((*(char ***)slot)[i]);
        *count = 0;
        break;
    case CONF_NETWORKS:
        *count = 0;
        break;
    case CONF_TEXT:
    case CONF_PATH:
    case CONF_SECRET_FILE:
    case CONF_HOST:
    case CONF_ACCOUNT:
    case CONF_NETBIOS:
    case CONF_LDAP_NAME:
    case CONF_ATTRIBUTE:
    case CONF_CHOICE:
        break;
    default:
        return;
    }
    free(*slot);
    *slot = NULL;
}

const char *conf_type_text(const struct conf_key *k)
{
    static const char *const text[] = {
        [CONF_TEXT] = "text",
        [CONF_PATH] = "path",
        [CONF_SECRET_FILE] = "path of a file closed to others",
        [CONF_HOST] = "host name",
        [CONF_HOSTS] = "list of domains",
        [CONF_ACCOUNT] = "account",
        [CONF_NETBIOS] = "NetBIOS name",
        [CONF_CHOICE] = "word",
        [CONF_ADDRESSES] = "list of IP:PORT",
        [CONF_NETWORKS] = "list of networks",
        [CONF_NUMBER] = "number",
        [CONF_SIZE] = "size",
        [CONF_SIZE64] = "size",
        [CONF_SECONDS] = "duration",
        [CONF_MILLISECONDS] = "duration in ms or s",
        [CONF_SWITCH] = "yes or no",
        [CONF_LDAP_SERVERS] = "list of ldap://HOST",
        [CONF_LDAP_NAME] = "name in a directory",
        [CONF_ATTRIBUTE] = "attribute",
        [CONF_LEVEL] = "level",
        [CONF_FLAGS] = "list of flags",
        [CONF_POLICY] = "policy",
        [CONF_EXCEPTION] = "exception",
    };
    return text[k->type];
}

void conf_range_print(const struct conf_key *k, struct buf *out)
{
    if (k->max == 0 || k->type == CONF_SWITCH)
        return;
    print_number(k->type, k->min, out);
    buf_add_c(out, " to ");
    print_number(k->type, k->max, out);
}
