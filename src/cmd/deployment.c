/* SPDX-License-Identifier: MIT */
#include "cmd/deployment.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/secret.h"
#include "base/utf16.h"
#include "cmd/port.h"
#include "cmd/remote.h"
#include "ntlm/crypt.h"
#include "tls/tls.h"
#include "users/store.h"

enum { READY_MS = 10000, POLL_MS = 20, PORT_KDC = 4 /* after the base */ };

const struct deployment_user deployment_users[] = {
    { "ada", "Ada Lovelace", NULL, 0, true },
    { "ben", "Ben Kilburn", NULL, 0, true },
    { "cleo", "Cleo Marchetti", NULL, 0, false },
    { "dirk", "Dirk Jansen", NULL, 0, false },
    { "eve", "Eve Disabled", "disabled", USER_DISABLED, true },
    { "finn", "Finn Locked", "locked", USER_LOCKED, true },
    { "gus", "Gus Expired", "expired", 0, true },
    { "hana", "Hana Mustchange", "must change password", USER_MUST_CHANGE, true },
    { "ines", "Ines Nosip", "not enabled for SIP", 0, true },
};
const unsigned deployment_user_count = ARRAY_LEN(deployment_users);

static bool fail(struct buf *why, const char *what, const char *which)
{
    buf_printf(why, "%s %s: %s", what, which, strerror(errno));
    return false;
}

static bool make_dir(struct deployment *d, const char *dir, struct buf *why)
{
    if (dir) {
        if ((size_t)snprintf(d->dir, sizeof(d->dir), "%s", dir) >= sizeof(d->dir) - 64)
            return fail(why, "too long a path:", dir);
        if (mkdir(d->dir, 0700) != 0)
            return fail(why, "cannot make", d->dir);
    } else {
        const char *tmp = getenv("TMPDIR");
        snprintf(d->dir, sizeof(d->dir), "%.64s/postern-demo-XXXXXX",
                 tmp && tmp[0] == '/' && strlen(tmp) < 64 ? tmp : "/tmp");
        if (!mkdtemp(d->dir))
            return fail(why, "cannot make a folder like", d->dir);
    }
    d->own_dir = true;
    return true;
}

static void make_password(char *out, size_t len)
{
    static const char letters[] = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    uint8_t random[12];
    random_bytes(random, sizeof(random));
    size_t n = 0;
    for (; n < sizeof(random) && n + 1 < len; n++)
        out[n] = letters[random[n] % (sizeof(letters) - 1)];
    out[n] = '\0';
}

/* A certificate of each kind for one name: NAME-ec.pem and NAME-rsa.pem with their keys. */
static bool make_pair(const struct deployment *d, const char *file, const char *const *names,
                      struct buf *why)
{
    static const char *const kinds[] = { "ec", "rsa" };
    char ca_key[300], cert[300], key[300];
    snprintf(ca_key, sizeof(ca_key), "%s/ca.key", d->dir);
    for (unsigned i = 0; i < ARRAY_LEN(kinds); i++) {
        snprintf(cert, sizeof(cert), "%s/%s-%s.pem", d->dir, file, kinds[i]);
        snprintf(key, sizeof(key), "%s/%s-%s.key", d->dir, file, kinds[i]);
        if (!tls_make_cert(d->ca, ca_key, names, i == 1, cert, key, why))
            return false;
    }
    return true;
}

/* One certificate serves the Edge on both sides here; in real life the outer one is bought. */
static bool make_certificates(const struct deployment *d, struct buf *why)
{
    static const char *const front[] = { "fe01.example.com", "localhost", "127.0.0.1", NULL };
    static const char *const edge[] = { "sip.example.com", "localhost", "127.0.0.1", NULL };
    char ca_key[300];
    snprintf(ca_key, sizeof(ca_key), "%s/ca.key", d->dir);
    return tls_make_ca(d->ca, ca_key, why) && make_pair(d, "fe", front, why) &&
           make_pair(d, "edge", edge, why);
}

static void write_edge(const struct deployment *d, struct buf *t)
{
    buf_printf(t, "[edge]\nlisten = %s\npublic_name = sip.example.com\n", d->outside);
    buf_printf(t, "cert_file = %s/edge-ec.pem\nkey_file = %s/edge-ec.key\n", d->dir, d->dir);
    buf_printf(t, "rsa_cert_file = %s/edge-rsa.pem\n", d->dir);
    buf_printf(t, "rsa_key_file = %s/edge-rsa.key\n", d->dir);
    buf_printf(t, "legacy_networks = 127.0.0.0/8\nremote_access = yes\n");
    buf_printf(t, "next_hops = %s\nfront_servers = fe01.example.com\n", d->link);
    buf_printf(t, "link_cert_file = %s/edge-ec.pem\n", d->dir);
    buf_printf(t, "link_key_file = %s/edge-ec.key\nlink_ca_file = %s\n\n", d->dir, d->ca);
}

