/* SPDX-License-Identifier: MIT */
#include "ad/ldap_connect.h"

#include <lber.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "ad/ldap_creds.h"
#include "base/compiler.h"
#include "base/secret.h"

static const char SYSTEM_CA[] = "/etc/ssl/certs/ca-certificates.crt";
enum { SEALED_SSF = 56 }; /* the least that "encrypted" is called by SASL; AES shows as 256 */

static bool is_simple(const struct conf *c)
{
    return strcmp(c->ad.bind, "simple") == 0;
}

/* --- which servers --- */

/* "host:port host:port"; the ports of SRV records are those of plain LDAP. */
static unsigned take_hosts(const char *hosts, bool tls, char *out[AD_SERVERS_MAX])
{
    struct str rest = str_from_c(hosts);
    unsigned n = 0;

    while (rest.len > 0 && n < AD_SERVERS_MAX) {
        struct str host = str_take_until(&rest, ' ');
        struct buf uri = { 0 };
        if (host.len == 0)
            continue;
        if (tls)
            host = str_first(host, str_find_char(host, ':'));
        buf_printf(&uri, "%s://%.*s", tls ? "ldaps" : "ldap", STR_ARG(host));
        out[n++] = str_own(buf_str(&uri));
        buf_fini(&uri);
    }
    return n;
}

unsigned ad_ldap_servers(const struct conf *c, char *out[AD_SERVERS_MAX], struct buf *why)
{
    struct buf name = { 0 };
    char *hosts = NULL;
    unsigned n = 0;

    for (; n < c->ad.server_count && n < AD_SERVERS_MAX; n++)
        out[n] = str_own(str_from_c(c->ad.servers[n]));
    if (n > 0)
        return n;
    buf_printf(&name, "dc._msdcs.%s", c->ad.domain);
    buf_add_char(&name, '\0');
    if (ldap_domain2hostlist(name.ptr, &hosts) == LDAP_SUCCESS && hosts)
        n = take_hosts(hosts, is_simple(c), out);
    ldap_memfree(hosts);
    if (n == 0)
        buf_printf(why,
                   "DNS has no _ldap._tcp.%s: let this machine ask the domain's DNS, or name "
                   "ad_servers\n",
                   name.ptr);
    buf_fini(&name);
    return n;
}

/* --- what went wrong --- */

/* The number after "data" in the text of a refused bind. */
static const struct {
    const char *data, *text;
} bind_errors[] = {
    { "data 52e", "wrong password, or no such account" },
    { "data 525", "no such account" },
    { "data 530", "outside its logon hours" },
    { "data 531", "not from this workstation" },
    { "data 532", "its password has expired" },
    { "data 533", "it is disabled" },
    { "data 701", "it has expired" },
    { "data 773", "it must change its password" },
    { "data 775", "it is locked" },
};

/* Of "SASL(-1): generic failure: GSSAPI Error: ... Minor code may provide more information (Server
 * not found in Kerberos database)" only the end says something. */
static struct str useful_part(struct str text)
{
    static const char before[] = "may provide more information (";
    size_t at = str_find(text, str_from_c(before));

    if (at == SIZE_MAX)
        return str_trim(text);
    text = str_skip(text, at + strlen(before));
    return str_first(text, str_find_char(text, ')'));
}

void ad_ldap_reason(LDAP *ld, int code, struct buf *out)
{
    char *text = NULL;

    buf_add_c(out, ldap_err2string(code));
    ldap_get_option(ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &text);
    for (unsigned i = 0; text && i < ARRAY_LEN(bind_errors); i++) {
        if (strstr(text, bind_errors[i].data))
            buf_printf(out, ", the account: %s", bind_errors[i].text);
    }
    if (text && text[0])
        buf_printf(out, " (%.*s)", STR_ARG(str_first(useful_part(str_from_c(text)), 200)));
    ldap_memfree(text);
}

static bool failed(LDAP *ld, const char *uri, const char *what, int code, struct buf *why)
{
    buf_printf(why, "%s: %s: ", uri, what);
    ad_ldap_reason(ld, code, why);
    return false;
}

/* --- settings --- */

static int connected(LDAP *ld, Sockbuf *sb, LDAPURLDesc *server, struct sockaddr *at,
                     struct ldap_conncb *ctx);
static void disconnected(LDAP *ld, Sockbuf *sb, struct ldap_conncb *ctx);

