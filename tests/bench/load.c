/* SPDX-License-Identifier: MIT */
/* usage: load --target 127.0.0.1:5061 --op refresh|signin|accept|resume|idle|storm [--tcp]
 *             [--tls12] [--source IP:0] [--digest] [--conns N] [--seconds S] [--rate R]
 * [--first-user N]
 *             [--domain D] [--netbios D] [--password P] | --self-check
 * Prints one JSON object.  Every answer is checked; a wrong signature ends with exit code 1. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <netinet/tcp.h>

#include "load.h"
#include "sip/frame.h"

enum { PLAIN_MAX = 18432, MESSAGE_MAX = 65536 };

enum phase { PHASE_CONNECT, PHASE_HANDSHAKE, PHASE_TALK, PHASE_PAUSE, PHASE_IDLE };

struct link {
    int fd;
    enum phase phase;
    enum load_step step;
    struct tls *tls;
    struct buf in;  /* plaintext of an unfinished message */
    struct buf out; /* bytes the kernel has not taken */
    struct buf challenge;
    struct buf ticket;
    struct load_sip sip;
    double started; /* of the operation under way */
    double due;     /* open loop: when the next one is to begin */
    bool ready;     /* signed in (refresh) */
};

static struct load_settings settings = {
    .conns = 100, .seconds = 5, .domain = "example.com", .netbios = "EXAMPLE", .password = "bench"
};
static struct load_stats stats;
static struct link *links;
static struct arena arena;
static int epoll_fd;
static unsigned ready_count;
static unsigned storm_back, storm_resumed;
static double storm_began, storm_ended;
static double counting_from, counting_to;
static unsigned first_user;
static volatile sig_atomic_t ended;

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void on_signal(int signum)
{
    (void)signum;
    ended = 1;
}

static bool counting(void)
{
    return counting_from > 0 && now_s() >= counting_from;
}

static void note_latency(double seconds)
{
    if (stats.latency_count == stats.latency_cap) {
        stats.latency_cap = stats.latency_cap ? stats.latency_cap * 2 : 65536;
        stats.latency_us = realloc(stats.latency_us, stats.latency_cap * sizeof(uint32_t));
    }
    stats.latency_us[stats.latency_count++] = (uint32_t)(seconds * 1e6);
}

static void watch(struct link *l, uint32_t events, int how)
{
    struct epoll_event e = { .events = events, .data.ptr = l };
    epoll_ctl(epoll_fd, how, l->fd, &e);
}

static void hang_up(struct link *l)
{
    if (l->tls)
        tls_free(l->tls);
    l->tls = NULL;
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
    buf_clear(&l->in);
    buf_clear(&l->out);
}

