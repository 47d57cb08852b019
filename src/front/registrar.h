/* SPDX-License-Identifier: MIT */
/* The contacts of the users one worker owns.  Data only: no sockets, no clock.  A binding is known
 * by (epid, +sip.instance) ([MS-SIPREGE] 3.3); the same key refreshes, another one is a further
 * endpoint. */
#ifndef POSTERN_FRONT_REGISTRAR_H
#define POSTERN_FRONT_REGISTRAR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

struct registrar;

struct registrar_update {
    struct str user_key;    /* sip:ada@example.com */
    struct str epid;        /* may be empty */
    struct str instance;    /* lower-case UUID text without urn:uuid:, may be empty */
    struct str contact_uri; /* as sent, without brackets; empty with expires 0: whatever it is */
    uint32_t cid;           /* of the connection */
    bool remote;            /* behind an Edge */
    uint32_t expires;       /* seconds; 0: remove */
    bool query;             /* change nothing, tell what is registered */
    unsigned worker;        /* whose connection it is */
    uint64_t conn_id;
    uint64_t now_ms;
};

enum registrar_action { REGISTRAR_ADDED, REGISTRAR_REFRESHED, REGISTRAR_REMOVED, REGISTRAR_TOLD };

/* An endpoint to be told that it is out: strings own themselves until registrar_out_fini. */
struct registrar_out {
    char *user_key, *epid;
    unsigned worker;
    uint64_t conn_id;
};
void registrar_out_fini(struct registrar_out *o);

struct registrar *registrar_new(unsigned endpoints_max);
void registrar_free(struct registrar *r);

/* Applies and appends the user's Contact lines ("Contact: ...\r\n" each) to `contacts`.  When the
 * quota is exceeded the endpoint that refreshed longest ago goes and is told through `out` (its
 * user_key is NULL otherwise). */
enum registrar_action registrar_update(struct registrar *r, const struct registrar_update *u,
                                       struct buf *contacts, struct registrar_out *out);
/* The connection of these endpoints is gone: they end unless they come back within the grace. */
void registrar_gone(struct registrar *r, struct str user_key, struct str epid, uint64_t conn_id,
                    uint64_t now_ms);
/* Removes what expired or did not come back.  Call about once a second. */
void registrar_sweep(struct registrar *r, uint64_t now_ms);
/* Removes the endpoints of a user (all, or the one with this epid; or only those behind an Edge);
 * each is told through `each`. */
unsigned registrar_remove(struct registrar *r, struct str user_key, struct str epid,
                          bool remote_only, void (*each)(void *arg, const struct registrar_out *o),
                          void *arg);
/* Tells the next part of all users: after `parts` calls every one was told.  `each` changes nothing
 * here. */
void registrar_some(struct registrar *r, unsigned parts,
                    void (*each)(void *arg, struct str user_key), void *arg);
unsigned registrar_users(const struct registrar *r);
unsigned registrar_endpoints(const struct registrar *r);

struct registrar_view {
    struct str user_key, epid, instance, contact_uri;
    unsigned worker;
    uint64_t conn_id, expires_ms;
    bool remote;
};
void registrar_list(const struct registrar *r,
                    void (*each)(void *arg, const struct registrar_view *v), void *arg);

/* Appends "sip:ada@example.com;opaque=user:epid:<base64url of the GUID and two zeros>;gruu". False,
 * and nothing appended, when `instance` is no UUID. */
bool registrar_gruu(struct str user_key, struct str instance, struct buf *out);

#endif
