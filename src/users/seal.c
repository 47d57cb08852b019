/* SPDX-License-Identifier: MIT */
#include "users/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/secret.h"

void private_file_give(int fd, const char *path)
{
    struct stat dir;
    char *copy = str_own(str_from_c(path));

    if (geteuid() == 0 && stat(dirname(copy), &dir) == 0 && dir.st_uid != 0 &&
        fchown(fd, dir.st_uid, dir.st_gid) != 0)
        errno = 0; /* a file system without owners: the mode still protects it */
    free(copy);
}

static bool key_make(const char *path, struct buf *why)
{
    uint8_t key[SEAL_KEY_LEN];
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0) {
        if (errno == EEXIST)
            return true; /* somebody else was quicker */
        buf_printf(why, "the key file %s cannot be made (%s): see that the directory exists", path,
                   strerror(errno));
        return false;
    }
    random_bytes(key, sizeof(key));
    bool good = write(fd, key, sizeof(key)) == (ssize_t)sizeof(key) && fsync(fd) == 0;
    secret_wipe(key, sizeof(key));
    private_file_give(fd, path);
    close(fd);
    if (!good) {
        unlink(path);
        buf_printf(why, "the key file %s cannot be written: is the disk full?", path);
    }
    return good;
}

static bool key_read(int fd, const char *path, uint8_t key[SEAL_KEY_LEN], struct buf *why)
{
    struct stat st;

    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        buf_printf(why, "the key file %s is not a plain file", path);
        return false;
    }
    if (st.st_mode & 077) {
        buf_printf(why,
                   "others can read the key file %s: chmod 600 it, and give all users new "
                   "passwords if somebody may have copied it",
                   path);
        return false;
    }
    uint8_t octets[SEAL_KEY_LEN + 1];
    bool good = read(fd, octets, sizeof(octets)) == SEAL_KEY_LEN;
    if (good)
        memcpy(key, octets, SEAL_KEY_LEN);
    else
        buf_printf(why, "the key file %s does not hold 32 octets: restore it from a backup", path);
    secret_wipe(octets, sizeof(octets));
    return good;
}

bool seal_open(struct seal *s, const char *key_file, bool may_create, struct buf *why)
{
    uint8_t key[SEAL_KEY_LEN];
    int fd = open(key_file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

    if (fd < 0 && errno == ENOENT && may_create) {
        if (!key_make(key_file, why))
            return false;
        fd = open(key_file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    }
    if (fd < 0) {
        buf_printf(why, "the key file %s cannot be opened (%s)%s", key_file, strerror(errno),
                   errno == ENOENT ? ": the database holds passwords sealed with it, restore it"
                                   : ": run this as root or as the service's user");
        return false;
    }
    bool good = key_read(fd, key_file, key, why);
    close(fd);
    if (good)
        gcm_aes256_set_key(&s->gcm, key);
    secret_wipe(key, sizeof(key));
    return good;
}

void seal_fini(struct seal *s)
{
    secret_wipe(s, sizeof(*s));
}

static void start(struct seal *s, const uint8_t nonce[SEAL_NONCE_LEN], int64_t id, struct str name)
{
    /* GCM wants all but the last piece of associated data in whole blocks */
    uint8_t head[GCM_BLOCK_SIZE] = "postern";

    for (unsigned i = 0; i < 8; i++)
        head[8 + i] = (uint8_t)((uint64_t)id >> (8 * i));
    gcm_aes256_set_iv(&s->gcm, SEAL_NONCE_LEN, nonce);
    gcm_aes256_update(&s->gcm, sizeof(head), head);
    gcm_aes256_update(&s->gcm, name.len, (const uint8_t *)name.ptr);
}

void seal_hash(struct seal *s, int64_t id, struct str name, const uint8_t hash[16],
               uint8_t out[SEALED_LEN])
{
    random_bytes(out, SEAL_NONCE_LEN);
    start(s, out, id, name);
    gcm_aes256_encrypt(&s->gcm, 16, out + SEAL_NONCE_LEN, hash);
    gcm_aes256_digest(&s->gcm, SEAL_TAG_LEN, out + SEAL_NONCE_LEN + 16);
}

bool seal_unseal(struct seal *s, int64_t id, struct str name, struct str sealed, uint8_t hash[16])
{
    const uint8_t *in = (const uint8_t *)sealed.ptr;
    uint8_t tag[SEAL_TAG_LEN];

    if (sealed.len != SEALED_LEN)
        return false;
    start(s, in, id, name);
    gcm_aes256_decrypt(&s->gcm, 16, hash, in + SEAL_NONCE_LEN);
    gcm_aes256_digest(&s->gcm, SEAL_TAG_LEN, tag);
    if (secret_equal(tag, in + SEAL_NONCE_LEN + 16, SEAL_TAG_LEN))
        return true;
    secret_wipe(hash, 16);
    return false;
}
