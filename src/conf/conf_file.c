/* SPDX-License-Identifier: MIT */
#include "conf/conf_file.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 4096, NAME_MAX_BYTES = 64 };

/* inih splits the lines.  Headings are read here: inih cuts names at 50 characters, drops what is
 * quoted after a ';' and does not tell of sections without keys.  Debian's build does not pass
 * line numbers either; they are counted as lines are handed out. */
struct reader {
    struct str rest;
    const char *file;
    unsigned line;
    struct str section, name;
    bool skip; /* after a heading that could not be read */
    struct conf_entries *out;
    struct buf *why;
};

void conf_problem(struct buf *why, const char *file, const struct conf_entry *e, const char *fmt,
                  ...)
{
    char text[1024];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    buf_add_c(why, file);
    if (e->line)
        buf_printf(why, ":%u", e->line);
    buf_add_c(why, ":");
    if (e->section && e->name)
        buf_printf(why, " [%s \"%s\"]", e->section, e->name);
    else if (e->section)
        buf_printf(why, " [%s]", e->section);
    if (e->key)
        buf_printf(why, " %s:", e->key);
    else if (e->section)
        buf_add_c(why, ":");
    buf_printf(why, " %s\n", text);
}

static char *own_or_null(struct str s)
{
    return s.ptr ? str_own(s) : NULL;
}

static void keep(struct reader *r, struct str key, struct str value)
{
    struct conf_entries *e = r->out;

    if ((e->count & (e->count - 1)) == 0) { /* 0, 1, 2, 4, 8 ... */
        size_t cap = e->count ? e->count * 2 : 1;
        e->list = realloc(e->list, cap * sizeof(*e->list));
        if (!e->list)
            abort();
    }
    e->list[e->count++] = (struct conf_entry){ .section = str_own(r->section),
                                               .name = own_or_null(r->name),
                                               .key = own_or_null(key),
                                               .value = own_or_null(value),
                                               .line = r->line };
}

static void complain(struct reader *r, const char *what)
{
    conf_problem(r->why, r->file, &(struct conf_entry){ .line = r->line }, "%s", what);
}

static bool is_name_char(char c)
{
    return (unsigned char)c >= 0x20 && c != '"' && c != '\\';
}

/* [section] or [section "NAME"], then nothing or a comment. */
static bool heading_parse(struct str line, struct str *section, struct str *name)
{
    struct str in = str_skip(line, 1);

    str_take_while(&in, is_lws);
    *section = str_take_while(&in, is_alpha);
    *name = (struct str){ 0 };
    str_take_while(&in, is_lws);
    if (in.len > 0 && in.ptr[0] == '"') {
        in = str_skip(in, 1);
        *name = str_take_while(&in, is_name_char);
        if (name->len == 0 || name->len > NAME_MAX_BYTES || in.len == 0 || in.ptr[0] != '"')
            return false;
        in = str_skip(in, 1);
        str_take_while(&in, is_lws);
    }
    if (section->len == 0 || in.len == 0 || in.ptr[0] != ']')
        return false;
    in = str_trim(str_skip(in, 1));
    return in.len == 0 || in.ptr[0] == ';' || in.ptr[0] == '#';
}

static void heading(struct reader *r, struct str line)
{
    struct str section, name;

    r->skip = !heading_parse(line, &section, &name);
    if (r->skip) {
        complain(r, "not a section heading: write [general], or [policy \"NAME\"] with a name of "
                    "at most 64 characters");
        return;
    }
    r->section = section;
    r->name = name;
    keep(r, (struct str){ 0 }, (struct str){ 0 });
}

static bool has_control(struct str line)
{
    for (size_t i = 0; i < line.len; i++) {
        unsigned char c = (unsigned char)line.ptr[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return true;
    }
    return false;
}

/* Line by line for inih; what it must not see is an empty line to it. */
static char *next_line(char *out, int room, void *stream)
{
    struct reader *r = stream;

    if (r->rest.len == 0)
        return NULL;
    struct str line = str_take_until(&r->rest, '\n');
    r->line++;
    if (line.len > 0 && line.ptr[line.len - 1] == '\r')
        line.len--;
    out[0] = '\n';
    out[1] = '\0';
    if (r->line == 1 && str_starts(line, STR("\xEF\xBB\xBF")))
        line = str_skip(line, 3);
    struct str text = str_trim(line);
    if (text.len + 2 > (size_t)room) {
        complain(r, "the line is too long: 4000 characters are the most");
    } else if (has_control(text)) {
        complain(r, "the line has a control character: write plain text");
    } else if (text.len > 0 && text.ptr[0] == '[') {
        heading(r, text);
    } else {
        memcpy(out, text.ptr, text.len);
        out[text.len] = '\n';
        out[text.len + 1] = '\0';
    }
    return out;
}

static int pair(void *user, const char *section, const char *key, const char *value)
{
    struct reader *r = user;

    (void)section; /* ours are read in heading() */
    if (r->skip)
        return 1;
    if (!value)
        complain(r, "neither a heading nor KEY = VALUE: put a ';' before comments");
    else if (!r->section.ptr)
        complain(r, "a key before the first section: put [general] above it");
    else
        keep(r, str_from_c(key), str_from_c(value));
    return 1;
}

void conf_entries_read(struct str text, const char *file, struct conf_entries *out, struct buf *why)
{
    struct reader r = { .rest = text, .file = file, .out = out, .why = why };

    if (text.len > CONF_TEXT_MAX) {
        conf_problem(why, file, &(struct conf_entry){ 0 }, "too large: 1 MB is the most");
        return;
    }
    ini_allow_multiline = false; /* an indented key is a key */
    ini_allow_bom = false;
    ini_inline_comment_prefixes = ";#";
    ini_allow_no_value = true;
    ini_use_stack = false;
    ini_initial_alloc = ini_max_line = LINE_MAX_BYTES;
    if (ini_parse_stream(next_line, &r, pair, &r) == -2)
        abort();
}

void conf_entries_free(struct conf_entries *e)
{
    for (size_t i = 0; i < e->count; i++) {
        free(e->list[i].section);
        free(e->list[i].name);
        free(e->list[i].key);
        free(e->list[i].value);
    }
    free(e->list);
    *e = (struct conf_entries){ 0 };
}

bool conf_file_read(const char *path, struct buf *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = 0;

    if (fd < 0)
        return false;
    do {
        buf_reserve(out, 16384);
        n = read(fd, out->ptr + out->len, 16384);
        if (n > 0)
            out->len += (size_t)n;
    } while ((n > 0 && out->len <= CONF_TEXT_MAX) || (n < 0 && errno == EINTR));
    int error = errno;
    close(fd);
    errno = error;
    return n >= 0;
}
