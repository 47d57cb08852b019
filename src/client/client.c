/* SPDX-License-Identifier: MIT */
#include "client/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "client/association.h"
#include "client/link.h"
#include "client/locate.h"
#include "client/mechanism.h"
#include "client/message.h"
#include "client/verdict.h"
#include "sip/uri.h"

enum { TIMEOUT_DEFAULT_MS = 5000, ARENA_FIRST = 16384, ARENA_MAX = 262144 };

struct client {
    struct client_settings s;
    char *uri_text;
    struct sip_uri uri;
    bool uri_is_good;
    struct client_link link;
    struct client_association sa;
    char epid[17], call_id[33], from_tag[11], local[NET_ADDR_TEXT];
    uint32_t cseq;
    struct arena arena; /* of the answer read last */
    struct sip_msg answer;
    bool answered;      /* the server has said something in SIP */
    unsigned mechanism; /* index of the one in use */
    bool goes_on;       /* it failed, and the next one is tried */
    unsigned status;
    void (*report)(void *arg, const struct client_leg *leg);
    void *report_arg;
};

/* --- legs --- */

static double clock_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

/* The server's words end on somebody's terminal: nothing but printable ASCII goes there. */
static void text_set(char *to, size_t size, struct str text)
{
    size_t len = text.len < size - 1 ? text.len : size - 1;
    for (size_t i = 0; i < len; i++)
        to[i] = (char)(text.ptr[i] >= ' ' && text.ptr[i] <= '~' ? text.ptr[i] : '?');
    to[len] = '\0';
}

static struct client_leg leg_begin(const char *name)
{
    return (struct client_leg){ .leg = name, .rspauth_ok = -1, .ms = clock_ms() };
}

/* Fills in the verdict and reports.  Without other words the reason is the catalogue's. */
static enum fault leg_end(struct client *c, struct client_leg *leg, enum fault fault)
{
    leg->ms = clock_ms() - leg->ms;
    leg->fault = fault;
    leg->ok = fault == FAULT_NONE;
    if (fault != FAULT_NONE && leg->reason[0] == '\0')
        text_set(leg->reason, sizeof(leg->reason), str_from_c(fault_row(fault)->text));
    if (c->report)
        c->report(c->report_arg, leg);
    return fault;
}

static uint64_t deadline(const struct client *c)
{
    return clock_mono_ms() + (c->s.timeout_ms ? c->s.timeout_ms : TIMEOUT_DEFAULT_MS);
}

/* --- the way there --- */

static enum fault dns_leg(struct client *c, struct client_place places[CLIENT_PLACES_MAX],
                          unsigned *count)
{
    char domain[DNS_NAME_MAX];
    struct buf told = { 0 };
    struct client_leg leg = leg_begin("dns");

    text_set(domain, sizeof(domain), c->uri.host);
    *count = client_locate(&client_names_dns, domain, c->s.transport, places, &told);
    text_set(leg.reason, sizeof(leg.reason), buf_str(&told));
    buf_fini(&told);
    return leg_end(c, &leg, *count ? FAULT_NONE : FAULT_DNS_SRV_NOT_FOUND);
}

static enum fault tcp_leg(struct client *c, const struct client_place *place)
{
    struct client_leg leg = leg_begin("tcp");
    struct buf text = { 0 };

    enum fault fault = client_link_dial(&c->link, place->host, place->port, deadline(c));
    if (fault == FAULT_NONE)
        net_addr_print(&c->link.local, c->local);
    buf_printf(&text, "%s:%u%s%s", place->host, place->port, fault ? ": " : " answers",
               fault ? c->link.why : "");
    text_set(leg.reason, sizeof(leg.reason), buf_str(&text));
    buf_fini(&text);
    return leg_end(c, &leg, fault);
}

static enum fault tls_leg(struct client *c, const struct client_place *place)
{
    struct client_leg leg = leg_begin("tls");
    struct tls_client_settings settings = { .kind = c->s.profile->tls,
                                            .ca_file = c->s.ca_file,
                                            .no_verify = c->s.no_verify };
    struct buf text = { 0 };
    enum fault fault = FAULT_CONFIG_INVALID;

