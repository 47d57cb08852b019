/* SPDX-License-Identifier: MIT */
#include "front/register.h"

#include <assert.h>
#include <stdlib.h>

#include "front/answer.h"
#include "front/client_conn.h"
#include "front/dispatch.h"
#include "front/front_internal.h"
#include "sip/addr.h"

enum { EPID_MAX = 16, FLAGS_EVERY_MS = 1000, OUT_RETRY_MS = 500, OUT_TRIES = 20 };

static const char allow_events[] =
    "vnd-microsoft-provisioning,vnd-microsoft-roaming-contacts,vnd-microsoft-roaming-ACL,presence,"
    "presence.wpending,vnd-microsoft-roaming-self,vnd-microsoft-provisioning-v2";

/* What one REGISTER asks for. */
struct wanted {
    struct str contact_uri, instance;
    uint32_t expires;
    bool query; /* no Contact: tell what is registered */
};

/* "<urn:uuid:34D859DB-...>" to "34d859db-...": a client finds its own line by a case-sensitive
 * search for the lower-case form. */
static struct str instance_of(struct str value, struct arena *arena)
{
    if (value.len > 2 && value.ptr[0] == '<' && value.ptr[value.len - 1] == '>')
        value = str_of(value.ptr + 1, value.len - 2);
    if (str_starts_nocase(value, STR("urn:uuid:")))
        value = str_skip(value, 9);
    struct str copy = arena_dup(arena, value);
    char *text = arena_alloc(arena, copy.len + 1);
    if (!text)
        return STR_NONE;
    for (size_t i = 0; i < copy.len; i++) {
        if (!is_hex_digit(copy.ptr[i]) && copy.ptr[i] != '-')
            return STR_NONE;
        text[i] = to_lower(copy.ptr[i]);
    }
    return str_of(text, copy.len);
}

static enum fault read_expires(const struct turn *t, const struct sip_addr *contact, uint32_t *out)
{
    uint32_t limit = t->w->front->conf->register_expires;
    struct str text = contact ? sip_addr_param(contact, STR("expires")) : STR_NONE;
    if (text.len == 0)
        text = sip_msg_value(&t->msg, SIP_EXPIRES);
    if (text.len == 0) {
        *out = limit;
        return FAULT_NONE;
    }
    if (!str_to_u32(text, out))
        return FAULT_SIP_EXPIRES;
    if (*out > limit)
        *out = limit;
    return FAULT_NONE;
}

/* A Contact's URI goes into later messages between < and >: nothing in it may end that early. */
static bool is_clean_uri(struct str uri)
{
    for (size_t i = 0; i < uri.len; i++)
        if ((unsigned char)uri.ptr[i] <= ' ' || uri.ptr[i] == '<' || uri.ptr[i] == '>' ||
            uri.ptr[i] == 0x7f)
            return false;
    return uri.len > 0;
}

static enum fault read_wanted(struct turn *t, struct wanted *want)
{
    struct arena *arena = &t->w->arena;
    struct str value = sip_unfold(sip_msg_value(&t->msg, SIP_CONTACT), arena);
    struct sip_addr contact;
    *want = (struct wanted){ .instance = STR_NONE, .contact_uri = STR_NONE };
    if (value.len == 0) {
        want->query = true;
        return read_expires(t, NULL, &want->expires);
    }
    if (str_eq(value, STR("*"))) {
        enum fault fault = read_expires(t, NULL, &want->expires);
        return fault != FAULT_NONE || want->expires == 0 ? fault : FAULT_SIP_CONTACT;
    }
    if (sip_addr_parse(value, &contact, NULL) != FAULT_NONE || !is_clean_uri(contact.uri))
        return FAULT_SIP_CONTACT;
    want->contact_uri = contact.uri;
    want->instance = instance_of(sip_addr_param(&contact, STR("+sip.instance")), arena);
    return read_expires(t, &contact, &want->expires);
}

