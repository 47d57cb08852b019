/* SPDX-License-Identifier: MIT */
/* The client's side of a security association ([MS-SIPAE] 3.2): challenge in, credentials out,
 * then signatures both ways.  What differs between NTLM and Kerberos is in client/mechanism.h. */
#ifndef POSTERN_CLIENT_ASSOCIATION_H
#define POSTERN_CLIENT_ASSOCIATION_H

#include <stdbool.h>
#include <stdint.h>

#include "auth/sigtext.h"
#include "base/arena.h"
#include "base/buf.h"
#include "client/mechanism.h"
#include "kerberos/mic.h"
#include "ntlm/sign.h"
#include "sip/msg.h"

struct client_association {
    const struct client_mechanism *mechanism; /* NULL: no challenge taken yet */
    char realm[128], target[256], opaque[64];
    unsigned version; /* 2, 3, 4: ours is 4, a server may know less */
    bool proxy;       /* challenged by 407 */
    bool ready;       /* keys made */
    uint32_t flags;   /* agreed by NTLM */
    uint32_t cnum;    /* last one used */
    uint32_t snum;    /* highest seen */
    union {
        struct ntlm_keys ntlm;
        struct krb_mic kerberos;
    } keys; /* of the mechanism */
};

void client_association_fini(struct client_association *a); /* wipes the keys */

/* The schemes that a 401 or 407 offers, for the eye: "Kerberos, NTLM". */
enum fault client_association_offers(const struct sip_msg *m, struct arena *arena,
                                     struct buf *offered);
/* Takes the mechanism's challenge of a 401 or 407, and begins anew when it is another mechanism's
 * than before; `token` gets its decoded gssapi-data, empty when there is none.
 * FAULT_SIP_NO_SCHEME when the mechanism is not offered. */
enum fault client_association_challenge(struct client_association *a,
                                        const struct client_mechanism *mechanism,
                                        const struct sip_msg *m, struct arena *arena,
                                        struct str *token);
/* Credentials that ask for the server's token: the empty token. */
void client_association_ask(const struct client_association *a, struct buf *credentials);
/* Credentials that carry the client's last token; makes the keys.  `t` is the message they will
 * stand in, which version 4 signs.  A fault: nothing may be sent; `detail` may say more. */
enum fault client_association_answer(struct client_association *a, const struct client_proof *proof,
                                     struct str token, struct sigtext *t, struct buf *credentials,
                                     struct buf *detail);
/* Credentials of an ordinary signed request. */
void client_association_sign(struct client_association *a, struct sigtext *t,
                             struct buf *credentials);
/* The server's signature: 1 good, 0 bad or used before, -1 none or nothing to check it with. */
int client_association_verify(struct client_association *a, const struct sip_msg *m,
                              struct arena *arena);

#endif
