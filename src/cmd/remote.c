/* SPDX-License-Identifier: MIT */
#include "cmd/remote.h"

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

int remote_policy_set(const struct conf *c, const char *const *words, unsigned count,
                      struct buf *why)
{
    static const char *const roles[] = { "authd", "front" };
    json_t *list = json_array();
    for (unsigned i = 0; i < count; i++)
        json_array_append_new(list, json_string(words[i]));
    json_t *request = json_pack("{s:s, s:o}", "do", "policy-set", "words", list);
    int code = CMD_DONE;
    for (size_t i = 0; i < ARRAY_LEN(roles) && code == CMD_DONE; i++) {
        json_t *answer = remote_call(c, roles[i], request, why);
        if (!answer)
            code = CMD_UNREACHABLE;
        else if (!remote_ok(answer)) {
            buf_add_c(why, remote_error(answer));
            code = CMD_USAGE;
        }
        json_decref(answer);
    }
    json_decref(request);
    return code;
}
