/* SPDX-License-Identifier: MIT */
/* NT hashes at rest: AES-256-GCM under the key of a file that only its owner can read.  A stolen
 * database alone is worth nothing, and a hash cannot be moved to another account's row. */
#ifndef POSTERN_USERS_SEAL_H
#define POSTERN_USERS_SEAL_H

#include <nettle/gcm.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

enum { SEAL_KEY_LEN = 32, SEAL_NONCE_LEN = 12, SEAL_TAG_LEN = 16 };
enum { SEALED_LEN = SEAL_NONCE_LEN + 16 + SEAL_TAG_LEN };

struct seal {
    struct gcm_aes256_ctx gcm;
};

/* Reads the key file.  A missing one is made when `may_create`.  False with a reason when others
 * can read it, it is no plain file, or has another size. */
bool seal_open(struct seal *s, const char *key_file, bool may_create, struct buf *why);
void seal_fini(struct seal *s); /* wipes */

/* `id` and `name` are authenticated with the hash. */
void seal_hash(struct seal *s, int64_t id, struct str name, const uint8_t hash[16],
               uint8_t out[SEALED_LEN]);
/* False when the octets were made with another key or for another account. */
bool seal_unseal(struct seal *s, int64_t id, struct str name, struct str sealed, uint8_t hash[16]);

/* Root makes files on behalf of the service: they get the owner of the directory they are in. */
void private_file_give(int fd, const char *path);

#endif