static bool set_limits(LDAP *ld, uint32_t limit_ms)
{
    static struct ldap_conncb calls = { .lc_add = connected, .lc_del = disconnected };

    struct timeval limit = { .tv_sec = limit_ms / 1000, .tv_usec = (limit_ms % 1000) * 1000 };
    int three = LDAP_VERSION3, idle_s = 60, every_s = 10, probes = 3;

    return ldap_set_option(ld, LDAP_OPT_PROTOCOL_VERSION, &three) == 0 &&
           /* AD answers searches at the domain's root with referrals to its other partitions */
           ldap_set_option(ld, LDAP_OPT_REFERRALS, LDAP_OPT_OFF) == 0 &&
           ldap_set_option(ld, LDAP_OPT_RESTART, LDAP_OPT_ON) == 0 &&
           /* the name we were given is the one the ticket must be for, not what DNS says of it */
           ldap_set_option(ld, LDAP_OPT_X_SASL_NOCANON, LDAP_OPT_ON) == 0 &&
           /* what a firewall forgot is found out before somebody waits for it */
           ldap_set_option(ld, LDAP_OPT_X_KEEPALIVE_IDLE, &idle_s) == 0 &&
           ldap_set_option(ld, LDAP_OPT_X_KEEPALIVE_INTERVAL, &every_s) == 0 &&
           ldap_set_option(ld, LDAP_OPT_X_KEEPALIVE_PROBES, &probes) == 0 &&
           ldap_set_option(ld, LDAP_OPT_CONNECT_CB, &calls) == 0 &&
           ldap_set_option(ld, LDAP_OPT_NETWORK_TIMEOUT, &limit) == 0 &&
           ldap_set_option(ld, LDAP_OPT_TIMEOUT, &limit) == 0;
}

static bool set_tls(const struct conf *c, LDAP *ld)
{
    int demand = LDAP_OPT_X_TLS_DEMAND, client = 0, least = LDAP_OPT_X_TLS_PROTOCOL_TLS1_2;
    const char *ca = c->ad.ca_file[0] ? c->ad.ca_file : SYSTEM_CA;

    return ldap_set_option(ld, LDAP_OPT_X_TLS_REQUIRE_CERT, &demand) == 0 &&
           ldap_set_option(ld, LDAP_OPT_X_TLS_CACERTFILE, ca) == 0 &&
           ldap_set_option(ld, LDAP_OPT_X_TLS_PROTOCOL_MIN, &least) == 0 &&
           ldap_set_option(ld, LDAP_OPT_X_TLS_NEWCTX, &client) == 0;
}

/* --- a limit for what the library does not limit: the TLS handshake --- */

/* Of the one connection that is being made; shut down by a timer, so that reading from it ends.
 * 0 is no descriptor of ours. */
static volatile sig_atomic_t dialled;

static void cut_off(int signum)
{
    (void)signum;
    if (dialled > 0)
        shutdown(dialled, SHUT_RDWR);
}

static int connected(LDAP *ld, Sockbuf *sb, LDAPURLDesc *server, struct sockaddr *at,
                     struct ldap_conncb *ctx)
{
    int fd = 0;

    (void)ld;
    (void)server;
    (void)at;
    (void)ctx;
    ber_sockbuf_ctrl(sb, LBER_SB_OPT_GET_FD, &fd);
    dialled = fd;
    return LDAP_SUCCESS;
}

static void disconnected(LDAP *ld, Sockbuf *sb, struct ldap_conncb *ctx)
{
    (void)ld;
    (void)sb;
    (void)ctx;
    dialled = 0;
}

struct limit {
    struct sigaction former;
};

/* Again and again, in case the first signal comes between two connections. */
static void limit_begin(struct limit *l, uint32_t limit_ms)
{
    struct sigaction action = { .sa_handler = cut_off, .sa_flags = SA_RESTART };
    struct itimerval t = { .it_interval = { .tv_usec = 100000 },
                           .it_value = { limit_ms / 1000, (limit_ms % 1000) * 1000 } };

    dialled = 0;
    sigaction(SIGALRM, &action, &l->former);
    setitimer(ITIMER_REAL, &t, NULL);
}

static void limit_end(struct limit *l)
{
    static const struct itimerval none;

    setitimer(ITIMER_REAL, &none, NULL);
    sigaction(SIGALRM, &l->former, NULL);
    dialled = 0;
}

/* --- binding --- */

/* The first line of the file, without its end. */
static bool read_password(const char *path, char out[256], struct buf *why)
{
    FILE *f = fopen(path, "re");

    if (!f || !fgets(out, 256, f)) {
        buf_printf(why,
                   "%s cannot be read: it must belong to authd's account, and hold the "
                   "password",
                   path);
        if (f)
            fclose(f);
        return false;
    }
    fclose(f);
    out[strcspn(out, "\r\n")] = '\0';
    return true;
}

/* A locked or disabled account is another matter: trying costs it nothing. */
static bool is_wrong_password(LDAP *ld)
{
    char *text = NULL;

    ldap_get_option(ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &text);
    bool wrong = !text || !strstr(text, "data ") || strstr(text, "data 52e");
    ldap_memfree(text);
    return wrong;
}

static bool bind_simple(const struct conf *c, LDAP *ld, const char *uri, bool *refused,
                        struct buf *why)
{
    char password[256];

