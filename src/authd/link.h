/* SPDX-License-Identifier: MIT */
/* authd's socket: SOCK_SEQPACKET keeps message borders, so there is no framing here.  Messages
 * that are waiting are received in one call, answers of one loop turn leave in one call. */
#ifndef POSTERN_AUTHD_LINK_H
#define POSTERN_AUTHD_LINK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/loop.h"
#include "base/str.h"

struct link;

struct link_counts {
    unsigned peers;
    uint64_t refused_peers;
    uint64_t received;
    uint64_t cut;  /* longer than a message may be */
    uint64_t late; /* answers whose deadline passed before they could leave */
};

/* Whom an answer is for.  Stays good when that peer is gone: then nobody gets it. */
struct link_ticket {
    uint64_t peer;
};

/* One message that waited `waited_ms` in the socket.  Appends the answer to `out`, or nothing when
 * there is none, or none yet (link_reply); `keep_ms` is how long the answer is of use. */
typedef void (*link_answer)(void *arg, struct link_ticket from, struct str message,
                            uint64_t waited_ms, struct buf *out, uint64_t *keep_ms);

/* `fd` listens and is taken over.  Peers are root, our own user, or `friend` (the user of the
 * front; (uid_t)-1: none). */
struct link *link_new(struct loop *l, int fd, uid_t friend, link_answer answer, void *arg);
void link_free(struct link *k);
struct link_counts link_counts(const struct link *k);
/* A later answer; it leaves at the end of the loop turn. */
void link_reply(struct link *k, struct link_ticket to, struct str answer, uint64_t keep_ms);
/* Said to every peer now, and to each new one first. */
void link_greet(struct link *k, struct str message);

/* A socket of our own at `path`, for when no supervisor made one: 0660, given to `group` when we
 * are root.  -1 with a reason. */
int link_bind(const char *path, gid_t group, struct buf *why);

#endif
