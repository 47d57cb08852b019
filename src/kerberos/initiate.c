/* SPDX-License-Identifier: MIT */
#include "kerberos/initiate.h"

#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>
#include <krb5.h>
#include <stdlib.h>

#include "base/compiler.h"
#include "base/secret.h"
#include "kerberos/lucid.h"

/* What KDC and library say, as the client's user should read it. */
static const struct {
    krb5_error_code code;
    enum fault fault;
} meanings[] = {
    { KRB5_KDC_UNREACH, FAULT_KERBEROS_KDC_UNREACHABLE },
    { KRB5_REALM_UNKNOWN, FAULT_KERBEROS_KDC_UNREACHABLE },
    { KRB5_REALM_CANT_RESOLVE, FAULT_KERBEROS_KDC_UNREACHABLE },
    { KRB5KDC_ERR_S_PRINCIPAL_UNKNOWN, FAULT_KERBEROS_SERVICE_UNKNOWN },
    { KRB5KDC_ERR_PRINCIPAL_NOT_UNIQUE, FAULT_KERBEROS_SERVICE_UNKNOWN },
    { KRB5KDC_ERR_MUST_USE_USER2USER, FAULT_KERBEROS_SERVICE_UNKNOWN }, /* a name, but no service */
    { KRB5KDC_ERR_SERVICE_REVOKED, FAULT_KERBEROS_SERVICE_UNKNOWN },
    { KRB5KDC_ERR_C_PRINCIPAL_UNKNOWN, FAULT_USER_UNKNOWN },
    { KRB5KDC_ERR_PREAUTH_FAILED, FAULT_USER_WRONG_PASSWORD },
    { KRB5KRB_AP_ERR_BAD_INTEGRITY, FAULT_USER_WRONG_PASSWORD },
    { KRB5KDC_ERR_CLIENT_REVOKED, FAULT_USER_DISABLED },
    { KRB5KDC_ERR_KEY_EXP, FAULT_USER_PASSWORD_EXPIRED },
    { KRB5KDC_ERR_NAME_EXP, FAULT_USER_EXPIRED },
    { KRB5KDC_ERR_POLICY, FAULT_USER_RESTRICTED },
    { KRB5KRB_AP_ERR_SKEW, FAULT_KERBEROS_CLOCK_SKEW },
    { KRB5_KDCREP_SKEW, FAULT_KERBEROS_CLOCK_SKEW },
    { KRB5KRB_AP_ERR_TKT_EXPIRED, FAULT_KERBEROS_NO_CREDENTIALS },
    { KRB5KDC_ERR_ETYPE_NOSUPP, FAULT_KERBEROS_ENCRYPTION },
};

/* Whatever else goes wrong on the way to a ticket: there is none. */
static enum fault meaning_of(OM_uint32 minor)
{
    for (size_t i = 0; i < ARRAY_LEN(meanings); i++)
        if ((OM_uint32)meanings[i].code == minor)
            return meanings[i].fault;
    return FAULT_KERBEROS_NO_CREDENTIALS;
}

static enum fault failed(OM_uint32 minor, struct buf *detail)
{
    krb_lucid_status(minor, detail);
    return meaning_of(minor);
}

static OM_uint32 import(struct str text, gss_OID kind, gss_name_t *out, OM_uint32 *minor)
{
    gss_buffer_desc in = { .length = text.len, .value = (void *)text.ptr };

    return gss_import_name(minor, &in, kind, out);
}

/* --- a ticket to get tickets with --- */

/* By password it stays in memory, without a cache that anybody else could read. */
struct tickets {
    krb5_context context;
    krb5_ccache memory;
    gss_cred_id_t cred;
};

static void tickets_fini(struct tickets *t)
{
    OM_uint32 ignored;

    gss_release_cred(&ignored, &t->cred);
    if (t->memory)
        krb5_cc_destroy(t->context, t->memory);
    if (t->context)
        krb5_free_context(t->context);
}

static krb5_error_code ask_kdc(struct tickets *t, const char *name, int form, const char *password)
{
    krb5_principal who = NULL;
    krb5_get_init_creds_opt *options = NULL;
    krb5_creds creds = { 0 };

    krb5_error_code code = krb5_parse_name_flags(t->context, name, form, &who);
    if (code == 0)
        code = krb5_get_init_creds_opt_alloc(t->context, &options);
    if (code == 0) { /* asked by a userPrincipalName the KDC says which account it is */
        krb5_get_init_creds_opt_set_canonicalize(options, form != 0);
        krb5_get_init_creds_opt_set_out_ccache(t->context, options, t->memory);
        code = krb5_get_init_creds_password(t->context, &creds, who, password, NULL, NULL, 0, NULL,
                                            options);
    }
    krb5_free_cred_contents(t->context, &creds);
    krb5_get_init_creds_opt_free(t->context, options);
    krb5_free_principal(t->context, who);
    return code;
}

static krb5_error_code told(struct tickets *t, krb5_error_code code, struct buf *detail)
{
    const char *text = code ? krb5_get_error_message(t->context, code) : NULL;

    if (text)
        buf_printf(detail, "%s%s", detail->len ? "; " : "", text);
    krb5_free_error_message(t->context, text);
    return code;
}

/* What looks like ada@REALM is a userPrincipalName when no KDC is known for that realm: whose it is
 * the KDC of the default realm knows, if there is one (RFC 6806 5). */
static krb5_error_code ask_by_name(struct tickets *t, const char *name, const char *password,
                                   struct buf *detail)
{
    krb5_error_code code = told(t, ask_kdc(t, name, 0, password), detail);