    struct tls_context *context = tls_client_context_new(&settings, &text);
    if (context) {
        fault = client_link_secure(&c->link, context, place->host, deadline(c));
        buf_clear(&text);
        if (fault == FAULT_NONE)
            tls_describe(c->link.tls, &text);
        else
            buf_add_c(&text, c->link.why);
        tls_context_free(context);
    }
    text_set(leg.reason, sizeof(leg.reason), buf_str(&text));
    buf_fini(&text);
    return leg_end(c, &leg, fault);
}

/* Each place in turn, as clients do: one dead record only costs time. */
static enum fault reach(struct client *c)
{
    struct client_place places[CLIENT_PLACES_MAX];
    unsigned count = 1;
    enum fault fault = FAULT_NONE;

    if (!c->s.server)
        fault = dns_leg(c, places, &count);
    else if (!client_place_parse(c->s.server, c->s.transport, &places[0]))
        fault = FAULT_CONFIG_INVALID;
    if (fault != FAULT_NONE)
        return fault;
    for (unsigned i = 0; i < count; i++) {
        fault = tcp_leg(c, &places[i]);
        if (fault == FAULT_NONE && c->s.transport == CLIENT_TLS)
            fault = tls_leg(c, &places[i]);
        if (fault == FAULT_NONE)
            break;
        client_link_fini(&c->link);
    }
    return fault;
}

/* --- REGISTERs --- */

static struct client_register request_next(struct client *c, bool leave)
{
    struct client_register r = { .profile = c->s.profile,
                                 .transport = c->s.transport,
                                 .uri = str_from_c(c->uri_text),
                                 .domain = c->uri.host,
                                 .local = c->local,
                                 .epid = c->epid,
                                 .call_id = c->call_id,
                                 .from_tag = c->from_tag,
                                 .leave = leave,
                                 .proxy = c->sa.proxy };

    if (c->s.profile->family == CLIENT_SIPE)
        client_random_hex(c->from_tag, sizeof(c->from_tag));
    snprintf(r.cseq, sizeof(r.cseq), "%u", ++c->cseq);
    return r;
}

static bool answers(const struct sip_msg *m, const struct client_register *r)
{
    return !m->is_request && m->status >= 200 && str_eq(m->call_id, str_from_c(r->call_id)) &&
           str_eq(m->cseq_digits, str_from_c(r->cseq)) && str_eq(m->cseq_method, STR("REGISTER"));
}

/* The final answer to this request; whatever else arrives meanwhile is passed over. */
static enum fault answer_wait(struct client *c, const struct client_register *r, uint64_t until)
{
    enum fault fault = FAULT_NONE;

    while (fault == FAULT_NONE) {
        struct str whole;
        size_t head_len;
        fault = client_link_receive(&c->link, &whole, &head_len, until);
        if (fault != FAULT_NONE)
            break;
        c->answered = true;
        arena_reset(&c->arena);
        fault = sip_msg_parse(whole, head_len, SIP_HEADERS_MAX_DEFAULT, &c->arena, &c->answer);
        if (fault == FAULT_NONE && answers(&c->answer, r))
            return FAULT_NONE;
    }
    return fault;
}

static struct str diagnostics_of(const struct sip_msg *m, struct arena *arena)
{
    struct str inside = sip_msg_value(m, SIP_MS_DIAGNOSTICS);
    return sip_unfold(inside.len ? inside : sip_msg_value(m, SIP_MS_DIAGNOSTICS_PUBLIC), arena);
}

static enum fault exchange(struct client *c, const struct client_register *r,
                           struct client_leg *leg)
{
    uint64_t until = deadline(c);
    struct buf text = { 0 };

