/* SPDX-License-Identifier: MIT */
/* The client's side of a security association ([MS-SIPAE] 3.2): challenge in, credentials out,
 * then signatures both ways. */
#ifndef POSTERN_CLIENT_ASSOCIATION_H
#define POSTERN_CLIENT_ASSOCIATION_H

#include <stdbool.h>
#include <stdint.h>

#include "auth/sigtext.h"
#include "base/arena.h"
#include "base/buf.h"
#include "client/client.h"
#include "ntlm/sign.h"
#include "sip/msg.h"

struct client_association {
    char realm[128], target[256], opaque[64];
    unsigned version; /* 2, 3, 4: ours is 4, a server may know less */
    bool proxy;       /* challenged by 407 */
    bool ready;       /* keys made */
    uint32_t flags;   /* agreed */
    uint32_t cnum;    /* last one used */
    uint32_t snum;    /* highest seen */
    struct ntlm_keys keys;
};

void client_association_fini(struct client_association *a); /* wipes the keys */

/* Takes the NTLM challenge of a 401 or 407; `token` gets its decoded gssapi-data, empty when there
 * is none.  FAULT_SIP_NO_SCHEME when NTLM is not offered; `offered` lists what is. */
enum fault client_association_challenge(struct client_association *a, const struct sip_msg *m,
                                        struct arena *arena, struct str *token,
                                        struct buf *offered);
/* Credentials that ask for a CHALLENGE: the empty token. */
void client_association_ask(const struct client_association *a, struct buf *credentials);
/* Credentials that answer a CHALLENGE; makes the keys.  `t` is the message they will stand in,
 * which version 4 signs.  FAULT_POLICY_CLIENT_*: nothing may be sent. */
enum fault client_association_answer(struct client_association *a, const struct client_settings *s,
                                     struct str user_of_uri, struct str challenge,
                                     struct sigtext *t, struct buf *credentials);
/* Credentials of an ordinary signed request. */
void client_association_sign(struct client_association *a, struct sigtext *t,
                             struct buf *credentials);
/* The server's signature: 1 good, 0 bad or used before, -1 none or nothing to check it with. */
int client_association_verify(struct client_association *a, const struct sip_msg *m,
                              struct arena *arena);

#endif
