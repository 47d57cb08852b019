/* SPDX-License-Identifier: MIT */
/* Each thread that makes records has a ring of its own.  Rings are never freed: the ring of a
 * thread that ended goes to the next one that begins. */
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "diag/trace_internal.h"

static struct trace_thread *_Atomic threads[TRACE_THREADS_MAX];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* for taking and giving back */
static pthread_key_t on_exit_key;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static _Thread_local struct trace_thread *self;

static void give_back(void *arg)
{
    struct trace_thread *t = arg;

    pthread_mutex_lock(&lock);
    t->taken = false;
    pthread_mutex_unlock(&lock);
    self = NULL;
}

static void make_key(void)
{
    pthread_key_create(&on_exit_key, give_back);
}

/* One mapping; pages that no record touches cost nothing. */
static struct trace_thread *make(void)
{
    size_t first = (sizeof(struct trace_thread) + 4095) & ~(size_t)4095;
    size_t size = first + TRACE_RECORD_MAX + TRACE_HEAD_MAX + TRACE_RING_SIZE;
    char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        /* cppcheck-suppress invalidFunctionArg ; -1: no file */
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (memory == MAP_FAILED)
        return NULL;
    struct trace_thread *t = (void *)memory;
    t->record = memory + first;
    t->head = t->record + TRACE_RECORD_MAX;
    t->ring.data = t->head + TRACE_HEAD_MAX;
    return t;
}

static struct trace_thread *take(void)
{
    for (unsigned i = 0; i < TRACE_THREADS_MAX; i++) {
        struct trace_thread *t = atomic_load_explicit(&threads[i], memory_order_relaxed);
        if (!t && (t = make()) != NULL)
            atomic_store_explicit(&threads[i], t, memory_order_release);
        if (!t)
            return NULL;
        if (!t->taken)
            return t;
    }
    return NULL;
}

static struct trace_thread *join(void)
{
    pthread_once(&once, make_key);
    pthread_mutex_lock(&lock);
    struct trace_thread *t = take();
    if (t) {
        t->taken = true;
        t->cpu = 0;
        t->tid = (uint32_t)gettid();
        pthread_setspecific(on_exit_key, t);
    }
    pthread_mutex_unlock(&lock);
    self = t;
    return t;
}

struct trace_thread *trace_thread_self(void)
{
    return self ? self : join();
}

struct trace_thread *trace_thread_at(unsigned index)
{
    return index < TRACE_THREADS_MAX ? atomic_load_explicit(&threads[index], memory_order_acquire)
                                     : NULL;
}

void trace_thread(unsigned cpu)
{
    struct trace_thread *t = trace_thread_self();

    if (t)
        t->cpu = cpu;
}
