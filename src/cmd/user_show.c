/* SPDX-License-Identifier: MIT */
#include "cmd/user_show.h"

#include <jansson.h>
#include <stdio.h>
#include <time.h>

#include "base/buf.h"

static const char *day_text(int64_t expires, char out[16])
{
    time_t last = (time_t)expires - 1;
    struct tm tm;

    if (expires == 0)
        return NULL;
    localtime_r(&last, &tm);
    strftime(out, 16, "%Y-%m-%d", &tm);
    return out;
}

static json_t *text_json(const char *text)
{
    return text && text[0] ? json_string_nocheck(text) : json_null();
}

static json_t *user_json(const struct user *u)
{
    char day[16];
    bool locked = user_is_locked(u, time(NULL));
    json_t *o = json_pack("{s:o, s:o, s:o, s:o, s:o}", "name", text_json(u->name), "domain",
                          text_json(u->domain), "uri", text_json(u->uri), "display",
                          text_json(u->display), "upn", text_json(u->upn));

    json_object_set_new(o, "sip_enabled", json_boolean(u->flags & USER_SIP_ENABLED));
    json_object_set_new(o, "remote_access", json_boolean(u->flags & USER_REMOTE_ACCESS));
    json_object_set_new(o, "disabled", json_boolean(u->flags & USER_DISABLED));
    json_object_set_new(o, "locked", json_boolean(locked));
    json_object_set_new(o, "must_change", json_boolean(u->flags & USER_MUST_CHANGE));
    json_object_set_new(o, "expires", text_json(day_text(u->expires, day)));
    json_object_set_new(o, "wrong_passwords", json_integer(u->lockout.bad_count));
    return o;
}

void user_print_json(const struct user *u)
{
    json_t *o = user_json(u);

    json_dumpf(o, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(o);
}

/* "disabled, locked" and so on; "in order" when nothing stands against a sign-in. */
static void states(const struct user *u, struct buf *out)
{
    char day[16];
    time_t now = time(NULL);

    if (u->flags & USER_DISABLED)
        buf_add_c(out, "disabled, ");
    if (user_is_locked(u, now))
        buf_add_c(out, "locked, ");
    if (u->expires && u->expires <= now)
        buf_printf(out, "expired after %s, ", day_text(u->expires, day));
    if (u->flags & USER_MUST_CHANGE)
        buf_add_c(out, "password must be changed, ");
    if (!(u->flags & USER_SIP_ENABLED))
        buf_add_c(out, "not enabled for SIP, ");
    if (out->len)
        out->len -= 2;
    else
        buf_add_c(out, "in order");
}

void user_print(const struct user *u)
{
    struct buf state = { 0 };
    char day[16];

    states(u, &state);
    printf("account         %s\\%s\n", u->domain, u->name);
    printf("SIP address     %s\n", u->uri[0] ? u->uri : "-");
    printf("display name    %s\n", u->display[0] ? u->display : "-");
    printf("UPN             %s\n", u->upn[0] ? u->upn : "-");
    printf("state           %.*s\n", STR_ARG(buf_str(&state)));
    printf("remote access   %s\n", u->flags & USER_REMOTE_ACCESS ? "yes" : "no");
    printf("expires         %s\n", u->expires ? day_text(u->expires, day) : "never");
    if (u->lockout.bad_count)
        printf("wrong passwords %u\n", u->lockout.bad_count);
    buf_fini(&state);
}

void user_print_line(const struct user *u)
{
    struct buf state = { 0 };

    states(u, &state);
    printf("%-20s %-36s %-6s  %.*s\n", u->name, u->uri[0] ? u->uri : "-",
           u->flags & USER_REMOTE_ACCESS ? "remote" : "", STR_ARG(buf_str(&state)));
    buf_fini(&state);
}