/* [MS-SIPREGE] 3.3.5: what a REGISTER must and must not say. */
static enum fault check(struct turn *t, const struct wanted *want)
{
    struct str event = sip_msg_value(&t->msg, SIP_EVENT);
    if (t->auth.epid.len > EPID_MAX)
        return FAULT_SIP_EPID_TOO_LONG;
    if (t->auth.epid.len == 0 && want->instance.len == 0 && !want->query)
        return FAULT_SIP_NO_ENDPOINT_ID;
    if (event.len > 0 && !str_eq_nocase(event, STR("registration")))
        return FAULT_SIP_REGISTER_EVENT;
    if (sip_msg_has_token(&t->msg, SIP_SUPPORTED, STR("msrtc-event-categories")) &&
        !sip_msg_has_token(&t->msg, SIP_SUPPORTED, STR("gruu-10")))
        return FAULT_SIP_GRUU_REQUIRED;
    return FAULT_NONE;
}

static void answer_ok(struct turn *t, enum registrar_action action, uint32_t expires,
                      struct str contacts)
{
    const struct conf *conf = t->w->front->conf;
    struct answer a;
    answer_begin(&a, t, 200, NULL);
    answer_lines(&a, contacts);
    answer_expires(&a, expires);
    if (action == REGISTRAR_ADDED || action == REGISTRAR_REFRESHED)
        answer_header(&a, "presence-state",
                      action == REGISTRAR_ADDED ? STR("register-action=\"added\"")
                                                : STR("register-action=\"refreshed\""));
    answer_header(&a, "Allow-Events", str_of(allow_events, sizeof(allow_events) - 1));
    answer_header(&a, "Supported", STR("adhoclist"));
    answer_header(&a, "Supported", STR("msrtc-event-categories"));
    if (t->cc->link)
        answer_header(&a, "ms-user-logon-data", STR("RemoteUser"));
    if (sip_msg_first(&t->msg, SIP_MS_KEEP_ALIVE))
        answer_header(&a, "ms-keep-alive", str_from_c(t->w->keep_alive));
    answer_header(&a, "Server", str_from_c(conf->server_header));
    answer_end(&a, STR_NONE, STR_NONE);
}

static void post_out(struct worker *w, struct registrar_out *out, enum out_event event)
{
    struct mail_out *m = calloc(1, sizeof(*m));
    assert(m);
    m->mail.kind = MAIL_OUT;
    m->out = *out;
    m->event = event;
    *out = (struct registrar_out){ 0 };
    mailbox_post(w->front->workers[m->out.worker]->mailbox, &m->mail);
}

static enum registrar_action update_here(struct worker *w, const struct registrar_update *up,
                                         struct buf *contacts)
{
    struct registrar_out out;
    enum registrar_action action = registrar_update(w->registrar, up, contacts, &out);
    if (out.user_key)
        post_out(w, &out, OUT_UNREGISTERED);
    return action;
}

static struct str copy_into(char **at, struct str s)
{
    struct str copy = str_of(*at, s.len);
    memcpy(*at, s.ptr, s.len);
    *at += s.len;
    return copy;
}

/* The user belongs to another worker: the request is saved and the owner asked. */
static void ask_owner(struct turn *t, const struct registrar_update *up, unsigned owner)
{
    size_t room = up->user_key.len + up->epid.len + up->instance.len + up->contact_uri.len;
    struct mail_register *m = calloc(1, sizeof(*m) + room);
    assert(m);
    char *at = m->text;
    m->mail.kind = MAIL_REGISTER;
    m->update = *up;
    m->update.user_key = copy_into(&at, up->user_key);
    m->update.epid = copy_into(&at, up->epid);
    m->update.instance = copy_into(&at, up->instance);
    m->update.contact_uri = copy_into(&at, up->contact_uri);
    m->job = job_new(t->cc->id, str_from_c(t->sa->opaque_text), t->msg.raw, t->msg.head.len);
    turn_wait(t);
    mailbox_post(t->w->front->workers[owner]->mailbox, &m->mail);
}

/* The directory is asked for the user's flags anew, but not at every one of a burst. */
static void look_at_flags(struct turn *t)
{
    struct sa *sa = t->sa;
    if (t->auth.now_ms - sa->flags_ms < FLAGS_EVERY_MS)
        return;
    sa->flags_ms = t->auth.now_ms;
    ask_flags(t->w->ask, t->auth.user_key);
}

