/* SPDX-License-Identifier: MIT */
#include "users/import.h"

#include "users/csv.h"
#include "users/name.h"

enum column { C_NAME, C_URI, C_DISPLAY, C_UPN, C_REMOTE, C_PASSWORD, C_COUNT };

struct import {
    const struct user_import *how;
    struct csv csv;
    struct arena arena;
    unsigned place[C_COUNT]; /* of each column; C_COUNT: not there */
    unsigned columns;
    struct user_import_counts counts;
};

static void complain(struct import *m, const char *what, const char *right)
{
    m->how->complain(m->how->arg, m->csv.line, STR_NONE, what, right);
    m->counts.problems++;
}

static unsigned column_named(struct str name)
{
    static const char *const names[C_COUNT] = { "name", "uri",           "display",
                                                "upn",  "remote_access", "password" };
    unsigned c = 0;

    while (c < C_COUNT && !str_eq_nocase(str_trim(name), str_from_c(names[c])))
        c++;
    return c;
}

static bool read_header(struct import *m)
{
    struct str fields[C_COUNT];
    bool good = csv_next(&m->csv, &m->arena, fields, C_COUNT, &m->columns);

    for (unsigned c = 0; c < C_COUNT; c++)
        m->place[c] = C_COUNT;
    for (unsigned i = 0; good && i < m->columns; i++) {
        unsigned c = column_named(fields[i]);

        good = c < C_COUNT && m->place[c] == C_COUNT;
        if (good)
            m->place[c] = i;
    }
    if (good && m->place[C_NAME] != C_COUNT && m->place[C_PASSWORD] != C_COUNT)
        return true;
    complain(m, "the first line does not name the columns",
             "name,uri,display,upn,remote_access,password (name and password at least)");
    return false;
}

static struct str cell(const struct import *m, const struct str *fields, enum column c)
{
    return m->place[c] < m->columns ? fields[m->place[c]] : STR_NONE;
}

static bool yes_or_no(struct str text, bool *yes)
{
    *yes = str_eq_nocase(text, STR("yes")) || str_eq_nocase(text, STR("true")) ||
           str_eq(text, STR("1"));
    return *yes || text.len == 0 || str_eq_nocase(text, STR("no")) ||
           str_eq_nocase(text, STR("false")) || str_eq(text, STR("0"));
}

const char *user_import_problem(const struct user_import *how, struct str name, struct str uri)
{
    const char *problem = user_name_problem(name);

    if (!problem && uri.len)
        problem = user_uri_problem(uri, how->domains, how->domain_count);
    return problem;
}

/* NULL, or what would be right. */
static const char *user_from_row(const struct import *m, const struct str *fields, struct user *u)
{
    struct str name = str_trim(cell(m, fields, C_NAME)), uri = str_trim(cell(m, fields, C_URI));
    const char *problem = user_import_problem(m->how, name, uri);
    bool remote;

    if (problem)
        return problem;
    if (!yes_or_no(str_trim(cell(m, fields, C_REMOTE)), &remote))
        return "remote_access is yes or no";
    if (!user_field_set(u->name, sizeof(u->name), name) ||
        !user_field_set(u->uri, sizeof(u->uri), uri) ||
        !user_field_set(u->upn, sizeof(u->upn), str_trim(cell(m, fields, C_UPN))) ||
        !user_field_set(u->display, sizeof(u->display), str_trim(cell(m, fields, C_DISPLAY))))
        return "a field is too long: at most 256 octets, addresses and UPN 320";
    u->flags = (uri.len ? USER_SIP_ENABLED : 0u) | (remote ? USER_REMOTE_ACCESS : 0u);
    return NULL;
}

static void take_row(struct import *m, const struct str *fields)
{
    struct user u = { 0 };
    struct user_password password = { .kind = USER_PASSWORD_CLEAR,
                                      .clear = cell(m, fields, C_PASSWORD) };
    const char *problem = user_from_row(m, fields, &u);

    if (!problem && password.clear.len == 0)
        problem = "the password is empty";
    if (!problem)
        problem = m->how->take(m->how->arg, &u, &password);
    if (problem)
        complain(m, "this account cannot be taken", problem);
    else
        m->counts.taken++;
}

struct user_import_counts user_import_csv(const struct user_import *how, struct str text)
{
    struct import m = { .how = how, .csv.rest = text };
    struct str fields[C_COUNT];
    unsigned count;

    arena_init(&m.arena, 4096, 1 << 20);
    bool good = read_header(&m);
    while (good && m.counts.problems < how->problems_max &&
           csv_next(&m.csv, &m.arena, fields, C_COUNT, &count)) {
        if (count == m.columns)
            take_row(&m, fields);
        else
            complain(&m, "the line has another number of fields than the first",
                     "put fields with commas in quotes");
        arena_reset(&m.arena);
    }
    if (good && m.csv.problem)
        complain(&m, "the line cannot be read", m.csv.problem);
    arena_fini(&m.arena);
    return m.counts;
}
