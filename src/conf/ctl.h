/* SPDX-License-Identifier: MIT */
/* Control sockets: a UNIX stream socket on which an administrator's command sends one JSON object
 * per line and gets one back per line; the next request of a connection waits for the answer to
 * the one before.  The server sits on a loop; the client blocks.  Who may connect is told by the
 * kernel (SO_PEERCRED, SO_PEERGROUPS): root, the server's own user, or a member of the admin group.
 */
#ifndef POSTERN_CONF_CTL_H
#define POSTERN_CONF_CTL_H

#include <jansson.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "base/loop.h"

struct ctl;
struct ctl_request;

/* One request.  `in` is an object and is borrowed until the function returns (json_incref to
 * keep it).  Each request must be answered exactly once by ctl_reply, now or later. */
typedef void (*ctl_handle)(void *arg, struct ctl_request *r, json_t *in);

/* Binds `path` (replacing a dead socket there) and listens.  Call it before privileges are
 * dropped or the sandbox is entered; afterwards it opens no file.  `admin_group` may be empty or
 * unknown: then only root and our own user are let in.  NULL with a reason in `why`. */
struct ctl *ctl_new(struct loop *l, const char *path, const char *admin_group, ctl_handle handle,
                    void *arg, struct buf *why);
/* Closes everything and removes the socket; requests still open may be answered afterwards, into
 * nothing. */
void ctl_free(struct ctl *c);

/* Takes `out` over and ends the request; it may come from within the handler or later, on the
 * same thread.  A client that has gone meanwhile is no error. */
void ctl_reply(struct ctl_request *r, json_t *out);
/* {"ok":false,"error":"..."} */
void ctl_refuse(struct ctl_request *r, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* The blocking client: sends `request` (borrowed), waits at most `timeout_ms` for the answer, a
 * new reference.  NULL with "what happened: what to do" in `why`. */
json_t *ctl_call(const char *path, const json_t *request, unsigned timeout_ms, struct buf *why);

#endif