    client_register_write(r, &text);
    enum fault fault = client_link_send(&c->link, buf_str(&text), until);
    buf_fini(&text);
    if (fault == FAULT_NONE)
        fault = answer_wait(c, r, until);
    if (fault != FAULT_NONE) {
        text_set(leg->reason, sizeof(leg->reason), str_from_c(c->link.why));
        return fault;
    }
    leg->status = c->status = c->answer.status;
    leg->rspauth_ok = client_association_verify(&c->sa, &c->answer, &c->arena);
    text_set(leg->reason, sizeof(leg->reason), c->answer.reason);
    text_set(leg->ms_diagnostics, sizeof(leg->ms_diagnostics),
             diagnostics_of(&c->answer, &c->arena));
    return FAULT_NONE;
}

static enum fault refusal(struct client *c, const struct client_leg *leg)
{
    if (leg->rspauth_ok == 0)
        return FAULT_SA_SERVER_SIGNATURE;
    return client_verdict(leg->status, diagnostics_of(&c->answer, &c->arena), leg->rspauth_ok == 1);
}

/* An answer to a signed request: a success counts only with the server's signature on it. */
static enum fault judge(struct client *c, const struct client_leg *leg)
{
    if (leg->status >= 300)
        return refusal(c, leg);
    return leg->rspauth_ok == 1 ? FAULT_NONE : FAULT_SA_SERVER_SIGNATURE;
}

/* A 200 to a request without credentials proves nothing; else it is a challenge or a refusal. */
static enum fault challenge_check(struct client *c, const struct client_leg *leg)
{
    if (leg->status < 300)
        return FAULT_SA_SERVER_SIGNATURE;
    return leg->status == 401 || leg->status == 407 ? FAULT_NONE : refusal(c, leg);
}

/* --- the mechanisms --- */

/* As clients prefer them when nobody chose for them. */
static const struct client_mechanism *const mechanisms[] = { &client_mechanism_kerberos,
                                                             &client_mechanism_ntlm };

static bool is_wanted(const struct client *c, const struct client_mechanism *m)
{
    switch (c->s.scheme) {
    case CLIENT_KERBEROS:
        return m == &client_mechanism_kerberos;
    case CLIENT_NTLM:
        return m == &client_mechanism_ntlm;
    default:
        return m->suits(&c->s);
    }
}

/* The first one from `from` on that is wanted and that the answer offers. */
static enum fault mechanism_choose(struct client *c, unsigned from)
{
    enum fault fault = FAULT_SIP_NO_SCHEME;
    struct str token;

    for (unsigned i = from; i < ARRAY_LEN(mechanisms) && fault == FAULT_SIP_NO_SCHEME; i++)
        if (is_wanted(c, mechanisms[i])) {
            fault =
                client_association_challenge(&c->sa, mechanisms[i], &c->answer, &c->arena, &token);
            c->mechanism = i;
        }
    return fault;
}

static void scheme_set(const struct client *c, struct client_leg *leg)
{
    if (c->sa.mechanism)
        text_set(leg->scheme, sizeof(leg->scheme), str_from_c(c->sa.mechanism->scheme));
}

static enum fault challenge_leg(struct client *c)
{
    struct client_leg leg = leg_begin("challenge");
    struct client_register r = request_next(c, false);
    struct buf offered = { 0 };

    enum fault fault = exchange(c, &r, &leg);
    if (fault == FAULT_NONE)
        fault = challenge_check(c, &leg);
    if (fault == FAULT_NONE)
        fault = client_association_offers(&c->answer, &c->arena, &offered);
    if (fault == FAULT_NONE)
        fault = mechanism_choose(c, 0);
    text_set(leg.offered, sizeof(leg.offered), buf_str(&offered));
    buf_fini(&offered);
    scheme_set(c, &leg);
    return leg_end(c, &leg, fault);
}

/* Sends the empty token, which asks for the server's. */
static enum fault server_token(struct client *c, struct client_leg *leg, struct str *token)
{
    struct client_register r = request_next(c, false);
    struct buf ask = { 0 };

