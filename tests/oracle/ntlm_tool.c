/* SPDX-License-Identifier: MIT */
/* Our NTLM on a pipe, for programs that compare it with somebody else's: a command a line, "verb
 * key=value ...", and one line back in the same form.  Octets are hexadecimal, text is the
 * hexadecimal of its UTF-8, flags and sequence-like numbers are 0x..., the rest is decimal.
 *
 *   challenge server_challenge= offer= time= domain= computer=            -> challenge=
 *   initiate  challenge= flags= level= lmv2= mic= revision= cc= session_key= time=
 *             user= domain= workstation= password=       -> fault= authenticate= flags= exported=
 *   verify    challenge= authenticate= time= password=   -> fault= kind= flags= revision= exported=
 *   sign      exported= flags= revision= text=           -> client= server=
 *   check     exported= flags= revision= text= signature= from=client|server        -> good= */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/compiler.h"
#include "base/encode.h"
#include "base/utf16.h"
#include "ntlm/accept.h"
#include "ntlm/crypt.h"
#include "ntlm/initiate.h"
#include "ntlm/sign.h"
#include "ntlm/verify.h"

enum { LINE_MAX_OCTETS = 200000, SPACE_MAX = 100000 };

/* One command: its line, and where decoded values live until the next one. */
struct command {
    struct str rest;
    uint8_t space[SPACE_MAX];
    size_t used;
};

static NORETURN void fail(const char *what, const char *key)
{
    fprintf(stderr, "ntlm_tool: %s: %s\n", key, what);
    exit(2);
}

static struct str value_of(const struct command *c, const char *key)
{
    struct str rest = c->rest;

    while (rest.len) {
        struct str value = str_take_until(&rest, ' ');
        if (str_eq(str_take_until(&value, '='), str_from_c(key)))
            return value;
    }
    fail("is missing", key);
}

static struct str octets_of(struct command *c, const char *key)
{
    struct str hex = value_of(c, key);
    uint8_t *at = c->space + c->used;

    if (hex.len / 2 > SPACE_MAX - c->used || !hex_decode(hex, at, hex.len / 2))
        fail("is not hexadecimal, or too long", key);
    c->used += hex.len / 2;
    return str_of(at, hex.len / 2);
}

static void fixed_octets_of(struct command *c, const char *key, uint8_t *out, size_t len)
{
    if (!hex_decode(value_of(c, key), out, len))
        fail("has the wrong length", key);
}

static uint64_t number_of(const struct command *c, const char *key)
{
    struct str text = value_of(c, key);
    uint64_t number;
    bool valid =
        str_starts(text, STR("0x")) ? str_hex_to_u64(text, &number) : str_to_u64(text, &number);

    if (!valid)
        fail("is not a number", key);
    return number;
}

static uint32_t flags_of(const struct command *c, const char *key)
{
    return (uint32_t)number_of(c, key);
}

static void answer(const char *key, struct str octets)
{
    struct buf hex = { 0 };

    buf_add_hex(&hex, octets, false);
    printf("%s=%.*s ", key, STR_ARG(buf_str(&hex)));
    buf_fini(&hex);
}

static void do_challenge(struct command *c)
{
    const struct ntlm_names names = { .nb_computer = octets_of(c, "computer"),
                                      .nb_domain = octets_of(c, "domain"),
                                      .dns_computer = STR("fe01.example.com"),
                                      .dns_domain = STR("example.com"),
                                      .dns_tree = STR_NONE };
    uint8_t server_challenge[8];
    struct buf out = { 0 };

    fixed_octets_of(c, "server_challenge", server_challenge, 8);
    ntlm_accept_challenge(&names, flags_of(c, "offer"), server_challenge, number_of(c, "time"),
                          &out);
    answer("challenge", buf_str(&out));
    buf_fini(&out);
}

