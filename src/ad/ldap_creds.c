/* SPDX-License-Identifier: MIT */
#include "ad/ldap_creds.h"

#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>
#include <krb5.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

static void add_status(OM_uint32 code, int type, struct buf *out)
{
    OM_uint32 minor, more = 0;

    do {
        gss_buffer_desc text = GSS_C_EMPTY_BUFFER;
        if (gss_display_status(&minor, code, type, gss_mech_krb5, &more, &text) != GSS_S_COMPLETE)
            return;
        buf_printf(out, "%s%.*s", out->len ? ": " : "", (int)text.length, (char *)text.value);
        gss_release_buffer(&minor, &text);
    } while (more);
}

/* "ldapread" is of our realm; empty: whoever the keytab names first. */
static bool name_of(const struct conf *c, gss_name_t *out, struct buf *why)
{
    struct buf text = { 0 };
    OM_uint32 minor;

    *out = GSS_C_NO_NAME;
    if (!c->ad.user[0])
        return true;
    buf_add_c(&text, c->ad.user);
    if (str_find_char(buf_str(&text), '@') == SIZE_MAX)
        buf_printf(&text, "@%s", c->kerberos.realm);
    gss_buffer_desc name = { text.len, text.ptr };
    OM_uint32 major = gss_import_name(&minor, &name, GSS_KRB5_NT_PRINCIPAL_NAME, out);
    buf_fini(&text);
    if (!GSS_ERROR(major))
        return true;
    buf_printf(why, "'%s' is no Kerberos principal: see [directory] ad_user", c->ad.user);
    return false;
}

/* The library says "No credentials cache found" for whatever is missing in the keytab. */
static void explain(const struct conf *c, OM_uint32 minor, struct buf *why)
{
    const char *file = c->ad.keytab;
    struct buf reason = { 0 };

    add_status(minor, GSS_C_MECH_CODE, &reason);
    if (access(file, R_OK) != 0)
        buf_printf(why, "%s cannot be read (%s): it must belong to authd's account", file,
                   strerror(errno));
    else if (minor == (OM_uint32)KRB5_FCC_NOFILE)
        buf_printf(why, "%s holds no key of %s: 'klist -k %s' lists what it holds", file,
                   c->ad.user[0] ? c->ad.user : "anybody", file);
    else
        buf_printf(why, "no Kerberos ticket with %s (%.*s)", file, STR_ARG(buf_str(&reason)));
    buf_fini(&reason);
}

void *ad_creds_acquire(const struct conf *c, bool *refused, struct buf *why)
{
    OM_uint32 minor, ignored;
    gss_OID_set_desc krb5 = { 1, (gss_OID)gss_mech_krb5 };
    gss_cred_id_t creds = GSS_C_NO_CREDENTIAL;
    gss_name_t name;
    gss_key_value_element_desc places[] = { { "client_keytab", c->ad.keytab },
                                            { "ccache", AD_CREDS_PLACE } };
    gss_key_value_set_desc store = { 2, places };

    if (!name_of(c, &name, why))
        return NULL;
    OM_uint32 major = gss_acquire_cred_from(&minor, name, GSS_C_INDEFINITE, &krb5, GSS_C_INITIATE,
                                            &store, &creds, NULL, NULL);
    gss_release_name(&ignored, &name);
    if (!GSS_ERROR(major))
        return creds;
    *refused = minor == (OM_uint32)KRB5KDC_ERR_PREAUTH_FAILED ||
               minor == (OM_uint32)KRB5KRB_AP_ERR_BAD_INTEGRITY;
    explain(c, minor, why);
    return NULL;
}

void ad_creds_release(void *creds)
{
    OM_uint32 minor;
    gss_cred_id_t held = creds;

    gss_release_cred(&minor, &held);
}
