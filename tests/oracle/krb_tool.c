/* SPDX-License-Identifier: MIT */
/* Our acceptor and our signatures beside MIT's own, for run-kerberos.sh.  The initiator's half runs
 * with KRB5_CONFIG and the tickets of KRB5CCNAME, ours with the file that ACCEPTOR_CONFIG names.
 *
 *   token SERVICE FLAGS COUNT                  tokens of MIT's initiator, hexadecimal, one a line
 *   forged SERVICE SECONDS OCTETS              one of a client whose clock is that much ahead, with
 *                                              as many octets of an extension nobody knows
 *   accept KEYTAB SERVICE RCACHE               tokens on standard input; FAULT|PRINCIPAL|DETAIL
 * each signatures KEYTAB SERVICE RCACHE FLAGS COUNT    a sign-in, then both sides' signatures
 *   ask SOCKET sip:URI                         tokens on standard input, for authd; FAULT|ACCOUNT
 * each damage KEYTAB SERVICE RCACHE COUNT         one token, damaged in as many ways, then as it
 * was
 *
 * FLAGS: letters of m (mutual), r (replay), s (sequence), or "-"; SERVICE "-": any of the keytab.
 */
#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>
#include <krb5.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/compiler.h"
#include "base/encode.h"
#include "base/secret.h"
#include "kerberos/accept.h"
#include "users/proto.h"

enum { TOKEN_MAX = 100000, TEXT_MAX = 2000, CHECKSUM_GSS = 0x8003, RC4_NUMBER_AT = 21 };

static NORETURN void fail(const char *what, const char *detail)
{
    fprintf(stderr, "krb_tool: %s: %s\n", what, detail);
    exit(2);
}

/* --- whose turn it is --- */

static const char *client_conf;

static void be_client(void)
{
    setenv("KRB5_CONFIG", client_conf, 1);
}

static void be_acceptor(void)
{
    const char *conf = getenv("ACCEPTOR_CONFIG");

    setenv("KRB5_CONFIG", conf ? conf : client_conf, 1);
}

/* --- chance, the same in each run --- */

static uint64_t chance_state = 0x9e3779b97f4a7c15u;

static uint64_t chance(uint64_t below)
{
    chance_state ^= chance_state << 13;
    chance_state ^= chance_state >> 7;
    chance_state ^= chance_state << 17;
    return chance_state % below;
}

/* --- MIT's initiator --- */

static void must(OM_uint32 major, const OM_uint32 *minor, const char *what)
{
    gss_buffer_desc text;
    OM_uint32 ignored, more = 0;

    if (!GSS_ERROR(major))
        return;
    gss_display_status(&ignored, *minor, GSS_C_MECH_CODE, gss_mech_krb5, &more, &text);
    fail(what, text.value);
}

static OM_uint32 flags_of(const char *letters)
{
    OM_uint32 flags = GSS_C_INTEG_FLAG;

    flags |= strchr(letters, 'm') ? GSS_C_MUTUAL_FLAG : 0u;
    flags |= strchr(letters, 'r') ? GSS_C_REPLAY_FLAG : 0u;
    flags |= strchr(letters, 's') ? GSS_C_SEQUENCE_FLAG : 0u;
    flags |= strchr(letters, 'g') ? GSS_C_DELEG_FLAG : 0u;
    flags |= strchr(letters, 'd') ? GSS_C_DCE_STYLE : 0u;
    return flags;
}

static gss_OID mech_of(const char *letters)
{
    static gss_OID_desc spnego = { 6, "\x2b\x06\x01\x05\x05\x02" };

    return strchr(letters, 'n') ? &spnego : gss_mech_krb5;
}

/* One step of the initiator; `in` is the acceptor's answer. */
static void initiate(gss_ctx_id_t *context, const char *service, const char *letters, struct str in,
                     struct buf *out)
{
    OM_uint32 minor, ignored;
    gss_name_t name;
    gss_buffer_desc text = { strlen(service), (void *)service };
    gss_buffer_desc answer = { in.len, (void *)in.ptr }, token = GSS_C_EMPTY_BUFFER;

