/* SPDX-License-Identifier: MIT */
/* The blocking client of a control socket. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "conf/ctl.h"

enum { ANSWER_MAX = 64 << 20 }; /* a list of all sessions is long */

static int connect_to(const char *path, struct buf *why)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };

    if (strlen(path) >= sizeof(at.sun_path)) {
        buf_printf(why, "the socket path %s is too long: choose a shorter run directory", path);
        return -1;
    }
    memcpy(at.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0)
        return fd;
    buf_printf(why, "cannot reach %s (%s): does the server run, with this configuration?", path,
               strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

/* A server that turned us away has closed, but its reason can still be read. */
static void send_all(int fd, struct str text)
{
    while (text.len) {
        ssize_t n = send(fd, text.ptr, text.len, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        text = str_skip(text, (size_t)n);
    }
}

static bool receive_line(int fd, uint64_t until_ms, struct buf *line, struct buf *why)
{
    char piece[16384];

    for (;;) {
        uint64_t now = clock_mono_ms();
        struct pollfd p = { .fd = fd, .events = POLLIN };

        if (now >= until_ms || poll(&p, 1, (int)(until_ms - now)) == 0) {
            buf_add_c(why, "the server did not answer in time: see its messages");
            return false;
        }
        ssize_t n = recv(fd, piece, sizeof(piece), MSG_DONTWAIT);
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (n <= 0 || line->len > ANSWER_MAX) {
            buf_add_c(why, "the server closed the control connection: see its messages");
            return false;
        }
        struct str got = str_of(piece, (size_t)n);
        size_t end = str_find_char(got, '\n');
        buf_add(line, str_first(got, end));
        if (end != SIZE_MAX)
            return true;
    }
}

json_t *ctl_call(const char *path, const json_t *request, unsigned timeout_ms, struct buf *why)
{
    struct buf line = { 0 };
    json_error_t error;
    json_t *out = NULL;
    int fd = connect_to(path, why);

    if (fd < 0)
        return NULL;
    char *text = json_dumps(request, JSON_COMPACT);
    if (!text)
        abort();
    send_all(fd, str_from_c(text));
    send_all(fd, STR("\n"));
    free(text);
    if (receive_line(fd, clock_mono_ms() + timeout_ms, &line, why)) {
        out = json_loadb(line.ptr, line.len, 0, &error);
        if (!out)
            buf_printf(why, "the server's answer is no JSON (%s): do the versions match?",
                       error.text);
    }
    close(fd);
    buf_fini(&line);
    return out;
}
