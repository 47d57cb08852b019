/* SPDX-License-Identifier: MIT */
/* Any text is either a configuration or a list of problems, each naming the file. */
#include <assert.h>

#include "conf/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf why = { 0 };
    struct conf *c = conf_parse(str_of(data, size), "fuzz.conf", &why);
    struct str rest = buf_str(&why);

    assert((c == NULL) == (why.len > 0));
    while (rest.len > 0)
        assert(str_starts(str_take_until(&rest, '\n'), STR("fuzz.conf:")));
    if (c) {
        const char *words[] = { "windows-2008", "mode=audit" };
        struct ntlm_policy_set *set = conf_policy_apply(c->policy, words, 2, &why);
        assert(set);
        ntlm_policy_set_free(set);
    }
    conf_free(c);
    buf_fini(&why);
    return 0;
}
