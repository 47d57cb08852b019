/* SPDX-License-Identifier: MIT */
#include "ad/child.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ad/message.h"
#include "base/secret.h"

enum { EXIT_BROKEN = 3 };

struct serving {
    uint8_t in[AD_MESSAGE_MAX];
    struct ad_answer answer;
    struct buf out, text;
};

/* Octets, or 0 at the end. */
static size_t receive(int fd, struct serving *s)
{
    ssize_t n;

    do {
        n = recv(fd, s->in, sizeof(s->in), MSG_TRUNC);
    } while (n < 0 && errno == EINTR);
    if (n > (ssize_t)sizeof(s->in))
        _exit(EXIT_BROKEN);
    return n > 0 ? (size_t)n : 0;
}

void ad_child_serve(int fd,
                    void (*answer)(void *arg, const struct ad_question *q, struct ad_answer *a,
                                   struct buf *text),
                    void *arg)
{
    struct serving *s = calloc(1, sizeof(*s));
    struct ad_question q;
    size_t len;

    if (!s)
        abort();
    buf_reserve(&s->out, AD_MESSAGE_MAX);
    while ((len = receive(fd, s)) > 0) {
        if (!ad_question_read(str_of(s->in, len), &q))
            _exit(EXIT_BROKEN);
        memset(&s->answer, 0, sizeof(s->answer));
        s->answer.ask = q.ask;
        answer(arg, &q, &s->answer, &s->text);
        ad_answer_write(&s->answer, &s->out);
        if (send(fd, s->out.ptr, s->out.len, MSG_NOSIGNAL) < 0)
            break;
        secret_wipe(s->in, len);
        secret_wipe(s->out.ptr, s->out.len);
        secret_wipe(&s->answer.proof, sizeof(s->answer.proof));
        buf_clear(&s->out);
        buf_clear(&s->text);
    }
    _exit(0);
}
