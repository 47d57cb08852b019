/* SPDX-License-Identifier: MIT */
#include "load.h"

#include <nettle/md5.h>
#include <stdio.h>

#include "auth/sigtext.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/secret.h"
#include "ntlm/initiate.h"
#include "sip/authparam.h"
#include "sip/msg.h"

void load_sip_init(struct load_sip *s, unsigned user)
{
    *s = (struct load_sip){ .user = user };
    uint8_t id[16];
    random_bytes(id, sizeof(id));
    for (unsigned i = 0; i < 16; i++)
        snprintf(s->call_id + 2 * i, 3, "%02x", id[i]);
    snprintf(s->epid, sizeof(s->epid), "%010x", user);
    snprintf(s->tag, sizeof(s->tag), "%010x", random_u32());
}

/* A REGISTER of about 900 bytes as Communicator 2007 R2 sends it. */
static void begin(const struct load_settings *o, struct load_sip *s, struct buf *out)
{
    buf_printf(out,
               "REGISTER sip:%s SIP/2.0\r\n"
               "Via: SIP/2.0/%s 127.0.0.1:50000\r\n"
               "Max-Forwards: 70\r\n"
               "From: <sip:bench%05u@%s>;tag=%s;epid=%s\r\n"
               "To: <sip:bench%05u@%s>\r\n"
               "Call-ID: %s\r\n"
               "CSeq: %u REGISTER\r\n",
               o->domain, o->use_tls ? "TLS" : "TCP", s->user, o->domain, s->tag, s->epid, s->user,
               o->domain, s->call_id, ++s->cseq);
    buf_printf(
        out,
        "Contact: <sip:127.0.0.1:50000;transport=%s;ms-opaque=%s>;methods=\"INVITE, MESSAGE, "
        "INFO, OPTIONS, BYE, CANCEL, NOTIFY, ACK, REFER, BENOTIFY\";proxy=replace;"
        "+sip.instance=\"<urn:uuid:34D859DB-6585-5F91-A3B4-DE85%08X>\"\r\n"
        "User-Agent: UCCAPI/3.5.6907.0 OC/3.5.6907.0 (Microsoft Office Communicator 2007 R2)\r\n"
        "Supported: gruu-10, adhoclist, msrtc-event-categories\r\n"
        "Supported: ms-forking\r\n"
        "ms-keep-alive: UAC;hop-hop=yes\r\n"
        "Event: registration\r\n",
        o->use_tls ? "tls" : "tcp", s->epid, s->user);
}

static void end(struct buf *out)
{
    buf_add_c(out, "Content-Length: 0\r\n\r\n");
}

/* The signature parameters of this request: the text is rebuilt from the request itself. */
static void sign(struct load_sip *s, struct str head, struct buf *out, struct arena *arena)
{
    struct buf whole = { 0 }, text = { 0 };
    struct sip_msg m;
    struct sigtext t;
    char crand[9], cnum[12];
    uint8_t mac[NTLM_SIGNATURE_LEN];
    buf_add(&whole, head);
    buf_add_c(&whole, "\r\n");
    snprintf(crand, sizeof(crand), "%08x", random_u32());
    snprintf(cnum, sizeof(cnum), "%u", ++s->cnum);
    if (sip_msg_parse(buf_str(&whole), whole.len, 128, arena, &m) == FAULT_NONE &&
        sigtext_from_msg(&m, arena, &t) == FAULT_NONE) {
        t.scheme = STR("NTLM");
        t.rand = str_from_c(crand);
        t.num = str_from_c(cnum);
        t.realm = str_from_c(s->realm);
        t.target = str_from_c(s->target);
        sigtext_write(&t, 4, &text);
        ntlm_mac(&s->keys.client, buf_str(&text), mac);
        buf_printf(out, ", crand=\"%s\", cnum=\"%s\", response=\"", crand, cnum);
        buf_add_hex(out, str_of(mac, sizeof(mac)), false);
        buf_add_char(out, '"');
    }
    buf_fini(&whole);
    buf_fini(&text);
}

static void md5_hex(const char *text, char out[33])
{
    struct md5_ctx c;
    uint8_t d[16];
    md5_init(&c);
    md5_update(&c, strlen(text), (const uint8_t *)text);
    md5_digest(&c, sizeof(d), d);
    for (unsigned i = 0; i < 16; i++)
        snprintf(out + 2 * i, 3, "%02x", d[i]);
}

