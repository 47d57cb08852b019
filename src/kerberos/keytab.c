/* SPDX-License-Identifier: MIT */
#include "kerberos/keytab.h"

#include "kerberos/token.h"

/* The authenticator is decrypted before its time is judged: read once more, without a look at the
 * clock or the replay cache, the request leaves it to be looked at. */
bool krb_keytab_client_time(krb5_context k, const char *keytab, struct str request, int64_t *out)
{
    krb5_auth_context auth = NULL;
    krb5_authenticator *seen = NULL;
    krb5_keytab keys = NULL;
    krb5_data in = { .length = (unsigned)request.len, .data = (char *)request.ptr };
    bool good = false;

    if (krb5_kt_resolve(k, keytab, &keys) == 0 && krb5_auth_con_init(k, &auth) == 0 &&
        krb5_auth_con_setflags(k, auth, 0) == 0) {
        (void)krb5_rd_req(k, &auth, &in, NULL, keys, NULL, NULL);
        good = krb5_auth_con_getauthenticator(k, auth, &seen) == 0 && seen;
    }
    if (good)
        *out = (int64_t)(uint32_t)seen->ctime;
    if (seen)
        krb5_free_authenticator(k, seen);
    if (auth)
        krb5_auth_con_free(k, auth);
    if (keys)
        krb5_kt_close(k, keys);
    return good;
}

static bool has_entry(krb5_context k, krb5_keytab keys, const krb5_ticket *t, krb5_enctype kind)
{
    krb5_keytab_entry entry;

    if (krb5_kt_get_entry(k, keys, t->server, t->enc_part.kvno, kind, &entry) != 0)
        return false;
    krb5_free_keytab_entry_contents(k, &entry);
    return true;
}

bool krb_keytab_lacks_kind(krb5_context k, const char *keytab, struct str request)
{
    krb5_ticket *ticket = NULL;
    krb5_keytab keys = NULL;
    struct str octets;
    bool lacks = false;

    if (!krb_token_ticket(request, &octets))
        return false;
    krb5_data in = { .length = (unsigned)octets.len, .data = (char *)octets.ptr };
    if (krb5_decode_ticket(&in, &ticket) != 0)
        return false;
    if (krb5_kt_resolve(k, keytab, &keys) == 0) {
        lacks = has_entry(k, keys, ticket, ENCTYPE_NULL) &&
                !has_entry(k, keys, ticket, ticket->enc_part.enctype);
        krb5_kt_close(k, keys);
    }
    krb5_free_ticket(k, ticket);
    return lacks;
}
