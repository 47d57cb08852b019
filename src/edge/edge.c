/* SPDX-License-Identifier: MIT */
#include "edge/edge.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "conf/ctl.h"
#include "conf/sandbox.h"
#include "diag/trace.h"
#include "edge/edge_internal.h"
#include "ntlm/msg.h"

static bool complain(const char *what, const struct buf *why)
{
    fprintf(stderr, "postern: the edge cannot %s: %.*s\n", what, STR_ARG(buf_str(why)));
    return false;
}

size_t edge_memory_size(void)
{
    return sources_memory_size();
}

/* What the supervisor gave; NULL when it did not, or gave something else. */
static void *given_memory(void)
{
    const char *text = getenv("POSTERN_EDGE_MEMORY");
    uint32_t fd;

    if (!text || !str_to_u32(str_from_c(text), &fd) || fd > INT32_MAX)
        return NULL;
    unsetenv("POSTERN_EDGE_MEMORY");
    void *memory = MAP_FAILED;
    if (lseek((int)fd, 0, SEEK_END) == (off_t)edge_memory_size())
        memory = mmap(NULL, edge_memory_size(), PROT_READ | PROT_WRITE, MAP_SHARED, (int)fd, 0);
    close((int)fd);
    return memory == MAP_FAILED ? NULL : memory;
}

/* --- doors and links --- */

static bool open_doors(struct edge *e, struct buf *why)
{
    const struct conf_edge *c = &e->conf->edge;
    struct door_kind kind = { .use_tls = true,
                              .cert_file = c->cert_file,
                              .key_file = c->key_file,
                              .rsa_cert_file = c->rsa_cert_file,
                              .rsa_key_file = c->rsa_key_file,
                              .legacy_networks = c->legacy_networks,
                              .legacy_network_count = c->legacy_network_count,
                              .know_devices = true };
    struct net **nets = calloc(e->worker_count, sizeof(struct net *));
    bool good = true;

    assert(nets);
    for (unsigned i = 0; i < e->worker_count; i++)
        nets[i] = e->workers[i]->net;
    for (unsigned i = 0; i < c->listen_count && good; i++)
        good = doors_open(&e->doors, c->listen[i], &kind, nets, e->worker_count, why);
    free(nets);
    return good || complain("open its doors", why);
}

static bool open_links(struct edge *e, struct buf *why)
{
    const struct conf_edge *c = &e->conf->edge;
    struct tls_client_settings s = { .kind = TLS_CLIENT_MODERN,
                                     .ca_file = c->link_ca_file,
                                     .cert_file = c->link_cert_file,
                                     .key_file = c->link_key_file,
                                     .server_names = (const char *const *)c->front_servers,
                                     .server_name_count = c->front_server_count,
                                     .name_fault = FAULT_EDGE_FRONT_UNKNOWN };

    e->link_tls = tls_client_context_new(&s, why);
    return e->link_tls || complain("use its certificate for Front Ends", why);
}

static bool open_tokens(struct edge *e, struct buf *why)
{
    struct buf path = { 0 };

    buf_printf(&path, "%s/edge.key", e->conf->state);
    bool good = token_maker_open(&e->tokens, path.ptr, why);
    buf_fini(&path);
    return good || complain("read the secret of its routes", why);
}

/* The port outside is the first door's. */
static char *record_route(const struct conf *c)
{
    struct str port = str_from_c(c->edge.listen[0]);
    struct buf text = { 0 };

    for (size_t at; (at = str_find_char(port, ':')) != SIZE_MAX;)
        port = str_skip(port, at + 1);
    buf_printf(&text, "<sip:%s:%.*s;transport=tls;opaque=state:Ci.R", c->edge.public_name,
               STR_ARG(port));
    char *own = str_own(buf_str(&text));
    buf_fini(&text);
    return own;
}

/* --- trace, control, sandbox --- */

/* In a file of its own: two processes must not rotate one file. */
static bool start_trace(const struct edge *e, char *folder, size_t size)
{
    struct trace_settings s = e->conf->trace;
    struct buf path = { 0 }, why = { 0 };

    conf_edge_trace_dir(e->conf, folder, size);
    s.redact = ntlm_redact;
    if (s.path) {
        buf_printf(&path, "%s/edge.log", folder);
        s.path = path.ptr;
    }
    bool good = trace_start(&s);
    if (!good) {
        buf_printf(&why, "%s: %s", s.path ? s.path : "", strerror(errno));
        complain("write its trace", &why);
    }
    buf_fini(&path);
    buf_fini(&why);
    return good;
}

