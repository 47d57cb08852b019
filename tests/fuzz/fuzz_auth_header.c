/* SPDX-License-Identifier: MIT */
/* Credentials from a stranger, against a server that has one signed-in client and one unfinished
 * handshake on the same connection.  Nothing a stranger writes may pass: they know no keys.
 * HALFOPEN and SIGNEDIN stand for the two handles. */
#include "../unit/auth_kit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct kit *k;
static struct kit_client ada, bob;

static void start(void)
{
    struct auth_result out;
    k = kit_new("windows-2003");
    k->policy->base.min_sipae_version = 2;
    kit_client_init(&ada, k, "ada");
    kit_client_init(&bob, k, "bob");
    bob.epid = "b0b";
    kit_sign_in(k, &ada, &out);
    if (out.outcome != AUTH_PASS)
        abort();
}

static void fill_in(struct buf *b, const char *mark, const char *opaque)
{
    struct str rest = buf_str(b);
    for (size_t at; (at = str_find(rest, str_from_c(mark))) != SIZE_MAX; rest = str_skip(rest, at))
        memcpy(b->ptr + (rest.ptr - b->ptr) + at, opaque, 8);
}

/* The first octet chooses the method and what the directory will say. */
static void compose(uint8_t choice, struct str credentials)
{
    static const char *const methods[] = { "REGISTER", "ACK", "CANCEL", "SUBSCRIBE" };
    kit_compose(&bob, methods[choice % 4]);
    bob.sent.len -= 2;
    buf_add(&bob.sent, choice & 4 ? STR("Proxy-Authorization: ") : STR("Authorization: "));
    buf_add(&bob.sent, credentials);
    buf_add(&bob.sent, STR("\r\n\r\n"));
    fill_in(&bob.sent, "SIGNEDIN", ada.opaque);
    fill_in(&bob.sent, "HALFOPEN", bob.opaque);
}

static void answer(const struct auth_request *r, struct auth_result *out, uint8_t choice)
{
    struct proto_verdict v = { .fault = choice & 8 ? FAULT_USER_WRONG_PASSWORD : FAULT_NONE };
    char opaque[9];
    memcpy(opaque, out->sa->opaque_text, sizeof(opaque));
    bool is_signed = out->sa->version == 4;
    auth_verdict(&k->auth, r, str_from_c(opaque), &v, out);
    if (out->outcome == AUTH_PASS && (is_signed || v.fault != FAULT_NONE))
        abort();
    if (out->outcome == AUTH_PASS)
        sa_drop(k->auth.sas, out->sa);
}

static void check_one(uint8_t choice, const struct sip_msg *m)
{
    struct auth_result out;
    struct sa *sa;
    struct auth_request r = { .msg = m,
                              .owner = &k->home,
                              .source = STR("\x0a\x00\x00\x01"),
                              .user_key = STR("sip:bob@example.test"),
                              .epid = STR("b0b"),
                              .arena = &k->arena,
                              .now_ms = k->now_ms,
                              .filetime = k->filetime,
                              .day = KIT_DAY };
    if (auth_check_response(&k->auth, &r, &sa) == FAULT_NONE)
        abort();
    auth_check(&k->auth, &r, &out);
    if (out.outcome == AUTH_PASS)
        abort();
    if (out.outcome == AUTH_ASK)
        answer(&r, &out, choice);
    if (sa_table_established(k->auth.sas) != 1)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sip_msg m;
    if (!k)
        start();
    if (size < 1)
        return 0;
    if (!sa_find(k->auth.sas, &k->home, STR_NONE, str_from_c(bob.opaque), k->now_ms))
        kit_begin(k, &bob);
    compose(data[0], str_of(data + 1, size - 1));
    arena_reset(&k->arena);
    if (sip_msg_parse(buf_str(&bob.sent), bob.sent.len, SIP_HEADERS_MAX_DEFAULT, &k->arena, &m) ==
        FAULT_NONE)
        check_one(data[0], &m);
    return 0;
}