static void count(struct worker *w, const struct turn *t)
{
    bool first = t->sa->flags_ms == 0;
    if (first)
        t->sa->flags_ms = t->auth.now_ms; /* the verdict has just told them */
    atomic_fetch_add_explicit(first ? &w->stats.signed_in : &w->stats.refreshed, 1,
                              memory_order_relaxed);
}

/* Below version 4 the request that carries the AUTHENTICATE is unsigned, so a relayed exchange
 * could reach this point without anybody knowing a key: the binding waits for a signed request. */
static bool may_bind(const struct sa *sa)
{
    return sa->version >= 4 || sa->signed_once;
}

/* The way back through an Edge: its Record-Route. */
static void keep_path(struct turn *t)
{
    struct client_conn *cc = t->cc;
    struct str path = sip_unfold(sip_msg_value(&t->msg, SIP_RECORD_ROUTE), &t->w->arena);
    if (!cc->link || path.len == 0 || str_eq(path, str_from_c(cc->path)))
        return;
    free(cc->path);
    cc->path = str_own(path);
}

void register_request(struct turn *t)
{
    struct wanted want;
    enum fault fault = read_wanted(t, &want);
    if (fault == FAULT_NONE)
        fault = check(t, &want);
    if (fault != FAULT_NONE) {
        answer_fault(t, fault);
        return;
    }
    count(t->w, t);
    look_at_flags(t);
    keep_path(t);
    struct registrar_update up = { .user_key = t->auth.user_key,
                                   .epid = t->auth.epid,
                                   .instance = want.instance,
                                   .contact_uri = want.contact_uri,
                                   .cid = t->cc->link ? t->cc->cid_number : conn_cid(t->conn),
                                   .remote = t->cc->link != NULL,
                                   .expires = want.expires,
                                   .query = want.query || !may_bind(t->sa),
                                   .worker = t->w->index,
                                   .conn_id = t->cc->id,
                                   .now_ms = t->auth.now_ms };
    unsigned owner = worker_of_user(t->w->front, up.user_key);
    if (owner != t->w->index) {
        ask_owner(t, &up, owner);
        return;
    }
    buf_clear(&t->w->contacts);
    enum registrar_action action = update_here(t->w, &up, &t->w->contacts);
    answer_ok(t, action, want.expires, buf_str(&t->w->contacts));
}

void register_at_owner(struct worker *w, struct mail_register *m)
{
    m->action = update_here(w, &m->update, &m->contacts);
    m->mail.kind = MAIL_REGISTER_DONE;
    mailbox_post(w->front->workers[m->update.worker]->mailbox, &m->mail);
}

void register_done(struct worker *w, struct mail_register *m)
{
    struct turn t;
    if (turn_resume(&t, w, m->job)) {
        t.sa = sa_find(w->auth.sas, t.auth.owner, t.auth.cid, str_from_c(m->job->opaque),
                       t.auth.now_ms);
        if (t.sa)
            answer_ok(&t, m->action, m->update.expires, buf_str(&m->contacts));
    }
    job_free(m->job);
    buf_fini(&m->contacts);
    free(m);
}

void register_connection_gone(struct worker *w, struct client_conn *cc)
{
    if (w->front->stopping)
        return;
    for (const struct sa *sa = cc->sas.list; sa; sa = sa->next_owned) {
        if (sa->state != SA_ESTABLISHED || !sa->user_key)
            continue;
        struct str user = str_from_c(sa->user_key), epid = str_from_c(sa->epid);
        struct mail_gone *m = calloc(1, sizeof(*m) + user.len + epid.len);
        assert(m);
        char *at = m->text;
        m->mail.kind = MAIL_GONE;
        m->user_key = copy_into(&at, user);
        m->epid = copy_into(&at, epid);
        m->conn_id = cc->id;
        mailbox_post(w->front->workers[worker_of_user(w->front, user)]->mailbox, &m->mail);
    }
}

void register_gone(struct worker *w, struct mail_gone *m)
{
    registrar_gone(w->registrar, m->user_key, m->epid, m->conn_id, loop_now_ms(w->loop));
    free(m);
}

