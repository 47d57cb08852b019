/* SPDX-License-Identifier: MIT */
#include "kerberos/key_list.h"

#include <errno.h>
#include <krb5.h>
#include <stdio.h>
#include <unistd.h>

static bool fail(krb5_context context, const char *path, krb5_error_code code, struct buf *why)
{
    const char *text = krb5_get_error_message(context, code);

    buf_printf(why, "%s cannot be read (%s)", path, text);
    krb5_free_error_message(context, text);
    return false;
}

static void describe(krb5_context context, const krb5_keytab_entry *e, struct krb_key *out)
{
    char *name = NULL;

    *out = (struct krb_key){ .kvno = e->vno };
    if (krb5_unparse_name(context, e->principal, &name) == 0)
        snprintf(out->principal, sizeof(out->principal), "%s", name);
    krb5_free_unparsed_name(context, name);
    if (krb5_enctype_to_name(e->key.enctype, 0, out->enctype, sizeof(out->enctype)) != 0)
        snprintf(out->enctype, sizeof(out->enctype), "etype %d", (int)e->key.enctype);
}

static krb5_error_code list(krb5_context context, krb5_keytab keytab,
                            void (*each)(void *arg, const struct krb_key *k), void *arg)
{
    krb5_kt_cursor cursor;
    krb5_keytab_entry entry;
    struct krb_key key;
    krb5_error_code code = krb5_kt_start_seq_get(context, keytab, &cursor);

    if (code != 0)
        return code;
    while ((code = krb5_kt_next_entry(context, keytab, &entry, &cursor)) == 0) {
        describe(context, &entry, &key);
        krb5_free_keytab_entry_contents(context, &entry);
        each(arg, &key);
    }
    krb5_kt_end_seq_get(context, keytab, &cursor);
    return code == KRB5_KT_END ? 0 : code;
}

bool krb_keytab_list(const char *path, void (*each)(void *arg, const struct krb_key *k), void *arg,
                     struct buf *why)
{
    krb5_context context;
    krb5_keytab keytab = NULL;
    struct buf name = { 0 };

    if (krb5_init_context(&context) != 0) {
        buf_add_c(why, "Kerberos cannot start: see that krb5.conf can be read");
        return false;
    }
    buf_printf(&name, "FILE:%s", path);
    buf_add_char(&name, '\0');
    krb5_error_code code = access(path, R_OK) == 0 ? 0 : errno;
    if (code == 0)
        code = krb5_kt_resolve(context, name.ptr, &keytab);
    if (code == 0)
        code = list(context, keytab, each, arg);
    bool good = code == 0 || fail(context, path, code, why);
    if (keytab)
        krb5_kt_close(context, keytab);
    buf_fini(&name);
    krb5_free_context(context);
    return good;
}
