/* SPDX-License-Identifier: MIT */
/* The load generator: one thread, many connections, every answer checked.  It plays a client of
 * this family (NTLM, each signature verified) or a digest client (for the servers it is compared
 * with). */
#ifndef POSTERN_TESTS_BENCH_LOAD_H
#define POSTERN_TESTS_BENCH_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "net/addr.h"
#include "ntlm/sign.h"
#include "tls/tls.h"

enum load_op {
    LOAD_REFRESH, /* signed in once, then registers again and again */
    LOAD_SIGNIN,  /* a whole sign-in again and again on an open connection */
    LOAD_ACCEPT,  /* connect, handshake, close */
    LOAD_RESUME,  /* the same with a ticket */
    LOAD_IDLE,    /* signed in and silent */
    LOAD_STORM,   /* signed in, cut off all at once, and back with a ticket each */
};

struct load_settings {
    struct net_addr target;
    struct net_addr source; /* where connections come from; len 0: anywhere */
    bool use_tls, tls12, digest;
    enum load_op op;
    unsigned conns;
    double seconds;
    double rate; /* operations per second over all connections; 0: as fast as answers come */
    const char *domain, *netbios, *password;
    struct tls_context *tls;
};

struct load_stats {
    uint64_t ops, signins, errors, wrong_signatures, unexpected;
    uint32_t *latency_us; /* of counted operations */
    size_t latency_count, latency_cap;
};

/* What a connection knows as a SIP client. */
struct load_sip {
    unsigned user;
    uint32_t cseq, cnum;
    char call_id[33], epid[11], tag[11];
    char opaque[16], target[128], realm[64], nonce[160];
    struct ntlm_keys keys;
    bool have_keys;
};

enum load_step { STEP_CHALLENGE, STEP_NEGOTIATE, STEP_AUTHENTICATE, STEP_REFRESH };

void load_sip_init(struct load_sip *s, unsigned user);
/* Appends the request of this step. */
void load_compose(const struct load_settings *o, struct load_sip *s, enum load_step step,
                  struct buf *out, struct arena *arena);
/* The CHALLENGE of the 401 that answered STEP_NEGOTIATE, kept for STEP_AUTHENTICATE. */
enum load_answer { ANSWER_OK, ANSWER_CHALLENGE, ANSWER_TOKEN, ANSWER_WRONG_SIGNATURE, ANSWER_BAD };
enum load_answer load_take(const struct load_settings *o, struct load_sip *s, struct str whole,
                           size_t head_len, struct arena *arena, struct buf *challenge);
/* Makes the AUTHENTICATE for the kept CHALLENGE and the keys of the SA. */
bool load_authenticate(const struct load_settings *o, struct load_sip *s, struct str challenge,
                       struct buf *token);
void load_compose_authenticate(const struct load_settings *o, struct load_sip *s, struct str token,
                               struct buf *out, struct arena *arena);
/* Recomputes published vectors through the generator's own path.  False when one differs. */
bool load_self_check(void);

#endif
