/* SPDX-License-Identifier: MIT */
#include "kerberos/accept.h"

#include <errno.h>
#include <fcntl.h>
#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>
#include <krb5.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/secret.h"
#include "kerberos/keytab.h"
#include "kerberos/lucid.h"
#include "kerberos/token.h"

struct krb_acceptor {
    char *keytab, *service, *replay_cache;
    krb5_context context; /* for what gssapi does not tell */
    gss_cred_id_t cred;   /* names of keytab and replay cache; both are opened at each accept */
};

/* --- faults --- */

/* What the library's codes mean to whoever looks for the cause.  Once there are credentials, the
 * replay cache is the only file left that a system call can fail for. */
static const struct {
    krb5_error_code code;
    enum fault fault;
} meanings[] = {
    { KRB5KRB_AP_ERR_SKEW, FAULT_KERBEROS_CLOCK_SKEW },
    { KRB5KRB_AP_ERR_TKT_NYV, FAULT_KERBEROS_CLOCK_SKEW },
    { KRB5KRB_AP_ERR_TKT_EXPIRED, FAULT_KERBEROS_EXPIRED },
    { KRB5KRB_AP_ERR_REPEAT, FAULT_KERBEROS_REPLAY },
    { KRB5KRB_AP_ERR_BAD_INTEGRITY, FAULT_KERBEROS_WRONG_KEY },
    { KRB5KRB_AP_ERR_MODIFIED, FAULT_KERBEROS_WRONG_KEY },
    { KRB5KRB_AP_ERR_NOKEY, FAULT_KERBEROS_NO_KEY },
    { KRB5KRB_AP_ERR_BADKEYVER, FAULT_KERBEROS_NO_KEY },
    { KRB5KRB_AP_WRONG_PRINC, FAULT_KERBEROS_NO_KEY },
    { KRB5KRB_AP_ERR_NOT_US, FAULT_KERBEROS_NO_KEY },
    { KRB5_KT_NOTFOUND, FAULT_KERBEROS_NO_KEY },
    { KRB5_KT_KVNONOTFOUND, FAULT_KERBEROS_NO_KEY },
    { KRB5_BAD_ENCTYPE, FAULT_KERBEROS_ENCRYPTION },
    { KRB5_NOPERM_ETYPE, FAULT_KERBEROS_ENCRYPTION },
    { KRB5_PROG_ETYPE_NOSUPP, FAULT_KERBEROS_ENCRYPTION },
    { KRB5KDC_ERR_ETYPE_NOSUPP, FAULT_KERBEROS_ENCRYPTION },
    { ENOSPC, FAULT_KERBEROS_CACHE },
    { EDQUOT, FAULT_KERBEROS_CACHE },
    { EACCES, FAULT_KERBEROS_CACHE },
    { EPERM, FAULT_KERBEROS_CACHE },
    { EROFS, FAULT_KERBEROS_CACHE },
    { ENOENT, FAULT_KERBEROS_CACHE },
    { EIO, FAULT_KERBEROS_CACHE },
    { EISDIR, FAULT_KERBEROS_CACHE },
    { ENOTDIR, FAULT_KERBEROS_CACHE },
};

static enum fault meaning_of(OM_uint32 minor)
{
    for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
        if ((OM_uint32)meanings[i].code == minor)
            return meanings[i].fault;
    return FAULT_KERBEROS_TOKEN;
}

/* The library says only that the clocks differ. */
static void add_skew(const struct krb_acceptor *a, struct str request, struct buf *detail)
{
    krb5_timestamp now;
    int64_t theirs;

    if (krb5_timeofday(a->context, &now) != 0 ||
        !krb_keytab_client_time(a->context, a->keytab, request, &theirs))
        return;
    int64_t ahead = theirs - (int64_t)(uint32_t)now;
    buf_printf(detail, "; the client's clock is %lld seconds %s ours",
               (long long)(ahead < 0 ? -ahead : ahead), ahead < 0 ? "behind" : "ahead of");
}

