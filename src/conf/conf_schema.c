/* SPDX-License-Identifier: MIT */
#include "conf/conf_schema.h"

#include "base/compiler.h"

/* Rows of the other kind expand to nothing. */
#define SECTION(sec, text)
#define AT(field) offsetof(struct conf, field)

static const struct conf_key keys[] = {
#define TEXT_KEY(sec, key, kind, field, def, text)                                                 \
    { .section = (sec),                                                                            \
      .name = (key),                                                                               \
      .type = (kind),                                                                              \
      .at = AT(field),                                                                             \
      .preset = (def),                                                                             \
      .help = (text) },
#define LIST_KEY(sec, key, kind, field, count, def, text)                                          \
    { .section = (sec),                                                                            \
      .name = (key),                                                                               \
      .type = (kind),                                                                              \
      .at = AT(field),                                                                             \
      .count_at = AT(count),                                                                       \
      .preset = (def),                                                                             \
      .help = (text) },
#define NUMBER_KEY(sec, key, kind, field, def, least, most, text)                                  \
    { .section = (sec),                                                                            \
      .name = (key),                                                                               \
      .type = (kind),                                                                              \
      .at = AT(field),                                                                             \
      .preset = (def),                                                                             \
      .min = (least),                                                                              \
      .max = (most),                                                                               \
      .help = (text) },
#define CHOICE_KEY(sec, key, field, def, words, text)                                              \
    { .section = (sec),                                                                            \
      .name = (key),                                                                               \
      .type = CONF_CHOICE,                                                                         \
      .at = AT(field),                                                                             \
      .preset = (def),                                                                             \
      .choices = (words),                                                                          \
      .help = (text) },
#define TRACE_KEY(key, kind, component, def, text)                                                 \
    { .section = "trace",                                                                          \
      .name = (key),                                                                               \
      .type = (kind),                                                                              \
      .at = (component),                                                                           \
      .preset = (def),                                                                             \
      .help = (text) },
#define POLICY_KEY(key, def, text)                                                                 \
    { .section = "policy", .name = (key), .type = CONF_POLICY, .preset = (def), .help = (text) },
#define EXCEPTION_KEY(key, text)                                                                   \
    { .section = "policy", .name = (key), .type = CONF_EXCEPTION, .help = (text) },
#include "conf/conf_schema.def"
};

#undef SECTION
#undef TEXT_KEY
#undef LIST_KEY
#undef NUMBER_KEY
#undef CHOICE_KEY
#undef TRACE_KEY
#undef POLICY_KEY
#undef EXCEPTION_KEY

static const struct {
    const char *name, *help;
} sections[] = {
#define SECTION(sec, text) { (sec), (text) },
#define TEXT_KEY(sec, key, kind, field, def, text)
#define LIST_KEY(sec, key, kind, field, count, def, text)
#define NUMBER_KEY(sec, key, kind, field, def, least, most, text)
#define CHOICE_KEY(sec, key, field, def, words, text)
#define TRACE_KEY(key, kind, component, def, text)
#define POLICY_KEY(key, def, text)
#define EXCEPTION_KEY(key, text)
#include "conf/conf_schema.def"
};

const struct conf_key *conf_key_at(unsigned index)
{
    return index < ARRAY_LEN(keys) ? &keys[index] : NULL;
}

static bool belongs(const struct conf_key *k, struct str section, bool exception)
{
    return str_eq(section, str_from_c(k->section)) && (exception || k->type != CONF_EXCEPTION);
}

const struct conf_key *conf_key_find(struct str section, struct str name, bool exception)
{
    for (unsigned i = 0; i < ARRAY_LEN(keys); i++) {
        if (belongs(&keys[i], section, exception) && str_eq(name, str_from_c(keys[i].name)))
            return &keys[i];
    }
    return NULL;
}

const char *conf_section_help(struct str section)
{
    for (unsigned i = 0; i < ARRAY_LEN(sections); i++) {
        if (str_eq(section, str_from_c(sections[i].name)))
            return sections[i].help;
    }
    return NULL;
}

bool conf_section_known(struct str section)
{
    return conf_section_help(section) != NULL;
}

enum { WORD_MAX = 48 };

/* Levenshtein's distance, one row at a time; words longer than any of ours are far from all. */
static unsigned distance(struct str a, struct str b)
{
    unsigned row[WORD_MAX + 1];

    if (a.len > WORD_MAX || b.len > WORD_MAX)
        return WORD_MAX;
    for (unsigned j = 0; j <= b.len; j++)
        row[j] = j;
    for (unsigned i = 1; i <= a.len; i++) {
        unsigned diagonal = row[0];
        row[0] = i;
        for (unsigned j = 1; j <= b.len; j++) {
            unsigned change = diagonal + (to_lower(a.ptr[i - 1]) != to_lower(b.ptr[j - 1]));
            diagonal = row[j];
            unsigned insert = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            row[j] = change < insert ? change : insert;
        }
    }
    return row[b.len];
}

static void keep_nearer(struct str word, const char *candidate, unsigned *best, const char **out)
{
    unsigned d = distance(word, str_from_c(candidate));
    if (d < *best) {
        *best = d;
        *out = candidate;
    }
}

static unsigned near_enough(struct str word)
{
    return 2 + (unsigned)(word.len / 4);
}

const char *conf_section_near(struct str section)
{
    unsigned best = near_enough(section);
    const char *out = NULL;

    for (unsigned i = 0; i < ARRAY_LEN(sections); i++)
        keep_nearer(section, sections[i].name, &best, &out);
    return out;
}

const char *conf_key_near(struct str section, struct str name, bool exception)
{
    unsigned best = near_enough(name);
    const char *out = NULL;

    for (unsigned i = 0; i < ARRAY_LEN(keys); i++) {
        if (belongs(&keys[i], section, exception))
            keep_nearer(name, keys[i].name, &best, &out);
    }
    return out;
}
