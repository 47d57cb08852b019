/* SPDX-License-Identifier: MIT */
#include "front/registrar.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/encode.h"
#include "base/table.h"

/* A lost connection ends its endpoints after this long: a client that reconnects at once (a
 * changed network, a restarted Edge) keeps its registration. */
enum { GRACE_MS = 10000 };

struct binding {
    struct binding *next;
    char *epid, *instance, *contact_uri; /* one allocation, at `text` */
    struct buf head, tail;               /* its Contact line before and after the seconds left */
    uint32_t cid;
    unsigned worker;
    bool remote;
    uint64_t conn_id;
    uint64_t expires_ms;
    uint64_t refreshed_ms;
    uint64_t gone_ms; /* 0: its connection lives */
    char text[];
};

struct owned_user {
    struct binding *bindings;
    struct owned_user *next_empty; /* while sweeping */
    unsigned count;
    size_t key_len;
    char key[];
};

struct registrar {
    struct table users;
    unsigned endpoints_max;
    unsigned endpoints;
    size_t told; /* where registrar_some goes on */
};

struct registrar *registrar_new(unsigned endpoints_max)
{
    struct registrar *r = calloc(1, sizeof(*r));
    assert(r);
    r->endpoints_max = endpoints_max ? endpoints_max : 1;
    return r;
}

static void binding_free(struct binding *b)
{
    buf_fini(&b->head);
    buf_fini(&b->tail);
    free(b);
}

static void user_free(struct owned_user *u)
{
    while (u->bindings) {
        struct binding *b = u->bindings;
        u->bindings = b->next;
        binding_free(b);
    }
    free(u);
}

void registrar_free(struct registrar *r)
{
    size_t pos = 0;
    struct owned_user *u;
    while ((u = table_next(&r->users, &pos)) != NULL)
        user_free(u);
    table_fini(&r->users);
    free(r);
}

void registrar_out_fini(struct registrar_out *o)
{
    free(o->user_key);
    free(o->epid);
    *o = (struct registrar_out){ 0 };
}

static struct str user_key_of(const struct owned_user *u)
{
    return str_of(u->key, u->key_len);
}

static struct owned_user *user_get(struct registrar *r, struct str key)
{
    struct owned_user *u = table_get(&r->users, key);
    if (u)
        return u;
    u = calloc(1, sizeof(*u) + key.len);
    assert(u);
    u->key_len = key.len;
    memcpy(u->key, key.ptr, key.len);
    table_put(&r->users, user_key_of(u), u);
    return u;
}

static void user_drop_if_empty(struct registrar *r, struct owned_user *u)
{
    if (u->bindings)
        return;
    table_remove(&r->users, user_key_of(u));
    free(u);
}

static char *put(char **at, struct str s)
{
    char *start = *at;
    memcpy(start, s.ptr, s.len);
    start[s.len] = '\0';
    *at += s.len + 1;
    return start;
}

bool registrar_gruu(struct str user_key, struct str instance, struct buf *out)
{
    char hex[32];
    size_t n = 0;
    for (size_t i = 0; i < instance.len; i++)
        if (instance.ptr[i] != '-' && n < sizeof(hex))
            hex[n++] = instance.ptr[i];
    uint8_t text_order[16];
    if (instance.len != 36 || !hex_decode(str_of(hex, n), text_order, sizeof(text_order)))
        return false;
    /* a GUID in memory: the first three groups are little-endian */
    static const uint8_t order[16] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };
    uint8_t guid[18] = { 0 };
    for (size_t i = 0; i < 16; i++)
        guid[i] = text_order[order[i]];
    buf_add(out, user_key);
    buf_add(out, STR(";opaque=user:epid:"));
    base64url_encode(str_of(guid, sizeof(guid)), out);
    buf_add(out, STR(";gruu"));
    return true;
}