static bool write_config(const struct deployment *d, struct buf *why)
{
    struct buf t = { 0 };
    buf_printf(&t, "; made by postern demo: throw-away\n[general]\ndomain = %s\n", d->domain);
    buf_printf(&t, "fqdn = fe01.example.com\nstate = %s/state\nrun = %s/run\n", d->dir, d->dir);
    buf_printf(&t, "user_front =\nuser_authd =\nuser_edge =\nadmin_group =\n\n[front]\n");
    buf_printf(&t, "tls_listen = %s\ntcp_listen = %s\n", d->tls, d->tcp);
    buf_printf(&t, "cert_file = %s/fe-ec.pem\nkey_file = %s/fe-ec.key\n", d->dir, d->dir);
    buf_printf(&t, "rsa_cert_file = %s/fe-rsa.pem\nrsa_key_file = %s/fe-rsa.key\n", d->dir, d->dir);
    buf_printf(&t, "recheck = 5\nlegacy_networks = 127.0.0.0/8\nedge_listen = %s\n", d->link);
    buf_printf(&t, "edge_servers = sip.example.com\nedge_ca_file = %s\n\n", d->ca);
    write_edge(d, &t);
    buf_add_c(&t, "[directory]\nsource = sqlite\n");
    buf_printf(&t, "netbios_domain = %s\n\n", d->netbios);
    if (deployment_has_kerberos(d))
        buf_printf(&t, "[kerberos]\nkeytab = %s\nrealm = %s\n\n", d->kdc.keytab, d->realm);
    buf_add_c(&t, "[policy]\npreset = windows-2008r2\n\n");
    buf_printf(&t, "[trace]\npath = %s\n\n", d->trace);
    /* Pidgin shows the certificate in the middle of its handshake: time to read it */
    buf_add_c(&t, "[limits]\nhandshake_time = 5m\n");
    int fd = open(d->config, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool ok = fd >= 0 && write(fd, t.ptr, t.len) == (ssize_t)t.len;
    if (!ok)
        fail(why, "cannot write", d->config);
    if (fd >= 0)
        close(fd);
    buf_fini(&t);
    return ok;
}

static void describe(const struct deployment *d, const struct deployment_user *from, struct user *u)
{
    *u = (struct user){ .flags = from->flags };
    snprintf(u->name, sizeof(u->name), "%s", from->name);
    snprintf(u->domain, sizeof(u->domain), "%s", d->netbios);
    snprintf(u->upn, sizeof(u->upn), "%s@%s", from->name, d->domain);
    snprintf(u->uri, sizeof(u->uri), "sip:%s@%s", from->name, d->domain);
    snprintf(u->display, sizeof(u->display), "%s", from->display);
    if (from->remote_access)
        u->flags |= USER_REMOTE_ACCESS;
    if (strcmp(from->name, "ines") != 0)
        u->flags |= USER_SIP_ENABLED;
    if (strcmp(from->name, "gus") == 0)
        u->expires = 1;
}

static bool add_users(const struct deployment *d, struct buf *why)
{
    struct store *s = store_sqlite_open(d->conf->database, d->conf->key_path, d->netbios, why);
    if (!s)
        return false;
    struct buf utf16 = { 0 };
    uint8_t hash[16];
    utf16_from_utf8(str_from_c(d->password), &utf16);
    ntlm_ntowfv1(buf_str(&utf16), hash);
    buf_fini(&utf16);
    bool ok = true;
    for (unsigned i = 0; i < deployment_user_count && ok; i++) {
        struct user u;
        describe(d, &deployment_users[i], &u);
        ok = s->ops->add(s, &u, hash) == STORE_OK;
    }
    if (!ok)
        buf_printf(why, "cannot make the users: %s", s->error);
    secret_wipe(hash, sizeof(hash));
    s->ops->free(s);
    return ok;
}

static void set_paths(struct deployment *d, unsigned port_base)
{
    snprintf(d->config, sizeof(d->config), "%s/postern.conf", d->dir);
    snprintf(d->ca, sizeof(d->ca), "%s/ca.pem", d->dir);
    snprintf(d->trace, sizeof(d->trace), "%s/front.log", d->dir);
    char *const places[] = { d->tls, d->tcp, d->outside, d->link };
    for (unsigned i = 0; i < ARRAY_LEN(places); i++)
        snprintf(places[i], sizeof(d->tls), "127.0.0.1:%u",
                 port_base ? port_base + i : port_free());
}

static bool make_below(const struct deployment *d, const char *name, struct buf *why)
{
    char path[300];
    snprintf(path, sizeof(path), "%s/%s", d->dir, name);
    return mkdir(path, 0700) == 0 || fail(why, "cannot make", path);
}

bool deployment_has_kerberos(const struct deployment *d)
{
    return d->kdc.dir[0] != '\0';
}

/* It makes itself ready while the certificates are made.  Its configuration is for the clients of
 * this process and for authd. */
static bool begin_kdc(struct deployment *d, unsigned port, struct buf *why)
{
    const char *names[ARRAY_LEN(deployment_users)];
    char dir[280];
    snprintf(dir, sizeof(dir), "%s/kdc", d->dir);
    for (unsigned i = 0; i < deployment_user_count; i++)
        names[i] = deployment_users[i].name;
    struct kdc_settings s = { .dir = dir,
                              .realm = d->realm,
                              .domain = d->domain,
                              .service = "sip/fe01.example.com",
                              .users = names,
                              .user_count = deployment_user_count,
                              .password = d->password,
                              .port = port };
    if (!kdc_begin(&d->kdc, &s, why))
        return false;
    setenv("KRB5_CONFIG", d->kdc.krb5_conf, 1);
    return true;
}

bool deployment_make(struct deployment *d, const struct deployment_settings *s, struct buf *why)
{
    *d = (struct deployment){ .domain = "example.com",
                              .netbios = "EXAMPLE",
                              .realm = "EXAMPLE.COM" };
    if (!make_dir(d, s->dir, why))
        return false;
    set_paths(d, s->port_base);
    make_password(d->password, sizeof(d->password));
    if (s->kerberos && !begin_kdc(d, s->port_base ? s->port_base + PORT_KDC : 0, why))
        return false;
    if (!make_below(d, "state", why) || !make_below(d, "run", why) || !make_certificates(d, why) ||
        !write_config(d, why))
        return false;
    d->conf = conf_load(d->config, why);
    return d->conf && add_users(d, why) && (!s->kerberos || kdc_wait(&d->kdc, why));
}

static bool answers(const struct deployment *d, const char *role)
{
    struct buf why = { 0 };
    json_t *request = json_pack("{s:s}", "do", "status");
    json_t *answer = remote_call(d->conf, role, request, &why);
    bool ok = remote_ok(answer);
    /* an Edge is ready when all its links are up */
    if (ok && strcmp(role, "edge") == 0)
        ok = json_integer_value(json_object_get(answer, "links_up")) ==
             json_integer_value(json_object_get(answer, "links"));
    json_decref(answer);
    json_decref(request);
    buf_fini(&why);
    return ok;
}

bool deployment_start(struct deployment *d, struct buf *why)
{
    d->pid = fork();
    if (d->pid == 0) {
        /* a terminal's Ctrl-C is for us; the roles end when we say so */
        setpgid(0, 0);
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        execl("/proc/self/exe", "postern", "serve", "-c", d->config, (char *)NULL);
        _exit(127);
    }
    if (d->pid < 0)
        return fail(why, "cannot start", "postern serve");
    uint64_t deadline = clock_mono_ms() + READY_MS;
    while (clock_mono_ms() < deadline) {
        if (answers(d, "front") && answers(d, "authd") && answers(d, "edge"))
            return true;
        if (waitpid(d->pid, NULL, WNOHANG) == d->pid) {
            d->pid = 0;
            buf_add_c(why, "the server ended at its start; it has said why above");
            return false;
        }
        usleep(POLL_MS * 1000);
    }
    buf_add_c(why, "the server did not get ready within 10 seconds");
    return false;
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

void deployment_end(struct deployment *d)
{
    if (d->pid > 0) {
        kill(d->pid, SIGTERM);
        waitpid(d->pid, NULL, 0);
        d->pid = 0;
    }
    if (deployment_has_kerberos(d))
        kdc_end(&d->kdc);
    if (d->conf)
        conf_free(d->conf);
    d->conf = NULL;
    if (d->own_dir)
        nftw(d->dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}
