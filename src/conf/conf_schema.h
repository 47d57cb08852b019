/* SPDX-License-Identifier: MIT */
/* The schema: every key with its type, default, range and help.  Reading, the defaults,
 * --explain-config and the man page are all drawn from it. */
#ifndef POSTERN_CONF_CONF_SCHEMA_H
#define POSTERN_CONF_CONF_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "conf/conf.h"

enum conf_type {
    CONF_TEXT,         /* goes into header fields: no quote, backslash or control character */
    CONF_PATH,         /* a file or directory */
    CONF_SECRET_FILE,  /* a file that others must not be able to read */
    CONF_HOST,         /* a DNS name */
    CONF_HOSTS,        /* list of DNS names */
    CONF_ACCOUNT,      /* a local user or group, may be empty */
    CONF_NETBIOS,      /* a NetBIOS domain name */
    CONF_CHOICE,       /* one of `choices` */
    CONF_ADDRESSES,    /* list of IP:PORT */
    CONF_NETWORKS,     /* list of ADDRESS/BITS */
    CONF_NUMBER,       /* unsigned */
    CONF_SIZE,         /* uint32_t of bytes; K, M, G */
    CONF_SIZE64,       /* uint64_t of bytes */
    CONF_SECONDS,      /* uint32_t; s, m, h, d */
    CONF_MILLISECONDS, /* uint32_t; ms, s, m */
    CONF_SWITCH,       /* bool */
    CONF_LDAP_SERVERS, /* list of ldap://HOST[:PORT] and ldaps://HOST[:PORT] */
    CONF_LDAP_NAME,    /* an account, a group or a place in a directory: backslashes allowed */
    CONF_ATTRIBUTE,    /* name of an LDAP attribute, may be empty */
    CONF_LEVEL,        /* enum trace_level; `at` names the component, CONF_ALL: all */
    CONF_FLAGS,        /* trace flags of a component */
    CONF_POLICY,       /* handed to ntlm_policy_key_set */
    CONF_EXCEPTION,    /* only in [policy "NAME"]: users, networks, until */
};
enum { CONF_ALL = TRACE_COMPONENT_COUNT };

struct conf_key {
    const char *section, *name;
    enum conf_type type;
    size_t at;           /* offset in struct conf, or the component of a CONF_LEVEL or CONF_FLAGS */
    size_t count_at;     /* offset of the length of a list */
    const char *preset;  /* default as text; NULL: none */
    uint64_t min, max;   /* numbers, in base units */
    const char *choices; /* "a|b" */
    const char *help;
};

const struct conf_key *conf_key_at(unsigned index); /* NULL past the last */
/* `section` without the quoted name.  NULL when unknown. */
const struct conf_key *conf_key_find(struct str section, struct str name, bool exception);
bool conf_section_known(struct str section);
const char *conf_section_help(struct str section);
/* The known word nearest to a misspelt one, or NULL when none is near. */
const char *conf_section_near(struct str section);
const char *conf_key_near(struct str section, struct str name, bool exception);

/* conf_value.c.  Sets one key from text; false with "what is wrong: what would be right". */
bool conf_value_set(struct conf *c, const struct conf_key *k, struct str value, struct buf *why);
void conf_value_free(struct conf *c, const struct conf_key *k);
const char *conf_type_text(const struct conf_key *k);             /* "size", "list of networks" */
void conf_range_print(const struct conf_key *k, struct buf *out); /* "1s to 5m", or nothing */
/* Walks a comma separated list; trimmed items, empty ones too.  False at the end. */
bool conf_list_next(struct str *rest, struct str *item);

#endif
