/* SPDX-License-Identifier: MIT */
/* Base64 and UTF-16 from foreign hands: what is accepted must lead back to the same bytes. */
#include <assert.h>

#include "base/encode.h"
#include "base/utf16.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_base64(struct str in, struct arena *arena, struct buf *out)
{
    struct str bytes;

    buf_clear(out);
    if (!base64_decode(in, arena, &bytes))
        return;
    base64_encode(bytes, out);
    assert(str_eq(buf_str(out), in));
}

static void check_utf8(struct str in, struct buf *wide, struct buf *out)
{
    buf_clear(wide);
    buf_clear(out);
    if (!utf16_from_utf8(in, wide)) {
        assert(wide->len == 0);
        return;
    }
    assert(utf16_to_utf8(buf_str(wide), out));
    assert(str_eq(buf_str(out), in));
}

static void check_utf16(struct str in, struct arena *arena, struct buf *out)
{
    struct str shown = utf16_to_utf8_lossy(in, arena);

    buf_clear(out);
    if (utf16_to_utf8(in, out))
        assert(str_eq(buf_str(out), shown));
    buf_clear(out);
    assert(utf16_from_utf8(shown, out));
    buf_clear(out);
    utf16_upper(in, in.len % 3 == 0, out);
    assert(out->len == in.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str in = str_of(data, size);
    struct buf one = { 0 }, two = { 0 };
    struct arena arena;

    arena_init(&arena, 4096, 1 << 20);
    check_base64(in, &arena, &one);
    check_utf8(in, &one, &two);
    check_utf16(in, &arena, &one);
    buf_fini(&one);
    buf_fini(&two);
    arena_fini(&arena);
    return 0;
}
