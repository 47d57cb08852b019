/* SPDX-License-Identifier: MIT */
#include "authd/authd.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "authd/asked.h"
#include "authd/authd_internal.h"
#include "authd/control.h"
#include "authd/keytab.h"
#include "base/clock.h"
#include "base/secret.h"
#include "conf/ctl.h"
#include "conf/sandbox.h"
#include "ntlm/msg.h"

enum { EXIT_CONFIG = 2, RECHECK_MS = 20, END_WITHIN_MS = 800, LEFT_OVER_MS = 500 };

static int complain(const struct buf *why)
{
    fprintf(stderr, "postern: authd cannot start: %.*s\n", STR_ARG(buf_str(why)));
    return EXIT_CONFIG;
}

/* --- settings --- */

/* The SIP domains, and the DNS name of the Active Directory domain: all mean our domain. */
static void set_domains(struct authd *a)
{
    const struct conf *c = a->conf;
    unsigned count = 0;

    free(a->domains);
    a->domains = calloc(c->domain_count + 1, sizeof(*a->domains));
    if (!a->domains)
        abort();
    for (; count < c->domain_count; count++)
        a->domains[count] = c->domains[count];
    if (c->ad.domain[0])
        a->domains[count++] = c->ad.domain;
    a->judge.domains = a->domains;
    a->judge.domain_count = count;
}

static void apply_conf(struct authd *a)
{
    const struct conf *c = a->conf;

    a->judge.policy = c->policy;
    set_domains(a);
    a->judge.realm = c->kerberos.keytab[0] ? c->kerberos.realm : NULL;
    a->judge.budget.netbios = c->netbios_domain;
    a->judge.budget.rules = (struct budget_rules){ .account_failures = c->budget.account_failures,
                                                   .device_failures = c->budget.device_failures,
                                                   .ceiling = c->budget.ceiling,
                                                   .inside = c->budget.inside,
                                                   .window_s = c->budget.window_s,
                                                   .device_life_s = c->budget.device_life_s,
                                                   .lockout_threshold = c->lockout_threshold,
                                                   .reserve = c->budget.reserve,
                                                   .lockout_window_s = c->lockout_window_s };
    a->judge.lockout.rules = (struct lockout_rules){ .threshold = c->lockout_threshold,
                                                     .window_s = c->lockout_window_s,
                                                     .duration_s = c->lockout_duration_s };
}

void authd_set_policy(struct authd *a, struct ntlm_policy_set *set)
{
    ntlm_policy_set_free(a->conf->policy);
    a->conf->policy = set;
    a->judge.policy = set;
}

bool authd_reload(struct authd *a, struct buf *why)
{
    struct conf *fresh = conf_load(a->conf->file, why);

    if (!fresh || !conf_policy_override_load(fresh, why)) {
        if (fresh)
            conf_free(fresh);
        return false;
    }
    conf_free(a->conf);
    a->conf = fresh;
    apply_conf(a);
    keytab_open(a);
    trace_set(TRACE_AUTHD, fresh->trace.level[TRACE_AUTHD], fresh->trace.flags[TRACE_AUTHD]);
    return true;
}

static void on_hangup(void *arg)
{
    struct buf why = { 0 };

    if (authd_reload(arg, &why)) {
        trace_text(TRACE_AUTHD, TL_INFO, "reload", "the configuration was read again");
    } else {
        fprintf(stderr,
                "postern: authd keeps its old configuration: mend what these lines say\n%.*s",
                STR_ARG(buf_str(&why)));
        trace_text(TRACE_AUTHD, TL_ERROR, "reload", "%.*s", STR_ARG(buf_str(&why)));
    }
    buf_fini(&why);
}

/* --- starting --- */

static const struct passwd *front_account(const struct conf *c)
{
    return c->user_front && c->user_front[0] ? getpwnam(c->user_front) : NULL;
}

static bool is_listening(int fd)
{
    int type = 0, on = 0;
    socklen_t len = sizeof(int);

    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_SEQPACKET &&
           getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &len) == 0 && on;
}

static int inherited_socket(const char *number, struct buf *why)
{
    uint32_t fd;

    if (!str_to_u32(str_from_c(number), &fd) || fd > INT32_MAX || !is_listening((int)fd)) {
        buf_printf(why, "POSTERN_AUTHD_FD=%s is no listening SEQPACKET socket: unset it", number);
        return -1;
    }
    fcntl((int)fd, F_SETFD, FD_CLOEXEC);
    fcntl((int)fd, F_SETFL, fcntl((int)fd, F_GETFL) | O_NONBLOCK);
    unsetenv("POSTERN_AUTHD_FD");
    return (int)fd;
}