    be_client();
    must(gss_import_name(&minor, &text, (gss_OID)GSS_KRB5_NT_PRINCIPAL_NAME, &name), &minor,
         service);
    must(gss_init_sec_context(&minor, GSS_C_NO_CREDENTIAL, context, name, mech_of(letters),
                              flags_of(letters), 0, NULL, &answer, NULL, &token, NULL, NULL),
         &minor, "initiating");
    buf_add(out, str_of(token.value, token.length));
    gss_release_buffer(&ignored, &token);
    gss_release_name(&ignored, &name);
}

static void print_hex(struct str octets)
{
    struct buf hex = { 0 };

    buf_add_hex(&hex, octets, false);
    printf("%.*s\n", STR_ARG(buf_str(&hex)));
    buf_fini(&hex);
}

static int print_tokens(const char *service, const char *letters, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        gss_ctx_id_t context = GSS_C_NO_CONTEXT;
        struct buf token = { 0 };
        OM_uint32 minor;

        initiate(&context, service, letters, STR_NONE, &token);
        print_hex(buf_str(&token));
        buf_fini(&token);
        gss_delete_sec_context(&minor, &context, GSS_C_NO_BUFFER);
    }
    return 0;
}

/* --- an initiator below the GSS layer, whose clock may be wrong --- */

static void must_krb(krb5_error_code code, const char *what)
{
    if (code != 0)
        fail(what, error_message(code));
}

static void get_ticket(krb5_context k, const char *service, krb5_creds **out)
{
    krb5_ccache cache;
    krb5_creds wanted = { 0 };

    must_krb(krb5_cc_default(k, &cache), "cache");
    must_krb(krb5_cc_get_principal(k, cache, &wanted.client), "cache");
    must_krb(krb5_parse_name(k, service, &wanted.server), service);
    must_krb(krb5_get_credentials(k, 0, cache, &wanted, out), "ticket");
    krb5_free_cred_contents(k, &wanted);
    krb5_cc_close(k, cache);
}

static void der_length(struct buf *out, size_t len)
{
    buf_add_char(out, (char)0x82);
    buf_add_char(out, (char)(len >> 8));
    buf_add_char(out, (char)len);
}

/* RFC 4121 4.1.1: channel bindings, flags, extensions; of those whose kind is unknown none is
 * looked at (RFC 6542 3). */
static void make_checksum(size_t octets, struct buf *out)
{
    static const char fixed[24] = { 16, [20] = GSS_C_INTEG_FLAG };

    buf_add(out, str_of(fixed, sizeof(fixed)));
    if (octets == 0)
        return;
    uint8_t head[8] = {
        0, 0, 0x7f, 0xff, 0, (uint8_t)(octets >> 16), (uint8_t)(octets >> 8), (uint8_t)octets
    };
    buf_add(out, str_of(head, sizeof(head)));
    for (size_t i = 0; i < octets; i++)
        buf_add_char(out, 'x');
}

static int print_forged(const char *service, int32_t ahead, size_t octets)
{
    static const char mechanism[] = "\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x01";
    krb5_context k;
    krb5_auth_context auth;
    krb5_creds *ticket;
    krb5_data request;
    struct buf token = { 0 }, checksum = { 0 };
    krb5_timestamp now;

    be_client();
    make_checksum(octets, &checksum);
    krb5_data body = { .length = (unsigned)checksum.len, .data = checksum.ptr };
    must_krb(krb5_init_context(&k), "context");
    get_ticket(k, service, &ticket);
    must_krb(krb5_timeofday(k, &now), "clock");
    must_krb(krb5_set_real_time(k, (krb5_timestamp)(now + ahead), 0), "clock");
    must_krb(krb5_auth_con_init(k, &auth), "request");
    must_krb(krb5_auth_con_set_req_cksumtype(k, auth, CHECKSUM_GSS), "request");
    must_krb(krb5_mk_req_extended(k, &auth, 0, &body, ticket, &request), "request");
    buf_add_char(&token, 0x60);
    der_length(&token, sizeof(mechanism) + request.length);
    buf_add(&token, str_of(mechanism, sizeof(mechanism) - 1));
    buf_add_char(&token, 0);
    buf_add(&token, str_of(request.data, request.length));
    print_hex(buf_str(&token));
    buf_fini(&token);
    buf_fini(&checksum);
    krb5_free_data_contents(k, &request);
    krb5_auth_con_free(k, auth);
    krb5_free_creds(k, ticket);
    krb5_free_context(k);
    return 0;
}

