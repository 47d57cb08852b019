/* SPDX-License-Identifier: MIT */
/* The writer: takes records out of the threads' rings in the order of their numbers and writes
 * them.  It begins with the first record rather than with trace_start, so that it lives inside the
 * sandbox entered in between; all it needs then is openat and renameat in the log's own
 * directory.  What cannot be written is dropped and counted; nobody waits for a disk. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "diag/trace_internal.h"

enum {
    BATCH_RECORDS = 64,
    BATCH_BYTES = 256 * 1024,
    LINGER_MS = 10, /* records of so long share a write */
    FLUSH_MAX_S = 5,
};

enum { WRITER_ABSENT, WRITER_STARTING, WRITER_BUSY, WRITER_LINGERS, WRITER_SLEEPS };

/* Only the writer touches these between open and close. */
static struct {
    int dir, fd;
    char *name;    /* inside dir */
    bool rotates;  /* a regular file */
    uint64_t size; /* of the current file */
    uint64_t max_size;
    uint64_t next_try; /* size at which a rotation that failed is tried again */
    unsigned keep;
    uint64_t reported; /* dropped records the trace tells of already */
    bool torn;         /* the file ends inside a record */
    const char *note;  /* to be written next */
} file;

static _Atomic int state;
static _Atomic bool stopping;
static pthread_t thread;
static sem_t wake;

static pthread_mutex_t flush_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t flush_done = PTHREAD_COND_INITIALIZER;
static uint64_t flush_asked, flush_served;

/* --- the file --- */

static int open_file(int more_flags)
{
    return openat(file.dir, file.name,
                  O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | more_flags,
                  0640);
}

static bool open_dir(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash == path ? str_own(STR("/"))
                                 : str_own(slash ? str_of(path, (size_t)(slash - path)) : STR("."));

    file.name = str_own(str_from_c(slash ? slash + 1 : path));
    file.dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(folder);
    return file.dir >= 0;
}

static void close_file(void)
{
    if (file.fd >= 0)
        close(file.fd);
    if (file.dir >= 0)
        close(file.dir);
    free(file.name);
    file.name = NULL;
    file.fd = file.dir = -1;
}

bool trace_write_open(const char *path, uint64_t max_size, unsigned keep)
{
    struct stat st;

    file.fd = file.dir = -1;
    bool ok = open_dir(path) && (file.fd = open_file(0)) >= 0 && fstat(file.fd, &st) == 0;
    if (ok && S_ISREG(st.st_mode) && (st.st_mode & 07777) != 0640)
        ok = fchmod(file.fd, 0640) == 0; /* whatever umask says, and for a file that was there */
    if (!ok) {
        int error = errno;
        close_file();
        errno = error;
        return false;
    }
    file.rotates = S_ISREG(st.st_mode) && max_size > 0;
    file.size = (uint64_t)st.st_size;
    file.max_size = file.next_try = max_size;
    file.keep = keep ? keep : 1;
    file.reported = trace_dropped();
    file.torn = false;
    file.note = NULL;
    sem_init(&wake, 0, 0);
    atomic_store(&stopping, false);
    atomic_store(&state, WRITER_ABSENT);
    return true;
}

static void numbered(char *out, size_t cap, unsigned n)
{
    snprintf(out, cap, "%s.%u", file.name, n);
}

/* path.4 becomes path.5 ... path becomes path.1; then a new file.  Where that is not allowed (the
 * directory belongs to another than the user we became), the file starts over: a bounded trace of
 * the last hours is better than a full disk. */
static void rotate(void)
{
    char from[300], to[300];

    for (unsigned n = file.keep; n > 1; n--) {
        numbered(from, sizeof(from), n - 1);
        numbered(to, sizeof(to), n);
        renameat(file.dir, from, file.dir, to);
    }
    numbered(to, sizeof(to), 1);
    renameat(file.dir, file.name, file.dir, to);
    int fresh = open_file(O_EXCL);
    if (fresh >= 0) {
        close(file.fd);
        file.fd = fresh;
    } else if (ftruncate(file.fd, 0) == 0) {
        file.note = "This trace could not be rotated and was begun anew: let its directory be "
                    "writable by the server's account";
    } else {
        file.next_try = file.size + file.max_size;
        return;
    }
    file.size = 0;
    file.next_try = file.max_size;
    file.torn = false;
}

static bool must_rotate(size_t more)
{
    return file.rotates && file.size > 0 && file.size + more > file.next_try;
}

