/* SPDX-License-Identifier: MIT */
#include "kerberos/lucid.h"

#include <gssapi/gssapi_krb5.h>
#include <string.h>

#include "base/secret.h"

/* Encryption types whose signatures we make (RFC 3962, RFC 4757). */
enum { ETYPE_AES128 = 17, ETYPE_AES256 = 18, ETYPE_RC4 = 23 };

static bool take_key(const gss_krb5_lucid_key_t *key, struct krb_keys *out)
{
    if (key->length > sizeof(out->key))
        return false;
    out->key_len = (uint8_t)key->length;
    memcpy(out->key, key->data, key->length);
    switch (key->type) {
    case ETYPE_AES128:
        return out->rfc4121 && key->length == 16;
    case ETYPE_AES256:
        return out->rfc4121 && key->length == 32;
    case ETYPE_RC4:
        return !out->rfc4121 && key->length == 16;
    default:
        return false;
    }
}

bool krb_lucid_keys(gss_ctx_id_t *context, struct krb_keys *out, int64_t *ends)
{
    OM_uint32 minor;
    void *exported = NULL;
    bool good = false;

    *out = (struct krb_keys){ 0 };
    OM_uint32 major = gss_krb5_export_lucid_sec_context(&minor, context, 1, &exported);
    if (GSS_ERROR(major)) {
        gss_delete_sec_context(&minor, context, GSS_C_NO_BUFFER);
        return false;
    }
    *context = GSS_C_NO_CONTEXT; /* the export has freed it */
    const gss_krb5_lucid_context_v1_t *c = exported;
    out->rfc4121 = c->protocol == 1;
    out->send_seq = c->send_seq;
    *ends = (int64_t)(uint32_t)c->endtime;
    if (c->protocol == 0) {
        good = take_key(&c->rfc1964_kd.ctx_key, out);
    } else if (c->protocol == 1) {
        out->acceptor_subkey = c->cfx_kd.have_acceptor_subkey;
        good =
            take_key(out->acceptor_subkey ? &c->cfx_kd.acceptor_subkey : &c->cfx_kd.ctx_key, out);
    }
    gss_krb5_free_lucid_sec_context(&minor, exported);
    if (!good)
        secret_wipe(out, sizeof(*out));
    return good;
}

void krb_lucid_status(OM_uint32 minor, struct buf *detail)
{
    OM_uint32 ignored, more = 0;

    do {
        gss_buffer_desc text = GSS_C_EMPTY_BUFFER;
        if (GSS_ERROR(
                gss_display_status(&ignored, minor, GSS_C_MECH_CODE, gss_mech_krb5, &more, &text)))
            return;
        buf_printf(detail, "%s%.*s", detail->len ? "; " : "", (int)text.length,
                   (const char *)text.value);
        gss_release_buffer(&ignored, &text);
    } while (more);
}