/* --- our acceptor --- */

static struct krb_acceptor *open_acceptor(char **argv)
{
    struct krb_acceptor_settings s = { .keytab = argv[0],
                                       .service = strcmp(argv[1], "-") == 0 ? NULL : argv[1],
                                       .replay_cache = argv[2] };
    struct buf why = { 0 };

    be_acceptor();
    struct krb_acceptor *a = krb_acceptor_new(&s, &why);
    if (why.len > 0)
        fprintf(stderr, "krb_tool: %.*s\n", STR_ARG(buf_str(&why)));
    if (!a)
        exit(2);
    buf_fini(&why);
    return a;
}

static enum fault accept_one(struct krb_acceptor *a, struct str token, struct krb_accepted *out,
                             struct buf *reply, struct buf *detail)
{
    buf_clear(reply);
    buf_clear(detail);
    be_acceptor();
    return krb_accept(a, token, out, reply, detail);
}

static bool read_token(uint8_t *out, size_t *len)
{
    static char *line;
    static size_t size;
    ssize_t got = getline(&line, &size, stdin);

    if (got < 0) {
        free(line);
        return false;
    }
    struct str hex = str_trim(str_of(line, (size_t)got));
    *len = hex.len / 2;
    if (*len > TOKEN_MAX || !hex_decode(hex, out, *len))
        fail("a line is not hexadecimal, or too long", line);
    return true;
}

static int accept_lines(char **argv)
{
    static uint8_t token[TOKEN_MAX];
    struct krb_acceptor *a = open_acceptor(argv);
    struct buf reply = { 0 }, detail = { 0 };
    struct krb_accepted got;
    size_t len;

    while (read_token(token, &len)) {
        enum fault fault = accept_one(a, str_of(token, len), &got, &reply, &detail);
        printf("%s|%s|%.*s\n", fault == FAULT_NONE ? "accepted" : fault_name(fault),
               fault == FAULT_NONE ? got.principal : "", STR_ARG(buf_str(&detail)));
        fflush(stdout);
    }
    buf_fini(&reply);
    buf_fini(&detail);
    krb_acceptor_free(a);
    return 0;
}

/* --- authd --- */

static int dial(const char *path)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    if (strlen(path) >= sizeof(at.sun_path))
        fail(path, "is too long");
    memcpy(at.sun_path, path, strlen(path));
    if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof(at)) != 0)
        fail(path, "does not answer");
    return fd;
}

static void ask_one(int fd, uint64_t id, const char *uri, struct str token)
{
    static uint8_t answer[PROTO_MESSAGE_MAX];
    struct proto_question q = { .id = id,
                                .scheme = PROTO_KERBEROS,
                                .deadline_ms = 20000,
                                .authenticate = token,
                                .from_uri = str_from_c(uri) };
    struct proto_verdict v;
    struct krb_keys keys;
    struct buf out = { 0 };

    if (!proto_question_write(&q, &out) || send(fd, out.ptr, out.len, 0) < 0)
        fail("authd", "cannot be asked");
    buf_fini(&out);
    ssize_t got = recv(fd, answer, sizeof(answer), 0);
    if (got <= 0 || !proto_verdict_read(str_of(answer, (size_t)got), &v) || v.id != id)
        fail("authd", "does not answer");
    if (v.fault == FAULT_NONE && !krb_keys_read(str_of(v.keys, v.keys_len), &keys))
        fail("authd", "gave keys that are none");
    printf("%s|%.*s\n", v.fault == FAULT_NONE ? "accepted" : fault_name(v.fault),
           STR_ARG(v.account));
    fflush(stdout);
}

