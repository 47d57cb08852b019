/* SPDX-License-Identifier: MIT */
#include "conf/conf_policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf_schema.h"

enum { EXCEPTIONS_MAX = 64 };

struct conf_policy_source {
    struct conf_entries entries;
};

static char *copy(const char *text)
{
    return text ? str_own(str_from_c(text)) : NULL;
}

struct conf_policy_source *conf_policy_source_new(const struct conf_entries *all)
{
    struct conf_policy_source *s = calloc(1, sizeof(*s));

    if (!s || !(s->entries.list = calloc(all->count + 1, sizeof(struct conf_entry))))
        abort();
    for (size_t i = 0; i < all->count; i++) {
        const struct conf_entry *e = &all->list[i];
        if (strcmp(e->section, "policy") == 0)
            s->entries.list[s->entries.count++] = (struct conf_entry){ .section = copy(e->section),
                                                                       .name = copy(e->name),
                                                                       .key = copy(e->key),
                                                                       .value = copy(e->value),
                                                                       .line = e->line };
    }
    return s;
}

void conf_policy_source_free(struct conf_policy_source *s)
{
    if (!s)
        return;
    conf_entries_free(&s->entries);
    free(s);
}

static bool same_policy(const struct ntlm_policy *a, const struct ntlm_policy *b)
{
    return a->min_server_sec == b->min_server_sec && a->min_client_sec == b->min_client_sec &&
           a->offer == b->offer && a->lm_compatibility == b->lm_compatibility &&
           a->min_sipae_version == b->min_sipae_version && a->mode == b->mode;
}

/* Keeps the preset's name while every key is as the preset has it. */
static void name_base(struct ntlm_policy_set *set)
{
    struct ntlm_policy preset;

    if (!ntlm_policy_preset(str_from_c(set->preset), &preset) || !same_policy(&preset, &set->base))
        snprintf(set->preset, sizeof(set->preset), "custom");
}

/* In the spelling of the table. */
static void keep_preset_name(struct ntlm_policy_set *set, struct str name)
{
    const char *known;

    for (unsigned i = 0; (known = ntlm_policy_preset_name(i)) != NULL; i++) {
        if (str_eq_nocase(str_trim(name), str_from_c(known)))
            snprintf(set->preset, sizeof(set->preset), "%s", known);
    }
}

/* One [policy] section: the heading at `from`, its keys up to the next heading. */
struct section {
    const struct conf_entries *all;
    size_t from, end;
    const char *file;
    struct buf *why;
};

static size_t section_end(const struct conf_entries *e, size_t heading)
{
    size_t i = heading + 1;

    while (i < e->count && e->list[i].key)
        i++;
    return i;
}

static bool is_key(const struct conf_entry *e, const char *name)
{
    return e->key && strcmp(e->key, name) == 0;
}

static void set_one(const struct section *s, const struct conf_entry *e, struct ntlm_policy *p)
{
    struct buf reason = { 0 };

    if (!ntlm_policy_key_set(p, str_from_c(e->key), str_from_c(e->value), &reason))
        conf_problem(s->why, s->file, e, "'%.80s' is not valid: %.*s", e->value,
                     STR_ARG(buf_str(&reason)));
    buf_fini(&reason);
}

static void check_repeated(const struct section *s, size_t i)
{
    const struct conf_entry *e = &s->all->list[i];

    for (size_t j = s->from + 1; j < i; j++) {
        if (is_key(&s->all->list[j], e->key)) {
            conf_problem(s->why, s->file, e, "already set in line %u: keep one of the two",
                         s->all->list[j].line);
            return;
        }
    }
}

/* A preset sets all keys, so it goes first wherever it stands. */
static const char *set_keys(const struct section *s, struct ntlm_policy *p)
{
    const char *preset = NULL;

    for (size_t i = s->from + 1; i < s->end; i++) {
        const struct conf_entry *e = &s->all->list[i];
        if (is_key(e, "preset")) {
            set_one(s, e, p);
            preset = e->value;
        }
    }
    for (size_t i = s->from + 1; i < s->end; i++) {
        const struct conf_entry *e = &s->all->list[i];
        const struct conf_key *k = conf_key_find(STR("policy"), str_from_c(e->key), true);
        if (!k)
            continue; /* reported where sections and keys are matched */
        check_repeated(s, i);
        if (k->type == CONF_POLICY && !is_key(e, "preset"))
            set_one(s, e, p);
    }
    return preset;
}

