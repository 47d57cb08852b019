/* SPDX-License-Identifier: MIT */
/* The names by which traces are switched: components, levels, flags. */
#include "base/compiler.h"
#include "diag/trace.h"

static const char *const components[TRACE_COMPONENT_COUNT] = {
    [TRACE_SIPSTACK] = "SIPStack",
    [TRACE_USERSERVICES] = "UserServices",
    [TRACE_AUTHD] = "Authd",
};

static const char *const levels[] = {
    [TL_OFF] = "off",   [TL_FATAL] = "fatal",     [TL_ERROR] = "error", [TL_WARN] = "warn",
    [TL_INFO] = "info", [TL_VERBOSE] = "verbose", [TL_NOISE] = "noise",
};

static const struct {
    const char *name;
    unsigned flags;
} flag_names[] = {
    { "component", TF_COMPONENT },
    { "protocol", TF_PROTOCOL },
    { "connection", TF_CONNECTION },
    { "security", TF_SECURITY },
    { "diag", TF_DIAG },
    { "all", TF_COMPONENT | TF_PROTOCOL | TF_CONNECTION | TF_SECURITY | TF_DIAG },
    { "none", 0 },
};

const char *trace_component_name(enum trace_component c)
{
    return components[c];
}

bool trace_component_from_name(struct str name, enum trace_component *out)
{
    for (unsigned i = 0; i < TRACE_COMPONENT_COUNT; i++) {
        if (str_eq_nocase(name, str_from_c(components[i]))) {
            *out = (enum trace_component)i;
            return true;
        }
    }
    return false;
}

/* "TL_WARN" and "TF_DIAG" are what administrators of the original know. */
static struct str without(struct str name, struct str prefix)
{
    return str_starts_nocase(name, prefix) ? str_skip(name, prefix.len) : name;
}

const char *trace_level_name(enum trace_level level)
{
    return levels[level];
}

bool trace_level_from_name(struct str name, enum trace_level *out)
{
    name = without(name, STR("TL_"));
    for (unsigned i = 0; i < ARRAY_LEN(levels); i++) {
        if (str_eq_nocase(name, str_from_c(levels[i]))) {
            *out = (enum trace_level)i;
            return true;
        }
    }
    return false;
}

bool trace_flags_from_name(struct str name, unsigned *out)
{
    name = without(name, STR("TF_"));
    for (unsigned i = 0; i < ARRAY_LEN(flag_names); i++) {
        if (str_eq_nocase(name, str_from_c(flag_names[i].name))) {
            *out = flag_names[i].flags;
            return true;
        }
    }
    return false;
}
