/* SPDX-License-Identifier: MIT */
/* Our Kerberos initiator before MIT's acceptor, for run-kerberos-initiate.sh: a token, and then the
 * signatures of both sides.
 *
 *   krb_initiate_tool KEYTAB SERVICE PRINCIPAL FLAGS COUNT
 *
 * The password, if any, is the first line on standard input; without one the tickets of KRB5CCNAME
 * serve.  PRINCIPAL "-": whose they are; FLAGS: letters of r (replay), s (sequence), or "-".
 * Prints FAULT|DETAIL, or signed|FORM|PRINCIPAL|SERVICE as the acceptor sees them. */
#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/compiler.h"
#include "base/secret.h"
#include "kerberos/initiate.h"

enum { TEXT_MAX = 1500 };

static NORETURN void fail(const char *what, OM_uint32 minor)
{
    OM_uint32 ignored, more = 0;
    gss_buffer_desc text = GSS_C_EMPTY_BUFFER;

    gss_display_status(&ignored, minor, GSS_C_MECH_CODE, gss_mech_krb5, &more, &text);
    fprintf(stderr, "krb_initiate_tool: %s: %.*s\n", what, (int)text.length,
            (const char *)text.value);
    exit(2);
}

/* MIT's acceptor: a context, and what it calls the two. */
static gss_ctx_id_t accept_with(char *keytab, struct str token, struct buf *names)
{
    OM_uint32 minor;
    gss_key_value_element_desc elements[] = { { "keytab", keytab }, { "rcache", "none:" } };
    gss_key_value_set_desc store = { 2, elements };
    gss_cred_id_t cred;
    gss_ctx_id_t context = GSS_C_NO_CONTEXT;
    gss_name_t both[2] = { GSS_C_NO_NAME, GSS_C_NO_NAME };
    gss_buffer_desc in = { token.len, (void *)token.ptr }, text, answer = GSS_C_EMPTY_BUFFER;

    if (GSS_ERROR(gss_acquire_cred_from(&minor, GSS_C_NO_NAME, GSS_C_INDEFINITE, GSS_C_NO_OID_SET,
                                        GSS_C_ACCEPT, &store, &cred, NULL, NULL)))
        fail("keytab", minor);
    if (gss_accept_sec_context(&minor, &context, cred, &in, GSS_C_NO_CHANNEL_BINDINGS, NULL, NULL,
                               &answer, NULL, NULL, NULL) != GSS_S_COMPLETE ||
        answer.length > 0)
        fail("one token is not enough", minor);
    if (gss_inquire_context(&minor, context, &both[0], &both[1], NULL, NULL, NULL, NULL, NULL) !=
        GSS_S_COMPLETE)
        fail("names", minor);
    for (unsigned i = 0; i < 2; i++) {
        gss_display_name(&minor, both[i], &text, NULL);
        buf_printf(names, "|%.*s", (int)text.length, (const char *)text.value);
        gss_release_buffer(&minor, &text);
        gss_release_name(&minor, &both[i]);
    }
    gss_release_cred(&minor, &cred);
    return context;
}

static void compare(gss_ctx_id_t theirs, struct krb_mic *ours, unsigned count)
{
    uint8_t room[TEXT_MAX], mic[KRB_MIC_MAX];
    OM_uint32 minor;
    gss_buffer_desc made;

    for (unsigned i = 0; i < count; i++) {
        struct str text = str_of(room, random_u32() % sizeof(room));
        gss_buffer_desc message = { text.len, room };

        random_bytes(room, sizeof(room));
        gss_buffer_desc token = { krb_mic_make(ours, text, mic), mic };
        if (GSS_ERROR(gss_verify_mic(&minor, theirs, &message, &token, NULL)))
            fail("our signature", minor);
        mic[token.length - 1] ^= 1;
        if (!GSS_ERROR(gss_verify_mic(&minor, theirs, &message, &token, NULL)))
            fail("our signature, altered", 0);
        if (GSS_ERROR(gss_get_mic(&minor, theirs, GSS_C_QOP_DEFAULT, &message, &made)) ||
            !krb_mic_verify(ours, text, str_of(made.value, made.length)))
            fail("their signature", minor);
        ((uint8_t *)made.value)[made.length - 1] ^= 1;
        if (krb_mic_verify(ours, text, str_of(made.value, made.length)))
            fail("their signature, altered", 0);
        gss_release_buffer(&minor, &made);
    }
}

static void sign_both_ways(char *keytab, struct str token, const struct krb_keys *keys,
                           unsigned count)
{
    struct krb_mic ours;
    struct buf names = { 0 };
    OM_uint32 minor;
    gss_ctx_id_t theirs = accept_with(keytab, token, &names);

    krb_mic_init(&ours, keys, false);
    compare(theirs, &ours, count);
    printf("signed|%s-%u%.*s\n", keys->rfc4121 ? "rfc4121" : "rfc4757", keys->key_len * 8u,
           STR_ARG(buf_str(&names)));
    krb_mic_fini(&ours);
    buf_fini(&names);
    gss_delete_sec_context(&minor, &theirs, GSS_C_NO_BUFFER);
}

int main(int argc, char **argv)
{
    char password[256] = "";
    struct buf token = { 0 }, detail = { 0 };
    struct krb_keys keys;

    if (argc != 6) {
        fputs("see the comment in front of krb_initiate_tool.c\n", stderr);
        return 2;
    }
    if (fgets(password, sizeof(password), stdin))
        password[strcspn(password, "\n")] = '\0';
    struct krb_initiate in = { .service = str_from_c(argv[2]),
                               .password = str_from_c(password),
                               .replay = strchr(argv[4], 'r') != NULL,
                               .sequence = strchr(argv[4], 's') != NULL };
    if (strcmp(argv[3], "-") != 0)
        in.principal = str_from_c(argv[3]);
    enum fault fault = krb_initiate(&in, &token, &keys, &detail);
    if (fault == FAULT_NONE)
        sign_both_ways(argv[1], buf_str(&token), &keys, (unsigned)atoi(argv[5]));
    else
        printf("%s|%.*s\n", fault_name(fault), STR_ARG(buf_str(&detail)));
    secret_wipe(&keys, sizeof(keys));
    secret_wipe(password, sizeof(password));
    buf_fini(&token);
    buf_fini(&detail);
    return 0;
}