static bool is_policy(const struct conf_entry *heading, bool named)
{
    return !heading->key && strcmp(heading->section, "policy") == 0 && !heading->name == !named;
}

static void build_base(struct ntlm_policy_set *set, const struct conf_entries *e, const char *file,
                       struct buf *why)
{
    const struct conf_entry *first = NULL;

    for (size_t i = 0; i < e->count; i++) {
        if (!is_policy(&e->list[i], false))
            continue;
        if (first)
            conf_problem(why, file, &e->list[i], "already begun in line %u: keep one of the two",
                         first->line);
        first = &e->list[i];
        struct section s = { e, i, section_end(e, i), file, why };
        const char *preset = set_keys(&s, &set->base);
        if (preset)
            keep_preset_name(set, str_from_c(preset));
    }
    name_base(set);
}

static bool leap(unsigned y)
{
    return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
}

static bool date_parse(struct str s, uint32_t *out)
{
    static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    uint32_t y, m, d;

    if (s.len != 10 || s.ptr[4] != '-' || s.ptr[7] != '-' || !str_to_u32(str_first(s, 4), &y) ||
        !str_to_u32(str_of(s.ptr + 5, 2), &m) || !str_to_u32(str_of(s.ptr + 8, 2), &d))
        return false;
    if (m < 1 || m > 12 || d < 1 || d > days[m - 1] + (m == 2 && leap(y) ? 1u : 0u))
        return false;
    *out = y * 10000 + m * 100 + d;
    return true;
}

static void *grow(void *list, unsigned count, size_t size)
{
    void *out = realloc(list, (count + 1) * size);
    if (!out)
        abort();
    return out;
}

/* A pattern on the address as the directory has it: scheme, user, host. */
static bool pattern_ok(struct str s)
{
    return str_starts_nocase(s, STR("sip:")) && s.len > 4 && s.len < 256;
}

static void set_users(const struct section *s, const struct conf_entry *e,
                      struct ntlm_policy_exception *x)
{
    struct str rest = str_from_c(e->value), item;

    while (conf_list_next(&rest, &item)) {
        if (!pattern_ok(item)) {
            conf_problem(s->why, s->file, e,
                         "'%.*s' is no pattern for SIP addresses: give one such as "
                         "sip:line-*@example.com",
                         STR_ARG(str_first(item, 80)));
            return;
        }
        x->users = grow(x->users, x->user_count, sizeof(*x->users));
        x->users[x->user_count++] = str_own(item);
    }
}

static void set_networks(const struct section *s, const struct conf_entry *e,
                         struct ntlm_policy_exception *x)
{
    struct str rest = str_from_c(e->value), item;

    while (conf_list_next(&rest, &item)) {
        x->networks = grow(x->networks, x->network_count, sizeof(*x->networks));
        if (!ntlm_network_parse(item, &x->networks[x->network_count])) {
            conf_problem(s->why, s->file, e, "'%.*s' is no network: give one such as 10.20.0.0/16",
                         STR_ARG(str_first(item, 80)));
            return;
        }
        x->network_count++;
    }
}

static void set_scope(const struct section *s, struct ntlm_policy_exception *x)
{
    bool scoped = false;

    for (size_t i = s->from + 1; i < s->end; i++) {
        const struct conf_entry *e = &s->all->list[i];
        if (is_key(e, "users") && x->user_count == 0)
            set_users(s, e, x);
        else if (is_key(e, "networks") && x->network_count == 0)
            set_networks(s, e, x);
        else if (is_key(e, "until") && !date_parse(str_from_c(e->value), &x->until))
            conf_problem(s->why, s->file, e, "'%.80s' is no day: give one such as 2027-06-30",
                         e->value);
        scoped = scoped || is_key(e, "users") || is_key(e, "networks");
    }
    if (!scoped)
        conf_problem(s->why, s->file, &s->all->list[s->from],
                     "an exception for everybody: name users or networks, or change [policy]");
}

static bool name_taken(const struct ntlm_policy_set *set, const char *name)
{
    for (unsigned i = 0; i < set->exception_count; i++) {
        if (strcmp(set->exceptions[i].name, name) == 0)
            return true;
    }
    return false;
}

