/* SPDX-License-Identifier: MIT */
/* What the front keeps with a client: with its connection, or behind an Edge with the connection
 * that the Edge keeps for it. */
#ifndef POSTERN_FRONT_CLIENT_CONN_H
#define POSTERN_FRONT_CLIENT_CONN_H

#include <stdbool.h>
#include <stdint.h>

#include "auth/sa.h"
#include "front/worker.h"

struct edge_link;

struct client_conn {
    struct sa_owner sas;
    unsigned unauthorized; /* 401s to other than REGISTER in a row */
    bool told_forgery;
    bool job_open;           /* a saved request waits for an answer from elsewhere */
    struct loop_timer *slow; /* running while repeated 401s are being delayed */
    struct worker *worker;
    uint64_t conn_id; /* of the connection: the client's own, or the link's */
    uint64_t id;      /* of the client: as conn_id, or one of its own behind an Edge */
    /* behind an Edge */
    struct edge_link *link; /* NULL: it has a connection of its own */
    char cid[12];           /* ms-received-cid */
    uint32_t cid_number;
    char *target;             /* targetname it is shown, NULL: ours */
    char *path;               /* Route to it */
    char peer[NET_ADDR_TEXT]; /* its address and port as the Edge noted them */
    uint64_t used_ms;
};

struct client_conn *client_conn_new(struct worker *w, uint64_t conn_id, struct str source);
/* Gives it an id of its own, under which client_conn_find finds it. */
void client_conn_move_behind(struct client_conn *cc, struct edge_link *l);
/* The owners of its endpoints are told that it is gone; its associations die. */
void client_conn_free(struct client_conn *cc);
/* NULL when gone.  `conn` gets the connection that leads to it. */
struct client_conn *client_conn_find(struct worker *w, uint64_t id, struct conn **conn);

#endif
