/* SPDX-License-Identifier: MIT */
#include "cmd/ctl_budget.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cmd/cmd.h"
#include "cmd/remote.h"

/* One role's part.  `subject` is what it calls the one whose failures it counts. */
struct part {
    const char *role, *list, *subject;
    bool here; /* runs on this machine, says the configuration */
};

enum { PARTS = 2 };

static void parts_of(const struct conf *c, struct part out[PARTS])
{
    bool edge = c->edge.listen_count > 0;
    bool front = c->tls_listen_count + c->tcp_listen_count + c->edge_listen_count > 0;

    out[0] = (struct part){ "authd", "accounts", "account", front || !edge };
    out[1] = (struct part){ "edge", "sources", "source", edge };
}

/* NULL when it cannot be reached, which is told. */
static json_t *ask(const struct conf *c, const struct part *p, json_t *request)
{
    struct buf why = { 0 };
    json_t *answer = remote_call(c, p->role, request, &why);

    if (!answer)
        fprintf(stderr, "postern: %s cannot be asked: %.*s\n", p->role, STR_ARG(buf_str(&why)));
    json_decref(request);
    buf_fini(&why);
    return answer;
}

static long long number(const json_t *o, const char *name)
{
    return (long long)json_integer_value(json_object_get(o, name));
}

static const char *word(const json_t *o, const char *name)
{
    const char *s = json_string_value(json_object_get(o, name));

    return s ? s : "";
}

static void print_device(const json_t *d)
{
    char seen[32] = "";
    time_t t = (time_t)number(d, "last_seen");
    struct tm tm;

    if (localtime_r(&t, &tm))
        strftime(seen, sizeof(seen), "%Y-%m-%d %H:%M", &tm);
    printf("    device %-20s %-22s last seen %s  failed %lld, in its own sessions %lld\n",
           word(d, "epid"), word(d, "network"), seen, number(d, "failures"),
           number(d, "session_failures"));
}

static void print_row(const struct part *p, const json_t *row)
{
    json_t *device;
    size_t i;

    printf("%-32s failed %lld of %lld", word(row, p->subject), number(row, "failures"),
           number(row, "limit"));
    if (number(row, "inside_failures"))
        printf(", inside %lld", number(row, "inside_failures"));
    if (number(row, "window_left"))
        printf(", forgotten in %lld s", number(row, "window_left"));
    puts(json_is_true(json_object_get(row, "over_budget")) ? "  OVER BUDGET" : "");
    json_array_foreach(json_object_get(row, "devices"), i, device) print_device(device);
}

static void print_list(const struct part *p, const json_t *answer)
{
    json_t *list = json_object_get(answer, p->list), *row;
    size_t i;

    if (json_array_size(list) == 0)
        printf("%s: nothing to tell\n", p->list);
    else
        printf("%s:\n", p->list);
    json_array_foreach(list, i, row) print_row(p, row);
    if (number(answer, "more"))
        printf("... and %lld more\n", number(answer, "more"));
}

static void print_json(const json_t *answer)
{
    json_dumpf(answer, stdout, JSON_COMPACT);
    puts("");
}

static int list(const struct conf *c, bool json)
{
    struct part parts[PARTS];
    int code = CMD_DONE;

    parts_of(c, parts);
    for (unsigned i = 0; i < PARTS; i++) {
        if (!parts[i].here)
            continue;
        json_t *answer = ask(c, &parts[i], json_pack("{s:s}", "do", "budget-list"));
        if (!answer)
            code = CMD_UNREACHABLE;
        else if (json)
            print_json(answer);
        else
            print_list(&parts[i], answer);
        json_decref(answer);
    }
    return code;
}

/* Each role knows its own: a name that is no address is nothing to the Edge. */
static int clear(const struct conf *c, bool json, const char *whom)
{
    struct part parts[PARTS];
    long long cleared = 0;
    int code = CMD_DONE;
    bool all = strcmp(whom, "all") == 0;

    parts_of(c, parts);
    for (unsigned i = 0; i < PARTS; i++) {
        if (!parts[i].here)
            continue;
        json_t *request =
            all ? json_pack("{s:s, s:b}", "do", "budget-clear", "all", 1)
                : json_pack("{s:s, s:s}", "do", "budget-clear", parts[i].subject, whom);
        if (!request)
            return cmd_usage("'%s' is not UTF-8: give the name as 'ctl budget list' has it", whom);
        json_t *answer = ask(c, &parts[i], request);
        if (!answer)
            code = CMD_UNREACHABLE;
        else if (json)
            print_json(answer);
        cleared += number(answer, "cleared");
        json_decref(answer);
    }
    if (code == CMD_DONE && !json)
        printf("%lld cleared\n", cleared);
    return code != CMD_DONE || cleared > 0 || all ? code : CMD_NO;
}

int ctl_budget(const struct conf *c, bool json, int argc, char **argv)
{
    if (argc == 1 && strcmp(argv[0], "list") == 0)
        return list(c, json);
    if (argc == 2 && strcmp(argv[0], "clear") == 0)
        return clear(c, json, argv[1]);
    return cmd_usage("budget wants list, or clear ACCOUNT|ADDRESS|all: see 'postern ctl --help'");
}