/* It must be a copy of us from before we hold anything, and before we may no longer fork. */
static bool start_keeper(struct authd *a, struct buf *why)
{
    if (strcmp(a->conf->source, "ad") != 0)
        return true;
    a->keeper = ad_keeper_start(a->conf, why);
    return a->keeper != NULL;
}

static bool open_sockets(struct authd *a, struct buf *why)
{
    const char *number = getenv("POSTERN_AUTHD_FD");
    const struct passwd *front = front_account(a->conf);
    uid_t friend = front ? front->pw_uid : (uid_t)-1;
    gid_t group = front ? front->pw_gid : getegid();
    struct buf path = { 0 };

    buf_printf(&path, "%s/authd.sock", a->conf->run);
    int fd = number ? inherited_socket(number, why) : link_bind(path.ptr, group, why);
    if (fd >= 0)
        a->link = link_new(a->loop, fd, friend, asked_message, a);
    if (fd >= 0 && !number)
        a->own_socket = str_own(buf_str(&path));
    buf_clear(&path);
    buf_printf(&path, "%s/authd.ctl", a->conf->run);
    if (fd >= 0)
        a->ctl = ctl_new(a->loop, path.ptr, a->conf->admin_group, authd_control, a, why);
    buf_fini(&path);
    return a->ctl != NULL;
}

/* "" for no path at all. */
static char *folder_of(const char *path)
{
    char *copy = str_own(str_from_c(path));
    char *folder = path && path[0] ? str_own(str_from_c(dirname(copy))) : str_own(STR_NONE);

    free(copy);
    return folder;
}

/* The configuration may be replaced by rename, so its directory stays readable, not the file. */
static bool lock_in(const struct authd *a, struct buf *why)
{
    const struct conf *c = a->conf;
    char *conf_dir = folder_of(c->file), *db_dir = folder_of(c->database);
    char *key_dir = folder_of(c->key_path), *trace_dir = folder_of(c->trace.path);
    struct keytab_folders kerberos;
    struct sandbox_rules rules = {
        .read = { conf_dir, key_dir },
        .write = { c->state, db_dir, trace_dir, c->run },
        .files = true,
        .refuses_plugins = true,
    };

    keytab_folders_init(&kerberos, c);
    for (unsigned i = 0; i < kerberos.count; i++)
        rules.read[2 + i] = kerberos.folder[i];
    bool good = sandbox_drop(c->user_authd, why) && sandbox_enter(&rules, why);

    free(conf_dir);
    free(db_dir);
    free(key_dir);
    keytab_folders_fini(&kerberos);
    free(trace_dir);
    return good;
}

static void on_names(void *arg, const struct ad_names *n)
{
    struct authd *a = arg;
    struct proto_names names = { .nb_computer = str_from_c(n->nb_computer),
                                 .nb_domain = str_from_c(n->nb_domain),
                                 .dns_domain = str_from_c(n->dns_domain),
                                 .dns_tree = str_from_c(n->dns_forest) };
    struct buf message = { 0 };

    if (proto_names_write(&names, &message))
        link_greet(a->link, buf_str(&message));
    trace_text(TRACE_AUTHD, TL_INFO, "names", "this machine is %s of domain %s", n->nb_computer,
               n->nb_domain);
    buf_fini(&message);
}

/* Whoever started us starts us anew, with a keeper. */
static void on_keeper_end(void *arg)
{
    struct authd *a = arg;

    trace_text(TRACE_AUTHD, TL_ERROR, "keeper", "the process that makes children has ended");
    loop_stop(a->loop);
}

static bool open_embedded(struct authd *a, struct buf *why)
{
    const struct conf *c = a->conf;

    a->judge.store = store_sqlite_open(c->database, c->key_path, c->netbios_domain, why);
    if (!a->judge.store)
        return false;
    store_sqlite_recheck(a->judge.store, RECHECK_MS);
    struct store *own = store_sqlite_open(c->database, c->key_path, c->netbios_domain, why);
    a->writer = own ? writer_start(own) : NULL;
    return a->writer != NULL;
}

static bool open_directory(struct authd *a, struct buf *why)
{
    if (!a->keeper)
        return open_embedded(a, why);
    a->ad = ad_new(a->loop, a->conf, a->keeper);
    ad_on_names(a->ad, on_names, a);
    ad_on_end(a->ad, on_keeper_end, a);
    return true;
}