static int ask_lines(const char *path, const char *uri)
{
    static uint8_t token[TOKEN_MAX];
    size_t len;
    int fd = dial(path);

    for (uint64_t id = 1; read_token(token, &len); id++)
        ask_one(fd, id, uri, str_of(token, len));
    close(fd);
    return 0;
}

/* --- signatures --- */

struct pair {
    gss_ctx_id_t theirs; /* MIT's initiator */
    struct krb_mic ours;
    unsigned made, checked, refused;
};

/* What was signed, kept so that it can be checked in another order, and twice. */
struct sample {
    uint8_t text[TEXT_MAX];
    size_t text_len;
    uint8_t mic[KRB_MIC_MAX];
    size_t mic_len;
};

static bool they_accept(struct pair *p, struct str text, struct str mic)
{
    OM_uint32 minor;
    gss_buffer_desc message = { text.len, (void *)text.ptr }, token = { mic.len, (void *)mic.ptr };

    return !GSS_ERROR(gss_verify_mic(&minor, p->theirs, &message, &token, NULL));
}

static bool we_accept(struct pair *p, struct str text, struct str mic)
{
    return krb_mic_verify(&p->ours, text, mic);
}

static void they_sign(struct pair *p, struct sample *s)
{
    OM_uint32 minor;
    gss_buffer_desc message = { s->text_len, s->text }, token;

    must(gss_get_mic(&minor, p->theirs, GSS_C_QOP_DEFAULT, &message, &token), &minor, "signing");
    if (token.length > sizeof(s->mic))
        fail("signing", "a signature is longer than any of ours");
    memcpy(s->mic, token.value, token.length);
    s->mic_len = token.length;
    gss_release_buffer(&minor, &token);
}

static void we_sign(struct pair *p, struct sample *s)
{
    s->mic_len = krb_mic_make(&p->ours, str_of(s->text, s->text_len), s->mic);
}

static void some_text(struct sample *s)
{
    s->text_len = chance(10) == 0 ? chance(4) : chance(TEXT_MAX);
    for (size_t i = 0; i < s->text_len; i++)
        s->text[i] = (uint8_t)chance(256);
}

static void shuffle(struct sample **all, unsigned count)
{
    for (unsigned i = count; i > 1; i--) {
        unsigned with = (unsigned)chance(i);
        struct sample *other = all[with];
        all[with] = all[i - 1];
        all[i - 1] = other;
    }
}

typedef void (*sign_fn)(struct pair *, struct sample *);
typedef bool (*accept_fn)(struct pair *, struct str, struct str);

/* The number in a signature of RFC 4757 is encrypted, but no checksum covers it. */
static size_t some_octet(const struct sample *s, size_t len)
{
    size_t at = chance(len);

    return s->mic_len == KRB_MIC_RC4_LEN && at >= RC4_NUMBER_AT && at < RC4_NUMBER_AT + 4 ? 0 : at;
}

/* One bit of the text or of the signature is another, or the signature is shorter or longer. */
static void refuse_altered(struct pair *p, const struct sample *s, accept_fn accepts)
{
    uint8_t text[TEXT_MAX], mic[KRB_MIC_MAX + 1] = { 0 };
    size_t mic_len = s->mic_len;

    memcpy(text, s->text, s->text_len);
    memcpy(mic, s->mic, s->mic_len);
    switch (chance(s->text_len > 0 ? 4 : 3)) {
    case 0:
        mic_len = chance(s->mic_len);
        break;
    case 1:
        mic_len++;
        break;
    case 2:
        mic[some_octet(s, mic_len)] ^= (uint8_t)(1u << chance(8));
        break;
    default:
        text[chance(s->text_len)] ^= (uint8_t)(1u << chance(8));
        break;
    }
    if (accepts(p, str_of(text, s->text_len), str_of(mic, mic_len)))
        fail("altered", "and accepted");
    p->refused++;
}