/* False when there is no room for more. */
static bool add_exception(struct ntlm_policy_set *set, const struct section *s)
{
    const struct conf_entry *heading = &s->all->list[s->from];

    if (set->exception_count >= EXCEPTIONS_MAX) {
        conf_problem(s->why, s->file, heading, "too many exceptions: 64 are the most");
        return false;
    }
    if (name_taken(set, heading->name)) {
        conf_problem(s->why, s->file, heading, "a second exception of this name: give it another");
        return true;
    }
    set->exceptions = grow(set->exceptions, set->exception_count, sizeof(*set->exceptions));
    struct ntlm_policy_exception *x = &set->exceptions[set->exception_count++];
    *x = (struct ntlm_policy_exception){ .name = copy(heading->name), .policy = set->base };
    set_keys(s, &x->policy);
    set_scope(s, x);
    return true;
}

bool conf_policy_build(struct conf *c, const struct conf_entries *override, const char *file,
                       struct buf *why)
{
    const struct conf_entries *own = &c->policy_source->entries;
    struct ntlm_policy_set *set = ntlm_policy_set_new();
    struct buf problems = { 0 };

    build_base(set, own, c->file, &problems);
    if (override)
        build_base(set, override, file, &problems);
    bool room = true;
    for (size_t i = 0; i < own->count && room; i++) {
        if (!is_policy(&own->list[i], true))
            continue;
        struct section s = { own, i, section_end(own, i), c->file, &problems };
        room = add_exception(set, &s);
    }
    bool ok = problems.len == 0;
    buf_add(why, buf_str(&problems));
    buf_fini(&problems);
    if (ok) {
        struct ntlm_policy_set *old = c->policy;
        c->policy = set;
        set = old;
    }
    ntlm_policy_set_free(set);
    return ok;
}

/* An exception keeps what differs from the base and follows it in the rest.  (What it names with
 * the very value of the base follows too, until the configuration is read again.) */
static void follow(struct ntlm_policy *p, const struct ntlm_policy *old,
                   const struct ntlm_policy *base)
{
    if (p->min_server_sec == old->min_server_sec)
        p->min_server_sec = base->min_server_sec;
    if (p->min_client_sec == old->min_client_sec)
        p->min_client_sec = base->min_client_sec;
    if (p->offer == old->offer)
        p->offer = base->offer;
    if (p->lm_compatibility == old->lm_compatibility)
        p->lm_compatibility = base->lm_compatibility;
    if (p->min_sipae_version == old->min_sipae_version)
        p->min_sipae_version = base->min_sipae_version;
    if (p->mode == old->mode)
        p->mode = base->mode;
}

static bool apply_word(struct ntlm_policy_set *set, struct str word, struct buf *why)
{
    struct str value = word;
    bool assigns = str_find_char(word, '=') != SIZE_MAX;
    struct str key = assigns ? str_trim(str_take_until(&value, '=')) : STR("preset");

    value = str_trim(value);
    if (assigns && !conf_key_find(STR("policy"), key, false)) {
        const char *near = conf_key_near(STR("policy"), key, false);
        buf_printf(why, "%.*s: no such key: %s%s", STR_ARG(str_first(key, 80)),
                   near ? "did you mean " : "see 'postern policy show'", near ? near : "");
        return false;
    }
    struct buf reason = { 0 };
    bool ok = ntlm_policy_key_set(&set->base, key, value, &reason);
    if (!ok)
        buf_printf(why, "%.*s: '%.*s' is not valid: %.*s", STR_ARG(key),
                   STR_ARG(str_first(value, 80)), STR_ARG(buf_str(&reason)));
    buf_fini(&reason);
    if (ok && str_eq(key, STR("preset")))
        keep_preset_name(set, value);
    return ok;
}

struct ntlm_policy_set *conf_policy_apply(const struct ntlm_policy_set *from,
                                          const char *const *words, unsigned count, struct buf *why)
{
    struct ntlm_policy_set *set = ntlm_policy_set_copy(from);

    for (unsigned i = 0; i < count; i++) {
        if (!apply_word(set, str_from_c(words[i]), why)) {
            ntlm_policy_set_free(set);
            return NULL;
        }
    }
    for (unsigned i = 0; i < set->exception_count; i++)
        follow(&set->exceptions[i].policy, &from->base, &set->base);
    name_base(set);
    return set;
}