static bool dial(struct link *l)
{
    int on = 1;
    l->started = now_s();
    l->fd = socket(settings.target.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (l->fd < 0)
        return false;
    setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (settings.source.len > 0)
        if (bind(l->fd, &settings.source.sa, settings.source.len) != 0)
            return false;
    if (settings.op == LOAD_ACCEPT || settings.op == LOAD_RESUME) {
        /* a reset at the end: no TIME_WAIT, or the ports run out within a minute */
        struct linger hard = { 1, 0 };
        setsockopt(l->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
    }
    if (connect(l->fd, &settings.target.sa, settings.target.len) != 0 && errno != EINPROGRESS) {
        hang_up(l);
        return false;
    }
    l->phase = PHASE_CONNECT;
    watch(l, EPOLLOUT, EPOLL_CTL_ADD);
    return true;
}

static bool push(struct link *l)
{
    while (l->out.len > 0) {
        ssize_t n = send(l->fd, l->out.ptr, l->out.len, MSG_NOSIGNAL);
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            watch(l, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
            return true;
        }
        if (n <= 0)
            return false;
        buf_consume(&l->out, (size_t)n);
    }
    return true;
}

static bool say(struct link *l, struct str plain)
{
    if (l->tls) {
        tls_set_io(l->tls, STR_NONE, &l->out);
        if (!tls_write(l->tls, plain))
            return false;
    } else {
        buf_add(&l->out, plain);
    }
    return push(l);
}

static bool ask(struct link *l, enum load_step step)
{
    static struct buf scratch;
    buf_clear(&scratch);
    arena_reset(&arena);
    l->step = step;
    if (step == STEP_AUTHENTICATE && !settings.digest) {
        struct buf token = { 0 };
        bool ok = load_authenticate(&settings, &l->sip, buf_str(&l->challenge), &token);
        if (ok)
            load_compose_authenticate(&settings, &l->sip, buf_str(&token), &scratch, &arena);
        buf_fini(&token);
        if (!ok)
            return false;
    } else {
        load_compose(&settings, &l->sip, step, &scratch, &arena);
    }
    return say(l, buf_str(&scratch));
}

static void rest_or(struct link *l, enum load_step next)
{
    l->started = now_s();
    if (settings.rate > 0) {
        double gap = settings.conns / settings.rate;
        l->due = l->due > 0 ? l->due + gap : l->started + gap;
        l->phase = PHASE_PAUSE;
        l->step = next;
        return;
    }
    if (!ask(l, next))
        stats.errors++;
}

static void operation_done(struct link *l)
{
    if (counting()) {
        stats.ops++;
        /* open loop: from when it was due, so that a server that stalls is not let off */
        note_latency(now_s() - (settings.rate > 0 && l->due > 0 ? l->due : l->started));
    }
}

static void signed_in(struct link *l)
{
    stats.signins++;
    if (!l->ready) {
        l->ready = true;
        ready_count++;
    }
    if (settings.op == LOAD_STORM && storm_began > 0 && ++storm_back == settings.conns)
        storm_ended = now_s();
    if (settings.op == LOAD_IDLE || settings.op == LOAD_STORM) {
        l->phase = PHASE_IDLE;
        return;
    }
    if (settings.op == LOAD_SIGNIN)
        operation_done(l);
    rest_or(l, settings.op == LOAD_REFRESH ? STEP_REFRESH : STEP_CHALLENGE);
}

static bool take(struct link *l, struct str whole, size_t head_len)
{
    arena_reset(&arena);
    switch (load_take(&settings, &l->sip, whole, head_len, &arena, &l->challenge)) {
    case ANSWER_CHALLENGE:
        if (l->step == STEP_REFRESH || (l->step == STEP_AUTHENTICATE)) {
            stats.unexpected++;
            return false;
        }
        return ask(l, settings.digest ? STEP_AUTHENTICATE : STEP_NEGOTIATE);
    case ANSWER_TOKEN:
        return ask(l, STEP_AUTHENTICATE);
    case ANSWER_OK:
        if (l->step == STEP_REFRESH) {
            operation_done(l);
            rest_or(l, STEP_REFRESH);
        } else {
            signed_in(l);
        }
        return true;
    case ANSWER_WRONG_SIGNATURE:
        stats.wrong_signatures++;
        return false;
    case ANSWER_BAD:
        break;
    }
    stats.unexpected++;
    return false;
}

static bool take_all(struct link *l)
{
    for (;;) {
        struct sip_frame f = { 0 };
        sip_frame_next(buf_str(&l->in), MESSAGE_MAX, &f);
        if (f.status == SIP_FRAME_MORE || l->in.len == 0)
            break;
        if (f.status == SIP_FRAME_BROKEN)
            return false;
        if (f.status == SIP_FRAME_MESSAGE &&
            !take(l, str_first(buf_str(&l->in), f.total), f.head_len))
            return false;
        buf_consume(&l->in, f.total);
    }
    if (l->in.len == 0)
        buf_fini(&l->in);
    return true;
}

static void handshake_done(struct link *l)
{
    if (settings.op == LOAD_ACCEPT || settings.op == LOAD_RESUME) {
        if (settings.op == LOAD_RESUME && l->ticket.len > 0 && !tls_resumed(l->tls))
            stats.unexpected++;
        else
            operation_done(l);
        if (settings.op == LOAD_RESUME) {
            buf_clear(&l->ticket);
            tls_session_get(l->tls, &l->ticket);
        }
        if (!l->ready) {
            l->ready = true;
            ready_count++;
        }
        hang_up(l);
        if (!dial(l))
            stats.errors++;
        return;
    }
    storm_resumed += storm_began > 0 && l->tls && tls_resumed(l->tls);
    l->phase = PHASE_TALK;
    l->started = now_s();
    if (!ask(l, STEP_CHALLENGE))
        stats.errors++;
}

static void connected(struct link *l)
{
    watch(l, EPOLLIN, EPOLL_CTL_MOD);
    if (!settings.use_tls) {
        handshake_done(l);
        return;
    }
    l->phase = PHASE_HANDSHAKE;
    l->tls = tls_new(settings.tls, "127.0.0.1");
    if (l->ticket.len > 0)
        tls_session_set(l->tls, buf_str(&l->ticket));
    tls_set_io(l->tls, STR_NONE, &l->out);
    tls_handshake(l->tls);
    push(l);
}

static bool read_tls(struct link *l, struct str in)
{
    static char plain[PLAIN_MAX];
    bool was_shaking = l->phase == PHASE_HANDSHAKE;
    tls_set_io(l->tls, in, &l->out);
    if (was_shaking) {
        enum tls_status s = tls_handshake(l->tls);
        if (!push(l) || s == TLS_FAILED || s == TLS_CLOSED)
            return false;
        if (s == TLS_AGAIN)
            return true;
        l->phase = PHASE_TALK;
        /* a TLS 1.3 ticket comes after the handshake, with the first read */
        if (settings.op == LOAD_RESUME && !settings.tls12 && tls_input_left(l->tls) == 0)
            return true;
    }
    size_t got = 0;
    enum tls_status s;
    while ((s = tls_read(l->tls, plain, sizeof(plain), &got)) == TLS_OK && got > 0) {
        buf_add(&l->in, str_of(plain, got));
        got = 0;
    }
    if (was_shaking || settings.op == LOAD_RESUME) {
        handshake_done(l);
        return true;
    }
    return s == TLS_AGAIN && take_all(l);
}

static void event(struct link *l, uint32_t events)
{
    static char raw[PLAIN_MAX];
    bool ok = true;
    if (l->phase == PHASE_CONNECT) {
        if (events & (EPOLLERR | EPOLLHUP))
            ok = false;
        else
            connected(l);
    } else if (events & EPOLLIN) {
        ssize_t n = recv(l->fd, raw, sizeof(raw), 0);
        if (n <= 0)
            ok = n < 0 && errno == EAGAIN;
        else if (l->tls)
            ok = read_tls(l, str_of(raw, (size_t)n));
        else {
            buf_add(&l->in, str_of(raw, (size_t)n));
            ok = take_all(l);
        }
    } else if (events & EPOLLOUT) {
        watch(l, EPOLLIN, EPOLL_CTL_MOD);
        ok = push(l);
    }
    if (ok)
        return;
    if (!ended)
        stats.errors++;
    hang_up(l);
    if (settings.op == LOAD_ACCEPT || settings.op == LOAD_RESUME || storm_began > 0)
        dial(l);
}

static void wake_the_due(void)
{
    double now = now_s();
    for (unsigned i = 0; i < settings.conns; i++) {
        struct link *l = &links[i];
        if (l->fd < 0 || l->phase != PHASE_PAUSE || l->due > now)
            continue;
        l->phase = PHASE_TALK;
        l->started = now;
        if (!ask(l, l->step))
            stats.errors++;
    }
}

static int by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static double percentile(double p)
{
    if (stats.latency_count == 0)
        return 0;
    size_t at = (size_t)(p * (double)(stats.latency_count - 1));
    return stats.latency_us[at];
}

static void report(double seconds)
{
    qsort(stats.latency_us, stats.latency_count, sizeof(uint32_t), by_size);
    printf("{\"ops\":%llu,\"seconds\":%.3f,\"rate\":%.0f,\"signins\":%llu,\"ready\":%u,"
           "\"errors\":%llu,\"unexpected\":%llu,\"wrong_signatures\":%llu,",
           (unsigned long long)stats.ops, seconds, (double)stats.ops / seconds,
           (unsigned long long)stats.signins, ready_count, (unsigned long long)stats.errors,
           (unsigned long long)stats.unexpected, (unsigned long long)stats.wrong_signatures);
    printf("\"storm_s\":%.4f,\"storm_back\":%u,\"storm_resumed\":%u,",
           storm_ended > 0 ? storm_ended - storm_began : 0.0, storm_back, storm_resumed);
    printf("\"p50_us\":%.0f,\"p95_us\":%.0f,\"p99_us\":%.0f,\"max_us\":%.0f}\n", percentile(0.5),
           percentile(0.95), percentile(0.99), percentile(1.0));
    fflush(stdout);
}

/* A few at a time, or the listen queue overflows. */
static void dial_all(void)
{
    struct epoll_event events[64];
    for (unsigned i = 0; i < settings.conns; i++) {
        if (!dial(&links[i]))
            stats.errors++;
        if (i % 32 == 31)
            for (int n = epoll_wait(epoll_fd, events, 64, 5); n-- > 0;)
                event(events[n].data.ptr, events[n].events);
    }
}

/* What a server that comes back meets: everybody at once, each with the ticket of before. */
static void cut_and_come_back(void)
{
    for (unsigned i = 0; i < settings.conns; i++) {
        struct link *l = &links[i];
        buf_clear(&l->ticket);
        if (l->tls)
            tls_session_get(l->tls, &l->ticket);
        hang_up(l);
    }
    storm_began = now_s();
    dial_all();
}

/* Waits until every connection is signed in, says so on stderr, and then counts. */
static void drive(void)
{
    struct epoll_event events[256];
    double give_up = now_s() + 120;
    while (!ended && storm_ended == 0 && (counting_to == 0 || now_s() < counting_to)) {
        int n = epoll_wait(epoll_fd, events, 256, settings.rate > 0 ? 1 : 50);
        for (int i = 0; i < n; i++)
            event(events[i].data.ptr, events[i].events);
        if (settings.rate > 0)
            wake_the_due();
        if (counting_to == 0 &&
            (ready_count + stats.errors >= settings.conns || now_s() > give_up)) {
            fprintf(stderr, "ready %u of %u\n", ready_count, settings.conns);
            counting_from = now_s();
            counting_to = counting_from + settings.seconds;
            if (settings.op == LOAD_STORM)
                cut_and_come_back();
        }
    }
}

static int run(void)
{
    struct rlimit files = { 65536, 65536 };
    setrlimit(RLIMIT_NOFILE, &files);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    arena_init(&arena, 65536, 1 << 20);
    links = calloc(settings.conns, sizeof(*links));
    for (unsigned i = 0; i < settings.conns; i++)
        load_sip_init(&links[i].sip, first_user + i);
    dial_all();
    drive();
    report(counting_from > 0 ? now_s() - counting_from : 1);
    for (unsigned i = 0; i < settings.conns; i++)
        hang_up(&links[i]);
    bool counts_none = settings.op == LOAD_IDLE || settings.op == LOAD_STORM;
    return stats.wrong_signatures > 0 || (!counts_none && stats.ops == 0);
}

static bool op_from_name(const char *name)
{
    static const char *const names[] = { "refresh", "signin", "accept", "resume", "idle", "storm" };
    for (unsigned i = 0; i < 6; i++)
        if (strcmp(name, names[i]) == 0) {
            settings.op = (enum load_op)i;
            return true;
        }
    return false;
}

int main(int argc, char **argv)
{
    static const struct option options[] = { { "target", required_argument, NULL, 't' },
                                             { "source", required_argument, NULL, 'S' },
                                             { "op", required_argument, NULL, 'o' },
                                             { "tcp", no_argument, NULL, 'T' },
                                             { "tls12", no_argument, NULL, '2' },
                                             { "digest", no_argument, NULL, 'D' },
                                             { "conns", required_argument, NULL, 'n' },
                                             { "seconds", required_argument, NULL, 's' },
                                             { "rate", required_argument, NULL, 'r' },
                                             { "first-user", required_argument, NULL, 'u' },
                                             { "domain", required_argument, NULL, 'd' },
                                             { "netbios", required_argument, NULL, 'b' },
                                             { "password", required_argument, NULL, 'p' },
                                             { "self-check", no_argument, NULL, 'c' },
                                             { 0 } };
    bool have_target = false, have_op = false;
    settings.use_tls = true;
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (c) {
        case 't':
            have_target = net_addr_parse(str_from_c(optarg), &settings.target);
            break;
        case 'S':
            if (!net_addr_parse(str_from_c(optarg), &settings.source))
                return 2;
            break;
        case 'o':
            have_op = op_from_name(optarg);
            break;
        case 'T':
            settings.use_tls = false;
            break;
        case '2':
            settings.tls12 = true;
            break;
        case 'D':
            settings.digest = true;
            break;
        case 'n':
            settings.conns = (unsigned)atoi(optarg);
            break;
        case 's':
            settings.seconds = atof(optarg);
            break;
        case 'r':
            settings.rate = atof(optarg);
            break;
        case 'u':
            first_user = (unsigned)atoi(optarg);
            break;
        case 'd':
            settings.domain = optarg;
            break;
        case 'b':
            settings.netbios = optarg;
            break;
        case 'p':
            settings.password = optarg;
            break;
        case 'c':
            puts(load_self_check() ? "vectors: right" : "vectors: WRONG");
            return load_self_check() ? 0 : 1;
        default:
            return 2;
        }
    }
    if (!have_target || !have_op) {
        fprintf(stderr, "load: --target HOST:PORT and --op are needed\n");
        return 2;
    }
    struct tls_client_settings tls = { .kind =
                                           settings.tls12 ? TLS_CLIENT_TLS12 : TLS_CLIENT_MODERN,
                                       .no_verify = true };
    struct buf why = { 0 };
    tls_process_init();
    settings.tls = tls_client_context_new(&tls, &why);
    signal(SIGTERM, on_signal);
    signal(SIGINT, on_signal);
    return run();
}
