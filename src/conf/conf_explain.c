/* SPDX-License-Identifier: MIT */
/* The schema as text: for --explain-config an INI file in which every key is commented out, for
 * the man page roff. */
#include <string.h>

#include "conf/conf_schema.h"

enum { WIDTH = 92 };

/* Words of `text` on lines of at most WIDTH columns, each begun with `lead`. */
static void wrap(struct buf *out, const char *lead, struct str text)
{
    size_t column = 0;

    while (text.len > 0) {
        struct str word = str_take_until(&text, ' ');
        if (word.len == 0)
            continue;
        if (column > 0 && column + 1 + word.len > WIDTH) {
            buf_add_char(out, '\n');
            column = 0;
        }
        if (column == 0)
            buf_add_c(out, lead);
        buf_add_char(out, ' ');
        buf_add(out, word);
        column = (column ? column : strlen(lead)) + 1 + word.len;
    }
    buf_add_char(out, '\n');
}

/* "size, 2K to 16M, default 64K" */
static void facts(const struct conf_key *k, struct buf *out)
{
    struct buf range = { 0 };

    buf_add_c(out, conf_type_text(k));
    conf_range_print(k, &range);
    if (k->choices)
        buf_add_c(&range, k->choices);
    if (range.len > 0) {
        buf_add_c(out, ", ");
        buf_add(out, buf_str(&range));
    }
    if (k->preset && k->preset[0] != '\0') {
        buf_add_c(out, ", default ");
        buf_add_c(out, k->preset);
    } else if (k->type == CONF_EXCEPTION) {
        buf_add_c(out, ", in [policy \"NAME\"] only");
    }
    buf_fini(&range);
}

static void text_key(const struct conf_key *k, struct buf *out)
{
    struct buf line = { 0 };

    facts(k, &line);
    buf_add_char(out, '\n');
    wrap(out, ";", str_from_c(k->help));
    wrap(out, ";", buf_str(&line));
    buf_printf(out, ";%s =%s%s\n", k->name, k->preset && k->preset[0] ? " " : "",
               k->preset ? k->preset : "");
    buf_fini(&line);
}

/* A backslash, or a point or quote that begins a line, means something to roff; so does a plain
 * hyphen, which it makes a typographic one. */
static void roff(struct buf *out, const char *text)
{
    for (const char *p = text; *p; p++) {
        if (*p == '\\')
            buf_add_c(out, "\\e");
        else if (*p == '-')
            buf_add_c(out, "\\-");
        else if ((*p == '.' || *p == '\'') && p == text)
            buf_printf(out, "\\&%c", *p);
        else
            buf_add_char(out, *p);
    }
}

static void man_key(const struct conf_key *k, struct buf *out)
{
    struct buf line = { 0 };

    facts(k, &line);
    buf_add_char(&line, '\0');
    buf_printf(out, ".TP\n.B %s\n", k->name);
    roff(out, k->help);
    buf_add_c(out, ".\n.br\n(");
    roff(out, line.ptr);
    buf_add_c(out, ")\n");
    buf_fini(&line);
}

static void section_begin(const char *section, struct buf *out, bool man)
{
    const char *help = conf_section_help(str_from_c(section));

    if (man) {
        buf_printf(out, ".SH [%s]\n", section);
        roff(out, help);
        buf_add_c(out, ".\n");
    } else {
        buf_printf(out, "\n[%s]\n", section);
        wrap(out, ";", str_from_c(help));
    }
}

static const char text_head[] =
    "; postern.conf: every key, its default behind the equals sign.\n"
    "; Sizes take K, M, G; durations s, m, h, d; lists have commas.  A line that begins with ; or\n"
    "; # is a comment, and so is what follows a blank and one of them.  Unknown keys are errors.\n";

static const char man_head[] =
    ".\\\" made by 'postern serve --explain-config'; a test keeps it so\n"
    ".TH POSTERN.CONF 5 \"\" \"postern\" \"File formats\"\n"
    ".SH NAME\n"
    "postern.conf \\- configuration of postern\n"
    ".SH DESCRIPTION\n"
    "One file in INI form, /etc/postern/postern.conf by default, read by every command.\n"
    "Sizes take K, M or G; durations s, m, h or d; lists have commas.\n"
    "A line that begins with ; or # is a comment, and so is what follows a blank and one of them.\n"
    "Unknown sections and keys, and values that are not valid, are errors; all are told, each "
    "with\n"
    "its line and what would be right.\n"
    "Secrets are only named by file, and refused when every user can read the file.\n";

static const char man_tail[] = ".SH FILES\n"
                               ".TP\n"
                               ".I /etc/postern/postern.conf\n"
                               "the configuration.\n"
                               ".TP\n"
                               ".I STATE/policy.conf\n"
                               "what 'postern policy set' decided; it goes over [policy].\n"
                               ".SH SEE ALSO\n"
                               ".BR postern (1)\n";

void conf_explain(struct buf *out, bool man)
{
    const char *section = "";
    const struct conf_key *k;

    buf_add_c(out, man ? man_head : text_head);
    for (unsigned i = 0; (k = conf_key_at(i)) != NULL; i++) {
        if (strcmp(section, k->section) != 0)
            section_begin(k->section, out, man);
        section = k->section;
        if (man)
            man_key(k, out);
        else
            text_key(k, out);
    }
    if (man)
        buf_add_c(out, man_tail);
}