static void compare(struct pair *p, unsigned count, sign_fn sign, accept_fn accepts, accept_fn own)
{
    struct sample *room = calloc(count, sizeof(*room));
    struct sample **order = calloc(count, sizeof(void *));

    if (!room || !order)
        abort();
    for (unsigned i = 0; i < count; i++) {
        order[i] = &room[i];
        some_text(order[i]);
        sign(p, order[i]);
        p->made++;
    }
    shuffle(order, count);
    for (unsigned i = 0; i < count; i++) {
        const struct sample *s = order[i];
        struct str text = str_of(s->text, s->text_len), mic = str_of(s->mic, s->mic_len);

        refuse_altered(p, s, accepts);
        for (unsigned times = 0; times < 2; times++) {
            if (!accepts(p, text, mic))
                fail("a signature", "was refused");
            p->checked++;
        }
        if (own(p, text, mic)) /* whoever signed must not take it for the other side's */
            fail("a signature", "reflected, and accepted");
    }
    free(room);
    free(order);
}

static void move_context(struct pair *p)
{
    OM_uint32 minor;
    gss_buffer_desc packed = GSS_C_EMPTY_BUFFER;

    be_client();
    must(gss_export_sec_context(&minor, &p->theirs, &packed), &minor, "exporting");
    must(gss_import_sec_context(&minor, &packed, &p->theirs), &minor, "importing");
    gss_release_buffer(&minor, &packed);
}

/* As the front gets them: written by one process, read by another. */
static void take_keys(struct pair *p, struct krb_keys *keys)
{
    struct buf octets = { 0 };
    struct krb_keys moved;

    krb_keys_write(keys, &octets);
    if (!krb_keys_read(buf_str(&octets), &moved))
        fail("keys", "cannot be read again");
    krb_mic_init(&p->ours, &moved, true);
    buf_fini(&octets);
    secret_wipe(keys, sizeof(*keys));
}

static void sign_in(struct pair *p, char **argv, const char *letters)
{
    struct krb_acceptor *a = open_acceptor(argv);
    struct buf token = { 0 }, reply = { 0 }, detail = { 0 };
    struct krb_accepted got;

    initiate(&p->theirs, argv[1], letters, STR_NONE, &token);
    enum fault fault = accept_one(a, buf_str(&token), &got, &reply, &detail);
    if (fault != FAULT_NONE) {
        buf_add_char(&detail, '\0');
        fail(fault_name(fault), detail.ptr);
    }
    if ((reply.len > 0) != (strchr(letters, 'm') != NULL))
        fail("the answer", reply.len > 0 ? "is there, unasked" : "is missing");
    buf_clear(&token);
    if (reply.len > 0)
        initiate(&p->theirs, argv[1], letters, buf_str(&reply), &token);
    if (token.len > 0)
        fail("the initiator", "has more to say");
    take_keys(p, &got.keys);
    buf_fini(&token);
    buf_fini(&reply);
    buf_fini(&detail);
    krb_acceptor_free(a);
}

static int compare_signatures(char **argv, const char *letters, unsigned count)
{
    struct pair p = { .theirs = GSS_C_NO_CONTEXT };
    OM_uint32 minor;

    sign_in(&p, argv, letters);
    for (unsigned round = 0; round < 2; round++) { /* the second with an imported context */
        compare(&p, count, they_sign, we_accept, they_accept);
        compare(&p, count, we_sign, they_accept, we_accept);
        move_context(&p);
    }
    printf("%s%s made=%u checked=%u refused=%u\n", p.ours.rfc4121 ? "rfc4121" : "rfc4757",
           p.ours.acceptor_subkey ? "+subkey" : "", p.made, p.checked, p.refused);
    gss_delete_sec_context(&minor, &p.theirs, GSS_C_NO_BUFFER);
    krb_mic_fini(&p.ours);
    return 0;
}

