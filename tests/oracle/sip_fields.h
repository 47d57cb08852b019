/* SPDX-License-Identifier: MIT */
/* What a parser sees in a message, in plain text, so that parsers can be compared. */
#ifndef POSTERN_TESTS_SIP_FIELDS_H
#define POSTERN_TESTS_SIP_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

enum { SEEN_TEXT = 160 };

/* SEEN(name): in the order in which they are reported */
#define SEEN_FIELDS                                                                                \
    SEEN(status)                                                                                   \
    SEEN(method)                                                                                   \
    SEEN(uri_user)                                                                                 \
    SEEN(uri_host)                                                                                 \
    SEEN(uri_port)                                                                                 \
    SEEN(vias)                                                                                     \
    SEEN(via_host)                                                                                 \
    SEEN(via_port)                                                                                 \
    SEEN(via_branch)                                                                               \
    SEEN(from_user)                                                                                \
    SEEN(from_host)                                                                                \
    SEEN(from_tag)                                                                                 \
    SEEN(to_user)                                                                                  \
    SEEN(to_host)                                                                                  \
    SEEN(to_tag)                                                                                   \
    SEEN(call_id)                                                                                  \
    SEEN(cseq)                                                                                     \
    SEEN(cseq_method)                                                                              \
    SEEN(contacts)                                                                                 \
    SEEN(contact_host)                                                                             \
    SEEN(expires)                                                                                  \
    SEEN(content_length)

struct seen {
#define SEEN(name) char name[SEEN_TEXT];
    SEEN_FIELDS
#undef SEEN
};

/* False: the parser refuses the message. */
typedef bool seen_fn(const char *text, size_t len, struct seen *out);

seen_fn seen_by_postern;
seen_fn seen_by_osip;
seen_fn seen_by_sofia;

/* Copies; NULL is the empty text.  IPv6 addresses lose their brackets, for not all keep them. */
void seen_put(char out[SEEN_TEXT], const char *text);
void seen_put_number(char out[SEEN_TEXT], unsigned long number);

#endif
