/* SPDX-License-Identifier: MIT */
/* The connection layer alone as a server, for real TLS clients, and a crowd of idle clients.
 *
 *   tls_echo serve DIR LEGACY-ADDRESS    makes certificates in DIR, listens with TLS on a free port
 *                                        of 127.0.0.1, answers every message with 200 and closes;
 *                                        sources equal to LEGACY-ADDRESS get the old suites
 *   tls_echo serve DIR none              the same without a legacy lane
 *   tls_echo crowd DIR PORT COUNT        opens COUNT connections, each with one message and its
 *                                        answer, and keeps them open
 *
 * The server prints one line when ready ("port N") and one for every connection that failed or
 * said something; the crowd prints "ready" when all are open.  Both end on SIGTERM. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/loop.h"
#include "net/conn.h"

enum { PATH_SIZE = 256, CROWD_AT_ONCE = 64 };

static const struct net_limits limits = { .message_max = 64 * 1024,
                                          .send_max = 256 * 1024,
                                          .handshake_s = 30,
                                          .connections_max = 100 * 1000 };

static const struct str answer = STR("SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n");
static const struct str question =
    STR("OPTIONS sip:127.0.0.1 SIP/2.0\r\nSubject: stay\r\nContent-Length: 0\r\n\r\n");

static char paths[6][PATH_SIZE];
enum { CA_CERT, CA_KEY, EC_CERT, EC_KEY, RSA_CERT, RSA_KEY };

static void set_paths(const char *dir)
{
    const char *const names[] = { "ca.pem", "ca.key", "ec.pem", "ec.key", "rsa.pem", "rsa.key" };

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        snprintf(paths[i], PATH_SIZE, "%s/%s", dir, names[i]);
}

static NORETURN void die(const char *what, const struct buf *why)
{
    fprintf(stderr, "tls_echo: %s: %.*s\n", what, (int)why->len, why->len ? why->ptr : "");
    exit(2);
}

static void stop(void *arg)
{
    loop_stop(arg);
}

/* --- the server --- */

static void print_session(struct conn *c, const char *what)
{
    char peer[NET_ADDR_TEXT];
    struct buf text = { 0 };

    net_addr_print_ip(conn_peer(c), peer);
    tls_describe(conn_tls(c), &text);
    printf("%s %s %.*s\n", what, peer, STR_ARG(buf_str(&text)));
    fflush(stdout);
    buf_fini(&text);
}

static void serve_message(void *arg, struct conn *c, struct str whole, size_t head_len)
{
    (void)arg;
    buf_add(conn_compose(c), answer);
    conn_send_done(c);
    if (str_find(str_first(whole, head_len), STR("Subject: stay")) != SIZE_MAX)
        return;
    print_session(c, "answered");
    conn_close(c, FAULT_NONE);
}

static const char *fault_text(enum fault why)
{
    switch (why) {
    case FAULT_TLS_VERSION:
        return "tls-version";
    case FAULT_TLS_SUITE:
        return "tls-suite";
    case FAULT_TLS_HANDSHAKE:
        return "tls-handshake";
    default:
        return "other";
    }
}

static void serve_closed(void *arg, struct conn *c, enum fault why)
{
    struct tls *t = conn_tls(c);
    struct buf offer = { 0 };

    (void)arg;
    if (!t || !tls_fault(t))
        return;
    tls_describe_offer(t, &offer);
    printf("refused %s (%s): %.*s\n", fault_text(why), tls_reason(t), STR_ARG(buf_str(&offer)));
    fflush(stdout);
    buf_fini(&offer);
}

static void make_certificates(void)
{
    const char *const names[] = { "localhost", "127.0.0.1", "127.0.0.2", NULL };
    struct buf why = { 0 };

    if (!tls_make_ca(paths[CA_CERT], paths[CA_KEY], &why) ||
        !tls_make_cert(paths[CA_CERT], paths[CA_KEY], names, false, paths[EC_CERT], paths[EC_KEY],
                       &why) ||
        !tls_make_cert(paths[CA_CERT], paths[CA_KEY], names, true, paths[RSA_CERT], paths[RSA_KEY],
                       &why))
        die("certificates", &why);
}

static struct tls_context *server_context(bool legacy)
{
    const struct tls_server_settings s = {
        .cert_file = { paths[EC_CERT], paths[RSA_CERT] },
        .key_file = { paths[EC_KEY], paths[RSA_KEY] },
        .legacy = legacy,
    };
    struct buf why = { 0 };
    struct tls_context *c = tls_server_context_new(&s, &why);

