/* SPDX-License-Identifier: MIT */
#include "front/client_conn.h"

#include <assert.h>
#include <stdlib.h>

#include "front/register.h"

/* Ids of connections never get there. */
#define BEHIND (UINT64_C(1) << 63)

struct client_conn *client_conn_new(struct worker *w, uint64_t conn_id, struct str source)
{
    struct client_conn *cc = calloc(1, sizeof(*cc));
    assert(cc);
    cc->worker = w;
    cc->conn_id = cc->id = conn_id;
    sa_owner_init(&cc->sas, source);
    return cc;
}

void client_conn_move_behind(struct client_conn *cc, struct edge_link *l)
{
    struct worker *w = cc->worker;
    cc->link = l;
    cc->id = BEHIND | (++w->behind_made << 8) | w->index;
    table_put(&w->behind, str_of(&cc->id, sizeof(cc->id)), cc);
}

void client_conn_free(struct client_conn *cc)
{
    register_connection_gone(cc->worker, cc);
    sa_owner_fini(cc->worker->auth.sas, &cc->sas);
    if (cc->slow)
        loop_timer_free(cc->slow);
    if (cc->link)
        table_remove(&cc->worker->behind, str_of(&cc->id, sizeof(cc->id)));
    free(cc->target);
    free(cc->path);
    free(cc);
}

struct client_conn *client_conn_find(struct worker *w, uint64_t id, struct conn **conn)
{
    struct client_conn *cc = id & BEHIND ? table_get(&w->behind, str_of(&id, sizeof(id))) : NULL;
    *conn = net_find(w->net, cc ? cc->conn_id : id);
    if (!*conn || id & BEHIND)
        return *conn ? cc : NULL;
    return conn_user(*conn);
}