    client_association_ask(&c->sa, &ask);
    r.credentials = buf_str(&ask);
    enum fault fault = exchange(c, &r, leg);
    buf_fini(&ask);
    if (fault == FAULT_NONE)
        fault = challenge_check(c, leg);
    if (fault == FAULT_NONE)
        fault = client_association_challenge(&c->sa, c->sa.mechanism, &c->answer, &c->arena, token);
    /* challenged anew: the server forgot */
    return fault == FAULT_NONE && token->len == 0 ? FAULT_SIP_REFUSED : fault;
}

static bool has_password(struct client *c)
{
    if (!c->s.password && c->s.password_ask)
        c->s.password = c->s.password_ask(c->s.password_arg);
    return c->s.password != NULL;
}

/* Makes the last token, which goes out in `next`. */
static enum fault last_token(struct client *c, struct client_leg *leg, struct str token,
                             struct client_register *next, struct buf *credentials)
{
    struct client_proof proof = { .settings = &c->s,
                                  .user_of_uri = c->uri.user,
                                  .deadline = deadline(c) };
    struct buf detail = { 0 };
    struct sigtext text;

    *next = request_next(c, false);
    client_register_sigtext(next, &text);
    enum fault fault =
        client_association_answer(&c->sa, &proof, token, &text, credentials, &detail);
    leg->flags = c->sa.flags;
    if (fault != FAULT_NONE) {
        c->cseq--; /* it is not sent */
        /* the refusal is ours: say why, not "Unauthorized" */
        text_set(leg->reason, sizeof(leg->reason), buf_str(&detail));
    }
    buf_fini(&detail);
    return fault;
}

/* What a KDC says of the account holds for NTLM too, and a second try of a wrong password counts
 * towards the lockout.  A name that it does not know may still be one of Windows. */
static bool is_about_the_account(enum fault fault)
{
    return fault != FAULT_USER_UNKNOWN &&
           str_starts(str_from_c(fault_row(fault)->name), STR("user-"));
}

/* With CLIENT_AUTO the next mechanism that is offered takes over. */
static void give_way(struct client *c, struct client_leg *leg)
{
    leg->goes_on = c->goes_on =
        c->s.scheme == CLIENT_AUTO && mechanism_choose(c, c->mechanism + 1) == FAULT_NONE;
}

static enum fault token_leg(struct client *c, struct client_register *next, struct buf *credentials)
{
    const struct client_mechanism *m = c->sa.mechanism;
    struct str token = STR_NONE;
    enum fault fault = FAULT_NONE;

    bool lacks_password = m->needs_password && !has_password(c);
    struct client_leg leg = leg_begin(m->leg);
    scheme_set(c, &leg);
    if (lacks_password)
        fault = FAULT_KERBEROS_NO_CREDENTIALS;
    if (fault == FAULT_NONE && m->has_server_token)
        fault = server_token(c, &leg, &token);
    if (fault == FAULT_NONE) {
        fault = last_token(c, &leg, token, next, credentials);
        if (fault != FAULT_NONE && !is_about_the_account(fault))
            give_way(c, &leg);
    }
    return leg_end(c, &leg, fault);
}

static enum fault authenticate_leg(struct client *c, const struct client_register *r)
{
    struct client_leg leg = leg_begin("authenticate");

    leg.flags = c->sa.flags;
    scheme_set(c, &leg);
    enum fault fault = exchange(c, r, &leg);
    if (fault == FAULT_NONE)
        fault = judge(c, &leg);
    if (fault != FAULT_NONE && leg.status == 401)
        give_way(c, &leg);
    return leg_end(c, &leg, fault);
}

static enum fault attempt(struct client *c)
{
    struct client_register last;
    struct buf credentials = { 0 };

    c->goes_on = false;
    enum fault fault = token_leg(c, &last, &credentials);
    if (fault == FAULT_NONE) {
        last.credentials = buf_str(&credentials);
        fault = authenticate_leg(c, &last);
    }
    buf_fini(&credentials);
    return fault;
}

static enum fault handshake(struct client *c)
{
    enum fault fault = challenge_leg(c);

    if (fault == FAULT_NONE)
        do
            fault = attempt(c);
        while (c->goes_on);
    return fault;
}