static void add_digest(const struct load_settings *o, const struct load_sip *s, struct buf *out)
{
    char text[512], ha1[33], ha2[33], response[33];
    snprintf(text, sizeof(text), "bench%05u:%s:%s", s->user, s->realm, o->password);
    md5_hex(text, ha1);
    snprintf(text, sizeof(text), "REGISTER:sip:%s", o->domain);
    md5_hex(text, ha2);
    snprintf(text, sizeof(text), "%s:%s:%s", ha1, s->nonce, ha2);
    md5_hex(text, response);
    buf_printf(out,
               "Authorization: Digest username=\"bench%05u\", realm=\"%s\", nonce=\"%s\", "
               "uri=\"sip:%s\", response=\"%s\", algorithm=MD5\r\n",
               s->user, s->realm, s->nonce, o->domain, response);
}

void load_compose(const struct load_settings *o, struct load_sip *s, enum load_step step,
                  struct buf *out, struct arena *arena)
{
    size_t start = out->len;
    begin(o, s, out);
    if (o->digest && step != STEP_CHALLENGE) {
        add_digest(o, s, out);
    } else if (step == STEP_NEGOTIATE) {
        buf_printf(out,
                   "Proxy-Authorization: NTLM qop=\"auth\", realm=\"%s\", targetname=\"%s\", "
                   "gssapi-data=\"\", version=4\r\n",
                   s->realm, s->target);
    } else if (step == STEP_REFRESH) {
        struct buf params = { 0 };
        sign(s, str_skip(buf_str(out), start), &params, arena);
        buf_printf(out,
                   "Proxy-Authorization: NTLM qop=\"auth\", realm=\"%s\", opaque=\"%s\", "
                   "targetname=\"%s\"%.*s\r\n",
                   s->realm, s->opaque, s->target, STR_ARG(buf_str(&params)));
        buf_fini(&params);
    }
    end(out);
}

void load_compose_authenticate(const struct load_settings *o, struct load_sip *s, struct str token,
                               struct buf *out, struct arena *arena)
{
    struct buf params = { 0 };
    size_t start = out->len;
    begin(o, s, out);
    sign(s, str_skip(buf_str(out), start), &params, arena);
    buf_printf(out,
               "Proxy-Authorization: NTLM qop=\"auth\", realm=\"%s\", opaque=\"%s\", "
               "targetname=\"%s\", gssapi-data=\"",
               s->realm, s->opaque, s->target);
    base64_encode(token, out);
    buf_printf(out, "\", version=4%.*s\r\n", STR_ARG(buf_str(&params)));
    buf_fini(&params);
    end(out);
}

bool load_authenticate(const struct load_settings *o, struct load_sip *s, struct str challenge,
                       struct buf *token)
{
    char user[16];
    snprintf(user, sizeof(user), "bench%05u", s->user);
    struct ntlm_initiate in = { .flags_wanted = 0xE2988255u,
                                .lm_compatibility = 3,
                                .version = { 6, 1, 7601, 15 },
                                .domain = str_from_c(o->netbios),
                                .user = str_from_c(user),
                                .workstation = STR("BENCH"),
                                .password = str_from_c(o->password),
                                .filetime = clock_filetime() };
    uint8_t exported[16];
    uint32_t flags = 0;
    random_bytes(in.client_challenge, sizeof(in.client_challenge));
    random_bytes(in.random_session_key, sizeof(in.random_session_key));
    if (ntlm_initiate(&in, challenge, token, &flags, exported) != FAULT_NONE)
        return false;
    ntlm_keys_init(&s->keys, flags, 15, exported);
    s->have_keys = true;
    return true;
}

static void keep(char *out, size_t len, struct str value)
{
    snprintf(out, len, "%.*s", STR_ARG(value));
}

static bool signature_is_right(struct load_sip *s, const struct sip_msg *m, struct arena *arena)
{
    struct sip_auth a;
    struct sigtext t;
    uint8_t mac[NTLM_SIGNATURE_LEN];
    struct str value = sip_msg_value(m, SIP_AUTHENTICATION_INFO);
    if (sip_auth_parse(value, &a) != FAULT_NONE ||
        !hex_decode(sip_auth_get(&a, STR("rspauth")), mac, sizeof(mac)) ||
        sigtext_from_msg(m, arena, &t) != FAULT_NONE)
        return false;
    t.scheme = STR("NTLM");
    t.rand = sip_auth_get(&a, STR("srand"));
    t.num = sip_auth_get(&a, STR("snum"));
    t.realm = str_from_c(s->realm);
    t.target = str_from_c(s->target);
    t.status = m->status;
    struct buf text = { 0 };
    sigtext_write(&t, 4, &text);
    bool right = ntlm_verify(&s->keys, false, buf_str(&text), str_of(mac, sizeof(mac)));
    buf_fini(&text);
    return right;
}

