/* SPDX-License-Identifier: MIT */
/* Classes of characters, by table: every octet of a message goes through here.  For src/sip only.
 */
#ifndef POSTERN_SIP_CHARS_H
#define POSTERN_SIP_CHARS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum {
    SIP_CHAR_TOKEN = 1,   /* RFC 3261 25.1 token */
    SIP_CHAR_SPACE = 2,   /* blank, tab, and CR LF, which inside a value are part of a fold */
    SIP_CHAR_HOST = 4,    /* letters, digits, '-', '.' and the '_' of Windows host names */
    SIP_CHAR_URI = 8,     /* cannot break a URI out of its brackets, quotes or line */
    SIP_CHAR_HIGH = 16,   /* UTF-8 beyond ASCII */
    SIP_CHAR_CONTROL = 32 /* below the blank except the tab, and DEL */
};

extern const uint8_t sip_chars[256];

static inline bool sip_char_is(char c, unsigned set)
{
    return (sip_chars[(unsigned char)c] & set) != 0;
}

/* Cuts the longest prefix of characters in `set` off `s`. */
static inline struct str sip_take(struct str *s, unsigned set)
{
    size_t n = 0;

    while (n < s->len && sip_char_is(s->ptr[n], set))
        n++;
    struct str taken = str_first(*s, n);
    *s = str_skip(*s, n);
    return taken;
}

static inline void sip_skip_space(struct str *s)
{
    sip_take(s, SIP_CHAR_SPACE);
}

/* Swallows `c` when it comes next. */
static inline bool sip_take_char(struct str *s, char c)
{
    if (s->len == 0 || s->ptr[0] != c)
        return false;
    *s = str_skip(*s, 1);
    return true;
}

/* What is sent must stay one line and ring no bell in a log: control characters become blanks. */
void sip_make_line(char *text, size_t len);

/* A quoted string with its quotes; false when there is none or it does not end. */
bool sip_take_quoted(struct str *s, struct str *quoted);
/* From `s` up to the next `stop` outside quotes, which stays in `s`.  False when a quoted string
 * does not end. */
bool sip_take_element(struct str *s, char stop, struct str *taken);
/* What follows an address or a sent-by: the end, ";params" or ",rest". */
bool sip_take_tail(struct str s, struct str *params, struct str *rest);

/* name [= value] of the next parameter; `whole` is its text as sent.  False at the end. */
struct sip_param {
    struct str name, value, whole;
};
bool sip_param_next(struct str *params, struct sip_param *out);

/* host [":" port], blanks around the colon as Via allows.  False when there is no host or the
 * port is none. */
bool sip_take_hostport(struct str *s, struct str *host, uint16_t *port);

#endif
