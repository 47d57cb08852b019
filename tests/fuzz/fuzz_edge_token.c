/* SPDX-License-Identifier: MIT */
/* What comes back from outside under our name: routing tokens and hidden lines.  Nothing is good
 * that was not made here, and any change of what was made makes it bad. */
#include <stdlib.h>

#include "base/encode.h"
#include "edge/hide.h"
#include "edge/token.h"

enum { NOW = 1258000000, CONN = 0x12345, LINK = 77 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct str ada = STR("sip:ada@example.com");

static void demand(bool holds)
{
    if (!holds)
        abort();
}

static const struct token_maker *maker(void)
{
    static struct token_maker t = { .boot = 9 };

    memset(t.secret, 0x77, sizeof(t.secret));
    return &t;
}

static enum token_status look(struct str text, struct str user)
{
    uint64_t id;

    return token_check(maker(), text, TOKEN_TO_CLIENT, user, NOW, &id);
}

/* As it came, and laid over a good one. */
static void tokens(struct str in)
{
    struct buf good = { 0 };

    token_print(maker(), CONN, TOKEN_TO_CLIENT, ada, NOW, &good);
    demand(look(buf_str(&good), ada) == TOKEN_GOOD);
    demand(look(in, ada) == TOKEN_BAD || str_eq(in, buf_str(&good)));
    demand(look(buf_str(&good), in) == TOKEN_BAD || str_eq(in, ada));
    bool changed = false;
    for (size_t i = 0; i < in.len && i < good.len; i++) {
        changed |= in.ptr[i] != 0;
        good.ptr[i] ^= in.ptr[i];
    }
    demand(look(buf_str(&good), ada) == (changed ? TOKEN_BAD : TOKEN_GOOD));
    buf_fini(&good);
}

static bool opens(struct hide *h, struct str sealed, struct arena *arena, struct str *text)
{
    uint64_t link = 0;
    bool good = hide_open(h, sealed, CONN, arena, text, &link);

    demand(!good || link == LINK);
    return good;
}

static void hidden(struct str in, struct arena *arena)
{
    static struct hide h;
    struct buf sealed = { 0 };
    struct str text;

    if (h.used == 0)
        hide_init(&h);
    demand(!opens(&h, in, arena, &text));
    hide_seal(&h, in, LINK, CONN, &sealed);
    demand(opens(&h, buf_str(&sealed), arena, &text) && str_eq(text, in));
    bool changed = false;
    for (size_t i = 0; i < in.len && i < sealed.len; i++) {
        changed |= in.ptr[i] != 0;
        sealed.ptr[i] ^= in.ptr[i];
    }
    demand(opens(&h, buf_str(&sealed), arena, &text) == !changed);
    buf_fini(&sealed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct str in = str_of(data, size);

    arena_init(&arena, 4096, 1 << 20);
    tokens(in);
    if (size < 100000)
        hidden(in, &arena);
    arena_fini(&arena);
    return 0;
}