/* Octets written; fewer than asked for when the disk is full or gone. */
static size_t write_all(struct iovec *iov, int count)
{
    size_t total = 0;

    while (count > 0) {
        ssize_t n = writev(file.fd, iov, count);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        total += (size_t)n;
        for (; count > 0 && (size_t)n >= iov->iov_len; iov++, count--)
            n -= (ssize_t)iov->iov_len;
        if (count > 0) {
            iov->iov_base = (char *)iov->iov_base + n;
            iov->iov_len -= (size_t)n;
        }
    }
    file.size += total;
    return total;
}

/* Closes the record that a full disk cut in two. */
static bool mend(void)
{
    static char text[] = "\n$$end_record\n\n";
    struct iovec iov = { .iov_base = text, .iov_len = sizeof(text) - 1 };

    if (file.torn)
        file.torn = write_all(&iov, 1) != sizeof(text) - 1;
    return !file.torn;
}

static bool write_one(struct str record)
{
    struct iovec iov = { .iov_base = (void *)(uintptr_t)record.ptr, .iov_len = record.len };

    if (!mend())
        return false;
    size_t n = write_all(&iov, 1);
    file.torn = n > 0 && n < record.len;
    return n == record.len;
}

static bool write_note(const char *words)
{
    char text[1024];
    struct trace_out o = { .ptr = text, .cap = sizeof(text) - 256 };

    trace_compose_note(&o, words);
    if (must_rotate(o.len))
        rotate();
    return write_one(str_of(o.ptr, o.len));
}

/* What the writer itself has to say. */
static void write_notes(void)
{
    uint64_t dropped = trace_dropped();
    char words[64];

    snprintf(words, sizeof(words), "%llu trace records were dropped",
             (unsigned long long)(dropped - file.reported));
    if (dropped != file.reported && write_note(words))
        file.reported = dropped;
    if (file.note && write_note(file.note))
        file.note = NULL;
}

/* --- from the rings to the file --- */

struct drain {
    unsigned rings;
    uint64_t pos[TRACE_THREADS_MAX], limit[TRACE_THREADS_MAX];
    struct iovec iov[BATCH_RECORDS];
    size_t len[BATCH_RECORDS]; /* iov is consumed by writing */
    int count;
    size_t bytes;
};

static void release(const struct drain *d)
{
    for (unsigned i = 0; i < d->rings; i++)
        atomic_store_explicit(&trace_thread_at(i)->ring.tail, d->pos[i], memory_order_release);
}

static void write_batch(struct drain *d)
{
    if (d->count == 0)
        return;
    if (must_rotate(d->bytes))
        rotate();
    size_t written = mend() ? write_all(d->iov, d->count) : 0;
    int whole = 0;
    for (; whole < d->count && written >= d->len[whole]; whole++)
        written -= d->len[whole];
    if (whole < d->count) {
        file.torn = file.torn || written > 0;
        trace_count_dropped((uint64_t)(d->count - whole));
    }
    d->count = 0;
    d->bytes = 0;
    release(d);
}

static bool fits(const struct drain *d, size_t len)
{
    return d->count < BATCH_RECORDS &&
           (d->count == 0 || (d->bytes + len <= BATCH_BYTES && !must_rotate(d->bytes + len)));
}

static void add(struct drain *d, unsigned ring, struct str record)
{
    if (!fits(d, record.len))
        write_batch(d);
    d->iov[d->count] =
        (struct iovec){ .iov_base = (void *)(uintptr_t)record.ptr, .iov_len = record.len };
    d->len[d->count++] = record.len;
    d->bytes += record.len;
    d->pos[ring] = trace_ring_after(d->pos[ring], record);
}

static void snapshot(struct drain *d)
{
    struct trace_thread *t;

    for (d->rings = 0; (t = trace_thread_at(d->rings)) != NULL; d->rings++) {
        d->pos[d->rings] = atomic_load_explicit(&t->ring.tail, memory_order_relaxed);
        d->limit[d->rings] = atomic_load_explicit(&t->ring.head, memory_order_acquire);
    }
}

