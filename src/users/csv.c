/* SPDX-License-Identifier: MIT */
#include "users/csv.h"

static bool fail(struct csv *c, const char *problem)
{
    c->problem = problem;
    return false;
}

static void skip_line_end(struct csv *c)
{
    if (str_starts(c->rest, STR("\r\n")))
        c->rest = str_skip(c->rest, 2);
    else
        c->rest = str_skip(c->rest, 1);
    c->next_line++;
}

static bool at_line_end(struct str s)
{
    return s.len == 0 || s.ptr[0] == '\n' || str_starts(s, STR("\r\n"));
}

/* Blank lines and remarks. */
static void skip_empty(struct csv *c)
{
    while (c->rest.len) {
        if (c->rest.ptr[0] == '#')
            c->rest = str_skip(c->rest, str_first(c->rest, str_find_char(c->rest, '\n')).len);
        if (c->rest.len == 0 || !at_line_end(c->rest))
            return;
        skip_line_end(c);
    }
}

/* Octets up to the closing quote, doubled ones included; SIZE_MAX when there is none. */
static size_t quoted_extent(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] != '"')
            continue;
        if (i + 1 == s.len || s.ptr[i + 1] != '"')
            return i;
        i++;
    }
    return SIZE_MAX;
}

/* Behind the opening quote.  Doubled quotes become one in a copy. */
static bool quoted_field(struct csv *c, struct arena *a, struct str *out)
{
    size_t extent = quoted_extent(c->rest), len = 0;

    if (extent == SIZE_MAX)
        return fail(c, "a quote is never closed");
    char *copy = arena_alloc(a, extent + 1);
    if (!copy)
        return fail(c, "the field is too long");
    for (size_t i = 0; i < extent; i++) {
        if (c->rest.ptr[i] == '"')
            i++;
        if (c->rest.ptr[i] == '\n')
            c->next_line++;
        copy[len++] = c->rest.ptr[i];
    }
    *out = str_of(copy, len);
    c->rest = str_skip(c->rest, extent + 1);
    return true;
}

static bool plain_field(struct csv *c, struct str *out)
{
    size_t len = 0;

    while (len < c->rest.len && c->rest.ptr[len] != ',' && !at_line_end(str_skip(c->rest, len))) {
        if (c->rest.ptr[len] == '"')
            return fail(c, "a quote stands inside a field: put the whole field in quotes");
        len++;
    }
    *out = str_first(c->rest, len);
    c->rest = str_skip(c->rest, len);
    return true;
}

static bool field(struct csv *c, struct arena *a, struct str *out)
{
    if (c->rest.len == 0 || c->rest.ptr[0] != '"')
        return plain_field(c, out);
    c->rest = str_skip(c->rest, 1);
    if (!quoted_field(c, a, out))
        return false;
    if (c->rest.len && c->rest.ptr[0] != ',' && !at_line_end(c->rest))
        return fail(c, "something stands between a closing quote and the comma");
    return true;
}

bool csv_next(struct csv *c, struct arena *a, struct str *fields, unsigned max, unsigned *count)
{
    if (c->next_line == 0) {
        c->next_line = 1;
        if (str_starts(c->rest, STR("\xEF\xBB\xBF")))
            c->rest = str_skip(c->rest, 3); /* spreadsheets put a byte order mark there */
    }
    c->problem = NULL;
    skip_empty(c);
    c->line = c->next_line;
    *count = 0;
    if (c->rest.len == 0)
        return false;
    for (;;) {
        if (*count == max)
            return fail(c, "the line has too many fields");
        if (!field(c, a, &fields[*count]))
            return false;
        ++*count;
        if (at_line_end(c->rest))
            break;
        c->rest = str_skip(c->rest, 1);
    }
    if (c->rest.len)
        skip_line_end(c);
    return true;
}