static bool signed_register(struct client *c, const char *name, bool leave, struct client_leg *leg)
{
    struct sigtext text;
    struct buf credentials = { 0 };
    enum fault fault = FAULT_SA_UNKNOWN;

    *leg = leg_begin(name);
    leg->flags = c->sa.flags;
    scheme_set(c, leg);
    if (c->sa.ready && c->link.fd >= 0) {
        struct client_register r = request_next(c, leave);
        client_register_sigtext(&r, &text);
        client_association_sign(&c->sa, &text, &credentials);
        r.credentials = buf_str(&credentials);
        fault = exchange(c, &r, leg);
        if (fault == FAULT_NONE)
            fault = judge(c, leg);
    }
    buf_fini(&credentials);
    c->report = NULL; /* the caller holds the leg */
    return leg_end(c, leg, fault) == FAULT_NONE;
}

/* --- the whole --- */

/* The address goes into headers as it stands. */
static bool uri_is_good(const struct client *c)
{
    for (const char *p = c->uri_text; *p; p++)
        if (*p <= ' ' || *p == 0x7f || strchr("<>\"", *p))
            return false;
    return str_eq_nocase(c->uri.scheme, STR("sip")) && c->uri.user.len > 0 && c->uri.host.len > 0;
}

struct client *client_new(const struct client_settings *s)
{
    struct client *c = calloc(1, sizeof(*c));
    if (!c)
        abort();
    c->s = *s;
    c->uri_text = str_own(str_from_c(s->uri));
    c->uri_is_good =
        sip_uri_parse(str_from_c(c->uri_text), &c->uri) == FAULT_NONE && uri_is_good(c);
    client_link_init(&c->link);
    arena_init(&c->arena, ARENA_FIRST, ARENA_MAX);
    if (s->epid)
        snprintf(c->epid, sizeof(c->epid), "%s", s->epid);
    else
        client_random_hex(c->epid, s->profile->family == CLIENT_SIPE ? 13 : 11);
    return c;
}

void client_free(struct client *c)
{
    if (!c)
        return;
    client_link_fini(&c->link);
    client_association_fini(&c->sa);
    arena_fini(&c->arena);
    free(c->uri_text);
    free(c);
}

static bool is_no_way_there(enum fault f)
{
    return f == FAULT_DNS_SRV_NOT_FOUND || f == FAULT_ROUTE_UNREACHABLE ||
           f == FAULT_ROUTE_NO_ANSWER || f == FAULT_ROUTE_PEER_CLOSED ||
           f == FAULT_ROUTE_PEER_RESET;
}

struct client_result
client_sign_in(struct client *c, void (*report)(void *arg, const struct client_leg *leg), void *arg)
{
    c->report = report;
    c->report_arg = arg;
    client_link_fini(&c->link);
    client_association_fini(&c->sa);
    c->sa = (struct client_association){ 0 };
    c->cseq = 0;
    c->status = 0;
    c->answered = c->goes_on = false;
    c->mechanism = 0;
    client_random_hex(c->call_id, sizeof(c->call_id));
    client_random_hex(c->from_tag, sizeof(c->from_tag));

    enum fault fault = c->uri_is_good ? reach(c) : FAULT_SIP_URI;
    if (fault == FAULT_NONE)
        fault = handshake(c);
    if (fault != FAULT_NONE) {
        client_link_fini(&c->link);
        client_association_fini(&c->sa);
    }
    const char *scheme = c->sa.mechanism ? c->sa.mechanism->scheme : "";
    return (struct client_result){ .signed_in = fault == FAULT_NONE,
                                   .scheme = scheme,
                                   .cause = fault,
                                   .status = c->status,
                                   .reached = c->answered || !is_no_way_there(fault) };
}

bool client_refresh(struct client *c, struct client_leg *leg)
{
    return signed_register(c, "refresh", false, leg);
}

bool client_leave(struct client *c, struct client_leg *leg)
{
    bool left = signed_register(c, "leave", true, leg);
    client_link_fini(&c->link);
    client_association_fini(&c->sa);
    return left;
}
