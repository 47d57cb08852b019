/* SPDX-License-Identifier: MIT */
#include "client/mechanism.h"

#include "base/secret.h"
#include "client/association.h"
#include "client/ticket.h"

/* DOMAIN\user is a name for NTLM, and a password alone names no realm; whoever gave neither has
 * tickets, or nothing. */
static bool suits(const struct client_settings *s)
{
    struct str login = str_from_c(s->login);

    if (str_find_char(login, '\\') != SIZE_MAX)
        return false;
    return !s->password || str_find_char(login, '@') != SIZE_MAX;
}

/* Told to use Kerberos with DOMAIN\user, the user is one of the default realm. */
static struct str principal(const struct client_proof *proof)
{
    const struct client_settings *s = proof->settings;
    struct str login = str_from_c(s->login);
    size_t backslash = str_find_char(login, '\\');

    if (s->login)
        return backslash == SIZE_MAX ? login : str_skip(login, backslash + 1);
    return s->password ? proof->user_of_uri : STR_NONE;
}

static enum fault answer(struct client_association *a, const struct client_proof *proof,
                         struct str token, struct buf *out, struct buf *detail)
{
    struct str service = str_from_c(a->target);
    struct krb_initiate in = { .service = service,
                               .principal = principal(proof),
                               .password = str_from_c(proof->settings->password) };
    struct krb_keys keys = { 0 };

    (void)token;
    /* a ticket for a file server, say, would let whoever asks for it in there in our name */
    if (!str_starts_nocase(service, STR("sip/"))) {
        buf_printf(detail, "the server asks for a ticket for another service than SIP: %s",
                   a->target);
        return FAULT_KERBEROS_SERVICE_UNKNOWN;
    }
    enum fault fault = client_ticket_use(&in, proof->deadline, out, &keys, detail);
    if (fault == FAULT_NONE)
        krb_mic_init(&a->keys.kerberos, &keys, false);
    secret_wipe(&keys, sizeof(keys));
    return fault;
}

_Static_assert((int)CLIENT_SIGNATURE_MAX >= (int)KRB_MIC_MAX, "room for the longest signature");

static size_t sign(struct client_association *a, struct str text, uint8_t out[CLIENT_SIGNATURE_MAX])
{
    return krb_mic_make(&a->keys.kerberos, text, out);
}

static bool verify(struct client_association *a, struct str text, struct str signature)
{
    return krb_mic_verify(&a->keys.kerberos, text, signature);
}

static void wipe(struct client_association *a)
{
    krb_mic_fini(&a->keys.kerberos);
}

/* No mutual authentication: the server's signature on the 200 proves that it could read the
 * ticket, and the one token is the whole exchange. */
const struct client_mechanism client_mechanism_kerberos = {
    .scheme = "Kerberos",
    .leg = "ticket",
    .damaged_token = FAULT_KERBEROS_TOKEN,
    .suits = suits,
    .answer = answer,
    .sign = sign,
    .verify = verify,
    .wipe = wipe,
};
