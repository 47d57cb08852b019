/* SPDX-License-Identifier: MIT */
#include "authd/keytab.h"

#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>

#include "diag/trace.h"

void keytab_open(struct authd *a)
{
    const struct conf *c = a->conf;
    struct buf cache = { 0 }, why = { 0 };

    if (a->acceptor)
        krb_acceptor_free(a->acceptor);
    a->acceptor = NULL;
    if (c->kerberos.keytab[0] == '\0')
        return;
    buf_printf(&cache, "%s/kerberos.replay", c->state);
    struct krb_acceptor_settings s = { .keytab = c->kerberos.keytab,
                                       .service = c->kerberos.service,
                                       .replay_cache = cache.ptr };
    a->acceptor = krb_acceptor_new(&s, &why);
    if (why.len > 0) {
        fprintf(stderr, "postern: authd runs without Kerberos: %.*s\n", STR_ARG(buf_str(&why)));
        trace_text(TRACE_AUTHD, TL_ERROR, "kerberos", "%.*s", STR_ARG(buf_str(&why)));
    }
    buf_fini(&cache);
    buf_fini(&why);
}

static void add_folder_of(struct keytab_folders *f, struct str path)
{
    char *copy = str_own(path);

    if (path.len > 0 && f->count < KEYTAB_FOLDERS_MAX)
        f->folder[f->count++] = str_own(str_from_c(dirname(copy)));
    free(copy);
}

/* KRB5_CONFIG may name several files.  /etc holds krb5.conf, krb5.conf.d and gss; sssd, where it
 * is there, has krb5.conf include files of its own. */
void keytab_folders_init(struct keytab_folders *f, const struct conf *c)
{
    const char *named = getenv("KRB5_CONFIG");
    struct str files = str_from_c(named && named[0] ? named : "/etc/krb5.conf");

    *f = (struct keytab_folders){ 0 };
    if (c->kerberos.keytab[0] == '\0')
        return;
    add_folder_of(f, str_from_c(c->kerberos.keytab));
    add_folder_of(f, STR("/etc/gss/mech.d"));
    add_folder_of(f, STR("/etc/krb5.conf.d/."));
    add_folder_of(f, STR("/var/lib/sss/pubconf/."));
    while (files.len > 0)
        add_folder_of(f, str_take_until(&files, ':'));
}

void keytab_folders_fini(struct keytab_folders *f)
{
    for (unsigned i = 0; i < f->count; i++)
        free(f->folder[i]);
}