static void do_initiate(struct command *c)
{
    struct ntlm_initiate in = { .flags_wanted = flags_of(c, "flags"),
                                .lm_compatibility = (unsigned)number_of(c, "level"),
                                .version = { 6, 1, 7601, (uint8_t)number_of(c, "revision") },
                                .send_lmv2 = number_of(c, "lmv2") != 0,
                                .send_mic = number_of(c, "mic") != 0,
                                .domain = octets_of(c, "domain"),
                                .user = octets_of(c, "user"),
                                .workstation = octets_of(c, "workstation"),
                                .password = octets_of(c, "password"),
                                .filetime = number_of(c, "time") };
    struct buf out = { 0 };
    uint32_t flags = 0;
    uint8_t exported[16] = { 0 };

    fixed_octets_of(c, "cc", in.client_challenge, 8);
    fixed_octets_of(c, "session_key", in.random_session_key, 16);
    enum fault fault = ntlm_initiate(&in, octets_of(c, "challenge"), &out, &flags, exported);
    printf("fault=%s flags=0x%08" PRIx32 " ", fault_name(fault), flags);
    answer("authenticate", buf_str(&out));
    answer("exported", str_of(exported, 16));
    buf_fini(&out);
}

static enum fault verify(struct command *c, struct ntlm_authenticate *a, uint8_t exported[16])
{
    struct ntlm_challenge challenge;
    struct ntlm_verify_in in = { .challenge = octets_of(c, "challenge"),
                                 .auth = a,
                                 .filetime = number_of(c, "time") };
    const struct ntlm_policy anything = { .mode = NTLM_POLICY_ENFORCE };
    struct buf password = { 0 };
    enum fault audited;
    uint32_t unmet;
    uint8_t nt_hash[16];

    enum fault fault = ntlm_challenge_read(in.challenge, &challenge);
    if (fault != FAULT_NONE)
        return fault;
    fault = ntlm_accept_authenticate(octets_of(c, "authenticate"), challenge.flags, &anything, a,
                                     &unmet, &audited);
    if (fault != FAULT_NONE)
        return fault;
    memcpy(in.server_challenge, challenge.server_challenge, 8);
    if (!utf16_from_utf8(octets_of(c, "password"), &password))
        fail("is not UTF-8", "password");
    ntlm_ntowfv1(buf_str(&password), nt_hash);
    buf_fini(&password);
    return ntlm_verify_response(&in, nt_hash, exported);
}

static void do_verify(struct command *c)
{
    struct ntlm_authenticate a = { .lm_response = STR_NONE };
    uint8_t exported[16] = { 0 };
    enum fault fault = verify(c, &a, exported);

    printf("fault=%s kind=%s flags=0x%08" PRIx32 " revision=%u mic=%d ", fault_name(fault),
           ntlm_response_kind_name(ntlm_response_kind(&a)), a.flags,
           a.has_version ? a.version.revision : 0, a.mic_claimed);
    answer("exported", str_of(exported, 16));
}

static void keys_of(struct command *c, struct ntlm_keys *keys)
{
    uint8_t exported[16];

    fixed_octets_of(c, "exported", exported, 16);
    ntlm_keys_init(keys, flags_of(c, "flags"), (unsigned)number_of(c, "revision"), exported);
}

static void do_sign(struct command *c)
{
    struct str text = octets_of(c, "text");
    struct ntlm_keys keys;
    uint8_t mac[NTLM_SIGNATURE_LEN];

    keys_of(c, &keys);
    ntlm_mac(&keys.client, text, mac);
    answer("client", str_of(mac, sizeof(mac)));
    ntlm_mac(&keys.server, text, mac);
    answer("server", str_of(mac, sizeof(mac)));
}

static void do_check(struct command *c)
{
    struct ntlm_keys keys;

    keys_of(c, &keys);
    bool good = ntlm_verify(&keys, str_eq(value_of(c, "from"), STR("client")), octets_of(c, "text"),
                            octets_of(c, "signature"));
    printf("good=%d ", good);
}

static const struct {
    const char *name;
    void (*run)(struct command *c);
} verbs[] = {
    { "challenge", do_challenge }, { "initiate", do_initiate }, { "verify", do_verify },
    { "sign", do_sign },           { "check", do_check },
};

static void run(struct command *c)
{
    struct str verb = str_take_until(&c->rest, ' ');

    for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
        if (str_eq(verb, str_from_c(verbs[i].name))) {
            verbs[i].run(c);
            puts("");
            fflush(stdout);
            return;
        }
    }
    fail("no such verb", "command");
}

int main(void)
{
    static char line[LINE_MAX_OCTETS];
    static struct command c;

    while (fgets(line, sizeof(line), stdin)) {
        c.rest = str_trim(str_from_c(line));
        c.used = 0;
        run(&c);
    }
    return 0;
}