/* The ring whose next record has the lowest number; false when all are empty. */
static bool lowest(struct drain *d, unsigned *ring, struct str *record)
{
    bool found = false;
    uint32_t lowest_seq = 0, seq;
    struct str next;

    for (unsigned i = 0; i < d->rings; i++) {
        if (!trace_ring_peek(&trace_thread_at(i)->ring, &d->pos[i], d->limit[i], &seq, &next))
            continue;
        if (found && (int32_t)(seq - lowest_seq) >= 0)
            continue;
        found = true;
        lowest_seq = seq;
        *ring = i;
        *record = next;
    }
    return found;
}

/* Everything that was in the rings at the start, lowest number first. */
static bool drain(void)
{
    static struct drain d; /* of the writer, or of trace_stop when there is none */
    struct str record = STR_NONE;
    unsigned ring = 0;
    bool any = false;

    snapshot(&d);
    while (lowest(&d, &ring, &record)) {
        add(&d, ring, record);
        any = true;
    }
    write_batch(&d);
    write_notes();
    return any;
}

/* --- the thread --- */

static void nap(void)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += LINGER_MS * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_nsec -= 1000000000L;
        until.tv_sec++;
    }
    while (sem_clockwait(&wake, CLOCK_MONOTONIC, &until) != 0 && errno == EINTR)
        ;
}

static void wait_for_records(void)
{
    while (sem_wait(&wake) != 0 && errno == EINTR)
        ;
}

static bool rings_empty(void)
{
    struct trace_thread *t;

    for (unsigned i = 0; (t = trace_thread_at(i)) != NULL; i++) {
        if (atomic_load(&t->ring.head) != atomic_load(&t->ring.tail))
            return false;
    }
    return true;
}

static void serve_flush(uint64_t asked)
{
    pthread_mutex_lock(&flush_lock);
    flush_served = asked;
    pthread_cond_broadcast(&flush_done);
    pthread_mutex_unlock(&flush_lock);
}

static uint64_t flush_ticket(void)
{
    pthread_mutex_lock(&flush_lock);
    uint64_t asked = flush_asked;
    pthread_mutex_unlock(&flush_lock);
    return asked;
}

/* Producers wake only a writer that sleeps, so a busy server pays one wake-up per LINGER_MS. */
static void *write_records(void *unused)
{
    (void)unused;
    for (;;) {
        bool last = atomic_load(&stopping);
        uint64_t asked = flush_ticket();
        bool any = drain();
        serve_flush(asked);
        if (last)
            return NULL;
        atomic_store(&state, any ? WRITER_LINGERS : WRITER_SLEEPS);
        if (any)
            nap();
        else if (rings_empty() && flush_ticket() == asked && !atomic_load(&stopping))
            wait_for_records();
        atomic_store(&state, WRITER_BUSY);
    }
}

static bool start_thread(void)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool ok = pthread_create(&thread, NULL, write_records, NULL) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return ok;
}

/* `urgent` also cuts a nap short. */
static void wake_writer(bool urgent)
{
    int seen = atomic_load(&state);

    if (seen == WRITER_ABSENT && atomic_compare_exchange_strong(&state, &seen, WRITER_STARTING)) {
        int ready = WRITER_STARTING;
        if (!start_thread())
            atomic_compare_exchange_strong(&state, &ready, WRITER_ABSENT);
        return;
    }
    if ((seen == WRITER_SLEEPS || (urgent && seen == WRITER_LINGERS)) &&
        atomic_compare_exchange_strong(&state, &seen, WRITER_BUSY))
        sem_post(&wake);
}

void trace_write_push(struct trace_thread *t, uint32_t seq, struct str record)
{
    uint64_t fill;

    if (!trace_ring_push(&t->ring, seq, record, &fill)) {
        trace_count_dropped(1);
        return;
    }
    wake_writer(fill > TRACE_RING_SIZE / 2);
}

void trace_write_flush(void)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += FLUSH_MAX_S;
    pthread_mutex_lock(&flush_lock);
    uint64_t ticket = ++flush_asked;
    pthread_mutex_unlock(&flush_lock);
    wake_writer(true);
    pthread_mutex_lock(&flush_lock);
    while (flush_served < ticket &&
           pthread_cond_timedwait(&flush_done, &flush_lock, &until) != ETIMEDOUT)
        ;
    pthread_mutex_unlock(&flush_lock);
}

void trace_write_close(void)
{
    atomic_store(&stopping, true);
    if (atomic_load(&state) != WRITER_ABSENT) {
        sem_post(&wake);
        pthread_join(thread, NULL);
    }
    drain();
    sem_destroy(&wake);
    close_file();
    atomic_store(&state, WRITER_ABSENT);
}
