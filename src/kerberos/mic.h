/* SPDX-License-Identifier: MIT */
/* Per-message signatures (GSS_GetMIC) made and checked from the keys of a Kerberos context, without
 * the context: RFC 4121 for AES, RFC 4757 (RFC 1964 framing) for RC4.  No Kerberos library, no
 * file, no clock, so that the front can sign. */
#ifndef POSTERN_KERBEROS_MIC_H
#define POSTERN_KERBEROS_MIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nettle/hmac.h>

#include "base/buf.h"
#include "base/str.h"

enum {
    KRB_KEY_MAX = 32,
    KRB_MIC_AES_LEN = 28,
    KRB_MIC_RC4_LEN = 37,
    KRB_MIC_MAX = 37,
    KRB_KEYS_MAX = 64 /* octets of krb_keys_write */
};

/* What is left of a context that was accepted or initiated: about 50 octets. */
struct krb_keys {
    bool rfc4121;         /* else RFC 1964/4757: tells the form of the signature, not the ticket */
    bool acceptor_subkey; /* the key is one that the acceptor chose */
    uint8_t key_len;      /* 16 or 32; of RFC 1964: 16 */
    uint8_t key[KRB_KEY_MAX];
    uint64_t send_seq; /* of the side that holds these; counted up */
};

/* Keys as octets between two processes.  `out` is not wiped. */
void krb_keys_write(const struct krb_keys *k, struct buf *out);
/* False when they are not keys of ours: sizes, unknown kind, octets left over. */
bool krb_keys_read(struct str in, struct krb_keys *out);

union krb_state {
    struct hmac_sha1_ctx aes;
    struct hmac_md5_ctx rc4;
};

/* One side of a context, ready to sign and check: prepared hash states, no allocation.  RFC 4121:
 * `own` is for what we sign, `peer` for what the other side signs.  RFC 4757: `own` is for
 * checksums, `peer` for sequence numbers, of both directions. */
struct krb_mic {
    bool rfc4121, acceptor_subkey, is_acceptor;
    uint64_t send_seq;
    union krb_state own, peer;
};

void krb_mic_init(struct krb_mic *m, const struct krb_keys *k, bool is_acceptor);
void krb_mic_fini(struct krb_mic *m); /* wipes */
/* Signs; the sequence number goes up by one.  Returns the length, KRB_MIC_AES_LEN or _RC4_LEN. */
size_t krb_mic_make(struct krb_mic *m, struct str text, uint8_t out[KRB_MIC_MAX]);
/* Whether the peer signed `text`.  Sequence numbers are not looked at: messages may be checked in
 * another order than they were signed in, and crand/cnum protect against repetition. */
bool krb_mic_verify(const struct krb_mic *m, struct str text, struct str mic);

#endif