    buf_printf(why, "%s: ", uri);
    if (!read_password(c->ad.password_file, password, why))
        return false;
    buf_clear(why);
    struct berval creds = { .bv_val = password, .bv_len = strlen(password) };
    int code = creds.bv_len == 0
                   ? LDAP_INAPPROPRIATE_AUTH /* would be an anonymous bind */
                   : ldap_sasl_bind_s(ld, c->ad.user, LDAP_SASL_SIMPLE, &creds, NULL, NULL, NULL);
    secret_wipe(password, sizeof(password));
    *refused = code == LDAP_INVALID_CREDENTIALS && is_wrong_password(ld);
    return code == LDAP_SUCCESS || failed(ld, uri, "the bind was refused", code, why);
}

static int no_questions(LDAP *ld, unsigned flags, void *defaults, void *in)
{
    (void)ld;
    (void)flags;
    (void)defaults;
    (void)in;
    return LDAP_SUCCESS;
}

static bool bind_gssapi(const struct conf *c, LDAP *ld, const char *uri, bool *refused,
                        struct buf *why)
{
    ber_len_t least = SEALED_SSF;
    const char *before = getenv(AD_CREDS_ENV);

    buf_printf(why, "%s: ", uri);
    void *creds = ad_creds_acquire(c, refused, why);
    if (!creds)
        return false;
    buf_clear(why);
    char *former = before ? str_own(str_from_c(before)) : NULL;
    /* SASL takes credentials from where the environment says, and from nowhere else */
    setenv(AD_CREDS_ENV, AD_CREDS_PLACE, 1);
    ldap_set_option(ld, LDAP_OPT_X_SASL_SSF_MIN, &least);
    int code = ldap_sasl_interactive_bind_s(ld, NULL, "GSSAPI", NULL, NULL, LDAP_SASL_QUIET,
                                            no_questions, NULL);
    if (former)
        setenv(AD_CREDS_ENV, former, 1);
    else
        unsetenv(AD_CREDS_ENV);
    free(former);
    ad_creds_release(creds);
    return code == LDAP_SUCCESS || failed(ld, uri, "the Kerberos bind was refused", code, why);
}

/* ldaps:// does its handshake here.  The library says nothing of why a certificate is not trusted.
 */
static bool dial(LDAP *ld, const char *uri, struct buf *why)
{
    bool tls = str_starts_nocase(str_from_c(uri), STR("ldaps:"));
    char *text = NULL;
    int code = ldap_connect(ld);

    if (code == LDAP_SUCCESS)
        return true;
    ldap_get_option(ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &text);
    if (tls && text && text[0])
        buf_printf(why,
                   "%s: TLS failed: its certificate must be for this name, and of an authority "
                   "in ad_ca_file",
                   uri);
    else
        buf_printf(why, "%s: no connection: is the name known here, and does it answer?", uri);
    ldap_memfree(text);
    return false;
}

static bool start_tls(LDAP *ld, const char *uri, struct buf *why)
{
    int code = ldap_start_tls_s(ld, NULL, NULL);

    if (code == LDAP_CONNECT_ERROR)
        buf_printf(why,
                   "%s: StartTLS failed: its certificate must be for this name, and of an "
                   "authority in ad_ca_file",
                   uri);
    else if (code != LDAP_SUCCESS)
        failed(ld, uri, "StartTLS failed", code, why);
    return code == LDAP_SUCCESS;
}

/* Simple is never sent in clear, and gssapi never inside TLS, which domain controllers refuse. */
static bool secure_and_bind(const struct conf *c, LDAP *ld, const char *uri, bool *refused,
                            struct buf *why)
{
    if (!dial(ld, uri, why))
        return false;
    if (!is_simple(c))
        return bind_gssapi(c, ld, uri, refused, why);
    if (!str_starts_nocase(str_from_c(uri), STR("ldaps:")) && !start_tls(ld, uri, why))
        return false;
    return bind_simple(c, ld, uri, refused, why);
}

LDAP *ad_ldap_connect(const struct conf *c, const char *uri, uint32_t limit_ms, bool *refused,
                      struct buf *why)
{
    struct buf reason = { 0 };
    struct limit limit;
    LDAP *ld = NULL;

    *refused = false;
    if (ldap_initialize(&ld, uri) != LDAP_SUCCESS) {
        buf_printf(why, "%s: no LDAP URI", uri);
        return NULL;
    }
    bool good = set_limits(ld, limit_ms) && set_tls(c, ld);
    if (!good)
        buf_printf(&reason, "%s: TLS cannot be set up: see that [directory] ad_ca_file can be read",
                   uri);
    limit_begin(&limit, limit_ms);
    good = good && secure_and_bind(c, ld, uri, refused, &reason);
    limit_end(&limit);
    if (!good) {
        ldap_unbind_ext_s(ld, NULL, NULL);
        buf_add(why, buf_str(&reason));
        ld = NULL;
    }
    buf_fini(&reason);
    return ld;
}