/* --- acceptor --- */

/* access() would not ask what a sandbox has to say. */
static void look_at_keytab(const char *path, struct buf *why)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        buf_printf(why,
                   "the keytab %s cannot be read (%s): it must exist and belong to our account",
                   path, strerror(errno));
    else
        close(fd);
}

struct krb_acceptor *krb_acceptor_new(const struct krb_acceptor_settings *s, struct buf *why)
{
    struct krb_acceptor *a = calloc(1, sizeof(*a));

    if (!a)
        abort();
    krb5_error_code code = krb5_init_context(&a->context);
    if (code != 0) {
        const char *text = krb5_get_error_message(NULL, code);
        buf_printf(why,
                   "the Kerberos library cannot start (%s): see that krb5.conf, and what it "
                   "includes, is well-formed and can be read by our account",
                   text);
        krb5_free_error_message(NULL, text);
        free(a);
        return NULL;
    }
    look_at_keytab(s->keytab, why);
    a->keytab = str_own(str_from_c(s->keytab));
    a->service = s->service ? str_own(str_from_c(s->service)) : NULL;
    struct buf cache = { 0 };
    buf_printf(&cache, "file2:%s", s->replay_cache);
    a->replay_cache = str_own(buf_str(&cache));
    buf_fini(&cache);
    return a;
}

static void forget_credentials(struct krb_acceptor *a)
{
    OM_uint32 minor;

    gss_release_cred(&minor, &a->cred);
}

void krb_acceptor_free(struct krb_acceptor *a)
{
    forget_credentials(a);
    krb5_free_context(a->context);
    free(a->keytab);
    free(a->service);
    free(a->replay_cache);
    free(a);
}

/* The keytab is named in the call, not by the environment.  Fails when it has no key in it.  The
 * text of the failure alone says "Permission denied" and not of what. */
static bool acquire(struct krb_acceptor *a, struct buf *detail)
{
    gss_key_value_element_desc elements[] = { { "keytab", a->keytab },
                                              { "rcache", a->replay_cache } };
    gss_key_value_set_desc store = { 2, elements };
    gss_OID_set_desc mechs = { 1, gss_mech_krb5 };
    OM_uint32 minor;

    if (!GSS_ERROR(gss_acquire_cred_from(&minor, GSS_C_NO_NAME, GSS_C_INDEFINITE, &mechs,
                                         GSS_C_ACCEPT, &store, &a->cred, NULL, NULL)))
        return true;
    buf_clear(detail);
    krb_lucid_status(minor, detail);
    buf_add_c(detail, " (reading the keytab or krb5.conf)");
    return false;
}

static bool name_text(gss_name_t name, char *out, size_t size)
{
    OM_uint32 minor;
    gss_buffer_desc text = GSS_C_EMPTY_BUFFER;
    bool good = !GSS_ERROR(gss_display_name(&minor, name, &text, NULL)) && text.length > 0 &&
                text.length < size && !memchr(text.value, '\0', text.length);

    if (good) {
        memcpy(out, text.value, text.length);
        out[text.length] = '\0';
    }
    gss_release_buffer(&minor, &text);
    return good;
}

/* Any key of the keytab opens its ticket; only ours are meant for us.  The library names the entry
 * whose key it was, not what the ticket calls the service, which anybody may rewrite.  The realm is
 * the keytab's. */
static bool is_our_service(const struct krb_acceptor *a, const char *target)
{
    struct str name = str_from_c(target);

    return !a->service ||
           str_eq_nocase(str_first(name, str_find_char(name, '@')), str_from_c(a->service));
}

static enum fault take_names(const struct krb_acceptor *a, gss_ctx_id_t context,
                             struct krb_accepted *out, struct buf *detail)
{
    OM_uint32 minor;
    gss_name_t source = GSS_C_NO_NAME, target = GSS_C_NO_NAME;
    char service[KRB_PRINCIPAL_MAX + 1];
    enum fault fault = FAULT_KERBEROS_TOKEN;

