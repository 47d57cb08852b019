/* SPDX-License-Identifier: MIT */
#include "users/ldif.h"

#include "base/compiler.h"
#include "base/encode.h"

static const char too_large[] = "the record is too large: leave out what is no text";

static bool fail(struct ldif *l, unsigned line, const char *problem)
{
    l->line = line;
    l->problem = problem;
    return false;
}

/* --- lines --- */

/* One line of the file, without its end. */
static struct str physical_line(struct ldif *l)
{
    struct str line = str_take_until(&l->rest, '\n');

    l->next_line++;
    if (line.len && line.ptr[line.len - 1] == '\r')
        line.len--;
    return line;
}

static bool continues(const struct ldif *l)
{
    return str_starts(l->rest, STR(" "));
}

/* A line with those that continue it; `out` is left alone and false when memory does not suffice.
 */
static bool logical_line(struct ldif *l, struct arena *a, struct str *out)
{
    struct str first = physical_line(l);
    struct ldif ahead = *l;
    size_t len = first.len;

    if (!continues(l)) {
        *out = first;
        return true;
    }
    while (continues(&ahead))
        len += physical_line(&ahead).len - 1;
    char *copy = arena_alloc(a, len + 1);
    if (!copy)
        return false;
    memcpy(copy, first.ptr, first.len);
    *out = str_of(copy, len);
    for (size_t at = first.len; continues(l);) {
        struct str more = str_skip(physical_line(l), 1);
        memcpy(copy + at, more.ptr, more.len);
        at += more.len;
    }
    return true;
}

static bool at_remark(const struct ldif *l)
{
    return str_starts(l->rest, STR("#"));
}

static bool at_record_end(const struct ldif *l)
{
    return l->rest.len == 0 || l->rest.ptr[0] == '\n' || str_starts(l->rest, STR("\r\n"));
}

static void skip_remark(struct ldif *l)
{
    physical_line(l);
    while (continues(l))
        physical_line(l);
}

static void skip_record(struct ldif *l)
{
    while (!at_record_end(l))
        physical_line(l);
}

static void skip_between(struct ldif *l)
{
    while (l->rest.len && (at_record_end(l) || at_remark(l))) {
        if (at_remark(l))
            skip_remark(l);
        else
            physical_line(l);
    }
}

/* --- attributes --- */

/* NULL, or what would be right. */
static const char *attribute_of(struct str line, struct arena *a, struct ldif_attribute *out)
{
    size_t colon = str_find_char(line, ':');

    if (str_starts(line, STR(" ")))
        return "the line continues nothing: take the blank at its beginning away";
    if (colon == SIZE_MAX || colon == 0)
        return "a line looks like 'name: value'";
    out->name = str_first(line, colon);
    out->value = str_skip(line, colon + 1);
    if (str_starts(out->value, STR("<")))
        return "values that stand in other files (':<') are not read: put the value itself here";
    bool encoded = str_starts(out->value, STR(":"));
    if (encoded)
        out->value = str_skip(out->value, 1);
    while (str_starts(out->value, STR(" ")))
        out->value = str_skip(out->value, 1);
    if (encoded && !base64_decode(str_trim(out->value), a, &out->value))
        return a->exhausted ? too_large : "what stands after '::' must be base64";
    return NULL;
}

static bool is_named(const struct ldif_attribute *at, const char *name)
{
    return str_eq_nocase(at->name, str_from_c(name));
}

/* How many attributes the record can have at most. */
static unsigned count_lines(struct ldif ahead)
{
    unsigned n = 0;

    while (!at_record_end(&ahead)) {
        physical_line(&ahead);
        n++;
    }
    return n;
}

static bool next_attribute(struct ldif *l, struct arena *a, struct ldif_attribute *out)
{
    unsigned line = l->next_line;
    struct str text;

    if (!logical_line(l, a, &text))
        return fail(l, line, too_large);
    const char *problem = attribute_of(text, a, out);
    l->line = line;
    return problem ? fail(l, line, problem) : true;
}

/* --- records --- */

/* What stands behind the dn. */
static const char *keep(const struct ldif_attribute *at, struct ldif_attribute *list,
                        unsigned *count)
{
    if (is_named(at, "dn"))
        return "a second dn in one record: put an empty line before it";
    if (is_named(at, "control"))
        return "controls are not obeyed: leave the line out";
    if (!is_named(at, "changetype"))
        list[(*count)++] = *at;
    else if (!str_eq_nocase(str_trim(at->value), STR("add")))
        return "of changes only 'changetype: add' is taken: export the entries themselves";
    return NULL;
}

static bool read_attributes(struct ldif *l, struct arena *a, struct ldif_record *out)
{
    unsigned lines = count_lines(*l);
    struct ldif_attribute at, *list = arena_calloc(a, lines + 1, sizeof(*list));

    if (!list)
        return fail(l, out->line, too_large);
    out->attributes = list;
    while (!at_record_end(l)) {
        if (at_remark(l)) {
            skip_remark(l);
            continue;
        }
        if (!next_attribute(l, a, &at))
            return false;
        const char *problem = keep(&at, list, &out->count);
        if (problem)
            return fail(l, l->line, problem);
    }
    l->line = out->line;
    return true;
}

/* ldapsearch tells where it would have gone on, and how the search ended, as records of their
 * own. */
static bool is_no_record(const struct ldif_attribute *first)
{
    return is_named(first, "ref") || is_named(first, "search") || is_named(first, "result");
}

/* A record may follow the version at once. */
static bool read_version(struct ldif *l, const struct ldif_attribute *first)
{
    return str_eq(str_trim(first->value), STR("1"))
               ? true
               : fail(l, l->line, "only version 1 of LDIF is known");
}

/* `*skipped`: there was something, but no record. */
static bool read_record(struct ldif *l, struct arena *a, struct ldif_record *out, bool *skipped)
{
    struct ldif_attribute first;
    bool at_start = l->line == 0;

    *out = (struct ldif_record){ .line = l->next_line };
    if (!next_attribute(l, a, &first))
        return false;
    *skipped = is_no_record(&first);
    if (*skipped) {
        skip_record(l);
        return true;
    }
    if (at_start && is_named(&first, "version")) {
        *skipped = true;
        return read_version(l, &first);
    }
    if (!is_named(&first, "dn"))
        return fail(l, out->line, "a record begins with 'dn: ...'");
    out->dn = first.value;
    return read_attributes(l, a, out);
}

static void begin(struct ldif *l)
{
    l->next_line = 1;
    if (str_starts(l->rest, STR("\xEF\xBB\xBF")))
        l->rest = str_skip(l->rest, 3);
}

bool ldif_next(struct ldif *l, struct arena *a, struct ldif_record *out)
{
    bool skipped = true, good = true;

    if (l->next_line == 0)
        begin(l);
    l->problem = NULL;
    while (good && skipped) {
        skip_between(l);
        if (l->rest.len == 0)
            return false;
        good = read_record(l, a, out, &skipped);
    }
    if (!good)
        skip_record(l);
    return good;
}

bool ldif_looks_like(struct str text)
{
    struct ldif l = { .rest = text };

    begin(&l);
    skip_between(&l);
    return str_starts_nocase(l.rest, STR("dn:")) || str_starts_nocase(l.rest, STR("version:"));
}
