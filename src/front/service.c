/* SPDX-License-Identifier: MIT */
#include "front/service.h"

#include "front/answer.h"
#include "front/route.h"

/* A subscription a client makes to itself right after sign-in, and the document it waits for
 * before it goes on.  The documents are the least that is true: no contacts, no provisioning, the
 * two containers every client expects so that it does not try to add them at each start. */
struct self_event {
    const char *event;
    const char *content_type;
    const char *body;
};

static const struct self_event self_events[] = {
    { "vnd-microsoft-roaming-contacts", "application/vnd-microsoft-roaming-contacts+xml",
      "<contactList deltaNum=\"1\"><group id=\"1\" name=\"~\" externalURI=\"\"/></contactList>" },
    { "vnd-microsoft-provisioning-v2", "application/vnd-microsoft-roaming-provisioning-v2+xml",
      "<provisionGroupList xmlns=\"http://schemas.microsoft.com/2006/09/sip/"
      "provisiongrouplist-notification\"><provisionGroup name=\"ServerConfiguration\">"
      "<ucPC2PCAVEncryption>DoNotSupportEncryption</ucPC2PCAVEncryption></provisionGroup>"
      "</provisionGroupList>" },
    { "vnd-microsoft-roaming-self", "application/vnd-microsoft-roaming-self+xml",
      "<roamingData xmlns=\"http://schemas.microsoft.com/2006/09/sip/roaming-self\">"
      "<containers xmlns=\"http://schemas.microsoft.com/2006/09/sip/containers\">"
      "<container id=\"200\" version=\"1\"><member type=\"sameEnterprise\"/></container>"
      "<container id=\"100\" version=\"1\"><member type=\"federated\"/></container></containers>"
      "<subscribers xmlns=\"http://schemas.microsoft.com/2006/09/sip/presence-subscribers\"/>"
      "</roamingData>" },
};

static const struct self_event *find_event(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(self_events); i++)
        if (str_eq_nocase(name, str_from_c(self_events[i].event)))
            return &self_events[i];
    return NULL;
}

/* Seconds asked for; a missing or unreadable value counts as the usual two hours. */
static uint32_t expires_asked(const struct turn *t)
{
    uint32_t seconds;
    if (!str_to_u32(sip_msg_value(&t->msg, SIP_EXPIRES), &seconds))
        return 7200;
    return seconds < 7200 ? seconds : 7200;
}

static void subscribe(struct turn *t)
{
    struct str event = sip_msg_value(&t->msg, SIP_EVENT);
    const struct self_event *known = find_event(event);
    uint32_t seconds = expires_asked(t);
    struct answer a;
    answer_begin(&a, t, 200, NULL);
    answer_header(&a, "Contact", arena_printf(&t->w->arena, "<%.*s>", STR_ARG(t->auth.user_key)));
    answer_header(&a, "Event", event);
    answer_expires(&a, seconds);
    answer_header(&a, "subscription-state",
                  seconds ? arena_printf(&t->w->arena, "active;expires=%u", seconds)
                          : STR("terminated;expires=0"));
    answer_header(&a, "Supported", STR("ms-benotify"));
    answer_header(&a, "Supported", STR("ms-piggyback-first-notify"));
    /* the header says that the body is the first NOTIFY; an end of a subscription has none */
    bool has_dialog = str_find(sip_msg_value(&t->msg, SIP_TO), STR(";tag=")) != SIZE_MAX;
    if (known && !has_dialog) {
        answer_header(&a, "ms-piggyback-cseq", STR("1"));
        answer_end(&a, str_from_c(known->content_type), str_from_c(known->body));
    } else {
        answer_end(&a, STR_NONE, STR_NONE);
    }
}

/* Publications and container members are taken note of by nobody yet; a client that is told so
 * tries again for ever, so it is told 200.  A SOAP request wants a result that does not exist. */
static void service(struct turn *t)
{
    struct str type = sip_msg_value(&t->msg, SIP_CONTENT_TYPE);
    if (str_starts_nocase(type, STR("application/msrtc-")))
        answer_status(t, 200);
    else
        answer_status(t, 501);
}

static void options(struct turn *t)
{
    struct answer a;
    answer_begin(&a, t, 200, NULL);
    answer_header(&a, "Allow", STR("REGISTER, OPTIONS, SUBSCRIBE, SERVICE"));
    answer_header(&a, "Accept", STR("application/sdp"));
    answer_header(&a, "Supported", STR("gruu-10"));
    answer_end(&a, STR_NONE, STR_NONE);
}

void service_request(struct turn *t)
{
    struct str method = t->msg.method;
    if (str_eq(method, STR("ACK")) || str_eq(method, STR("BENOTIFY")))
        return; /* neither is ever answered */
    if (str_eq(method, STR("BYE")) || str_eq(method, STR("CANCEL")) ||
        str_eq(method, STR("NOTIFY")) || str_eq(method, STR("INFO")))
        answer_status(t, 481); /* there are no dialogs here */
    else if (route_request(t) == ROUTE_NONE)
        route_refuse(t);
    else if (str_eq(method, STR("OPTIONS")))
        options(t);
    else if (str_eq(method, STR("SUBSCRIBE")))
        subscribe(t);
    else if (str_eq(method, STR("SERVICE")))
        service(t);
    else
        answer_status(t, 501);
}