    if (!GSS_ERROR(
            gss_inquire_context(&minor, context, &source, &target, NULL, NULL, NULL, NULL, NULL)) &&
        name_text(source, out->principal, sizeof(out->principal)) &&
        name_text(target, service, sizeof(service)))
        fault = is_our_service(a, service) ? FAULT_NONE : FAULT_KERBEROS_NO_KEY;
    if (fault == FAULT_KERBEROS_NO_KEY)
        buf_printf(detail, "the keytab's key of %s opens it, but [kerberos] service is %s", service,
                   a->service);
    gss_release_name(&minor, &source);
    gss_release_name(&minor, &target);
    return fault;
}

/* The context is used up. */
static enum fault take_keys(gss_ctx_id_t *context, struct krb_accepted *out, struct buf *detail)
{
    if (krb_lucid_keys(context, &out->keys, &out->ends))
        return FAULT_NONE;
    buf_add_c(detail, "the session key is of a kind we do not sign with");
    secret_wipe(&out->keys, sizeof(out->keys));
    return FAULT_KERBEROS_ENCRYPTION;
}

/* With credentials from before, a keytab that has gone shows as one without the key, or as a file
 * that cannot be opened. */
static bool may_be_the_keytab(enum fault f)
{
    return f == FAULT_KERBEROS_NO_KEY || f == FAULT_KERBEROS_CACHE;
}

static enum fault refused(struct krb_acceptor *a, struct str request, OM_uint32 minor,
                          struct buf *detail)
{
    enum fault fault = meaning_of(minor);

    krb_lucid_status(minor, detail);
    if (may_be_the_keytab(fault)) {
        forget_credentials(a);
        if (!acquire(a, detail))
            return FAULT_KERBEROS_KEYTAB;
    }
    if (minor == (OM_uint32)KRB5KRB_AP_ERR_TKT_NYV)
        buf_add_c(detail, "; the clock of who issued the ticket is ahead of ours");
    else if (fault == FAULT_KERBEROS_CLOCK_SKEW)
        add_skew(a, request, detail);
    if (fault == FAULT_KERBEROS_NO_KEY && krb_keytab_lacks_kind(a->context, a->keytab, request))
        fault = FAULT_KERBEROS_ENCRYPTION;
    return fault;
}

enum fault krb_accept(struct krb_acceptor *a, struct str token, struct krb_accepted *out,
                      struct buf *reply, struct buf *detail)
{
    OM_uint32 minor, ignored;
    gss_ctx_id_t context = GSS_C_NO_CONTEXT;
    gss_buffer_desc in = { .length = token.len, .value = (void *)token.ptr };
    gss_buffer_desc answer = GSS_C_EMPTY_BUFFER;
    struct str request;
    enum fault fault = FAULT_NONE;

    *out = (struct krb_accepted){ 0 };
    if (!krb_token_request(token, &request)) {
        buf_add_c(detail, "not an initial token of Kerberos 5");
        return FAULT_KERBEROS_TOKEN;
    }
    if (!a->cred && !acquire(a, detail))
        return FAULT_KERBEROS_KEYTAB;
    OM_uint32 major =
        gss_accept_sec_context(&minor, &context, a->cred, &in, GSS_C_NO_CHANNEL_BINDINGS, NULL,
                               NULL, &answer, NULL, NULL, NULL);
    if (GSS_ERROR(major))
        fault = refused(a, request, minor, detail);
    else if (major & GSS_S_CONTINUE_NEEDED) /* DCE style: a third leg, for which SIP has no place */
        fault = FAULT_KERBEROS_TOKEN;
    if (fault == FAULT_NONE)
        fault = take_names(a, context, out, detail);
    if (fault == FAULT_NONE)
        fault = take_keys(&context, out, detail);
    if (fault == FAULT_NONE)
        buf_add(reply, str_of(answer.value, answer.length));
    gss_release_buffer(&ignored, &answer);
    gss_delete_sec_context(&ignored, &context, GSS_C_NO_BUFFER);
    return fault;
}