struct removal {
    struct worker *w;
    enum out_event event;
};

static void remove_one(void *arg, const struct registrar_out *o)
{
    struct removal *r = arg;
    struct registrar_out copy = { .user_key = str_own(str_from_c(o->user_key)),
                                  .epid = str_own(str_from_c(o->epid)),
                                  .worker = o->worker,
                                  .conn_id = o->conn_id };
    post_out(r->w, &copy, r->event);
}

void register_remove(struct worker *w, struct mail_remove *m)
{
    struct removal r = { .w = w, .event = m->event };
    m->removed = registrar_remove(w->registrar, m->user_key, m->epid,
                                  m->event == OUT_NO_REMOTE_ACCESS, remove_one, &r);
    if (m->request)
        mailbox_post(w->front->mailbox, &m->mail);
    else
        free(m);
}

static bool signs_in_anew(const struct client_conn *cc, struct str epid)
{
    for (const struct sa *sa = cc->sas.list; sa; sa = sa->next_owned)
        if (sa->state != SA_ESTABLISHED && str_eq(str_from_c(sa->epid), epid))
            return true;
    return false;
}

static void out_free(struct mail_out *m)
{
    registrar_out_fini(&m->out);
    free(m);
}

static void notify_out(struct worker *w, struct conn *c, const struct client_conn *cc,
                       struct sa *sa, const struct mail_out *m)
{
    struct buf diagnostics = { 0 };
    const struct fault_row *row = fault_row(
        m->event == OUT_NO_REMOTE_ACCESS ? FAULT_REMOTE_ACCESS_NOT_ENABLED : FAULT_USER_SIGNED_OUT);
    if (m->event != OUT_UNREGISTERED)
        buf_printf(&diagnostics, "%u;reason=\"%s\"", row->diag_id, row->reason);
    struct server_request r = { .w = w,
                                .conn = c,
                                .client = cc,
                                .sa = sa,
                                .method = STR("NOTIFY"),
                                .event = STR("registration-notify"),
                                .user_key = str_from_c(m->out.user_key),
                                .diagnostics = buf_str(&diagnostics),
                                .content_type = STR("text/registration-event"),
                                .body = m->event == OUT_UNREGISTERED
                                            ? STR("deregistered;event=unregistered")
                                            : STR("deregistered;event=rejected") };
    answer_server_request(&r);
    buf_fini(&diagnostics);
}

/* Between its CHALLENGE and its 200 a client may already check with keys we do not have yet, so
 * the NOTIFY waits for the end of a handshake. */
void register_out(struct worker *w, struct mail_out *m)
{
    struct conn *c;
    struct client_conn *cc = client_conn_find(w, m->out.conn_id, &c);
    struct str epid = str_from_c(m->out.epid);
    struct sa *sa = cc ? sa_find_user(&cc->sas, str_from_c(m->out.user_key), epid) : NULL;
    if (!sa) {
        out_free(m);
        return;
    }
    if (signs_in_anew(cc, epid) && m->tries++ < OUT_TRIES) {
        worker_later(w, OUT_RETRY_MS, &m->mail);
        return;
    }
    arena_reset(&w->arena);
    notify_out(w, c, cc, sa, m);
    /* what it still sends meets no SA and is challenged: an endpoint that may come back signs in
     * again, a rejected one is refused */
    sa_drop(w->auth.sas, sa);
    out_free(m);
}

void register_flags(struct worker *w, struct str user_key, const struct proto_flags *f)
{
    bool may = f->known && (f->user_flags & USER_SIP_ENABLED) && !(f->user_flags & USER_DISABLED);
    if (may && (f->user_flags & USER_REMOTE_ACCESS))
        return;
    struct mail_remove *m = calloc(1, sizeof(*m) + user_key.len);
    assert(m);
    char *at = m->text;
    m->mail.kind = MAIL_REMOVE;
    m->event = may ? OUT_NO_REMOTE_ACCESS : OUT_REJECTED;
    m->user_key = copy_into(&at, user_key);
    m->epid = STR_NONE;
    mailbox_post(w->front->workers[worker_of_user(w->front, user_key)]->mailbox, &m->mail);
}
