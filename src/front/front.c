/* SPDX-License-Identifier: MIT */
#include "front/front.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "conf/ctl.h"
#include "conf/sandbox.h"
#include "diag/trace.h"
#include "front/control.h"
#include "front/front_internal.h"
#include "front/mail.h"
#include "ntlm/msg.h"

static bool complain(const char *what, const char *which, const char *why)
{
    fprintf(stderr, "postern: %s %s: %s\n", what, which, why);
    return false;
}

static bool add_doors(struct front *f, char *const *addresses, unsigned count,
                      const struct door_kind *kind)
{
    struct net **nets = calloc(f->worker_count, sizeof(struct net *));
    struct buf why = { 0 };
    bool ok = true;
    assert(nets);
    for (unsigned i = 0; i < f->worker_count; i++)
        nets[i] = f->workers[i]->net;
    for (unsigned i = 0; i < count && ok; i++)
        ok = doors_open(&f->doors, addresses[i], kind, nets, f->worker_count, &why);
    if (!ok)
        fprintf(stderr, "postern: %s: %.*s\n", f->conf->file, STR_ARG(buf_str(&why)));
    buf_fini(&why);
    free(nets);
    return ok;
}

static bool open_doors(struct front *f)
{
    const struct conf *c = f->conf;
    struct door_kind tcp = { 0 }, tls = { .use_tls = true,
                                          .cert_file = c->cert_file,
                                          .key_file = c->key_file,
                                          .rsa_cert_file = c->rsa_cert_file,
                                          .rsa_key_file = c->rsa_key_file };
    struct door_kind edge = tls;
    tls.legacy_networks = c->legacy_networks;
    tls.legacy_network_count = c->legacy_network_count;
    edge.edge_link = true;
    edge.edge_ca_file = c->edge_ca_file;
    edge.edge_names = (const char *const *)c->edge_servers;
    edge.edge_name_count = c->edge_server_count;
    if (!add_doors(f, c->tls_listen, c->tls_listen_count, &tls) ||
        !add_doors(f, c->tcp_listen, c->tcp_listen_count, &tcp) ||
        !add_doors(f, c->edge_listen, c->edge_listen_count, &edge))
        return false;
    if (f->doors.count == 0)
        return complain("nothing to listen on in", c->file,
                        "set tls_listen (and tcp_listen, edge_listen) in [front]");
    return true;
}

static bool start_trace(struct front *f)
{
    struct trace_settings s = f->conf->trace;
    s.redact = ntlm_redact;
    if (trace_start(&s))
        return true;
    return complain("cannot write the trace", s.path ? s.path : "", strerror(errno));
}

/* From here on no file is opened but the trace's own, and the process is another user. */
static bool lock_down(const struct front *f)
{
    char folder[4096];
    const char *path = f->conf->trace.path;
    const char *slash = path ? strrchr(path, '/') : NULL;
    snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - path) : 0, slash ? path : "");
    struct sandbox_rules rules = { .unix_sockets = true, .files = slash != NULL };
    rules.write[0] = slash ? folder : NULL;
    rules.write[1] = f->conf->run; /* authd's socket is looked up there at each reconnect */
    struct buf why = { 0 };
    bool ok = sandbox_drop(f->conf->user_front, &why) && sandbox_enter(&rules, &why);
    if (!ok) {
        buf_add_char(&why, '\0');
        complain("cannot give up privileges:", "front", why.ptr);
    }
    buf_fini(&why);
    return ok;
}

static void stop(void *arg)
{
    struct front *f = arg;
    loop_stop(f->loop);
}

static bool start_workers(struct front *f)
{
    for (unsigned i = 0; i < f->worker_count; i++)
        if (!worker_start(f->workers[i]))
            return complain("cannot start worker", "thread", strerror(errno));
    return true;
}

static void stop_workers(struct front *f)
{
    f->stopping = true;
    for (unsigned i = 0; i < f->worker_count; i++) {
        struct mail *m = calloc(1, sizeof(*m));
        assert(m);
        m->kind = MAIL_STOP;
        mailbox_post(f->workers[i]->mailbox, m);
    }
    for (unsigned i = 0; i < f->worker_count; i++)
        worker_join(f->workers[i]);
}

static struct front *front_new(struct conf *conf)
{
    struct front *f = calloc(1, sizeof(*f));
    assert(f);
    f->conf = conf;
    f->started_ms = clock_mono_ms();
    f->loop = loop_new();
    f->mailbox = mailbox_new(f->loop, control_mail, f);
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    f->worker_count = conf->workers ? conf->workers : cores > 0 ? (unsigned)cores : 1;
    struct buf path = { 0 };
    buf_printf(&path, "%s/authd.sock", conf->run);
    f->authd_path = str_own(buf_str(&path));
    buf_fini(&path);
    f->workers = calloc(f->worker_count, sizeof(struct worker *));
    assert(f->workers);
    for (unsigned i = 0; i < f->worker_count; i++)
        f->workers[i] = worker_new(f, i);
    return f;
}

static void front_free(struct front *f)
{
    f->stopping = true;
    for (unsigned i = 0; i < f->worker_count; i++)
        worker_free(f->workers[i]);
    doors_free(&f->doors);
    mailbox_free(f->mailbox);
    loop_free(f->loop);
    free(f->workers);
    free(f->authd_path);
    conf_free(f->conf);
    free(f);
}

static struct ctl *open_control(struct front *f)
{
    struct buf path = { 0 }, why = { 0 };
    buf_printf(&path, "%s/front.ctl", f->conf->run);
    struct ctl *c = ctl_new(f->loop, path.ptr, f->conf->admin_group, control_handle, f, &why);
    if (!c) {
        buf_add_char(&why, '\0');
        complain("cannot open the control socket", path.ptr, why.ptr);
    }
    buf_fini(&path);
    buf_fini(&why);
    return c;
}

static bool run(struct front *f)
{
    struct loop_signal *term = loop_signal_new(f->loop, SIGTERM, stop, f);
    struct loop_signal *intr = loop_signal_new(f->loop, SIGINT, stop, f);
    bool ok = lock_down(f) && start_workers(f);
    if (ok) {
        loop_run(f->loop);
        stop_workers(f);
    }
    loop_signal_free(term);
    loop_signal_free(intr);
    return ok;
}

/* A connection is a descriptor, and the usual soft limit of 1,024 is for programs that do not ask.
 */
static void allow_descriptors(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

int front_run(struct conf *conf)
{
    allow_descriptors();
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN); /* a terminal that closes; a reload comes over the control socket */
    setenv("TZ", ":/etc/localtime", 0); /* else every time conversion looks at that file */
    tls_process_init();
    struct front *f = front_new(conf);
    bool ok = open_doors(f);
    struct ctl *control = ok ? open_control(f) : NULL;
    ok = ok && control && start_trace(f) && run(f);
    trace_stop();
    if (control)
        ctl_free(control);
    front_free(f);
    return ok ? 0 : 2;
}