static enum load_answer take_challenge(const struct load_settings *o, struct load_sip *s,
                                       const struct sip_msg *m, struct arena *arena,
                                       struct buf *challenge)
{
    struct sip_auth a;
    if (sip_auth_parse(sip_msg_value(m, SIP_WWW_AUTHENTICATE), &a) != FAULT_NONE)
        return ANSWER_BAD;
    keep(s->realm, sizeof(s->realm), sip_auth_get(&a, STR("realm")));
    if (o->digest) {
        keep(s->nonce, sizeof(s->nonce), sip_auth_get(&a, STR("nonce")));
        return ANSWER_CHALLENGE;
    }
    keep(s->target, sizeof(s->target), sip_auth_get(&a, STR("targetname")));
    struct str token = sip_auth_get(&a, STR("gssapi-data")), octets;
    if (token.len == 0)
        return ANSWER_CHALLENGE;
    keep(s->opaque, sizeof(s->opaque), sip_auth_get(&a, STR("opaque")));
    if (!base64_decode(token, arena, &octets))
        return ANSWER_BAD;
    buf_clear(challenge);
    buf_add(challenge, octets);
    return ANSWER_TOKEN;
}

enum load_answer load_take(const struct load_settings *o, struct load_sip *s, struct str whole,
                           size_t head_len, struct arena *arena, struct buf *challenge)
{
    struct sip_msg m;
    if (sip_msg_parse(whole, head_len, 128, arena, &m) != FAULT_NONE || m.is_request)
        return ANSWER_BAD;
    if (m.status == 401)
        return take_challenge(o, s, &m, arena, challenge);
    if (m.status != 200)
        return ANSWER_BAD;
    if (o->digest || signature_is_right(s, &m, arena))
        return ANSWER_OK;
    return ANSWER_WRONG_SIGNATURE;
}

/* The captured exchange of a Communicator 2007 R2 with an OCS 2007 R2 Front End (vectors
 * r2-keys, r2-request-buf, r2-request-mac, r2-response-mac). */
bool load_self_check(void)
{
    static const char exported_hex[] = "6742fbe37bb1946b49d86a525bd29a9b";
    struct ntlm_keys keys;
    uint8_t exported[16], mac[NTLM_SIGNATURE_LEN], want[NTLM_SIGNATURE_LEN];
    struct sigtext t = { .scheme = STR("NTLM"),
                         .rand = STR("13317733"),
                         .num = STR("1"),
                         .realm = STR("SIP Communications Service"),
                         .target = STR("cosmo-ocs-r2.cosmo.local"),
                         .call_id = STR("4037df9284354df39065195bd57a4b14"),
                         .cseq = STR("3"),
                         .method = STR("REGISTER"),
                         .from_uri = STR("sip:user@cosmo.local"),
                         .from_tag = STR("3e49177a52"),
                         .to_uri = STR("sip:user@cosmo.local") };
    struct buf text = { 0 };
    hex_decode(str_from_c(exported_hex), exported, sizeof(exported));
    ntlm_keys_init(&keys, 0x62988255u, 15, exported);
    sigtext_write(&t, 4, &text);
    ntlm_mac(&keys.client, buf_str(&text), mac);
    hex_decode(STR("0100000029618e9651b65a7764000000"), want, sizeof(want));
    bool right = memcmp(mac, want, sizeof(want)) == 0;
    t.rand = STR("9616454F");
    t.to_tag = STR("5E61CCD925D17E043D9A74835A88F664");
    t.expires = STR("7200");
    t.status = 200;
    buf_clear(&text);
    sigtext_write(&t, 4, &text);
    hex_decode(STR("01000000e615438a917661be64000000"), want, sizeof(want));
    right = right && ntlm_verify(&keys, false, buf_str(&text), str_of(want, sizeof(want)));
    want[5] ^= 1;
    right = right && !ntlm_verify(&keys, false, buf_str(&text), str_of(want, sizeof(want)));
    buf_fini(&text);
    return right;
}
