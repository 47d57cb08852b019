/* SPDX-License-Identifier: MIT */
#include "conf/ctl.h"

#include <errno.h>
#include <grp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { CLIENTS_MAX = 32, LINE_MAX_LEN = 65536, GROUPS_MAX = 256 };

struct client {
    struct client *next;
    struct ctl *ctl; /* NULL once the server is gone */
    struct loop_fd *watch;
    int fd;        /* -1: closed, kept for its open request */
    bool busy;     /* a request is open */
    bool handling; /* inside handle_lines */
    bool ended;    /* nothing more will come; close when all is answered and written */
    struct buf in, out;
};

struct ctl {
    struct loop *loop;
    struct loop_fd *watch;
    int fd;
    char *path;
    uid_t own_uid;
    bool has_group;
    gid_t group;
    ctl_handle handle;
    void *arg;
    struct client *clients;
    unsigned client_count;
};

struct ctl_request {
    struct client *client;
};

static void *checked(void *ptr)
{
    if (!ptr)
        abort();
    return ptr;
}

static void client_unlink(struct client *c)
{
    struct client **at = &c->ctl->clients;

    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    c->ctl->client_count--;
    c->ctl = NULL;
}

/* The descriptor goes at once; the memory when the last answer has come. */
static void client_close(struct client *c)
{
    if (c->fd >= 0) {
        loop_fd_free(c->watch);
        close(c->fd);
        c->fd = -1;
        client_unlink(c);
    }
    if (!c->busy && !c->handling) {
        buf_fini(&c->in);
        buf_fini(&c->out);
        free(c);
    }
}

static bool client_done(const struct client *c)
{
    return c->ended && !c->busy && c->out.len == 0;
}

/* False when the client is gone. */
static bool client_write(struct client *c)
{
    while (c->out.len) {
        ssize_t n = send(c->fd, c->out.ptr, c->out.len, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n < 0)
            return errno == EAGAIN || errno == EINTR;
        buf_consume(&c->out, (size_t)n);
    }
    return true;
}

static void client_settle(struct client *c)
{
    if (c->fd < 0 || !client_write(c) || client_done(c)) {
        client_close(c);
        return;
    }
    bool reading = !c->ended && !c->busy && c->out.len < LINE_MAX_LEN;
    loop_fd_watch(c->watch, (reading ? LOOP_READ : 0) | (c->out.len ? LOOP_WRITE : 0));
}

static void answer(struct client *c, json_t *out)
{
    char *text = checked(json_dumps(out, JSON_COMPACT));

    json_decref(out);
    if (c->fd >= 0) {
        buf_add_c(&c->out, text);
        buf_add_char(&c->out, '\n');
    }
    free(text);
}

static void handle_lines(struct client *c);

void ctl_reply(struct ctl_request *r, json_t *out)
{
    struct client *c = r->client;

    free(r);
    answer(c, out);
    c->busy = false;
    if (!c->handling) {
        handle_lines(c);
        client_settle(c);
    }
}

void ctl_refuse(struct ctl_request *r, const char *fmt, ...)
{
    char text[512];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    ctl_reply(r, json_pack("{s:b, s:s}", "ok", 0, "error", text));
}

static void handle_line(struct client *c, struct str line)
{
    json_error_t error;
    json_t *in = json_loadb(line.ptr, line.len, JSON_REJECT_DUPLICATES, &error);
    struct ctl_request *r = checked(calloc(1, sizeof(*r)));

    r->client = c;
    c->busy = true;
    if (json_is_object(in))
        c->ctl->handle(c->ctl->arg, r, in);
    else
        ctl_refuse(r, "not a JSON object: %s", in ? "send one in braces" : error.text);
    json_decref(in);
}

/* One request at a time: the next line waits for the answer. */
static void handle_lines(struct client *c)
{
    size_t end;

    c->handling = true;
    while (c->fd >= 0 && !c->busy && (end = str_find_char(buf_str(&c->in), '\n')) != SIZE_MAX) {
        char *line = str_own(str_first(buf_str(&c->in), end));

        buf_consume(&c->in, end + 1);
        if (str_trim(str_from_c(line)).len)
            handle_line(c, str_of(line, end));
        free(line);
    }
    c->handling = false;
}

static void client_ready(void *arg, int events)
{
    struct client *c = arg;
    char piece[4096];

    if (events & LOOP_READ) {
        ssize_t n = recv(c->fd, piece, sizeof(piece), MSG_DONTWAIT);

        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
            c->ended = true;
        if (n > 0)
            buf_add(&c->in, str_of(piece, (size_t)n));
    }
    handle_lines(c);
    if (c->in.len > LINE_MAX_LEN)
        c->ended = true; /* no command is that long */
    client_settle(c);
}