    if (code != KRB5_REALM_UNKNOWN)
        return code;
    code = told(t, ask_kdc(t, name, KRB5_PRINCIPAL_PARSE_ENTERPRISE, password), detail);
    return code == KRB5_CONFIG_NODEFREALM ? KRB5_REALM_UNKNOWN : code;
}

static enum fault by_password(struct tickets *t, const struct krb_initiate *in, struct buf *detail)
{
    char *name = str_own(in->principal), *password = str_own(in->password);
    OM_uint32 minor = 0;

    krb5_error_code code = told(t, krb5_init_context(&t->context), detail);
    if (code == 0)
        code = told(t, krb5_cc_new_unique(t->context, "MEMORY", NULL, &t->memory), detail);
    if (code == 0)
        code = ask_by_name(t, name, password, detail);
    secret_wipe(password, in->password.len);
    free(password);
    free(name);
    if (code != 0)
        return meaning_of((OM_uint32)code);
    if (GSS_ERROR(gss_krb5_import_cred(&minor, t->memory, NULL, NULL, &t->cred)))
        return failed(minor, detail);
    buf_clear(detail);
    return FAULT_NONE;
}

static enum fault from_cache(struct tickets *t, struct str principal, struct buf *detail)
{
    gss_OID_set_desc mechs = { 1, gss_mech_krb5 };
    gss_name_t name = GSS_C_NO_NAME;
    OM_uint32 major = GSS_S_COMPLETE, minor = 0, ignored;

    if (principal.len > 0)
        major = import(principal, GSS_C_NT_USER_NAME, &name, &minor);
    if (!GSS_ERROR(major))
        major = gss_acquire_cred(&minor, name, GSS_C_INDEFINITE, &mechs, GSS_C_INITIATE, &t->cred,
                                 NULL, NULL);
    gss_release_name(&ignored, &name);
    return GSS_ERROR(major) ? failed(minor, detail) : FAULT_NONE;
}

/* --- a token --- */

static enum fault no_keys(struct buf *detail)
{
    buf_add_c(detail, "the session key is of a kind we do not sign with");
    return FAULT_KERBEROS_ENCRYPTION;
}

static OM_uint32 flags_of(const struct krb_initiate *in)
{
    return GSS_C_INTEG_FLAG | (in->replay ? GSS_C_REPLAY_FLAG : 0u) |
           (in->sequence ? GSS_C_SEQUENCE_FLAG : 0u);
}

/* Without a realm a name would be taken to be of the default realm, which need not be the user's,
 * and need not be there.  An empty one is "wherever the KDC says" (RFC 6806).  Nothing asks a name
 * service. */
static void name_service(struct str service, struct buf *out)
{
    struct str host = service;
    krb5_context k;
    char **realms = NULL;

    buf_add(out, service);
    if (str_find_char(service, '@') != SIZE_MAX)
        return;
    str_take_until(&host, '/');
    buf_add_char(out, '@');
    if (krb5_init_context(&k) != 0)
        return;
    char *name = str_own(host);
    if (krb5_get_host_realm(k, name, &realms) == 0 && realms[0])
        buf_add_c(out, realms[0]);
    krb5_free_host_realm(k, realms);
    free(name);
    krb5_free_context(k);
}

static OM_uint32 import_service(struct str service, gss_name_t *out, OM_uint32 *minor)
{
    struct buf name = { 0 };

    name_service(service, &name);
    OM_uint32 major = import(buf_str(&name), (gss_OID)GSS_KRB5_NT_PRINCIPAL_NAME, out, minor);
    buf_fini(&name);
    return major;
}

static enum fault make_token(const struct krb_initiate *in, gss_cred_id_t cred, struct buf *token,
                             struct krb_keys *keys, struct buf *detail)
{
    OM_uint32 minor = 0, ignored;
    gss_name_t service = GSS_C_NO_NAME;
    gss_ctx_id_t context = GSS_C_NO_CONTEXT;
    gss_buffer_desc out = GSS_C_EMPTY_BUFFER;
    enum fault fault = FAULT_NONE;
    int64_t ends;

    OM_uint32 major = import_service(in->service, &service, &minor);
    if (!GSS_ERROR(major))
        major = gss_init_sec_context(&minor, cred, &context, service, gss_mech_krb5, flags_of(in),
                                     GSS_C_INDEFINITE, GSS_C_NO_CHANNEL_BINDINGS, GSS_C_NO_BUFFER,
                                     NULL, &out, NULL, NULL);
    if (GSS_ERROR(major))
        fault = failed(minor, detail);
    else if (!krb_lucid_keys(&context, keys, &ends))
        fault = no_keys(detail);
    else
        buf_add(token, str_of(out.value, out.length));
    gss_release_buffer(&ignored, &out);
    gss_delete_sec_context(&ignored, &context, GSS_C_NO_BUFFER);
    gss_release_name(&ignored, &service);
    return fault;
}

enum fault krb_initiate(const struct krb_initiate *in, struct buf *token, struct krb_keys *keys,
                        struct buf *detail)
{
    struct tickets t = { .cred = GSS_C_NO_CREDENTIAL };
    enum fault fault;

    if (in->password.len > 0 && in->principal.len == 0) {
        buf_add_c(detail, "there is a password, but no name");
        return FAULT_KERBEROS_NO_CREDENTIALS;
    }
    if (in->password.len > 0)
        fault = by_password(&t, in, detail);
    else
        fault = from_cache(&t, in->principal, detail);
    if (fault == FAULT_NONE)
        fault = make_token(in, t.cred, token, keys, detail);
    tickets_fini(&t);
    return fault;
}