static void compose_contact(struct binding *b, struct str user_key)
{
    buf_clear(&b->head);
    buf_printf(&b->head, "Contact: <%s;ms-received-cid=%X>;expires=", b->contact_uri, b->cid);
    buf_clear(&b->tail);
    if (b->instance[0]) {
        buf_printf(&b->tail, ";+sip.instance=\"<urn:uuid:%s>\"", b->instance);
        struct buf gruu = { 0 };
        if (registrar_gruu(user_key, str_from_c(b->instance), &gruu))
            buf_printf(&b->tail, ";gruu=\"%.*s\"", STR_ARG(buf_str(&gruu)));
        buf_fini(&gruu);
    }
    buf_add(&b->tail, STR("\r\n"));
}

static struct binding *binding_new(const struct registrar_update *up)
{
    struct binding *b =
        calloc(1, sizeof(*b) + up->epid.len + up->instance.len + up->contact_uri.len + 3);
    assert(b);
    char *at = b->text;
    b->epid = put(&at, up->epid);
    b->instance = put(&at, up->instance);
    b->contact_uri = put(&at, up->contact_uri);
    return b;
}

static void binding_take(struct binding *b, const struct registrar_update *up)
{
    b->worker = up->worker;
    b->remote = up->remote;
    b->conn_id = up->conn_id;
    b->refreshed_ms = up->now_ms;
    b->expires_ms = up->now_ms + (uint64_t)up->expires * 1000;
    b->gone_ms = 0;
    if (b->cid != up->cid || b->head.len == 0) {
        b->cid = up->cid;
        compose_contact(b, up->user_key);
    }
}

static struct binding **binding_find(struct owned_user *u, struct str epid, struct str instance)
{
    struct binding **at = &u->bindings;
    while (*at && !(str_eq(str_from_c((*at)->epid), epid) &&
                    str_eq(str_from_c((*at)->instance), instance)))
        at = &(*at)->next;
    return at;
}

static void unlink_binding(struct registrar *r, struct owned_user *u, struct binding **at)
{
    struct binding *b = *at;
    *at = b->next;
    u->count--;
    r->endpoints--;
    binding_free(b);
}

static void out_of(const struct owned_user *u, const struct binding *b, struct registrar_out *out)
{
    out->user_key = str_own(user_key_of(u));
    out->epid = str_own(str_from_c(b->epid));
    out->worker = b->worker;
    out->conn_id = b->conn_id;
}

static void evict_oldest(struct registrar *r, struct owned_user *u, struct registrar_out *out)
{
    struct binding **oldest = NULL;
    for (struct binding **at = &u->bindings; *at; at = &(*at)->next)
        if (!oldest || (*at)->refreshed_ms < (*oldest)->refreshed_ms)
            oldest = at;
    if (!oldest)
        return;
    out_of(u, *oldest, out);
    unlink_binding(r, u, oldest);
}

static void add_contacts(struct buf *out, const struct owned_user *u, uint64_t now_ms)
{
    for (const struct binding *b = u->bindings; b; b = b->next) {
        uint64_t left_ms = b->expires_ms > now_ms ? b->expires_ms - now_ms : 0;
        buf_add(out, buf_str(&b->head));
        buf_add_u64(out, (left_ms + 999) / 1000);
        buf_add(out, buf_str(&b->tail));
    }
}

static enum registrar_action leave(struct registrar *r, struct owned_user *u,
                                   const struct registrar_update *up)
{
    for (struct binding **at = &u->bindings; *at;)
        if (str_eq(str_from_c((*at)->epid), up->epid) &&
            (up->contact_uri.len == 0 || str_eq(str_from_c((*at)->instance), up->instance)))
            unlink_binding(r, u, at);
        else
            at = &(*at)->next;
    return REGISTRAR_REMOVED;
}

static enum registrar_action enter(struct registrar *r, struct owned_user *u,
                                   const struct registrar_update *up, struct registrar_out *out)
{
    struct binding **at = binding_find(u, up->epid, up->instance);
    bool known = *at != NULL;
    if (known && str_eq(str_from_c((*at)->contact_uri), up->contact_uri)) {
        binding_take(*at, up);
        return REGISTRAR_REFRESHED;
    }
    if (known)
        unlink_binding(r, u, at); /* the same endpoint with another Contact */
    else if (u->count >= r->endpoints_max)
        evict_oldest(r, u, out);
    struct binding *b = binding_new(up);
    b->next = u->bindings;
    u->bindings = b;
    u->count++;
    r->endpoints++;
    binding_take(b, up);
    return known ? REGISTRAR_REFRESHED : REGISTRAR_ADDED;
}

