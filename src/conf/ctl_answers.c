/* SPDX-License-Identifier: MIT */
#include "conf/ctl_answers.h"

#include "conf/conf.h"
#include "conf/sandbox.h"
#include "diag/trace.h"

enum { WORDS_MAX = 64 };

json_t *ctl_policy_json(const struct ntlm_policy_set *set)
{
    struct buf text = { 0 };

    ntlm_policy_print(&set->base, &text);
    json_t *out = json_pack("{s:b, s:s, s:s%, s:i}", "ok", 1, "preset", set->preset, "policy",
                            buf_str(&text).ptr, text.len, "exceptions", (int)set->exception_count);
    buf_fini(&text);
    return out;
}

struct ntlm_policy_set *ctl_policy_apply(const struct ntlm_policy_set *from, const json_t *in,
                                         struct buf *why)
{
    const json_t *words = json_object_get(in, "words");
    const char *list[WORDS_MAX];
    size_t count = json_array_size(words);

    for (size_t i = 0; i < count && i < WORDS_MAX; i++) {
        list[i] = json_string_value(json_array_get(words, i));
        if (!list[i])
            count = 0;
    }
    if (count == 0 || count > WORDS_MAX) {
        buf_add_c(why, "no words: give a preset or KEY=VALUE words");
        return NULL;
    }
    return conf_policy_apply(from, list, (unsigned)count, why);
}

json_t *ctl_sandbox_json(void)
{
    struct sandbox_state s = sandbox_state();

    return json_pack("{s:b, s:b, s:i, s:b}", "switched_off", s.switched_off, "no_new_privs",
                     s.no_new_privs, "landlock_abi", (int)s.landlock, "seccomp", s.seccomp);
}

static const struct {
    const char *name;
    enum trace_level level;
} levels[] = {
    { "off", TL_OFF },   { "fatal", TL_FATAL },     { "error", TL_ERROR }, { "warn", TL_WARN },
    { "info", TL_INFO }, { "verbose", TL_VERBOSE }, { "noise", TL_NOISE },
};

static json_t *trace_json(void)
{
    json_t *list = json_array();

    for (unsigned c = 0; c < TRACE_COMPONENT_COUNT; c++) {
        enum trace_level level;
        unsigned flags;

        trace_get((enum trace_component)c, &level, &flags);
        json_array_append_new(list, json_pack("{s:s, s:s, s:i}", "component",
                                              trace_component_name((enum trace_component)c),
                                              "level", levels[level].name, "flags", (int)flags));
    }
    return json_pack("{s:b, s:o, s:I}", "ok", 1, "components", list, "dropped",
                     (json_int_t)trace_dropped());
}

static bool switch_component(enum trace_component c, const json_t *in)
{
    const char *wanted = json_string_value(json_object_get(in, "level"));
    const json_t *bits = json_object_get(in, "flags");
    enum trace_level level;
    unsigned flags;

    trace_get(c, &level, &flags);
    if (bits)
        flags = (unsigned)json_integer_value(bits);
    for (size_t i = 0; wanted && i < ARRAY_LEN(levels); i++) {
        if (strcmp(wanted, levels[i].name) == 0) {
            trace_set(c, levels[i].level, flags);
            return true;
        }
    }
    return false;
}

static bool switch_named(struct str name, const json_t *in)
{
    enum trace_component only;
    bool good = true;

    if (name.len == 0)
        return true;
    if (!str_eq(name, STR("all")))
        return trace_component_from_name(name, &only) && switch_component(only, in);
    for (unsigned c = 0; c < TRACE_COMPONENT_COUNT; c++)
        good = switch_component((enum trace_component)c, in) && good;
    return good;
}

void ctl_trace(struct ctl_request *r, const json_t *in)
{
    const json_t *secrets = json_object_get(in, "secrets");

    if (secrets)
        trace_set_secrets(json_is_true(secrets));
    if (switch_named(str_from_c(json_string_value(json_object_get(in, "component"))), in))
        ctl_reply(r, trace_json());
    else
        ctl_refuse(r, "unknown component or level: components are SIPStack, UserServices, Authd or "
                      "all; levels off, fatal, error, warn, info, verbose, noise");
}