/* Next to the front's, in a file of our own: two processes must not rotate one file. */
static void open_trace(const struct authd *a)
{
    struct trace_settings s = a->conf->trace;
    struct buf path = { 0 };
    char *folder = folder_of(s.path);

    s.redact = ntlm_redact;
    if (folder[0]) {
        buf_printf(&path, "%s/authd.log", folder);
        s.path = path.ptr;
        if (!trace_start(&s))
            fprintf(stderr, "postern: authd runs without a trace: %s: %s\n", s.path,
                    strerror(errno));
    }
    free(folder);
    buf_fini(&path);
}

/* --- keeping budgets --- */

static int64_t now_s(void)
{
    return (int64_t)(clock_wall_us() / 1000000);
}

/* Once per turn, so that what changed more than once is told once.  What the writer has no room for
 * waits in the budget itself. */
static void save_budgets(void *arg)
{
    struct authd *a = arg;
    struct buf key = { 0 }, record = { 0 };
    int64_t until;

    while (!budget_writer_is_full(a->budget_writer) &&
           budget_next_change(&a->judge.budget, now_s(), &key, &record, &until))
        budget_writer_put(a->budget_writer, buf_str(&key), buf_str(&record), until);
    buf_fini(&key);
    buf_fini(&record);
}

static void restore_one(void *arg, struct str key, struct str record)
{
    struct authd *a = arg;

    if (!budget_restore(&a->judge.budget, key, record, now_s()))
        trace_text(TRACE_AUTHD, TL_WARN, "budget", "a record of %zu octets cannot be read",
                   record.len);
}

/* Without the file sign-ins work as ever; a restart forgets who failed how often. */
static void open_budgets(struct authd *a)
{
    struct buf path = { 0 }, why = { 0 };

    buf_printf(&path, "%s/budget.db", a->conf->state);
    struct budget_db *db = budget_db_open(path.ptr, &why);
    if (db && !budget_db_load(db, now_s(), restore_one, a))
        buf_printf(&why, "some of %s could not be read", path.ptr);
    a->budget_writer = db ? budget_writer_start(db) : NULL;
    if (why.len) {
        fprintf(stderr, "postern: authd forgot failed sign-ins: %.*s\n", STR_ARG(buf_str(&why)));
        trace_text(TRACE_AUTHD, TL_ERROR, "budget", "%.*s", STR_ARG(buf_str(&why)));
    }
    if (a->budget_writer) {
        loop_on_turn_end(a->loop, save_budgets, a);
        loop_timer_set(loop_timer_new(a->loop, save_budgets, a), LEFT_OVER_MS, LEFT_OVER_MS);
    }
    buf_fini(&path);
    buf_fini(&why);
}

/* --- ending --- */

static void on_end(void *arg)
{
    loop_stop(((struct authd *)arg)->loop);
}

/* A write that hangs must not hold up the end; what it would have written is a count of wrong
 * passwords. */
static void *end_anyway(void *arg)
{
    struct timespec t = { .tv_nsec = END_WITHIN_MS * 1000000L };

    (void)arg;
    nanosleep(&t, NULL);
    _exit(0);
}

static NORETURN void end(struct authd *a)
{
    pthread_t watchdog;

    pthread_create(&watchdog, NULL, end_anyway, NULL);
    link_free(a->link);
    if (a->own_socket)
        unlink(a->own_socket);
    ctl_free(a->ctl);
    if (a->budget_writer) {
        save_budgets(a);
        budget_writer_stop(a->budget_writer);
    }
    if (a->writer)
        writer_stop(a->writer);
    if (a->judge.store)
        a->judge.store->ops->free(a->judge.store);
    if (a->ad)
        ad_free(a->ad);
    if (a->acceptor)
        krb_acceptor_free(a->acceptor);
    judge_fini(&a->judge);
    trace_stop();
    _exit(0);
}

int authd_run(struct conf *conf)
{
    struct buf why = { 0 };
    struct authd *a = calloc(1, sizeof(*a));

    if (!a)
        abort();
    signal(SIGPIPE, SIG_IGN);
    setenv("TZ", ":/etc/localtime", 0);
    tzset();
    a->conf = conf;
    a->loop = loop_new();
    a->started_ms = clock_mono_ms();
    judge_init(&a->judge);
    apply_conf(a);
    loop_signal_new(a->loop, SIGTERM, on_end, a);
    loop_signal_new(a->loop, SIGINT, on_end, a);
    loop_signal_new(a->loop, SIGHUP, on_hangup, a);
    if (!start_keeper(a, &why) || !open_sockets(a, &why) || !lock_in(a, &why) ||
        !open_directory(a, &why))
        return complain(&why);
    open_trace(a);
    keytab_open(a);
    open_budgets(a);
    trace_text(TRACE_AUTHD, TL_INFO, "start", "authd %s answers for %s", POSTERN_VERSION,
               conf->netbios_domain);
    loop_run(a->loop);
    end(a);
}