enum registrar_action registrar_update(struct registrar *r, const struct registrar_update *up,
                                       struct buf *contacts, struct registrar_out *out)
{
    *out = (struct registrar_out){ 0 };
    struct owned_user *u = user_get(r, up->user_key);
    enum registrar_action action = REGISTRAR_TOLD;
    if (!up->query)
        action = up->expires == 0 ? leave(r, u, up) : enter(r, u, up, out);
    add_contacts(contacts, u, up->now_ms);
    user_drop_if_empty(r, u);
    return action;
}

void registrar_gone(struct registrar *r, struct str user_key, struct str epid, uint64_t conn_id,
                    uint64_t now_ms)
{
    struct owned_user *u = table_get(&r->users, user_key);
    for (struct binding *b = u ? u->bindings : NULL; b; b = b->next)
        if (b->conn_id == conn_id && str_eq(str_from_c(b->epid), epid))
            b->gone_ms = now_ms;
}

static bool is_over(const struct binding *b, uint64_t now_ms)
{
    return now_ms >= b->expires_ms || (b->gone_ms && now_ms >= b->gone_ms + GRACE_MS);
}

void registrar_sweep(struct registrar *r, uint64_t now_ms)
{
    struct owned_user *emptied = NULL;
    size_t pos = 0;
    struct owned_user *u;
    while ((u = table_next(&r->users, &pos)) != NULL) {
        for (struct binding **at = &u->bindings; *at;)
            if (is_over(*at, now_ms))
                unlink_binding(r, u, at);
            else
                at = &(*at)->next;
        if (!u->bindings) {
            u->next_empty = emptied;
            emptied = u;
        }
    }
    while (emptied) { /* a table must not shrink while it is walked */
        u = emptied;
        emptied = u->next_empty;
        user_drop_if_empty(r, u);
    }
}

void registrar_some(struct registrar *r, unsigned parts,
                    void (*each)(void *arg, struct str user_key), void *arg)
{
    size_t until = r->told + r->users.cap / parts + 1;
    struct owned_user *u;

    while (r->told < until && (u = table_next(&r->users, &r->told)) != NULL)
        each(arg, str_of(u->key, u->key_len));
    if (r->told >= r->users.cap)
        r->told = 0;
}

unsigned registrar_remove(struct registrar *r, struct str user_key, struct str epid,
                          bool remote_only, void (*each)(void *arg, const struct registrar_out *o),
                          void *arg)
{
    struct owned_user *u = table_get(&r->users, user_key);
    unsigned removed = 0;
    if (!u)
        return 0;
    for (struct binding **at = &u->bindings; *at;) {
        if ((epid.len > 0 && !str_eq(str_from_c((*at)->epid), epid)) ||
            (remote_only && !(*at)->remote)) {
            at = &(*at)->next;
            continue;
        }
        struct registrar_out out;
        out_of(u, *at, &out);
        unlink_binding(r, u, at);
        each(arg, &out);
        registrar_out_fini(&out);
        removed++;
    }
    user_drop_if_empty(r, u);
    return removed;
}

unsigned registrar_users(const struct registrar *r)
{
    return (unsigned)r->users.count;
}

unsigned registrar_endpoints(const struct registrar *r)
{
    return r->endpoints;
}

void registrar_list(const struct registrar *r,
                    void (*each)(void *arg, const struct registrar_view *v), void *arg)
{
    size_t pos = 0;
    struct owned_user *u;
    while ((u = table_next(&r->users, &pos)) != NULL)
        for (struct binding *b = u->bindings; b; b = b->next) {
            struct registrar_view v = { user_key_of(u),
                                        str_from_c(b->epid),
                                        str_from_c(b->instance),
                                        str_from_c(b->contact_uri),
                                        b->worker,
                                        b->conn_id,
                                        b->expires_ms,
                                        b->remote };
            each(arg, &v);
        }
}