static struct ctl *open_control(struct edge *e, struct buf *why)
{
    struct buf path = { 0 };

    buf_printf(&path, "%s/edge.ctl", e->conf->run);
    struct ctl *c = ctl_new(e->loop, path.ptr, e->conf->admin_group, edge_control, e, why);
    buf_fini(&path);
    if (!c)
        complain("open its control socket", why);
    return c;
}

/* From here on no file is opened but the trace's own, and the process is another user.  It still
 * dials Front Ends. */
static bool lock_down(const struct edge *e, const char *folder, struct buf *why)
{
    struct sandbox_rules rules = { .unix_sockets = true,
                                   .inet_sockets = true,
                                   .files = folder[0] != '\0',
                                   .write = { folder[0] ? folder : NULL } };
    const struct conf_edge *c = &e->conf->edge;
    for (unsigned i = 0; i < c->next_hop_count && i < SANDBOX_PATHS_MAX; i++) {
        struct net_addr hop;
        if (net_addr_parse(str_from_c(c->next_hops[i]), &hop))
            rules.connect_ports[i] = net_addr_port(&hop);
    }

    return (sandbox_drop(e->conf->user_edge, why) && sandbox_enter(&rules, why)) ||
           complain("give up privileges", why);
}

/* --- running --- */

static void stop(void *arg)
{
    struct edge *e = arg;
    loop_stop(e->loop);
}

static bool start_workers(struct edge *e, unsigned *started, struct buf *why)
{
    for (*started = 0; *started < e->worker_count; ++*started)
        if (!edge_worker_start(e->workers[*started])) {
            buf_add_c(why, strerror(errno));
            return complain("start a thread", why);
        }
    return true;
}

static bool run(struct edge *e, const char *folder, struct buf *why)
{
    struct loop_signal *term = loop_signal_new(e->loop, SIGTERM, stop, e);
    struct loop_signal *intr = loop_signal_new(e->loop, SIGINT, stop, e);
    unsigned started = 0;
    bool good = lock_down(e, folder, why) && start_workers(e, &started, why);

    if (good)
        loop_run(e->loop);
    while (started > 0)
        edge_worker_stop(e->workers[--started]);
    loop_signal_free(term);
    loop_signal_free(intr);
    return good;
}

static struct edge *edge_new(struct conf *conf)
{
    struct edge *e = calloc(1, sizeof(*e));
    long cores = sysconf(_SC_NPROCESSORS_ONLN);

    assert(e);
    e->conf = conf;
    e->started_ms = clock_mono_ms();
    e->loop = loop_new();
    e->sources = sources_new(conf, given_memory());
    /* beside a Front End the machine's name is the Front End's */
    e->name = conf_has_front(conf) ? conf->edge.public_name : conf->fqdn;
    e->record_route = record_route(conf);
    e->remote_access = conf->edge.remote_access;
    e->worker_count = conf->workers ? conf->workers : cores > 0 ? (unsigned)cores : 1;
    e->workers = calloc(e->worker_count, sizeof(struct edge_worker *));
    assert(e->workers);
    for (unsigned i = 0; i < e->worker_count; i++)
        e->workers[i] = edge_worker_new(e, i);
    return e;
}

static void edge_free(struct edge *e)
{
    for (unsigned i = 0; i < e->worker_count; i++)
        edge_worker_free(e->workers[i]);
    doors_free(&e->doors);
    tls_context_free(e->link_tls);
    token_maker_fini(&e->tokens);
    sources_free(e->sources);
    loop_free(e->loop);
    free(e->record_route);
    free(e->workers);
    conf_free(e->conf);
    free(e);
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

int edge_run(struct conf *conf)
{
    char folder[4096];
    struct buf why = { 0 };

    allow_descriptors();
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN); /* a terminal that closes; a reload comes over the control socket */
    setenv("TZ", ":/etc/localtime", 0); /* else every time conversion looks at that file */
    tls_process_init();
    struct edge *e = edge_new(conf);
    bool good = open_tokens(e, &why) && open_links(e, &why) && open_doors(e, &why);
    struct ctl *control = good ? open_control(e, &why) : NULL;
    good = good && control && start_trace(e, folder, sizeof(folder)) && run(e, folder, &why);
    trace_stop();
    if (control)
        ctl_free(control);
    edge_free(e);
    buf_fini(&why);
    return good ? 0 : 2;
}
