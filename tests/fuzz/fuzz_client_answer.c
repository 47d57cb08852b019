/* SPDX-License-Identifier: MIT */
/* A server's answer as a client reads it: the challenge, the CHALLENGE in it, the signature. */
#include <assert.h>

#include "client/association.h"
#include "client/verdict.h"
#include "sip/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct client_settings settings(const struct client_profile *profile)
{
    return (struct client_settings){ .uri = "sip:ada@example.com",
                                     .login = "EXAMPLE\\ada",
                                     .password = "Secret-1",
                                     .profile = profile };
}

/* As if there were a ticket: no KDC is asked. */
static enum fault ticket_answer(struct client_association *a, const struct client_proof *proof,
                                struct str token, struct buf *out, struct buf *detail)
{
    static const struct krb_keys keys = { .rfc4121 = true, .key_len = 32 };

    (void)proof;
    (void)token;
    (void)detail;
    buf_add_c(out, "ticket");
    krb_mic_init(&a->keys.kerberos, &keys, false);
    return FAULT_NONE;
}

static void handshake(struct client_association *a, const struct client_profile *profile,
                      struct str token)
{
    struct client_settings s = settings(profile);
    struct client_proof proof = { .settings = &s, .user_of_uri = STR("ada") };
    struct sigtext text = { .call_id = STR("c"), .cseq = STR("3"), .method = STR("REGISTER") };
    struct buf credentials = { 0 }, detail = { 0 };

    client_association_ask(a, &credentials);
    buf_clear(&credentials);
    enum fault fault = client_association_answer(a, &proof, token, &text, &credentials, &detail);
    assert((fault == FAULT_NONE) == (credentials.len > 0));
    if (fault == FAULT_NONE)
        client_association_sign(a, &text, &credentials);
    buf_fini(&credentials);
    buf_fini(&detail);
}

static void answer_take(const struct client_mechanism *mechanism,
                        const struct client_profile *profile, const struct sip_msg *m,
                        struct arena *arena)
{
    struct client_association a = { 0 };
    struct str token;

    if (client_association_challenge(&a, mechanism, m, arena, &token) == FAULT_NONE)
        handshake(&a, profile, token);
    client_association_verify(&a, m, arena);
    client_association_fini(&a);
}

static void answer_read(const struct sip_msg *m, struct arena *arena)
{
    struct client_mechanism kerberos = client_mechanism_kerberos;
    const struct client_profile *profile;
    struct buf offered = { 0 };

    kerberos.answer = ticket_answer;
    client_association_offers(m, arena, &offered);
    buf_fini(&offered);
    answer_take(&kerberos, client_profile_at(0), m, arena);
    for (unsigned i = 0; (profile = client_profile_at(i)) != NULL; i++)
        answer_take(&client_mechanism_ntlm, profile, m, arena);
    client_verdict(m->status, sip_msg_value(m, SIP_MS_DIAGNOSTICS), true);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str in = str_of(data, size);
    struct sip_frame frame = { 0 };
    struct arena arena;
    struct sip_msg m;

    sip_frame_next(in, 65536, &frame);
    if (frame.status != SIP_FRAME_MESSAGE)
        return 0;
    arena_init(&arena, 4096, 262144);
    if (sip_msg_parse(str_first(in, frame.total), frame.head_len, SIP_HEADERS_MAX_DEFAULT, &arena,
                      &m) == FAULT_NONE)
        answer_read(&m, &arena);
    arena_fini(&arena);
    return 0;
}
