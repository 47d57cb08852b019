/* SPDX-License-Identifier: MIT */
#include <ldap.h>

#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ad/child.h"
#include "ad/reader.h"
#include "conf/sandbox.h"
#include "users/name.h"

enum { EXIT_SANDBOX = 4 };

static enum fault ask(struct ad_reader *r, const struct ad_question *q, struct ad_answer *a,
                      unsigned first, struct buf *text, struct buf *why)
{
    if (!ad_reader_open(r, first, why))
        return FAULT_DIRECTORY_LDAP;
    switch (q->ask) {
    case AD_ASK_FIND:
        return ad_reader_find(r, q->by, q->value, &a->found, &a->account, why);
    case AD_ASK_CHANGES:
        return ad_reader_changes(r, q->server, q->since, a, text, why);
    case AD_ASK_PROBE:
        return ad_reader_probe(r, why);
    default:
        return FAULT_DIRECTORY_FAILED;
    }
}

static void answer(void *arg, const struct ad_question *q, struct ad_answer *a, struct buf *text)
{
    struct ad_reader *r = arg;
    struct buf why = { 0 };

    bool old = ad_reader_server(r)[0] != '\0';

    a->fault = ask(r, q, a, q->first, text, &why);
    /* a connection may have died of old age, and when a controller hangs the next may answer */
    if (old && (a->fault == FAULT_DIRECTORY_LDAP || a->fault == FAULT_DIRECTORY_SLOW)) {
        unsigned first = a->fault == FAULT_DIRECTORY_SLOW ? ad_reader_next(r) : q->first;
        buf_clear(&why);
        a->fault = ask(r, q, a, first, text, &why);
    }
    user_field_set(a->detail, sizeof(a->detail), str_first(str_trim(buf_str(&why)), AD_DETAIL_MAX));
    user_field_set(a->server, sizeof(a->server), str_from_c(ad_reader_server(r)));
    buf_fini(&why);
}

/* Files are replaced by rename, so their directories stay readable, not the files. */
static const char *folder_of(const char *path)
{
    return path[0] ? dirname(str_own(str_from_c(path))) : NULL;
}

void ad_child_ldap(const struct conf *c, int fd)
{
    struct sandbox_rules rules = {
        .read = { folder_of(c->ad.keytab), folder_of(c->ad.password_file), folder_of(c->ad.ca_file),
                  /* configuration of Kerberos, SASL, the resolver and TLS, and their plug-ins */
                  "/etc", "/usr/lib", "/usr/lib64", "/lib", "/lib64", "/usr/share",
                  "/usr/local/share/ca-certificates", "/run/systemd/resolve", "/var/lib/sss",
                  "/dev/urandom", "/dev/null" },
        .files = true,
        .unix_sockets = true, /* of name services */
        .inet_sockets = true,
        .libraries = true,
    };
    struct ad_reader *r = ad_reader_new(c);
    struct buf why = { 0 };

    /* nobody's ldap.conf or .ldaprc: what holds stands in our own configuration */
    setenv("LDAPNOINIT", "1", 1);
    if (!sandbox_enter(&rules, &why)) {
        fprintf(stderr, "postern: the LDAP child: %.*s\n", STR_ARG(buf_str(&why)));
        _exit(EXIT_SANDBOX);
    }
    ad_child_serve(fd, answer, r);
}