/* The peer's group, or one of its supplementary groups (SO_PEERGROUPS, Linux 4.13). */
static bool in_group(int fd, const struct ucred *peer, gid_t group)
{
    gid_t groups[GROUPS_MAX];
    socklen_t len = sizeof(groups);

    if (peer->gid == group)
        return true;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) != 0)
        return false;
    for (size_t i = 0; i < len / sizeof(gid_t); i++) {
        if (groups[i] == group)
            return true;
    }
    return false;
}

static bool may_use(const struct ctl *ctl, int fd)
{
    struct ucred peer;
    socklen_t len = sizeof(peer);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
        return false;
    return peer.uid == 0 || peer.uid == ctl->own_uid || peer.uid == geteuid() ||
           (ctl->has_group && in_group(fd, &peer, ctl->group));
}

static void turn_away(int fd, const char *why)
{
    struct buf text = { 0 };

    buf_printf(&text, "{\"ok\":false,\"error\":\"%s\"}\n", why);
    (void)!send(fd, text.ptr, text.len, MSG_DONTWAIT | MSG_NOSIGNAL);
    buf_fini(&text);
    close(fd);
}

static void accept_ready(void *arg, int events)
{
    struct ctl *ctl = arg;
    int fd = accept4(ctl->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    (void)events;
    if (fd < 0)
        return;
    if (!may_use(ctl, fd)) {
        turn_away(fd, "not allowed: be root or a member of the admin_group");
        return;
    }
    if (ctl->client_count >= CLIENTS_MAX) {
        turn_away(fd, "too many control connections: try again");
        return;
    }
    struct client *c = checked(calloc(1, sizeof(*c)));
    c->ctl = ctl;
    c->fd = fd;
    c->watch = loop_fd_new(ctl->loop, fd, client_ready, c);
    c->next = ctl->clients;
    ctl->clients = c;
    ctl->client_count++;
    loop_fd_watch(c->watch, LOOP_READ);
}

static bool address(const char *path, struct sockaddr_un *at, struct buf *why)
{
    *at = (struct sockaddr_un){ .sun_family = AF_UNIX };
    if (strlen(path) >= sizeof(at->sun_path)) {
        buf_printf(why, "the socket path %s is too long: choose a shorter run directory", path);
        return false;
    }
    memcpy(at->sun_path, path, strlen(path) + 1);
    return true;
}

/* A socket left behind by a process that is gone refuses connections; a living one is not taken
 * away. */
static bool clear_dead(const struct sockaddr_un *at, struct buf *why)
{
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool alive = connect(probe, (const struct sockaddr *)at, sizeof(*at)) == 0 || errno == EAGAIN;

    close(probe);
    if (alive) {
        buf_printf(why, "%s is in use: is the same server already running?", at->sun_path);
        return false;
    }
    unlink(at->sun_path);
    return true;
}

/* The mode lets everybody connect: who may speak is decided by credentials, with a reason told. */
static int bind_socket(const char *path, struct buf *why)
{
    struct sockaddr_un at;

    if (!address(path, &at, why) || !clear_dead(&at, why))
        return -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0 && chmod(path, 0666) == 0 &&
        listen(fd, CLIENTS_MAX) == 0)
        return fd;
    buf_printf(why,
               "the control socket %s cannot be made (%s): see that its directory exists and "
               "is ours",
               path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

struct ctl *ctl_new(struct loop *l, const char *path, const char *admin_group, ctl_handle handle,
                    void *arg, struct buf *why)
{
    int fd = bind_socket(path, why);

    if (fd < 0)
        return NULL;
    json_object_seed(0); /* reads /dev/urandom, which a sandbox would refuse later */
    struct ctl *c = checked(calloc(1, sizeof(*c)));
    const struct group *g = admin_group && admin_group[0] ? getgrnam(admin_group) : NULL;
    c->has_group = g != NULL;
    c->group = g ? g->gr_gid : 0;
    c->own_uid = geteuid();
    c->loop = l;
    c->fd = fd;
    c->path = str_own(str_from_c(path));
    c->handle = handle;
    c->arg = arg;
    c->watch = loop_fd_new(l, fd, accept_ready, c);
    loop_fd_watch(c->watch, LOOP_READ);
    return c;
}

void ctl_free(struct ctl *c)
{
    struct client *next;

    if (!c)
        return;
    for (struct client *one = c->clients; one; one = next) {
        next = one->next;
        client_close(one);
    }
    loop_fd_free(c->watch);
    close(c->fd);
    unlink(c->path);
    free(c->path);
    free(c);
}
