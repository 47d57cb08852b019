/* SPDX-License-Identifier: MIT */
#include "client/mechanism.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/secret.h"
#include "client/association.h"
#include "ntlm/initiate.h"

static bool suits(const struct client_settings *s)
{
    (void)s;
    return true;
}

/* DOMAIN\user; user@realm and a bare name go without a domain, as Windows and SIPE send them. */
static void login_split(struct str login, struct str *domain, struct str *user)
{
    size_t backslash = str_find_char(login, '\\');
    *domain = backslash == SIZE_MAX ? STR_NONE : str_first(login, backslash);
    *user = backslash == SIZE_MAX ? login : str_skip(login, backslash + 1);
}

static void workstation_name(char *out, size_t size)
{
    if (gethostname(out, size) != 0)
        snprintf(out, size, "WORKSTATION");
    out[size - 1] = '\0';
    out[strcspn(out, ".")] = '\0';
    for (char *c = out; *c; c++)
        *c = (char)toupper((unsigned char)*c);
}

static enum fault answer(struct client_association *a, const struct client_proof *proof,
                         struct str challenge, struct buf *authenticate, struct buf *detail)
{
    const struct client_settings *s = proof->settings;
    struct ntlm_initiate in = { .password = str_from_c(s->password), .filetime = clock_filetime() };
    uint8_t exported[16];
    char workstation[64];

    (void)detail;
    client_profile_ntlm(s->profile, &in);
    login_split(s->login ? str_from_c(s->login) : proof->user_of_uri, &in.domain, &in.user);
    workstation_name(workstation, sizeof(workstation));
    in.workstation = str_from_c(workstation);
    random_bytes(in.client_challenge, sizeof(in.client_challenge));
    random_bytes(in.random_session_key, sizeof(in.random_session_key));
    enum fault fault = ntlm_initiate(&in, challenge, authenticate, &a->flags, exported);
    if (fault == FAULT_NONE) {
        bool has_version = a->flags & NTLM_NEGOTIATE_VERSION;
        ntlm_keys_init(&a->keys.ntlm, a->flags, has_version ? in.version.revision : 0, exported);
    }
    secret_wipe(exported, sizeof(exported));
    secret_wipe(&in, sizeof(in));
    return fault;
}

static size_t sign(struct client_association *a, struct str text, uint8_t out[CLIENT_SIGNATURE_MAX])
{
    ntlm_mac(&a->keys.ntlm.client, text, out);
    return NTLM_SIGNATURE_LEN;
}

static bool verify(struct client_association *a, struct str text, struct str signature)
{
    return ntlm_verify(&a->keys.ntlm, false, text, signature);
}

static void wipe(struct client_association *a)
{
    ntlm_keys_fini(&a->keys.ntlm);
}

const struct client_mechanism client_mechanism_ntlm = {
    .scheme = "NTLM",
    .leg = "negotiate",
    .has_server_token = true,
    .needs_password = true,
    .damaged_token = FAULT_NTLM_MALFORMED,
    .suits = suits,
    .answer = answer,
    .sign = sign,
    .verify = verify,
    .wipe = wipe,
};
