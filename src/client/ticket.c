/* SPDX-License-Identifier: MIT */
#include "client/ticket.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/secret.h"
#include "base/wire.h"

enum { ANSWER_MAX = 256 * 1024, TOKEN_MAX = ANSWER_MAX / 2, DETAIL_MAX = 1024 };

/* --- the child --- */

static void write_all(int fd, struct str text)
{
    while (text.len > 0) {
        ssize_t n = write(fd, text.ptr, text.len);
        if (n < 0 && errno != EINTR)
            return;
        if (n > 0)
            text = str_skip(text, (size_t)n);
    }
}

static _Noreturn void work(const struct krb_initiate *in, int fd)
{
    struct buf token = { 0 }, keys_out = { 0 }, detail = { 0 };
    struct krb_keys keys = { 0 };
    struct wire_out w = { .cap = ANSWER_MAX };

    w.ptr = malloc(w.cap);
    if (!w.ptr)
        _exit(1);
    enum fault fault = krb_initiate(in, &token, &keys, &detail);
    if (fault == FAULT_NONE)
        krb_keys_write(&keys, &keys_out);
    wire_put_u32(&w, fault);
    wire_put_text(&w, buf_str(&keys_out), KRB_KEYS_MAX);
    wire_put_text(&w, str_first(buf_str(&detail), DETAIL_MAX), DETAIL_MAX);
    wire_put_bytes(&w, buf_str(&token));
    if (!w.bad)
        write_all(fd, str_of(w.ptr, w.len));
    _exit(0);
}

/* --- the parent --- */

static bool wait_readable(int fd, uint64_t deadline)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };

    for (uint64_t now; (now = clock_mono_ms()) < deadline;) {
        int n = poll(&p, 1, deadline - now > INT32_MAX ? INT32_MAX : (int)(deadline - now));
        if (n > 0 || (n < 0 && errno != EINTR))
            return n > 0;
    }
    return false;
}

/* Everything until the child closes its end; false when the time is up. */
static bool read_all(int fd, uint64_t deadline, struct buf *out)
{
    for (;;) {
        if (!wait_readable(fd, deadline) || out->len > ANSWER_MAX)
            return false;
        buf_reserve(out, 16384);
        ssize_t n = read(fd, out->ptr + out->len, 16384);
        if (n == 0 || (n < 0 && errno != EINTR))
            return n == 0;
        if (n > 0)
            out->len += (size_t)n;
    }
}

static enum fault answer_read(struct str answer, struct buf *token, struct krb_keys *keys,
                              struct buf *detail)
{
    struct wire w = { .all = answer };
    uint32_t fault = wire_u32(&w);
    struct str keys_text = wire_text(&w, KRB_KEYS_MAX);

    buf_add(detail, wire_text(&w, DETAIL_MAX));
    struct str token_text = wire_bytes(&w, wire_left(&w));
    if (w.bad || fault >= FAULT_COUNT ||
        (fault == FAULT_NONE && (!krb_keys_read(keys_text, keys) || token_text.len > TOKEN_MAX))) {
        buf_clear(detail);
        buf_add_c(detail, "the process that asked for the ticket died");
        return FAULT_KERBEROS_NO_CREDENTIALS;
    }
    if (fault == FAULT_NONE)
        buf_add(token, token_text);
    return (enum fault)fault;
}

static enum fault answer_wait(int fd, pid_t child, uint64_t deadline, struct buf *token,
                              struct krb_keys *keys, struct buf *detail)
{
    struct buf answer = { 0 };
    enum fault fault = FAULT_KERBEROS_KDC_UNREACHABLE;

    if (read_all(fd, deadline, &answer))
        fault = answer_read(buf_str(&answer), token, keys, detail);
    else
        buf_add_c(detail, "the KDC did not answer in time");
    kill(child, SIGKILL);
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
        ;
    if (answer.ptr)
        secret_wipe(answer.ptr, answer.cap);
    buf_fini(&answer);
    return fault;
}

enum fault client_ticket_use(const struct krb_initiate *in, uint64_t deadline, struct buf *token,
                             struct krb_keys *keys, struct buf *detail)
{
    int ends[2] = { -1, -1 };
    pid_t child = pipe2(ends, O_CLOEXEC) == 0 ? fork() : -1;
    enum fault fault = FAULT_KERBEROS_NO_CREDENTIALS;

    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(ends[0]);
        work(in, ends[1]);
    }
    if (child < 0)
        buf_printf(detail, "cannot ask for a ticket: %s", strerror(errno));
    if (ends[1] >= 0)
        close(ends[1]);
    if (child > 0)
        fault = answer_wait(ends[0], child, deadline, token, keys, detail);
    if (ends[0] >= 0)
        close(ends[0]);
    return fault;
}