/* --- damage --- */

static size_t damaged(struct str whole, uint8_t *out)
{
    size_t len = whole.len;

    memcpy(out, whole.ptr, len);
    switch (chance(4)) {
    case 0:
        return chance(len);
    case 1: /* what is missing is told by the length in front */
        len = 4 + chance(len - 4);
        out[2] = (uint8_t)((len - 4) >> 8);
        out[3] = (uint8_t)(len - 4);
        return len;
    case 2:
        out[chance(len)] = (uint8_t)chance(256);
        break;
    default:
        break;
    }
    out[chance(len)] ^= (uint8_t)(1u << chance(8));
    return len;
}

/* What is not protected, such as the name beside an encrypted ticket, may differ and be accepted:
 * then it must still be the same person, and a replay ever after. */
static int damage(char **argv, unsigned count)
{
    struct krb_acceptor *a = open_acceptor(argv);
    gss_ctx_id_t context = GSS_C_NO_CONTEXT;
    struct buf token = { 0 }, reply = { 0 }, detail = { 0 };
    struct krb_accepted got;
    unsigned faults[FAULT_COUNT] = { 0 };
    char principal[KRB_PRINCIPAL_MAX + 1] = "";
    OM_uint32 minor;

    initiate(&context, argv[1], "-", STR_NONE, &token);
    uint8_t *copy = malloc(token.len);
    if (!copy || token.len < 0x100 || (uint8_t)token.ptr[1] != 0x82)
        fail("the token", "is not as long as expected");
    for (unsigned i = 0; i < count; i++) {
        size_t len = damaged(buf_str(&token), copy);
        if (len == token.len && memcmp(copy, token.ptr, len) == 0)
            continue;
        enum fault fault = accept_one(a, str_of(copy, len), &got, &reply, &detail);
        faults[fault]++;
        if (fault == FAULT_NONE)
            memcpy(principal, got.principal, sizeof(principal));
    }
    faults[accept_one(a, buf_str(&token), &got, &reply, &detail)]++;
    for (unsigned i = 0; i < FAULT_COUNT; i++)
        if (faults[i] > 0)
            printf("%s=%u ", i == FAULT_NONE ? "accepted" : fault_name(i), faults[i]);
    printf("principal=%s\n", *principal ? principal : got.principal);
    free(copy);
    buf_fini(&token);
    buf_fini(&reply);
    buf_fini(&detail);
    gss_delete_sec_context(&minor, &context, GSS_C_NO_BUFFER);
    krb_acceptor_free(a);
    return 0;
}

int main(int argc, char **argv)
{
    const char *verb = argc > 1 ? argv[1] : "";

    client_conf = getenv("KRB5_CONFIG");
    if (!client_conf)
        fail("KRB5_CONFIG", "is not set");
    client_conf = str_own(str_from_c(client_conf));
    if (strcmp(verb, "token") == 0 && argc == 5)
        return print_tokens(argv[2], argv[3], (unsigned)atoi(argv[4]));
    if (strcmp(verb, "forged") == 0 && argc == 5)
        return print_forged(argv[2], atoi(argv[3]), (size_t)atol(argv[4]));
    if (strcmp(verb, "accept") == 0 && argc == 5)
        return accept_lines(argv + 2);
    if (strcmp(verb, "ask") == 0 && argc == 4)
        return ask_lines(argv[2], argv[3]);
    if (strcmp(verb, "signatures") == 0 && argc == 7)
        return compare_signatures(argv + 2, argv[5], (unsigned)atoi(argv[6]));
    if (strcmp(verb, "damage") == 0 && argc == 6)
        return damage(argv + 2, (unsigned)atoi(argv[5]));
    fail("usage", "see the comment in front of krb_tool.c");
}
