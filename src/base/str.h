/* SPDX-License-Identifier: MIT */
/* Pointer and length: a slice of bytes that somebody else owns.  A slice never outlives the
 * buffer it points into; to keep one, copy it (arena_dup, str_own). */
#ifndef POSTERN_BASE_STR_H
#define POSTERN_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *ptr;
    size_t len;
};

#define STR(literal) ((struct str){ .ptr = (literal), .len = sizeof(literal) - 1 })
#define STR_NONE     ((struct str){ .ptr = "", .len = 0 })
/* printf("%.*s", STR_ARG(s)) */
#define STR_ARG(s) (int)(s).len, (s).ptr

static inline struct str str_of(const void *ptr, size_t len)
{
    return (struct str){ .ptr = ptr, .len = len };
}

static inline struct str str_from_c(const char *text)
{
    return text ? str_of(text, strlen(text)) : STR_NONE;
}

static inline bool str_eq(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline struct str str_skip(struct str s, size_t n)
{
    return n >= s.len ? str_of(s.ptr + s.len, 0) : str_of(s.ptr + n, s.len - n);
}

static inline struct str str_first(struct str s, size_t n)
{
    return str_of(s.ptr, n < s.len ? n : s.len);
}

/* ASCII only, as SIP tokens are. */
bool str_eq_nocase(struct str a, struct str b);
bool str_starts(struct str s, struct str prefix);
bool str_starts_nocase(struct str s, struct str prefix);
bool str_ends_nocase(struct str s, struct str suffix);
int str_cmp(struct str a, struct str b);

/* Position of the first match, or SIZE_MAX. */
size_t str_find_char(struct str s, char c);
size_t str_find(struct str s, struct str needle);

/* Cuts the longest prefix of characters that satisfy `is` off `s` and returns it. */
struct str str_take_while(struct str *s, bool (*is)(char));
/* Cuts off and returns everything before `stop`; the stop character is swallowed too.  Without
 * one, takes all. */
struct str str_take_until(struct str *s, char stop);
struct str str_trim(struct str s); /* blanks, tabs, CR, LF on both sides */

/* Decimal, no sign, no blanks, at least one digit, no overflow. */
bool str_to_u32(struct str s, uint32_t *out);
bool str_to_u64(struct str s, uint64_t *out);
/* Hexadecimal without or with 0x, at most 16 digits. */
bool str_hex_to_u64(struct str s, uint64_t *out);

/* A NUL-terminated copy on the heap; the caller frees it. */
char *str_own(struct str s);

/* Shell-style match with * and ?, ASCII case ignored. */
bool str_glob_nocase(struct str pattern, struct str text);

bool is_digit(char c);
bool is_hex_digit(char c);
bool is_lws(char c);   /* blank or tab */
bool is_token(char c); /* RFC 3261 25.1 */
bool is_alpha(char c);
char to_lower(char c);

#endif