    if (!c)
        die("TLS", &why);
    return c;
}

static int listen_anywhere(void)
{
    struct net_addr a;
    const struct buf none = { 0 };

    net_addr_parse(STR("127.0.0.1:0"), &a);
    int fd = net_listen(&a);
    a.len = sizeof(a.v6);
    if (fd < 0 || getsockname(fd, &a.sa, &a.len) < 0)
        die("listening", &none);
    printf("port %u\n", (unsigned)net_addr_port(&a));
    fflush(stdout);
    return fd;
}

static int serve(const char *legacy_address)
{
    const struct net_handler h = { .message = serve_message, .closed = serve_closed };
    struct ntlm_network network = { .len = 4, .bits = 32 };
    struct net_listener listener = { .name = "echo", .use_tls = true };
    struct loop *loop = loop_new();
    struct loop_signal *term = loop_signal_new(loop, SIGTERM, stop, loop);
    struct net *net = net_new(loop, &limits, &h, NULL, 0);

    make_certificates();
    listener.tls = server_context(false);
    if (inet_pton(AF_INET, legacy_address, network.addr) == 1) {
        listener.tls_legacy = server_context(true);
        listener.legacy_networks = &network;
        listener.legacy_network_count = 1;
    }
    net_add_listener(net, &listener, listen_anywhere());
    loop_run(loop);
    net_free(net);
    loop_signal_free(term);
    loop_free(loop);
    tls_context_free(listener.tls);
    tls_context_free(listener.tls_legacy);
    return 0;
}

/* --- the crowd --- */

struct crowd {
    struct net *net;
    struct tls_context *tls;
    struct net_addr server;
    unsigned wanted, started, answered;
};

static void start_one(struct crowd *crowd)
{
    if (crowd->started == crowd->wanted)
        return;
    crowd->started++;
    net_connect(crowd->net, &crowd->server, crowd->tls, "127.0.0.1");
}

static void crowd_open(void *arg, struct conn *c)
{
    (void)arg;
    conn_send(c, question);
}

static void crowd_message(void *arg, struct conn *c, struct str whole, size_t head_len)
{
    struct crowd *crowd = arg;

    (void)c;
    (void)whole;
    (void)head_len;
    if (++crowd->answered == crowd->wanted) {
        puts("ready");
        fflush(stdout);
    }
    start_one(crowd);
}

static void crowd_closed(void *arg, struct conn *c, enum fault why)
{
    (void)arg;
    if (why == FAULT_ROUTE_SHUTDOWN)
        return;
    fprintf(stderr, "tls_echo: a connection was lost (%d): %s\n", (int)why,
            conn_tls(c) ? tls_reason(conn_tls(c)) : "");
    exit(1);
}

static int run_crowd(const char *port, const char *count)
{
    const struct net_handler h = { .open = crowd_open,
                                   .message = crowd_message,
                                   .closed = crowd_closed };
    const struct tls_client_settings s = { .ca_file = paths[CA_CERT] };
    struct loop *loop = loop_new();
    struct loop_signal *term = loop_signal_new(loop, SIGTERM, stop, loop);
    struct crowd crowd = { .net = net_new(loop, &limits, &h, &crowd, 0) };
    struct buf text = { 0 };

    crowd.tls = tls_client_context_new(&s, &text);
    if (!crowd.tls)
        die("TLS", &text);
    buf_printf(&text, "127.0.0.1:%s", port);
    if (!net_addr_parse(buf_str(&text), &crowd.server) ||
        !str_to_u32(str_from_c(count), &crowd.wanted))
        die("usage", &text);
    for (int i = 0; i < CROWD_AT_ONCE; i++)
        start_one(&crowd);
    loop_run(loop);
    net_free(crowd.net);
    loop_signal_free(term);
    loop_free(loop);
    tls_context_free(crowd.tls);
    buf_fini(&text);
    return 0;
}

int main(int argc, char **argv)
{
    const struct buf none = { 0 };

    tls_process_init();
    if (argc < 4)
        die("usage: serve DIR LEGACY-ADDRESS|none, or crowd DIR PORT COUNT", &none);
    set_paths(argv[2]);
    if (strcmp(argv[1], "serve") == 0)
        return serve(argv[3]);
    if (strcmp(argv[1], "crowd") == 0 && argc == 5)
        return run_crowd(argv[3], argv[4]);
    die("usage", &none);
}
