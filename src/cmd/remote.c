/* SPDX-License-Identifier: MIT */
#include "cmd/remote.h"

#include <stdio.h>

#include "cmd/cmd.h"
#include "conf/ctl.h"

enum { ANSWER_MS = 10000 };

json_t *remote_call(const struct conf *c, const char *role, const json_t *request, struct buf *why)
{
    struct buf path = { 0 };
    buf_printf(&path, "%s/%s.ctl", c->run, role);
    json_t *answer = ctl_call(path.ptr, request, ANSWER_MS, why);
    buf_fini(&path);
    return answer;
}

bool remote_ok(const json_t *answer)
{
    return json_is_true(json_object_get(answer, "ok"));
}

const char *remote_error(const json_t *answer)
{
    const char *text = json_string_value(json_object_get(answer, "error"));
    return text ? text : "";
}

void remote_roles(const struct conf *c, const char *out[REMOTE_ROLES_MAX])
{
    unsigned n = 0;
    if (conf_has_front(c)) {
        out[n++] = "authd";
        out[n++] = "front";
    }
    if (conf_has_edge(c))
        out[n++] = "edge";
    out[n] = NULL;
}

/* Asks one role and turns its answer into a code. */
static int tell(const struct conf *c, const char *role, const json_t *request, struct buf *why)
{
    json_t *answer = remote_call(c, role, request, why);
    int code = CMD_DONE;
    if (!answer) {
        code = CMD_UNREACHABLE;
    } else if (!remote_ok(answer)) {
        buf_add_c(why, remote_error(answer));
        code = CMD_USAGE;
    }
    json_decref(answer);
    return code;
}

int remote_policy_set(const struct conf *c, const char *const *words, unsigned count,
                      struct buf *why)
{
    static const char *const roles[] = { "authd", "front" };
    json_t *list = json_array();
    for (unsigned i = 0; i < count; i++)
        json_array_append_new(list, json_string(words[i]));
    json_t *request = json_pack("{s:s, s:o}", "do", "policy-set", "words", list);
    int code = CMD_DONE;
    for (size_t i = 0; i < ARRAY_LEN(roles) && code == CMD_DONE; i++)
        code = tell(c, roles[i], request, why);
    json_decref(request);
    return code;
}

static bool read_file(const char *path, struct buf *text)
{
    FILE *f = fopen(path, "re");
    char chunk[4096];
    if (!f)
        return false;
    for (size_t n; (n = fread(chunk, 1, sizeof(chunk), f)) > 0;)
        buf_add(text, str_of(chunk, n));
    bool ok = !ferror(f);
    fclose(f);
    return ok;
}

int remote_reload(const char *path, struct buf *why)
{
    struct conf *c = conf_load(path, why);
    struct buf config = { 0 }, policy = { 0 };
    int code = CMD_USAGE;
    if (c && conf_policy_override_load(c, why) && conf_policy_override_read(c, &policy, why) &&
        read_file(path, &config)) {
        json_t *reload = json_pack("{s:s, s:s%, s:s%}", "do", "reload", "config", config.ptr,
                                   config.len, "policy", policy.len ? policy.ptr : "", policy.len);
        const char *roles[REMOTE_ROLES_MAX];
        remote_roles(c, roles);
        code = reload ? CMD_DONE : CMD_USAGE;
        for (unsigned i = 0; roles[i] && code == CMD_DONE; i++)
            code = tell(c, roles[i], reload, why);
        json_decref(reload);
    }
    buf_fini(&config);
    buf_fini(&policy);
    if (c)
        conf_free(c);
    return code;
}
