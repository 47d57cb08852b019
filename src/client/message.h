/* SPDX-License-Identifier: MIT */
/* The REGISTERs of a client, spelt as Communicator or SIPE spells them. */
#ifndef POSTERN_CLIENT_MESSAGE_H
#define POSTERN_CLIENT_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "auth/sigtext.h"
#include "base/buf.h"
#include "base/str.h"
#include "client/client.h"

enum { CLIENT_INSTANCE_TEXT = 37 };

/* The UUID of +sip.instance, which derives from the epid, in lower case. */
void client_instance(struct str epid, char out[CLIENT_INSTANCE_TEXT]);

struct client_register {
    const struct client_profile *profile;
    enum client_transport transport;
    struct str uri, domain; /* sip:ada@example.com, example.com */
    const char *local;      /* ip:port of our end */
    const char *epid, *call_id, *from_tag;
    char cseq[12];
    bool leave;             /* Expires: 0 */
    struct str credentials; /* value, empty: none */
    bool proxy;             /* challenged by 407 */
};

/* Random hexadecimal digits, lower case; `size` counts the final NUL. */
void client_random_hex(char *out, size_t size);
void client_register_write(const struct client_register *r, struct buf *out);
/* What of it is signed (not scheme, rand, num, realm, target). */
void client_register_sigtext(const struct client_register *r, struct sigtext *out);

#endif
